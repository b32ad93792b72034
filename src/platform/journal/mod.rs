//! # Journal: the durable queue between ingest and digest
//! **Promise.** A record whose `append` returned `Ok` survives `kill -9` and a power cut, is handed out in order until it is forgotten, and
//! is not given up because a later one succeeded. A full disk or a full queue is said before anything is taken.
//! **How.** A log of segment files on local disk. One writer thread ([`writer`]) puts all waiting records behind one another and syncs once
//! for all of them; readers ([`queue`]) walk the files; done marks say per record what was forgotten; a segment is deleted when every record
//! in it is done. Large bodies stand beside it ([`spool`]), records that cannot be digested too ([`dead_letters`]).
//! **When it breaks.** A torn tail is cut, damage is stepped over and reported, a file that failed once is not written again. After a crash
//! records may be handed out once more whose marks were not yet on disk: whoever reads must be idempotent, digest is.
//! **Not here.** What a record means; retry policy; the clock (callers say when a record was received).
//!
//! Why not an embedded store: `docs/adr/0001-journal.md`. All disk access goes through [`Files`], so that tests can cut the power.

mod dead_letters;
mod files;
mod format;
mod pending;

mod queue;
mod recovery;
mod segment;
mod space;
mod spool;

#[cfg(test)]
mod tests;
mod types;
mod writer;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_blocking;

pub use dead_letters::DeadLetter;
pub use files::{Files, JournalFile, LockGuard, OsFiles};
pub use spool::{SpoolId, SpoolWriter, Spooled};
pub use types::{
    AppendError, BatchLimits, Damage, Entry, JournalOptions, JournalStats, OpenError, Record, RecoveryReport, SYNC_BUCKETS_US, Seq,
};

use dead_letters::DeadLetters;
use pending::{Append, Pending};
use queue::Queue;
use space::Space;
use spool::{Spool, blocking};
use writer::{WriteFigures, Writer};

/// The size of a request that must find room for the journal to count as open.
const TYPICAL: u64 = 64 << 10;

/// What the journal and its writer thread share.
struct Shared {
    files: Arc<dyn Files>,
    pending: Pending,
    queue: Mutex<Queue>,
    /// One reader at a time; held while reading, when `queue` is not.
    reading: Mutex<()>,
    readers: Notify,
    space: Arc<Space>,
    spool: Arc<Spool>,
    dead: DeadLetters,
    figures: Mutex<WriteFigures>,
    lock: Mutex<Option<LockGuard>>,
}

/// The queue; share it in an [`Arc`]. Dropping it closes it.
pub struct Journal {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    max_bytes: u64,
    max_record_bytes: usize,
}

impl Journal {
    /// Opens the queue in `dir`, made if it is not there, and says what it found. Reads every segment once; blocking.
    pub fn open(dir: &Path, options: JournalOptions, files: Arc<dyn Files>) -> Result<(Self, RecoveryReport), OpenError> {
        let options =
            JournalOptions { segment_bytes: options.segment_bytes.min(options.max_bytes / 4).min(segment::MAX_SEGMENT_BYTES), ..options };
        let failed = |source| OpenError::Io { dir: dir.to_owned(), source };
        files.create_dir(dir).map_err(failed)?;
        let lock = files.lock(&dir.join("lock")).map_err(failed)?.ok_or_else(|| OpenError::Locked { dir: dir.to_owned() })?;
        let space = Arc::new(Space::new(Arc::clone(&files), dir.to_owned(), &options));
        let found = recovery::recover(dir, &options, &files, &space)?;
        let shared = Arc::new(Shared {
            files,
            pending: Pending::default(),
            queue: Mutex::new(found.queue),
            reading: Mutex::default(),
            readers: Notify::new(),
            space,
            spool: found.spool,
            dead: found.dead,
            figures: Mutex::default(),
            lock: Mutex::new(Some(lock)),
        });
        // The salt only has to be unknown to clients; the hasher's keys come from the operating system.
        let salt = RandomState::new().hash_one(found.next_seq);
        let writer = Writer::new(Arc::clone(&shared), dir.to_owned(), &options, (salt, found.next_seq));
        let ended = Ended(Arc::clone(&shared));
        let run = move || {
            let _ended = ended;
            writer.run();
        };
        let thread = std::thread::Builder::new().name("journal".into()).spawn(run).map_err(failed)?;
        let JournalOptions { max_bytes, max_record_bytes, .. } = options;
        Ok((Self { shared, thread: Mutex::new(Some(thread)), max_bytes, max_record_bytes }, found.report))
    }

    /// Whether a request of a usual size would be taken now.
    pub fn room(&self) -> Result<(), AppendError> {
        self.admit(TYPICAL)
    }

