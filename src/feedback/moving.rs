//! Feedback follows its event into another issue.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::accounts::IssueId;

/// Feedback about these events now belongs to these issues.
pub async fn follow(db: &mut PgConnection, moved: &[(Uuid, IssueId)]) -> sqlx::Result<()> {
    let project = moved.first().map_or(0, |(_, issue)| issue.project().0);
    sqlx::query!(
        "update feedback f set issue_id = m.issue_id from unnest($2::uuid[], $3::bigint[]) as m (event_id, issue_id)
        where f.project_id = $1 and f.event_id = m.event_id and f.issue_id is not null and f.issue_id <> m.issue_id",
        project,
        &moved.iter().map(|(event, _)| *event).collect::<Vec<_>>(),
        &moved.iter().map(|(_, issue)| issue.0).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// All feedback of an issue now belongs to another.
pub async fn take_in(db: &mut PgConnection, from: IssueId, into: IssueId) -> sqlx::Result<()> {
    sqlx::query!("update feedback set issue_id = $3 where project_id = $1 and issue_id = $2", from.project().0, from.0, into.0)
        .execute(db)
        .await
        .map(|_| ())
}
