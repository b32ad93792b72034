//! # Messages
//!
//! **Promise.** `logentry.formatted` is what people read; `message` stays beside it only when it is a template that says more (`protocol.md` 8.8).
//!
//! **How.** Percent placeholders are tried first, then braces. Both scan the template once.
//!
//! **When it breaks.** A template that does not fit its parameters is shown as it is.

use serde_json::{Map, Value};

use super::meta::{MetaError, MetaTree, Path};
use super::schema::{Limit, budget};
use super::schema::{Object, Other, Shape, chars, check_object, expected, filled_text, limited, reject};

const MESSAGE: Limit = chars(8192, 200);

/// `logentry`.
pub(super) static LOGENTRY: Object = Object {
    expected: "a logentry",
    other: Other::Drop,
    fields: &[
        limited("message", Shape::Text, MESSAGE),
        limited("formatted", Shape::Text, MESSAGE),
        limited("params", Shape::Own(params), budget(2048, 5)),
    ],
};

fn params(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    if !matches!(value, Value::Array(_) | Value::Object(_)) {
        reject(value, path, meta, expected("message parameters"));
    }
}

/// Brings any form of a message into an object; the type check of the event calls it.
pub(super) fn shape(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    match value {
        Value::Object(map) => {
            let sent = map.clone();
            let empty = map.is_empty();
            check_object(map, &LOGENTRY, path, meta);
            if !empty && !map.contains_key("message") && !map.contains_key("formatted") {
                let nothing = sent.iter().all(|(key, value)| value.is_null() || !matches!(key.as_str(), "message" | "formatted"));
                let mut shown = sent;
                for key in ["message", "formatted", "params"] {
                    shown.insert(key.to_owned(), Value::Null);
                }
                if nothing && !map.contains_key("params") && shown.len() == 3 {
                    *value = Value::Null;
                    return;
                }
                *value = Value::Object(shown);
                reject(value, path, meta, MetaError::with_reason("invalid_data", "no message present"));
            }
        }
        Value::String(_) => wrap(value),
        other => {
            *other = Value::String(other.to_string());
            wrap(other);
        }
    }
}

fn wrap(value: &mut Value) {
    let mut map = Map::new();
    map.insert("formatted".to_owned(), value.take());
    *value = Value::Object(map);
}

/// Formats the template when the client did not.
pub(super) fn finish(event: &mut Map<String, Value>) {
    let Some(Value::Object(logentry)) = event.get_mut("logentry") else { return };
    if filled_text(logentry, "formatted").is_none()
        && let Some(message) = filled_text(logentry, "message")
    {
        let formatted = logentry.get("params").and_then(|params| format(message, params)).unwrap_or_else(|| message.to_owned());
        logentry.insert("formatted".to_owned(), Value::String(formatted));
    }
    if logentry.contains_key("formatted") && logentry.get("message") == logentry.get("formatted") {
        logentry.remove("message");
    }
    if filled_text(logentry, "formatted").is_none() && filled_text(logentry, "message").is_none() && !logentry.contains_key("params") {
        event.remove("logentry");
    }
}

/// The template with its parameters, if they fit and change it.
fn format(template: &str, params: &Value) -> Option<String> {
    let printable = match params {
        Value::Array(items) => !items.iter().any(Value::is_null),
        Value::Object(map) => !map.values().any(Value::is_null),
        _ => false,
    };
    if !printable {
        return None;
    }
    [percent(template, params), braces(template, params)].into_iter().flatten().find(|text| text != template)
}

/// Bytes of a formatted message: beyond it the template stays as it is. A short one that names a long parameter again and again would take all memory.
const MAX_FORMATTED: usize = 32 * 1024;
/// Bytes of a parameter's name.
const MAX_NAME: usize = 256;

/// The name that a text begins with, up to `end`, and what follows.
fn name_until(text: &str, end: char) -> Option<(&str, &str)> {
    // No further than a name may go: a text of nothing but beginnings would cost its square.
    let at = text[..text.floor_char_boundary(MAX_NAME)].find(end)?;
    Some((&text[..at], &text[at + end.len_utf8()..]))
}

/// Appends a parameter as its directive wants it; `None` when it cannot.
fn print(value: &Value, letter: u8, out: &mut String) -> Option<()> {
    let text = match (letter, value) {
        (b'x', _) => format!("{:x}", value.as_u64()?),
        (b'X', _) => format!("{:X}", value.as_u64()?),
        (b'o', _) => format!("{:o}", value.as_u64()?),
        (b'c' | b'e' | b'E' | b'g' | b'G', _) => return None,
        (b'r' | b'a', Value::String(_)) => value.to_string(),
        (_, Value::String(text)) => {
            out.push_str(text);
            return (out.len() <= MAX_FORMATTED).then_some(());
        }
        // JSON writes large floats with an exponent; people read digits.
        (_, Value::Number(number)) if number.is_f64() && number.as_f64().is_some_and(|n| n.abs() >= 1e16) => number.as_f64()?.to_string(),
        _ => value.to_string(),
    };
    out.push_str(&text);
    (out.len() <= MAX_FORMATTED).then_some(())
}

/// `%s %d %(name)s %%`.
fn percent(template: &str, params: &Value) -> Option<String> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    let mut position = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('%') {
            out.push('%');
            rest = tail;
            continue;
        }
        let Some((name, letter, tail)) = directive(rest) else {
            // A percent sign that begins no placeholder is text.
            out.push('%');
            continue;
        };
        let value = if let Some(name) = name {
            params.get(name)?
        } else {
            position += 1;
            params.as_array()?.get(position - 1)?
        };
        print(value, letter, &mut out)?;
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

/// A placeholder after its percent sign: name, letter, and what follows.
fn directive(text: &str) -> Option<(Option<&str>, u8, &str)> {
    let (name, rest) = match text.strip_prefix('(') {
        Some(inner) => {
            let (name, rest) = name_until(inner, ')')?;
            (Some(name), rest)
        }
        None => (None, text),
    };
    let flags = rest.find(|c: char| !matches!(c, '#' | '0' | '-' | '+' | '1'..='9' | '.' | '*'))?;
    let rest = &rest[flags..];
    let rest = rest.trim_start_matches(['h', 'l', 'L']);
    let letter = *rest.as_bytes().first()?;
    b"diouxXeEfFgGcrsa".contains(&letter).then(|| (name, letter, &rest[1..]))
}

/// `{} {0} {name}`.
fn braces(template: &str, params: &Value) -> Option<String> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    let mut position = 0;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.starts_with('{') {
            return None;
        }
        let Some((name, tail)) = name_until(rest, '}') else {
            out.push('{');
            continue;
        };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            out.push('{');
            continue;
        }
        let value = if name.is_empty() {
            position += 1;
            params.as_array()?.get(position - 1)?
        } else if let Ok(index) = name.parse::<usize>() {
            params.as_array()?.get(index)?
        } else {
            params.get(name)?
        };
        print(value, b's', &mut out)?;
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}
