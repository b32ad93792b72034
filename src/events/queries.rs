//! Reading stored events of one issue. Every statement names the days it means, so that PostgreSQL opens their partitions only.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::IssueId;

/// Days that are looked through: more than any retention keeps.
const DAYS: i64 = 1_000;

/// Where an event stands in its issue's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// First by when it was received.
    pub received: DateTime<Utc>,
    /// Then by its id.
    pub event_id: Uuid,
}

/// A stored event.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its id.
    pub event_id: Uuid,
    /// When its request arrived.
    pub received: DateTime<Utc>,
    /// The grouping hash that led to its issue.
    pub hash: Uuid,
    /// Packed by [`super::payload`].
    pub payload: Vec<u8>,
}

impl StoredEvent {
    /// Where it stands.
    pub const fn place(&self) -> Place {
        Place { received: self.received, event_id: self.event_id }
    }
}

/// The days on which events of the issue were counted, newest first: hops through the index of the hour counters, one step per day.
pub(super) async fn days(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Vec<NaiveDate>> {
    let days = sqlx::query_scalar!(
        r#"with recursive hop as (
            select (select max(h.hour) / 24 from issue_hours h where h.project_id = $1 and h.issue_id = $2) as day
            union all
            select (select max(h.hour) / 24 from issue_hours h where h.project_id = $1 and h.issue_id = $2 and h.hour < hop.day * 24)
            from hop where hop.day is not null
        )
        select date '1970-01-01' + day as "day!" from hop where day is not null limit $3"#,
        issue.project().0,
        issue.0,
        DAYS
    );
    days.fetch_all(db).await
}

/// The event with this id, if it is one of the issue's on one of these days; of several, the newest.
pub(super) async fn by_id(db: &mut PgConnection, issue: IssueId, event: Uuid, days: &[NaiveDate]) -> sqlx::Result<Option<StoredEvent>> {
    let event = sqlx::query_as!(
        StoredEvent,
        "select event_id, received, hash, payload from events
        where project_id = $1 and event_id = $2 and issue_id = $3 and day = any($4)
        order by received desc
        limit 1",
        issue.project().0,
        event,
        issue.0,
        days
    );
    event.fetch_optional(db).await
}

/// The issue that an event of a project is in now, if it is stored; of several, that of the newest. Asks every partition.
pub async fn issue_of(db: &mut PgConnection, projects: &[i32], event: Uuid) -> sqlx::Result<Option<IssueId>> {
    let issue = sqlx::query_scalar!(
        r#"select issue_id as "issue: IssueId" from events where project_id = any($1) and event_id = $2 order by received desc limit 1"#,
        projects,
        event
    );
    issue.fetch_optional(db).await
}

/// The day's last event before `place`; its last one without a place.
pub(super) async fn last_before(
    db: &mut PgConnection,
    issue: IssueId,
    day: NaiveDate,
    place: Option<Place>,
) -> sqlx::Result<Option<Place>> {
    let event = sqlx::query_as!(
        Place,
        "select received, event_id from events
        where project_id = $1 and issue_id = $2 and day = $3
            and (received, event_id) < (coalesce($4, 'infinity'::timestamptz), coalesce($5, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
        order by received desc, event_id desc
        limit 1",
        issue.project().0,
        issue.0,
        day,
        place.map(|place| place.received),
        place.map(|place| place.event_id)
    );
    event.fetch_optional(db).await
}

/// The day's last events before `place`, newest first; its last ones without a place.
pub(super) async fn all_before(
    db: &mut PgConnection,
    issue: IssueId,
    day: NaiveDate,
    (place, limit): (Option<Place>, i64),
) -> sqlx::Result<Vec<StoredEvent>> {
    let events = sqlx::query_as!(
        StoredEvent,
        "select event_id, received, hash, payload from events
        where project_id = $1 and issue_id = $2 and day = $3
            and (received, event_id) < (coalesce($4, 'infinity'::timestamptz), coalesce($5, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
        order by received desc, event_id desc
        limit $6",
        issue.project().0,
        issue.0,
        day,
        place.map(|place| place.received),
        place.map(|place| place.event_id),
        limit
    );
    events.fetch_all(db).await
}

/// The day's first event after `place`; its first one without a place.
pub(super) async fn first_after(
    db: &mut PgConnection,
    issue: IssueId,
    day: NaiveDate,
    place: Option<Place>,
) -> sqlx::Result<Option<Place>> {
    let event = sqlx::query_as!(
        Place,
        "select received, event_id from events
        where project_id = $1 and issue_id = $2 and day = $3
            and (received, event_id) > (coalesce($4, '-infinity'::timestamptz), coalesce($5, '00000000-0000-0000-0000-000000000000'::uuid))
        order by received, event_id
        limit 1",
        issue.project().0,
        issue.0,
        day,
        place.map(|place| place.received),
        place.map(|place| place.event_id)
    );
    event.fetch_optional(db).await
}

/// Counted events of an issue around one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Around {
    /// Since the first hour asked for.
    pub(super) total: i64,
    /// Of these, before the hour.
    pub(super) before: i64,
    /// In the hour.
    pub(super) here: i64,
}

/// Events counted since the hour `from`, and of these before and in `hour`.
pub(super) async fn around(db: &mut PgConnection, issue: IssueId, from: i32, hour: i32) -> sqlx::Result<Around> {
    let around = sqlx::query_as!(
        Around,
        r#"select coalesce(sum(events), 0)::bigint as "total!", coalesce(sum(events) filter (where hour < $4), 0)::bigint as "before!",
            coalesce(sum(events) filter (where hour = $4), 0)::bigint as "here!"
        from issue_hours where project_id = $1 and issue_id = $2 and hour >= $3"#,
        issue.project().0,
        issue.0,
        from,
        hour
    );
    around.fetch_one(db).await
}

/// How many events of the issue were received on `day` from `since` up to `place`, that one included.
pub(super) async fn count_up_to(
    db: &mut PgConnection,
    issue: IssueId,
    day: NaiveDate,
    since: DateTime<Utc>,
    place: Place,
) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from events
        where project_id = $1 and issue_id = $2 and day = $3 and received >= $4 and (received, event_id) <= ($5::timestamptz, $6::uuid)"#,
        issue.project().0,
        issue.0,
        day,
        since,
        place.received,
        place.event_id
    );
    count.fetch_one(db).await
}
