//! # Records: what ingest journals and digest reads
//!
//! **Promise.** One accepted request, whatever its endpoint, is one record: who sent it, from where, when it was received (once, for ever),
//! the kept items as an envelope, and what was counted but not kept. What [`Record::encode`] writes, [`Record::decode`] reads, also in later
//! versions of the program: the first byte says which form it is.
//!
//! **How.** Little-endian numbers, lengths as LEB128, texts cut to a bound. The envelope is compressed by zstd at level 1 when it is large
//! enough for that to pay and comes out smaller.
//!
//! **When it breaks.** Bytes of another version, or that end early, are an error that digest buries as a dead letter. The journal's own
//! checksums guard against damage; decoding holds no more than [`MAX_ENVELOPE`] whatever the bytes say.
//!
//! **Not here.** The journal; where spooled payloads lie (the journal's entry names the files in the order of [`Record::spooled`]).

mod bytes;

use std::net::IpAddr;

use ::bytes::Bytes;

use self::bytes::{Reader, Writer, compress, cut, decompress};
use super::envelope::{Envelope, FramingError, ItemHeader, read_item_header};
use super::{Category, EventId, Outcome};

/// The form that is written.
const VERSION: u8 = 1;
/// Beside the version: the record was a dead letter.
const RETRIED: u8 = 0x80;
/// The largest envelope a record may hold, decompressed: far above what ingest keeps outside the spool.
pub const MAX_ENVELOPE: usize = 256 << 20;
/// Below this, compression saves too little to be worth its time.
const COMPRESS_FROM: usize = 1024;
/// Headers that clients send are kept up to this many bytes.
const MAX_TEXT: usize = 2048;

/// Where a request came in. The number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Endpoint {
    /// `/envelope/`.
    Envelope = 0,
    /// `/store/`, all forms.
    Store = 1,
    /// `/security/` and its other names.
    Security = 2,
    /// `/minidump/`.
    Minidump = 3,
    /// Attachments of one event.
    Attachments = 4,
    /// The cron check-in URL.
    Cron = 5,
    /// OTLP.
    Otlp = 6,
    /// The form of the error page.
    ErrorPage = 7,
    /// Counts only: what was refused, or came to an endpoint whose data is not kept.
    Counts = 8,
}

impl Endpoint {
    const ALL: [Self; 9] = [
        Self::Envelope,
        Self::Store,
        Self::Security,
        Self::Minidump,
        Self::Attachments,
        Self::Cron,
        Self::Otlp,
        Self::ErrorPage,
        Self::Counts,
    ];
}

/// The client hint headers of a browser.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHints {
    /// `Sec-CH-UA`.
    pub brands: Option<String>,
    /// `Sec-CH-UA-Platform`.
    pub platform: Option<String>,
    /// `Sec-CH-UA-Platform-Version`.
    pub platform_version: Option<String>,
    /// `Sec-CH-UA-Mobile`.
    pub mobile: Option<String>,
    /// `Sec-CH-UA-Model`.
    pub model: Option<String>,
}

/// A payload that lies in a spool file.
#[derive(Debug, Clone, PartialEq)]
pub struct SpooledItem {
    /// Its header.
    pub header: ItemHeader,
    /// Its size.
    pub length: u64,
}

/// Something counted at ingest and not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Of what.
    pub category: Category,
    /// How it ended.
    pub outcome: Outcome,
    /// How much.
    pub quantity: u64,
}

/// One accepted request.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Microseconds since 1970, stamped once.
    pub received: i64,
    /// The internal project number.
    pub project_id: i32,
    /// The public project number.
    pub dsn_id: i64,
    /// The key it was sent with.
    pub key_id: i32,
    /// Where it came in.
    pub endpoint: Endpoint,
    /// The envelope's event id: the client's, or the one generated for it and answered.
    pub event_id: Option<EventId>,
    /// The sender's address, as far as it is known and trusted.
    pub client_ip: Option<IpAddr>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The client hints.
    pub hints: ClientHints,
    /// `sentry_client`: name and version of the SDK.
    pub sentry_client: Option<String>,
    /// The page that sent it.
    pub origin: Option<String>,
    /// The kept items that are not spooled, as a decoded envelope.
    pub envelope: Bytes,
    /// The spooled items, in the order of the files that the journal's entry names.
    pub spooled: Vec<SpooledItem>,
    /// What is to be counted with the batch.
    pub counted: Vec<Counted>,
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer program.
    #[error("record version {0} is not known")]
    Version(u8),
    /// Cut or garbled.
    #[error("record is malformed")]
    Malformed,
    /// The envelope inside does not decompress.
    #[error("record does not decompress")]
    Compression,
}

/// The bytes of a record, marked as one that was a dead letter: its items were counted as lost. Bytes that are no record stay none.
pub fn retried(bytes: Bytes) -> Bytes {
    let mut marked = Vec::from(bytes);
    if let Some(first) = marked.first_mut() {
        *first |= RETRIED;
    }
    marked.into()
}

/// Whether these bytes were marked by [`retried`].
pub fn is_retried(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & RETRIED != 0)
}

