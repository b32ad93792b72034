//! Looking at stored events again, in batches: of a project day by day, or of an issue in the order of receipt. The caller keeps the place.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::queries;
use crate::accounts::{IssueId, ProjectId};

/// A stored event, as it is looked at.
#[derive(Debug, Clone)]
pub struct Looked {
    /// Its id.
    pub event_id: Uuid,
    /// Its partition.
    pub day: NaiveDate,
    /// When its request arrived.
    pub received: DateTime<Utc>,
    /// Where it is.
    pub issue: IssueId,
    /// The hash that led there.
    pub hash: Uuid,
    /// The hash before the last rules were applied, if that moved it.
    pub before: Option<Uuid>,
    /// The regrouping that did.
    pub moved_by: Option<i64>,
    /// Packed.
    pub payload: Vec<u8>,
}

/// The last event that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Its day.
    pub day: NaiveDate,
    /// When it was received.
    pub received: DateTime<Utc>,
    /// Its id.
    pub event: Uuid,
}

/// What is looked at: after this event, and received until then.
pub type Span = (Option<Cursor>, Option<DateTime<Utc>>);

/// The next events of a project: day by day, then by id. Empty at the end.
pub async fn next_of_project(db: &mut PgConnection, project: ProjectId, span: Span, limit: i64) -> sqlx::Result<Vec<Looked>> {
    by_days(db, (project, Way::On, None), span, limit).await
}

/// The newest stored events of a project, newest day first; within the last day that is needed, any of them.
pub async fn newest_of_project(db: &mut PgConnection, project: ProjectId, after: Option<Cursor>, limit: i64) -> sqlx::Result<Vec<Looked>> {
    by_days(db, (project, Way::Back, None), (after, None), limit).await
}

/// In which order days are gone through.
#[derive(Debug, Clone, Copy)]
enum Way {
    On,
    Back,
}

/// The next events of a day that has some, by id; where a regrouping is named, of those that it moved last.
async fn by_days(
    db: &mut PgConnection,
    (project, way, run): (ProjectId, Way, Option<i64>),
    (after, until): Span,
    limit: i64,
) -> sqlx::Result<Vec<Looked>> {
    let (mut day, mut event) = after.map_or((None, Uuid::nil()), |cursor| (Some(cursor.day), cursor.event));
    loop {
        if let Some(day) = day {
            let rows = sqlx::query_as!(
                Looked,
                r#"select event_id, day, received, issue_id as "issue: IssueId", hash, hash_before as before, moved_by, payload from events
                where project_id = $1 and day = $2 and event_id > $3 and ($5::timestamptz is null or received <= $5)
                    and ($6::bigint is null or moved_by = $6)
                order by event_id limit $4"#,
                project.0,
                day,
                event,
                limit,
                until,
                run
            );
            let rows = rows.fetch_all(&mut *db).await?;
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        let Some(next) = next_day(db, (project, way), day).await? else { return Ok(Vec::new()) };
        (day, event) = (Some(next), Uuid::nil());
    }
}

/// The next events of a project that a regrouping moved last: day by day, then by id.
pub async fn next_moved(
    db: &mut PgConnection,
    (project, run): (ProjectId, i64),
    after: Option<Cursor>,
    limit: i64,
) -> sqlx::Result<Vec<Looked>> {
    by_days(db, (project, Way::On, Some(run)), (after, None), limit).await
}

/// The next day on which events of the project were counted; the first one without a day.
async fn next_day(db: &mut PgConnection, (project, way): (ProjectId, Way), day: Option<NaiveDate>) -> sqlx::Result<Option<NaiveDate>> {
    match way {
        Way::On => {
            let next = sqlx::query_scalar!(
                r#"select date '1970-01-01' + min(hour) / 24 as "day" from project_hours
                where project_id = $1 and ($2::date is null or hour >= ($2::date - date '1970-01-01' + 1) * 24)"#,
                project.0,
                day
            );
            next.fetch_one(db).await
        }
        Way::Back => {
            let next = sqlx::query_scalar!(
                r#"select date '1970-01-01' + max(hour) / 24 as "day" from project_hours
                where project_id = $1 and ($2::date is null or hour < ($2::date - date '1970-01-01') * 24)"#,
                project.0,
                day
            );
            next.fetch_one(db).await
        }
    }
}

/// The next events of an issue in the order of receipt, of these hashes only where some are named. Empty at the end.
pub async fn next_of_issue(
    db: &mut PgConnection,
    (issue, hashes): (IssueId, Option<&[Uuid]>),
    (after, until): Span,
    limit: i64,
) -> sqlx::Result<Vec<Looked>> {
    let rows = sqlx::query_as!(
        Looked,
        r#"select event_id, day, received, issue_id as "issue: IssueId", hash, hash_before as before, moved_by, payload from events
        where project_id = $1 and issue_id = $2 and ($3::uuid[] is null or hash = any($3))
            and (received, event_id) > (coalesce($4, '-infinity'::timestamptz), coalesce($5, '00000000-0000-0000-0000-000000000000'::uuid))
            and ($7::timestamptz is null or received <= $7)
        order by received, event_id limit $6"#,
        issue.project().0,
        issue.0,
        hashes as Option<&[Uuid]>,
        after.map(|cursor| cursor.received),
        after.map(|cursor| cursor.event),
        limit,
        until
    );
    rows.fetch_all(db).await
}

/// The payloads of the newest events of an issue.
pub async fn last_of_issue(db: &mut PgConnection, issue: IssueId, limit: i64) -> sqlx::Result<Vec<Vec<u8>>> {
    let payloads = sqlx::query_scalar!(
        "select payload from events where project_id = $1 and issue_id = $2 order by received desc, event_id desc limit $3",
        issue.project().0,
        issue.0,
        limit
    );
    payloads.fetch_all(db).await
}

/// Days that are looked through for events before a time.
const DAYS_BEFORE: usize = 7;

/// The payloads of the newest events of an issue that were received since then.
pub async fn newest_since(db: &mut PgConnection, issue: IssueId, since: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<Vec<u8>>> {
    let payloads = sqlx::query_scalar!(
        "select payload from events where project_id = $1 and issue_id = $2 and day >= $3 and received >= $4
        order by received desc, event_id desc limit $5",
        issue.project().0,
        issue.0,
        since.date_naive(),
        since,
        limit
    );
    payloads.fetch_all(db).await
}

/// The payloads of the newest events of an issue that were received before then: of the last days on which there were any.
pub async fn newest_before(db: &mut PgConnection, issue: IssueId, before: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<Vec<u8>>> {
    let mut payloads = Vec::new();
    let days = queries::days(db, issue).await?;
    for day in days.into_iter().filter(|day| *day <= before.date_naive()).take(DAYS_BEFORE) {
        let of_day = sqlx::query_scalar!(
            "select payload from events where project_id = $1 and issue_id = $2 and day = $3 and received < $4
            order by received desc, event_id desc limit $5",
            issue.project().0,
            issue.0,
            day,
            before,
            limit - payloads.len() as i64
        );
        payloads.extend(of_day.fetch_all(&mut *db).await?);
        if payloads.len() as i64 >= limit {
            break;
        }
    }
    Ok(payloads)
}
