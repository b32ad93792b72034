//! What the page of recent requests says of requests that were taken: what was then not stored, or stored without some of its parts.
//!
//! A flood must not cost a line each: nothing here differs from event to event but what is said of them; no address, no sizes, no positions.

use bytes::Bytes;

use crate::projects::recent::{NOT_STORED, Request, TRIMMED};
use crate::protocol::outcome::Entry;
use crate::protocol::record::{Endpoint, Record};
use crate::protocol::{Category, InvalidReason, Outcome};

/// Parts of events that a line names.
const MAX_PARTS: usize = 5;
/// Longest name of a client.
const MAX_CLIENT: usize = 100;

/// What became of a record's items.
#[derive(Debug, Default)]
pub(super) struct Fate {
    /// Why an event is not stored, if more is known than its outcome.
    pub(super) why: String,
    /// Parts that were left out of its events.
    pub(super) trimmed: Vec<String>,
    /// Something of it is stored.
    pub(super) is_stored: bool,
}

/// The lines of a record, of which this has ended.
pub(super) fn of(record: &Record, ended: &[Entry], fate: Fate) -> Vec<Request> {
    let mut lines = Vec::new();
    let left_out: Vec<_> = ended.iter().filter(|entry| is_told(entry)).map(|e| (e.category, e.outcome.clone(), e.quantity)).collect();
    if !left_out.is_empty() {
        let refusal = if fate.is_stored { "" } else { NOT_STORED };
        lines.push(Request { refusal, detail: fate.why, left_out, ..line(record) });
    }
    if !fate.trimmed.is_empty() {
        let mut parts = fate.trimmed;
        parts.sort_unstable();
        parts.dedup();
        if parts.len() > MAX_PARTS {
            parts.splice(MAX_PARTS.., ["and others".to_owned()]);
        }
        lines.push(Request { refusal: TRIMMED, detail: parts.join(", "), ..line(record) });
    }
    lines
}

/// The lines of a record that became a dead letter; ingest has told of what it left out.
pub(super) fn of_dead_letter(body: &Bytes, lost: &[Entry]) -> Vec<Request> {
    let Ok(record) = Record::decode(body) else { return Vec::new() };
    let lost: Vec<Entry> = lost.iter().filter(|entry| entry.outcome == Outcome::Invalid(InvalidReason::Internal)).cloned().collect();
    of(&record, &lost, Fate::default())
}

/// What people look for. Sizes are left out, and what the SDK says it dropped is its own affair.
fn is_told(entry: &Entry) -> bool {
    entry.category != Category::Attachment && matches!(entry.outcome, Outcome::Filtered(_) | Outcome::Invalid(_))
}

fn line(record: &Record) -> Request {
    let client = record.sentry_client.as_deref().or(record.user_agent.as_deref()).unwrap_or_default();
    let plain = |letter: char| if letter == ' ' || letter.is_ascii_graphic() { letter } else { '?' };
    Request {
        at: chrono::DateTime::from_timestamp_micros(record.received).unwrap_or_default(),
        project_id: Some(record.project_id),
        key_id: record.key_id,
        endpoint: endpoint(record.endpoint).to_owned(),
        status: 200,
        client: client.chars().take(MAX_CLIENT).map(plain).collect(),
        ..Request::default()
    }
}

/// As the path has it.
const fn endpoint(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Envelope => "envelope",
        Endpoint::Store => "store",
        Endpoint::Security => "security",
        Endpoint::Minidump => "minidump",
        Endpoint::Attachments => "events",
        Endpoint::Cron => "cron",
        Endpoint::Otlp => "integration",
        Endpoint::ErrorPage => "embed",
        Endpoint::Counts => "",
    }
}
