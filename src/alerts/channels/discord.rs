//! Discord: a line of content, which previews show, and one embed. Nothing in it mentions anybody (`allowed_mentions`).

use serde_json::{Value, json};

use super::message::{Message, Tone, fitting};
use super::text::{code, cut};

/// Characters of one value; a field takes 1,024.
const VALUE: usize = 300;
/// Characters of an embed's title.
const TITLE: usize = 256;
/// Characters of an embed's description.
const DESCRIPTION: usize = 4096;
/// Characters of title, description and fields together: 6,000 is the most.
const ALL: usize = 5800;

/// What is posted.
pub(super) fn body(message: &Message) -> Value {
    fitting(message, payload, fits)
}

fn payload(message: &Message) -> Value {
    let lines = std::iter::once(&message.text).chain(&message.notes).map(|line| code(line, VALUE)).filter(|line| !line.is_empty());
    let named =
        message.listed().iter().map(|named| format!("[{}]({}) {} {}", named.short_id, named.url, code(&named.title, 120), named.facts));
    let rest = Some(message.rest()).filter(|rest| !rest.is_empty());
    let text: Vec<String> = lines.chain(named).chain(rest).collect();
    let fields = message.facts.iter().map(|(name, value)| json!({"name": name, "value": code(value, VALUE), "inline": true}));
    let embed = json!({
        "title": cut(&message.open, TITLE),
        "url": message.url,
        "description": text.join("\n"),
        "color": colour(message.tone()),
        "fields": fields.collect::<Vec<_>>(),
    });
    json!({"content": code(&message.preview, VALUE), "embeds": [embed], "allowed_mentions": {"parse": []}})
}

fn fits(made: &Value) -> bool {
    let embed = &made["embeds"][0];
    let length = |text: &Value| text.as_str().unwrap_or_default().encode_utf16().count();
    let fields = embed["fields"].as_array().into_iter().flatten().map(|field| length(&field["name"]) + length(&field["value"]));
    let description = length(&embed["description"]);
    description <= DESCRIPTION && length(&embed["title"]) + description + fields.sum::<usize>() <= ALL
}

fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Alarm => 0x00c9_372c,
        Tone::Warning => 0x00d9_7706,
        Tone::Plain => 0x0057_534b,
        Tone::Good => 0x002f_7d4f,
    }
}
