//! The server while it runs: started as a child or adopted, watched, ended. And the guard that outlives us to clean up after tests.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::process::Signal;
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{sleep, timeout};

use super::process::{self, FAST_SHUTDOWN, IMMEDIATE_SHUTDOWN};
use super::socket::Address;
use super::{Owned, PostgresError, answers};

/// A connection attempt to a server that hangs counts as failed after this.
const PROBE: Duration = Duration::from_secs(5);
/// SQLSTATE "database does not exist" and "role does not exist" (as an authorization failure).
const NOT_MADE_YET: [&str; 2] = ["3D000", "28000"];

/// The postmaster, as far as this process knows it.
#[derive(Debug)]
pub(super) enum Server {
    Stopped,
    Child(Child),
    /// Left over from a process that was killed.
    Adopted(i32),
}

impl Owned {
    /// Adopts or starts the server unless it runs, and waits until it takes connections.
    pub(super) async fn ensure_running(&self) -> Result<(), PostgresError> {
        // Whoever watches the running server holds the mutex.
        let pid = self.pid.load(Ordering::SeqCst);
        if pid != 0 && process::is_alive(pid, &self.cluster.data) {
            return Ok(());
        }
        let mut server = self.server.lock().await;
        if self.lives(&mut server) {
            return Ok(());
        }
        *server = Server::Stopped;
        if let Some(left) = process::read(&self.cluster.data).filter(|left| process::is_alive(left.pid, &self.cluster.data)) {
            let address = Address { socket_dir: left.socket_dir.clone() };
            if left.ready && timeout(PROBE, answers(&address)).await.unwrap_or(false) {
                tracing::info!(pid = left.pid, "adopting the PostgreSQL that a killed server left running");
                process::signal(left.pid, Signal::HUP);
                self.pid.store(left.pid, Ordering::SeqCst);
                *server = Server::Adopted(left.pid);
                return Ok(());
            }
            tracing::warn!(pid = left.pid, "ending a PostgreSQL that a killed server left running and that does not answer");
            process::end(left.pid, &self.cluster.data).await;
        }
        process::disarm(&self.cluster.data).map_err(|source| PostgresError::io("repair postmaster.pid in", &self.cluster.data, source))?;
        self.launch(&mut server).await
    }

    fn lives(&self, server: &mut Server) -> bool {
        match server {
            Server::Stopped => false,
            Server::Child(child) => child.try_wait().is_ok_and(|ended| ended.is_none()),
            Server::Adopted(pid) => process::is_alive(*pid, &self.cluster.data),
        }
    }

    async fn launch(&self, server: &mut Server) -> Result<(), PostgresError> {
        let (mut command, door) = self.cluster.server()?;
        let spawned = command.spawn();
        drop(door);
        let child = spawned.map_err(|source| PostgresError::io("run", &self.cluster.binaries.program("postgres"), source))?;
        self.pid.store(child.id().unwrap_or(0).cast_signed(), Ordering::SeqCst);
        *server = Server::Child(child);
        let Server::Child(child) = server else { return Err(PostgresError::Stopping) };
        let ready = self.ready(child).await;
        if ready.is_err() {
            self.end_child(child).await;
            self.pid.store(0, Ordering::SeqCst);
            *server = Server::Stopped;
        }
        ready
    }

