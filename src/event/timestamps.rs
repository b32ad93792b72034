//! # Times: every form that clients send, and clocks that are wrong
//!
//! **Promise.** A time becomes seconds since 1970 with microseconds (`protocol.md` 8.3). An event whose clock is wrong is moved as a whole
//! (timestamp, start, breadcrumbs, spans), so that the distances inside it stay true, and `errors` says so.
//!
//! **How.** The parser accepts Relay's forms and, beyond them, naive dates with a blank, numeric texts and milli-, micro- or nanoseconds.
//!
//! **When it breaks.** An unreadable time is null with the reason in `_meta`; the event then happened when it was received.
//!
//! **Not here.** Reading a clock: `received` is an argument.

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::meta::{MetaError, MetaTree, Path};
use super::schema::{expected, float, values_mut};

/// A difference between `sent_at` and `received` from which on the client's clock is taken to be wrong; below it is network delay.
const DRIFT_SECONDS: i64 = 55 * 60;
/// How far in the future an event may be.
const MAX_FUTURE_SECONDS: i64 = 60;
/// How old an event may be.
const MAX_PAST_SECONDS: i64 = 30 * 86_400;
/// The last second of the year 9999; beyond, texts would not sort any more.
const MAX_SECONDS: f64 = 253_402_300_799.0;

/// Reads a time in any of the accepted forms.
pub(super) fn timestamp(value: &Value) -> Result<Value, MetaError> {
    match value {
        Value::Number(number) => number.as_f64().and_then(scaled).map(float),
        Value::String(text) => return parse_text(text).map(|time| seconds(&time)),
        _ => return Err(expected("a timestamp")),
    }
    .ok_or_else(|| MetaError::with_reason("invalid_data", "timestamp out of range"))
}

/// Seconds from a number whose magnitude tells its unit: beyond 1e11 milli-, 1e14 micro-, 1e17 nanoseconds.
fn scaled(number: f64) -> Option<f64> {
    let magnitude = number.abs();
    let seconds = if magnitude > 1e17 {
        number / 1e9
    } else if magnitude > 1e14 {
        number / 1e6
    } else if magnitude > 1e11 {
        number / 1e3
    } else {
        number
    };
    (seconds.abs() <= MAX_SECONDS).then(|| (seconds * 1e6).round() / 1e6)
}

fn parse_text(text: &str) -> Result<DateTime<Utc>, MetaError> {
    if let Ok(naive) = text.parse::<NaiveDateTime>() {
        return Ok(naive.and_utc());
    }
    let error = match text.parse::<DateTime<FixedOffset>>() {
        Ok(time) => return Ok(time.with_timezone(&Utc)),
        Err(error) => error,
    };
    if let Ok(naive) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f") {
        return Ok(naive.and_utc());
    }
    let number = text.bytes().all(|b| b.is_ascii_digit() || b == b'.').then(|| text.parse::<f64>().ok()).flatten();
    number.and_then(scaled).and_then(from_seconds).ok_or_else(|| MetaError::with_reason("invalid_data", error.to_string()))
}

/// The stored form of a time.
pub(super) fn seconds(time: &DateTime<Utc>) -> Value {
    let micros = (f64::from(time.timestamp_subsec_nanos()) / 1e3).round() / 1e6;
    float(time.timestamp() as f64 + micros)
}

fn from_seconds(seconds: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)
}

/// Corrects the times of an event whose sender's clock is wrong, and dates it.
pub(super) fn settle(event: &mut Map<String, Value>, sent_at: Option<DateTime<Utc>>, received: DateTime<Utc>, meta: &mut MetaTree) {
    let path = Path::Key(&Path::Root, "timestamp");
    let skewed = |sdk: DateTime<Utc>, kind: &str| {
        MetaError::new(kind).with("sdk_time", json!(rfc3339(&sdk))).with("server_time", json!(rfc3339(&received)))
    };
    if let Some(sent_at) = sent_at {
        let drift = received - sent_at;
        if drift.num_seconds().abs() >= DRIFT_SECONDS {
            shift(event, drift);
            meta.add_error(&path, skewed(sent_at, "clock_drift"));
        }
    }
    let stamped = event.get("timestamp").and_then(Value::as_f64).and_then(from_seconds);
    let Some(time) = stamped else {
        event.insert("timestamp".to_owned(), seconds(&received));
        return;
    };
    let kind = if time - received > TimeDelta::seconds(MAX_FUTURE_SECONDS) {
        "future_timestamp"
    } else if received - time > TimeDelta::seconds(MAX_PAST_SECONDS) {
        "past_timestamp"
    } else {
        return;
    };
    shift(event, received - time);
    meta.add_error(&path, skewed(time, kind));
}

fn rfc3339(time: &DateTime<Utc>) -> String {
    time.to_rfc3339()
}

/// Moves every time of the event.
fn shift(event: &mut Map<String, Value>, by: TimeDelta) {
    let by = by.num_microseconds().unwrap_or_default() as f64 / 1e6;
    let moved = |map: &mut Map<String, Value>, key: &str| {
        if let Some(time) = map.get_mut(key)
            && let Some(number) = time.as_f64()
        {
            *time = float(((number + by) * 1e6).round() / 1e6);
        }
    };
    moved(event, "timestamp");
    moved(event, "start_timestamp");
    for crumb in values_mut(event, "breadcrumbs").into_iter().flatten().filter_map(Value::as_object_mut) {
        moved(crumb, "timestamp");
    }
    for span in event.get_mut("spans").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        moved(span, "timestamp");
        moved(span, "start_timestamp");
    }
}
