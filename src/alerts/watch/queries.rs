//! The SQL of `heard_minutes`, `listeners` and `project_watch`.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::silence::{Due, NOTHING};
use super::whole::Whole;
use crate::accounts::{IssueId, ProjectId};
use crate::events::fresh::Minutes;
use crate::issues::spikes::{self, Row};
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

/// The number that no issue has: the project as a whole.
const WHOLE: i32 = 0;
/// Issues that are named.
const NAMED: i64 = 10;

/// What is kept of these projects, those that are new included; those that are gone are left out.
pub(super) async fn wholes(db: &mut PgConnection, projects: &[ProjectId], closed: i32) -> sqlx::Result<Vec<Whole>> {
    // joins: projects, project_watch
    let rows = sqlx::query!(
        r#"select p.project_id, w.state as "state?", w.project_id is not null as "is_known!", coalesce(w.seen_until, 0) as "seen_until!",
            w.surge as "surge?", coalesce(w.is_narrow, false) as "is_narrow!", coalesce(w.last_minute, 0) as "last_minute!", w.stopped_at as "stopped_at?"
        from projects p left join project_watch w on w.project_id = p.project_id where p.project_id = any($1) order by p.project_id"#,
        &projects.iter().map(|project| project.0).collect::<Vec<_>>()
    );
    let born = DateTime::from_timestamp(i64::from(closed) * 60, 0).unwrap_or_default();
    let whole = rows.fetch_all(db).await?.into_iter().map(|row| Whole {
        row: Row {
            issue: IssueId::new(ProjectId(row.project_id), WHOLE),
            first_seen: born,
            state: row.state,
            is_known: row.is_known,
            is_moving: false,
            seen_until: row.seen_until,
            spike: row.surge.and_then(|surge| serde_json::from_value(surge).ok()),
            looks: None,
        },
        is_narrow: row.is_narrow,
        last_minute: row.last_minute,
        stopped_at: row.stopped_at,
    });
    Ok(whole.collect())
}

/// Writes them; what is said of a silence is said of the time before.
pub(super) async fn write_wholes(db: &mut PgConnection, wholes: &[Whole]) -> sqlx::Result<()> {
    let surge = |whole: &Whole| whole.row.spike.as_ref().and_then(|spike| serde_json::to_value(spike).ok());
    sqlx::query!(
        "insert into project_watch as w (project_id, state, seen_until, surge, is_narrow, last_minute, stopped_at)
        select * from unnest($1::int[], $2::bytea[], $3::int[], $4::jsonb[], $5::bool[], $6::int[], $7::timestamptz[])
        on conflict (project_id) do update set state = excluded.state, seen_until = excluded.seen_until, surge = excluded.surge,
            is_narrow = excluded.is_narrow, last_minute = excluded.last_minute, stopped_at = excluded.stopped_at,
            longest = case when w.last_minute = excluded.last_minute then w.longest end",
        &wholes.iter().map(|whole| whole.project().0).collect::<Vec<_>>(),
        &wholes.iter().map(|whole| whole.row.state.as_deref()).collect::<Vec<_>>() as &[Option<&[u8]>],
        &wholes.iter().map(|whole| whole.row.seen_until).collect::<Vec<_>>(),
        &wholes.iter().map(surge).collect::<Vec<_>>() as &[Option<Value>],
        &wholes.iter().map(|whole| whole.is_narrow).collect::<Vec<_>>(),
        &wholes.iter().map(|whole| whole.last_minute).collect::<Vec<_>>(),
        &wholes.iter().map(|whole| whole.stopped_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>]
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Projects whose surge is on and whose state has taken nothing after `before`.
pub(super) async fn quiet_wholes(db: &mut PgConnection, before: i32) -> sqlx::Result<Vec<ProjectId>> {
    let quiet = sqlx::query_scalar!(
        r#"select project_id as "project_id: ProjectId" from project_watch where surge is not null and state is not null and seen_until < $1"#,
        before
    );
    quiet.fetch_all(db).await
}

/// What is counted of a project by the minute of receipt, ends included.
pub(super) async fn minutes_of_project(db: &mut PgConnection, project: ProjectId, (first, last): (i32, i32)) -> sqlx::Result<Minutes> {
    let minutes = sqlx::query!(
        "select minute, events from project_minutes where project_id = $1 and minute between $2 and $3 and events > 0",
        project.0,
        first,
        last
    );
    let minutes = minutes.fetch_all(db).await?.into_iter();
    Ok(minutes.map(|row| (row.minute, u32::try_from(row.events).unwrap_or(u32::MAX))).collect())
}

/// The open issues with most events in some minutes.
#[derive(Debug, Clone, Default)]
pub(super) struct Busiest {
    /// How many issues had events.
    pub(super) issues: i64,
    /// Events of all of them, and of the first alone.
    pub(super) events: i64,
    pub(super) first: i64,
    /// Those with most events, the most first.
    pub(super) named: Vec<(IssueId, i64)>,
}

/// Which open issues were busy in these minutes, ends included.
pub(super) async fn busiest(db: &mut PgConnection, project: ProjectId, (first, last): (i32, i32)) -> sqlx::Result<Busiest> {
    let since = DateTime::from_timestamp(i64::from(first) * 60, 0).unwrap_or_default();
    // joins: issues, issue_minutes
    let rows = sqlx::query!(
        r#"select i.issue_id as "issue!: IssueId", sum(m.events)::bigint as "events!", count(*) over () as "issues!",
            (sum(sum(m.events)) over ())::bigint as "total!"
        from issues i join issue_minutes m on m.project_id = i.project_id and m.issue_id = i.issue_id and m.minute between $2 and $3
        where i.project_id = $1 and i.last_seen >= $4 and i.status not in ('ignored', 'merged')
        group by i.issue_id order by 2 desc, 1 limit $5"#,
        project.0,
        first,
        last,
        since,
        NAMED
    );
    let rows = rows.fetch_all(db).await?;
    let Some(top) = rows.first() else { return Ok(Busiest::default()) };
    let (issues, events, first) = (top.issues, top.total, top.events);
    Ok(Busiest { issues, events, first, named: rows.into_iter().map(|row| (row.issue, row.events)).collect() })
}

/// Projects whose silence since their last event has not been looked at: with the minute of that event.
pub(super) async fn unasked(db: &mut PgConnection, before: i32, limit: i64) -> sqlx::Result<Vec<(ProjectId, i32)>> {
    let rows = sqlx::query!(
        r#"select project_id as "project_id: ProjectId", last_minute from project_watch
        where longest is null and stopped_at is null and last_minute < $1 order by project_id limit $2"#,
        before,
        limit
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.project_id, row.last_minute)).collect())
}

