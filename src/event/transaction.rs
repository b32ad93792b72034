//! # Transactions: spans, measurements and the name
//!
//! **Promise.** Spans and measurements are typed like the rest; a transaction named by a URL loses its ids, so that one route is one name
//! (`protocol.md` 7.15, 8.15).
//!
//! **Not here.** Whether a transaction is stored at all (`digest`).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::meta::{MetaError, MetaTree, Path, RemarkKind};
use super::scalars;
use super::schema::{Object, Other, Shape, check, expected, field, filled_text, object_mut, reject, text};
use super::timestamps;

const ID: Shape = Shape::Parsed(scalars::span_id);

/// One span.
pub(super) static SPAN: Object = Object {
    expected: "span",
    other: Other::Drop,
    fields: &[
        field("timestamp", Shape::Parsed(timestamps::timestamp)),
        field("start_timestamp", Shape::Parsed(timestamps::timestamp)),
        field("exclusive_time", Shape::Float),
        text("op", 128, 20),
        field("span_id", ID),
        field("parent_span_id", ID),
        field("trace_id", Shape::Parsed(scalars::trace_id)),
        field("segment_id", ID),
        field("is_segment", Shape::Bool),
        field("status", Shape::Parsed(scalars::span_status)),
        field("description", Shape::Text),
        field("tags", Shape::Map(&Shape::JsonText)),
        field("origin", Shape::Text),
        field("profile_id", Shape::Parsed(scalars::event_id)),
        field("data", Shape::Map(&Shape::Any)),
        field("links", Shape::List(&Shape::Any)),
        field("measurements", Shape::Own(measurements)),
        field("platform", Shape::Text),
        field("kind", Shape::Text),
        field("same_process_as_parent", Shape::Bool),
    ],
};

/// `transaction_info`.
pub(super) static TRANSACTION_INFO: Object = Object {
    expected: "transactioninfo",
    other: Other::Drop,
    fields: &[
        field("source", Shape::Parsed(scalars::transaction_source)),
        text("original", 200, 0),
        field("changes", Shape::List(&Shape::Object(&CHANGE))),
        field("propagations", Shape::Unsigned),
    ],
};

static CHANGE: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[
        field("source", Shape::Parsed(scalars::transaction_source)),
        field("propagations", Shape::Unsigned),
        field("timestamp", Shape::Parsed(timestamps::timestamp)),
    ],
};

/// Checks names and values of measurements. Called by the type check.
pub(super) fn measurements(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    let Value::Object(map) = value else { return reject(value, path, meta, expected("measurements")) };
    map.retain(|name, measurement| {
        let valid = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_'));
        if !valid {
            let reason = format!("measurement name '{name}' can contain only characters a-z0-9._");
            meta.add_error(path, MetaError::with_reason("invalid_data", reason));
            return false;
        }
        let place = path.key(name);
        let Value::Object(inner) = measurement else {
            check(measurement, &Shape::Map(&Shape::Any), &place, meta);
            return !measurement.is_null();
        };
        if let Some(number) = inner.get_mut("value").filter(|v| !v.is_number() && !v.is_null()) {
            reject(number, &place.key("value"), meta, expected("a finite floating point number"));
        }
        inner.retain(|key, value| matches!(key.as_str(), "value" | "unit") && !value.is_null());
        if !inner.contains_key("unit") {
            inner.insert("unit".to_owned(), json!(default_unit(name)));
        }
        true
    });
}

fn default_unit(name: &str) -> &'static str {
    match name {
        "frames_frozen_rate" | "frames_slow_rate" | "stall_percentage" => "ratio",
        "ttfb"
        | "lcp"
        | "fp"
        | "fcp"
        | "fid"
        | "inp"
        | "ttfb.requesttime"
        | "app_start_cold"
        | "app_start_warm"
        | "stall_longest_time"
        | "stall_stall_time"
        | "stall_total_time"
        | "time_to_initial_display"
        | "time_to_full_display" => "millisecond",
        _ => "none",
    }
}

/// What looks like an id in a path segment.
static IDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?P<sha1> [^/\\]* \b[0-9a-fA-F]{40}\b [^/\\]*) |
        (?P<md5> [^/\\]* \b[0-9a-fA-F]{32}\b [^/\\]*) |
        (?P<uuid> [^/\\]* [a-fA-F0-9]{8}-?[a-fA-F0-9]{4}-?[a-fA-F0-9]{4}-?[a-fA-F0-9]{4}-?[a-fA-F0-9]{12} [^/\\]*) |
        (?P<date> [^/\\]* [0-9]{4}-[0-9]{2}-[0-9]{2} (?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)? [^/\\]*) |
        (?P<hex> [^/\\]* \b0[xX][0-9a-fA-F]+\b [^/\\]*) |
        (?:^|[/\\]) (?P<int> (?: [^%/\\]|%[0-9a-fA-F]{2} )* [0-9]{2,} [^/\\]*)
        ",
    )
    .ok()
});

/// Settles what only transactions have.
pub(super) fn finish(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    if event.get("type").and_then(Value::as_str) != Some("transaction") {
        event.remove("measurements");
        event.remove("spans");
        return;
    }
    if filled_text(event, "transaction").is_none() {
        event.insert("transaction".to_owned(), json!("<unlabeled transaction>"));
    }
    let info = event.entry("transaction_info").or_insert_with(|| json!({}));
    if !info.is_object() {
        *info = json!({});
    }
    let source = object_mut(event, "transaction_info").map(|info| info.entry("source").or_insert_with(|| json!("unknown")).clone());
    let by_url = source.as_ref().and_then(Value::as_str) == Some("url");
    if by_url
        && let Some(Value::String(name)) = event.get("transaction")
        && let Some((clean, remarks)) = sanitize(name)
    {
        let note = &mut meta.at(&Path::Key(&Path::Root, "transaction")).own;
        note.set_original_value(Value::String(name.clone()));
        for (rule, start, end) in remarks {
            note.add_remark(rule, RemarkKind::Substituted, Some((start, end)));
        }
        event.insert("transaction".to_owned(), Value::String(clean));
    }
    if by_url && let Some(info) = object_mut(event, "transaction_info") {
        info.insert("source".to_owned(), json!("sanitized"));
    }
}

/// A rule and the bytes of the original that it replaced.
type Hit = (&'static str, usize, usize);

/// The name with ids replaced by `*`, and where they were (in the original).
fn sanitize(name: &str) -> Option<(String, Vec<Hit>)> {
    let regex = (*IDS).as_ref()?;
    let mut out = String::new();
    let mut remarks = Vec::new();
    let mut done = 0;
    for found in regex.captures_iter(name) {
        let hit = ["sha1", "md5", "uuid", "date", "hex", "int"].into_iter().find_map(|rule| found.name(rule).map(|m| (rule, m)));
        if let Some((rule, hit)) = hit {
            out.push_str(&name[done..hit.start()]);
            out.push('*');
            remarks.push((rule, hit.start(), hit.end()));
            done = hit.end();
        }
    }
    if remarks.is_empty() {
        return None;
    }
    out.push_str(&name[done..]);
    Some((out, remarks))
}
