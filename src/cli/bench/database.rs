//! # The server's database, seen from outside
//! **Promise.** One connection that asks what people would see (`issues`), what is stored (`events`) and what it takes on disk. It reads;
//! all it changes is a checkpoint.
//! **Not here.** The baseline's table (`baseline`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::time::sleep;

/// Of the managed cluster: a checkpoint is not for the product's own role.
const SUPERUSER: &str = "postgres";
/// How often the counters are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// When nothing new is seen for so long, nothing more will come.
const GIVE_UP_AFTER: Duration = Duration::from_mins(1);

/// The connection, and the project that is looked at.
pub(super) struct Database {
    pub(super) connection: PgConnection,
    pub(super) project: i64,
}

/// The database's clock, read once and carried on by the steady one: server and generator agree on the time of day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    read: DateTime<Utc>,
    at: Instant,
}

impl Clock {
    pub(super) fn starting(read: DateTime<Utc>) -> Self {
        Self { read, at: Instant::now() }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.read + self.at.elapsed()
    }
}

/// What must agree at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Books {
    pub(super) acknowledged: i64,
    /// Rows of `events`, and how many different events they are.
    pub(super) rows: i64,
    pub(super) distinct: i64,
    /// Sum of the issues' counters.
    pub(super) counted: i64,
}

impl Books {
    /// The error when an acknowledged event is missing, stored twice or not counted.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let Self { acknowledged, rows, distinct, counted } = *self;
        if rows == acknowledged && distinct == acknowledged && counted == acknowledged {
            return Ok(());
        }
        bail!(
            "{acknowledged} events were acknowledged, but there are {rows} rows of {distinct} different events, and issues count {counted}"
        )
    }
}

impl Database {
    pub(super) async fn connect(url: &str, project: i64) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url).context("the server's database URL")?.username(SUPERUSER);
        let connection = PgConnection::connect_with(&options).await.context("cannot reach the server's database")?;
        Ok(Self { connection, project })
    }

    /// The process that serves this connection.
    pub(super) async fn backend(&mut self) -> sqlx::Result<u32> {
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut self.connection).await?;
        Ok(pid as u32)
    }

    pub(super) async fn clock(&mut self) -> sqlx::Result<Clock> {
        sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut self.connection).await.map(Clock::starting)
    }

    pub(super) async fn version(&mut self) -> sqlx::Result<String> {
        sqlx::query_scalar("show server_version").fetch_one(&mut self.connection).await
    }

    /// Where the cluster keeps its files.
    pub(super) async fn folder(&mut self) -> sqlx::Result<PathBuf> {
        let folder: String = sqlx::query_scalar("show data_directory").fetch_one(&mut self.connection).await?;
        Ok(folder.into())
    }

    /// Events that people see, counted by their issues.
    pub(super) async fn visible(&mut self) -> sqlx::Result<i64> {
        sqlx::query_scalar("select coalesce(sum(event_count), 0)::bigint from issues where project_id = $1")
            .bind(self.project)
            .fetch_one(&mut self.connection)
            .await
    }

    /// How many issues there are.
    pub(super) async fn issues(&mut self) -> sqlx::Result<i64> {
        sqlx::query_scalar("select count(*) from issues where project_id = $1").bind(self.project).fetch_one(&mut self.connection).await
    }

    /// Waits until so many are visible, and says when that was.
    pub(super) async fn wait_visible(&mut self, count: i64) -> anyhow::Result<Instant> {
        let (mut last, mut changed) = (-1, Instant::now());
        loop {
            let visible = self.visible().await?;
            if visible >= count {
                return Ok(Instant::now());
            }
            if visible != last {
                (last, changed) = (visible, Instant::now());
            }
            if changed.elapsed() > GIVE_UP_AFTER {
                bail!("{visible} of {count} events became visible, then none for {} s", GIVE_UP_AFTER.as_secs());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Which of these titles are in the issue list.
    pub(super) async fn listed(&mut self, titles: &[String]) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("select title from issues where project_id = $1 and title = any($2)")
            .bind(self.project)
            .bind(titles)
            .fetch_all(&mut self.connection)
            .await
    }

    pub(super) async fn books(&mut self, acknowledged: u64) -> sqlx::Result<Books> {
        let (rows, distinct): (i64, i64) = sqlx::query_as("select count(*), count(distinct event_id) from events where project_id = $1")
            .bind(self.project)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(Books { acknowledged: acknowledged as i64, rows, distinct, counted: self.visible().await? })
    }

    /// Writes everything out, and says what each table takes with its indexes and its TOAST; partitions count with their table.
    pub(super) async fn sizes(&mut self) -> anyhow::Result<BTreeMap<String, i64>> {
        sqlx::query("checkpoint").execute(&mut self.connection).await.context("cannot make a checkpoint")?;
        let sizes: Vec<(String, i64)> = sqlx::query_as(
            "select coalesce(parent.relname, one.relname)::text, sum(pg_total_relation_size(one.oid))::bigint
             from pg_class one
             left join pg_inherits inherits on inherits.inhrelid = one.oid
             left join pg_class parent on parent.oid = inherits.inhparent
             where one.relnamespace = 'public'::regnamespace and one.relkind in ('r', 'm')
             group by 1",
        )
        .fetch_all(&mut self.connection)
        .await?;
        Ok(sizes.into_iter().collect())
    }

    /// Bytes of write-ahead log written since the cluster began.
    pub(super) async fn log_written(&mut self) -> sqlx::Result<i64> {
        sqlx::query_scalar("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").fetch_one(&mut self.connection).await
    }

    pub(super) async fn close(self) -> sqlx::Result<()> {
        self.connection.close().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_balance_only_when_all_four_agree() {
        let good = Books { acknowledged: 9, rows: 9, distinct: 9, counted: 9 };
        good.check().unwrap();
        let lost = Books { rows: 8, distinct: 8, counted: 8, ..good };
        let swapped = Books { distinct: 8, ..good };
        let uncounted = Books { counted: 10, ..good };
        for bad in [lost, swapped, uncounted] {
            assert!(bad.check().unwrap_err().to_string().starts_with("9 events were acknowledged"), "{bad:?}");
        }
    }
}
