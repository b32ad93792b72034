//! Changing states. The transaction is the caller's.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::accounts::UserId;
use crate::issues::IssueId;
use crate::issues::model::{Status, Triage};
use crate::issues::moving;
use crate::issues::snoozes::{self, Until};

/// Who does what, and when.
#[derive(Debug, Clone, Copy)]
pub(in crate::issues) struct Act {
    pub(in crate::issues) triage: Triage,
    /// For those who ignore: until when.
    pub(in crate::issues) until: Until,
    pub(in crate::issues) by: UserId,
    pub(in crate::issues) now: DateTime<Utc>,
}

/// Writes changes and adds them to the histories. The caller holds the issues' locks.
///
/// A change counts from the latest event at the earliest: with two processes, one clock may be behind the other, and events that were on the page
/// when somebody resolved it must not bring it back.
pub(in crate::issues) async fn apply(db: &mut PgConnection, act: Act, changes: &[(IssueId, Status)]) -> sqlx::Result<()> {
    let projects: Vec<_> = changes.iter().map(|(issue, _)| issue.project().0).collect();
    let issues: Vec<_> = changes.iter().map(|(issue, _)| issue.0).collect();
    sqlx::query!(
        "update issues i
        set status = c.status, status_changed_at = greatest($4, i.last_seen), status_changed_by = $5, regressed_at = null, regressed_in = ''
        from unnest($1::int[], $2::bigint[], $3::text[]) as c (project_id, issue_id, status)
        where i.project_id = c.project_id and i.issue_id = c.issue_id",
        &projects,
        &issues,
        &changes.iter().map(|(_, status)| status.to_string()).collect::<Vec<_>>(),
        act.now,
        act.by.0
    )
    .execute(&mut *db)
    .await?;
    let changed: Vec<_> = changes.iter().map(|(issue, _)| *issue).collect();
    snoozes::set(db, &changed, act.until).await?;
    moving::tell(db, &changed, (act.triage.done(), &act.until.words()), Some(act.by), act.now).await
}
