//! # Issues that are put together and taken apart
//! **Promise.** A hash leads to one issue at a time; an issue that was merged keeps its row, so that its addresses lead to where it went, and its
//! history is shown there. **How.** Rows only; the caller holds digest's lock alone where hashes change hands, and the issues' locks otherwise.
//! **Not here.** Which and why (`regroup`), what is counted of events (`events::moving`).

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::snoozes;
use crate::accounts::{IssueId, ProjectId, UserId};

/// A hash of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueHash {
    /// Which.
    pub hash: Uuid,
    /// Where it leads.
    pub issue: IssueId,
    /// Whether a person decided so.
    pub decided: bool,
}

/// The hashes of issues.
pub async fn hashes_of(db: &mut PgConnection, project: ProjectId, issues: &[IssueId]) -> sqlx::Result<Vec<IssueHash>> {
    let rows = sqlx::query_as!(
        IssueHash,
        r#"select hash, issue_id as "issue: IssueId", decided from issue_hashes where project_id = $1 and issue_id = any($2) order by hash"#,
        project.0,
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>()
    );
    rows.fetch_all(db).await
}

/// Where these hashes lead, of those that lead somewhere.
pub async fn owners(db: &mut PgConnection, project: ProjectId, hashes: &[Uuid]) -> sqlx::Result<Vec<IssueHash>> {
    let rows = sqlx::query_as!(
        IssueHash,
        r#"select hash, issue_id as "issue: IssueId", decided from issue_hashes where project_id = $1 and hash = any($2)"#,
        project.0,
        hashes
    );
    rows.fetch_all(db).await
}

/// Leads hashes to issues, wherever they led before.
pub async fn lead(db: &mut PgConnection, project: ProjectId, hashes: &[IssueHash]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into issue_hashes (project_id, hash, issue_id, decided)
        select $1, * from unnest($2::uuid[], $3::bigint[], $4::bool[])
        on conflict (project_id, hash) do update set issue_id = excluded.issue_id, decided = excluded.decided",
        project.0,
        &hashes.iter().map(|hash| hash.hash).collect::<Vec<_>>(),
        &hashes.iter().map(|hash| hash.issue.0).collect::<Vec<_>>(),
        &hashes.iter().map(|hash| hash.decided).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// What an issue is before something is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Which.
    pub issue: IssueId,
    /// `open`, `resolved`, `ignored`, `merged`.
    pub status: String,
    /// Since when.
    pub status_changed_at: DateTime<Utc>,
    /// Who made it so.
    pub status_changed_by: Option<i64>,
    /// Its events.
    pub event_count: i64,
    /// What it is called.
    pub title: String,
}

/// Issues as they are, locked until the transaction ends, in the order of their numbers. Those that are not there are left out.
pub async fn locked(db: &mut PgConnection, project: ProjectId, issues: &[IssueId]) -> sqlx::Result<Vec<Before>> {
    let rows = sqlx::query_as!(
        Before,
        r#"select issue_id as "issue: IssueId", status, status_changed_at, status_changed_by, event_count, title
        from issues where project_id = $1 and issue_id = any($2) order by issue_id for update"#,
        project.0,
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>()
    );
    rows.fetch_all(db).await
}

/// Where a merged issue went.
pub async fn merged_into(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Option<IssueId>> {
    let into = sqlx::query_scalar!(
        r#"with recursive way as (
            select merged_into, 1 as steps from issues where project_id = $1 and issue_id = $2
            union all
            select i.merged_into, steps + 1 from way join issues i on i.project_id = $1 and i.issue_id = way.merged_into where steps < 50
        )
        select merged_into as "into?: IssueId" from way where merged_into is not null order by steps desc limit 1"#,
        issue.project().0,
        issue.0
    );
    Ok(into.fetch_optional(db).await?.flatten())
}

/// The same issues, sorted, those that were merged as what they were merged into.
pub async fn where_they_are(db: &mut PgConnection, issues: &[IssueId]) -> sqlx::Result<Vec<IssueId>> {
    let there = sqlx::query_scalar!(
        r#"with recursive way as (
            select project_id, issue_id, 1 as steps from unnest($1::int[], $2::bigint[]) as wanted (project_id, issue_id)
            union
            select way.project_id, i.merged_into, steps + 1 from way
            join issues i on i.project_id = way.project_id and i.issue_id = way.issue_id
            where i.merged_into is not null and steps < 50
        )
        select distinct way.issue_id as "issue!: IssueId" from way
        left join issues i on i.project_id = way.project_id and i.issue_id = way.issue_id
        where i.merged_into is null order by 1"#,
        &issues.iter().map(|issue| issue.project().0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>()
    );
    there.fetch_all(db).await
}

