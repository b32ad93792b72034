//! What digest writes of events, in its transaction: the rows themselves, and what is counted from rows really inserted.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use roaring::RoaringBitmap;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::{IssueId, ProjectId};
use crate::platform::clock::{hour_of, minute_of};

/// A row of `events`.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Whose.
    pub project: ProjectId,
    /// The client's id.
    pub event_id: Uuid,
    /// The UTC day of `received`.
    pub day: NaiveDate,
    /// When the request arrived.
    pub received: DateTime<Utc>,
    /// The primary hash.
    pub hash: Uuid,
    /// Packed by [`super::payload`].
    pub payload: Vec<u8>,
}

/// Which of these events are stored on one of the days beside their own. Look-ups are those of [`issues_of`].
pub async fn stored_on_days(
    db: &mut PgConnection,
    look_ups: &[(ProjectId, Uuid, NaiveDate, NaiveDate)],
) -> sqlx::Result<Vec<(ProjectId, Uuid)>> {
    Ok(issues_of(db, look_ups).await?.into_iter().map(|(project, event, _)| (project, event)).collect())
}

/// The issues of these events, of those that are stored. A look-up is `(project, event, from, to)`, days inclusive.
pub async fn issues_of(
    db: &mut PgConnection,
    look_ups: &[(ProjectId, Uuid, NaiveDate, NaiveDate)],
) -> sqlx::Result<Vec<(ProjectId, Uuid, IssueId)>> {
    let Some((from, to)) = look_ups.iter().map(|l| l.2).min().zip(look_ups.iter().map(|l| l.3).max()) else { return Ok(Vec::new()) };
    // The constant bounds prune partitions when the statement is planned, the row's own bounds when it runs.
    let rows = sqlx::query!(
        r#"select e.project_id as "project_id!", e.event_id as "event_id!", e.issue_id as "issue_id!"
        from unnest($1::int[], $2::uuid[], $3::date[], $4::date[]) as wanted (project_id, event_id, first_day, last_day)
        join events e on e.project_id = wanted.project_id and e.event_id = wanted.event_id
            and e.day between wanted.first_day and wanted.last_day
        where e.day between $5 and $6"#,
        &look_ups.iter().map(|l| l.0.0).collect::<Vec<_>>(),
        &look_ups.iter().map(|l| l.1).collect::<Vec<_>>(),
        &look_ups.iter().map(|l| l.2).collect::<Vec<_>>(),
        &look_ups.iter().map(|l| l.3).collect::<Vec<_>>(),
        from,
        to
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.event_id, IssueId(row.issue_id))).collect())
}

/// Inserts events; those that are new. No two may have the same project and id.
pub async fn insert(db: &mut PgConnection, events: &[(&NewEvent, IssueId)]) -> sqlx::Result<Vec<(ProjectId, Uuid)>> {
    let rows = sqlx::query!(
        "insert into events (project_id, day, event_id, issue_id, received, hash, payload)
        select * from unnest($1::int[], $2::date[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::uuid[], $7::bytea[])
        on conflict (project_id, event_id, day) do nothing
        returning project_id, event_id",
        &events.iter().map(|(e, _)| e.project.0).collect::<Vec<_>>(),
        &events.iter().map(|(e, _)| e.day).collect::<Vec<_>>(),
        &events.iter().map(|(e, _)| e.event_id).collect::<Vec<_>>(),
        &events.iter().map(|(_, issue)| issue.0).collect::<Vec<_>>(),
        &events.iter().map(|(e, _)| e.received).collect::<Vec<_>>(),
        &events.iter().map(|(e, _)| e.hash).collect::<Vec<_>>(),
        &events.iter().map(|(e, _)| e.payload.as_slice()).collect::<Vec<_>>() as &[&[u8]]
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.event_id)).collect())
}

