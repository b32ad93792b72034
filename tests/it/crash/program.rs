//! The program as a process: started, asked, ended politely or by `kill -9`. What it leaves is ended when a test fails.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::http::{Connection, Reply};

/// How long anything may take before the test gives up on it: a machine that is busy with other tests is slow, not broken.
pub(super) const PATIENCE: Duration = Duration::from_mins(3);
/// How often a fact that cannot be waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where a project's events go.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) project: String,
    pub(super) key: String,
}

/// `vedette serve` and its data directory, which outlives its processes.
pub(super) struct Program {
    child: Option<Child>,
    database_url: Option<String>,
    settings: Vec<(&'static str, &'static str)>,
    address: watch::Sender<String>,
    home: Home,
}

impl Program {
    /// With the managed PostgreSQL, or with the one at `database_url`. Does not run yet.
    pub(super) fn new(database_url: Option<String>, settings: &[(&'static str, &'static str)]) -> Self {
        let home = Home(tempfile::Builder::new().prefix("vedette-crash-").tempdir().unwrap());
        Self { child: None, database_url, settings: settings.to_vec(), address: watch::Sender::default(), home }
    }

    /// Starts the process and does not wait for anything.
    pub(super) fn launch(&mut self) {
        // What the process before wrote there is no longer so.
        let _ = fs::remove_file(self.home.file("address"));
        let log = fs::File::options().create(true).append(true).open(self.home.file("server.log")).unwrap();
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// Starts the process and waits until it says where it listens.
    pub(super) async fn start(&mut self) {
        self.launch();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let address = fs::read_to_string(self.home.file("address")).unwrap_or_default();
            if !address.is_empty() {
                self.address.send_replace(address);
                return;
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none() && Instant::now() < deadline, "the server did not start: {ended:?}\n{}", self.log());
            sleep(LOOK_EVERY).await;
        }
    }

    /// `kill -9`.
    pub(super) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }

    /// SIGTERM; how the process ended, if it did `within` that time.
    pub(super) async fn terminate(&mut self, within: Duration) -> Option<ExitStatus> {
        let child = self.child.as_mut().unwrap();
        kill_process(Pid::from_raw(child.id().unwrap().cast_signed()).unwrap(), Signal::TERM).unwrap();
        let status = timeout(within, child.wait()).await.ok()?.unwrap();
        self.child = None;
        Some(status)
    }

    /// Ends the process in good order; a test's last word to it.
    pub(super) async fn stop(mut self) {
        let status = self.terminate(PATIENCE).await.unwrap_or_else(|| panic!("the server does not end\n{}", self.log()));
        assert!(status.success(), "{status}\n{}", self.log());
    }

    /// Makes a project by the command, while the server runs.
    pub(super) async fn project(&self) -> Target {
        let output = self.command().args(["project", "create", "shop"]).output().await.unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let dsn = url::Url::parse(printed.lines().next_back().unwrap()).unwrap();
        let target = Target { project: dsn.path().trim_matches('/').to_owned(), key: dsn.username().to_owned() };
        let knows = |home: &Home| fs::read_to_string(home.file("keys.json")).is_ok_and(|text| text.replace('-', "").contains(&target.key));
        let deadline = Instant::now() + PATIENCE;
        while !knows(&self.home) {
            assert!(Instant::now() < deadline, "the server does not learn of the key\n{}", self.log());
            sleep(LOOK_EVERY).await;
        }
        target
    }

    /// Where it listens, now and later.
    pub(super) fn address(&self) -> watch::Receiver<String> {
        self.address.subscribe()
    }

    /// What `/healthz` says.
    pub(super) async fn health(&self) -> Value {
        let address = self.address.borrow().clone();
        let asked = async { Connection::open(&address).await?.get("/healthz").await };
        let Reply { body, .. } = asked.await.unwrap_or_else(|error| panic!("/healthz: {error}\n{}", self.log()));
        serde_json::from_slice(&body).unwrap()
    }

    /// Waits until the database answers and all that was taken is digested.
    pub(super) async fn digested(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let health = self.health().await;
            if health["status"] == "ok" && health["journal"]["records"] == 0 {
                assert_eq!(health["journal"]["dead_letters"], 0, "{}", self.log());
                return;
            }
            assert!(Instant::now() < deadline, "records wait in the journal: {health}\n{}", self.log());
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until `/healthz` says this word.
    pub(super) async fn says(&self, status: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let health = self.health().await;
            if health["status"] == status {
                return;
            }
            assert!(Instant::now() < deadline, "{status} expected: {health}\n{}", self.log());
            sleep(LOOK_EVERY).await;
        }
    }

    /// Where its database is.
    pub(super) fn database_url(&self) -> String {
        fs::read_to_string(self.home.file("database-url")).unwrap()
    }

    /// Where it keeps what it keeps.
    pub(super) fn data_dir(&self) -> &Path {
        self.home.path()
    }

    /// What all its processes logged.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.home.file("server.log")).unwrap_or_default()
    }

    /// The program with this test's settings and no others.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vedette"));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let ours = |name: &OsString| name == "DATABASE_URL" || name.to_string_lossy().starts_with("VEDETTE_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.env("VEDETTE_DATA_DIR", self.home.path()).envs(self.settings.iter().copied());
        if let Some(url) = &self.database_url {
            command.env("DATABASE_URL", url);
        }
        command
    }
}

/// The data directory. A managed PostgreSQL goes on running when its server is killed: whoever deletes the directory ends it.
struct Home(TempDir);

impl Home {
    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let file = fs::read_to_string(self.file("postgres/data/postmaster.pid")).unwrap_or_default();
        if let Some(pid) = file.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::QUIT);
        }
    }
}
