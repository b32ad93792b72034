//! The SQL of `heard_minutes` and `listeners`.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::issues::spikes;
use crate::platform::clock::minute_of;
use crate::platform::db::AdvisoryLock;

/// Days of minutes that are kept: a day more than the detector is made anew from.
const HEARD_DAYS: i32 = 9;
/// Days after which an issue without events is a new one for the detector.
const STATE_DAYS: i32 = 90;

/// Takes the lock of this transaction, unless somebody has it.
pub(super) async fn take_turn(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "got!""#, AdvisoryLock::Spikes.number()).fetch_one(db).await
}

/// Somebody listened in these minutes.
pub(super) async fn add_heard(db: &mut PgConnection, minutes: &[i32]) -> sqlx::Result<()> {
    let add = sqlx::query!("insert into heard_minutes (minute) select * from unnest($1::int[]) on conflict do nothing", minutes);
    add.execute(db).await.map(|_| ())
}

/// What a process received until then is digested, as of `now`.
pub(super) async fn set_listener(db: &mut PgConnection, id: Uuid, (now, until): (DateTime<Utc>, DateTime<Utc>)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into listeners (journal, seen_at, digested_until) values ($1, $2, $3)
        on conflict (journal) do update set seen_at = excluded.seen_at, digested_until = excluded.digested_until",
        id,
        now,
        until
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// What all processes seen since `alive` have digested.
pub(super) async fn digested_until(db: &mut PgConnection, alive: DateTime<Utc>) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!("select min(digested_until) from listeners where seen_at >= $1", alive).fetch_one(db).await
}

/// Runs of minutes in which nobody listened, ends included, in order; the last one may be endless.
pub(super) async fn gaps(db: &mut PgConnection) -> sqlx::Result<Vec<(i32, i32)>> {
    let gaps = sqlx::query!(
        r#"select minute + 1 as "first!", coalesce(next - 1, 2147483647) as "last!"
        from (select minute, lead(minute) over (order by minute) as next from heard_minutes) h
        where next is null or next > minute + 1 order by minute"#
    );
    Ok(gaps.fetch_all(db).await?.into_iter().map(|gap| (gap.first, gap.last)).collect())
}

/// Deletes what nobody needs any more; how many rows of the largest kind.
pub(in crate::alerts) async fn sweep(db: &mut PgConnection, now: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    let minute = minute_of(now);
    let heard = sqlx::query!("delete from heard_minutes where minute < $1", minute - HEARD_DAYS * 1_440);
    heard.execute(&mut *db).await?;
    sqlx::query!("delete from listeners where seen_at < $1", now - TimeDelta::days(1)).execute(&mut *db).await?;
    spikes::sweep(db, minute / 1_440 - STATE_DAYS, batch).await
}
