//! The summary of a packed event, without building the rest of it: most of an event is its stack, of which nothing is counted.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::payload;
use super::summary::Summary;

/// What [`Summary::of`] looks at.
#[derive(Serialize, Deserialize)]
struct Skimmed {
    level: Option<Value>,
    platform: Option<Value>,
    release: Option<Value>,
    environment: Option<Value>,
    dist: Option<Value>,
    transaction: Option<Value>,
    server_name: Option<Value>,
    logger: Option<Value>,
    user: Option<Value>,
    tags: Option<Value>,
    request: Option<Request>,
    contexts: Option<Contexts>,
    exception: Option<Exceptions>,
}

#[derive(Serialize, Deserialize)]
struct Request {
    url: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct Contexts {
    browser: Option<Value>,
    os: Option<Value>,
    device: Option<Value>,
    runtime: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct Exceptions {
    values: Option<Vec<Option<Exception>>>,
}

#[derive(Serialize, Deserialize)]
struct Exception {
    mechanism: Option<Value>,
}

/// What is counted of the packed event. An event of an odd shape is unpacked as a whole.
pub fn summary(payload: &[u8]) -> anyhow::Result<Summary> {
    Ok(Summary::of(&parts::<Skimmed>(payload)?))
}

/// The packed event with nothing but the parts that `T` has.
fn parts<T: Serialize + DeserializeOwned>(payload: &[u8]) -> anyhow::Result<Value> {
    let json = payload::unpack(payload)?;
    Ok(match serde_json::from_slice::<T>(&json) {
        Ok(skimmed) => serde_json::to_value(skimmed)?,
        Err(_) => serde_json::from_slice(&json)?,
    })
}

/// What a line of a list tells.
#[derive(Serialize, Deserialize)]
struct Named {
    timestamp: Option<Value>,
    release: Option<Value>,
    environment: Option<Value>,
    user: Option<Value>,
    logentry: Option<Value>,
    exception: Option<Titled>,
}

#[derive(Serialize, Deserialize)]
struct Titled {
    values: Option<Vec<Option<Title>>>,
}

#[derive(Serialize, Deserialize)]
struct Title {
    #[serde(rename = "type")]
    kind: Option<Value>,
    value: Option<Value>,
}

/// The parts of the packed event that name it in a list. An event of an odd shape is unpacked as a whole.
pub fn named(payload: &[u8]) -> anyhow::Result<Value> {
    parts::<Named>(payload)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_what_the_whole_event_gives() {
        let frames = json!([{"filename": "a.py", "vars": {"x": [1, 2, {"tags": []}]}}]);
        let whole = json!({
            "level": "warning", "platform": "javascript", "release": "1.0", "environment": "prod", "dist": "7", "transaction": "/cart",
            "server_name": "api-1", "logger": "shop", "tags": [["plan", "pro"], null, ["x", null]], "extra": {"level": "fatal"},
            "request": {"url": "https://shop.example/cart?q=1#x", "headers": [["a", "b"]]},
            "user": {"email": "ana@example.org", "ip_address": "1.2.3.4"},
            "contexts": {"browser": {"name": "Firefox", "version": "140"}, "device": {"family": "Mac", "model": "MacBook"}, "os": "odd", "x": {}},
            "exception": {"values": [null, {"type": "E", "stacktrace": {"frames": frames}, "mechanism": {"type": "onerror", "handled": false}}]},
        });
        assert_eq!(Summary::of(&whole).tags.len(), 16);
        let mut events = vec![whole.clone(), json!({}), json!([]), json!("odd"), Value::Null];
        for key in ["request", "contexts", "exception", "user", "tags", "level"] {
            for odd in [
                Value::Null,
                json!("odd"),
                json!(7),
                json!([]),
                json!([[1]]),
                json!({}),
                json!({"values": "odd"}),
                json!({"values": [7, "x"]}),
            ] {
                let mut event = whole.clone();
                event[key] = odd;
                events.push(event);
            }
        }
        for event in events {
            assert_eq!(summary(&payload::encode(&event).unwrap()).unwrap(), Summary::of(&event), "{event}");
        }
        assert!(summary(b"{}").is_err());
    }
}