/// Whether [`unasked`] or [`silent`] would find one.
pub(super) async fn is_silent(db: &mut PgConnection, (before, closed): (i32, i32)) -> sqlx::Result<bool> {
    let is_silent = sqlx::query_scalar!(
        r#"select exists (select from project_watch where stopped_at is null
            and (longest is null and last_minute < $1 or longest > $3 and look_at <= $2)) as "is!""#,
        before,
        closed,
        NOTHING
    );
    is_silent.fetch_one(db).await
}

/// The longest silence before, and when to look at this one.
pub(super) async fn set_longest(db: &mut PgConnection, project: ProjectId, (longest, look_at): (i32, i32)) -> sqlx::Result<()> {
    let set = sqlx::query!("update project_watch set longest = $2, look_at = $3 where project_id = $1", project.0, longest, look_at);
    set.execute(db).await.map(|_| ())
}

/// Looks at the silence later.
pub(super) async fn look_again(db: &mut PgConnection, project: ProjectId, look_at: i32) -> sqlx::Result<()> {
    sqlx::query!("update project_watch set look_at = $2 where project_id = $1", project.0, look_at).execute(db).await.map(|_| ())
}

/// Projects whose silence is to be looked at by now.
pub(super) async fn silent(db: &mut PgConnection, closed: i32, limit: i64) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"select project_id as "project: ProjectId", last_minute, longest as "longest!" from project_watch
        where longest > $3 and stopped_at is null and look_at <= $1 order by project_id limit $2"#,
        closed,
        limit,
        NOTHING
    )
    .fetch_all(db)
    .await
}

/// People are told that events stopped.
pub(super) async fn set_stopped(db: &mut PgConnection, project: ProjectId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update project_watch set stopped_at = $2 where project_id = $1", project.0, now).execute(db).await.map(|_| ())
}

/// Whether something of the project was not stored since that hour: limits, filters, what SDKs dropped.
pub(super) async fn is_refused(db: &mut PgConnection, project: ProjectId, since: i32) -> sqlx::Result<bool> {
    let refused = sqlx::query_scalar!(
        r#"select exists (select from project_keys k join outcomes o on o.project_id = k.project_id and o.key_id = k.key_id -- joins: outcomes
            where k.project_id = $1 and o.hour >= $2 and o.outcome in ('filtered', 'rate_limited', 'invalid', 'discarded')) as "is!""#,
        project.0,
        since
    );
    refused.fetch_one(db).await
}