    /// Whether a record of this size would be taken now; takes nothing. For asking before a body is read.
    pub fn admit(&self, bytes: u64) -> Result<(), AppendError> {
        self.shared.space.check(bytes)
    }

    /// Puts a record at the end of the queue. Returns once it survives a power cut, together with all that waited beside it.
    /// A caller that stops waiting does not take its record back.
    pub async fn append(&self, record: Record) -> Result<Seq, AppendError> {
        let Record { at, body, spool } = record;
        if body.len() > self.max_record_bytes {
            return Err(AppendError::TooLarge { bytes: body.len() });
        }
        let (reply, answer) = oneshot::channel();
        let append = Append { at_micros: at.timestamp_micros(), body, spool, reply };
        let bytes = append.frame_bytes();
        self.shared.space.reserve(bytes)?;
        if !self.shared.pending.push(|work| work.appends.push(append)) {
            self.shared.space.release(bytes);
            return Err(AppendError::Closed);
        }
        answer.await.unwrap_or(Err(AppendError::Closed))
    }

    /// The next records in order, at least one when there is any; released ones first. None of them is handed out again until it is
    /// released or the process starts anew. An error is worth a retry after a pause.
    pub async fn next_batch(&self, limits: BatchLimits) -> io::Result<Vec<Entry>> {
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || shared.read_batch(limits)).await.map_err(io::Error::other)?
    }

    /// Returns when `next_batch` has something to look at. May be dropped at any time.
    pub async fn wait_for_records(&self) {
        let mut notified = std::pin::pin!(self.shared.readers.notified());
        loop {
            notified.as_mut().enable(); // before looking, so that what comes in between is noticed
            if self.shared.queue.lock().waiting() {
                return;
            }
            notified.as_mut().await;
            notified.set(self.shared.readers.notified());
        }
    }

    /// The outcomes of these records are committed: they are never handed out again. Unknown ones are left alone.
    /// The mark reaches the disk soon; a crash before that repeats the record.
    pub fn forget(&self, seqs: &[Seq]) {
        self.shared.forget(seqs, false);
    }

    /// The outcome of a buried record is committed: it is never handed out again; its spool files belong to the letter now.
    pub fn forget_buried(&self, seq: Seq) {
        self.shared.forget(&[seq], true);
    }

    /// These records failed: the next `next_batch` hands them out again.
    pub fn release(&self, seqs: &[Seq]) {
        self.shared.queue.lock().release(seqs);
        self.shared.readers.notify_waiters();
    }

    /// Copies a record that is out to the dead letters, and hands it over once more. It stays out until [`Self::forget_buried`]; handed out
    /// and buried again after a crash, it replaces its own letter. `InvalidData`: it is damaged on disk and cannot be copied.
    pub async fn bury(&self, seq: Seq, reason: &str, now: DateTime<Utc>) -> io::Result<Entry> {
        let (shared, reason) = (Arc::clone(&self.shared), reason.to_owned());
        let work = move || {
            let entry = shared.reread(seq)?;
            shared.dead.bury(&entry, &reason, now)?;
            Ok(entry)
        };
        spawn_blocking(work).await.map_err(io::Error::other)?
    }

    /// All dead letters, oldest first.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.shared.dead.list()
    }

    /// The raw bytes of a dead letter; `None` when there is none of that number.
    pub async fn read_dead_letter(&self, seq: Seq) -> io::Result<Option<Bytes>> {
        let shared = Arc::clone(&self.shared);
        let work = move || Ok(shared.dead.read(seq)?.map(|(_, body)| body));
        spawn_blocking(work).await.map_err(io::Error::other)?
    }

    /// Puts a dead letter at the end of the queue again, as `marked` makes it and with its first time of receipt; its new place, or `None`
    /// when there is no such letter.
    pub async fn retry_dead_letter(&self, seq: Seq, marked: fn(Bytes) -> Bytes) -> Result<Option<Seq>, AppendError> {
        let shared = Arc::clone(&self.shared);
        let Some((letter, body)) = blocking(move || shared.dead.read(seq)).await? else {
            return Ok(None);
        };
        let spool = letter.spool.iter().map(|id| self.shared.spool.adopt(*id)).collect();
        let new = self.append(Record { at: letter.at, body: marked(body), spool }).await?;
        let shared = Arc::clone(&self.shared);
        if let Err(error) = blocking(move || shared.dead.delete(seq, true)).await {
            tracing::warn!(dead_letter = %seq, %error, "a dead letter is back in the queue, but could not be deleted");
        }
        Ok(Some(new))
    }

    /// Deletes a dead letter; false when there is no such letter.
    pub async fn delete_dead_letter(&self, seq: Seq) -> io::Result<bool> {
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || shared.dead.delete(seq, false)).await.map_err(io::Error::other)?
    }

    /// Deletes dead letters past their bounds in age, bytes and number; says how many. For a periodic task.
    pub async fn expire_dead_letters(&self, now: DateTime<Utc>) -> io::Result<usize> {
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || shared.dead.expire(now)).await.map_err(io::Error::other)?
    }

    /// Starts a spool file for a large body.
    pub async fn spool(&self) -> Result<SpoolWriter, AppendError> {
        SpoolWriter::create(Arc::clone(&self.shared.spool)).await
    }

    /// Where a record's spool file is: to be read, or linked into a blob store.
    pub fn spool_path(&self, id: SpoolId) -> PathBuf {
        self.shared.spool.path(id)
    }

    /// The journal in figures.
    pub fn stats(&self) -> JournalStats {
        let figures = self.shared.figures.lock().clone();
        let (dead_letters, dead_letter_bytes) = self.shared.dead.totals();
        let mut queue = self.shared.queue.lock();
        let (records, in_flight) = queue.depth();
        JournalStats {
            records,
            in_flight,
            bytes: self.shared.space.used(),
            max_bytes: self.max_bytes,
            free_disk: self.shared.space.free(),
            oldest_at: queue.oldest_at().map(types::micros_to_time),
            segments: queue.segments.len() as u64,
            appended: figures.appended,
            syncs: figures.syncs,
            sync_histogram: figures.histogram,
            sync_time: figures.sync_time,
            write_failures: figures.failures,
            damaged_records: queue.damaged_records,
            unreadable_segments: queue.unreadable_segments,
            dead_letters,
            dead_letter_bytes,
        }
    }

    /// Returns once everything asked for so far (marks, deletions) was done.
    pub async fn settle(&self) {
        let (settled, done) = oneshot::channel();
        if self.shared.pending.push(|work| work.settled.push(settled)) {
            let _ = done.await; // an ended writer has nothing left to do
        }
    }

    /// Takes nothing more, finishes what waits, stops the writer thread and lets go of the directory.
    pub async fn close(&self) {
        let thread = self.stop();
        let _ = spawn_blocking(move || thread.map(JoinHandle::join)).await;
        *self.shared.lock.lock() = None;
    }

    fn stop(&self) -> Option<JoinHandle<()>> {
        self.shared.pending.push(|work| work.closing = true);
        self.thread.lock().take()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Some(thread) = self.stop() {
            let _ = thread.join();
            *self.shared.lock.lock() = None;
        }
    }
}