impl Record {
    /// A record without sender and items: an empty envelope, and nothing counted.
    pub fn bare(endpoint: Endpoint, received: i64, (project_id, dsn_id, key_id): (i32, i64, i32)) -> Self {
        Self {
            received,
            project_id,
            dsn_id,
            key_id,
            endpoint,
            event_id: None,
            client_ip: None,
            user_agent: None,
            hints: ClientHints::default(),
            sentry_client: None,
            origin: None,
            envelope: Bytes::from_static(b"{}"),
            spooled: Vec::new(),
            counted: Vec::new(),
        }
    }

    /// The envelope, framed.
    pub fn open(&self) -> Result<Envelope, FramingError> {
        Envelope::parse(&self.envelope)
    }

    /// The bytes for the journal.
    pub fn encode(&self) -> Vec<u8> {
        let compressed = if self.envelope.len() >= COMPRESS_FROM { compress(&self.envelope) } else { None };
        let body = compressed.as_deref().unwrap_or(&self.envelope);
        let mut out = Writer(Vec::with_capacity(256 + body.len()));
        out.0.push(VERSION);
        out.0.push(self.endpoint as u8);
        out.0.extend_from_slice(&self.received.to_le_bytes());
        out.0.extend_from_slice(&self.project_id.to_le_bytes());
        out.0.extend_from_slice(&self.dsn_id.to_le_bytes());
        out.0.extend_from_slice(&self.key_id.to_le_bytes());
        out.event_id(self.event_id);
        out.ip(self.client_ip);
        let ClientHints { brands, platform, platform_version, mobile, model } = &self.hints;
        for text in [&self.user_agent, brands, platform, platform_version, mobile, model, &self.sentry_client, &self.origin] {
            out.optional(text.as_deref());
        }
        out.number(self.spooled.len() as u64);
        for item in &self.spooled {
            out.bytes(item.header.to_line(item.length).as_bytes());
        }
        out.number(self.counted.len() as u64);
        for one in &self.counted {
            out.0.extend_from_slice(&one.category.id().to_le_bytes());
            out.bytes(one.outcome.name().as_bytes());
            out.bytes(cut(&one.outcome.reason(), MAX_TEXT).as_bytes());
            out.number(one.quantity);
        }
        out.0.push(u8::from(compressed.is_some()));
        out.number(self.envelope.len() as u64);
        out.bytes(body);
        out.0
    }

    /// The record in bytes of the journal. An uncompressed envelope is a slice of them.
    pub fn decode(bytes: &Bytes) -> Result<Self, RecordError> {
        let mut reader = Reader(bytes.clone());
        let version = reader.byte()? & !RETRIED;
        if version != VERSION {
            return Err(RecordError::Version(version));
        }
        let endpoint = reader.byte()?;
        let endpoint = *Endpoint::ALL.get(usize::from(endpoint)).ok_or(RecordError::Malformed)?;
        let record = Self {
            endpoint,
            received: i64::from_le_bytes(reader.array()?),
            project_id: i32::from_le_bytes(reader.array()?),
            dsn_id: i64::from_le_bytes(reader.array()?),
            key_id: i32::from_le_bytes(reader.array()?),
            event_id: reader.event_id()?,
            client_ip: reader.ip()?,
            user_agent: reader.optional()?,
            hints: ClientHints {
                brands: reader.optional()?,
                platform: reader.optional()?,
                platform_version: reader.optional()?,
                mobile: reader.optional()?,
                model: reader.optional()?,
            },
            sentry_client: reader.optional()?,
            origin: reader.optional()?,
            spooled: reader.list(Reader::spooled)?,
            counted: reader.list(Reader::counted)?,
            envelope: reader.envelope()?,
        };
        if reader.0.is_empty() { Ok(record) } else { Err(RecordError::Malformed) }
    }
}

impl Reader {
    fn spooled(&mut self) -> Result<SpooledItem, RecordError> {
        let mut header = read_item_header(&self.bytes()?).map_err(|_| RecordError::Malformed)?;
        let length = header.length.take().ok_or(RecordError::Malformed)?;
        Ok(SpooledItem { header, length })
    }

    fn counted(&mut self) -> Result<Counted, RecordError> {
        let category = Category::from_id(i16::from_le_bytes(self.array()?));
        let (name, reason) = (self.text()?, self.text()?);
        let outcome = Outcome::from_parts(&name, &reason).ok_or(RecordError::Malformed)?;
        Ok(Counted { category, outcome, quantity: self.number()? })
    }

    fn envelope(&mut self) -> Result<Bytes, RecordError> {
        let compressed = self.byte()?;
        let length = self.number()?;
        let body = self.bytes()?;
        let length = usize::try_from(length).ok().filter(|length| *length <= MAX_ENVELOPE).ok_or(RecordError::Malformed)?;
        let envelope = match compressed {
            0 => body,
            1 => decompress(&body, length).ok_or(RecordError::Compression)?.into(),
            _ => return Err(RecordError::Malformed),
        };
        if envelope.len() == length { Ok(envelope) } else { Err(RecordError::Malformed) }
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
