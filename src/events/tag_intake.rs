//! What digest writes of tags, in its transaction: statistics per issue and key, and which environments of an issue have a place in lists.
//!
//! Both are bounded per issue, since keys and environments come from clients: an issue keeps [`MAX_KEYS`] keys beside the product's own
//! ([`OWN_KEYS`], which always get in), first come, first kept; the rest is in the payloads only. Events and users are counted whatever keys they have.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::tag_stats::{MAX_VALUES, OWN_KEYS, TagValues};
use crate::accounts::IssueId;

/// Keys kept per issue beside the product's own. One event has 60 at most; applications know a few dozen.
pub const MAX_KEYS: usize = 200;

/// Characters that `issue_environments` holds; normalising refuses longer ones.
const MAX_ENVIRONMENT: usize = 64;

/// Tag values seen per issue and key.
pub type SeenTags<'a> = BTreeMap<(IssueId, &'a str), BTreeMap<&'a str, u64>>;

/// An issue and an environment it was seen in.
pub type Seen = (IssueId, String);

/// Adds tag values to the statistics. The caller holds the issues' locks. Returns the environments that have a place in lists: the first
/// [`MAX_VALUES`] of each issue, which is as many as its statistics keep.
pub async fn see_tags(db: &mut PgConnection, mut seen: SeenTags<'_>) -> sqlx::Result<Vec<Seen>> {
    let rows = known(db, &seen).await?;
    let known: BTreeMap<_, _> = rows.iter().map(|(issue, key, packed)| ((*issue, key.as_str()), packed.as_slice())).collect();
    let is_known = |key: &(IssueId, &str)| known.contains_key(key);
    let crowded: BTreeSet<IssueId> = seen.keys().filter(|key| !OWN_KEYS.contains(&key.1) && !is_known(key)).map(|key| key.0).collect();
    if !crowded.is_empty() {
        let kept = kept_keys(db, &crowded).await?;
        for key in without_place(&seen, &crowded, &kept, is_known) {
            seen.remove(&key);
        }
    }
    let mut environments = Vec::new();
    let merge = |(key, values): (&(IssueId, &str), &BTreeMap<&str, u64>)| {
        let mut tags = known.get(key).map(|packed| TagValues::decode(packed)).unwrap_or_default();
        let is_full = tags.folded > 0;
        for (value, by) in by_count(values) {
            tags.add(value, by);
        }
        if key.1 == "environment" && !is_full {
            environments.extend(tags.values.iter().take(MAX_VALUES).map(|(value, _)| (key.0, value.clone())));
        }
        tags.settle();
        tags.encode()
    };
    let packed: Vec<_> = seen.iter().map(merge).collect();
    write(db, &seen.keys().copied().collect::<Vec<_>>(), &packed).await?;
    environments.retain(|(issue, value)| seen.get(&(*issue, "environment")).is_some_and(|values| values.contains_key(value.as_str())));
    Ok(environments.into_iter().map(|(issue, value)| (issue, value.chars().take(MAX_ENVIRONMENT).collect())).collect())
}

/// The most frequent first, so that of many new ones in one batch those get the places.
fn by_count<'a>(values: &BTreeMap<&'a str, u64>) -> Vec<(&'a str, u64)> {
    let mut values: Vec<_> = values.iter().map(|(value, by)| (*value, *by)).collect();
    values.sort_by_key(|(_, by)| std::cmp::Reverse(*by));
    values
}

/// Keys that are new to issues which have no place left for them: the rarest of the batch, then by name.
fn without_place<'a>(
    seen: &SeenTags<'a>,
    crowded: &BTreeSet<IssueId>,
    kept: &BTreeMap<IssueId, usize>,
    is_known: impl Fn(&(IssueId, &str)) -> bool,
) -> Vec<(IssueId, &'a str)> {
    let mut refused = Vec::new();
    for issue in crowded {
        let new = seen.range((*issue, "")..).take_while(|(key, _)| key.0 == *issue);
        let new = new.filter(|(key, _)| !OWN_KEYS.contains(&key.1) && !is_known(key));
        let counts: BTreeMap<&str, u64> = new.map(|(key, values)| (key.1, values.values().sum())).collect();
        let places = MAX_KEYS.saturating_sub(kept.get(issue).copied().unwrap_or_default());
        refused.extend(by_count(&counts).into_iter().skip(places).map(|(key, _)| (*issue, key)));
    }
    refused
}

