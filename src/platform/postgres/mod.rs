//! # Managed PostgreSQL: a private server as a child process
//! **Promise.** Without `DATABASE_URL` the product needs only PostgreSQL's binaries on the machine: [`ManagedPostgres::start`] makes a cluster in the data
//! directory, runs it on a Unix socket that nobody else may enter, with settings that fit the machine, and [`ManagedPostgres::stop`] ends it in good order.
//! **How.** [`binaries`] finds the programs, [`cluster`] keeps the files, [`account`] runs them unprivileged when we are root, [`socket`] finds a short
//! enough path, [`process`] knows the postmaster. One process looks after a cluster (a file lock); another one that asks, such as a command beside the
//! server, becomes a guest of the running server.
//! **When it breaks.** A server that dies is started again ([`ManagedPostgres::supervise`]). After `kill -9` of this process PostgreSQL goes on running, and the
//! next start adopts it at once. Every error is one line that says what to do.
//! **Not here.** Pools, migrations, external servers (`platform::db`).

mod account;
mod binaries;
mod cluster;
mod error;
mod process;
mod running;
mod settings;
mod socket;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use binaries::Binaries;
pub use error::PostgresError;
pub use socket::Address;

use cluster::Cluster;
use running::{Guard, Server};

/// Pauses between attempts to start a server that died.
const BACKOFF: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(30),
];
/// How often a guest looks whether the other process has ended.
const INHERIT_EVERY: Duration = Duration::from_millis(500);
/// How long a guest waits for the server of another process.
const GUEST_PATIENCE: Duration = Duration::from_secs(30);

/// What kind of cluster.
#[derive(Debug, Clone)]
pub struct Options {
    /// For tests: small, many connections, and its directory is deleted when the [`ManagedPostgres`] is dropped or this process dies, however it dies.
    pub throwaway: bool,
    /// False: without fsync. Only for clusters that may vanish.
    pub durable: bool,
    /// Look for PostgreSQL's programs here and nowhere else.
    pub bin_dir: Option<PathBuf>,
    /// The `PATH` to search.
    pub path: OsString,
}

impl Options {
    /// The product's own cluster.
    pub fn lasting() -> Self {
        Self { throwaway: false, durable: true, bin_dir: None, path: std::env::var_os("PATH").unwrap_or_default() }
    }

    /// A cluster for tests, without fsync.
    pub fn throwaway() -> Self {
        Self { throwaway: true, durable: false, ..Self::lasting() }
    }
}

/// A PostgreSQL server that this process looks after, or is a guest of.
#[derive(Debug)]
pub struct ManagedPostgres {
    home: PathBuf,
    options: Options,
    address: Address,
    /// Empty while another process looks after the server.
    owned: OnceLock<Owned>,
}

#[derive(Debug)]
struct Owned {
    cluster: Cluster,
    server: Mutex<Server>,
    /// Of the postmaster, readable while `server` is being waited for; 0 = none.
    pid: AtomicI32,
    stopping: AtomicBool,
    _guard: Option<Guard>,
    /// Freed by the operating system even at `kill -9`.
    _lock: File,
}

