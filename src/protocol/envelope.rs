//! # Envelopes: a header line and framed items
//!
//! **Promise.** What SDKs and people send as an envelope is framed as Sentry frames it, payloads as slices of the body, never copied. What
//! cannot be framed is one [`FramingError`], and then nothing of the envelope counts.
//!
//! **How.** [`Envelope::parse`] reads the header; [`Items`] yields one item after the other, so that a body of a million items costs no
//! memory. [`super::framer`] does the same for a body that arrives in pieces; a property test holds the two together.
//!
//! **When it breaks.** Lengths are compared with what is left before anything is sliced. Broken parts of a header that are not needed
//! (`trace`, `sent_at`, `event_id`) are absent.
//!
//! **Not here.** Limits per kind ([`super::items`]), credentials ([`super::auth`]).

use std::fmt::Write as _;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{EventId, ItemKind, Refusal};
use crate::event::json;

/// Why a body is no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// No bytes, or only blanks.
    #[error("empty request body")]
    Empty,
    /// The first line is no JSON object.
    #[error("invalid envelope header")]
    EnvelopeHeader,
    /// The line before a payload is no JSON object, or its `length` is no unsigned integer.
    #[error("invalid item header")]
    ItemHeader,
    /// The payload is longer than its `length`.
    #[error("missing newline after header or payload")]
    MissingNewline,
    /// The payload is shorter than its `length`.
    #[error("unexpected end of file")]
    UnexpectedEof,
    /// A header line beyond all bounds.
    #[error("header line too long")]
    HeaderTooLong,
}

impl From<FramingError> for Refusal {
    fn from(error: FramingError) -> Self {
        match error {
            FramingError::Empty => Self::EmptyBody,
            FramingError::EnvelopeHeader => Self::InvalidEnvelope("invalid envelope header"),
            FramingError::ItemHeader => Self::InvalidEnvelope("invalid item header"),
            FramingError::MissingNewline => Self::InvalidEnvelope("missing newline after header or payload"),
            FramingError::UnexpectedEof => Self::InvalidEnvelope("unexpected end of file"),
            FramingError::HeaderTooLong => Self::InvalidEnvelope("header line too long"),
        }
    }
}

/// The first line of an envelope. Keys that only Relays may set (`remote_addr`, `client` …) are not even read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EnvelopeHeader {
    /// The id the event-like items share; it goes before the ones in their payloads. Absent also when it is no UUID.
    pub event_id: Option<EventId>,
    /// The DSN as sent: credentials where there are no others.
    pub dsn: Option<String>,
    /// The sender's name and version, for events that name none.
    pub sdk: Option<Value>,
    /// The client's clock when it sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// The dynamic sampling context.
    pub trace: Option<Value>,
}

/// The line before a payload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemHeader {
    /// The type as sent; `None` where there is none, and then the item is dropped.
    pub kind_text: Option<String>,
    /// Bytes of the payload; without it, the payload ends at the next line feed.
    pub length: Option<u64>,
    /// What the payload is.
    pub content_type: Option<String>,
    /// The name of an attachment: untrusted.
    pub filename: Option<String>,
    /// What an attachment is for.
    pub attachment_type: Option<String>,
    /// Items in a container.
    pub item_count: Option<u32>,
    /// The platform of a profile chunk.
    pub platform: Option<String>,
    /// The release of a raw security report.
    pub sentry_release: Option<String>,
    /// The environment of a raw security report.
    pub sentry_environment: Option<String>,
}

impl ItemHeader {
    /// The header of an item that is made here, and nothing else in it.
    pub fn of(kind: ItemKind) -> Self {
        Self { kind_text: Some(kind.name().to_owned()), ..Self::default() }
    }

    /// The kind.
    pub fn kind(&self) -> ItemKind {
        self.kind_text.as_deref().map_or(ItemKind::Unknown, ItemKind::parse)
    }

    /// Bytes of its texts.
    pub fn text_bytes(&self) -> u64 {
        let texts = [
            &self.kind_text,
            &self.content_type,
            &self.filename,
            &self.attachment_type,
            &self.platform,
            &self.sentry_release,
            &self.sentry_environment,
        ];
        texts.into_iter().flatten().map(|text| text.len() as u64).sum()
    }

    /// The header as JSON on one line, with this length.
    pub fn to_line(&self, length: u64) -> String {
        let mut map = Map::new();
        let texts = [
            ("type", &self.kind_text),
            ("content_type", &self.content_type),
            ("filename", &self.filename),
            ("attachment_type", &self.attachment_type),
            ("platform", &self.platform),
            ("sentry_release", &self.sentry_release),
            ("sentry_environment", &self.sentry_environment),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                map.insert(key.to_owned(), Value::String(text.clone()));
            }
        }
        if let Some(count) = self.item_count {
            map.insert("item_count".to_owned(), count.into());
        }
        map.insert("length".to_owned(), length.into());
        Value::Object(map).to_string()
    }
}

/// One framed item.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its header.
    pub header: ItemHeader,
    /// Its payload, a slice of the body.
    pub payload: Bytes,
}

/// An envelope whose header is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The header.
    pub header: EnvelopeHeader,
    rest: Bytes,
}

impl Envelope {
    /// Reads the header of a decoded body.
    pub fn parse(body: &Bytes) -> Result<Self, FramingError> {
        let start = body_start(body);
        let body = body.slice(start..);
        if body.is_empty() {
            return Err(FramingError::Empty);
        }
        let (line, rest) = split_line(&body);
        Ok(Self { header: read_envelope_header(&line)?, rest })
    }

