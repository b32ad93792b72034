//! # Spool: large bodies beside the queue
//! **Promise.** A finished spool file is on disk before the record that names it is acknowledged, and lives exactly as long as the record.
//! **How.** Written in pieces, synced, then owned by a [`Spooled`] guard: dropping the guard deletes the file, a successful append keeps it.
//! **When it breaks.** A crash before the append leaves a file that no record names; the next start deletes it.
//! **Not here.** What the files hold.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::spawn_blocking;

use super::files::{Files, JournalFile, write_all_at};
use super::space::Space;
use super::types::AppendError;

/// The name of a spool file, unique in the life of the journal directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpoolId {
    start: u64,
    number: u64,
}

impl SpoolId {
    pub(super) fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.start) << 64) | u128::from(self.number)).to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: &[u8; 16]) -> Self {
        let both = u128::from_le_bytes(*bytes);
        Self { start: (both >> 64) as u64, number: both as u64 }
    }

    fn parse(name: &str) -> Option<Self> {
        let (start, number) = name.split_once('-')?;
        Some(Self { start: u64::from_str_radix(start, 16).ok()?, number: u64::from_str_radix(number, 16).ok()? })
    }
}

impl fmt::Display for SpoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.start, self.number)
    }
}

/// The spool folder.
pub(super) struct Spool {
    files: Arc<dyn Files>,
    dir: PathBuf,
    space: Arc<Space>,
    start: u64,
    next: AtomicU64,
    sizes: Mutex<HashMap<SpoolId, u64>>,
}

impl Spool {
    /// Opens the folder. `start` is unique to this start of the journal: the next sequence number.
    pub(super) fn open(files: Arc<dyn Files>, dir: PathBuf, space: Arc<Space>, start: u64) -> io::Result<Self> {
        files.create_dir(&dir)?;
        let mut sizes = HashMap::new();
        for id in files.list(&dir)?.iter().filter_map(|name| SpoolId::parse(name)) {
            let bytes = files.open(&dir.join(id.to_string())).and_then(|file| file.size()).unwrap_or(0);
            space.add(bytes);
            sizes.insert(id, bytes);
        }
        Ok(Self { files, dir, space, start, next: AtomicU64::new(0), sizes: Mutex::new(sizes) })
    }

    /// Deletes the files that nothing names; says how many.
    pub(super) fn sweep(&self, named: &HashSet<SpoolId>) -> usize {
        let orphans: Vec<_> = self.sizes.lock().keys().filter(|id| !named.contains(id)).copied().collect();
        for id in &orphans {
            self.remove(*id);
        }
        orphans.len()
    }

    /// Where a file is.
    pub(super) fn path(&self, id: SpoolId) -> PathBuf {
        self.dir.join(id.to_string())
    }

    /// Its size; 0 when it is gone.
    pub(super) fn size(&self, id: SpoolId) -> u64 {
        self.sizes.lock().get(&id).copied().unwrap_or(0)
    }

    /// Deletes a file and gives its room back. One that cannot be deleted now is an orphan for the next start.
    pub(super) fn remove(&self, id: SpoolId) {
        if let Err(error) = self.files.remove(&self.path(id)) {
            tracing::warn!(spool = %id, %error, "a spool file could not be deleted; the next start will");
        }
        if let Some(bytes) = self.sizes.lock().remove(&id) {
            self.space.release(bytes);
        }
    }

    /// A guard over files that are already there: a dead letter on its way back into the queue.
    pub(super) fn adopt(self: &Arc<Self>, id: SpoolId) -> Spooled {
        Spooled { spool: Arc::clone(self), id, keep: true }
    }
}

/// A spool file being written.
pub struct SpoolWriter {
    spooled: Spooled,
    file: Arc<dyn JournalFile>,
    written: u64,
}

impl SpoolWriter {
    pub(super) async fn create(spool: Arc<Spool>) -> Result<Self, AppendError> {
        spool.space.check(0)?;
        let id = SpoolId { start: spool.start, number: spool.next.fetch_add(1, Ordering::Relaxed) };
        let path = spool.path(id);
        let files = Arc::clone(&spool.files);
        let file = blocking(move || files.create(&path)).await?;
        spool.sizes.lock().insert(id, 0);
        Ok(Self { spooled: Spooled { spool, id, keep: false }, file, written: 0 })
    }

    /// Appends a piece. After an error the file is of no use: drop the writer.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), AppendError> {
        let (bytes, at, file) = (piece.len() as u64, self.written, Arc::clone(&self.file));
        let spool = &self.spooled.spool;
        spool.space.reserve(bytes)?;
        if let Some(size) = spool.sizes.lock().get_mut(&self.spooled.id) {
            *size += bytes;
        }
        self.written += bytes;
        blocking(move || write_all_at(&*file, &piece, at)).await
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// For a file that nothing will name: it is read, and goes with its guard.
    pub fn close(self) -> Spooled {
        self.spooled
    }

    /// Returns once the file survives a power cut.
    pub async fn finish(self) -> Result<Spooled, AppendError> {
        let Self { spooled, file, .. } = self;
        let (files, dir) = (Arc::clone(&spooled.spool.files), spooled.spool.dir.clone());
        blocking(move || sync_both(&*files, &*file, &dir)).await?;
        Ok(spooled)
    }
}

impl fmt::Debug for SpoolWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolWriter").field("id", &self.spooled.id).field("written", &self.written).finish_non_exhaustive()
    }
}

/// A finished spool file that no record owns yet. Dropping it deletes the file.
pub struct Spooled {
    spool: Arc<Spool>,
    id: SpoolId,
    keep: bool,
}

impl Spooled {
    /// The file's name.
    pub fn id(&self) -> SpoolId {
        self.id
    }

    /// The record is on disk: the file is the record's now.
    pub(super) fn keep(mut self) {
        self.keep = true;
    }
}

impl fmt::Debug for Spooled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spooled").field(&self.id).finish()
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        if !self.keep {
            self.spool.remove(self.id);
        }
    }
}

/// Bytes first, then the name.
fn sync_both(files: &dyn Files, file: &dyn JournalFile, dir: &Path) -> io::Result<()> {
    file.sync_data()?;
    files.sync_dir(dir)
}

/// Runs file work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, AppendError> {
    match spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| AppendError::io(&error)),
        Err(_) => Err(AppendError::Closed),
    }
}
