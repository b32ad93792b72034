//! # What crash reporters send beside a dump
//!
//! **Promise.** The fields of a minidump upload, and the msgpack files of Sentry's crash handler, become one event in JSON (`protocol.md` 2.5):
//! a native, fatal one with a placeholder exception.
//!
//! **How.** [`Form`] takes the pieces in any order. The handler's own event goes before the form's; `sentry` and its chunks are JSON,
//! `sentry[a][b]` a path into it, and whatever has another name is an annotation and goes to `extra`.
//!
//! **When it breaks.** JSON that cannot be read is kept as text in `extra`; msgpack that cannot be read is left out, and the caller told.
//!
//! **Not here.** The dump.

use rmpv::Value as Msgpack;
use serde_json::{Map, Number, Value, json};

use crate::event::json;

/// Levels of `sentry[a][b]…`, and of msgpack.
const MAX_DEPTH: usize = 50;
/// Breadcrumbs that are kept of a crash handler's files, which are rings of this many.
const MAX_BREADCRUMBS: usize = 100;

/// msgpack that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid msgpack")]
pub struct InvalidMsgpack;

/// What has come so far.
#[derive(Debug, Default)]
pub struct Form {
    event: Map<String, Value>,
    /// Chunks of an event in JSON, by their numbers.
    chunks: Vec<(u32, String)>,
    extra: Map<String, Value>,
    own: Option<Value>,
    breadcrumbs: Vec<Vec<Value>>,
}

impl Form {
    /// A field of the form.
    pub fn field(&mut self, name: &str, value: String) {
        if name == "sentry" {
            self.document(name, &value);
        } else if let Some(number) = name.strip_prefix("sentry__").and_then(|number| number.parse().ok()) {
            self.chunks.push((number, value));
        } else if let Some(path) = path(name) {
            set(&mut self.event, &path, value);
        } else if !name.is_empty() {
            self.extra.insert(name.to_owned(), Value::String(value));
        }
    }

    /// The crash handler's own event.
    pub fn own_event(&mut self, bytes: &[u8]) -> Result<(), InvalidMsgpack> {
        let mut rest = bytes;
        let event = read_msgpack(&mut rest)?;
        if !event.is_object() {
            return Err(InvalidMsgpack);
        }
        self.own = Some(event);
        Ok(())
    }

    /// One of the crash handler's two files of breadcrumbs: one after the other.
    pub fn breadcrumbs(&mut self, bytes: &[u8]) -> Result<(), InvalidMsgpack> {
        let (mut rest, mut crumbs) = (bytes, Vec::new());
        let mut read = Ok(());
        while !rest.is_empty() && read.is_ok() {
            read = read_msgpack(&mut rest).map(|crumb| crumbs.extend(Some(crumb).filter(Value::is_object)));
        }
        // The program may have died while it wrote the last one.
        let keep = crumbs.len().saturating_sub(MAX_BREADCRUMBS);
        crumbs.drain(..keep);
        let is_empty = crumbs.is_empty();
        self.breadcrumbs.push(crumbs);
        if is_empty { read } else { Ok(()) }
    }

    fn document(&mut self, name: &str, text: &str) {
        match json::parse(text.as_bytes()) {
            Ok((Value::Object(document), _)) => merge(&mut self.event, document),
            _ => drop(self.extra.insert(name.to_owned(), Value::String(text.to_owned()))),
        }
    }

    /// The event.
    pub fn into_event(mut self) -> Map<String, Value> {
        self.chunks.sort_by_key(|(number, _)| *number);
        if !self.chunks.is_empty() {
            let text: String = std::mem::take(&mut self.chunks).into_iter().map(|(_, chunk)| chunk).collect();
            self.document("sentry", &text);
        }
        let mut event = self.event;
        if let Some(Value::Object(own)) = self.own {
            // What the handler wrote goes before what the form says.
            let form = std::mem::replace(&mut event, own);
            add_missing(&mut event, form);
        }
        if !self.extra.is_empty() {
            match event.get_mut("extra") {
                Some(Value::Object(extra)) => add_missing(extra, self.extra),
                _ => drop(event.insert("extra".to_owned(), Value::Object(self.extra))),
            }
        }
        let crumbs = in_order(self.breadcrumbs);
        if !crumbs.is_empty() {
            event.insert("breadcrumbs".to_owned(), json!({"values": crumbs}));
        }
        event.remove("exception");
        Crash::Minidump.stand_in(&mut event);
        event
    }
}

