//! What was trimmed, filtered or did not fit, in words, from the `_meta` tree of an event.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    json,
    value::{Row, ValueView},
};
use crate::web::number;

/// Longest walk through a hostile `_meta`.
const MAX_DEPTH: usize = 24;
const MAX_NOTES: usize = 100;

/// The node of `_meta` below `key`.
pub(super) fn at<'a>(meta: &'a Value, key: &str) -> &'a Value {
    meta.get(key).unwrap_or(&Value::Null)
}

/// The node of `_meta` below list entry `index`.
pub(super) fn nth(meta: &Value, index: usize) -> &Value {
    at(meta, &index.to_string())
}

/// What `_meta` says about this very value: "by rule “password”", "cut at 8,192 characters, was 9,000".
pub(super) fn note(meta: &Value, value: &Value) -> Option<String> {
    let own = meta.get("")?;
    let remarks = json::values(own.get("rem")).filter_map(|(_, remark)| remark_words(remark, own, value));
    let errors = json::values(own.get("err")).map(|(_, error)| error_words(error, own));
    let mut words: Vec<String> = remarks.chain(errors).take(5).collect();
    words.dedup();
    if words.is_empty() && own.get("len").is_some() {
        words.push(length_words(own, value));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

fn remark_words(remark: &Value, own: &Value, value: &Value) -> Option<String> {
    let rule = remark.get(0)?.as_str()?;
    if rule.starts_with("!limit") {
        return Some(length_words(own, value));
    }
    let kind = match remark.get(1).and_then(Value::as_str).unwrap_or_default() {
        "x" => "removed",
        "m" => "masked",
        "p" => "pseudonymised",
        "e" => "encrypted",
        "a" => "noticed",
        _ => "filtered",
    };
    Some(format!("{kind} by rule “{}”", rule_words(rule)))
}

/// "@password:filter" → "password", "@creditcard:replace" → "credit card numbers".
fn rule_words(rule: &str) -> String {
    let name = rule.trim_start_matches('@').split(':').next().unwrap_or_default();
    match name {
        "creditcard" => "credit card numbers".to_owned(),
        "password" => "passwords and secrets".to_owned(),
        "iban" => "bank accounts".to_owned(),
        "usssn" => "US social security numbers".to_owned(),
        "ip" => "IP addresses".to_owned(),
        "email" => "e-mail addresses".to_owned(),
        "pemkey" => "private keys".to_owned(),
        "urlauth" => "passwords in URLs".to_owned(),
        "bearer" => "bearer tokens".to_owned(),
        other => json::cut(other, 80),
    }
}

fn length_words(own: &Value, value: &Value) -> String {
    let was = own.get("len").and_then(Value::as_i64);
    let (kept, unit) = match value {
        Value::String(s) => (s.chars().count() as i64, "character"),
        Value::Array(list) => (list.len() as i64, "entry"),
        Value::Object(map) => (map.len() as i64, "entry"),
        _ => (0, "byte"),
    };
    let plural = if unit == "entry" { "entries" } else { unit };
    let counted = |n: i64| if unit == "entry" && n != 1 { format!("{} {plural}", number::count(n)) } else { number::counted(n, unit) };
    match was {
        Some(was) if kept > 0 => format!("cut at {}, was {}", counted(kept), number::count(was)),
        Some(was) => format!("left out, was {} long", number::count(was)),
        None => format!("cut at {}", counted(kept)),
    }
}

fn error_words(error: &Value, own: &Value) -> String {
    let kind = error.as_str().or_else(|| error.get(0)?.as_str()).unwrap_or("unknown");
    let reason = error.get(1).map(|details| json::text(details.get("reason"))).unwrap_or_default();
    let words = match kind {
        "invalid_data" => "did not fit".to_owned(),
        "missing_attribute" => "lacked a part".to_owned(),
        "invalid_attribute" => "not known here".to_owned(),
        "value_too_long" => "too long".to_owned(),
        other => json::cut(&other.replace('_', " "), 60),
    };
    let reason = if reason.is_empty() { String::new() } else { format!(": {}", json::cut(&reason, 200)) };
    let original = own.get("val").filter(|v| !v.is_null());
    let sent = original.map(|v| format!(", sent as {}", json::cut(&v.to_string(), 100))).unwrap_or_default();
    format!("{words}{reason}{sent}")
}

/// Parts that are shown as a whole, and so what was done to each as a whole stands beside its heading.
const PARTS: [&str; 14] = [
    "exception.values",
    "threads.values",
    "breadcrumbs.values",
    "request",
    "request.url",
    "request.query_string",
    "request.headers",
    "request.cookies",
    "request.env",
    "tags",
    "contexts",
    "extra",
    "modules",
    "user",
];

/// What was trimmed or filtered of each of [`PARTS`] itself.
pub(super) fn of_parts(event: &Value, meta: &Value) -> BTreeMap<&'static str, String> {
    let said = |part: &&'static str| {
        let node = part.split('.').fold(meta, at);
        let value = part.split('.').fold(event, |value, key| value.get(key).unwrap_or(if key == "values" { value } else { &Value::Null }));
        note(node, value).map(|words| (*part, words))
    };
    PARTS.iter().filter_map(said).collect()
}

