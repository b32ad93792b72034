//! The SQL of `mails`, `mail_attempts` and `feedback_mails`, and what mails need to know.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::feedback::Pace;
use crate::accounts::{IssueId, ProjectId, UserId};

/// What a mail says about its issue.
pub(super) struct MailFacts {
    pub(super) project: String,
    pub(super) slug: String,
    pub(super) short_prefix: String,
    pub(super) title: String,
    pub(super) culprit: String,
    pub(super) level: String,
    pub(super) event_count: i64,
    pub(super) last_seen: DateTime<Utc>,
    pub(super) has_members: bool,
}

/// The issue and its project, or nothing when either was deleted.
pub(super) async fn facts(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Option<MailFacts>> {
    // joins: projects, issues, project_members
    sqlx::query_as!(
        MailFacts,
        r#"select p.name as project, p.slug, p.short_prefix, i.title, i.culprit, i.level, i.event_count, i.last_seen,
            exists (select 1 from project_members m where m.project_id = p.project_id) as "has_members!"
        from issues i join projects p on p.project_id = i.project_id
        where i.project_id = $1 and i.issue_id = $2"#,
        issue.project().0,
        issue.0
    )
    .fetch_optional(db)
    .await
}

/// Whether somebody ignores the issue.
pub(super) async fn is_ignored(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<bool> {
    let ignored = sqlx::query_scalar!(
        r#"select exists (select from issues where project_id = $1 and issue_id = $2 and status = 'ignored') as "ignored!""#,
        issue.project().0,
        issue.0
    );
    ignored.fetch_one(db).await
}

/// What a mail about a limit says of its project and key.
pub(super) struct Limited {
    pub(super) project: String,
    pub(super) slug: String,
    /// The key's name, or its beginning; nothing for the project's own limits.
    pub(super) key: Option<String>,
}

/// The project and its key, or nothing when the project was deleted.
pub(super) async fn limited(db: &mut PgConnection, project: ProjectId, key: i32) -> sqlx::Result<Option<Limited>> {
    // joins: projects, project_keys
    sqlx::query_as!(
        Limited,
        r#"select p.name as project, p.slug,
            (select case when k.label = '' then left(replace(k.public_key::text, '-', ''), 8) || '…' else k.label end
            from project_keys k where k.project_id = p.project_id and k.key_id = $2) as key
        from projects p where p.project_id = $1"#,
        project.0,
        key
    )
    .fetch_optional(db)
    .await
}

/// What a mail about feedback says of its project.
pub(super) struct ToldProject {
    pub(super) project: String,
    pub(super) slug: String,
    pub(super) short_prefix: String,
    pub(super) has_members: bool,
}

/// The project, or nothing when it was deleted.
pub(super) async fn told_project(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Option<ToldProject>> {
    // joins: projects, project_members
    sqlx::query_as!(
        ToldProject,
        r#"select p.name as project, p.slug, p.short_prefix,
            exists (select 1 from project_members m where m.project_id = p.project_id) as "has_members!"
        from projects p where p.project_id = $1"#,
        project.0
    )
    .fetch_optional(db)
    .await
}

/// Whom trouble is told.
pub(super) async fn administrators(db: &mut PgConnection) -> sqlx::Result<Vec<(UserId, String)>> {
    // joins: users
    let rows = sqlx::query!(r#"select user_id as "id: UserId", email from users where is_admin and is_active order by user_id limit 50"#);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.id, row.email)).collect())
}

/// What a list says of an issue.
pub(super) struct Title {
    pub(super) title: String,
    pub(super) level: String,
}

/// What lists say of these issues; those that are gone are left out.
pub(super) async fn titles(db: &mut PgConnection, issues: &[IssueId]) -> sqlx::Result<HashMap<IssueId, Title>> {
    let rows = sqlx::query!(
        r#"select issue_id as "issue!: IssueId", title, level from issues
        where (project_id, issue_id) in (select * from unnest($1::int[], $2::bigint[]))"#,
        &issues.iter().map(|issue| issue.project().0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>()
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.issue, Title { title: row.title, level: row.level })).collect())
}

/// When the project's last mail about feedback was made and the next is due, locked.
pub(super) async fn lock_pace(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Pace> {
    sqlx::query!("insert into feedback_mails (project_id) values ($1) on conflict do nothing", project.0).execute(&mut *db).await?;
    sqlx::query_as!(Pace, "select last_at, due_at from feedback_mails where project_id = $1 for update", project.0).fetch_one(db).await
}

/// Writes it.
pub(super) async fn set_pace(db: &mut PgConnection, project: ProjectId, pace: Pace) -> sqlx::Result<()> {
    let set =
        sqlx::query!("update feedback_mails set last_at = $2, due_at = $3 where project_id = $1", project.0, pace.last_at, pace.due_at);
    set.execute(db).await.map(|_| ())
}

/// When an issue was last resolved by a person, and by whom.
pub(super) async fn last_resolved(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Option<(DateTime<Utc>, Option<String>)>> {
    // joins: issue_activity, users
    let row = sqlx::query!(
        r#"select a.at, u.email as "email?" from issue_activity a left join users u on u.user_id = a.user_id
        where a.project_id = $1 and a.issue_id = $2 and a.kind = 'resolved'
        order by a.activity_id desc limit 1"#,
        issue.project().0,
        issue.0
    );
    Ok(row.fetch_optional(db).await?.map(|row| (row.at, row.email)))
}

/// A mail, decided on.
#[derive(Clone, Copy)]
pub(super) struct NewMail<'a> {
    pub(super) project: ProjectId,
    pub(super) issue: Option<IssueId>,
    pub(super) user: Option<UserId>,
    pub(super) recipient: &'a str,
    pub(super) kind: &'static str,
    pub(super) subject: &'a str,
    pub(super) text: &'a str,
    pub(super) html: &'a str,
    pub(super) message_id: &'a str,
    pub(super) status: &'static str,
    pub(super) reason: &'a str,
}

/// Adds a mail to the log; its number.
pub(super) async fn insert(db: &mut PgConnection, mail: &NewMail<'_>, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let id = sqlx::query_scalar!(
        "insert into mails (project_id, issue_id, user_id, recipient, kind, subject, text_body, html_body, message_id, status, reason, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning mail_id",
        mail.project.0,
        mail.issue.map(|issue| issue.0),
        mail.user.map(|user| user.0),
        mail.recipient,
        mail.kind,
        mail.subject,
        mail.text,
        mail.html,
        mail.message_id,
        mail.status,
        mail.reason,
        now
    );
    id.fetch_one(db).await
}

/// A mail of the log, with what it says.
pub(super) struct Mail {
    pub(super) line: MailLine,
    pub(super) text_body: String,
    pub(super) html_body: String,
    pub(super) message_id: String,
}

/// One mail.
pub(super) async fn find(db: &mut PgConnection, id: i64) -> sqlx::Result<Option<Mail>> {
    let row = sqlx::query!(
        "select mail_id as id, project_id, issue_id, user_id, recipient, kind, subject, text_body, html_body, message_id, status, reason, created_at
        from mails where mail_id = $1",
        id
    );
    Ok(row.fetch_optional(db).await?.map(|row| Mail {
        line: MailLine {
            id: row.id,
            project_id: row.project_id,
            issue_id: row.issue_id,
            user_id: row.user_id,
            recipient: row.recipient,
            kind: row.kind,
            subject: row.subject,
            status: row.status,
            reason: row.reason,
            created_at: row.created_at,
        },
        text_body: row.text_body,
        html_body: row.html_body,
        message_id: row.message_id,
    }))
}

/// What an attempt came to.
pub(super) async fn record_attempt(db: &mut PgConnection, id: i64, at: DateTime<Utc>, (status, result): (&str, &str)) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into mail_attempts (mail_id, attempt, at, result)
        select $1, coalesce(max(attempt), 0) + 1, $2, $3 from mail_attempts where mail_id = $1",
        id,
        at,
        result
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update mails set status = $2, reason = $3, sent_at = case when $2 = 'sent' then $4 else sent_at end where mail_id = $1",
        id,
        status,
        result,
        at
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// The attempts of one mail, oldest first.
pub(super) async fn attempts(db: &mut PgConnection, id: i64) -> sqlx::Result<Vec<(DateTime<Utc>, String)>> {
    let rows = sqlx::query!("select at, result from mail_attempts where mail_id = $1 order by attempt limit 100", id).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.at, row.result)).collect())
}

