//! The hashes of an issue, with what came under each.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::issues::IssueId;

/// Hashes that are shown.
const SHOWN: i64 = 50;

/// A hash of an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::issues) struct HashRow {
    pub(in crate::issues) hash: Uuid,
    /// A person decided that it leads here.
    pub(in crate::issues) decided: bool,
    /// Within the retention period; events are counted under their primary hash.
    pub(in crate::issues) events: i64,
}

/// The hashes of an issue, those with most events first.
pub(in crate::issues) async fn of_issue(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Vec<HashRow>> {
    // joins: issue_hours
    let rows = sqlx::query_as!(
        HashRow,
        r#"select h.hash, h.decided, coalesce(c.events, 0)::bigint as "events!"
        from issue_hashes h
        left join (select hash, sum(events) as events from issue_hours where project_id = $1 and issue_id = $2 group by hash) c on c.hash = h.hash
        where h.project_id = $1 and h.issue_id = $2
        order by 3 desc, h.hash limit $3"#,
        issue.project().0,
        issue.0,
        SHOWN
    );
    rows.fetch_all(db).await
}