/// What `_meta` says about some members of an object, each by its name: "vars: cut at 50 entries, was 90".
pub(super) fn of_members(object: &Value, meta: &Value, keys: &[&str]) -> Vec<String> {
    let said = |key: &&str| {
        note(at(meta, key), object.get(*key).unwrap_or(&Value::Null)).map(|words| format!("{}: {words}", key.replace('_', " ")))
    };
    keys.iter().filter_map(said).collect()
}

/// Every note of the event with the path it stands at, in the event's order.
pub(super) fn all(event: &Value, meta: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    walk(event, meta, &mut Vec::new(), &mut rows);
    rows
}

fn walk<'a>(value: &Value, meta: &'a Value, path: &mut Vec<&'a str>, rows: &mut Vec<Row>) {
    let Some(children) = meta.as_object() else { return };
    if rows.len() >= MAX_NOTES || path.len() > MAX_DEPTH {
        return;
    }
    if let Some(words) = note(meta, value).filter(|_| !path.is_empty()) {
        let shown: Vec<&str> = path.iter().copied().filter(|part| *part != "values").collect();
        rows.push(Row { key: json::cut(&shown.join("."), 200), value: ValueView::plain(words), href: None });
    }
    for (key, child) in children.iter().filter(|(key, _)| !key.is_empty()) {
        let inner = match value {
            Value::Array(list) => key.parse().ok().and_then(|index: usize| list.get(index)),
            other => other.get(key.as_str()),
        };
        path.push(key);
        walk(inner.unwrap_or(&Value::Null), child, path, rows);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_of_remark_reads_as_a_sentence() {
        let long = Value::String("x".repeat(8192));
        for (meta, value, words) in [
            (
                json!({"": {"rem": [["@password:filter", "s", 0, 10]], "len": 7}}),
                json!("[Filtered]"),
                "filtered by rule “passwords and secrets”",
            ),
            (json!({"": {"rem": [["@creditcard:filter", "x"]]}}), Value::Null, "removed by rule “credit card numbers”"),
            (json!({"": {"rem": [["!limit", "s", 8189, 8192]], "len": 9000}}), long, "cut at 8,192 characters, was 9,000"),
            (json!({"": {"len": 40}}), json!([1, 2]), "cut at 2 entries, was 40"),
            (
                json!({"": {"err": [["invalid_data", {"reason": "expected a boolean"}]], "val": "yes"}}),
                Value::Null,
                "did not fit: expected a boolean, sent as \"yes\"",
            ),
        ] {
            assert_eq!(note(&meta, &value).as_deref(), Some(words));
        }
        for nothing in [json!(null), json!({}), json!({"": 7}), json!({"": {"rem": "x", "err": 3}}), json!([1])] {
            assert_eq!(note(&nothing, &Value::Null), None);
        }
    }

    #[test]
    fn what_was_done_to_a_whole_part_stands_with_it() {
        let event = json!({"breadcrumbs": {"values": [{}]}, "request": {"headers": null}, "tags": [["a", "b"]]});
        let removed = json!({"": {"rem": [["@password:remove", "x"]]}});
        let meta = json!({"breadcrumbs": {"values": {"": {"len": 300}}}, "request": {"headers": removed}, "tags": {"0": removed}});
        let parts: Vec<_> = of_parts(&event, &meta).into_iter().collect();
        let expected = [("breadcrumbs.values", "cut at 1 entry, was 300"), ("request.headers", "removed by rule “passwords and secrets”")];
        assert_eq!(parts, expected.map(|(part, words)| (part, words.to_owned())));
        let frame = json!({"vars": {"a": 1}, "context_line": "abc"});
        let meta = json!({"vars": {"": {"len": 90}}, "context_line": {"": {"len": 9000}}});
        assert_eq!(
            of_members(&frame, &meta, &["context_line", "vars"]),
            ["context line: cut at 3 characters, was 9,000", "vars: cut at 1 entry, was 90"]
        );
    }

    #[test]
    fn the_list_of_notes_names_where_each_stands() {
        let event = json!({"exception": {"values": [{"value": "abc"}]}});
        let meta = json!({"exception": {"values": {"0": {"value": {"": {"len": 9}}}}}});
        let rows = all(&event, &meta);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].key.as_str(), rows[0].value.text().as_str()), ("exception.0.value", "cut at 3 characters, was 9"));
    }
}
