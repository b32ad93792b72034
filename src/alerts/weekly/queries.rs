//! The SQL of a week: reads only.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Span;
use crate::accounts::{IssueId, ProjectId};
use crate::platform::clock::hour_of;

/// A project's week.
#[derive(Debug, Clone)]
pub(super) struct Week {
    pub(super) project: ProjectId,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) short_prefix: String,
    /// Events of it, and of the week before.
    pub(super) events: i64,
    pub(super) before: i64,
    /// Issues first seen in it.
    pub(super) new: i64,
    /// Resolved ones that came back.
    pub(super) back: i64,
}

/// One project's week; nothing when it was deleted. The week before is as long.
pub(super) async fn week(db: &mut PgConnection, project: ProjectId, (from, until): Span) -> sqlx::Result<Option<Week>> {
    let (first, end) = (hour_of(from), hour_of(until));
    // joins: projects, project_hours, issues, issue_activity
    sqlx::query_as!(
        Week,
        r#"select p.project_id as "project: ProjectId", p.name, p.slug, p.short_prefix,
            (select coalesce(sum(events), 0)::bigint from project_hours h
                where h.project_id = $1 and h.hour >= $4 and h.hour < $5) as "events!",
            (select coalesce(sum(events), 0)::bigint from project_hours h
                where h.project_id = $1 and h.hour >= $6 and h.hour < $4) as "before!",
            (select count(*) from issues i
                where i.project_id = $1 and i.status <> 'merged' and i.first_seen >= $2 and i.first_seen < $3) as "new!",
            (select count(distinct i.issue_id) from issues i
                join issue_activity a on a.project_id = i.project_id and a.issue_id = i.issue_id
                where i.project_id = $1 and a.project_id = $1 and i.status <> 'merged' and i.last_seen >= $2
                    and a.kind = 'regressed' and a.at >= $2 and a.at < $3) as "back!"
        from projects p where p.project_id = $1"#,
        project.0,
        from,
        until,
        first,
        end,
        first - (end - first)
    )
    .fetch_optional(db)
    .await
}

/// An issue with many events.
#[derive(Debug, Clone)]
pub(super) struct Frequent {
    pub(super) issue: IssueId,
    pub(super) title: String,
    pub(super) level: String,
    pub(super) status: String,
    pub(super) first_seen: DateTime<Utc>,
    /// In that week.
    pub(super) events: i64,
}

/// The issues with most events of a project's week.
pub(super) async fn frequent(db: &mut PgConnection, project: ProjectId, (from, until): Span, limit: i64) -> sqlx::Result<Vec<Frequent>> {
    // joins: issues, issue_hours
    sqlx::query_as!(
        Frequent,
        r#"select i.issue_id as "issue: IssueId", i.title, i.level, i.status, i.first_seen, h.events as "events!"
        from issues i
        cross join lateral (select sum(h.events)::bigint as events from issue_hours h
            where h.project_id = $1 and h.issue_id = i.issue_id and h.hour >= $3 and h.hour < $4) h
        where i.project_id = $1 and i.status <> 'merged' and i.last_seen >= $2 and h.events > 0
        order by h.events desc, i.issue_id limit $5"#,
        project.0,
        from,
        hour_of(from),
        hour_of(until),
        limit
    )
    .fetch_all(db)
    .await
}
