//! What became of what was sent to a project, as pages count it. The table is digest's.
//!
//! Both queries go by the project's keys: the primary key then leads to the hours that are asked for, however old the project is.

use sqlx::PgConnection;

use crate::accounts::ProjectId;
use crate::protocol::Category;

/// Sums at most: the smallest are left out. Reasons are SDKs' own words, so there may be any number.
const MAX_SUMS: i64 = 20_000;
/// Filters that are counted; there are eleven.
const MAX_FILTERS: i64 = 100;

/// What a sum is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum By {
    /// Hours, or days.
    Time(i32),
    /// Keys.
    Key(i32),
    /// Reasons.
    Reason(String),
}

/// How much of a category ended in an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) by: By,
    pub(super) category: Category,
    pub(super) outcome: String,
    pub(super) quantity: i64,
}

/// Hours since 1970, both ends included, and how many of them make one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) first: i32,
    pub(super) last: i32,
    pub(super) in_part: i32,
}

/// The sums of a span by time, by key and by reason.
pub(super) async fn sums(db: &mut PgConnection, project: ProjectId, hours: Hours) -> sqlx::Result<Vec<Sum>> {
    let rows = sqlx::query!(
        r#"select part, key_id as "key_id?", reason as "reason?", category as "category!", outcome as "outcome!",
            least(sum(quantity), 1000000000000000000)::bigint as "quantity!"
        from (select o.hour / $4 as part, k.key_id, o.reason, o.category, o.outcome, o.quantity
            from project_keys k join outcomes o on o.project_id = k.project_id and o.key_id = k.key_id -- joins: outcomes
            where k.project_id = $1 and o.hour between $2 and $3) counted
        group by grouping sets ((part, category, outcome), (key_id, category, outcome), (reason, category, outcome))
        order by 6 desc limit $5"#,
        project.0,
        hours.first,
        hours.last,
        hours.in_part,
        MAX_SUMS
    );
    let rows = rows.fetch_all(db).await?;
    let sum = |by, category, outcome, quantity| Sum { by, category: Category::from_id(category), outcome, quantity };
    let rows = rows.into_iter().filter_map(|row| {
        let by = match (row.part, row.key_id, row.reason) {
            (Some(part), _, _) => By::Time(part),
            (_, Some(key), _) => By::Key(key),
            (_, _, Some(reason)) => By::Reason(reason),
            _ => return None,
        };
        Some(sum(by, row.category, row.outcome, row.quantity))
    });
    Ok(rows.collect())
}

/// What a filter has dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilterCount {
    /// Its stat key.
    pub(super) reason: String,
    /// Since the second hour that was asked for.
    pub(super) late: i64,
    /// Since the first.
    pub(super) all: i64,
}

/// What filters have dropped since two hours, the earlier first: events of any kind, without what came along with them.
pub(super) async fn filtered(db: &mut PgConnection, project: ProjectId, since: [i32; 2]) -> sqlx::Result<Vec<FilterCount>> {
    let events = [Category::Default, Category::Error, Category::Transaction, Category::Security].map(Category::id);
    sqlx::query_as!(
        FilterCount,
        r#"select o.reason, sum(o.quantity)::bigint as "all!", coalesce(sum(o.quantity) filter (where o.hour >= $3), 0)::bigint as "late!"
        from project_keys k join outcomes o on o.project_id = k.project_id and o.key_id = k.key_id -- joins: outcomes
        where k.project_id = $1 and o.hour >= $2 and o.outcome = 'filtered' and o.category = any($4)
        group by o.reason order by 2 desc limit $5"#,
        project.0,
        since[0],
        since[1],
        &events[..],
        MAX_FILTERS
    )
    .fetch_all(db)
    .await
}
