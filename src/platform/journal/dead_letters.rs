//! # Dead letters: records that cannot be digested
//! **Promise.** A buried record's raw bytes and the reason are on disk before its place in the queue is given up.
//! **How.** One file per letter, named by the record's sequence number, written beside and renamed; the reason and times stand in front of
//! the body inside the same checksummed frame the queue uses.
//! **When it breaks.** Burying again after a crash replaces the file. Bounded in bytes, number and age: the oldest go first, and each that
//! goes is logged.
//! **Not here.** Why a record is poison (`digest` says), the page that shows them (`ops`).

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::files::{Files, read_up_to, write_all_at};
use super::format::{self, Found};
use super::spool::{Spool, SpoolId};
use super::types::{Entry, JournalOptions, Seq, micros_to_time};

/// The salt of dead-letter frames. They stand alone in their files, so nothing needs to be searched for.
const SALT: u64 = u64::from_le_bytes(*b"VDTDEAD1");
/// Bytes of a reason that are kept.
const REASON_BYTES: usize = 1000;
/// Bytes in front of the reason: when it was buried, and the reason's length.
const PREFIX: usize = 12;

/// One dead letter, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record's place in the queue; names the letter.
    pub seq: Seq,
    /// When it was received.
    pub at: DateTime<Utc>,
    /// When it was buried.
    pub buried_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Its size on disk, spool files included.
    pub bytes: u64,
    pub(super) spool: Vec<SpoolId>,
}

/// The dead-letter folder.
pub(super) struct DeadLetters {
    files: Arc<dyn Files>,
    dir: PathBuf,
    spool: Arc<Spool>,
    options: JournalOptions,
    index: Mutex<BTreeMap<Seq, DeadLetter>>,
}

impl DeadLetters {
    /// Opens the folder and reads what is in it. A letter that cannot be read is logged and left in place.
    pub(super) fn open(files: Arc<dyn Files>, dir: PathBuf, spool: Arc<Spool>, options: JournalOptions) -> io::Result<Self> {
        files.create_dir(&dir)?;
        let letters = Self { files, dir, spool, options, index: Mutex::default() };
        for name in letters.files.list(&letters.dir)? {
            if name.strip_suffix(".tmp").is_some() {
                letters.files.remove(&letters.dir.join(&name))?;
                continue;
            }
            let Some(seq) = name.strip_suffix(".dead").and_then(|seq| u64::from_str_radix(seq, 16).ok()).map(Seq) else { continue };
            match letters.load(seq) {
                Ok((letter, _)) => drop(letters.index.lock().insert(seq, letter)),
                Err(error) => tracing::warn!(dead_letter = %seq, %error, "a dead letter cannot be read"),
            }
        }
        Ok(letters)
    }

    fn path(&self, seq: Seq) -> PathBuf {
        self.dir.join(format!("{:016x}.dead", seq.0))
    }

    fn load(&self, seq: Seq) -> io::Result<(DeadLetter, Bytes)> {
        let file = self.files.open(&self.path(seq))?;
        let bytes: Bytes = read_up_to(&*file, file.size()? as usize, 0)?.into();
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the dead letter is damaged");
        let Found::Frame { head, spool, body } = format::read_frame(&bytes, SALT) else {
            return Err(damaged());
        };
        let body = bytes.slice(body);
        let (prefix, rest) = body.split_first_chunk::<PREFIX>().ok_or_else(damaged)?;
        let buried = i64::from_le_bytes(std::array::from_fn(|i| prefix[i]));
        let reason_len = u32::from_le_bytes(std::array::from_fn(|i| prefix[8 + i])) as usize;
        let reason = String::from_utf8_lossy(rest.get(..reason_len).ok_or_else(damaged)?).into_owned();
        let size = bytes.len() as u64 + spool.iter().map(|id| self.spool.size(*id)).sum::<u64>();
        let letter = DeadLetter { seq, at: micros_to_time(head.at_micros), buried_at: micros_to_time(buried), reason, bytes: size, spool };
        Ok((letter, body.slice(PREFIX + reason_len..)))
    }

