//! Blobs in a directory: `OWNER/DAY/DIGEST`, for their owner only.
//!
//! A file that stands on the same file system is linked, not copied: it is on disk already, and only its name has to become so. Everything
//! else is written beside and renamed. Not here: when one is deleted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use tokio::task::spawn_blocking;
use tokio_util::io::ReaderStream;

use super::{BlobName, Content, Pieces, PutError};

/// Bytes read at once for somebody who downloads.
const PIECE: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Local {
    dir: PathBuf,
}

impl Local {
    pub(super) const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn path(&self, name: &BlobName) -> PathBuf {
        self.dir.join(name.as_str())
    }

    pub(super) async fn put(&self, name: &BlobName, content: &Content) -> Result<(), PutError> {
        let (root, path, content) = (self.dir.clone(), self.path(name), content.clone());
        let put = spawn_blocking(move || put(&root, &path, &content));
        put.await.map_err(|error| PutError::Store(error.into()))?
    }

    pub(super) async fn get(&self, name: &BlobName) -> anyhow::Result<Option<Pieces>> {
        match tokio::fs::File::open(self.path(name)).await {
            Ok(file) => Ok(Some(ReaderStream::with_capacity(file, PIECE).boxed())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn remove(&self, name: &BlobName) -> anyhow::Result<()> {
        let path = self.path(name);
        // Also what a crash left half written.
        for path in [&path, &path.with_extension("new")] {
            match tokio::fs::remove_file(path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        // A day's directory goes with its last file; one that still has files stays.
        if let Some(day) = path.parent() {
            let _ = tokio::fs::remove_dir(day).await;
        }
        Ok(())
    }
}

fn put(root: &Path, path: &Path, content: &Content) -> Result<(), PutError> {
    let dir = path.parent().unwrap_or(root);
    let store = |error: io::Error| PutError::Store(anyhow::Error::new(error).context(format!("{}", path.display())));
    make_dirs(dir).map_err(store)?;
    let is_linked = match content {
        Content::Bytes(_) => false,
        Content::File(file) => match fs::hard_link(file, path) {
            Ok(()) => true,
            // Put before: names are of content, and files get theirs only when they are whole.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => true,
            // Another file system, or one without links; a file that is not there is told when it is opened.
            Err(_) => false,
        },
    };
    if !is_linked {
        copy(path, content, store)?;
    }
    sync_dir(dir).map_err(store)
}

fn copy(path: &Path, content: &Content, store: impl Fn(io::Error) -> PutError + Copy) -> Result<(), PutError> {
    let partial = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial).map_err(store)?;
    match content {
        Content::Bytes(bytes) => file.write_all(bytes).map_err(store)?,
        Content::File(source) => {
            let mut source = File::open(source).map_err(PutError::Source)?;
            let mut piece = vec![0; 4 * PIECE];
            loop {
                let read = source.read(&mut piece).map_err(PutError::Source)?;
                if read == 0 {
                    break;
                }
                file.write_all(&piece[..read]).map_err(store)?;
            }
        }
    }
    file.sync_all().map_err(store)?;
    fs::rename(&partial, path).map_err(store)
}

/// Makes a directory and those above it; each is on disk under its name.
fn make_dirs(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent() {
        make_dirs(above)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    dir.parent().map_or(Ok(()), sync_dir)
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use bytes::Bytes;
    use chrono::NaiveDate;
    use futures_util::TryStreamExt as _;

    use super::super::Blobs;
    use super::*;

    fn name(number: u8) -> BlobName {
        BlobName::new(7, NaiveDate::from_ymd_opt(2026, 11, 24).unwrap(), [number; 16])
    }

    async fn read(blobs: &Blobs, name: &BlobName) -> Option<Vec<u8>> {
        let pieces = blobs.get(name).await.unwrap()?;
        Some(pieces.try_collect::<Vec<_>>().await.unwrap().concat())
    }

    #[tokio::test]
    async fn blobs_come_back_until_they_are_removed_and_belong_to_their_owner() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("blobs");
        let blobs = Blobs::local(dir.clone());
        assert_eq!(read(&blobs, &name(1)).await, None);
        blobs.put(&name(1), &Content::Bytes(Bytes::from_static(b"one"))).await.unwrap();
        blobs.put(&name(1), &Content::Bytes(Bytes::from_static(b"one"))).await.unwrap();
        assert_eq!(read(&blobs, &name(1)).await.unwrap(), b"one");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.join(name(1).as_str())), 0o600);
        assert_eq!((mode(&dir), mode(&dir.join("7/20261124"))), (0o700, 0o700));
        fs::write(dir.join(name(1).as_str()).with_extension("new"), "half").unwrap();
        blobs.remove(&name(1)).await.unwrap();
        blobs.remove(&name(1)).await.unwrap();
        assert_eq!(read(&blobs, &name(1)).await, None);
        assert!(!dir.join("7/20261124").exists(), "the day went with its last file");
    }

    #[tokio::test]
    async fn a_file_is_linked_and_outlives_its_first_name() {
        let home = tempfile::tempdir().unwrap();
        let (blobs, file) = (Blobs::local(home.path().join("blobs")), home.path().join("spooled"));
        let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
        fs::write(&file, &bytes).unwrap();
        let content = Content::File(file.clone());
        blobs.put(&name(2), &content).await.unwrap();
        assert_eq!(fs::metadata(&file).unwrap().nlink(), 2, "linked, not copied");
        blobs.put(&name(2), &content).await.unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(read(&blobs, &name(2)).await.unwrap(), bytes);
        assert!(matches!(blobs.put(&name(3), &content).await, Err(PutError::Source(_))), "the file is gone");
        assert_eq!(read(&blobs, &name(3)).await, None);
    }

    #[test]
    fn what_cannot_be_linked_is_copied() {
        let home = tempfile::tempdir().unwrap();
        let (file, path) = (home.path().join("spooled"), home.path().join("blob"));
        fs::write(&file, vec![7; 600_000]).unwrap();
        copy(&path, &Content::File(file), |error| PutError::Store(error.into())).unwrap();
        assert_eq!(fs::read(&path).unwrap(), vec![7; 600_000]);
        assert!(!path.with_extension("new").exists());
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_is_a_store_that_is_away() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("blobs");
        fs::write(&dir, "in the way").unwrap();
        let blobs = Blobs::local(dir.clone());
        let content = Content::Bytes(Bytes::from_static(b"x"));
        assert!(matches!(blobs.put(&name(1), &content).await, Err(PutError::Store(_))));
        fs::remove_file(&dir).unwrap();
        blobs.put(&name(1), &content).await.unwrap();
    }
}