/// Adds the row of an issue to another, and marks it as merged. `users`: how many the other has now.
pub async fn take_in(db: &mut PgConnection, from: IssueId, into: IssueId, users: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update issues i set event_count = i.event_count + f.event_count, user_count = $4,
            first_release = case when f.first_release <> '' and (f.first_seen < i.first_seen or i.first_release = '') then f.first_release else i.first_release end,
            last_release = case when f.last_release <> '' and (f.last_seen > i.last_seen or i.last_release = '') then f.last_release else i.last_release end,
            title = case when f.last_seen > i.last_seen then f.title else i.title end,
            culprit = case when f.last_seen > i.last_seen then f.culprit else i.culprit end,
            level = case when f.last_seen > i.last_seen then f.level else i.level end,
            first_seen = least(i.first_seen, f.first_seen), last_seen = greatest(i.last_seen, f.last_seen)
        from issues f
        where i.project_id = $1 and i.issue_id = $3 and f.project_id = $1 and f.issue_id = $2",
        from.project().0,
        from.0,
        into.0,
        users
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update issues set status = 'merged', merged_into = $3, event_count = 0, user_count = 0 where project_id = $1 and issue_id = $2",
        from.project().0,
        from.0,
        into.0
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update issue_hashes set issue_id = $3 where project_id = $1 and issue_id = $2", from.project().0, from.0, into.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "with gone as (delete from issue_environments where project_id = $1 and issue_id = $2 returning environment)
        insert into issue_environments (project_id, environment, issue_id) select $1, environment, $3 from gone on conflict do nothing",
        from.project().0,
        from.0,
        into.0
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Makes an issue in the likeness of another, which holds nothing yet.
pub async fn make_like(db: &mut PgConnection, (new, title): (IssueId, &str), like: IssueId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into issues (project_id, issue_id, status, level, title, culprit, kind, platform, first_release, last_release,
            first_seen, last_seen, created_at, status_changed_at, status_changed_by)
        select project_id, $3, case when status = 'merged' then 'open' else status end, level, $5, culprit, kind, platform, '', '',
            last_seen, first_seen, $4, status_changed_at, status_changed_by
        from issues where project_id = $1 and issue_id = $2",
        like.project().0,
        like.0,
        new.0,
        now,
        title
    )
    .execute(&mut *db)
    .await?;
    snoozes::copy(db, like, new).await
}

/// Brings a merged issue back as it was, with nothing in it yet.
pub async fn revive(db: &mut PgConnection, before: &Before) -> sqlx::Result<()> {
    sqlx::query!(
        "update issues set status = $3, status_changed_at = $4, status_changed_by = $5, merged_into = null, event_count = 0, user_count = 0
        where project_id = $1 and issue_id = $2 and status = 'merged'",
        before.issue.project().0,
        before.issue.0,
        before.status,
        before.status_changed_at,
        before.status_changed_by
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Adds to the number of events, or takes from it.
pub async fn add_events(db: &mut PgConnection, counts: &[(IssueId, i64)]) -> sqlx::Result<()> {
    sqlx::query!(
        "update issues i set event_count = greatest(i.event_count + c.events, 0)
        from unnest($1::int[], $2::bigint[], $3::bigint[]) as c (project_id, issue_id, events)
        where i.project_id = c.project_id and i.issue_id = c.issue_id",
        &counts.iter().map(|c| c.0.project().0).collect::<Vec<_>>(),
        &counts.iter().map(|c| c.0.0).collect::<Vec<_>>(),
        &counts.iter().map(|c| c.1).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// What is found again of an issue that lost events.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its users.
    pub users: i64,
    /// When its first event came, with its release; nothing where events are counted that are not stored any more.
    pub first: Option<(DateTime<Utc>, String)>,
    /// The same of the last.
    pub last: (DateTime<Utc>, String),
    /// What the last is called, where it comes from, and how bad it is.
    pub head: (String, String, &'static str),
}

/// Writes that down.
pub async fn settle(db: &mut PgConnection, issue: IssueId, found: &Found) -> sqlx::Result<()> {
    sqlx::query!(
        "update issues set user_count = $3, first_seen = coalesce($4, first_seen), first_release = coalesce($5, first_release),
            last_seen = greatest($6, first_seen), last_release = $7, title = $8, culprit = $9, level = $10
        where project_id = $1 and issue_id = $2",
        issue.project().0,
        issue.0,
        found.users,
        found.first.as_ref().map(|first| first.0),
        found.first.as_ref().map(|first| first.1.clone()),
        found.last.0,
        found.last.1,
        found.head.0,
        found.head.1,
        found.head.2
    )
    .execute(&mut *db)
    .await?;
    // joins: issue_tags (what environments are left)
    sqlx::query!(
        "delete from issue_environments where project_id = $1 and issue_id = $2
            and not exists (select from issue_tags t where t.project_id = $1 and t.issue_id = $2 and t.key = 'environment')",
        issue.project().0,
        issue.0
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Adds a line to the histories of issues.
pub async fn tell(
    db: &mut PgConnection,
    issues: &[IssueId],
    (kind, detail): (&str, &str),
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into issue_activity (project_id, issue_id, at, kind, user_id, detail)
        select issue_id >> 32, issue_id, $2, $3, $4, $5 from unnest($1::bigint[]) as c (issue_id)",
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>(),
        now,
        kind,
        by.map(|by| by.0),
        detail
    )
    .execute(db)
    .await
    .map(|_| ())
}