impl ManagedPostgres {
    /// Starts the cluster in `home` (made if missing), or attaches to its running server.
    ///
    /// Returns once the product's role can use the product's database.
    pub async fn start(home: &Path, options: Options) -> Result<Self, PostgresError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(home).and_then(|()| home.canonicalize());
        let home = made.map_err(|source| PostgresError::io("create", home, source))?;
        let Some(lock) = lock_or_wait(&home).await? else {
            let address = Address { socket_dir: process::read(&home.join("data")).map(|server| server.socket_dir).unwrap_or_default() };
            return Ok(Self { home, options, address, owned: OnceLock::new() });
        };
        let owned = Owned::new(&home, &options, lock).await?;
        let socket_dir = owned.cluster.socket_dir.clone();
        let mut managed = Self { home, options, address: Address { socket_dir }, owned: OnceLock::from(owned) };
        managed.start_again().await?;
        if let Some(running) = process::read(&managed.home.join("data")).filter(|running| managed.pid() == Some(running.pid)) {
            // An adopted server may have its socket elsewhere than a new one would.
            managed.address = Address { socket_dir: running.socket_dir };
        }
        Ok(managed)
    }

    /// A URL that `DATABASE_URL`, psql and sqlx take.
    pub fn url(&self) -> String {
        self.address.url()
    }

    /// How to connect, for sqlx.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The directory given to [`Self::start`], made absolute.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Whether another process looks after the server.
    pub fn is_guest(&self) -> bool {
        self.owned.get().is_none()
    }

    /// The postmaster's process id while it runs, if we look after it.
    pub fn pid(&self) -> Option<i32> {
        self.owned.get().map(|owned| owned.pid.load(Ordering::SeqCst)).filter(|pid| *pid != 0)
    }

    /// PostgreSQL's version, if we look after it.
    pub fn binaries(&self) -> Option<&Binaries> {
        self.owned.get().map(|owned| &owned.cluster.binaries)
    }

    /// Starts the server after [`Self::stop`] or its death; nothing to do while it runs.
    pub async fn start_again(&self) -> Result<(), PostgresError> {
        let Some(owned) = self.owned.get() else { return Ok(()) };
        owned.stopping.store(false, Ordering::SeqCst);
        owned.ensure_running().await
    }

    /// Returns when the server has ended, for whatever reason. A guest never learns of it.
    pub async fn exited(&self) {
        match self.owned.get() {
            Some(owned) => owned.exited().await,
            None => std::future::pending().await,
        }
    }

    /// Starts the server again whenever it dies, with growing pauses, until `cancel` or [`Self::stop`]. A guest takes over once the
    /// process that looked after the server has ended (a command that was there first).
    pub async fn supervise(&self, cancel: CancellationToken) {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = self.watch() => {}
        }
    }

    async fn watch(&self) {
        let owned = match self.owned.get() {
            Some(owned) => owned,
            None => self.inherit().await,
        };
        let mut failures = 0;
        loop {
            owned.exited().await;
            if owned.stopping.load(Ordering::SeqCst) {
                return;
            }
            tracing::error!("PostgreSQL does not run; starting it");
            while let Err(error) = owned.ensure_running().await {
                if matches!(error, PostgresError::Stopping) {
                    return;
                }
                tracing::error!(%error, "PostgreSQL does not start");
                tokio::time::sleep(BACKOFF[failures.min(BACKOFF.len() - 1)]).await;
                failures += 1;
            }
            failures = 0;
            tracing::info!("PostgreSQL runs again");
        }
    }

    /// Waits for the lock; the server itself is started or adopted by whoever watches then.
    async fn inherit(&self) -> &Owned {
        loop {
            match self.try_inherit().await {
                Ok(Some(owned)) => return self.owned.get_or_init(|| owned),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "nobody looks after PostgreSQL, and this process cannot"),
            }
            tokio::time::sleep(INHERIT_EVERY).await;
        }
    }

    async fn try_inherit(&self) -> Result<Option<Owned>, PostgresError> {
        let path = self.home.join("lock");
        let file = open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => Owned::new(&self.home, &self.options, file).await.map(Some),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(PostgresError::io("lock", &path, source)),
        }
    }

    /// Ends the server in good order: running statements are cancelled, what is committed is safe. A guest leaves it running.
    pub async fn stop(&self) {
        if let Some(owned) = self.owned.get() {
            owned.stop().await;
        }
    }
}

impl Owned {
    /// Prepares the cluster; the server does not run yet.
    async fn new(home: &Path, options: &Options, lock: File) -> Result<Self, PostgresError> {
        let cluster = Cluster::prepare(home, options).await?;
        let guard = if options.throwaway { Some(Guard::new(home, &cluster.socket_dir)?) } else { None };
        let (server, pid, stopping) = (Mutex::new(Server::Stopped), AtomicI32::new(0), AtomicBool::new(false));
        Ok(Self { cluster, server, pid, stopping, _guard: guard, _lock: lock })
    }
}

impl Drop for ManagedPostgres {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            process::signal(pid, Signal::INT);
        }
    }
}

/// The lock on the cluster; none when another process holds it and its server answers.
async fn lock_or_wait(home: &Path) -> Result<Option<File>, PostgresError> {
    let path = home.join("lock");
    let file = open_lock(&path)?;
    let wait = async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(true),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(PostgresError::io("lock", &path, source)),
            }
            if let Some(server) = process::read(&home.join("data")).filter(|server| server.ready)
                && answers(&Address { socket_dir: server.socket_dir }).await
            {
                return Ok(false);
            }
            tokio::time::sleep(process::LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(GUEST_PATIENCE, wait).await {
        Ok(Ok(ours)) => Ok(ours.then_some(file)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(PostgresError::Unanswered { home: home.to_owned() }),
    }
}

fn open_lock(path: &Path) -> Result<File, PostgresError> {
    File::options().create(true).append(true).open(path).map_err(|source| PostgresError::io("open", path, source))
}

/// Whether the product's role can connect to the product's database.
async fn answers(address: &Address) -> bool {
    match address.options().connect().await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}
