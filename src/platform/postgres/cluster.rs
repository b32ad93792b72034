//! The cluster on disk: made by `initdb` in a side directory and moved into place when whole, configured anew at every start.
//!
//! `home/` holds `data/` (PostgreSQL's own), `run/` (the socket), `lock` (who looks after it), `start.log`, and for a cluster of tests the
//! mark `throwaway`.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::account::Account;
use super::binaries::{self, Binaries};
use super::settings::{self, Machine, Wish};
use super::socket::{self, PORT, SUPERUSER};
use super::{Options, PostgresError};

/// The kinds of characters: `lower` and `ilike` beyond ASCII need one that knows them; the names differ between systems.
const CHARACTER_TYPES: &[&str] = &["C.UTF-8", "en_US.UTF-8", "C"];
/// Where the socket goes when the data directory's path is too long or closed to PostgreSQL's account.
const SHORT_PLACES: &[&str] = &["/run", "/tmp"];
const THROWAWAY_MARK: &str = "throwaway";

/// A cluster that is ready to be started.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) home: PathBuf,
    pub(super) data: PathBuf,
    pub(super) socket_dir: PathBuf,
    pub(super) binaries: Binaries,
    account: Account,
}

impl Cluster {
    /// Makes the cluster in `home` if there is none, and writes its configuration. The caller holds the lock.
    pub(super) async fn prepare(home: &Path, options: &Options) -> Result<Self, PostgresError> {
        let data = home.join("data");
        let found = binaries::installed(&options.path, options.bin_dir.as_deref()).await;
        let present = fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|text| text.trim().parse().ok());
        let binaries = binaries::choose(&found, present)?;
        let account = Account::choose(Some(&data).filter(|data| data.exists()).map(PathBuf::as_path))?;
        account.give(home).map_err(|source| PostgresError::io("give to PostgreSQL's account", home, source))?;
        check_kind(home, &data, options.throwaway)?;
        let short: Vec<PathBuf> = SHORT_PLACES.iter().map(PathBuf::from).collect();
        let socket_dir = socket::directory(home, &short, &account)?;
        let cluster = Self { home: home.to_owned(), data, socket_dir, binaries, account };
        if present.is_none() {
            cluster.make(options).await?;
        }
        cluster.configure(options).await?;
        Ok(cluster)
    }

    /// The command that runs the server, its words in `start.log`.
    pub(super) fn server(&self) -> Result<(Command, Option<OwnedFd>), PostgresError> {
        socket::private(&self.socket_dir, &self.account)
            .map_err(|source| PostgresError::io("create the socket's directory", &self.socket_dir, source))?;
        let log = self.home.join("start.log");
        let out = fs::File::create(&log).map_err(|source| PostgresError::io("write", &log, source))?;
        let (mut command, door) = self.program("postgres", &self.data)?;
        // A list of directories: commas and spaces in one need quotes. What the product relies on stands here, where no file overrides it.
        let socket_dir = self.socket_dir.to_string_lossy().replace('"', "\"\"");
        command
            .args(["-c", "listen_addresses=", "-c", &format!("unix_socket_directories=\"{socket_dir}\""), "-c", &format!("port={PORT}")])
            // A Ctrl-C in the terminal is for the server, which then stops its PostgreSQL in good order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(out);
        Ok((command, door))
    }

    /// Removes a socket directory outside `home` once the server has ended; the next start makes it again.
    pub(super) fn clean_up(&self) {
        if !self.socket_dir.starts_with(&self.home)
            && let Err(error) = fs::remove_dir(&self.socket_dir)
        {
            tracing::debug!(%error, dir = %self.socket_dir.display(), "the socket's directory stays");
        }
    }

    /// What the server said last, for an error message: one line.
    pub(super) fn last_words(&self) -> String {
        last_words(&fs::read(self.home.join("start.log")).unwrap_or_default())
    }

    /// A PostgreSQL program about the cluster in `dir`, run as the account. The handle must live until the program runs.
    fn program(&self, name: &str, dir: &Path) -> Result<(Command, Option<OwnedFd>), PostgresError> {
        let (dir, door) = self.door(dir)?;
        let mut command = Command::new(self.binaries.program(name));
        // Our own working directory may be closed to the account, and PostgreSQL wants to come back to it.
        command.arg("-D").arg(dir).current_dir("/").env_remove("PGDATA").env_remove("PGOPTIONS").env("LC_ALL", "C");
        self.account.apply(&mut command);
        Ok((command, door))
    }

    /// The name by which the account reaches `dir`. Where a directory on the way is closed to it (`/root`), an inherited handle opens the
    /// last one alone: nothing on the way needs other permissions.
    fn door(&self, dir: &Path) -> Result<(OsString, Option<OwnedFd>), PostgresError> {
        let Some(at) = self.account.blocked_at(dir.parent().unwrap_or(dir)) else { return Ok((dir.into(), None)) };
        if !cfg!(target_os = "linux") {
            return Err(PostgresError::Blocked { at, account: self.account.name.clone() });
        }
        let opened = fs::File::open(dir).map(OwnedFd::from).and_then(|handle| {
            rustix::io::fcntl_setfd(&handle, rustix::io::FdFlags::empty())?;
            Ok(handle)
        });
        let handle = opened.map_err(|source| PostgresError::io("open", dir, source))?;
        Ok((format!("/proc/self/fd/{}", handle.as_raw_fd()).into(), Some(handle)))
    }

    async fn make(&self, options: &Options) -> Result<(), PostgresError> {
        let made = self.home.join("new");
        let mut said = String::new();
        for ctype in CHARACTER_TYPES {
            self.private_dir(&made)?;
            let (mut command, door) = self.program("initdb", &made)?;
            command
                .args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"])
                .arg(format!("--lc-ctype={ctype}"));
            // The C locale counts as no encoding of its own, so `LC_ALL` must not outvote the option.
            command.env_remove("LC_ALL").env("LC_MESSAGES", "C").process_group(0).stdin(Stdio::null());
            if options.throwaway {
                command.args(["--no-sync", "--wal-segsize=4"]);
            }
            let output = command.output().await.map_err(|source| PostgresError::io("run", &self.binaries.program("initdb"), source))?;
            drop(door);
            if output.status.success() {
                return self.move_in(&made);
            }
            said = last_words(&output.stderr);
            if !said.contains("locale") {
                break;
            }
        }
        Err(PostgresError::Initdb { said })
    }

    /// Renames the finished cluster to `data`, so that a half-made one is never taken for whole.
    fn move_in(&self, made: &Path) -> Result<(), PostgresError> {
        let fail = |source| PostgresError::io("move the new cluster to", &self.data, source);
        match fs::remove_dir(&self.data) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
        fs::rename(made, &self.data).map_err(fail)?;
        fs::File::open(&self.home).and_then(|home| home.sync_all()).map_err(fail)
    }

    fn private_dir(&self, dir: &Path) -> Result<(), PostgresError> {
        let made = match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => fs::DirBuilder::new().mode(0o700).create(dir).and_then(|()| self.account.give(dir)),
        };
        made.map_err(|source| PostgresError::io("make", dir, source))
    }

    async fn configure(&self, options: &Options) -> Result<(), PostgresError> {
        self.write(
            "postgresql.conf",
            "# Written by Vedette. Your own settings belong into override.conf.\ninclude 'vedette.conf'\ninclude 'override.conf'\n",
        )?;
        self.write("pg_hba.conf", settings::HBA)?;
        if !self.data.join("override.conf").exists() {
            self.write("override.conf", settings::OVERRIDE)?;
        }
        let mut wish = Wish { durable: options.durable, lz4: false, throwaway: options.throwaway };
        let machine = Machine::here(&self.data);
        self.write("vedette.conf", &settings::render(machine, wish))?;
        wish.lz4 = self.takes("wal_compression=lz4").await?;
        self.write("vedette.conf", &settings::render(machine, wish))
    }

    /// Whether this build of the server knows a setting's value.
    async fn takes(&self, setting: &str) -> Result<bool, PostgresError> {
        let (mut command, door) = self.program("postgres", &self.data)?;
        let output = command.args(["-c", setting, "-C", "wal_compression"]).stdin(Stdio::null()).output().await;
        drop(door);
        output.map(|output| output.status.success()).map_err(|source| PostgresError::io("run", &self.binaries.program("postgres"), source))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), PostgresError> {
        let file = self.data.join(name);
        if fs::read_to_string(&file).is_ok_and(|present| present == text) {
            return Ok(());
        }
        let written = fs::write(&file, text)
            .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)))
            .and_then(|()| self.account.give(&file));
        written.map_err(|source| PostgresError::io("write", &file, source))
    }
}