/// A file that tells of a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// A minidump.
    Minidump,
    /// A crash report of an Apple system.
    Apple,
}

impl Crash {
    /// What an attachment of this type tells of.
    pub fn of(attachment_type: Option<&str>) -> Option<Self> {
        match attachment_type {
            Some("event.minidump") => Some(Self::Minidump),
            Some("event.applecrashreport") => Some(Self::Apple),
            _ => None,
        }
    }

    /// Makes an event one of a crash whose file nobody has read. An exception that the client sent says more, and stays.
    pub fn stand_in(self, event: &mut Map<String, Value>) {
        event.insert("platform".to_owned(), json!("native"));
        if event.get("level").is_none_or(Value::is_null) {
            event.insert("level".to_owned(), json!("fatal"));
        }
        if event.get("exception").is_none_or(Value::is_null) {
            let (kind, value, mechanism) = match self {
                Self::Minidump => ("Minidump", "Invalid Minidump", "minidump"),
                Self::Apple => ("AppleCrashReport", "Invalid Apple Crash Report", "applecrashreport"),
            };
            let mechanism = json!({"type": mechanism, "handled": false, "synthetic": true});
            event.insert("exception".to_owned(), json!({"values": [{"type": kind, "value": value, "mechanism": mechanism}]}));
        }
    }
}

/// The files' breadcrumbs with the newer file's at the end; no more than the longer file had, for they are rings.
fn in_order(mut files: Vec<Vec<Value>>) -> Vec<Value> {
    let most = files.iter().map(Vec::len).max().unwrap_or(0);
    files.sort_by_key(|crumbs| crumbs.last().map_or_else(String::new, newest));
    let mut crumbs: Vec<Value> = files.into_iter().flatten().collect();
    let surplus = crumbs.len().saturating_sub(most);
    crumbs.drain(..surplus);
    crumbs
}

/// A breadcrumb's time, such that later ones sort behind.
fn newest(crumb: &Value) -> String {
    match crumb.get("timestamp") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(seconds)) => {
            let time = chrono::DateTime::from_timestamp_micros((seconds.as_f64().unwrap_or(0.0) * 1e6) as i64);
            time.unwrap_or_default().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
        }
        _ => String::new(),
    }
}

/// The keys in `sentry[a][b]`.
fn path(name: &str) -> Option<Vec<&str>> {
    let inside = name.strip_prefix("sentry[")?.strip_suffix(']')?;
    let keys: Vec<_> = inside.split("][").collect();
    (keys.len() <= MAX_DEPTH && keys.iter().all(|key| !key.is_empty())).then_some(keys)
}

fn set(map: &mut Map<String, Value>, path: &[&str], value: String) {
    let Some((key, below)) = path.split_first() else { return };
    if below.is_empty() {
        map.insert((*key).to_owned(), Value::String(value));
        return;
    }
    let inner = map.entry(*key).or_insert_with(|| json!({}));
    if !inner.is_object() {
        *inner = json!({});
    }
    if let Value::Object(inner) = inner {
        set(inner, below, value);
    }
}

/// Puts `from` over `into`, object by object.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// Puts `from` under `into`, object by object.
fn add_missing(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => add_missing(into, from),
            (Some(_), _) => {}
            (None, value) => drop(into.insert(key, value)),
        }
    }
}

fn read_msgpack(rest: &mut &[u8]) -> Result<Value, InvalidMsgpack> {
    let value = rmpv::decode::read_value_with_max_depth(rest, MAX_DEPTH).map_err(|_| InvalidMsgpack)?;
    Ok(as_json(value))
}

