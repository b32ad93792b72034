//! # What the spike detector keeps of an issue
//! **Promise.** One row per issue: the packed state, which goes on where it stopped; the spike that is on; the figures behind the last yes or no.
//! **How.** `alerts::watch` reads and writes rows in batches; the pages read what is in words; corrections mark the issues they touch
//! ([`forget`]), whose states are made anew from what is counted of them.
//! **When it breaks.** A state that is missing is made anew. **Not here.** What is a spike (`alerts::spikes`).

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use crate::accounts::IssueId;

/// A spike that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spiking {
    /// When it began.
    pub since: DateTime<Utc>,
    /// The end of the minute in which it was found.
    pub at: DateTime<Utc>,
    /// "41 in 5 min, usually 2 per hour".
    pub words: String,
    /// Events in the largest minute until then.
    pub peak: u32,
    /// False: it was found in counts that a correction moved, and nobody was told.
    pub told: bool,
}

/// One judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The end of the minute that was judged.
    pub at: DateTime<Utc>,
    /// "41 in 5 min, usually 2 per hour": the most surprising window.
    pub words: String,
    /// How surprising it was.
    pub surprise: f64,
    /// What it had to reach.
    pub threshold: f64,
    /// Which condition held an alert back, by its name (`alerts::spikes::Held`); nothing: it was an alert.
    pub held: Option<String>,
}

/// The judgements that are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looks {
    /// The last one.
    pub last: Look,
    /// The most surprising one of about a day.
    pub highest: Option<Look>,
}

/// What is kept of an issue.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which.
    pub issue: IssueId,
    /// When its first event was received.
    pub first_seen: DateTime<Utc>,
    /// The packed state.
    pub state: Option<Vec<u8>>,
    /// There is a row: an issue without is new.
    pub is_known: bool,
    /// A correction is moving its events: it cannot be made anew yet.
    pub is_moving: bool,
    /// The last minute it took.
    pub seen_until: i32,
    /// The spike that is on.
    pub spike: Option<Spiking>,
    /// The last judgements.
    pub looks: Option<Looks>,
}

