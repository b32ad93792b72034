//! The next issue number and the next user number of a project, taken under the lock of its row.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::accounts::ProjectId;

#[derive(Debug, Clone, Copy)]
struct Next {
    issue: i32,
    user: i64,
}

/// The numbers of some projects, whose rows the transaction has locked.
#[derive(Debug, Default)]
pub struct Numbers(BTreeMap<ProjectId, Next>);

impl Numbers {
    /// The number of the next issue; nothing when the project is gone.
    pub fn next_issue(&mut self, project: ProjectId) -> Option<i32> {
        let next = self.0.get_mut(&project)?;
        next.issue += 1;
        Some(next.issue - 1)
    }

    /// The number of the next user; nothing when the project is gone.
    pub fn next_user(&mut self, project: ProjectId) -> Option<i64> {
        let next = self.0.get_mut(&project)?;
        next.user += 1;
        Some(next.user - 1)
    }
}

/// Locks the rows of projects, in the order of their numbers, until the transaction ends.
pub async fn lock_numbers(db: &mut PgConnection, projects: &[i32]) -> sqlx::Result<Numbers> {
    let rows = sqlx::query!(
        "select project_id, next_issue_number, next_user_number from projects where project_id = any($1) order by project_id for no key update",
        projects
    );
    let rows = rows.fetch_all(db).await?;
    let next = rows.into_iter().map(|row| (ProjectId(row.project_id), Next { issue: row.next_issue_number, user: row.next_user_number }));
    Ok(Numbers(next.collect()))
}

/// Writes back what was taken; the first event's time too, since it always makes an issue.
pub async fn store_numbers(db: &mut PgConnection, numbers: &Numbers, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update projects p set next_issue_number = n.issue, next_user_number = n.users, first_event_at = coalesce(p.first_event_at, $4)
        from unnest($1::int[], $2::int[], $3::bigint[]) as n (project_id, issue, users)
        where p.project_id = n.project_id",
        &numbers.0.keys().map(|project| project.0).collect::<Vec<_>>(),
        &numbers.0.values().map(|next| next.issue).collect::<Vec<_>>(),
        &numbers.0.values().map(|next| next.user).collect::<Vec<_>>(),
        now
    )
    .execute(db)
    .await
    .map(|_| ())
}