/// msgpack as JSON. Bytes that are no text have no place in an event, and neither has what stands under a key that is a map or a list: as
/// text, its escapes would double with every level.
fn as_json(value: Msgpack) -> Value {
    match value {
        Msgpack::Nil | Msgpack::Binary(_) | Msgpack::Ext(..) => Value::Null,
        Msgpack::Boolean(value) => Value::Bool(value),
        Msgpack::Integer(number) => {
            number.as_u64().map(Number::from).or_else(|| number.as_i64().map(Number::from)).map_or(Value::Null, Value::Number)
        }
        Msgpack::F32(number) => json!(number),
        Msgpack::F64(number) => json!(number),
        Msgpack::String(text) => Value::String(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        Msgpack::Array(items) => items.into_iter().map(as_json).collect(),
        Msgpack::Map(entries) => {
            let text = |key: Msgpack| match key {
                Msgpack::Array(_) | Msgpack::Map(_) => None,
                scalar => Some(match as_json(scalar) {
                    Value::String(text) => text,
                    other => other.to_string(),
                }),
            };
            Value::Object(entries.into_iter().filter_map(|(key, value)| Some((text(key)?, as_json(value)))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn msgpack(value: &Value) -> Vec<u8> {
        fn of(value: &Value) -> Msgpack {
            match value {
                Value::Null => Msgpack::Nil,
                Value::Bool(value) => Msgpack::Boolean(*value),
                Value::Number(number) => number.as_i64().map_or_else(|| Msgpack::F64(number.as_f64().unwrap()), Msgpack::from),
                Value::String(text) => Msgpack::from(text.as_str()),
                Value::Array(items) => Msgpack::Array(items.iter().map(of).collect()),
                Value::Object(map) => Msgpack::Map(map.iter().map(|(key, value)| (Msgpack::from(key.as_str()), of(value))).collect()),
            }
        }
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &of(value)).unwrap();
        bytes
    }

    fn event(fields: &[(&str, &str)]) -> Value {
        let mut form = Form::default();
        for (name, value) in fields {
            form.field(name, (*value).to_owned());
        }
        Value::Object(form.into_event())
    }

    #[test]
    fn a_form_becomes_a_native_fatal_event() {
        let found = event(&[
            ("sentry", r#"{"release":"game@1","tags":{"a":"1"},"platform":"cocoa"}"#),
            ("sentry[tags][b]", "2"),
            ("sentry[user][id]", "7"),
            ("guid", "abc"),
            ("prod", "Crashpad"),
            ("sentry___global", "{}"),
            ("sentry[]", "x"),
            ("", "nameless"),
        ]);
        let expected = json!({
            "release": "game@1", "tags": {"a": "1", "b": "2"}, "user": {"id": "7"}, "platform": "native", "level": "fatal",
            "extra": {"guid": "abc", "prod": "Crashpad", "sentry___global": "{}", "sentry[]": "x"},
            "exception": {"values": [{"type": "Minidump", "value": "Invalid Minidump", "mechanism": {"type": "minidump", "handled": false, "synthetic": true}}]},
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_crash_stands_in_for_an_exception_only_where_there_is_none() {
        let mut event = json!({"level": "error", "message": "dying"}).as_object().unwrap().clone();
        Crash::of(Some("event.applecrashreport")).unwrap().stand_in(&mut event);
        assert_eq!((&event["level"], &event["exception"]["values"][0]["type"]), (&json!("error"), &json!("AppleCrashReport")));
        let mut event = json!({"exception": {"values": [{"type": "SIGSEGV"}]}}).as_object().unwrap().clone();
        Crash::of(Some("event.minidump")).unwrap().stand_in(&mut event);
        assert_eq!((&event["level"], &event["exception"]["values"][0]["type"]), (&json!("fatal"), &json!("SIGSEGV")));
        assert_eq!([Crash::of(None), Crash::of(Some("event.attachment"))], [None, None]);
    }

    #[test]
    fn chunks_are_joined_by_their_numbers() {
        let found =
            event(&[("sentry__10", "}}"), ("sentry__2", r#"{"a":"#), ("sentry__1", r#"{"level":"error","extra":"#), ("sentry__3", "1")]);
        assert_eq!((&found["level"], &found["extra"]), (&json!("error"), &json!({"a": 1})));
    }

    #[test]
    fn json_that_cannot_be_read_is_not_lost() {
        assert_eq!(event(&[("sentry", "{oops")])["extra"], json!({"sentry": "{oops"}));
        assert_eq!(event(&[("sentry", r#"{"extra":5}"#), ("a", "b")])["extra"], json!({"a": "b"}));
        assert_eq!(event(&[("sentry[a]", "1"), ("sentry[a][b]", "2")])["a"], json!({"b": "2"}));
    }

    #[test]
    fn the_handlers_event_goes_before_the_form() {
        let mut form = Form::default();
        form.field("sentry", r#"{"release":"form","dist":"9","extra":{"a":"form"}}"#.to_owned());
        form.field("a", "annotation".to_owned());
        form.field("b", "annotation".to_owned());
        form.own_event(&msgpack(&json!({"release": "own", "extra": {"n": 1.5, "list": [null, true, -3]}}))).unwrap();
        let event = form.into_event();
        assert_eq!((&event["release"], &event["dist"]), (&json!("own"), &json!("9")));
        assert_eq!(event["extra"], json!({"n": 1.5, "list": [null, true, -3], "a": "form", "b": "annotation"}));
    }

    #[test]
    fn the_newer_breadcrumbs_come_last() {
        let crumb = |n: u32| json!({"timestamp": format!("2026-01-01T00:00:{n:02}Z"), "message": n});
        let file = |range: std::ops::Range<u32>| range.flat_map(|n| msgpack(&crumb(n))).collect::<Vec<u8>>();
        let messages = |files: &[Vec<u8>]| {
            let mut form = Form::default();
            for bytes in files {
                form.breadcrumbs(bytes).unwrap();
            }
            let event = form.into_event();
            event["breadcrumbs"]["values"].as_array().unwrap().iter().map(|crumb| crumb["message"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        for files in [[file(1..6), file(6..8)], [file(6..8), file(1..6)]] {
            assert_eq!(messages(&files), [3, 4, 5, 6, 7]);
        }
        // The last one was being written when the program died.
        let mut cut = file(1..3);
        cut.pop();
        assert_eq!(messages(&[cut]), [1]);
        assert_eq!(messages(&[(0..250).flat_map(|n| msgpack(&json!({"message": n}))).collect()]).len(), MAX_BREADCRUMBS);
    }

    #[test]
    fn keys_that_are_no_scalars_are_left_out() {
        let text = |key: Msgpack| {
            let mut bytes = Vec::new();
            rmpv::encode::write_value(&mut bytes, &Msgpack::Map(vec![(key, 1.into()), ("a".into(), 2.into())])).unwrap();
            let mut form = Form::default();
            form.own_event(&bytes).unwrap();
            let mut event = form.into_event();
            event.retain(|key, _| !["exception", "level", "platform"].contains(&key.as_str()));
            Value::Object(event)
        };
        assert_eq!(text(7.into()), json!({"7": 1, "a": 2}));
        assert_eq!(text(true.into()), json!({"true": 1, "a": 2}));
        assert_eq!(text(Msgpack::Array(vec!["x".into()])), json!({"a": 2}));
        // As text, each level would double the escapes of the one inside: these 60 bytes would become some megabytes.
        let nested = (0..20).fold(Msgpack::from("x"), |inner, _| Msgpack::Map(vec![(inner, Msgpack::Nil)]));
        assert_eq!(text(nested), json!({"a": 2}));
    }

    #[test]
    fn msgpack_that_is_none_is_said_so() {
        let mut form = Form::default();
        assert_eq!(form.own_event(b"\xc1\x01"), Err(InvalidMsgpack));
        assert_eq!(form.own_event(b"\x93\x01"), Err(InvalidMsgpack));
        assert_eq!(form.own_event(&msgpack(&json!([1]))), Err(InvalidMsgpack));
        assert_eq!(form.own_event(&vec![0x91; 100_000]), Err(InvalidMsgpack));
        assert_eq!(form.breadcrumbs(b"\x93\x01"), Err(InvalidMsgpack));
        assert_eq!(form.breadcrumbs(b""), Ok(()));
        assert!(!form.into_event().contains_key("breadcrumbs"));
    }

    proptest! {
        #[test]
        fn no_field_and_no_file_is_too_odd(name in "(sentry|sentry__|\\[|\\]|[0-9a-z]|.){0,12}", value in ".{0,30}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut form = Form::default();
            form.field(&name, value.clone());
            form.field(&format!("sentry[{name}]"), value);
            let _ = form.own_event(&bytes);
            let _ = form.breadcrumbs(&bytes);
            let event = form.into_event();
            prop_assert_eq!(&event["platform"], "native");
        }
    }
}
