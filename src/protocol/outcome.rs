//! # Outcomes: how an item ends
//!
//! **Promise.** Every item that was accepted ends in exactly one [`Outcome`]. An item that is simply dropped is counted as `internal`, and
//! [`Ledger::forgotten`] tells tests of it.
//!
//! **How.** An item travels in a [`Managed`], whose ends are [`Managed::stored`] and [`Managed::rejected`]; its `Drop` covers what was
//! forgotten. All of them write into a [`Ledger`], which digest puts into the transaction of the batch.
//!
//! **Not here.** Adding up per hour, storing, showing (`digest`, `projects`).

use std::borrow::Cow;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Category, ItemKind};

/// The end of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is in the database.
    Stored,
    /// The same item was stored before.
    Duplicate,
    /// An inbound filter took it out; the filter's stat key.
    Filtered(Cow<'static, str>),
    /// Over a limit; the limit's reason code.
    RateLimited(Cow<'static, str>),
    /// It cannot be used.
    Invalid(InvalidReason),
    /// Its kind is recognised or unknown, and not kept by this server.
    Unsupported,
    /// The SDK dropped it and said so in a client report; the SDK's reason.
    Discarded(String),
}

/// Why an item cannot be used. The texts are stored and shown, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvalidReason {
    /// Larger than its kind may be; the kind.
    TooLarge(&'static str),
    /// One more than an envelope may have.
    DuplicateItem,
    /// Not JSON.
    InvalidJson,
    /// An envelope that cannot be framed.
    InvalidEnvelope,
    /// A content encoding that does not decode.
    InvalidCompression,
    /// A multipart body that cannot be split.
    InvalidMultipart,
    /// Crash reporter data that is not msgpack.
    InvalidMsgpack,
    /// OTLP data that cannot be read.
    InvalidProto,
    /// An item without a type.
    Payload,
    /// Nothing was sent.
    NoData,
    /// The item needs an event, and there is none.
    NoEventPayload,
    /// A time outside all windows.
    Timestamp,
    /// A transaction without what makes one.
    InvalidTransaction,
    /// A log that is none.
    InvalidLog,
    /// A span that is none.
    InvalidSpan,
    /// A metric that is none.
    InvalidTraceMetric,
    /// A session that is none, or of no release.
    InvalidSession,
    /// A check-in that names no monitor, or a status that clients do not say.
    InvalidCheckIn,
    /// A profile that is none.
    InvalidProfile,
    /// A replay event that is none.
    InvalidReplay,
    /// A replay recording that is none.
    InvalidReplayRecording,
    /// A security report that is none.
    SecurityReport,
    /// A security report of an unknown form.
    SecurityReportType,
    /// A minidump request without one.
    MissingMinidumpUpload,
    /// A minidump that is none.
    InvalidMinidump,
    /// The page is not of an allowed domain.
    Cors,
    /// The endpoint does not take the content type.
    ContentType,
    /// The key or project of another.
    ProjectId,
    /// The project went away between acceptance and digest.
    ProjectState,
    /// Feedback that says nothing.
    EmptyFeedback,
    /// A defect of this server: the item was forgotten.
    Internal,
}

impl InvalidReason {
    /// The key under which it is counted.
    pub fn key(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::TooLarge(kind) => return Cow::Owned(format!("too_large:{kind}")),
            Self::DuplicateItem => "duplicate_item",
            Self::InvalidJson => "invalid_json",
            Self::InvalidEnvelope => "invalid_envelope",
            Self::InvalidCompression => "invalid_compression",
            Self::InvalidMultipart => "invalid_multipart",
            Self::InvalidMsgpack => "invalid_msgpack",
            Self::InvalidProto => "invalid_proto",
            Self::Payload => "payload",
            Self::NoData => "no_data",
            Self::NoEventPayload => "no_event_payload",
            Self::Timestamp => "timestamp",
            Self::InvalidTransaction => "invalid_transaction",
            Self::InvalidLog => "invalid_log",
            Self::InvalidSpan => "invalid_span",
            Self::InvalidTraceMetric => "invalid_trace_metric",
            Self::InvalidSession => "invalid_session",
            Self::InvalidCheckIn => "invalid_check_in",
            Self::InvalidProfile => "invalid_profile",
            Self::InvalidReplay => "invalid_replay",
            Self::InvalidReplayRecording => "invalid_replay_recording",
            Self::SecurityReport => "security_report",
            Self::SecurityReportType => "security_report_type",
            Self::MissingMinidumpUpload => "missing_minidump_upload",
            Self::InvalidMinidump => "invalid_minidump",
            Self::Cors => "cors",
            Self::ContentType => "content_type",
            Self::ProjectId => "project_id",
            Self::ProjectState => "project_state",
            Self::EmptyFeedback => "empty_feedback",
            Self::Internal => "internal",
        })
    }
}

