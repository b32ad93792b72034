//! # Spans and logs of other systems, counted
//!
//! **Promise.** How many spans or log entries are in a body of OTLP (protobuf or JSON), or of a log drain of Vercel or Heroku: a number, or the
//! reason why it cannot be read. Nothing is built, so a body costs no memory beyond itself.
//!
//! **How.** OTLP nests resource, scope and entry as fields 1, 2 and 2 in both of its requests: [`protobuf`] walks these and steps over the rest.
//!
//! **When it breaks.** Lengths are compared with what is left; nesting is as deep as the path. What does not fit is an error.
//!
//! **Not here.** What spans and logs mean: neither is kept.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::InvalidReason;

/// Fields from a request to its entries: resources, scopes, entries.
const PATH: [u64; 3] = [1, 2, 2];
/// The longest length that a syslog frame may announce, in digits.
const MAX_DIGITS: usize = 7;

/// How many entries a message in protobuf has.
pub fn protobuf(body: &[u8]) -> Result<u64, InvalidReason> {
    count(body, &PATH).ok_or(InvalidReason::InvalidProto)
}

fn count(mut message: &[u8], path: &[u64]) -> Option<u64> {
    let Some((wanted, below)) = path.split_first() else { return Some(1) };
    let mut found: u64 = 0;
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let (field, wire_type) = (key >> 3, key & 7);
        if field == 0 {
            return None;
        }
        match wire_type {
            0 => drop(varint(&mut message)?),
            1 => drop(take(&mut message, 8)?),
            2 => {
                let length = varint(&mut message)?;
                let inner = take(&mut message, length)?;
                if field == *wanted {
                    found = found.saturating_add(count(inner, below)?);
                }
            }
            5 => drop(take(&mut message, 4)?),
            // Groups are gone since 2008, the others never were.
            _ => return None,
        }
    }
    Some(found)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'b>(bytes: &mut &'b [u8], length: u64) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(taken)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Request {
    #[serde(alias = "resourceSpans", alias = "resourceLogs", alias = "resource_spans", alias = "resource_logs")]
    resources: Option<Vec<Resource>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resource {
    #[serde(alias = "scopeSpans", alias = "scopeLogs", alias = "scope_spans", alias = "scope_logs")]
    scopes: Option<Vec<Scope>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Scope {
    #[serde(alias = "spans", alias = "logRecords", alias = "log_records")]
    entries: Option<Vec<IgnoredAny>>,
}

/// How many entries a request in JSON has.
pub fn json(body: &[u8]) -> Result<u64, InvalidReason> {
    let request: Request = serde_json::from_slice(body).map_err(|_| InvalidReason::InvalidJson)?;
    let scopes = request.resources.iter().flatten().flat_map(|resource| resource.scopes.iter().flatten());
    Ok(scopes.map(|scope| scope.entries.as_ref().map_or(0, Vec::len) as u64).sum())
}

/// How many objects a JSON document is: a list's, or one.
pub fn objects(body: &[u8]) -> Result<u64, InvalidReason> {
    if body.trim_ascii_start().starts_with(b"[") {
        let list: Vec<IgnoredAny> = serde_json::from_slice(body).map_err(|_| InvalidReason::InvalidJson)?;
        return Ok(list.len() as u64);
    }
    serde_json::from_slice::<IgnoredAny>(body).map(|_| 1).map_err(|_| InvalidReason::InvalidJson)
}

/// How many lines with a JSON document each.
pub fn lines(body: &[u8]) -> Result<u64, InvalidReason> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.map(objects).try_fold(0_u64, |sum, line| Ok(sum.saturating_add(line?)))
}

/// How many syslog frames, each after its length in bytes and a blank.
pub fn syslog(mut body: &[u8]) -> Result<u64, InvalidReason> {
    let mut frames = 0;
    loop {
        body = body.trim_ascii_start();
        if body.is_empty() {
            return Ok(frames);
        }
        frames += 1;
        body = after_frame(body).ok_or(InvalidReason::InvalidLog)?;
    }
}

fn after_frame(body: &[u8]) -> Option<&[u8]> {
    let digits = body.iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > MAX_DIGITS {
        return None;
    }
    let (length, rest) = body.split_at(digits);
    let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
    rest.strip_prefix(b" ")?.split_at_checked(length).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A field with bytes in it.
    fn field(number: u8, inner: &[u8]) -> Vec<u8> {
        assert!(inner.len() < 128 * 128);
        let length = [(inner.len() & 0x7f) as u8 | 0x80, (inner.len() >> 7) as u8];
        [&[number << 3 | 2][..], &length, inner].concat()
    }

    #[test]
    fn entries_are_counted_through_resources_and_scopes() {
        let entry = field(2, &[0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0xff, 0x01, 0x1d, 1, 2, 3, 4]);
        let scope = field(2, &[field(1, b"scope"), entry.clone(), entry.clone()].concat());
        let resource = field(1, &[field(1, b"resource"), scope.clone(), scope, field(3, b"schema")].concat());
        assert_eq!(protobuf(&[resource.clone(), resource].concat()), Ok(8));
        assert_eq!(protobuf(b""), Ok(0));
        for broken in [&[0x0a, 5, 1][..], &[0x0a], &[0x0b], &[0x02, 0], &[0x80; 11], &field(1, &[0x12, 9])] {
            assert_eq!(protobuf(broken), Err(InvalidReason::InvalidProto), "{broken:?}");
        }
    }

    #[test]
    fn json_counts_the_same() {
        let spans =
            br#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[{},{"name":"\ud800"}]},{"spans":[]},{"spans":null}]},{}]}"#;
        assert_eq!(json(spans), Ok(2));
        assert_eq!(json(br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[1,2,3]}]}]}"#), Ok(3));
        assert_eq!(json(b"{}"), Ok(0));
        for broken in [&b""[..], b"[", b"{\"resourceSpans\":5}"] {
            assert_eq!(json(broken), Err(InvalidReason::InvalidJson));
        }
    }

    #[test]
    fn drains_count_lines_objects_and_frames() {
        assert_eq!(objects(b" [{}, {}, 3]"), Ok(3));
        assert_eq!(objects(b"{\"a\":[1,2]}"), Ok(1));
        assert_eq!(objects(b"{"), Err(InvalidReason::InvalidJson));
        assert_eq!(lines(b"{}\r\n\n{\"a\":1}\n"), Ok(2));
        assert_eq!(lines(b"{}\n{"), Err(InvalidReason::InvalidJson));
        assert_eq!(syslog(b"5 <1>ab\n3 xyz4 \n\n\n\n"), Ok(3));
        assert_eq!(syslog(b""), Ok(0));
        for broken in [&b"9 short"[..], b"x", b"5", b"99999999 x", b"3xyz"] {
            assert_eq!(syslog(broken), Err(InvalidReason::InvalidLog));
        }
    }

    proptest! {
        #[test]
        fn no_body_is_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in "[0-9 x\n]{0,40}") {
            for body in [&bytes[..], text.as_bytes()] {
                for count in [protobuf(body), json(body), objects(body), lines(body), syslog(body)].into_iter().flatten() {
                    prop_assert!(count <= body.len() as u64);
                }
            }
        }
    }
}
