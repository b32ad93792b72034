//! Events, built in the words of the product.

use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

/// An event on its way; ids are numbers, so that tests can name them.
#[derive(Debug, Clone)]
pub(crate) struct Event(pub(crate) Value);

/// An exception of type `kind` in a Python program, one issue per `kind`.
pub(crate) fn error(kind: &str) -> Event {
    Event(json!({
        "platform": "python",
        "level": "error",
        "exception": {"values": [{
            "type": kind,
            "value": "it broke",
            "stacktrace": {"frames": [
                {"filename": "app.py", "module": "app", "function": "main", "lineno": 3, "in_app": true},
                {"filename": "shop.py", "module": "shop", "function": "pay", "lineno": 42, "in_app": true, "context_line": "    charge(card)"},
            ]},
        }]},
    }))
}

/// The event id of a number.
pub(crate) fn event_id(number: u128) -> Uuid {
    Uuid::from_u128(0x580c << 112 | number)
}

impl Event {
    /// With this id.
    pub(crate) fn id(self, number: u128) -> Self {
        self.with("event_id", json!(event_id(number).simple().to_string()))
    }

    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.0[key] = value;
        self
    }

    pub(crate) fn release(self, release: &str) -> Self {
        self.with("release", json!(release))
    }

    pub(crate) fn user(self, id: &str) -> Self {
        self.with("user", json!({"id": id}))
    }

    pub(crate) fn tag(mut self, key: &str, value: &str) -> Self {
        self.0["tags"][key] = json!(value);
        self
    }

    /// When it happened by the client's clock.
    pub(crate) fn at(self, time: chrono::DateTime<chrono::Utc>) -> Self {
        self.with("timestamp", json!(time.timestamp_micros() as f64 / 1e6))
    }

    /// As an envelope with one item.
    pub(crate) fn envelope(&self) -> Bytes {
        envelope(&[("event", self.0.to_string().as_bytes())])
    }
}

/// An envelope of these items, kinds and payloads.
pub(crate) fn envelope(items: &[(&str, &[u8])]) -> Bytes {
    let mut bytes = b"{}\n".to_vec();
    for (kind, payload) in items {
        bytes.extend_from_slice(json!({"type": kind, "length": payload.len()}).to_string().as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(payload);
        bytes.push(b'\n');
    }
    bytes.into()
}
