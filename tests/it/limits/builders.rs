//! What the cases are made of: requests of a size, and what the books say of them.

use serde_json::{Value, json};

use super::{Beyond, Books, Case, Sent};

/// An object as text of exactly so many bytes.
pub(super) fn padded(mut object: Value, size: u64) -> Vec<u8> {
    object["pad"] = json!("");
    let filler = (size as usize).checked_sub(object.to_string().len()).expect("a larger limit");
    object["pad"] = json!("x".repeat(filler));
    object.to_string().into_bytes()
}

pub(super) fn lines(lines: &[&str]) -> Books {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

pub(super) fn to(path: &str, content_type: &'static str, body: Vec<u8>) -> Sent {
    Sent { path: path.to_owned(), content_type, body }
}

/// An envelope; the last item of one whose lengths are not announced ends with it.
pub(super) fn envelope(id: &str, items: &[(Value, Vec<u8>)], announced: bool) -> Sent {
    let mut body = json!({"event_id": id}).to_string().into_bytes();
    for (header, payload) in items {
        let mut header = header.clone();
        if announced {
            header["length"] = json!(payload.len());
        }
        body.extend_from_slice(format!("\n{header}\n").as_bytes());
        body.extend_from_slice(payload);
    }
    to("envelope/", "application/x-sentry-envelope", body)
}

pub(super) fn event() -> (Value, Vec<u8>) {
    (json!({"type": "event"}), br#"{"message":"boom"}"#.to_vec())
}

pub(super) fn of_kind(kind: &str, payload: Vec<u8>) -> (Value, Vec<u8>) {
    (json!({"type": kind}), payload)
}

pub(super) fn too_large_item(kind: &str) -> String {
    format!("envelope exceeded size limits for type '{kind}' (https://develop.sentry.dev/sdk/envelopes/#size-limits)")
}

/// A limit on a body.
pub(super) fn body(
    (limit, at): (&'static str, u64),
    send: impl Fn(u64, &str) -> Sent + 'static,
    taken: impl Fn(u64) -> Books + 'static,
) -> Case {
    let beyond = Beyond::Refused(413, "payload too large".to_owned(), "unknown invalid too_large:envelope 1");
    Case { limit, at, is_body: true, send: Box::new(move |size, id, _| send(size, id)), taken: Box::new(taken), beyond }
}

/// A limit on an item without which the envelope makes no sense.
pub(super) fn main_item(
    (limit, at): (&'static str, u64),
    kind: &'static str,
    payload: Value,
    (taken, refused): (&'static str, &'static str),
) -> Case {
    let send = move |size, id: &str, announced| envelope(id, &[of_kind(kind, padded(payload.clone(), size))], announced);
    let beyond = Beyond::Refused(413, too_large_item(kind), refused);
    Case { limit, at, is_body: false, send: Box::new(send), taken: Box::new(move |_| lines(&[taken])), beyond }
}

/// A limit on an item beside an event, which is stored whatever becomes of the item. `COUNT` in a line is the size.
pub(super) fn side_item(
    (limit, at): (&'static str, u64),
    kind: &'static str,
    payload: impl Fn(u64, &str) -> Vec<u8> + 'static,
    (taken, left_out): (&'static [&'static str], &'static [&'static str]),
) -> Case {
    let send = move |size, id: &str, announced| envelope(id, &[event(), of_kind(kind, payload(size, id))], announced);
    let with_event = |of_item: &'static [&'static str]| {
        move |size: u64| {
            let of_item = of_item.iter().map(|line| line.replace("COUNT", &size.to_string()));
            of_item.chain(["error stored 1".to_owned()]).collect::<Books>()
        }
    };
    let beyond = Beyond::LeftOut(Box::new(with_event(left_out)));
    Case { limit, at, is_body: false, send: Box::new(send), taken: Box::new(with_event(taken)), beyond }
}

/// The same for a payload that is an object.
pub(super) fn side_object(
    limit: (&'static str, u64),
    kind: &'static str,
    payload: Value,
    books: (&'static [&'static str], &'static [&'static str]),
) -> Case {
    side_item(limit, kind, move |size, _| padded(payload.clone(), size), books)
}

/// A limit on the number of items beside an event; `books` say of (taken, surplus).
pub(super) fn number(
    (limit, at): (&'static str, u64),
    items: impl Fn(u64) -> (Value, Vec<u8>) + 'static,
    books: impl Fn(u64, u64) -> Books + Clone + 'static,
) -> Case {
    let send = move |number, id: &str, announced| {
        let mut all = vec![event()];
        all.extend((0..number).map(&items));
        let Sent { body, .. } = envelope(id, &all, announced);
        to("envelope/", "", body)
    };
    let with_event = move |number: u64| {
        let mut lines = books(number.min(at), number.saturating_sub(at));
        lines.retain(|line| !line.ends_with(" 0"));
        lines.push("error stored 1".to_owned());
        lines
    };
    let beyond = Beyond::LeftOut(Box::new(with_event.clone()));
    Case { limit, at, is_body: false, send: Box::new(send), taken: Box::new(with_event), beyond }
}

/// A form with a boundary of `x`.
pub(super) fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, filename, data) in parts {
        let file = filename.map_or_else(String::new, |filename| format!("; filename=\"{filename}\""));
        body.extend_from_slice(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--");
    body
}

pub(super) const FORM: &str = "multipart/form-data; boundary=x";
