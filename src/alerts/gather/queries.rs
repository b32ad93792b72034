//! The SQL of facts, of what became of them, and of paces.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::pace::{Cap, Pace};
use super::recipient::Recipient;
use super::tell::Fact;
use crate::accounts::{IssueId, ProjectId, UserId};

/// Notes a fact, by which rule it was decided, and how often its issue has been seen by now; its number.
pub(super) async fn note(db: &mut PgConnection, fact: &Fact, rule: Option<&(i64, String)>, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let id = sqlx::query_scalar!(
        "insert into alert_facts (project_id, kind, issue_id, event_id, detail, noted_at, rule_id, rule, events, users)
        select $1, $2, $3, $4, $5, $6, $7, $8, i.event_count, i.user_count -- joins: issues
        from (values (1)) one left join issues i on i.project_id = $1 and i.issue_id = $3
        returning fact_id",
        fact.project.0,
        fact.kind,
        fact.issue.map(|issue| issue.0),
        fact.event,
        fact.detail,
        now,
        rule.map(|(id, _)| *id),
        rule.map_or("", |(_, name)| name)
    );
    id.fetch_one(db).await
}

/// Whether a fact of this kind was noted of its project since.
pub(in crate::alerts) async fn was_noted(db: &mut PgConnection, fact: &Fact, since: DateTime<Utc>) -> sqlx::Result<bool> {
    let noted = sqlx::query_scalar!(
        r#"select exists (select from alert_facts where project_id = $1 and kind = $2 and noted_at > $3) as "noted!""#,
        fact.project.0,
        fact.kind,
        since
    );
    noted.fetch_one(db).await
}

/// What became of a fact for somebody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision<'a> {
    /// Nothing: nobody in particular.
    pub(super) to: Option<Recipient>,
    pub(super) status: &'static str,
    pub(super) reason: &'a str,
    pub(super) mail: Option<i64>,
}

