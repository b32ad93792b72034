//! What is known of one issue, apart from its events.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::accounts::UserId;
use crate::events::tag_intake::MAX_KEYS;
use crate::events::tag_stats::{OWN_KEYS, TagValues};
use crate::issues::IssueId;

/// Tag keys read for one page: all that an issue keeps.
const TAG_KEYS: i64 = (MAX_KEYS + OWN_KEYS.len()) as i64;

/// One issue.
#[derive(Debug, Clone)]
pub(in crate::issues) struct Facts {
    pub(in crate::issues) status: String,
    pub(in crate::issues) level: String,
    pub(in crate::issues) title: String,
    pub(in crate::issues) culprit: String,
    pub(in crate::issues) first_seen: DateTime<Utc>,
    pub(in crate::issues) last_seen: DateTime<Utc>,
    pub(in crate::issues) first_release: String,
    pub(in crate::issues) last_release: String,
    pub(in crate::issues) event_count: i64,
    pub(in crate::issues) user_count: i64,
    /// Whoever changed the status last, if it was a person who still has an account.
    pub(in crate::issues) changed_by: Option<String>,
    pub(in crate::issues) regressed_at: Option<DateTime<Utc>>,
    pub(in crate::issues) regressed_in: String,
}

/// One issue, if it is there.
pub(in crate::issues) async fn facts(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Option<Facts>> {
    // joins: users
    let facts = sqlx::query_as!(
        Facts,
        r#"select i.status, i.level, i.title, i.culprit, i.first_seen, i.last_seen, i.first_release, i.last_release, i.event_count, i.user_count,
            u.email as "changed_by?", i.regressed_at, i.regressed_in
        from issues i
        left join users u on u.user_id = i.status_changed_by
        where i.project_id = $1 and i.issue_id = $2"#,
        issue.project().0,
        issue.0
    );
    facts.fetch_optional(db).await
}

/// Whether a person muted the issue for themselves (alerts/personal).
pub(in crate::issues) async fn is_muted(db: &mut PgConnection, issue: IssueId, user: UserId) -> sqlx::Result<bool> {
    // joins: personal_mutes
    let muted = sqlx::query_scalar!(
        r#"select exists (select from personal_mutes where project_id = $1 and issue_id = $2 and user_id = $3) as "muted!""#,
        issue.project().0,
        issue.0,
        user.0
    );
    muted.fetch_one(db).await
}

/// Whether the issue is there.
pub(in crate::issues) async fn exists(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<bool> {
    let there = sqlx::query_scalar!(
        r#"select exists (select from issues where project_id = $1 and issue_id = $2) as "there!""#,
        issue.project().0,
        issue.0
    );
    there.fetch_one(db).await
}

/// The statistics of the issue's tags, the product's own among them for certain.
pub(in crate::issues) async fn tags(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Vec<(String, TagValues)>> {
    let rows = sqlx::query!(
        "select key, packed from issue_tags where project_id = $1 and issue_id = $2 order by key = any($4) desc, key limit $3",
        issue.project().0,
        issue.0,
        TAG_KEYS,
        &OWN_KEYS.map(str::to_owned) as &[String]
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.key, TagValues::decode(&row.packed))).collect())
}