/// How many events came per issue and minute, and per issue, hour and hash.
#[derive(Debug, Default)]
pub struct Counts {
    /// Minutes since 1970.
    pub minutes: BTreeMap<(IssueId, i32), i64>,
    /// Hours since 1970.
    pub hours: BTreeMap<(IssueId, i32, Uuid), i64>,
}

impl Counts {
    /// Counts one event.
    pub fn add(&mut self, issue: IssueId, received: DateTime<Utc>, hash: Uuid) {
        *self.minutes.entry((issue, minute_of(received))).or_default() += 1;
        *self.hours.entry((issue, hour_of(received), hash)).or_default() += 1;
    }

    /// Adds them to the counter tables.
    pub async fn write(&self, db: &mut PgConnection) -> sqlx::Result<()> {
        self.write_issues(db).await?;
        let mut minutes = BTreeMap::<(ProjectId, i32), i64>::new();
        let mut hours = BTreeMap::<(ProjectId, i32), i64>::new();
        for ((issue, minute), events) in &self.minutes {
            *minutes.entry((issue.project(), *minute)).or_default() += events;
            *hours.entry((issue.project(), minute / 60)).or_default() += events;
        }
        sqlx::query!(
            "insert into project_minutes as c (project_id, minute, events)
            select * from unnest($1::int[], $2::int[], $3::bigint[])
            on conflict (project_id, minute) do update set events = c.events + excluded.events",
            &minutes.keys().map(|k| k.0.0).collect::<Vec<_>>(),
            &minutes.keys().map(|k| k.1).collect::<Vec<_>>(),
            &minutes.values().copied().collect::<Vec<_>>()
        )
        .execute(&mut *db)
        .await?;
        sqlx::query!(
            "insert into project_hours as c (project_id, hour, events)
            select * from unnest($1::int[], $2::int[], $3::bigint[])
            on conflict (project_id, hour) do update set events = c.events + excluded.events",
            &hours.keys().map(|k| k.0.0).collect::<Vec<_>>(),
            &hours.keys().map(|k| k.1).collect::<Vec<_>>(),
            &hours.values().copied().collect::<Vec<_>>()
        )
        .execute(db)
        .await
        .map(|_| ())
    }

    /// Adds them to the issues' counters alone.
    pub(super) async fn write_issues(&self, db: &mut PgConnection) -> sqlx::Result<()> {
        sqlx::query!(
            "insert into issue_minutes as c (project_id, issue_id, minute, events)
            select * from unnest($1::int[], $2::bigint[], $3::int[], $4::bigint[])
            on conflict (project_id, issue_id, minute) do update set events = c.events + excluded.events",
            &self.minutes.keys().map(|k| k.0.project().0).collect::<Vec<_>>(),
            &self.minutes.keys().map(|k| k.0.0).collect::<Vec<_>>(),
            &self.minutes.keys().map(|k| k.1).collect::<Vec<_>>(),
            &self.minutes.values().copied().collect::<Vec<_>>()
        )
        .execute(&mut *db)
        .await?;
        sqlx::query!(
            "insert into issue_hours as c (project_id, issue_id, hour, hash, events)
            select * from unnest($1::int[], $2::bigint[], $3::int[], $4::uuid[], $5::bigint[])
            on conflict (project_id, issue_id, hour, hash) do update set events = c.events + excluded.events",
            &self.hours.keys().map(|k| k.0.project().0).collect::<Vec<_>>(),
            &self.hours.keys().map(|k| k.0.0).collect::<Vec<_>>(),
            &self.hours.keys().map(|k| k.1).collect::<Vec<_>>(),
            &self.hours.keys().map(|k| k.2).collect::<Vec<_>>(),
            &self.hours.values().copied().collect::<Vec<_>>()
        )
        .execute(db)
        .await
        .map(|_| ())
    }
}

