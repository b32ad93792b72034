//! # The database
//! **Promise.** One pool, one way to migrate, one way to tell what kind of failure a database error is.
//! **How.** [`Db`] wraps sqlx's pool. [`migrate`] takes a transaction-scoped advisory lock, so that two processes may start at once, also
//! behind a transaction pooler. **When it breaks.** [`Fault`] sorts errors: the server is away (wait), the statement lost a race (again now),
//! or the data is bad (do not try again).
//! **Not here.** Statements: rooms own theirs.

use std::io;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};

/// The pool.
pub type Db = PgPool;

/// The migrations of `migrations/`, in the binary.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The advisory locks of this program, in one place so that no two are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub enum AdvisoryLock {
    /// Making a day's partition.
    Partitions = 0x5645_4445_5054_0001,
    /// Transactions of digest: shared, or alone while it looks for repeats on other days.
    Digest = 0x5645_4445_5054_0002,
    /// [`migrate`].
    Migration = 0x5645_4445_5054_0003,
    /// Looking for spikes.
    Spikes = 0x5645_4445_5054_0004,
}

impl AdvisoryLock {
    /// The number that PostgreSQL knows.
    pub const fn number(self) -> i64 {
        self as i64
    }
}

/// How long [`reach`] tries.
const REACH: Duration = Duration::from_secs(5);
/// How often a process looks whether another has finished migrating.
const MIGRATION_PAUSE: Duration = Duration::from_millis(100);

/// How the pool is made.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// Connections at most. 12 serve a busy team on two cores, and leave room in PostgreSQL's default of 100 for several processes.
    pub connections: u32,
    /// How long a request waits for a connection before it fails.
    pub acquire_timeout: Duration,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self { connections: 12, acquire_timeout: Duration::from_secs(5) }
    }
}

/// A pool to `url` that connects when it is first used: the server may be away now.
pub fn pool(url: &str, options: &DbOptions) -> sqlx::Result<Db> {
    let connect = PgConnectOptions::from_str(url)?.application_name("vedette").disable_statement_logging();
    Ok(PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(Duration::from_mins(5))
        .connect_lazy_with(connect))
}

/// Says why the server cannot be reached, where a pool would only say that it waited.
pub async fn reach(url: &str) -> sqlx::Result<()> {
    let connect = PgConnectOptions::from_str(url)?.disable_statement_logging();
    let connected = tokio::time::timeout(REACH, connect.connect()).await;
    connected.map_err(|_| sqlx::Error::Io(io::ErrorKind::TimedOut.into()))??.close().await
}

/// Brings the schema up to date; waits for another process that is doing so. Takes two connections. May be cancelled: the lock goes with its
/// transaction, the migration that was running with its own.
pub async fn migrate(db: &Db) -> Result<(), sqlx::migrate::MigrateError> {
    let lock = loop {
        let mut lock = db.begin().await?;
        // Not the lock that waits: its snapshot would hold up an index that another process makes concurrently.
        let got = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "got!""#, AdvisoryLock::Migration.number())
            .fetch_one(&mut *lock)
            .await?;
        if got {
            break lock;
        }
        lock.rollback().await?;
        tokio::time::sleep(MIGRATION_PAUSE).await;
    };
    // sqlx's own lock belongs to a session: behind a transaction pooler that is nobody's, and a cancelled run would leave it in the pool.
    let mut migrator = Migrator::with_migrations(MIGRATOR.iter().cloned().collect());
    migrator.set_locking(false);
    migrator.run(db).await?;
    Ok(lock.rollback().await?)
}

/// What is wrong with the text of `DATABASE_URL`; never quotes it, for it holds a password.
pub fn url_problem(url: &str) -> Option<String> {
    let looks = "it looks like postgres://user:password@host:5432/database";
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Some(format!("this is no address of a PostgreSQL server: {looks}"));
    }
    let problem = PgConnectOptions::from_str(url).err()?;
    Some(format!("{problem}: {looks}; in the password, write @ as %40, / as %2F, # as %23, : as %3A"))
}

/// What to do about a database error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server is away, full, starting or stopping: wait, then do the same again.
    Away,
    /// The transaction lost a race (deadlock, serialisation, lock timeout): do the same again soon.
    Race,
    /// What was sent can never succeed.
    Data,
}

/// Sorts a database error.
pub fn fault(error: &sqlx::Error) -> Fault {
    let code = match error {
        sqlx::Error::Database(error) => error.code(),
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound => {
            return Fault::Data;
        }
        _ => return Fault::Away,
    };
    fault_of(code.as_deref())
}

/// Only what a row itself can cause is bad data. Everything else, a rotated password or a lost privilege too, is the server's state, which
/// people mend: what waits for it must not be given up.
fn fault_of(code: Option<&str>) -> Fault {
    match code.map(|code| (code, code.get(..2).unwrap_or_default())) {
        Some(("40001" | "40P01" | "55P03" | "57014", _)) => Fault::Race,
        // Cardinality, data exceptions, constraints, program limits.
        Some((_, "21" | "22" | "23" | "54")) => Fault::Data,
        _ => Fault::Away,
    }
}

/// Whether the server cannot be reached or does not let us in, as opposed to refusing one statement: a defect of ours is not hidden behind it.
pub fn is_unreachable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code();
            matches!(code.as_deref().and_then(|code| code.get(..2)), Some("08" | "28" | "53" | "57" | "58"))
        }
        error => fault(error) == Fault::Away,
    }
}

/// Turning the violation of a named constraint into an answer.
pub trait OnConstraint<T> {
    /// `make()` when the error is a violation of `constraint`; other errors become `E` as they are.
    fn on_constraint<E: From<anyhow::Error>>(self, constraint: &str, make: impl FnOnce() -> E) -> Result<T, E>;
}

impl<T> OnConstraint<T> for sqlx::Result<T> {
    fn on_constraint<E: From<anyhow::Error>>(self, constraint: &str, make: impl FnOnce() -> E) -> Result<T, E> {
        self.map_err(|error| match error.as_database_error().and_then(|error| error.constraint()) {
            Some(violated) if violated == constraint => make(),
            _ => E::from(anyhow::Error::new(error)),
        })
    }
}

/// Runs statements whose text is made here, from numbers and dates only: the one place where SQL is not static.
pub async fn run_script(db: &mut sqlx::PgConnection, script: String) -> sqlx::Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(db).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_row_can_cause_is_bad_data() {
        for (code, expected) in [
            // A rotated password, a closed database, lost privileges, a schema on its way: people mend them, records wait.
            ("28P01", Fault::Away),
            ("28000", Fault::Away),
            ("55000", Fault::Away),
            ("42501", Fault::Away),
            ("42P01", Fault::Away),
            ("57P01", Fault::Away),
            ("53100", Fault::Away),
            ("25006", Fault::Away),
            ("40P01", Fault::Race),
            ("55P03", Fault::Race),
            ("22021", Fault::Data),
            ("22P05", Fault::Data),
            ("23514", Fault::Data),
            ("54000", Fault::Data),
        ] {
            assert_eq!(fault_of(Some(code)), expected, "{code}");
        }
        assert_eq!((fault_of(None), fault(&sqlx::Error::PoolTimedOut)), (Fault::Away, Fault::Away));
    }
}