    /// The items, as far as they can be framed: after an error there is nothing more.
    pub fn items(&self) -> Items {
        Items { rest: self.rest.clone(), ended: false }
    }

    /// All items; for envelopes that were bounded before.
    pub fn collect_items(&self) -> Result<Vec<Item>, FramingError> {
        self.items().collect()
    }
}

/// The items of an envelope, one after the other.
#[derive(Debug, Clone)]
pub struct Items {
    rest: Bytes,
    ended: bool,
}

impl Iterator for Items {
    type Item = Result<Item, FramingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let blanks = blanks_before(&self.rest);
        let rest = self.rest.slice(blanks..);
        if rest.is_empty() {
            self.ended = true;
            return None;
        }
        let (line, rest) = split_line(&rest);
        let item = read_item_header(&line).and_then(|header| take_payload(header, &rest));
        match item {
            Ok((item, rest)) => {
                self.rest = rest;
                Some(Ok(item))
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

fn take_payload(header: ItemHeader, rest: &Bytes) -> Result<(Item, Bytes), FramingError> {
    let Some(length) = header.length else {
        let (payload, rest) = split_line(rest);
        return Ok((Item { header, payload }, rest));
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= rest.len()).ok_or(FramingError::UnexpectedEof)?;
    let payload = rest.slice(..length);
    let after = rest.slice(length..);
    let after = match &after[..] {
        [] => after,
        [b'\n', ..] => after.slice(1..),
        [b'\r', b'\n', ..] => after.slice(2..),
        _ => return Err(FramingError::MissingNewline),
    };
    Ok((Item { header, payload }, after))
}

/// What stands before the first line feed, and what after it.
fn split_line(bytes: &Bytes) -> (Bytes, Bytes) {
    match memchr::memchr(b'\n', bytes) {
        Some(at) => (bytes.slice(..at), bytes.slice(at + 1..)),
        None => (bytes.clone(), Bytes::new()),
    }
}

pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn blanks_before(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_blank(**byte)).count()
}

fn body_start(body: &[u8]) -> usize {
    let mark = if body.starts_with(BOM) { BOM.len() } else { 0 };
    mark + blanks_before(&body[mark..])
}

/// A header line as an object. Invalid UTF-8 is refused, as the format demands; lone surrogates and repeated keys are read as usual.
fn read_object(line: &[u8]) -> Option<Map<String, Value>> {
    std::str::from_utf8(line).ok()?;
    match json::parse(line.trim_ascii()).ok()?.0 {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

fn take_text(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    match map.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn take_object(map: &mut Map<String, Value>, key: &str) -> Option<Value> {
    map.remove(key).filter(Value::is_object)
}

pub(super) fn read_envelope_header(line: &[u8]) -> Result<EnvelopeHeader, FramingError> {
    let mut map = read_object(line).ok_or(FramingError::EnvelopeHeader)?;
    let sent_at = take_text(&mut map, "sent_at").and_then(|text| DateTime::parse_from_rfc3339(text.trim()).ok());
    Ok(EnvelopeHeader {
        event_id: take_text(&mut map, "event_id").and_then(|text| text.parse().ok()),
        dsn: take_text(&mut map, "dsn"),
        sdk: take_object(&mut map, "sdk"),
        sent_at: sent_at.map(|time| time.with_timezone(&Utc)),
        trace: take_object(&mut map, "trace"),
    })
}

pub(super) fn read_item_header(line: &[u8]) -> Result<ItemHeader, FramingError> {
    let mut map = read_object(line).ok_or(FramingError::ItemHeader)?;
    let length = match map.remove("length") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_u64().ok_or(FramingError::ItemHeader)?),
    };
    Ok(ItemHeader {
        kind_text: take_text(&mut map, "type"),
        length,
        content_type: take_text(&mut map, "content_type"),
        filename: take_text(&mut map, "filename"),
        attachment_type: take_text(&mut map, "attachment_type"),
        item_count: map.remove("item_count").and_then(|count| count.as_u64()).and_then(|count| u32::try_from(count).ok()),
        platform: take_text(&mut map, "platform"),
        sentry_release: take_text(&mut map, "sentry_release"),
        sentry_environment: take_text(&mut map, "sentry_environment"),
    })
}

/// Writes an envelope, with lengths.
#[derive(Debug, Default)]
pub struct EnvelopeWriter(Vec<u8>);

impl EnvelopeWriter {
    /// Begins with a header.
    pub fn new(header: &EnvelopeHeader) -> Self {
        let mut map = Map::new();
        if let Some(id) = header.event_id {
            map.insert("event_id".to_owned(), Value::String(id.to_string()));
        }
        if let Some(time) = header.sent_at {
            map.insert("sent_at".to_owned(), Value::String(time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)));
        }
        for (key, value) in [("sdk", &header.sdk), ("trace", &header.trace)] {
            if let Some(value) = value {
                map.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(dsn) = &header.dsn {
            map.insert("dsn".to_owned(), Value::String(dsn.clone()));
        }
        let mut line = String::new();
        // Writing into a string cannot fail.
        let _ = writeln!(line, "{}", Value::Object(map));
        Self(line.into_bytes())
    }

    /// Adds an item.
    pub fn item(&mut self, header: &ItemHeader, payload: &[u8]) -> &mut Self {
        self.0.extend_from_slice(header.to_line(payload.len() as u64).as_bytes());
        self.0.push(b'\n');
        self.0.extend_from_slice(payload);
        self.0.push(b'\n');
        self
    }

    /// The bytes.
    pub fn finish(self) -> Bytes {
        self.0.into()
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
