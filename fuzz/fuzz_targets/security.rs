//! A body of the security endpoint: which form each element has, and the event it becomes.
#![no_main]

use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use vedette::digest::process::{Facts, Wishes, grouped, settled};
use vedette::event::csp::{Around, Form, event, form};
use vedette::event::json;
use vedette::grouping::Config;

fuzz_target!(|data: &[u8]| {
    let Ok((body, _)) = json::parse(data) else { return };
    let elements = match body {
        Value::Array(elements) => elements,
        other => vec![other],
    };
    let facts = Facts::new(DateTime::from_timestamp(1_795_000_000, 0).expect("a time"));
    let wishes = Wishes { scrubber: None, filters: None, store_ips: true };
    for element in elements.iter().take(20).filter(|element| form(element) == Form::Csp) {
        let around = Around { release: Some("a@1"), environment: Some("live"), origin: None };
        let Ok(report) = event(element, around) else { continue };
        let mut first = settled(report.clone(), &facts, wishes).expect("an event is an object");
        let mut second = settled(report, &facts, wishes).expect("an event is an object");
        assert_eq!(first["type"], "csp");
        let (one, other) = (grouped(&mut first, &Config::standard()), grouped(&mut second, &Config::standard()));
        assert!(one.title.starts_with("Blocked "), "{}", one.title);
        assert_eq!(one.hashes, other.hashes);
        assert_eq!(first, second);
    }
});
