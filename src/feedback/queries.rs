//! The SQL of `feedback`, but for what digest writes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::Status;
use crate::accounts::{IssueId, ProjectId, UserId};

/// What is counted at most: beyond it a page says "more than".
pub(super) const MAX_COUNT: i64 = 1_000;
/// Of an issue's feedback, the newest that are looked through for those of one event.
const LOOKED_THROUGH: i64 = 500;

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) report_id: Uuid,
    pub(super) event_id: Option<Uuid>,
    pub(super) issue_id: Option<i64>,
    pub(super) issue_title: Option<String>,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) message: String,
    pub(super) url: String,
    pub(super) source: String,
    pub(super) release: String,
    pub(super) environment: String,
    pub(super) received: DateTime<Utc>,
    pub(super) said_at: DateTime<Utc>,
    pub(super) status: String,
}

/// Where the page before ended: the next one is older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) received: DateTime<Utc>,
    pub(super) id: i64,
}

impl Cursor {
    /// Before everything.
    pub(super) const START: Self = Self { received: DateTime::<Utc>::MAX_UTC, id: i64::MAX };

    /// As it stands in an address.
    pub(super) fn text(self) -> String {
        format!("{}.{}", self.received.timestamp_micros(), self.id)
    }

    /// The cursor of a text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (micros, id) = text.split_once('.')?;
        let received = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        Some(Self { received, id: id.parse().ok()? })
    }

    fn time(self) -> Option<DateTime<Utc>> {
        // PostgreSQL's times end before chrono's.
        (self != Self::START).then_some(self.received)
    }
}

/// A project's feedback of one status, newest first; one more than `limit` when there is more.
pub(super) async fn list(db: &mut PgConnection, project: ProjectId, status: Status, after: Cursor, limit: i64) -> sqlx::Result<Vec<Row>> {
    // joins: issues
    sqlx::query_as!(
        Row,
        r#"select f.feedback_id as id, f.report_id, f.event_id, f.issue_id, i.title as "issue_title?", f.name, f.email, f.message, f.url, f.source, f.release,
            f.environment, f.received, f.said_at, f.status
        from feedback f left join issues i on i.project_id = f.project_id and i.issue_id = f.issue_id
        where f.project_id = $1 and f.status = $2 and (f.received, f.feedback_id) < (coalesce($3, 'infinity'::timestamptz), $4)
        order by f.received desc, f.feedback_id desc
        limit $5"#,
        project.0,
        status.as_str(),
        after.time(),
        after.id,
        limit + 1
    )
    .fetch_all(db)
    .await
}

/// All feedback about one issue, newest first; one more than `limit` when there is more.
pub(super) async fn list_of_issue(db: &mut PgConnection, issue: IssueId, after: Cursor, limit: i64) -> sqlx::Result<Vec<Row>> {
    // joins: issues
    sqlx::query_as!(
        Row,
        r#"select f.feedback_id as id, f.report_id, f.event_id, f.issue_id, i.title as "issue_title?", f.name, f.email, f.message, f.url, f.source, f.release,
            f.environment, f.received, f.said_at, f.status
        from feedback f left join issues i on i.project_id = f.project_id and i.issue_id = f.issue_id
        where f.project_id = $1 and f.issue_id = $2 and (f.received, f.feedback_id) < (coalesce($3, 'infinity'::timestamptz), $4)
        order by f.received desc, f.feedback_id desc
        limit $5"#,
        issue.project().0,
        issue.0,
        after.time(),
        after.id,
        limit + 1
    )
    .fetch_all(db)
    .await
}

/// These of a project's feedback, in the order in which they were stored.
pub(super) async fn some(db: &mut PgConnection, project: ProjectId, ids: &[i64]) -> sqlx::Result<Vec<Row>> {
    // joins: issues
    sqlx::query_as!(
        Row,
        r#"select f.feedback_id as id, f.report_id, f.event_id, f.issue_id, i.title as "issue_title?", f.name, f.email, f.message, f.url, f.source, f.release,
            f.environment, f.received, f.said_at, f.status
        from feedback f left join issues i on i.project_id = f.project_id and i.issue_id = f.issue_id
        where f.project_id = $1 and f.feedback_id = any($2)
        order by f.feedback_id"#,
        project.0,
        ids
    )
    .fetch_all(db)
    .await
}