/// The statistics of these keys as they are.
pub(super) async fn known(db: &mut PgConnection, seen: &SeenTags<'_>) -> sqlx::Result<Vec<(IssueId, String, Vec<u8>)>> {
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select t.issue_id as "issue_id!", t.key as "key!", t.packed as "packed!"
        from unnest($1::int[], $2::bigint[], $3::text[]) as wanted (project_id, issue_id, key)
        join issue_tags t on t.project_id = wanted.project_id and t.issue_id = wanted.issue_id and t.key = wanted.key"#,
        &seen.keys().map(|k| k.0.project().0).collect::<Vec<_>>(),
        &seen.keys().map(|k| k.0.0).collect::<Vec<_>>(),
        &seen.keys().map(|k| k.1.to_owned()).collect::<Vec<_>>()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (IssueId(row.issue_id), row.key, row.packed)).collect())
}

/// How many keys these issues have beside the product's own. Asked only when a batch brings new ones.
async fn kept_keys(db: &mut PgConnection, issues: &BTreeSet<IssueId>) -> sqlx::Result<BTreeMap<IssueId, usize>> {
    let rows = sqlx::query!(
        r#"select t.issue_id as "issue_id!", count(*) as "kept!"
        from unnest($1::int[], $2::bigint[]) as wanted (project_id, issue_id)
        join issue_tags t on t.project_id = wanted.project_id and t.issue_id = wanted.issue_id
        where t.key <> all($3)
        group by t.issue_id"#,
        &issues.iter().map(|issue| issue.project().0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>(),
        &OWN_KEYS.map(str::to_owned) as &[String]
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (IssueId(row.issue_id), usize::try_from(row.kept).unwrap_or_default())).collect())
}

/// Writes packed statistics over what is there.
pub(super) async fn write(db: &mut PgConnection, keys: &[(IssueId, &str)], packed: &[Vec<u8>]) -> sqlx::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into issue_tags (project_id, issue_id, key, packed)
        select * from unnest($1::int[], $2::bigint[], $3::text[], $4::bytea[])
        on conflict (project_id, issue_id, key) do update set packed = excluded.packed",
        &keys.iter().map(|k| k.0.project().0).collect::<Vec<_>>(),
        &keys.iter().map(|k| k.0.0).collect::<Vec<_>>(),
        &keys.iter().map(|k| k.1.to_owned()).collect::<Vec<_>>(),
        packed
    )
    .execute(db)
    .await
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::ProjectId;

    #[test]
    fn the_rarest_new_keys_get_no_place_and_the_products_own_always_do() {
        let issue = |number| IssueId::new(ProjectId(1), number);
        let junk: Vec<String> = (0..300).map(|n| format!("a{n:03}")).collect();
        let mut seen = SeenTags::new();
        for key in junk.iter().map(String::as_str).chain(["user", "release", "zone"]) {
            let count = if key == "zone" { 5 } else { 1 };
            seen.entry((issue(7), key)).or_default().insert("x", count);
        }
        seen.entry((issue(8), "plan")).or_default().insert("x", 1);
        let crowded = BTreeSet::from([issue(7), issue(8)]);
        let refused = without_place(&seen, &crowded, &BTreeMap::from([(issue(7), 190)]), |key| key.1 == "a299");
        assert_eq!(refused.len(), 300 - 10, "300 junk keys but one are new, and zone; ten places are left");
        assert_eq!(refused[0], (issue(7), "a009"), "zone came five times and has the first place");
        let refused = without_place(&seen, &crowded, &BTreeMap::from([(issue(7), 900)]), |_| false);
        assert_eq!(refused.len(), 301);
        assert!(refused.iter().all(|(at, key)| *at == issue(7) && !OWN_KEYS.contains(key)));
    }
}
