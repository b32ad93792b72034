//! A store body through all that digest does with an event: JSON, normalising, filters, scrubbing, groups.

use std::sync::LazyLock;

use bytes::Bytes;
use chrono::DateTime;
use serde_json::Value;
use vedette::digest::process::{Facts, Refused, Wishes, grouped, normalised};
use vedette::event::filters::{FilterSettings, Filters};
use vedette::event::scrub::{ScrubSettings, Scrubber};
use vedette::grouping::Config;
use vedette::protocol::store_body;

/// What a new project wants done. Building the rules takes longer than to follow them.
static PROJECT: LazyLock<(Scrubber, Filters, Config)> = LazyLock::new(|| {
    let scrubber = ScrubSettings::default().compile().expect("the default settings");
    (scrubber, Filters::new(&FilterSettings::default()), Config::standard())
});

/// What is not packed as a store body is tried as it is.
pub fn check(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let json = store_body::unpack(&body, 1 << 20).map_or(body, |(json, _)| json);
    let (scrubber, filters, _) = &*PROJECT;
    let facts = Facts { client_ip: "198.51.100.7".parse().ok(), user_agent: Some("sentry.python/2.44.0"), ..arrived() };
    // Without filters too: what they take has to be as sound as what they leave.
    let wishes = Wishes { scrubber: Some(scrubber), filters: None, store_ips: true };
    match normalised(&json, &facts, wishes) {
        Ok(event) => settles(event, || normalised(&json, &facts, wishes)),
        Err(refused) => assert!(matches!(refused, Refused::NotJson(_) | Refused::NotAnEvent(_)), "{refused}"),
    }
    let _ = normalised(&json, &facts, Wishes { scrubber: None, filters: Some(filters), store_ips: false });
}

/// A request at a fixed time.
pub(super) fn arrived() -> Facts<'static> {
    Facts::new(DateTime::from_timestamp(1_795_000_000, 0).expect("a time"))
}

/// An event that is ready to be stored: the same one each time, storable, and in the same groups each time.
pub(super) fn settles(mut event: Value, again: impl FnOnce() -> Result<Value, Refused>) {
    let mut again = again().expect("what was an event is one");
    assert_eq!(event, again, "normalising depends on nothing else");
    is_storable(&event);
    let (_, _, config) = &*PROJECT;
    let (one, other) = (grouped(&mut event, config), grouped(&mut again, config));
    assert_eq!((&one.hashes, &one.title), (&other.hashes, &other.title));
    assert!(!one.hashes.is_empty(), "every event belongs to an issue");
    assert!(!one.title.contains('\0'));
    is_storable(&event);
}

/// PostgreSQL takes no NUL, and every reader has to be able to read it.
fn is_storable(event: &Value) {
    assert!(!has_nul(event), "a NUL is left");
    let text = event.to_string();
    let read = serde_json::from_str::<Value>(&text);
    assert!(read.is_ok(), "{:?}", read.err());
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}
