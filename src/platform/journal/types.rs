//! What the journal takes, gives and says: records, entries, limits, errors, figures. No behaviour beyond small conversions.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::spool::{SpoolId, Spooled};

/// Bytes in one kibibyte, so that the limits below read as they are meant.
const KIB: u64 = 1024;
/// Bytes in one mebibyte.
const MIB: u64 = 1024 * KIB;

/// The place of a record in the queue. Never given twice in the life of a journal directory, also not after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub(super) u64);

impl Seq {
    /// The number itself, for logs and for pages that name a dead letter.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The sequence number a page or a URL named; it may belong to no record.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One record on its way in.
#[derive(Debug)]
pub struct Record {
    pub(super) at: DateTime<Utc>,
    pub(super) body: Bytes,
    pub(super) spool: Vec<Spooled>,
}

impl Record {
    /// A record received `at` that moment (microseconds are kept).
    pub fn new(at: DateTime<Utc>, body: impl Into<Bytes>) -> Self {
        Self { at, body: body.into(), spool: Vec::new() }
    }

    /// The same record, owning these finished spool files: they live exactly as long as the record does.
    #[must_use]
    pub fn with_spool(mut self, files: Vec<Spooled>) -> Self {
        self.spool = files;
        self
    }
}

/// One record on its way out. Cheap to clone: the body shares the block it was read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the queue; `forget`, `release` and `bury` take it.
    pub seq: Seq,
    /// When it was received, as the appender said.
    pub at: DateTime<Utc>,
    /// What was appended.
    pub body: Bytes,
    /// The spool files it owns. They are there for every acknowledged record. A record that was refused when the disk failed can come back
    /// after a crash without them: whoever reads must take a missing file for an empty answer, not for a fault.
    pub spool: Vec<SpoolId>,
}

/// How much one batch may hold. The first record always fits.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// Most records.
    pub records: usize,
    /// Most body bytes.
    pub bytes: usize,
}

/// Where the journal's edges are. Every default has its reason beside it.
#[derive(Debug, Clone, Copy)]
pub struct JournalOptions {
    /// Disk the journal and its spool may use together; past it `append` answers [`AppendError::Full`].
    /// 1 GiB holds about 800,000 errors: more than four minutes of PostgreSQL outage at the full budgeted rate, days at a usual one.
    pub max_bytes: u64,
    /// A segment is closed at this size and deleted when all its records are done. 16 MiB: small enough that a stuck record pins little,
    /// large enough that making files costs nothing. Held to a quarter of `max_bytes` and to 256 MiB.
    pub segment_bytes: u64,
    /// Free disk below which `append` answers [`AppendError::DiskLow`]. 256 MiB leaves PostgreSQL on the same disk room to drain the queue.
    pub min_free_disk: u64,
    /// Largest record. Larger bodies belong in the spool. 32 MiB is above any envelope that ingest keeps inline.
    pub max_record_bytes: usize,
    /// Least time between the starts of two syncs under load; an idle journal syncs at once. Larger groups save CPU, each request waits
    /// at most this much longer. See `docs/adr/0001-journal.md` for what it saves.
    pub sync_interval: Duration,
    /// What a refused client is told to wait. Ten seconds: a drained segment comes free within one, so that nobody waits for long in vain.
    pub retry_after: Duration,
    /// Dead letters kept, in bytes; the oldest go first.
    pub dead_letter_max_bytes: u64,
    /// Dead letters kept, in number: each is a file and a line on the admin page.
    pub dead_letter_max_count: usize,
    /// Dead letters kept, in age: they hold unscrubbed bytes. Two weeks span a holiday.
    pub dead_letter_max_age: Duration,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            max_bytes: 1024 * MIB,
            segment_bytes: 16 * MIB,
            min_free_disk: 256 * MIB,
            max_record_bytes: 32 * MIB as usize,
            sync_interval: Duration::from_millis(2),
            retry_after: Duration::from_secs(10),
            dead_letter_max_bytes: 256 * MIB,
            dead_letter_max_count: 10_000,
            dead_letter_max_age: Duration::from_hours(14 * 24),
        }
    }
}

