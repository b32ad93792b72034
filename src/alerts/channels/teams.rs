//! Microsoft Teams: a workflow ("When a Teams webhook request is received") takes a message with one Adaptive Card.
//!
//! Text blocks and fact sets read Markdown, so all of it is rich text, whose runs do not. A mention needs an entity, and there is none.

use serde_json::{Value, json};

use super::message::{Message, Tone, fitting};
use super::text::cut;

/// Bytes of a message: 28 KB is the most.
const ALL: usize = 24_000;
/// Characters of the summary, which notifications show.
const SUMMARY: usize = 200;

/// What is posted.
pub(super) fn body(message: &Message) -> Value {
    fitting(message, payload, |made| made.to_string().len() <= ALL)
}

fn payload(message: &Message) -> Value {
    let title = json!({"type": "TextRun", "text": message.title, "weight": "Bolder", "size": "Medium", "color": colour(message.tone())});
    let mut rows = vec![row(&[title])];
    let lines = std::iter::once(&message.text).chain(&message.notes).filter(|line| !line.is_empty());
    rows.extend(lines.map(|line| row(&[run(line)])));
    rows.extend(message.facts.iter().map(|(name, value)| {
        let name = json!({"type": "TextRun", "text": format!("{name}: "), "isSubtle": true});
        row(&[name, run(value)])
    }));
    rows.extend(message.listed().iter().map(|named| {
        let link = json!({"type": "TextRun", "text": named.short_id, "selectAction": {"type": "Action.OpenUrl", "url": named.url}});
        let facts = json!({"type": "TextRun", "text": format!(" {}", named.facts), "isSubtle": true});
        row(&[link, run(&format!(" {}", named.title)), facts])
    }));
    rows.extend(Some(message.rest()).filter(|rest| !rest.is_empty()).map(|rest| row(&[run(&rest)])));
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": cut(&message.preview, SUMMARY),
        "body": rows,
        "actions": [{"type": "Action.OpenUrl", "title": message.open, "url": message.url}],
        "msteams": {"width": "Full"},
    });
    let attachment = json!({"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card});
    json!({"type": "message", "summary": cut(&message.preview, SUMMARY), "attachments": [attachment]})
}

fn row(inlines: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": inlines})
}

fn run(text: &str) -> Value {
    json!({"type": "TextRun", "text": text})
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Alarm => "Attention",
        Tone::Warning => "Warning",
        Tone::Plain => "Default",
        Tone::Good => "Good",
    }
}
