//! How much disk the journal uses and may use. Room is reserved before anything is taken, so that "full" is said at once and never
//! in the middle of a record.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::files::Files;
use super::types::{AppendError, JournalOptions};

/// The journal's disk account.
pub(super) struct Space {
    files: Arc<dyn Files>,
    dir: PathBuf,
    max_bytes: u64,
    min_free_disk: u64,
    retry_after: Duration,
    used: AtomicU64,
    free: AtomicU64,
}

impl Space {
    pub(super) fn new(files: Arc<dyn Files>, dir: PathBuf, options: &JournalOptions) -> Self {
        let &JournalOptions { max_bytes, min_free_disk, retry_after, .. } = options;
        let space = Self { files, dir, max_bytes, min_free_disk, retry_after, used: AtomicU64::new(0), free: AtomicU64::new(u64::MAX) };
        space.look();
        space
    }

    /// Looks at the disk. An answer that cannot be had changes nothing: the write itself will say what is wrong.
    pub(super) fn look(&self) -> u64 {
        match self.files.free_space(&self.dir) {
            Ok(free) => {
                self.free.store(free, Ordering::Relaxed);
                free
            }
            Err(_) => self.free(),
        }
    }

    /// Whether `bytes` would be taken now.
    pub(super) fn check(&self, bytes: u64) -> Result<(), AppendError> {
        if self.used().saturating_add(bytes) > self.max_bytes {
            return Err(AppendError::Full { retry_after: self.retry_after });
        }
        // The writer looks with each group; only while the disk is low does every caller look itself, to notice that it no longer is.
        if self.free() < self.min_free_disk.saturating_add(bytes) {
            let free = self.look();
            if free < self.min_free_disk.saturating_add(bytes) {
                return Err(AppendError::DiskLow { free, retry_after: self.retry_after });
            }
        }
        Ok(())
    }

    /// Takes room for `bytes`, or says why not.
    pub(super) fn reserve(&self, bytes: u64) -> Result<(), AppendError> {
        self.check(bytes)?;
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.max_bytes {
            self.release(bytes);
            return Err(AppendError::Full { retry_after: self.retry_after });
        }
        Ok(())
    }

    /// Counts bytes that are there whatever the bound says: headers, marks, what a start found.
    pub(super) fn add(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives room back.
    pub(super) fn release(&self, bytes: u64) {
        // Saturating, because a file that shrank behind our back must not turn into "full for ever".
        let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(used.saturating_sub(bytes)));
    }

    /// Bytes used or reserved.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Free disk when last looked at.
    pub(super) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }
}
