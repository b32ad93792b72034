//! # Partitions: a day of events each
//! **Promise.** A day's partition is there before its first event, and a day past retention goes as a whole: its disk space comes back at once.
//! **How.** A table made on its own and then attached takes no lock that readers or writers of other days notice. Dropping detaches first,
//! under a lock timeout: a day that is being read is dropped at the next try.
//! **When it breaks.** Two processes that make the same day meet at an advisory lock of the transaction.
//! **Not here.** A project's own shorter retention.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::{Connection as _, PgConnection};

use crate::platform::App;
use crate::platform::clock::{hour_of, minute_of};
use crate::platform::db::{AdvisoryLock, Db};
use crate::platform::periodic::{Periodic, Step};

/// Days that are made ahead of the clock.
const AHEAD: u64 = 3;

/// The days that are there, oldest first.
pub async fn days(db: &mut PgConnection) -> sqlx::Result<Vec<NaiveDate>> {
    let names = sqlx::query_scalar!(
        r#"select c.relname as "name!" from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'events'::regclass and not i.inhdetachpending order by c.relname"#
    );
    Ok(names.fetch_all(db).await?.iter().filter_map(|name| day_of(name)).collect())
}

fn name_of(day: NaiveDate) -> String {
    day.format("events_%Y%m%d").to_string()
}

fn day_of(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(name, "events_%Y%m%d").ok()
}

/// Makes the partition of a day, unless it is there.
pub async fn make(db: &Db, day: NaiveDate) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", AdvisoryLock::Partitions.number()).fetch_one(&mut *tx).await?;
    if !days(&mut tx).await?.contains(&day) {
        let (name, from, to) = (name_of(day), day, day + Days::new(1));
        let make = format!(
            "create table {name} (like events including defaults including constraints including storage, constraint {name}_day check (day >= '{from}' and day < '{to}'));
             alter table {name} alter column payload set storage external;
             alter table events attach partition {name} for values from ('{from}') to ('{to}');
             alter table {name} drop constraint {name}_day"
        );
        crate::platform::db::run_script(&mut tx, make).await?;
    }
    tx.commit().await
}

/// Drops a day's partition. Fails when it is being read: try again later.
async fn drop_day(db: &mut PgConnection, day: NaiveDate) -> sqlx::Result<()> {
    let name = name_of(day);
    let mut tx = db.begin().await?;
    crate::platform::db::run_script(
        &mut tx,
        format!("set local lock_timeout = '2s'; alter table events detach partition {name}; drop table {name}"),
    )
    .await?;
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
    let there = days(&mut *db.acquire().await?).await?;
    for ahead in 0..=AHEAD {
        let day = now.date_naive() + Days::new(ahead);
        if !there.contains(&day) {
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
const MINUTE_DAYS: i32 = 8;
/// Rows of counters deleted in one step.
const BATCH: i64 = 10_000;

impl Periodic for Retention {
    const NAME: &'static str = "events.retention";
    const EVERY: Duration = Duration::from_mins(10);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let mut db = app.db.acquire().await?;
        let now = app.clock.now();
        let first = now.date_naive() - Days::new(u64::from(self.days.max(1)) - 1);
        if let Some(day) = days(&mut db).await?.into_iter().next().filter(|day| *day < first) {
            drop_day(&mut db, day).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_named_after_its_day() {
        let day = NaiveDate::from_ymd_opt(2026, 2, 3).unwrap();
        assert_eq!((name_of(day).as_str(), day_of("events_20260203")), ("events_20260203", Some(day)));
        assert_eq!(day_of("events_old"), None);
    }
}