    /// Puts a record here; returns once it survives a power cut.
    pub(super) fn bury(&self, entry: &Entry, reason: &str, now: DateTime<Utc>) -> io::Result<()> {
        let reason = &reason[..reason.floor_char_boundary(REASON_BYTES)];
        let mut body = Vec::with_capacity(PREFIX + reason.len() + entry.body.len());
        body.extend_from_slice(&now.timestamp_micros().to_le_bytes());
        body.extend_from_slice(&(reason.len() as u32).to_le_bytes());
        body.extend_from_slice(reason.as_bytes());
        body.extend_from_slice(&entry.body);
        let mut frame = Vec::new();
        format::write_frame(&mut frame, SALT, (entry.seq.0, entry.at.timestamp_micros()), &entry.spool, &body);
        let temporary = self.dir.join(format!("{:016x}.tmp", entry.seq.0));
        let file = self.files.create(&temporary)?;
        let written = write_all_at(&*file, &frame, 0)
            .and_then(|()| file.sync_data())
            .and_then(|()| self.files.rename(&temporary, &self.path(entry.seq)))
            .and_then(|()| self.files.sync_dir(&self.dir));
        if let Err(error) = written {
            let _ = self.files.remove(&temporary).and_then(|()| self.files.remove(&self.path(entry.seq)));
            return Err(error);
        }
        let bytes = frame.len() as u64 + entry.spool.iter().map(|id| self.spool.size(*id)).sum::<u64>();
        let letter = DeadLetter { seq: entry.seq, at: entry.at, buried_at: now, reason: reason.into(), bytes, spool: entry.spool.clone() };
        self.index.lock().insert(entry.seq, letter);
        if let Err(error) = self.expire(now) {
            tracing::warn!(%error, "old dead letters could not be deleted");
        }
        Ok(())
    }

    /// All letters, oldest first.
    pub(super) fn list(&self) -> Vec<DeadLetter> {
        self.index.lock().values().cloned().collect()
    }

    /// Their number and size.
    pub(super) fn totals(&self) -> (u64, u64) {
        let index = self.index.lock();
        (index.len() as u64, index.values().map(|letter| letter.bytes).sum())
    }

    /// One letter with its body.
    pub(super) fn read(&self, seq: Seq) -> io::Result<Option<(DeadLetter, Bytes)>> {
        if !self.index.lock().contains_key(&seq) {
            return Ok(None);
        }
        self.load(seq).map(Some)
    }

    /// Deletes a letter, and its spool files unless a record has them now; false when there is none.
    pub(super) fn delete(&self, seq: Seq, keep_spool: bool) -> io::Result<bool> {
        let Some(letter) = self.index.lock().get(&seq).cloned() else {
            return Ok(false);
        };
        self.files.remove(&self.path(seq))?;
        self.index.lock().remove(&seq);
        self.files.sync_dir(&self.dir)?;
        if !keep_spool {
            letter.spool.iter().for_each(|id| self.spool.remove(*id));
        }
        Ok(true)
    }

    /// Deletes letters past the bounds, oldest first; says how many.
    pub(super) fn expire(&self, now: DateTime<Utc>) -> io::Result<usize> {
        let mut letters = self.list();
        letters.sort_by_key(|letter| letter.buried_at);
        let (mut count, mut bytes) = (letters.len(), letters.iter().map(|letter| letter.bytes).sum::<u64>());
        let mut expired = 0;
        for letter in letters {
            let aged = (now - letter.buried_at).to_std().is_ok_and(|age| age > self.options.dead_letter_max_age);
            // The newest always stays: one letter larger than the bound must not vanish the moment it is buried.
            let crowded = count > 1 && (bytes > self.options.dead_letter_max_bytes || count > self.options.dead_letter_max_count);
            if !aged && !crowded {
                break;
            }
            self.delete(letter.seq, false)?;
            tracing::warn!(dead_letter = %letter.seq, reason = %letter.reason, "a dead letter was dropped: too old, or too many");
            (count, bytes, expired) = (count - 1, bytes - letter.bytes, expired + 1);
        }
        Ok(expired)
    }
}
