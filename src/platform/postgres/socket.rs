//! Where the server's Unix socket is, and how to connect to it.
//!
//! A socket's path may have 107 bytes on Linux and 103 on macOS. Data directories are often deeper, so the socket moves to a short private
//! directory then. `postmaster.pid` names the directory while the server runs: that is how another process finds it.

use std::fs::{self, DirBuilder};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::PostgresError;
use super::account::Account;

/// The shortest limit of the systems we run on (macOS: 104 bytes with the closing NUL).
const LONGEST_SOCKET_PATH: usize = 103;
/// In the socket's file name only: the server listens on no TCP port.
pub(super) const PORT: u16 = 5432;
/// The role and the database of the product.
pub(super) const NAME: &str = "vedette";
/// The cluster's superuser.
pub(super) const SUPERUSER: &str = "postgres";

/// How to reach a managed server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The directory that holds `.s.PGSQL.5432`.
    pub socket_dir: PathBuf,
}

impl Address {
    /// Connects as the product's role to the product's database.
    pub fn options(&self) -> PgConnectOptions {
        self.of(NAME, NAME)
    }

    /// Connects as the cluster's superuser, for what the product's role may not do.
    pub fn superuser(&self) -> PgConnectOptions {
        self.of(SUPERUSER, "postgres")
    }

    fn of(&self, role: &str, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_dir)
            .host("localhost")
            .port(PORT)
            .username(role)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .application_name(NAME)
    }

    /// The same as a URL that `DATABASE_URL`, psql and sqlx take.
    pub fn url(&self) -> String {
        // A form writes a space as `+`, which libpq takes for a plus.
        let dir: String = url::form_urlencoded::byte_serialize(self.socket_dir.as_os_str().as_bytes()).collect();
        format!("postgres://{NAME}@localhost:{PORT}/{NAME}?host={}", dir.replace('+', "%20"))
    }
}

/// The directory for the socket of the cluster in `home`: `home/run` when its path is short enough, else a private one under one of `short`.
pub(super) fn directory(home: &Path, short: &[PathBuf], account: &Account) -> Result<PathBuf, PostgresError> {
    let inside = home.join("run");
    // sqlx and PostgreSQL's configuration carry the path as text; an account that may not walk to `home` cannot bind there.
    if fits(&inside) && inside.to_str().is_some() && account.blocked_at(home).is_none() {
        private(&inside, account).map_err(|source| PostgresError::io("create the socket's directory", &inside, source))?;
        return Ok(inside);
    }
    let mut hasher = DefaultHasher::new();
    home.hash(&mut hasher);
    let name = hasher.finish();
    let mut last = None;
    for base in short {
        for attempt in 0..8u64 {
            let dir = base.join(format!("vedette-{:08x}", name.wrapping_add(attempt) as u32));
            if !fits(&dir) || account.blocked_at(base).is_some() {
                break;
            }
            match private(&dir, account) {
                Ok(()) => return Ok(dir),
                // Somebody else's directory of that name: the next name.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => last = Some((dir, error)),
                Err(error) => {
                    last = Some((dir, error));
                    break;
                }
            }
        }
    }
    Err(match last {
        Some((dir, source)) => PostgresError::io("create a short directory for the socket", &dir, source),
        None => PostgresError::SocketPath { dir: inside, limit: LONGEST_SOCKET_PATH },
    })
}

fn fits(dir: &Path) -> bool {
    dir.as_os_str().len() + format!("/.s.PGSQL.{PORT}").len() <= LONGEST_SOCKET_PATH
}

/// Makes `dir` with mode 0700 and the account's, or finds that it already is so; [`ErrorKind::AlreadyExists`] when it is somebody else's.
pub(super) fn private(dir: &Path, account: &Account) -> std::io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => account.give(dir),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let meta = fs::symlink_metadata(dir)?;
            let closed = meta.permissions().mode() & 0o777 == 0o700;
            let ours = meta.is_dir() && meta.uid() == account.uid && closed;
            if ours { Ok(()) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us() -> Account {
        Account { name: "us".to_owned(), uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw(), change: false }
    }

    #[test]
    fn the_url_survives_spaces_and_signs() {
        let address = Address { socket_dir: PathBuf::from("/data dir/a+b&c/run") };
        assert_eq!(address.url(), "postgres://vedette@localhost:5432/vedette?host=%2Fdata%20dir%2Fa%2Bb%26c%2Frun");
        let parsed: PgConnectOptions = address.url().parse().unwrap();
        assert_eq!(parsed.get_socket(), Some(&address.socket_dir));
        assert_eq!((parsed.get_username(), parsed.get_database()), ("vedette", Some("vedette")));
    }

    #[test]
    fn a_long_path_moves_the_socket_to_a_short_private_directory() {
        let temp = tempfile::tempdir().unwrap();
        let near = temp.path().join("cluster");
        fs::create_dir(&near).unwrap();
        assert_eq!(directory(&near, &[], &us()).unwrap(), near.join("run"));

        let far = temp.path().join("d".repeat(90));
        let short = [temp.path().to_owned()];
        let moved = directory(&far, &short, &us()).unwrap();
        assert_eq!(moved.parent(), Some(temp.path()));
        assert_eq!(fs::metadata(&moved).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(directory(&far, &short, &us()).unwrap(), moved, "the next start finds the same one");

        fs::set_permissions(&moved, fs::Permissions::from_mode(0o755)).unwrap();
        let other = directory(&far, &short, &us()).unwrap();
        assert_ne!(other, moved, "a directory that others may enter is not taken");

        let nowhere = directory(&far, &[], &us()).unwrap_err().to_string();
        assert!(nowhere.contains("103"), "{nowhere}");
    }
}
