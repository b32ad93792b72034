//! ntfy: a message published as JSON to the server's root, which names the topic. Its text is plain, so nothing in it means anything.

use serde_json::{Value, json};
use url::Url;

use super::message::{Message, Tone};
use super::text::cut_bytes;

/// Bytes of a message: what is longer than 4,096 becomes an attachment.
const MESSAGE: usize = 3800;
/// Bytes of a title.
const TITLE: usize = 250;
/// Letters of a topic.
const TOPIC: usize = 64;

/// The topic that an address names, and where it is published to.
pub(super) fn topic(url: &Url) -> Option<(Url, String)> {
    let topic = url.path_segments()?.next_back()?.to_owned();
    let is_topic =
        !topic.is_empty() && topic.len() <= TOPIC && topic.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let mut root = url.clone();
    root.path_segments_mut().ok()?.pop();
    root.set_query(None);
    is_topic.then_some((root, topic))
}

/// What is posted.
pub(super) fn body(message: &Message, topic: &str) -> Value {
    let plain = message.plain();
    let (_, text) = plain.split_once('\n').unwrap_or(("", &plain));
    let (tag, priority) = match message.tone() {
        Tone::Alarm => ("rotating_light", 4),
        Tone::Warning => ("warning", 3),
        Tone::Plain => ("speech_balloon", 3),
        Tone::Good => ("white_check_mark", 2),
    };
    json!({
        "topic": topic,
        "title": cut_bytes(&message.preview, TITLE),
        "message": cut_bytes(text, MESSAGE),
        "tags": [tag],
        "priority": priority,
        "click": message.url,
        "actions": [{"action": "view", "label": message.open, "url": message.url}],
    })
}
