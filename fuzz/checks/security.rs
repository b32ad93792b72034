//! A body of the security endpoint: which form each element has, and the event that a report becomes.

use serde_json::Value;
use vedette::digest::process::{Refused, Wishes, reported, settled};
use vedette::event::csp::{Around, Form, event, form};
use vedette::event::json;

/// Elements of a body that are looked at.
const REPORTS: usize = 20;

/// Takes a body apart as ingest does, and makes events of its reports as digest does.
pub fn check(data: &[u8]) {
    let Ok((body, _)) = json::parse(data) else { return };
    let elements = match body {
        Value::Array(elements) => elements,
        other => vec![other],
    };
    for element in elements.iter().take(REPORTS) {
        let around = Around { release: Some("a@1"), environment: Some("live"), origin: Some("https://a.example") };
        if form(element) != Form::Csp {
            assert!(!element.as_object().is_some_and(|map| map.contains_key("csp-report")));
            continue;
        }
        // It travels as text, and is the same report at the other end.
        let payload = element.to_string();
        let wishes = Wishes { scrubber: None, filters: None, store_ips: true };
        let facts = super::event::arrived();
        let become_event = || settled(reported(payload.as_bytes(), around)?, &facts, wishes);
        match become_event() {
            Ok(stored) => {
                assert!(event(element, around).is_ok());
                assert_eq!((&stored["type"], &stored["logger"]), (&"csp".into(), &"csp".into()));
                let text = stored["logentry"]["formatted"].as_str().unwrap_or_default();
                assert!(text.starts_with("Blocked "), "{text:?}");
                super::event::settles(stored, become_event);
            }
            Err(Refused::NotAReport(_)) => assert!(event(element, around).is_err()),
            Err(other) => panic!("{other}"),
        }
    }
}