/// Keeps a cluster that lasts from being started without fsync, or from being deleted with a test.
fn check_kind(home: &Path, data: &Path, throwaway: bool) -> Result<(), PostgresError> {
    let mark = home.join(THROWAWAY_MARK);
    match (data.exists(), mark.exists(), throwaway) {
        (false, false, true) => {
            fs::write(&mark, "The process that made this cluster deletes it.\n").map_err(|source| PostgresError::io("write", &mark, source))
        }
        (_, true, false) => Err(PostgresError::OtherKind { home: home.to_owned(), there: "throwaway", wanted: "lasting" }),
        (true, false, true) => Err(PostgresError::OtherKind { home: home.to_owned(), there: "lasting", wanted: "throwaway" }),
        _ => Ok(()),
    }
}

/// The last lines of an output as one line of bounded length.
fn last_words(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let line = lines[lines.len().saturating_sub(4)..].join("; ");
    if line.is_empty() { "it said nothing".to_owned() } else { line.chars().take(600).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_one_bounded_line() {
        assert_eq!(last_words(b"a\n\n b \nc\nd\ne\n"), "b; c; d; e");
        assert_eq!(last_words(b"\n"), "it said nothing");
        assert_eq!(last_words(&[b'x'; 5000]).len(), 600);
    }
}
