//! # Known projects: what the registry keeps, in memory and in its file
//! **Promise.** A start while the database is away knows every key and setting that was known before. **How.** `keys.json` in the data directory,
//! readable by this account only, written beside and renamed over, so that it is always whole.
//! **When it breaks.** A file that cannot be read counts as none, with a warning: keys are then unavailable until the database is back.

use std::fs::{File, OpenOptions, create_dir_all, rename};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::quotas::{self, Limit};
use crate::protocol::rate_limits::Scope;

/// The form of the file. Another one counts as no file.
const VERSION: u32 = 1;

/// A key, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownKey {
    pub(super) key_id: i32,
    pub(super) public_key: Uuid,
    pub(super) is_active: bool,
    pub(super) allowed_domains: Vec<String>,
    /// Files of earlier versions know no limits.
    #[serde(default)]
    pub(super) limits: Value,
}

impl KnownKey {
    /// Its own limits.
    pub(super) fn limits(&self) -> Vec<Limit> {
        quotas::read(&self.limits, Scope::Key)
    }
}

/// A project with its keys, as stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct KnownProject {
    pub(super) project_id: i32,
    pub(super) dsn_id: i64,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) short_prefix: String,
    pub(super) settings: Value,
    pub(super) keys: Vec<KnownKey>,
}

impl KnownProject {
    /// The limits of all its keys together.
    pub(super) fn limits(&self) -> Vec<Limit> {
        quotas::read(&self.settings["limits"], Scope::Project)
    }
}

#[derive(Serialize, Deserialize)]
struct Contents<P> {
    version: u32,
    projects: P,
}

/// What the file holds; nothing when there is none.
pub(super) fn read(path: &Path) -> io::Result<Vec<KnownProject>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let contents: Contents<Vec<KnownProject>> = serde_json::from_slice(&bytes)?;
    if contents.version != VERSION {
        return Err(io::Error::other(format!("it has the form {}, this program knows {VERSION}", contents.version)));
    }
    Ok(contents.projects)
}

/// Replaces the file, durably.
pub(super) fn write(path: &Path, projects: &[KnownProject]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_dir_all(folder)?;
    // Two processes on one data directory would write the same; each has its own name for it.
    let beside = path.with_extension(format!("json.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&serde_json::to_vec(&Contents { version: VERSION, projects })?)?;
    file.sync_all()?;
    rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_is_nobody_elses() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sub/keys.json");
        assert_eq!(read(&path).unwrap(), []);
        let key = KnownKey {
            key_id: 3,
            public_key: Uuid::from_u128(9),
            is_active: true,
            allowed_domains: vec!["a.example".to_owned()],
            limits: json!({"events_hour": 5}),
        };
        let project =
            KnownProject { project_id: 1, dsn_id: i64::MAX, settings: json!({"x": 1}), keys: vec![key], ..KnownProject::default() };
        assert_eq!(project.keys[0].limits().len(), 1);
        write(&path, std::slice::from_ref(&project)).unwrap();
        assert_eq!(read(&path).unwrap(), std::slice::from_ref(&project));
        write(&path, &[]).unwrap();
        assert_eq!(read(&path).unwrap(), []);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_no_such_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        for text in ["", "{", "[]", "{\"version\":2,\"projects\":[]}"] {
            std::fs::write(&path, text).unwrap();
            assert!(read(&path).is_err(), "{text}");
        }
    }
}
