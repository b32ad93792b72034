//! Mattermost: Slack's older payload (text and attachments), in Markdown and without blocks.
//!
//! Everything is Markdown there, also titles and fields, and `<!channel>` is translated to `@channel` before it is read: what strangers typed stands in
//! code spans, with mentions broken.

use serde_json::{Value, json};

use super::message::{Message, Tone, fitting};
use super::text::code;

/// Characters of one value.
const VALUE: usize = 300;
/// Characters of a whole post: 16,383 is the most, and attachments count.
const ALL: usize = 12_000;

/// What is posted.
pub(super) fn body(message: &Message) -> Value {
    fitting(message, payload, |made| made.to_string().encode_utf16().count() <= ALL)
}

fn payload(message: &Message) -> Value {
    let lines = std::iter::once(&message.text).chain(&message.notes).map(|line| code(line, VALUE)).filter(|line| !line.is_empty());
    let named =
        message.listed().iter().map(|named| format!("- [{}]({}) {} {}", named.short_id, named.url, code(&named.title, VALUE), named.facts));
    let rest = Some(message.rest()).filter(|rest| !rest.is_empty()).map(|rest| format!("- {rest}"));
    let open = format!("[{}]({})", message.open, message.url);
    let text: Vec<String> = lines.chain(named).chain(rest).chain([open]).collect();
    let fields = message.facts.iter().map(|(name, value)| json!({"short": true, "title": name, "value": code(value, VALUE)}));
    let attachment = json!({
        "fallback": code(&message.preview, VALUE),
        "color": colour(message.tone()),
        "text": text.join("\n"),
        "fields": fields.collect::<Vec<_>>(),
    });
    json!({"text": code(&message.preview, VALUE), "attachments": [attachment]})
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Alarm => "#c9372c",
        Tone::Warning => "#d97706",
        Tone::Plain => "#57534b",
        Tone::Good => "#2f7d4f",
    }
}
