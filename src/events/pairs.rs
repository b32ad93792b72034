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

/// What an event says.
pub fn of(summary: &Summary) -> Vec<i64> {
    let tags = summary.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let person = summary.person.iter().map(|(key, value)| (*key, value.as_str()));
    tags.chain(person).map(|(key, value)| hash(key, value)).collect()
}

/// Adds what an event of that day says.
pub fn add(seen: &mut SeenPairs, (issue, day): (IssueId, NaiveDate), pairs: &[i64]) {
    seen.extend(pairs.iter().map(|pair| (issue.project(), *pair, issue, day)));
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

/// Issues of these projects that had a value, merged ones under the number they had; at most `limit`.
pub async fn find(db: &mut PgConnection, projects: &[i32], pair: i64, limit: i64) -> sqlx::Result<Vec<IssueId>> {
    let found = sqlx::query_scalar!(
        r#"select distinct issue_id as "issue!: IssueId" from event_pairs where project_id = any($1) and pair = $2 limit $3"#,
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
        add(&mut seen, (issue, day), &of(&Summary::of(&event)));
        for (key, value) in [("user.id", "7"), ("user.email", "ana@example.org"), ("user", "id:7"), ("plan", "free"), ("level", "error")] {
            assert!(seen.contains(&(ProjectId(1), hash(key, value), issue, day)), "{key}");
        }
        assert!(!seen.contains(&(ProjectId(1), hash("user.username", ""), issue, day)));
        assert_ne!(hash("a", "bc"), hash("ab", "c"));
    }
}
