//! The SQL of rules and mutes, and what rules need to know of facts.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::decide::{Choices, Mute};
use super::model::{Definition, Rule};
use crate::accounts::{IssueId, ProjectId, UserId};
use crate::projects::MailSettings;

/// Rules of a project at most: each fact looks at all of them.
pub(super) const MOST: i64 = 50;

/// The project's rules in their order, those that are off as well; what an older program cannot read is left out, with an ERROR line.
pub(super) async fn rules(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Vec<Rule>> {
    let rows = sqlx::query!(
        "select rule_id, name, is_on, definition from alert_rules where project_id = $1 order by position, rule_id limit $2",
        project.0,
        MOST
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows
        .filter_map(|row| {
            Some(Rule { id: row.rule_id, name: row.name, is_on: row.is_on, definition: read(project, row.rule_id, row.definition)? })
        })
        .collect())
}

fn read(project: ProjectId, rule: i64, definition: Value) -> Option<Definition> {
    let complain = |error: &serde_json::Error| {
        tracing::error!(project.id = project.0, "the alert rule {rule} of project {project} makes no sense, going on without: {error}");
    };
    serde_json::from_value(definition).inspect_err(complain).ok()
}

/// All that decides about the project's facts.
pub(super) async fn choices(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Choices> {
    let mut rules = rules(db, project).await?;
    rules.retain(|rule| rule.is_on);
    // joins: projects, users
    let row = sqlx::query!(
        r#"select p.settings, m.since as "since?", m.until, coalesce(u.email, '') as "by!"
        from projects p left join alert_mutes m on m.project_id = p.project_id left join users u on u.user_id = m.user_id
        where p.project_id = $1"#,
        project.0
    );
    let Some(row) = row.fetch_optional(db).await? else { return Ok(Choices { rules, ..Choices::default() }) };
    let mute = row.since.map(|since| Mute { since, until: row.until, by: row.by });
    Ok(Choices { rules, mute, otherwise: MailSettings::read(&row.settings) })
}

/// Keeps others from deciding by this rule until the transaction is over: each would think that it is the first of its while.
pub(super) async fn lock(db: &mut PgConnection, project: ProjectId, rule: i64) -> sqlx::Result<()> {
    let lock =
        sqlx::query_scalar!("select rule_id from alert_rules where project_id = $1 and rule_id = $2 for no key update", project.0, rule);
    lock.fetch_optional(db).await.map(|_| ())
}

/// When the rule last told somebody of the issue, apart from the ends of spikes.
pub(super) async fn last_told(db: &mut PgConnection, issue: IssueId, rule: i64) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"select max(f.noted_at) from alert_facts f
        where f.project_id = $1 and f.issue_id = $2 and f.rule_id = $3 and f.kind <> 'spike_over'
            and exists (select from alert_decisions d where d.project_id = $1 and d.fact_id = f.fact_id and d.status in ('told', 'gathered'))"#,
        issue.project().0,
        issue.0,
        rule
    )
    .fetch_one(db)
    .await
}

/// What rules see of an issue.
pub(super) struct IssueRow {
    pub(super) title: String,
    pub(super) level: String,
    pub(super) release: String,
    pub(super) events: i64,
    pub(super) users: i64,
    pub(super) first_seen: DateTime<Utc>,
}

