//! # The database
//! **Promise.** One pool, one way to migrate, one way to tell what kind of failure a database error is.
//! **How.** [`Db`] wraps sqlx's pool. [`migrate`] takes a transaction-scoped advisory lock, so that two processes may start at once, also
//! behind a transaction pooler. **When it breaks.** [`Fault`] sorts errors: the server is away (wait), the statement lost a race (again now),
//! or the data is bad (do not try again).
//! **Not here.** Statements: rooms own theirs.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};

/// The pool.
pub type Db = PgPool;

/// The migrations of `migrations/`, in the binary.
pub static MIGRATOR: Migrator = sqlx::migrate!();

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

/// Brings the schema up to date; waits for another process that is doing so.
pub async fn migrate(db: &Db) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATOR.run(db).await
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
    match code.as_deref().map(|code| (code, code.get(..2).unwrap_or_default())) {
        Some(("40001" | "40P01" | "55P03" | "57014", _)) => Fault::Race,
        // 25006, 42P01, 3D000: read-only after a failover; a schema that is not there yet.
        Some((_, "08" | "53" | "57" | "58" | "F0" | "XX") | ("25006" | "42P01" | "3D000", _)) | None => Fault::Away,
        Some(_) => Fault::Data,
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