/// A line of the log.
pub(super) struct MailLine {
    pub(super) id: i64,
    pub(super) project_id: i32,
    pub(super) issue_id: Option<i64>,
    /// Whose mail it is; nobody's where there was nobody.
    pub(super) user_id: Option<i64>,
    pub(super) recipient: String,
    pub(super) kind: String,
    pub(super) subject: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) created_at: DateTime<Utc>,
}

/// What is looked for in the log.
pub(super) struct Wanted {
    /// Of these.
    pub(super) projects: Vec<i32>,
    /// And of none, for this person.
    pub(super) own: Option<i64>,
    /// A part of the recipient in lower case; may be empty.
    pub(super) to: String,
    /// `sent` …; may be empty.
    pub(super) state: String,
    /// About this.
    pub(super) issue: Option<i64>,
    /// Older than this.
    pub(super) before: i64,
}

/// These mails, newest first; one more than `limit` when there are more.
pub(super) async fn list(db: &mut PgConnection, wanted: &Wanted, limit: i64) -> sqlx::Result<Vec<MailLine>> {
    sqlx::query_as!(
        MailLine,
        "select mail_id as id, project_id, issue_id, user_id, recipient, kind, subject, status, reason, created_at
        from mails where (project_id = any($1) or (project_id = 0 and user_id = $7)) and mail_id < $2 and ($4 = '' or status = $4) and ($5::bigint is null or issue_id = $5)
            and ($6 = '' or position($6 in lower(recipient)) > 0)
        order by mail_id desc limit $3",
        &wanted.projects,
        wanted.before,
        limit + 1,
        wanted.state,
        wanted.issue,
        wanted.to,
        wanted.own
    )
    .fetch_all(db)
    .await
}

