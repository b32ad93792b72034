//! What can be wrong with a managed PostgreSQL, each as one line that says what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no managed PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No binaries on this machine.
    #[error(
        "PostgreSQL is not installed: run `apt-get install postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora), \
         `apk add postgresql` (Alpine) or `brew install postgresql@17` (macOS), or set DATABASE_URL to a server elsewhere"
    )]
    NotInstalled,
    /// Only majors that the SQL is not written for.
    #[error("PostgreSQL 14 or newer is needed, and this machine has only {found}: install a newer one or set DATABASE_URL")]
    TooOld {
        /// What is installed, and where.
        found: String,
    },
    /// A cluster runs only on the major version that made it.
    #[error(
        "the cluster was made by PostgreSQL {cluster}, which is not installed (found: {found}): install postgresql-{cluster}, or move the data with pg_upgrade"
    )]
    WrongMajor {
        /// The cluster's major version.
        cluster: u32,
        /// What is installed, and where.
        found: String,
    },
    /// Another account's cluster.
    #[error("the cluster in {} belongs to {owner}, and this is {us}: start as {owner} or root", cluster.display())]
    NotOurs {
        /// The cluster's data directory.
        cluster: PathBuf,
        /// Its owner.
        owner: String,
        /// Who runs this process.
        us: String,
    },
    /// Root has nobody to run the server as.
    #[error(
        "PostgreSQL refuses to run as root, and there is no unprivileged account to run it (tried {tried}): make one, or start as another user"
    )]
    NoAccount {
        /// The names looked for.
        tried: String,
    },
    /// The account cannot reach the directory.
    #[error("PostgreSQL runs as {account}, who may not enter {}: choose a --data-dir elsewhere, or start as another user", at.display())]
    Blocked {
        /// The first directory it may not enter.
        at: PathBuf,
        /// Who runs the server.
        account: String,
    },
    /// No short enough path for the socket.
    #[error("the socket's path in {} would be longer than {limit} bytes, and no short directory is writable", dir.display())]
    SocketPath {
        /// Where it should have been.
        dir: PathBuf,
        /// The operating system's limit.
        limit: usize,
    },
    /// A lasting cluster where a throwaway one was asked for, or the other way round.
    #[error("{} holds a {there} cluster and cannot serve as a {wanted} one: choose another directory", home.display())]
    OtherKind {
        /// The directory.
        home: PathBuf,
        /// What is there.
        there: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// `initdb` failed.
    #[error("initdb failed: {said}")]
    Initdb {
        /// Its last words.
        said: String,
    },
    /// The server ended instead of answering.
    #[error("PostgreSQL did not start ({status}): {said}")]
    Died {
        /// How the process ended.
        status: String,
        /// Its last words.
        said: String,
    },
    /// Another process holds the cluster, and its server does not answer.
    #[error("another vedette looks after the cluster in {}, and its PostgreSQL does not answer", home.display())]
    Unanswered {
        /// The cluster's directory.
        home: PathBuf,
    },
    /// `stop` was called while the server was starting.
    #[error("PostgreSQL is being stopped")]
    Stopping,
    /// The file system said no.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb phrase.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The server runs but refuses what the start needs.
    #[error("PostgreSQL refused to {doing}: {source}")]
    Sql {
        /// What was tried, as a verb phrase.
        doing: &'static str,
        /// Its answer.
        source: sqlx::Error,
    },
}

impl PostgresError {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }
}