/// Whether there is any that nobody was told of.
pub(super) async fn has_untold(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists(select from feedback where project_id = $1 and not told) as "has!""#, project.0)
        .fetch_one(db)
        .await
}

/// Marks everything that nobody was told of as told: number and status of each.
pub(super) async fn take_untold(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Vec<(i64, String)>> {
    let rows = sqlx::query!(
        "with untold as (
            select feedback_id from feedback where project_id = $1 and not told order by feedback_id for update
        )
        update feedback f set told = true from untold u where f.project_id = $1 and f.feedback_id = u.feedback_id
        returning f.feedback_id, f.status",
        project.0
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.feedback_id, row.status)).collect())
}

/// How much a project has of each status, at most one more than [`MAX_COUNT`].
pub(super) async fn counts(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select s.status as "status!", n.number as "number!"
        from unnest($2::text[]) as s (status)
        cross join lateral (select count(*) as number from (
            select from feedback f where f.project_id = $1 and f.status = s.status limit $3) as found) n"#,
        project.0,
        &Status::ALL.map(|status| status.as_str().to_owned()),
        MAX_COUNT + 1
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.status, row.number)).collect())
}

/// How much people said about an issue, spam apart; at most one more than [`MAX_COUNT`].
pub(super) async fn count_of_issue(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "number!" from (
            select from feedback where project_id = $1 and issue_id = $2 and status <> 'spam' limit $3) as found"#,
        issue.project().0,
        issue.0,
        MAX_COUNT + 1
    );
    count.fetch_one(db).await
}

/// What the issue page shows of one.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) id: i64,
    pub(super) report_id: Uuid,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) message: String,
    pub(super) received: DateTime<Utc>,
    /// About the shown event.
    pub(super) here: bool,
}

/// The newest about an issue, spam apart, those about `event` first.
pub(super) async fn newest(db: &mut PgConnection, issue: IssueId, event: Option<Uuid>, limit: i64) -> sqlx::Result<Vec<Said>> {
    sqlx::query_as!(
        Said,
        r#"select feedback_id as id, report_id, name, email, message, received, coalesce(event_id = $3, false) as "here!" from (
            select feedback_id, report_id, name, email, message, received, event_id from feedback
            where project_id = $1 and issue_id = $2 and status <> 'spam'
            order by received desc limit $4) newest
        order by coalesce(event_id = $3, false) desc, received desc, feedback_id desc
        limit $5"#,
        issue.project().0,
        issue.0,
        event,
        LOOKED_THROUGH,
        limit
    )
    .fetch_all(db)
    .await
}

/// The id that one has, which its files have too, and when it came.
pub(super) async fn report_id(db: &mut PgConnection, (project, id): (ProjectId, i64)) -> sqlx::Result<Option<(Uuid, DateTime<Utc>)>> {
    let row = sqlx::query!("select report_id, received from feedback where project_id = $1 and feedback_id = $2", project.0, id);
    Ok(row.fetch_optional(db).await?.map(|row| (row.report_id, row.received)))
}

/// Changes a status; whether the project has such feedback.
pub(super) async fn set_status(
    db: &mut PgConnection,
    (project, id): (ProjectId, i64),
    status: Status,
    (by, now): (UserId, DateTime<Utc>),
) -> sqlx::Result<bool> {
    let changed = sqlx::query!(
        "update feedback set status = $3, status_changed_by = $4, status_changed_at = $5 where project_id = $1 and feedback_id = $2",
        project.0,
        id,
        status.as_str(),
        by.0,
        now
    );
    Ok(changed.execute(db).await?.rows_affected() == 1)
}

/// Deletes a bounded number of old rows; how many.
pub(super) async fn delete_before(db: &mut PgConnection, before: DateTime<Utc>, limit: i64) -> sqlx::Result<u64> {
    let deleted =
        sqlx::query!("delete from feedback where ctid = any(array(select ctid from feedback where received < $1 limit $2))", before, limit);
    Ok(deleted.execute(db).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_odd_ones_are_none() {
        let cursor = Cursor { received: DateTime::from_timestamp_micros(1_795_530_787_123_456).unwrap(), id: 42 };
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        for odd in ["", "1", "x.1", "1.x", "99999999999999999999.1", "9223372036854775807.1"] {
            assert_eq!(Cursor::parse(odd), None, "{odd}");
        }
        assert_eq!(Cursor::START.time(), None);
    }
}