/// What is kept of these issues; those that are gone or merged into others are left out.
pub async fn read(db: &mut PgConnection, issues: &[IssueId]) -> sqlx::Result<Vec<Row>> {
    // joins: issues, issue_spikes, regrouping_issues, regroupings
    let rows = sqlx::query!(
        r#"select i.issue_id as "issue!: IssueId", i.first_seen as "first_seen!", s.state, s.issue_id is not null as "is_known!",
            coalesce(s.seen_until, 0) as "seen_until!", s.spike, s.looks,
            s.issue_id is not null and s.state is null and exists (
                select from regrouping_issues t
                join regroupings r on r.project_id = t.project_id and r.regrouping_id = t.regrouping_id
                where t.project_id = i.project_id and t.issue_id = i.issue_id and r.state in ('moving', 'settling', 'undoing', 'unsettling')
            ) as "is_moving!"
        from unnest($1::int[], $2::bigint[]) as wanted (project_id, issue_id)
        join issues i on i.project_id = wanted.project_id and i.issue_id = wanted.issue_id and i.status <> 'merged'
        left join issue_spikes s on s.project_id = i.project_id and s.issue_id = i.issue_id"#,
        &issues.iter().map(|issue| issue.project().0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>()
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| Row {
        issue: row.issue,
        first_seen: row.first_seen,
        state: row.state,
        is_known: row.is_known,
        is_moving: row.is_moving,
        seen_until: row.seen_until,
        spike: parsed(row.spike),
        looks: parsed(row.looks),
    });
    Ok(rows.collect())
}

fn parsed<T: serde::de::DeserializeOwned>(value: Option<Value>) -> Option<T> {
    value.and_then(|value| serde_json::from_value(value).ok())
}

fn json<T: Serialize>(value: Option<&T>) -> Option<Value> {
    value.and_then(|value| serde_json::to_value(value).ok())
}

/// Writes rows.
pub async fn write(db: &mut PgConnection, rows: &[Row]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into issue_spikes (project_id, issue_id, state, seen_until, seen_day, spike, looks)
        select project_id, issue_id, state, seen_until, seen_until / 1440, spike, looks
        from unnest($1::int[], $2::bigint[], $3::bytea[], $4::int[], $5::jsonb[], $6::jsonb[])
            as new (project_id, issue_id, state, seen_until, spike, looks)
        on conflict (project_id, issue_id) do update set state = excluded.state, seen_until = excluded.seen_until,
            seen_day = excluded.seen_day, spike = excluded.spike, looks = excluded.looks",
        &rows.iter().map(|row| row.issue.project().0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.issue.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.state.as_deref()).collect::<Vec<_>>() as &[Option<&[u8]>],
        &rows.iter().map(|row| row.seen_until).collect::<Vec<_>>(),
        &rows.iter().map(|row| json(row.spike.as_ref())).collect::<Vec<_>>() as &[Option<Value>],
        &rows.iter().map(|row| json(row.looks.as_ref())).collect::<Vec<_>>() as &[Option<Value>]
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Issues whose spike is on and whose state has taken nothing after `before`; at most `limit`.
pub async fn quiet(db: &mut PgConnection, before: i32, limit: i64) -> sqlx::Result<Vec<IssueId>> {
    let issues = sqlx::query_scalar!(
        r#"select issue_id as "issue!: IssueId" from issue_spikes
        where spike is not null and state is not null and seen_until < $1 order by project_id, issue_id limit $2"#,
        before,
        limit
    );
    issues.fetch_all(db).await
}

/// Issues gained or lost events: their states are made anew when there are new ones. A spike that is on stays so until then.
pub async fn forget(db: &mut PgConnection, issues: &[IssueId]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into issue_spikes (project_id, issue_id, seen_day)
        select distinct i.project_id, i.issue_id, extract(epoch from i.last_seen)::bigint / 86400
        from unnest($1::int[], $2::bigint[]) as wanted (project_id, issue_id)
        join issues i on i.project_id = wanted.project_id and i.issue_id = wanted.issue_id
        on conflict (project_id, issue_id) do update set state = null",
        &issues.iter().map(|issue| issue.project().0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// An issue went into another: nothing of its own is left.
pub async fn take_in(db: &mut PgConnection, from: IssueId, into: IssueId) -> sqlx::Result<()> {
    sqlx::query!("delete from issue_spikes where project_id = $1 and issue_id = $2", from.project().0, from.0).execute(&mut *db).await?;
    forget(db, &[into]).await
}

/// What the issue page tells.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// The spike that is on.
    pub spike: Option<Spiking>,
    /// The last judgements.
    pub looks: Option<Looks>,
}

/// What the issue page tells.
pub(super) async fn shown(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Shown> {
    let row = sqlx::query!("select spike, looks from issue_spikes where project_id = $1 and issue_id = $2", issue.project().0, issue.0);
    Ok(row.fetch_optional(db).await?.map(|row| Shown { spike: parsed(row.spike), looks: parsed(row.looks) }).unwrap_or_default())
}

/// Those of these issues whose spike is on.
pub(super) async fn spiking(db: &mut PgConnection, issues: &[IssueId]) -> sqlx::Result<HashSet<IssueId>> {
    let on = sqlx::query_scalar!(
        r#"select issue_id as "issue!: IssueId" from issue_spikes
        where (project_id, issue_id) in (select * from unnest($1::int[], $2::bigint[])) and spike is not null"#,
        &issues.iter().map(|issue| issue.project().0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>()
    );
    Ok(on.fetch_all(db).await?.into_iter().collect())
}

/// Deletes up to `batch` rows of issues that have had no event since the day `before` (days since 1970); how many.
pub async fn sweep(db: &mut PgConnection, before: i32, batch: i64) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from issue_spikes where ctid = any(array(select ctid from issue_spikes where seen_day < $1 limit $2))",
        before,
        batch
    );
    Ok(gone.execute(db).await?.rows_affected())
}
