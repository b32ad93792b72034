//! A store body, from its packing through JSON and normalising to its groups.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use vedette::event::{NormaliseParams, json, normalise};
use vedette::grouping::{Config, group};
use vedette::protocol::store_body;

/// Building the rules takes longer than grouping by them.
static CONFIG: LazyLock<Config> = LazyLock::new(Config::standard);

fuzz_target!(|data: &[u8]| {
    // What is not packed as a store body is tried as it is.
    let body = Bytes::copy_from_slice(data);
    let json_text = store_body::unpack(&body, 1 << 20).map_or(body, |(json, _)| json);
    let Ok((mut event, notes)) = json::parse(&json_text) else { return };
    notes.attach(&mut event);
    let params = NormaliseParams::new(DateTime::from_timestamp(1_795_000_000, 0).expect("a time"));
    let again = normalise(event.clone(), &params);
    let Ok(mut event) = normalise(event, &params) else { return };
    assert_eq!(Some(&event), again.as_ref().ok(), "normalising depends on nothing else");
    let text = event.to_string();
    assert!(!text.contains("\\u0000"), "PostgreSQL takes no NUL");
    let mut copy = event.clone();
    let (one, other) = (group(&mut event, &CONFIG), group(&mut copy, &CONFIG));
    assert_eq!(one.hashes, other.hashes);
    assert!(!one.hashes.is_empty(), "every event belongs to an issue");
});
