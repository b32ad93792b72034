//! Slack: an incoming webhook takes text for previews and blocks.
//!
//! What strangers typed stands in plain text objects and in text elements of rich text, which Slack does not parse; the preview is escaped as Slack asks
//! (`&`, `<`, `>`), so that `<!channel>` is only text.

use serde_json::{Value, json};

use super::message::{Message, Named, fitting};
use super::text::cut;

/// Characters of a header.
const HEADER: usize = 150;
/// Characters of a section's text.
const SECTION: usize = 3000;
/// Characters of a field.
const FIELD: usize = 2000;
/// Characters of all of it. Slack documents limits of its parts only, and refuses messages of about 13,000.
const ALL: usize = 10_000;

/// What is posted.
pub(super) fn body(message: &Message) -> Value {
    fitting(message, payload, |made| made.to_string().encode_utf16().count() <= ALL)
}

fn payload(message: &Message) -> Value {
    let mut blocks = vec![json!({"type": "header", "text": plain(&message.title, HEADER)})];
    let text: Vec<&str> =
        std::iter::once(&message.text).chain(&message.notes).map(String::as_str).filter(|line| !line.is_empty()).collect();
    if !text.is_empty() {
        blocks.push(json!({"type": "section", "text": plain(&text.join("\n"), SECTION)}));
    }
    let fields: Vec<Value> = message.facts.iter().map(|(name, value)| plain(&format!("{name}\n{value}"), FIELD)).collect();
    if !fields.is_empty() {
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    let items: Vec<Value> = message.listed().iter().map(item).chain(rest(message)).collect();
    if !items.is_empty() {
        blocks.push(json!({"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": items}]}));
    }
    let link = json!({"type": "link", "url": message.url, "text": message.open});
    let place = json!({"type": "text", "text": format!(" in {}", message.project)});
    blocks.push(json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [link, place]}]}));
    json!({"text": escaped(&cut(&message.preview, SECTION)), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

fn item(named: &Named) -> Value {
    let link = json!({"type": "link", "url": named.url, "text": named.short_id});
    let text = json!({"type": "text", "text": format!(" {} ({})", named.title, named.facts)});
    json!({"type": "rich_text_section", "elements": [link, text]})
}

fn rest(message: &Message) -> Option<Value> {
    let rest = message.rest();
    (!rest.is_empty()).then(|| json!({"type": "rich_text_section", "elements": [{"type": "text", "text": rest}]}))
}

fn plain(text: &str, max: usize) -> Value {
    json!({"type": "plain_text", "text": cut(text, max), "emoji": false})
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