/// Every reason without a kind inside.
const PLAIN_REASONS: [InvalidReason; 30] = [
    InvalidReason::DuplicateItem,
    InvalidReason::InvalidJson,
    InvalidReason::InvalidEnvelope,
    InvalidReason::InvalidCompression,
    InvalidReason::InvalidMultipart,
    InvalidReason::InvalidMsgpack,
    InvalidReason::InvalidProto,
    InvalidReason::Payload,
    InvalidReason::NoData,
    InvalidReason::NoEventPayload,
    InvalidReason::Timestamp,
    InvalidReason::InvalidTransaction,
    InvalidReason::InvalidLog,
    InvalidReason::InvalidSpan,
    InvalidReason::InvalidTraceMetric,
    InvalidReason::InvalidSession,
    InvalidReason::InvalidCheckIn,
    InvalidReason::InvalidProfile,
    InvalidReason::InvalidReplay,
    InvalidReason::InvalidReplayRecording,
    InvalidReason::SecurityReport,
    InvalidReason::SecurityReportType,
    InvalidReason::MissingMinidumpUpload,
    InvalidReason::InvalidMinidump,
    InvalidReason::Cors,
    InvalidReason::ContentType,
    InvalidReason::ProjectId,
    InvalidReason::ProjectState,
    InvalidReason::EmptyFeedback,
    InvalidReason::Internal,
];

impl InvalidReason {
    /// The reason with a key; unknown ones are [`InvalidReason::Internal`].
    pub fn from_key(key: &str) -> Self {
        match key.strip_prefix("too_large:") {
            Some("envelope") => Self::TooLarge("envelope"),
            Some(kind) => ItemKind::parse(kind).too_large(),
            None => PLAIN_REASONS.into_iter().find(|reason| reason.key() == key).unwrap_or(Self::Internal),
        }
    }
}

impl Outcome {
    /// The outcome of [`Outcome::name`] and [`Outcome::reason`].
    pub fn from_parts(name: &str, reason: &str) -> Option<Self> {
        Some(match name {
            "stored" => Self::Stored,
            "duplicate" => Self::Duplicate,
            "filtered" => Self::Filtered(Cow::Owned(reason.to_owned())),
            "rate_limited" => Self::RateLimited(Cow::Owned(reason.to_owned())),
            "invalid" => Self::Invalid(InvalidReason::from_key(reason)),
            "unsupported" => Self::Unsupported,
            "discarded" => Self::Discarded(reason.to_owned()),
            _ => return None,
        })
    }

    /// The name under which it is counted and shown.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Filtered(_) => "filtered",
            Self::RateLimited(_) => "rate_limited",
            Self::Invalid(_) => "invalid",
            Self::Unsupported => "unsupported",
            Self::Discarded(_) => "discarded",
        }
    }

    /// The reason within the outcome, empty where there is none.
    pub fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::Stored | Self::Duplicate | Self::Unsupported => Cow::Borrowed(""),
            Self::Filtered(reason) | Self::RateLimited(reason) => reason.clone(),
            Self::Invalid(reason) => reason.key(),
            Self::Discarded(reason) => Cow::Owned(reason.clone()),
        }
    }
}

/// How much of what an item counts as: `(category, quantity)`.
pub type Quantities = Vec<(Category, u64)>;