/// Why a record (or a spool file) was not taken. Nothing of it will be handed out in this process's life.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The queue has reached its bound. Clears by itself as records are forgotten.
    #[error("the journal is full; try again in {} s", retry_after.as_secs())]
    Full {
        /// What to tell the client.
        retry_after: Duration,
    },
    /// The disk has less free space than the journal leaves to others. Clears by itself.
    #[error("the journal's disk is low on space ({free} bytes free); try again in {} s", retry_after.as_secs())]
    DiskLow {
        /// Bytes free when it was last looked at.
        free: u64,
        /// What to tell the client.
        retry_after: Duration,
    },
    /// One record is larger than [`JournalOptions::max_record_bytes`].
    #[error("a record of {bytes} bytes is larger than the journal takes")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The disk refused. The record may or may not be there after a crash; it was not acknowledged. The next append tries a fresh file.
    #[error("the journal cannot write: {message}")]
    Io {
        /// The kind, so that a caller can tell a full disk from a broken one.
        kind: io::ErrorKind,
        /// What the operating system said.
        message: String,
    },
    /// The journal is shutting down.
    #[error("the journal is closed")]
    Closed,
}

impl AppendError {
    pub(super) fn io(error: &io::Error) -> Self {
        Self::Io { kind: error.kind(), message: error.to_string() }
    }
}

/// Why the journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process (or another `Journal` in this one) has it.
    #[error("the journal directory {} is in use by another vedette process", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// A file belongs to a format this version does not know.
    #[error("the journal file {} has format version {version}, which this version of vedette does not read", file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// The version it names.
        version: u16,
    },
    /// The disk refused.
    #[error("cannot open the journal in {}: {source}", dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What a start found. Everything but `records` is zero after a clean stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Segments found.
    pub segments: usize,
    /// Records waiting to be handed out.
    pub records: u64,
    /// Records that are there but were already done.
    pub done: u64,
    /// Segments that ended in an unfinished write (never acknowledged); the tail was cut off.
    pub torn_tails: usize,
    /// Damaged stretches in the middle of segments, each skipped up to the next whole record.
    pub damaged: Vec<Damage>,
    /// Segments that could not be read at all; left on disk for the next start.
    pub unreadable: Vec<PathBuf>,
    /// Spool files that no record named; deleted.
    pub orphans: usize,
}

/// One damaged stretch of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub file: PathBuf,
    /// Where the stretch starts.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
}

/// Upper bounds of the sync histogram's buckets in microseconds; one more bucket holds everything above.
pub const SYNC_BUCKETS_US: [u64; 12] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000, 2_000_000];

/// The journal in figures, for health and metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalStats {
    /// Records acknowledged and not yet forgotten, handed out or not.
    pub records: u64,
    /// Of these, handed out and neither forgotten nor released.
    pub in_flight: u64,
    /// Disk used by segments, done marks and spool files.
    pub bytes: u64,
    /// Its bound.
    pub max_bytes: u64,
    /// Free disk when last looked at.
    pub free_disk: u64,
    /// When the oldest unforgotten record was received, to the second.
    pub oldest_at: Option<DateTime<Utc>>,
    /// Segment files.
    pub segments: u64,
    /// Records appended since the start.
    pub appended: u64,
    /// Groups written, one sync each, since the start.
    pub syncs: u64,
    /// Syncs per bucket of [`SYNC_BUCKETS_US`], then those above.
    pub sync_histogram: [u64; SYNC_BUCKETS_US.len() + 1],
    /// Time spent in syncs since the start.
    pub sync_time: Duration,
    /// Writes or syncs that failed since the start.
    pub write_failures: u64,
    /// Records found damaged when they were to be read since the start. They are lost; anything above zero deserves a look at the disk.
    pub damaged_records: u64,
    /// Segments that cannot be read and wait for the next start.
    pub unreadable_segments: u64,
    /// Dead letters kept.
    pub dead_letters: u64,
    /// Their size.
    pub dead_letter_bytes: u64,
}

/// A stored time; one that chrono cannot hold becomes the epoch.
pub(super) fn micros_to_time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