    /// Waits until the product's database answers, making role and database the first time. Crash recovery may take its time.
    async fn ready(&self, child: &mut Child) -> Result<(), PostgresError> {
        let address = Address { socket_dir: self.cluster.socket_dir.clone() };
        let mut pause = Duration::from_millis(10);
        let mut attempts = 0u32;
        loop {
            if self.stopping.load(Ordering::SeqCst) {
                return Err(PostgresError::Stopping);
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(PostgresError::Died { status: status.to_string(), said: self.cluster.last_words() });
            }
            match timeout(PROBE, address.options().connect()).await {
                Ok(Ok(connection)) => {
                    let _ = connection.close().await;
                    return Ok(());
                }
                Ok(Err(sqlx::Error::Database(error))) if error.code().is_some_and(|code| NOT_MADE_YET.contains(&code.as_ref())) => {
                    make_database(&address).await.map_err(|source| PostgresError::Sql { doing: "make the product's database", source })?;
                    return Ok(());
                }
                _ => {}
            }
            attempts += 1;
            if attempts.is_multiple_of(50) {
                tracing::info!("PostgreSQL is still starting; after a crash it replays up to max_wal_size of changes");
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    pub(super) async fn exited(&self) {
        let mut server = self.server.lock().await;
        match &mut *server {
            Server::Stopped => {}
            Server::Child(child) => {
                if let Ok(status) = child.wait().await
                    && !self.stopping.load(Ordering::SeqCst)
                {
                    tracing::error!(%status, said = self.cluster.last_words(), "PostgreSQL ended");
                }
            }
            Server::Adopted(pid) => process::gone(*pid, &self.cluster.data).await,
        }
        self.pid.store(0, Ordering::SeqCst);
        *server = Server::Stopped;
    }

    pub(super) async fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Whoever waits in `exited` holds the mutex until the signal has done its work.
        let pid = self.pid.load(Ordering::SeqCst);
        process::signal(pid, Signal::INT);
        if let Ok(mut server) = timeout(FAST_SHUTDOWN, self.server.lock()).await {
            match &mut *server {
                Server::Stopped => {}
                Server::Child(child) => self.end_child(child).await,
                Server::Adopted(pid) => process::end(*pid, &self.cluster.data).await,
            }
            *server = Server::Stopped;
        } else {
            process::end(pid, &self.cluster.data).await;
        }
        self.pid.store(0, Ordering::SeqCst);
        self.cluster.clean_up();
    }

    async fn end_child(&self, child: &mut Child) {
        for (how, patience) in [(Signal::INT, FAST_SHUTDOWN), (Signal::QUIT, IMMEDIATE_SHUTDOWN)] {
            let Some(pid) = child.id() else { return };
            process::signal(pid.cast_signed(), how);
            if timeout(patience, child.wait()).await.is_ok() {
                return;
            }
            tracing::warn!(?how, "PostgreSQL does not end");
        }
        if let Err(error) = child.kill().await {
            tracing::warn!(%error, "cannot kill PostgreSQL");
        }
    }
}

/// Makes the product's role and database. The role owns its database and may make others (tests do), and is no superuser.
async fn make_database(address: &Address) -> Result<(), sqlx::Error> {
    let mut admin: PgConnection = address.superuser().connect().await?;
    let role = sqlx::query("select from pg_roles where rolname = 'vedette'").fetch_optional(&mut admin).await?;
    if role.is_none() {
        sqlx::query("create role vedette login createdb").execute(&mut admin).await?;
    }
    let database = sqlx::query("select from pg_database where datname = 'vedette'").fetch_optional(&mut admin).await?;
    if database.is_none() {
        sqlx::query("create database vedette owner vedette").execute(&mut admin).await?;
    }
    admin.close().await
}

/// A small process that waits for our end, however it comes, then ends a throwaway server and deletes its directory.
/// Rust cannot ask the kernel for that without `unsafe`; a pipe that closes can.
#[derive(Debug)]
pub(super) struct Guard {
    _child: Child,
    /// Closed by our death or by dropping this.
    _alive: Option<ChildStdin>,
}

const GUARD: &str = r#"read -r _
pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
n=0; while [ -e "$0/data/postmaster.pid" ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
rm -rf -- "$0"
[ -d "$1" ] && rm -f -- "$1"/.s.PGSQL.* && rmdir -- "$1""#;

impl Guard {
    pub(super) fn new(home: &Path, socket_dir: &Path) -> Result<Self, PostgresError> {
        let spawned = Command::new("/bin/sh")
            .args(["-c", GUARD])
            .args([home, socket_dir])
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut child = spawned.map_err(|source| PostgresError::io("run", Path::new("/bin/sh"), source))?;
        let alive = child.stdin.take();
        Ok(Self { _child: child, _alive: alive })
    }
}