/// Whose item it was, and when it came: counters are kept per project, key and hour of `received`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// The internal project number.
    pub project_id: i32,
    /// The key it was sent with.
    pub key_id: i32,
    /// Microseconds since 1970.
    pub received: i64,
}

/// One entry of a [`Ledger`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub source: Source,
    /// Of what.
    pub category: Category,
    /// How it ended.
    pub outcome: Outcome,
    /// How much.
    pub quantity: u64,
}

#[derive(Debug, Default)]
struct Book {
    entries: Vec<Entry>,
    forgotten: u64,
}

/// What became of the items of a batch. Clones write into the same book.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Book>>);

impl Ledger {
    /// Counts something that never was in a [`Managed`], such as a line of a client report.
    pub fn count(&self, source: Source, category: Category, outcome: Outcome, quantity: u64) {
        self.0.lock().entries.push(Entry { source, category, outcome, quantity });
    }

    /// Takes out all entries.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.0.lock().entries)
    }

    /// How many items were dropped without an outcome, ever. Anything but 0 is a defect, and a test failure.
    pub fn forgotten(&self) -> u64 {
        self.0.lock().forgotten
    }
}

/// An accepted item: must end as stored or rejected.
#[derive(Debug)]
#[must_use = "an item must end in an outcome"]
pub struct Managed<T> {
    /// Empty once the item has ended.
    item: Option<T>,
    quantities: Quantities,
    source: Source,
    ledger: Ledger,
}

impl<T> Managed<T> {
    /// Takes responsibility for an item.
    pub fn new(item: T, source: Source, quantities: Quantities, ledger: &Ledger) -> Self {
        Self { item: Some(item), quantities, source, ledger: ledger.clone() }
    }

    /// The item, which stays managed.
    pub fn get(&self) -> Option<&T> {
        self.item.as_ref()
    }

    /// The item for change; it stays managed.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.item.as_mut()
    }

    /// Whose it is.
    pub const fn source(&self) -> Source {
        self.source
    }

    /// What it counts as.
    pub fn quantities(&self) -> &[(Category, u64)] {
        &self.quantities
    }

    /// What is counted when it ends so.
    pub fn entries(&self, outcome: &Outcome) -> impl Iterator<Item = Entry> {
        let entry = move |(category, quantity): &(Category, u64)| Entry {
            source: self.source,
            category: *category,
            outcome: outcome.clone(),
            quantity: *quantity,
        };
        self.quantities.iter().map(entry)
    }

    /// Corrects what it counts as, once the content is known.
    pub fn count_as(&mut self, quantities: Quantities) {
        self.quantities = quantities;
    }

    /// Takes in an item that has become part of this one, and ends with it.
    pub fn absorb<U>(&mut self, mut other: Managed<U>) -> Option<U> {
        self.quantities.append(&mut other.quantities);
        other.item.take()
    }

    /// Makes another item of it, such as an event of bytes; the responsibility goes on.
    pub fn map<U>(mut self, make: impl FnOnce(T) -> U) -> Managed<U> {
        // Should `make` panic, `self` is dropped without an item and its guard below counts it.
        let made = self.item.take().map(make);
        let quantities = std::mem::take(&mut self.quantities);
        Managed { item: made, quantities, source: self.source, ledger: self.ledger.clone() }
    }

    /// The item is in the database; to be called when its transaction has written it.
    pub fn stored(self) -> Option<T> {
        self.end(&Outcome::Stored)
    }

    /// The item ends otherwise.
    pub fn rejected(self, outcome: &Outcome) -> Option<T> {
        self.end(outcome)
    }

    fn end(mut self, outcome: &Outcome) -> Option<T> {
        self.count(outcome);
        self.item.take()
    }

    fn count(&mut self, outcome: &Outcome) {
        self.ledger.0.lock().entries.extend(self.entries(outcome));
        self.quantities.clear();
    }
}

impl<T> Drop for Managed<T> {
    fn drop(&mut self) {
        // An ended item is gone; one whose `map` panicked is gone too, but still has its quantities.
        if self.item.is_some() || !self.quantities.is_empty() {
            self.count(&Outcome::Invalid(InvalidReason::Internal));
            self.ledger.0.lock().forgotten += 1;
        }
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
