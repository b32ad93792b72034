//! # The throwaway server
//! **Promise.** This executable as anybody would start it, in a folder of its own: its own PostgreSQL, no setting of the environment, no
//! mail to anybody. It is stopped in order (SIGTERM), since its PostgreSQL must stop with it.
//! **How.** The server writes its `address` and its `database-url` into the data directory once it listens.
//! **When it breaks.** The folder stays, the error has the end of the log.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use url::Url;

use super::mix::Target;

/// A new cluster is made in this time too.
const START_WITHIN: Duration = Duration::from_mins(2);
const STOP_WITHIN: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What of the log goes into an error.
const LOG_END: usize = 2_000;

/// A running server.
pub(super) struct Server {
    program: PathBuf,
    home: PathBuf,
    child: Child,
    pub(super) address: String,
    pub(super) database_url: String,
}

impl Server {
    /// Starts `program` with a new folder `home` and waits until it listens.
    pub(super) async fn start(program: &Path, home: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
        let home = home.canonicalize()?;
        let log = fs::File::create(home.join("bench-server.log"))?;
        let child = command(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&home)
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut server = Self { program: program.to_owned(), home, child, address: String::new(), database_url: String::new() };
        match server.wait_listening().await {
            Ok(()) => Ok(server),
            Err(error) => {
                let error = explain(&error, &server.log_end());
                // It may have ended already; what matters is why it did not start.
                let _ = server.stop().await;
                Err(error)
            }
        }
    }

    async fn wait_listening(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let read = |name| fs::read_to_string(self.home.join(name)).unwrap_or_default().trim().to_owned();
            let (address, database_url) = (read("address"), read("database-url"));
            if !address.is_empty() && !database_url.is_empty() {
                (self.address, self.database_url) = (address, database_url);
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended before it listened: {status}");
            }
            if start.elapsed() > START_WITHIN {
                bail!("the server wrote no address within {} s", START_WITHIN.as_secs());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Makes a project, as a user would; says where its events go.
    pub(super) async fn create_project(&self) -> anyhow::Result<Target> {
        let mut create = command(&self.program);
        create.args(["project", "create", "bench", "--data-dir"]).arg(&self.home).stderr(Stdio::piped()).stdout(Stdio::piped());
        let output = create.output().await.context("cannot make a project")?;
        let printed = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("`project create` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let dsn = printed.trim().lines().next_back().unwrap_or_default();
        target(dsn, &self.address).with_context(|| format!("`project create` printed no DSN as its last line, but {dsn:?}"))
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// The end of what the server wrote.
    pub(super) fn log_end(&self) -> String {
        let log = fs::read_to_string(self.home.join("bench-server.log")).unwrap_or_default();
        let from = (log.len().saturating_sub(LOG_END)..log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or(log.len());
        format!("The server's folder is kept: {}\nIts log ends with:\n{}", self.home.display(), log[from..].trim_end())
    }

    /// Asks it to end and waits for it.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let Some(pid) = self.child.id().and_then(|pid| Pid::from_raw(pid as i32)) else { return Ok(()) };
        kill_process(pid, Signal::TERM).context("cannot stop the server")?;
        let status = timeout(STOP_WITHIN, self.child.wait())
            .await
            .with_context(|| format!("the server did not stop within {} s", STOP_WITHIN.as_secs()))??;
        anyhow::ensure!(status.success(), "the server stopped with {status}");
        Ok(())
    }
}

/// An error, then where to look for more.
pub(super) fn explain(error: &anyhow::Error, log_end: &str) -> anyhow::Error {
    anyhow::anyhow!("{error:#}\n{log_end}")
}

/// The program without any setting from the environment: nothing of a real installation may leak into the throwaway one, or out of it.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    let ours = |name: &OsString| name == "DATABASE_URL" || name.to_string_lossy().starts_with("VEDETTE_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command
}

/// A DSN's project and key at the address the server really has.
fn target(dsn: &str, address: &str) -> Option<Target> {
    let url = Url::parse(dsn).ok()?;
    let project = url.path_segments()?.next_back().filter(|project| !project.is_empty())?.to_owned();
    let key = Some(url.username()).filter(|key| !key.is_empty())?.to_owned();
    Some(Target { host: address.to_owned(), project, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that follows the contract.
    const OBEDIENT: &str = r#"#!/bin/sh
case "$1" in
serve)
    trap 'echo stopped > "$5/stopped"; exit 0' TERM
    echo "127.0.0.1:4711" > "$5/address"
    echo "postgres://bench@localhost/vedette" > "$5/database-url"
    while :; do sleep 0.02; done ;;
project)
    echo "project $3 made:"
    echo "http://0123456789abcdef0123456789abcdef@localhost:9/12" ;;
esac
"#;

    fn program(folder: &Path, text: &str) -> PathBuf {
        let (text_only, path) = (folder.join("text"), folder.join("program"));
        fs::write(&text_only, text).unwrap();
        // Not written by this process: a fork of another test could hold it open for writing, and the kernel would not run it.
        let install = std::process::Command::new("install").arg("-m755").args([&text_only, &path]).status().unwrap();
        assert!(install.success());
        path
    }

    #[tokio::test]
    async fn a_server_is_started_asked_and_stopped_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&program(folder.path(), OBEDIENT), &folder.path().join("home")).await.unwrap();
        assert_eq!(server.database_url, "postgres://bench@localhost/vedette");
        let target = server.create_project().await.unwrap();
        assert_eq!((target.host.as_str(), target.project.as_str()), ("127.0.0.1:4711", "12"));
        assert_eq!(target.key, "0123456789abcdef0123456789abcdef");
        let home = server.home().to_owned();
        server.stop().await.unwrap();
        assert_eq!(fs::read_to_string(home.join("stopped")).unwrap(), "stopped\n");
    }

    #[tokio::test]
    async fn a_server_that_ends_at_once_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let program = program(folder.path(), "#!/bin/sh\necho no PostgreSQL is installed\nexit 3\n");
        let error = Server::start(&program, &folder.path().join("home")).await.err().unwrap();
        let text = format!("{error:#}");
        assert!(text.contains("no PostgreSQL is installed") && text.contains("exit status: 3"), "{text}");
    }

    #[test]
    fn a_line_that_is_no_dsn_is_none() {
        for line in ["", "done", "http://localhost:9/12", "http://key@localhost:9/"] {
            assert!(target(line, "x").is_none(), "{line}");
        }
    }
}
