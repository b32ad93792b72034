//! The postmaster as a process: what `postmaster.pid` says, whether it lives, signals.
//!
//! A number in a file proves nothing: after a reboot or in a restarted container it may be another process, and where nobody reaps
//! orphans it may be a zombie. PostgreSQL itself refuses to start over either, so both are told apart here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal};

/// How long a postmaster may take over a fast shutdown (its last checkpoint) before it is told to drop everything.
pub(super) const FAST_SHUTDOWN: Duration = Duration::from_mins(1);
/// How long it may take over an immediate one.
pub(super) const IMMEDIATE_SHUTDOWN: Duration = Duration::from_secs(5);
/// How often a process that is not our child is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Above every system's largest process id.
const NOBODYS_PID: &str = "2147483646";

/// What `postmaster.pid` says about the server of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: i32,
    /// Where its socket is.
    pub(super) socket_dir: PathBuf,
    /// `ready` when it takes connections.
    pub(super) ready: bool,
}

/// Reads `postmaster.pid`; none when there is none, or when it is being written.
pub(super) fn read(data: &Path) -> Option<Postmaster> {
    parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
}

fn parse(text: &str) -> Option<Postmaster> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 1)?;
    let socket_dir = PathBuf::from(lines.nth(3).unwrap_or_default());
    Some(Postmaster { pid, socket_dir, ready: lines.nth(2).is_some_and(|status| status.trim() == "ready") })
}

/// Whether `pid` is the living postmaster of the cluster in `data`.
pub(super) fn is_alive(pid: i32, data: &Path) -> bool {
    if !exists(pid) {
        return false;
    }
    let proc = PathBuf::from(format!("/proc/{pid}"));
    let Ok(stat) = fs::read_to_string(proc.join("stat")) else { return !Path::new("/proc/self").exists() };
    // `PID (name) S …`; the name may hold brackets and blanks.
    let Some((head, rest)) = stat.rsplit_once(')') else { return true };
    let name = head.split_once('(').map_or("", |(_, name)| name);
    let zombie = rest.trim_start().starts_with(['Z', 'X']);
    let elsewhere = fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd != data);
    name.starts_with("post") && !zombie && !elsewhere
}

fn exists(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(Errno::SRCH))
}

/// Sends a signal; a process that is gone already is fine.
pub(super) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid).filter(|_| pid > 1)
        && let Err(error) = rustix::process::kill_process(pid, signal)
        && error != Errno::SRCH
    {
        tracing::warn!(%error, ?signal, "cannot signal PostgreSQL");
    }
}

/// Waits until `pid` is no longer the postmaster of `data`.
pub(super) async fn gone(pid: i32, data: &Path) {
    while is_alive(pid, data) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Ends a postmaster that is not our child: first politely, in the end by force.
pub(super) async fn end(pid: i32, data: &Path) {
    for (how, patience) in [(Signal::INT, FAST_SHUTDOWN), (Signal::QUIT, IMMEDIATE_SHUTDOWN), (Signal::KILL, IMMEDIATE_SHUTDOWN)] {
        signal(pid, how);
        if tokio::time::timeout(patience, gone(pid, data)).await.is_ok() {
            return;
        }
    }
}

/// Makes a stale `postmaster.pid` harmless whose number is another living process (or a zombie) by now: PostgreSQL would refuse to start.
/// The rest of the file stays, because PostgreSQL looks there for backends that outlived their postmaster.
pub(super) fn disarm(data: &Path) -> std::io::Result<()> {
    let file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&file) else { return Ok(()) };
    let Some(stale) = parse(&text).filter(|stale| exists(stale.pid)) else { return Ok(()) };
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    fs::write(&file, format!("{NOBODYS_PID}\n{rest}"))?;
    // The socket's own lock file holds nothing else.
    let lock = stale.socket_dir.join(format!(".s.PGSQL.{}.lock", super::socket::PORT));
    match fs::remove_file(lock) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "14828\n/data\n1795599016\n5432\n/run/here\n\n 10061442         4\nready   \n";

    #[test]
    fn the_pid_file_is_read_in_every_state() {
        let postmaster = Postmaster { pid: 14828, socket_dir: PathBuf::from("/run/here"), ready: true };
        assert_eq!(parse(FILE), Some(postmaster.clone()));
        assert_eq!(parse(&FILE.replace("ready   ", "starting")), Some(Postmaster { ready: false, ..postmaster }));
        assert_eq!(parse("14828\n").map(|p| p.ready), Some(false), "half written");
        for text in ["", "0\n", "-5\n", "x\n", "1\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn another_process_is_not_taken_for_the_postmaster() {
        let us = std::process::id() as i32;
        assert!(exists(us));
        assert!(!is_alive(us, Path::new("/")), "this is a test, not PostgreSQL");
        assert!(!is_alive(2_147_483_646, Path::new("/")));
    }

    #[test]
    fn a_stale_number_is_replaced_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("postmaster.pid");
        let socket_lock = dir.path().join(".s.PGSQL.5432.lock");
        fs::write(&socket_lock, "").unwrap();
        let text = FILE.replace("14828", &std::process::id().to_string()).replace("/run/here", dir.path().to_str().unwrap());
        fs::write(&file, &text).unwrap();
        disarm(dir.path()).unwrap();
        let after = fs::read_to_string(&file).unwrap();
        assert!(after.starts_with("2147483646\n/data\n") && after.contains("10061442"), "{after}");
        assert!(!socket_lock.exists());

        fs::write(&file, FILE.replace("14828", NOBODYS_PID)).unwrap();
        disarm(dir.path()).unwrap();
        assert!(fs::read_to_string(&file).unwrap().starts_with(NOBODYS_PID), "a number of nobody is left to PostgreSQL");
    }
}
