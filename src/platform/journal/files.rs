//! The file operations the journal is built from, as a seam: [`OsFiles`] is the operating system; the tests' `PowerCutFiles` forgets
//! everything that was not synced. The rule both keep: bytes survive a power cut after `sync_data`, names after `sync_dir`.
//!
//! Not here: formats, and what an error means for the queue.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// What holds the directory's lock; dropping it lets go.
pub type LockGuard = Box<dyn std::any::Any + Send + Sync>;

/// One open file, read and written by position.
pub trait JournalFile: Send + Sync {
    /// Reads at most `buf.len()` bytes at `offset`; 0 means the end.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at most `buf.len()` bytes at `offset`; may write fewer.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;
    /// Cuts or extends the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Its length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Returns once all bytes written so far survive a power cut.
    fn sync_data(&self) -> io::Result<()>;
}

/// The directory operations.
pub trait Files: Send + Sync {
    /// Makes a directory, with its parents, for its owner only; being there already is fine.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes an empty file for its owner only, replacing one of that name, open for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn JournalFile>>;
    /// Opens a file that is there for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn JournalFile>>;
    /// The names in a directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Moves a file over another name in the same directory.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Deletes a file; its not being there is fine.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns once all names made, moved and deleted in `dir` so far survive a power cut.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Free bytes on the disk that holds `dir`, as an ordinary user may use them.
    fn free_space(&self, dir: &Path) -> io::Result<u64>;
    /// Takes the exclusive lock on `path`, or `None` when somebody has it. The lock dies with the process.
    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>>;
}

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsFiles;

impl JournalFile for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, buf, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}

/// Owner only: the journal holds what clients sent, before anything is scrubbed.
const FILE_MODE: u32 = 0o600;
/// Owner only, for directories.
const DIR_MODE: u32 = 0o700;

impl Files for OsFiles {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn JournalFile>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(FILE_MODE).open(path)?;
        Ok(Arc::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn JournalFile>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Writes all of `buf` at `offset`, through short writes and interruptions.
pub(super) fn write_all_at(file: &dyn JournalFile, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        match file.write_at(buf, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                buf = &buf[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads up to `len` bytes at `offset`, fewer only at the end of the file.
pub(super) fn read_up_to(file: &dyn JournalFile, len: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; len];
    let mut filled = 0;
    while filled < len {
        match file.read_at(&mut buf[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buf.truncate(filled);
    Ok(buf)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_and_directories_are_for_their_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        OsFiles.create_dir(&inner).unwrap();
        OsFiles.create(&inner.join("f")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&inner.join("f")), 0o600);
        assert_eq!(OsFiles.list(&inner).unwrap(), ["f"]);
    }

    #[test]
    fn a_lock_is_held_until_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = OsFiles.lock(&path).unwrap().unwrap();
        assert!(OsFiles.lock(&path).unwrap().is_none());
        drop(first);
        assert!(OsFiles.lock(&path).unwrap().is_some());
    }

    #[test]
    fn removing_what_is_gone_is_fine_and_free_space_is_known() {
        let dir = tempfile::tempdir().unwrap();
        OsFiles.remove(&dir.path().join("nothing")).unwrap();
        assert!(OsFiles.free_space(dir.path()).unwrap() > 0);
        OsFiles.sync_dir(dir.path()).unwrap();
    }
}
