//! # Partitions: a day of events, attachments and searched values each
//! **Promise.** A day's partition is there before its first event, and a day past retention goes as a whole: its disk space comes back at once.
//! **How.** A table made on its own and then attached takes no lock that readers or writers of other days notice. Dropping detaches first,
//! under a lock timeout: a day that is being read is dropped at the next try.
//! **When it breaks.** Two processes that make the same day meet at an advisory lock of the transaction.
//! **Not here.** A project's own shorter retention.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::{Connection as _, PgConnection};

use crate::platform::App;
use crate::platform::clock::{hour_of, minute_of};
use crate::platform::db::{AdvisoryLock, Db, run_script};
use crate::platform::periodic::{Periodic, Step};

/// Days that are made ahead of the clock.
const AHEAD: u64 = 3;

/// The tables that have a partition per day, and how what is large in them is stored: payloads are packed already.
const TABLES: [(&str, &str); 3] = [("events", "alter column payload set storage external"), ("attachments", ""), ("event_pairs", "")];

/// Which tables have a partition of which day, oldest first.
async fn there(db: &mut PgConnection) -> sqlx::Result<BTreeMap<NaiveDate, Vec<&'static str>>> {
    let names = sqlx::query_scalar!(
        r#"select c.relname as "name!" from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('events'::regclass, 'attachments'::regclass, 'event_pairs'::regclass) and not i.inhdetachpending"#
    );
    let mut days = BTreeMap::<_, Vec<_>>::new();
    for (table, day) in names.fetch_all(db).await?.iter().filter_map(|name| parts_of(name)) {
        days.entry(day).or_default().push(table);
    }
    Ok(days)
}

fn name_of(table: &str, day: NaiveDate) -> String {
    format!("{table}_{}", day.format("%Y%m%d"))
}

fn parts_of(name: &str) -> Option<(&'static str, NaiveDate)> {
    let (table, day) = name.rsplit_once('_')?;
    let (table, _) = TABLES.into_iter().find(|(known, _)| *known == table)?;
    Some((table, NaiveDate::parse_from_str(day, "%Y%m%d").ok()?))
}

/// Makes the partitions of a day, unless they are there.
pub async fn make(db: &Db, day: NaiveDate) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", AdvisoryLock::Partitions.number()).fetch_one(&mut *tx).await?;
    let found = there(&mut tx).await?.remove(&day).unwrap_or_default();
    for (table, storage) in TABLES.into_iter().filter(|(table, _)| !found.contains(table)) {
        let (name, from, to) = (name_of(table, day), day, day + Days::new(1));
        let storage = if storage.is_empty() { String::new() } else { format!("alter table {name} {storage};") };
        let make = format!(
            "create table {name} (like {table} including defaults including constraints including storage, constraint {name}_day check (day >= '{from}' and day < '{to}'));
             {storage}
             alter table {table} attach partition {name} for values from ('{from}') to ('{to}');
             alter table {name} drop constraint {name}_day"
        );
        run_script(&mut tx, make).await?;
    }
    tx.commit().await
}

/// Drops a day's partitions; blobs of its attachments are pending from now on. An error: it is being read, try again later.
async fn drop_day(db: &mut PgConnection, day: NaiveDate, tables: &[&str], now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    run_script(&mut tx, "set local lock_timeout = '2s'".to_owned()).await?;
    for table in tables {
        let name = name_of(table, day);
        // Nobody adds an attachment between the look and the drop.
        run_script(&mut tx, format!("lock table {name} in access exclusive mode")).await?;
        if *table == "attachments" {
            sqlx::query!(
                "insert into pending_blobs (project_id, blob, since) select project_id, blob, $2 from attachments where day = $1 and blob is not null
                on conflict (project_id, blob) do update set since = excluded.since",
                day,
                now
            )
            .execute(&mut *tx)
            .await?;
        }
        run_script(&mut tx, format!("alter table {table} detach partition {name}; drop table {name}")).await?;
    }
    tx.commit().await
}