impl Shared {
    fn read_batch(&self, limits: BatchLimits) -> io::Result<Vec<Entry>> {
        let _one_reader = self.reading.lock();
        let mut entries = Vec::new();
        let mut bytes = 0;
        let mut failure = None;
        let returned = self.queue.lock().take_returned(limits);
        for seq in returned {
            match self.reread(seq) {
                Ok(entry) => {
                    bytes += entry.body.len();
                    entries.push(entry);
                }
                Err(error) => {
                    self.queue.lock().release(&[seq]);
                    failure = Some(error);
                }
            }
        }
        while entries.len() < limits.records && bytes < limits.bytes && failure.is_none() {
            let Some(stretch) = self.queue.lock().stretch() else { break };
            let left = BatchLimits { records: limits.records - entries.len(), bytes: limits.bytes - bytes };
            let mut scan = queue::scan(&stretch, left, entries.is_empty());
            failure = scan.error.take();
            bytes += scan.bytes;
            let stopped = failure.is_some() || !scan.reached(&stretch);
            entries.extend(self.queue.lock().advance(&stretch, scan, failure.is_some()));
            if stopped {
                break;
            }
        }
        match failure {
            Some(error) if entries.is_empty() => Err(error),
            _ => Ok(entries),
        }
    }

    /// Reads a record that is out once more.
    fn reread(&self, seq: Seq) -> io::Result<Entry> {
        let stretch =
            self.queue.lock().find(seq).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("record {seq} is not out")))?;
        let one = BatchLimits { records: 1, bytes: usize::MAX };
        let entry = queue::scan(&stretch, one, true).into_entries()?.pop();
        entry.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("record {seq} is damaged on disk")))
    }

    fn forget(&self, seqs: &[Seq], keep_spool: bool) {
        let forgotten = self.queue.lock().forget(seqs, keep_spool);
        if !forgotten.is_empty() {
            self.pending.push(|work| work.forgotten.push(forgotten));
        }
    }
}

/// Tells everybody when the writer thread ends, however it ends.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.pending.abandon();
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
