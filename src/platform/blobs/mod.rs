//! # Blobs: files that outgrow rows
//! **Promise.** A blob whose [`Blobs::put`] returned survives a power cut, and is read back as it was, piece by piece; no file is ever whole in
//! memory because of this. **How.** A directory ([`local`]) by default, or an S3-compatible store ([`s3`]) by URL ([`settings`]). Names are made
//! by us from digests ([`BlobName`]): nothing that a client wrote is part of a path.
//! **When it breaks.** A store that is away or full is [`PutError::Store`]: whoever stores tries again. Putting the same blob again is harmless.
//! **Not here.** Which blobs are needed, and when one is deleted (the rooms that own rows with their names).

mod local;
mod s3;
mod settings;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chrono::NaiveDate;
use futures_util::stream::BoxStream;

pub use settings::{BlobSettings, Credentials, InvalidBlobs, S3Settings};

/// The name of a blob: an owner's number, a day, and 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobName(String);

impl BlobName {
    /// The name of `digest`, beside others of the same owner and day.
    pub fn new(owner: i32, day: NaiveDate, digest: [u8; 16]) -> Self {
        Self(format!("{owner}/{}/{}", day.format("%Y%m%d"), hex::encode(digest)))
    }

    /// A name that was stored. Nothing for what [`Self::new`] cannot have made.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let is_part = |part: Option<&str>, digits: std::ops::RangeInclusive<usize>| {
            part.is_some_and(|part| digits.contains(&part.len()) && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        };
        let is_name = is_part(parts.next(), 1..=10) && is_part(parts.next(), 8..=8) && is_part(parts.next(), 32..=32);
        (is_name && parts.next().is_none()).then(|| Self(text.to_owned()))
    }

    /// The day in it; the first of all days where there is none such.
    pub fn day(&self) -> NaiveDate {
        let day = self.0.split('/').nth(1).unwrap_or_default();
        NaiveDate::parse_from_str(day, "%Y%m%d").unwrap_or_default()
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What becomes a blob.
#[derive(Debug, Clone)]
pub enum Content {
    /// Bytes that are in memory anyway.
    Bytes(Bytes),
    /// A finished file that nobody writes any more: read in pieces, or linked.
    File(PathBuf),
}

/// Why a blob is not stored.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The file with the content cannot be read.
    #[error("the file cannot be read")]
    Source(#[source] io::Error),
    /// The store is away, full or does not let us in: worth another try for as long as it takes.
    #[error("the blob store does not take it")]
    Store(#[source] anyhow::Error),
}

/// Bytes of a blob, in pieces.
pub type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// The store. Clones are the same.
#[derive(Debug, Clone)]
pub struct Blobs(Arc<Place>);

#[derive(Debug)]
enum Place {
    Local(local::Local),
    S3(s3::S3),
}

impl Blobs {
    /// The store of these settings; a local one is in `dir`.
    pub fn open(settings: &BlobSettings, dir: PathBuf) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(match settings {
            BlobSettings::Local => Place::Local(local::Local::new(dir)),
            BlobSettings::S3(settings) => Place::S3(s3::S3::new(settings)?),
        })))
    }

    /// A store in a directory, made with its first blob.
    pub fn local(dir: PathBuf) -> Self {
        Self(Arc::new(Place::Local(local::Local::new(dir))))
    }

    /// Stores a blob; returns once it survives a power cut.
    pub async fn put(&self, name: &BlobName, content: &Content) -> Result<(), PutError> {
        match &*self.0 {
            Place::Local(local) => local.put(name, content).await,
            Place::S3(s3) => s3.put(name, content).await,
        }
    }

    /// The blob, to be read in pieces; nothing when there is none of that name.
    pub async fn get(&self, name: &BlobName) -> anyhow::Result<Option<Pieces>> {
        match &*self.0 {
            Place::Local(local) => local.get(name).await,
            Place::S3(s3) => s3.get(name).await,
        }
    }

    /// Deletes a blob; one that is not there is deleted already.
    pub async fn remove(&self, name: &BlobName) -> anyhow::Result<()> {
        match &*self.0 {
            Place::Local(local) => local.remove(name).await,
            Place::S3(s3) => s3.remove(name).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_nothing_else_is_one() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        let name = BlobName::new(7, day, [0xab; 16]);
        assert_eq!(name.as_str(), "7/20261124/abababababababababababababababab");
        assert_eq!((name.day(), BlobName::parse(name.as_str())), (day, Some(name.clone())));
        for text in [
            "",
            "7/20261124",
            "../20261124/abababababababababababababababab",
            "7/20261124/abababababababababababababababab/x",
            "7/20261124/ABababababababababababababababab",
            "7/2026112./abababababababababababababababab",
            "/20261124/abababababababababababababababab",
            "7/20261124/abababababababababababababababab\n",
        ] {
            assert_eq!(BlobName::parse(text), None, "{text:?}");
        }
    }
}