/// Writes that no mail could be made of a fact, in one line per job; its number.
pub(super) async fn insert_unwritten(db: &mut PgConnection, mail: &NewMail<'_>, (job, now): (i64, DateTime<Utc>)) -> sqlx::Result<i64> {
    let id = sqlx::query_scalar!(
        "insert into mails (project_id, issue_id, recipient, kind, subject, text_body, html_body, message_id, status, reason, created_at, job_id)
        values ($1, $2, '', $3, '', '', '', $4, 'failed', '', $5, $6)
        on conflict (job_id) where job_id is not null do update set status = 'failed' returning mail_id",
        mail.project.0,
        mail.issue.map(|issue| issue.0),
        mail.kind,
        mail.message_id,
        now,
        job
    );
    id.fetch_one(db).await
}

/// Notes which dead job a queued mail waits for. False: it is not queued any more.
pub(super) async fn set_dead_job(db: &mut PgConnection, id: i64, job: i64) -> sqlx::Result<bool> {
    let set = sqlx::query!("update mails set job_id = $2 where mail_id = $1 and status = 'queued'", id, job);
    Ok(set.execute(db).await?.rows_affected() > 0)
}

/// Ends the line of a fact that led to no mail at first.
pub(super) async fn replace_unwritten(db: &mut PgConnection, job: i64, reason: &str) -> sqlx::Result<()> {
    let replaced = sqlx::query!("update mails set status = 'replaced', reason = $2 where job_id = $1", job, reason);
    replaced.execute(db).await.map(|_| ())
}

/// What can be tried again.
pub(super) struct Locked {
    /// Its dead job, if there is one.
    pub(super) job_id: Option<i64>,
    /// There is something to deliver.
    pub(super) is_written: bool,
    /// It is a channel's.
    pub(super) is_post: bool,
}

/// A mail in one of these states, locked. What tested a channel is not among them.
pub(super) async fn lock(db: &mut PgConnection, id: i64, states: &[String]) -> sqlx::Result<Option<Locked>> {
    sqlx::query_as!(
        Locked,
        r#"select job_id, recipient <> '' as "is_written!", channel_id is not null as "is_post!"
        from mails where mail_id = $1 and status = any($2) and kind <> 'test' for update"#,
        id,
        states
    )
    .fetch_optional(db)
    .await
}

/// Takes a person's turn to have a test mail sent. False: the last one was after `before`.
pub(super) async fn take_test(db: &mut PgConnection, user: UserId, (before, now): (DateTime<Utc>, DateTime<Utc>)) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        "insert into mail_tests (user_id, at) values ($1, $3) on conflict (user_id) do update set at = $3 where mail_tests.at <= $2",
        user.0,
        before,
        now
    );
    Ok(taken.execute(db).await?.rows_affected() > 0)
}

/// Deletes up to `batch` mails from before `before`, then up to as many that are not among the newest `keep` of their project; how many.
/// What is still to be delivered stays a week longer.
pub(super) async fn sweep(db: &mut PgConnection, before: DateTime<Utc>, (keep, batch): (i64, i64)) -> sqlx::Result<u64> {
    let old = sqlx::query!(
        "delete from mails where mail_id = any(array(
            select mail_id from mails where created_at < $1 and (status <> 'queued' or created_at < $1 - interval '7 days')
            order by created_at limit $2))",
        before,
        batch
    );
    let old = old.execute(&mut *db).await?.rows_affected();
    // joins: projects, mails
    let many = sqlx::query!(
        "delete from mails where mail_id = any(array(
            select m.mail_id from projects p
            cross join lateral (select mail_id from mails where project_id = p.project_id order by mail_id desc offset $1 limit 1) edge
            join mails m on m.project_id = p.project_id and m.mail_id <= edge.mail_id
            limit $2))",
        keep,
        batch
    );
    Ok(old + many.execute(db).await?.rows_affected())
}
