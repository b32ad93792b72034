//! # Client reports: what SDKs dropped themselves
//!
//! **Promise.** Every well-formed line of a report is counted, whatever stands beside it; reports are never limited and never refused.
//!
//! **When it breaks.** A payload that is no JSON object is an invalid item; lines that make no sense are left out. A report older than
//! 30 days, or from the future, counts for nothing.
//!
//! **Not here.** Adding up. Lists that only Relays send (`filtered_events` …) are not read.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::Category;
use crate::event::json;

/// The longest reason that is kept; longer ones are cut.
const MAX_REASON: usize = 200;
/// The most lines of one report: there are about 40 categories and 15 reasons.
const MAX_LINES: usize = 1000;

/// The reasons that SDKs give by their specification.
const KNOWN: [&str; 15] = [
    "queue_overflow",
    "cache_overflow",
    "buffer_overflow",
    "ratelimit_backoff",
    "network_error",
    "sample_rate",
    "before_send",
    "event_processor",
    "send_error",
    "internal_sdk_error",
    "insufficient_data",
    "backpressure",
    "ignored",
    "invalid",
    "no_parent_span",
];

/// What stands for reasons that are too many to be counted apart.
pub const OTHER: &str = "other";

/// Whether a reason is the specification's, or [`OTHER`]; all else are the client's own words.
pub fn is_known(reason: &str) -> bool {
    KNOWN.contains(&reason) || reason == OTHER
}

/// One line: so many of a category, for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discarded {
    /// The SDK's reason.
    pub reason: String,
    /// Of what; names nobody knows are [`Category::Unknown`].
    pub category: Category,
    /// How many.
    pub quantity: u64,
}

/// A payload that is no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("client report is no JSON object")]
pub struct NotAReport;

/// The lines of a report; none if it is too old or from the future.
pub fn parse(payload: &[u8], received: DateTime<Utc>) -> Result<Vec<Discarded>, NotAReport> {
    let (Value::Object(report), _) = json::parse(payload).map_err(|_| NotAReport)? else { return Err(NotAReport) };
    if let Some(time) = report.get("timestamp").and_then(timestamp) {
        let age = received - time;
        if age > TimeDelta::days(30) || age < TimeDelta::seconds(-60) {
            return Ok(Vec::new());
        }
    }
    let lines = report.get("discarded_events").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(lines.iter().filter_map(line).take(MAX_LINES).collect())
}

fn line(line: &Value) -> Option<Discarded> {
    let reason = line.get("reason").and_then(Value::as_str).unwrap_or_default();
    let category = line.get("category").and_then(Value::as_str)?;
    let quantity = match line.get("quantity") {
        None | Some(Value::Null) => 1,
        Some(quantity) => quantity.as_u64()?,
    };
    let reason = reason.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
    // No counter may overflow by what a client claims.
    (quantity > 0).then(|| Discarded { reason, category: Category::from_name(category), quantity: quantity.min(u64::from(u32::MAX)) })
}

/// Seconds, or RFC 3339 text.
fn timestamp(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Number(seconds) => DateTime::from_timestamp_micros((seconds.as_f64()? * 1e6) as i64),
        Value::String(text) => DateTime::parse_from_rfc3339(text.trim()).ok().map(|time| time.with_timezone(&Utc)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> Result<Vec<(String, &'static str, u64)>, NotAReport> {
        let received = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        Ok(parse(payload.as_bytes(), received)?.into_iter().map(|one| (one.reason, one.category.name(), one.quantity)).collect())
    }

    fn one(reason: &str, category: &'static str, quantity: u64) -> (String, &'static str, u64) {
        (reason.to_owned(), category, quantity)
    }

    #[test]
    fn every_sensible_line_counts() {
        let payload = r#"{"timestamp":1700000000.5,"discarded_events":[
            {"reason":"ratelimit_backoff","category":"error","quantity":3},{"reason":"before_send","category":"internal"},
            {"category":"span","quantity":18446744073709551615},{"reason":"x","category":"error","quantity":-1},
            {"reason":"x","category":"error","quantity":0},{"reason":"x"},5,null],"filtered_events":[{"reason":"x","category":"error","quantity":9}]}"#;
        let expected = vec![one("ratelimit_backoff", "error", 3), one("before_send", "unknown", 1), one("", "span", u64::from(u32::MAX))];
        assert_eq!(read(payload), Ok(expected));
    }

    #[test]
    fn reports_of_other_times_count_for_nothing() {
        let report = |time: &str| {
            read(&format!(r#"{{"timestamp":{time},"discarded_events":[{{"reason":"r","category":"error"}}]}}"#)).unwrap().len()
        };
        // 1,700,000,000 is 2023-11-14T22:13:20Z.
        for (time, lines) in [
            ("1700000060", 1),
            ("1700000061", 0),
            ("1697408000", 1),
            ("1697407999", 0),
            ("\"2023-11-14T22:13:20Z\"", 1),
            ("\"2023-10-14T22:13:20+00:00\"", 0),
            ("\"nonsense\"", 1),
            ("null", 1),
            ("1e300", 1),
            ("1e11", 0),
        ] {
            assert_eq!(report(time), lines, "{time}");
        }
    }

    #[test]
    fn what_is_no_object_is_no_report() {
        for payload in ["", "[]", "nonsense", "5"] {
            assert_eq!(read(payload), Err(NotAReport), "{payload}");
        }
        assert_eq!(read("{}"), Ok(vec![]));
    }

    #[test]
    fn reasons_are_bounded_and_printable() {
        let payload = format!(r#"{{"discarded_events":[{{"reason":"a\n{}","category":"error"}}]}}"#, "b".repeat(500));
        let lines = read(&payload).unwrap();
        assert_eq!(lines[0].0.len(), MAX_REASON);
        assert!(lines[0].0.starts_with("abb"));
    }
}
