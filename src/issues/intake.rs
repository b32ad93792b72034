//! What digest writes of issues, in its transaction: hashes → issues, new issues, states under lock, and what came in.
//!
//! Locks are taken in one order, so that two processes cannot wait for each other: projects, then issues, each by number.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{IssueState, Status};
use crate::accounts::{IssueId, ProjectId};

/// Which issue each hash leads to, of those that are known.
pub async fn find_hashes(db: &mut PgConnection, projects: &[i32], hashes: &[Uuid]) -> sqlx::Result<Vec<(ProjectId, Uuid, IssueId)>> {
    let rows = sqlx::query!(
        r#"select h.project_id as "project_id!", h.hash as "hash!", h.issue_id as "issue_id!"
        from unnest($1::int[], $2::uuid[]) as wanted (project_id, hash)
        join issue_hashes h on h.project_id = wanted.project_id and h.hash = wanted.hash"#,
        projects,
        hashes
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.hash, IssueId(row.issue_id))).collect())
}

/// A new issue, from the event that makes it.
#[derive(Debug, Clone)]
pub struct NewIssue {
    /// Its id, from the project's numbers.
    pub id: IssueId,
    /// `fatal` to `debug`.
    pub level: &'static str,
    /// What it is called.
    pub title: String,
    /// Where it comes from.
    pub culprit: String,
    /// `grouping::Kind`.
    pub kind: &'static str,
    /// As the event says.
    pub platform: String,
    /// The event's release.
    pub release: String,
    /// When the event was received.
    pub seen: DateTime<Utc>,
}