/// Makes days ahead.
pub struct MakeAhead;

impl Periodic for MakeAhead {
    const NAME: &'static str = "events.partitions";
    const EVERY: Duration = Duration::from_mins(10);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        make_ahead(&app.db, app.clock.now()).await?;
        Ok(Step::Idle)
    }
}

/// Makes today and the days ahead.
pub async fn make_ahead(db: &Db, now: DateTime<Utc>) -> sqlx::Result<()> {
    let there = there(&mut *db.acquire().await?).await?;
    for ahead in 0..=AHEAD {
        let day = now.date_naive() + Days::new(ahead);
        if there.get(&day).is_none_or(|tables| tables.len() < TABLES.len()) {
            make(db, day).await?;
        }
    }
    Ok(())
}

/// Drops days and counters past retention, one bounded step at a time.
pub struct Retention {
    /// Days whose events are kept, today included.
    pub days: u32,
}

/// Minute counters are for the spike detector and the last hours' charts.
pub const MINUTE_DAYS: i32 = 8;
/// Rows of counters deleted in one step.
const BATCH: i64 = 10_000;

impl Periodic for Retention {
    const NAME: &'static str = "events.retention";
    const EVERY: Duration = Duration::from_mins(10);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let mut db = app.db.acquire().await?;
        let now = app.clock.now();
        let first = now.date_naive() - Days::new(u64::from(self.days.max(1)) - 1);
        if let Some((day, tables)) = there(&mut db).await?.pop_first().filter(|(day, _)| *day < first) {
            drop_day(&mut db, day, &tables, now).await?;
            return Ok(Step::More(format!("dropped the events of {day}")));
        }
        let hour = hour_of(now) - 24 * self.days as i32;
        let minute = minute_of(now) - MINUTE_DAYS * 24 * 60;
        let deleted = delete_counters(&mut db, hour, minute).await?;
        Ok(if deleted >= BATCH as u64 { Step::More(format!("deleted {deleted} counters")) } else { Step::Idle })
    }
}

/// Deletes a bounded number of expired counters; the largest number of any one table.
async fn delete_counters(db: &mut PgConnection, hour: i32, minute: i32) -> sqlx::Result<u64> {
    let minutes = sqlx::query!(
        "delete from issue_minutes where ctid = any(array(select ctid from issue_minutes where minute < $1 limit $2))",
        minute,
        BATCH
    );
    let minutes = minutes.execute(&mut *db).await?.rows_affected();
    let project_minutes = sqlx::query!(
        "delete from project_minutes where ctid = any(array(select ctid from project_minutes where minute < $1 limit $2))",
        minute,
        BATCH
    );
    let project_minutes = project_minutes.execute(&mut *db).await?.rows_affected();
    let hours =
        sqlx::query!("delete from issue_hours where ctid = any(array(select ctid from issue_hours where hour < $1 limit $2))", hour, BATCH);
    let hours = hours.execute(&mut *db).await?.rows_affected();
    let outcomes =
        sqlx::query!("delete from outcomes where ctid = any(array(select ctid from outcomes where hour < $1 limit $2))", hour, BATCH);
    let outcomes = outcomes.execute(db).await?.rows_affected();
    Ok(minutes.max(project_minutes).max(hours).max(outcomes))
}

/// "no partition of relation found for row": it was dropped after it was last seen.
pub fn is_missing(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    error.code().as_deref() == Some("23514") && error.constraint().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_named_after_its_day() {
        let day = NaiveDate::from_ymd_opt(2026, 2, 3).unwrap();
        for (table, name) in [("events", "events_20260203"), ("attachments", "attachments_20260203")] {
            assert_eq!((name_of(table, day).as_str(), parts_of(name)), (name, Some((table, day))));
        }
        for name in ["events_old", "issues_20260203", "events"] {
            assert_eq!(parts_of(name), None);
        }
    }
}