/// The numbers of these users in their projects, of those that have one.
pub async fn user_numbers(db: &mut PgConnection, users: &[(ProjectId, Uuid)]) -> sqlx::Result<Vec<(ProjectId, Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"select u.project_id as "project_id!", u.identity as "identity!", u.number as "number!"
        from unnest($1::int[], $2::uuid[]) as wanted (project_id, identity)
        join project_users u on u.project_id = wanted.project_id and u.identity = wanted.identity"#,
        &users.iter().map(|u| u.0.0).collect::<Vec<_>>(),
        &users.iter().map(|u| u.1).collect::<Vec<_>>()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.identity, row.number)).collect())
}

/// Numbers users; the caller holds the locks of their projects, from which the numbers came.
pub async fn add_users(db: &mut PgConnection, users: &[(ProjectId, Uuid, i64)]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into project_users (project_id, identity, number) select * from unnest($1::int[], $2::uuid[], $3::bigint[])",
        &users.iter().map(|u| u.0.0).collect::<Vec<_>>(),
        &users.iter().map(|u| u.1).collect::<Vec<_>>(),
        &users.iter().map(|u| u.2).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// The chunk of 65,536 users that a user's number falls in, and the bit there.
pub(super) const fn place_of(number: i64) -> (i32, u32) {
    ((number >> 16) as i32, number as u32 & 0xffff)
}

/// A bitmap as it is stored.
pub fn pack(bits: &RoaringBitmap) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(bits.serialized_size());
    bits.serialize_into(&mut bytes)?;
    Ok(bytes)
}

/// Marks users (by number) as seen in issues; how many were new to each. The caller holds the issues' locks.
pub async fn see_users(db: &mut PgConnection, seen: &BTreeMap<IssueId, Vec<i64>>) -> anyhow::Result<BTreeMap<IssueId, i64>> {
    let mut chunks = BTreeMap::<(IssueId, i32), RoaringBitmap>::new();
    for (issue, number) in seen.iter().flat_map(|(issue, numbers)| numbers.iter().map(move |number| (*issue, *number))) {
        let (chunk, bit) = place_of(number);
        chunks.entry((issue, chunk)).or_default().insert(bit);
    }
    if chunks.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"select u.issue_id as "issue_id!", u.chunk as "chunk!", u.bitmap as "bitmap!"
        from unnest($1::int[], $2::bigint[], $3::int[]) as wanted (project_id, issue_id, chunk)
        join issue_users u on u.project_id = wanted.project_id and u.issue_id = wanted.issue_id and u.chunk = wanted.chunk"#,
        &chunks.keys().map(|k| k.0.project().0).collect::<Vec<_>>(),
        &chunks.keys().map(|k| k.0.0).collect::<Vec<_>>(),
        &chunks.keys().map(|k| k.1).collect::<Vec<_>>()
    )
    .fetch_all(&mut *db)
    .await?;
    let mut new = BTreeMap::<IssueId, i64>::new();
    let mut known = BTreeMap::new();
    for row in rows {
        known.insert((IssueId(row.issue_id), row.chunk), RoaringBitmap::deserialize_from(row.bitmap.as_slice())?);
    }
    chunks.retain(|key, bits| {
        let before = known.remove(key).unwrap_or_default();
        let had = before.len();
        *bits |= before;
        *new.entry(key.0).or_default() += (bits.len() - had) as i64;
        bits.len() > had
    });
    let bitmaps = chunks.values().map(pack).collect::<anyhow::Result<Vec<_>>>()?;
    sqlx::query!(
        "insert into issue_users (project_id, issue_id, chunk, bitmap)
        select * from unnest($1::int[], $2::bigint[], $3::int[], $4::bytea[])
        on conflict (project_id, issue_id, chunk) do update set bitmap = excluded.bitmap",
        &chunks.keys().map(|k| k.0.project().0).collect::<Vec<_>>(),
        &chunks.keys().map(|k| k.0.0).collect::<Vec<_>>(),
        &chunks.keys().map(|k| k.1).collect::<Vec<_>>(),
        &bitmaps
    )
    .execute(db)
    .await?;
    Ok(new)
}