/// The issue, or nothing when it was deleted.
pub(super) async fn issue(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Option<IssueRow>> {
    sqlx::query_as!(
        IssueRow,
        "select title, level, last_release as release, event_count as events, user_count as users, first_seen from issues -- joins: issues
        where project_id = $1 and issue_id = $2",
        issue.project().0,
        issue.0
    )
    .fetch_optional(db)
    .await
}

/// A fact of the past, and what was known of its issue by then.
pub(super) struct PastRow {
    pub(super) kind: String,
    pub(super) issue: Option<IssueId>,
    pub(super) event: Option<uuid::Uuid>,
    pub(super) noted_at: DateTime<Utc>,
    pub(super) events: Option<i64>,
    pub(super) users: Option<i64>,
}

/// The newest facts since `since`, the newest first.
pub(super) async fn past(db: &mut PgConnection, project: ProjectId, since: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<PastRow>> {
    sqlx::query_as!(
        PastRow,
        r#"select kind, issue_id as "issue: IssueId", event_id as event, noted_at, events, users from alert_facts
        where project_id = $1 and noted_at >= $2 order by fact_id desc limit $3"#,
        project.0,
        since,
        limit
    )
    .fetch_all(db)
    .await
}

/// Adds a rule below all others; its number, or nothing when there are too many.
pub(super) async fn add(db: &mut PgConnection, project: ProjectId, rule: &Rule, now: DateTime<Utc>) -> sqlx::Result<Option<i64>> {
    let definition = serde_json::to_value(&rule.definition).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let id = sqlx::query_scalar!(
        r#"insert into alert_rules (project_id, position, name, is_on, definition, changed_at)
        select $1, coalesce(max(position), 0) + 1, $2, $3, $4, $5 from alert_rules where project_id = $1 having count(*) < $6
        returning rule_id"#,
        project.0,
        rule.name,
        rule.is_on,
        definition,
        now,
        MOST
    );
    id.fetch_optional(db).await
}

/// Changes a rule; false when it is gone.
pub(super) async fn change(db: &mut PgConnection, project: ProjectId, rule: &Rule, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let definition = serde_json::to_value(&rule.definition).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let changed = sqlx::query!(
        "update alert_rules set name = $3, is_on = $4, definition = $5, changed_at = $6 where project_id = $1 and rule_id = $2",
        project.0,
        rule.id,
        rule.name,
        rule.is_on,
        definition,
        now
    );
    Ok(changed.execute(db).await?.rows_affected() > 0)
}

/// Switches a rule on or off; false when it is gone.
pub(super) async fn switch(
    db: &mut PgConnection,
    (project, rule): (ProjectId, i64),
    is_on: bool,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let switched = sqlx::query!(
        "update alert_rules set is_on = $3, changed_at = $4 where project_id = $1 and rule_id = $2",
        project.0,
        rule,
        is_on,
        now
    );
    Ok(switched.execute(db).await?.rows_affected() > 0)
}

/// Puts the rule one place up or down, by giving all of them their numbers anew; false when it is gone.
pub(super) async fn shift(db: &mut PgConnection, (project, rule): (ProjectId, i64), up: bool) -> sqlx::Result<bool> {
    let ids = sqlx::query_scalar!(
        "select rule_id from alert_rules where project_id = $1 order by position, rule_id limit $2 for update",
        project.0,
        MOST
    );
    let mut ids = ids.fetch_all(&mut *db).await?;
    let Some(at) = ids.iter().position(|id| *id == rule) else { return Ok(false) };
    let to = if up { at.saturating_sub(1) } else { (at + 1).min(ids.len() - 1) };
    ids.swap(at, to);
    sqlx::query!(
        "update alert_rules r set position = n.position from unnest($2::bigint[]) with ordinality as n (rule_id, position)
        where r.project_id = $1 and r.rule_id = n.rule_id",
        project.0,
        &ids
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// Deletes a rule; false when it was gone.
pub(super) async fn delete(db: &mut PgConnection, project: ProjectId, rule: i64) -> sqlx::Result<bool> {
    let gone = sqlx::query!("delete from alert_rules where project_id = $1 and rule_id = $2", project.0, rule);
    Ok(gone.execute(db).await?.rows_affected() > 0)
}

/// Mutes a project, or changes until when.
pub(super) async fn mute(
    db: &mut PgConnection,
    (project, user): (ProjectId, UserId),
    (now, until): (DateTime<Utc>, Option<DateTime<Utc>>),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into alert_mutes (project_id, since, until, user_id) values ($1, $2, $3, $4)
        on conflict (project_id) do update set since = excluded.since, until = excluded.until, user_id = excluded.user_id",
        project.0,
        now,
        until,
        user.0
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Ends a mute; false when there was none that was on.
pub(super) async fn unmute(db: &mut PgConnection, project: ProjectId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let was_on = sqlx::query_scalar!(
        r#"delete from alert_mutes where project_id = $1 returning coalesce(until > $2, true) as "on!""#,
        project.0,
        now
    );
    Ok(was_on.fetch_optional(db).await?.unwrap_or_default())
}

/// Facts since then.
pub(super) async fn facts_since(db: &mut PgConnection, project: ProjectId, since: DateTime<Utc>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "facts!" from alert_facts where project_id = $1 and noted_at >= $2"#, project.0, since)
        .fetch_one(db)
        .await
}
