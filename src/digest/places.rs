//! # The database of places, as its file is now
//!
//! **Promise.** Events get the place of their user's address from the MaxMind file that the operator names (`VEDETTE_GEOIP`), and from a newer
//! one within ten minutes after it took the old one's place (`geoipupdate` does so twice a week).
//!
//! **How.** A [`Periodic`] looks at time and length of the file, reads it when they changed, and swaps the database.
//!
//! **When it breaks.** A file that is away or damaged later on is said in the log; the old database stays.
//!
//! **Not here.** The look-up (`event::geo`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use parking_lot::RwLock;
use tokio::task::spawn_blocking;

use crate::event::geo::GeoIp;
use crate::platform::App;
use crate::platform::periodic::{Periodic, Step};
use crate::platform::telemetry::chain;

/// The database that is used now; clones share it. The default knows no place.
#[derive(Debug, Clone, Default)]
pub struct Places(Arc<RwLock<Opened>>);

/// A file and what was in it.
#[derive(Debug, Clone, Default)]
struct Opened {
    file: PathBuf,
    version: Option<Version>,
    places: Option<Arc<GeoIp>>,
}

/// What changes when a file is replaced.
type Version = (SystemTime, u64);

impl Places {
    /// Reads `file`.
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(RwLock::new(opened(file)?))))
    }

    /// What is wrong with the file of that name, in words.
    pub fn check(file: &str) -> Result<(), String> {
        opened(Path::new(file)).map(drop).map_err(|error| chain(&error))
    }

    /// The database now.
    pub(super) fn now(&self) -> Option<Arc<GeoIp>> {
        self.0.read().places.clone()
    }

    /// Reads the file again if it is another than before; whether it was.
    pub fn renew(&self) -> anyhow::Result<bool> {
        let (file, known) = {
            let now = self.0.read();
            (now.file.clone(), now.version)
        };
        if known.is_none() || known == Some(version(&file)?) {
            return Ok(false);
        }
        *self.0.write() = opened(&file)?;
        Ok(true)
    }
}

fn version(file: &Path) -> anyhow::Result<Version> {
    let meta = std::fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok((meta.modified()?, meta.len()))
}

fn opened(file: &Path) -> anyhow::Result<Opened> {
    // Before the contents: a file that changes in between is read once more, not missed.
    let version = version(file)?;
    let contents = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let places = GeoIp::open(contents).with_context(|| format!("{} cannot be used", file.display()))?;
    Ok(Opened { file: file.to_owned(), version: Some(version), places: Some(Arc::new(places)) })
}

impl Periodic for Places {
    const NAME: &'static str = "digest.places";
    const EVERY: Duration = Duration::from_mins(10);

    async fn step(&self, _: &App) -> anyhow::Result<Step> {
        let places = self.clone();
        spawn_blocking(move || places.renew()).await??;
        Ok(Step::Idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/places.mmdb");

    #[test]
    fn a_newer_file_takes_the_place_of_an_older_one_and_a_damaged_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("places.mmdb");
        std::fs::copy(PLACES, &file).unwrap();
        let places = Places::open(&file).unwrap();
        let first = places.now().unwrap();
        assert!(!places.renew().unwrap(), "nothing changed");

        std::fs::write(&file, b"half a downlo").unwrap();
        let error = chain(&places.renew().unwrap_err());
        assert!(error.contains("places.mmdb cannot be used: it is no MaxMind database"), "{error}");
        assert!(Arc::ptr_eq(&first, &places.now().unwrap()), "the old one stays");

        std::fs::remove_file(&file).unwrap();
        assert!(places.renew().is_err());
        std::fs::copy(PLACES, &file).unwrap();
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        assert!(places.renew().unwrap());
        assert!(!Arc::ptr_eq(&first, &places.now().unwrap()));
    }

    #[test]
    fn without_a_file_nothing_is_known_and_nothing_is_read() {
        let places = Places::default();
        assert!(places.now().is_none() && !places.renew().unwrap());
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_the_reason() {
        assert!(Places::check("/nowhere/places.mmdb").unwrap_err().starts_with("/nowhere/places.mmdb cannot be read: "));
        assert!(Places::check(PLACES).is_ok());
    }
}