/// Writes it down.
pub(super) async fn decide(
    db: &mut PgConnection,
    (project, fact): (ProjectId, i64),
    decision: &Decision<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alert_decisions (project_id, fact_id, user_id, channel_id, status, reason, mail_id, decided_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
        project.0,
        fact,
        decision.to.map_or(0, Recipient::user),
        decision.to.map_or(0, Recipient::channel),
        decision.status,
        decision.reason,
        decision.mail,
        now
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Writes down why these are not told; where there is nobody at all, why nobody is.
pub(super) async fn drop_all(
    db: &mut PgConnection,
    (project, fact): (ProjectId, i64),
    (untold, reason, mail): (&[Recipient], &str, Option<i64>),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let users: Vec<i64> = untold.iter().map(|to| to.user()).collect();
    let channels: Vec<i64> = untold.iter().map(|to| to.channel()).collect();
    sqlx::query!(
        "insert into alert_decisions (project_id, fact_id, user_id, channel_id, status, reason, mail_id, decided_at)
        select $1, $2, u, c, 'dropped', $5, $6, $7 from unnest($3::bigint[], $4::bigint[]) as n (u, c)",
        project.0,
        fact,
        &users,
        &channels,
        reason,
        mail,
        now
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// A recipient's pace, locked, and how many mails or messages they got.
pub(super) async fn lock(db: &mut PgConnection, project: ProjectId, to: Recipient, now: DateTime<Utc>) -> sqlx::Result<(Pace, Cap)> {
    let (user, channel) = (to.user(), to.channel());
    let cap = sqlx::query!(
        "insert into alert_caps (user_id, channel_id, hour_from, mails) values ($1, $2, $3, 0) on conflict do nothing",
        user,
        channel,
        now
    );
    cap.execute(&mut *db).await?;
    let cap =
        sqlx::query_as!(Cap, "select hour_from, mails from alert_caps where user_id = $1 and channel_id = $2 for update", user, channel);
    let cap = cap.fetch_one(&mut *db).await?;
    let first = Pace::default();
    let pace = sqlx::query!(
        "insert into alert_paces (project_id, user_id, channel_id, pause) values ($1, $2, $3, $4) on conflict do nothing",
        project.0,
        user,
        channel,
        first.pause
    );
    pace.execute(&mut *db).await?;
    let pace = sqlx::query_as!(
        Pace,
        "select last_at, due_at, pause from alert_paces where project_id = $1 and user_id = $2 and channel_id = $3 for update",
        project.0,
        user,
        channel
    );
    Ok((pace.fetch_one(db).await?, cap))
}

/// Writes a pace.
pub(super) async fn set_pace(db: &mut PgConnection, project: ProjectId, to: Recipient, pace: Pace) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert_paces set last_at = $4, due_at = $5, pause = $6 where project_id = $1 and user_id = $2 and channel_id = $3",
        project.0,
        to.user(),
        to.channel(),
        pace.last_at,
        pace.due_at,
        pace.pause
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Writes how many mails a person got.
pub(super) async fn set_cap(db: &mut PgConnection, to: Recipient, cap: Cap) -> sqlx::Result<()> {
    let set = sqlx::query!(
        "update alert_caps set hour_from = $3, mails = $4 where user_id = $1 and channel_id = $2",
        to.user(),
        to.channel(),
        cap.hour_from,
        cap.mails
    );
    set.execute(db).await.map(|_| ())
}

/// What was gathered for a recipient, of one kind.
#[derive(Debug, Clone)]
pub(super) struct Gathered {
    pub(super) kind: String,
    pub(super) facts: i64,
}

/// Counts what waits for a recipient, by kind.
pub(super) async fn gathered(db: &mut PgConnection, project: ProjectId, to: Recipient) -> sqlx::Result<Vec<Gathered>> {
    sqlx::query_as!(
        Gathered,
        r#"select f.kind, count(*) as "facts!" from alert_decisions d
        join alert_facts f on f.project_id = d.project_id and f.fact_id = d.fact_id
        where d.project_id = $1 and f.project_id = $1 and d.user_id = $2 and d.channel_id = $3 and d.status = 'gathered'
        group by f.kind order by 2 desc, 1"#,
        project.0,
        to.user(),
        to.channel()
    )
    .fetch_all(db)
    .await
}

/// The newest facts that wait for a recipient.
pub(super) async fn waiting(db: &mut PgConnection, project: ProjectId, to: Recipient, limit: i64) -> sqlx::Result<Vec<(i64, Fact)>> {
    let rows = sqlx::query!(
        r#"select f.fact_id, f.kind, f.issue_id, f.event_id, f.detail from alert_decisions d
        join alert_facts f on f.project_id = d.project_id and f.fact_id = d.fact_id
        where d.project_id = $1 and f.project_id = $1 and d.user_id = $2 and d.channel_id = $3 and d.status = 'gathered'
        order by f.fact_id desc limit $4"#,
        project.0,
        to.user(),
        to.channel(),
        limit
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows
        .map(|row| {
            (row.fact_id, Fact { project, kind: row.kind, issue: row.issue_id.map(IssueId), event: row.event_id, detail: row.detail })
        })
        .collect())
}

/// The newest facts about the project as a whole that wait for a recipient, the oldest of them first.
pub(super) async fn waiting_of_project(
    db: &mut PgConnection,
    project: ProjectId,
    to: Recipient,
    limit: i64,
) -> sqlx::Result<Vec<(String, Value)>> {
    let rows = sqlx::query!(
        r#"select f.kind, f.detail from alert_decisions d
        join alert_facts f on f.project_id = d.project_id and f.fact_id = d.fact_id
        where d.project_id = $1 and f.project_id = $1 and d.user_id = $2 and d.channel_id = $3 and d.status = 'gathered' and f.issue_id is null
        order by f.fact_id desc limit $4"#,
        project.0,
        to.user(),
        to.channel(),
        limit
    );
    Ok(rows.fetch_all(db).await?.into_iter().rev().map(|row| (row.kind, row.detail)).collect())
}

/// An issue that waits to be told of.
#[derive(Debug, Clone)]
pub(super) struct WaitingIssue {
    pub(super) issue: IssueId,
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) level: String,
    pub(super) events: i64,
    pub(super) users: i64,
    pub(super) release: String,
    pub(super) status: String,
    /// How many issues wait, this one among them.
    pub(super) all: i64,
}

/// The issues that wait for a recipient, those with most events first.
pub(super) async fn waiting_issues(
    db: &mut PgConnection,
    project: ProjectId,
    to: Recipient,
    limit: i64,
) -> sqlx::Result<Vec<WaitingIssue>> {
    // joins: alert_decisions, alert_facts, issues
    sqlx::query_as!(
        WaitingIssue,
        r#"select i.issue_id as "issue: IssueId", f.kind as "kind!", i.title, i.level, i.event_count as events, i.user_count as users,
            i.last_release as release, i.status, count(*) over () as "all!"
        from (select f.issue_id, max(f.kind) as kind from alert_decisions d
            join alert_facts f on f.project_id = d.project_id and f.fact_id = d.fact_id
            where d.project_id = $1 and f.project_id = $1 and d.user_id = $2 and d.channel_id = $3 and d.status = 'gathered'
                and f.issue_id is not null
            group by f.issue_id) f
        join issues i on i.project_id = $1 and i.issue_id = f.issue_id
        order by i.event_count desc, i.issue_id limit $4"#,
        project.0,
        to.user(),
        to.channel(),
        limit
    )
    .fetch_all(db)
    .await
}

/// Ends the wait of everything that was gathered for a recipient.
pub(super) async fn end_wait(
    db: &mut PgConnection,
    (project, to): (ProjectId, Recipient),
    (status, reason, mail): (&str, &str, Option<i64>),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update alert_decisions set status = $4, reason = $5, mail_id = $6, decided_at = $7
        where project_id = $1 and user_id = $2 and channel_id = $3 and status = 'gathered'",
        project.0,
        to.user(),
        to.channel(),
        status,
        reason,
        mail,
        now
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// What somebody was told, or not.
#[derive(Debug, Clone)]
pub(in crate::alerts) struct Told {
    /// Where it stands among others.
    pub(in crate::alerts) fact: i64,
    pub(in crate::alerts) user: i64,
    pub(in crate::alerts) channel: i64,
    pub(in crate::alerts) project: ProjectId,
    pub(in crate::alerts) kind: String,
    pub(in crate::alerts) issue: Option<IssueId>,
    pub(in crate::alerts) noted_at: DateTime<Utc>,
    /// May be empty: nobody, or somebody who is gone.
    pub(in crate::alerts) who: String,
    pub(in crate::alerts) status: String,
    pub(in crate::alerts) reason: String,
    /// The rule that decided; may be empty.
    pub(in crate::alerts) rule: String,
    pub(in crate::alerts) mail: Option<i64>,
    /// `sent`, `failed` …, of that mail.
    pub(in crate::alerts) mail_status: Option<String>,
    /// What its server said.
    pub(in crate::alerts) said: Option<String>,
}

/// The fact, the person and the channel before which lines are asked for.
pub(in crate::alerts) type Before = (i64, i64, i64);

/// Facts with what became of them, with the statement from its `where` on.
macro_rules! told {
    ($rest:tt, $($argument:expr),+ $(,)?) => {
        // joins: alert_decisions, alert_facts, users, channels, mails
        sqlx::query_as!(
            Told,
            r#"select d.fact_id as fact, d.user_id as "user", d.channel_id as channel, d.project_id as "project: ProjectId", f.kind, f.issue_id as "issue: IssueId", f.noted_at,
                coalesce(u.email, m.recipient,
                    case c.kind when 'ntfy' then 'ntfy' when 'teams' then 'Microsoft Teams' else initcap(c.kind) end || ': ' || c.label,
                    case when d.channel_id = 0 then '' else 'a channel that was deleted' end) as "who!",
                d.status, d.reason, f.rule, d.mail_id as mail, m.status as "mail_status?", m.reason as "said?"
            from alert_decisions d
            join alert_facts f on f.project_id = d.project_id and f.fact_id = d.fact_id
            left join users u on u.user_id = d.user_id
            left join channels c on c.project_id = d.project_id and c.channel_id = d.channel_id
            left join mails m on m.mail_id = d.mail_id "# + $rest,
            $($argument),+
        )
    };
}

/// Who was told about an issue, the newest fact first, up to `limit` lines before those.
pub(in crate::alerts) async fn told_of_issue(
    db: &mut PgConnection,
    issue: IssueId,
    (fact, user, channel): Before,
    limit: i64,
) -> sqlx::Result<Vec<Told>> {
    let rows = told!(
        "where d.project_id = $1 and f.project_id = $1 and f.issue_id = $2 and (d.fact_id, d.user_id, d.channel_id) < ($4, $5, $6)
            order by d.fact_id desc, d.user_id desc, d.channel_id desc limit $3",
        issue.project().0,
        issue.0,
        limit,
        fact,
        user,
        channel
    );
    rows.fetch_all(db).await
}

/// What a person was told of, or not, in these projects, the newest fact first, up to `limit` lines before those.
pub(in crate::alerts) async fn told_to(
    db: &mut PgConnection,
    (reader, projects): (UserId, &[i32]),
    (fact, user, channel): Before,
    limit: i64,
) -> sqlx::Result<Vec<Told>> {
    let rows = told!(
        "where d.user_id = $1 and d.project_id = any($2) and d.fact_id <= $4 and (d.fact_id, d.user_id, d.channel_id) < ($4, $5, $6)
            order by d.fact_id desc, d.user_id desc, d.channel_id desc limit $3",
        reader.0,
        projects,
        limit,
        fact,
        user,
        channel
    );
    rows.fetch_all(db).await
}

/// Deletes up to `batch` facts from before `before`, with what became of them; how many.
pub(in crate::alerts) async fn sweep(db: &mut PgConnection, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "with old as (select project_id, fact_id from alert_facts where noted_at < $1 order by noted_at limit $2),
            undecided as (delete from alert_decisions d using old where d.project_id = old.project_id and d.fact_id = old.fact_id)
        delete from alert_facts f using old where f.project_id = old.project_id and f.fact_id = old.fact_id",
        before,
        batch
    );
    Ok(gone.execute(db).await?.rows_affected())
}
