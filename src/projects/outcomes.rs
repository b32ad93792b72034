//! What became of what was sent to a project, as pages count it. The table is digest's.
//!
//! Both queries go by the project's keys: the primary key then leads to the hours that are asked for, however old the project is.

use sqlx::PgConnection;

use crate::accounts::ProjectId;
use crate::protocol::Category;
use crate::protocol::quota::Class;

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

/// What came of a class in the last day, whether it was taken or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) class: Class,
    pub(super) day: i64,
    pub(super) busiest_hour: i64,
}

/// What came in the 24 hours that end with `hour`, for all keys or one: without what is not kept, and what was never sent.
pub(super) async fn came(db: &mut PgConnection, project: ProjectId, (key, hour): (Option<i32>, i32)) -> sqlx::Result<Vec<Came>> {
    let rows = sqlx::query!(
        r#"select o.category, o.hour, sum(o.quantity)::bigint as "quantity!"
        from project_keys k join outcomes o on o.project_id = k.project_id and o.key_id = k.key_id -- joins: outcomes
        where k.project_id = $1 and k.key_id = coalesce($2, k.key_id) and o.hour between $3 and $4
            and o.outcome not in ('unsupported', 'discarded')
        group by 1, 2 limit $5"#,
        project.0,
        key,
        hour - 23,
        hour,
        MAX_SUMS
    );
    let rows = rows.fetch_all(db).await?;
    let of = |class: Class| {
        let mut hours = std::collections::BTreeMap::new();
        for row in rows.iter().filter(|row| counts_as(Category::from_id(row.category), class)) {
            *hours.entry(row.hour).or_insert(0) += row.quantity;
        }
        Came { class, day: hours.values().sum(), busiest_hour: hours.values().copied().max().unwrap_or(0) }
    };
    Ok(Class::ALL.map(of).into())
}

/// Whether an outcome's category is a class's items, rather than their bytes or a second count of them.
fn counts_as(category: Category, class: Class) -> bool {
    use Category as C;
    let mine = match category {
        C::Default | C::Error | C::Security => Class::Events,
        C::AttachmentItem => Class::Attachments,
        C::Feedback => Class::Feedback,
        C::Transaction | C::Span => Class::Transactions,
        C::Session | C::Replay | C::LogItem | C::TraceMetric | C::Profile => Class::All,
        _ => return false,
    };
    mine == class || class == Class::All
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
