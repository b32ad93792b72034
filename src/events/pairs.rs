//! # Which issues had an event with a tag of some value
//! **Promise.** Every value of every counted tag, and the fields of the user, however rare: one user's e-mail leads to that user's issues. **How.** A row per
//! issue, value and day ([`see`]), not per event, of a hash of key and value; days go with their events. What moves to another issue is seen there; what
//! it leaves may still be found by it, until the day goes. **When it breaks.** Two values with one hash of 64 bits lead to each other's issues.
//! **Not here.** How often ([`super::tag_stats`]); the search language (`issues::search`).

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::summary::Summary;
use super::tag_stats::MAX_VALUE;
use crate::accounts::{IssueId, ProjectId};

/// What was seen: in the order of the table's key, so that processes wait for each other in one order.
pub type SeenPairs = BTreeSet<(ProjectId, i64, IssueId, NaiveDate)>;

/// Of key and value, as [`see`] keeps it; values are cut as they are counted.
pub fn hash(key: &str, value: &str) -> i64 {
    let value = &value[..value.floor_char_boundary(MAX_VALUE)];
    let digest = Sha256::new().chain_update(key).chain_update(b"\0").chain_update(value).finalize();
    i64::from_be_bytes(std::array::from_fn(|index| digest[index]))
}

/// Adds what an event says.
pub fn add(seen: &mut SeenPairs, (issue, day): (IssueId, NaiveDate), summary: &Summary) {
    let tags = summary.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let person = summary.person.iter().map(|(key, value)| (*key, value.as_str()));
    seen.extend(tags.chain(person).map(|(key, value)| (issue.project(), hash(key, value), issue, day)));
}

/// Writes it. The partitions of the days are there.
pub async fn see(db: &mut PgConnection, seen: &SeenPairs) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into event_pairs (project_id, pair, issue_id, day)
        select * from unnest($1::int[], $2::bigint[], $3::bigint[], $4::date[]) on conflict do nothing",
        &seen.iter().map(|seen| seen.0.0).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.1).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.2.0).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.3).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Issues of these projects that had a value, and those that they were merged into; at most about `limit`.
pub async fn find(db: &mut PgConnection, projects: &[i32], pair: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    // joins: event_pairs, issues
    let found = sqlx::query_scalar!(
        r#"with recursive hit as (
            select distinct issue_id from event_pairs where project_id = any($1) and pair = $2 limit $3
        ), way as (
            select issue_id, 1 as steps from hit
            union
            select i.merged_into, steps + 1 from way
            join issues i on i.project_id = (way.issue_id >> 32)::int and i.issue_id = way.issue_id and i.merged_into is not null where steps < 50
        ) select distinct issue_id as "issue!" from way"#,
        projects,
        pair,
        limit
    );
    found.fetch_all(db).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_user_is_found_by_each_field() {
        let event = json!({"user": {"id": "7", "email": "ana@example.org", "username": ""}, "tags": [["plan", "free"]]});
        let mut seen = SeenPairs::new();
        let (issue, day) = (IssueId::new(ProjectId(1), 2), NaiveDate::from_ymd_opt(2026, 11, 24).unwrap());
        add(&mut seen, (issue, day), &Summary::of(&event));
        for (key, value) in [("user.id", "7"), ("user.email", "ana@example.org"), ("user", "id:7"), ("plan", "free"), ("level", "error")] {
            assert!(seen.contains(&(ProjectId(1), hash(key, value), issue, day)), "{key}");
        }
        assert!(!seen.contains(&(ProjectId(1), hash("user.username", ""), issue, day)));
        assert_ne!(hash("a", "bc"), hash("ab", "c"));
    }
}