/// Makes issues; the caller holds the locks of their projects.
pub async fn insert(db: &mut PgConnection, new: &[NewIssue], now: DateTime<Utc>) -> sqlx::Result<()> {
    let text = |of: fn(&NewIssue) -> &str| new.iter().map(|issue| of(issue).to_owned()).collect::<Vec<_>>();
    sqlx::query!(
        "insert into issues (project_id, issue_id, level, title, culprit, kind, platform, first_release, last_release,
            first_seen, last_seen, created_at, status_changed_at)
        select project_id, issue_id, level, title, culprit, kind, platform, release, release, seen, seen, $10, $10
        from unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
            as new (project_id, issue_id, level, title, culprit, kind, platform, release, seen)",
        &new.iter().map(|issue| issue.id.project().0).collect::<Vec<_>>(),
        &new.iter().map(|issue| issue.id.0).collect::<Vec<_>>(),
        &text(|issue| issue.level),
        &text(|issue| &issue.title),
        &text(|issue| &issue.culprit),
        &text(|issue| issue.kind),
        &text(|issue| &issue.platform),
        &text(|issue| &issue.release),
        &new.iter().map(|issue| issue.seen).collect::<Vec<_>>(),
        now
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Leads hashes to issues. A hash that leads somewhere already stays.
pub async fn add_hashes(db: &mut PgConnection, hashes: &[(ProjectId, Uuid, IssueId)]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into issue_hashes (project_id, hash, issue_id)
        select * from unnest($1::int[], $2::uuid[], $3::bigint[])
        on conflict (project_id, hash) do nothing",
        &hashes.iter().map(|(project, ..)| project.0).collect::<Vec<_>>(),
        &hashes.iter().map(|(_, hash, _)| *hash).collect::<Vec<_>>(),
        &hashes.iter().map(|(.., issue)| issue.0).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// The states of issues, locked until the transaction ends. `ids` sorted.
pub async fn lock(db: &mut PgConnection, ids: &[IssueId]) -> sqlx::Result<Vec<(IssueId, IssueState)>> {
    let rows = sqlx::query!(
        r#"select i.issue_id, i.status, i.status_changed_at, i.status_changed_by
        from issues i
        where (i.project_id, i.issue_id) in (select * from unnest($1::int[], $2::bigint[]))
        order by i.project_id, i.issue_id
        for update"#,
        &ids.iter().map(|id| id.project().0).collect::<Vec<_>>(),
        &ids.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let status = Status::parse(&row.status).unwrap_or(Status::Open);
        let state = IssueState { status, status_changed_at: row.status_changed_at, status_changed_by: row.status_changed_by };
        (IssueId(row.issue_id), state)
    });
    Ok(rows.collect())
}

/// What came in for one issue.
#[derive(Debug, Clone)]
pub struct Arrivals {
    /// Which.
    pub id: IssueId,
    /// Events that were really inserted.
    pub events: i64,
    /// Users not seen in this issue before.
    pub users: i64,
    /// The earliest `received`.
    pub first_seen: DateTime<Utc>,
    /// The latest.
    pub last_seen: DateTime<Utc>,
    /// Of the latest event: level, title, culprit.
    pub latest: Latest,
    /// The releases of the first and the last event that name one; empty when none does.
    pub releases: (String, String),
    /// The release in which it came back, when it was resolved.
    pub regressed: Option<(DateTime<Utc>, String)>,
}

/// What an issue shows of its latest event.
#[derive(Debug, Clone)]
pub struct Latest {
    /// `fatal` to `debug`.
    pub level: &'static str,
    /// What it is called.
    pub title: String,
    /// Where it comes from.
    pub culprit: String,
}

/// Counts what came in. The caller holds the issues' locks.
pub async fn arrive(db: &mut PgConnection, arrivals: &[Arrivals]) -> sqlx::Result<()> {
    let text = |of: fn(&Arrivals) -> &str| arrivals.iter().map(|a| of(a).to_owned()).collect::<Vec<_>>();
    sqlx::query!(
        "update issues i set
            event_count = i.event_count + a.events,
            user_count = i.user_count + a.users,
            first_seen = least(i.first_seen, a.first_seen),
            last_seen = greatest(i.last_seen, a.last_seen),
            level = case when a.last_seen >= i.last_seen then a.level else i.level end,
            title = case when a.last_seen >= i.last_seen then a.title else i.title end,
            culprit = case when a.last_seen >= i.last_seen then a.culprit else i.culprit end,
            last_release = case when a.last_release <> '' and (a.last_seen >= i.last_seen or i.last_release = '') then a.last_release else i.last_release end,
            first_release = case when a.first_release <> '' and (a.first_seen < i.first_seen or i.first_release = '') then a.first_release else i.first_release end,
            status = case when a.regressed_at is null then i.status else 'open' end,
            status_changed_at = coalesce(a.regressed_at, i.status_changed_at),
            status_changed_by = case when a.regressed_at is null then i.status_changed_by end,
            regressed_at = coalesce(a.regressed_at, i.regressed_at),
            regressed_in = case when a.regressed_at is null then i.regressed_in else a.regressed_in end
        from unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
            $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::text[])
            as a (project_id, issue_id, events, users, first_seen, last_seen, level, title, culprit, first_release, last_release,
                regressed_at, regressed_in)
        where i.project_id = a.project_id and i.issue_id = a.issue_id",
        &arrivals.iter().map(|a| a.id.project().0).collect::<Vec<_>>(),
        &arrivals.iter().map(|a| a.id.0).collect::<Vec<_>>(),
        &arrivals.iter().map(|a| a.events).collect::<Vec<_>>(),
        &arrivals.iter().map(|a| a.users).collect::<Vec<_>>(),
        &arrivals.iter().map(|a| a.first_seen).collect::<Vec<_>>(),
        &arrivals.iter().map(|a| a.last_seen).collect::<Vec<_>>(),
        &text(|a| a.latest.level),
        &text(|a| &a.latest.title),
        &text(|a| &a.latest.culprit),
        &text(|a| &a.releases.0),
        &text(|a| &a.releases.1),
        &arrivals.iter().map(|a| a.regressed.as_ref().map(|(at, _)| *at)).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &text(|a| a.regressed.as_ref().map_or("", |(_, release)| release))
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Remembers in which environments issues were seen.
pub async fn add_environments(db: &mut PgConnection, seen: &[(IssueId, String)]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into issue_environments (project_id, issue_id, environment)
        select * from unnest($1::int[], $2::bigint[], $3::text[])
        on conflict do nothing",
        &seen.iter().map(|(issue, _)| issue.project().0).collect::<Vec<_>>(),
        &seen.iter().map(|(issue, _)| issue.0).collect::<Vec<_>>(),
        &seen.iter().map(|(_, environment)| environment.clone()).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// What events did to issues, for their history.
#[derive(Debug, Clone)]
pub struct Happened {
    /// Which issue.
    pub issue: IssueId,
    /// `appeared` or `regressed`.
    pub kind: &'static str,
    /// The release, or empty.
    pub detail: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Adds to the history.
pub async fn add_activity(db: &mut PgConnection, happened: &[Happened]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into issue_activity (project_id, issue_id, kind, detail, at)
        select * from unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[])",
        &happened.iter().map(|h| h.issue.project().0).collect::<Vec<_>>(),
        &happened.iter().map(|h| h.issue.0).collect::<Vec<_>>(),
        &happened.iter().map(|h| h.kind.to_owned()).collect::<Vec<_>>(),
        &happened.iter().map(|h| h.detail.clone()).collect::<Vec<_>>(),
        &happened.iter().map(|h| h.at).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}
