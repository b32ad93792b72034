//! One event as a line of a list.

use serde_json::Value;

use super::{contexts, json};

/// What a list tells of an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventLine {
    /// When it happened, by the client's clock: Unix time. No number where it is not known.
    pub at: Option<f64>,
    /// May be empty.
    pub release: String,
    /// May be empty.
    pub environment: String,
    /// The best name for the user; may be empty.
    pub user: String,
    /// "PaymentDeclined: card processor answered 503", or the message.
    pub title: String,
}

/// Characters of a title.
const MAX_TITLE: usize = 300;
/// Characters of anything else.
const MAX_PART: usize = 200;

impl EventLine {
    /// The line of an event, or of what [`crate::events::skim::named`] left of it.
    pub fn new(event: &Value) -> Self {
        let part = |key: &str| json::cut(&json::text(event.get(key)), MAX_PART);
        Self {
            at: event.get("timestamp").and_then(json::number),
            release: part("release"),
            environment: part("environment"),
            user: contexts::user_name(event),
            title: json::cut(&title(event), MAX_TITLE),
        }
    }
}

/// The exception that was raised last, or the message.
fn title(event: &Value) -> String {
    let newest = json::values(event.get("exception")).map(|(_, exception)| exception).rfind(|exception| exception.is_object());
    let (kind, value) = newest.map(|e| (json::text(e.get("type")), json::text(e.get("value")))).unwrap_or_default();
    match (kind.is_empty(), value.is_empty()) {
        (false, false) => format!("{kind}: {value}"),
        (false, true) => kind,
        (true, false) => value,
        (true, true) => {
            let entry = event.get("logentry").unwrap_or(&Value::Null);
            if entry.is_string() { json::text(Some(entry)) } else { json::first_text(entry, &["formatted", "message"]) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::events::view::samples;
    use crate::events::{payload, skim};

    #[test]
    fn a_line_names_what_tells_events_apart() {
        let line = EventLine::new(&samples::python());
        assert_eq!(line.title, "PaymentDeclined: card processor answered 503 for merchant 40127");
        assert_eq!((line.release.as_str(), line.environment.as_str(), line.user.as_str()), ("1.4.2", "production", "ana@example.org"));
        assert_eq!(EventLine::new(&samples::message()).title, "Slow checkout: took 7.2 s, budget 3 s");
        assert_eq!(EventLine::new(&json!({"exception": {"values": [null, {"value": "x"}, 7]}})).title, "x");
    }

    #[test]
    fn skimmed_events_give_the_same_line() {
        let odd =
            [json!({}), json!({"exception": 7}), json!({"exception": [{"type": "E"}]}), json!({"exception": {"values": [7]}}), json!([])];
        for event in [samples::python(), samples::message(), samples::csp(), samples::group(), samples::hostile()].into_iter().chain(odd) {
            let skimmed = skim::named(&payload::encode(&event).unwrap()).unwrap();
            assert_eq!(EventLine::new(&skimmed), EventLine::new(&event), "{event}");
        }
    }
}
