//! New issues, counted by the place they come from. Nothing is asked of the database where a batch makes none.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::prepare::PreparedEvent;
use crate::accounts::IssueId;
use crate::projects::noise;

/// The new issues, of those in `by_issue`, that get no mail of their own: their place is told as a whole.
pub(super) async fn count(
    db: &mut PgConnection,
    by_issue: &BTreeMap<IssueId, Vec<&PreparedEvent>>,
    new: &BTreeMap<IssueId, Uuid>,
    now: DateTime<Utc>,
) -> anyhow::Result<HashSet<IssueId>> {
    let placed = |issue: &IssueId| Some((*issue, by_issue.get(issue)?.iter().find_map(|event| event.place.as_ref())?));
    let placed: Vec<_> = new.keys().filter_map(placed).collect();
    noise::count(db, &placed, now).await
}
