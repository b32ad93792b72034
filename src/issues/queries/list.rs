//! The issue list: one page of issues in one of four orders, what stands on its tabs, and the bars of its rows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, QueryBuilder};

use super::filter::Filter;
use crate::issues::IssueId;
use crate::issues::search::{Cursor, Search, Sort};
use crate::issues::view::list::TabCount;

/// Rows of one page.
pub(in crate::issues) const PAGE: usize = 25;
/// A tab counts no further: at this size the exact number helps nobody, and counting it would cost more than the page.
const COUNTED: i64 = 10_000;
/// Issues of a tab that are looked at when only some of them count: reading texts costs ten times as much as counting an index.
const LOOKED_AT: i64 = 3_000;
/// Environments offered in the menu.
const ENVIRONMENTS: i64 = 100;

/// An issue in a list.
#[derive(Debug, Clone, FromRow)]
pub(in crate::issues) struct Row {
    pub(in crate::issues) issue_id: IssueId,
    pub(in crate::issues) level: String,
    pub(in crate::issues) title: String,
    pub(in crate::issues) culprit: String,
    pub(in crate::issues) last_release: String,
    pub(in crate::issues) first_seen: DateTime<Utc>,
    pub(in crate::issues) last_seen: DateTime<Utc>,
    pub(in crate::issues) event_count: i64,
    pub(in crate::issues) user_count: i64,
    pub(in crate::issues) regressed_at: Option<DateTime<Utc>>,
    pub(in crate::issues) regressed_in: String,
}

/// One page, and the cursor of the next if there is one.
#[derive(Debug, Default)]
pub(in crate::issues) struct Page {
    pub(in crate::issues) rows: Vec<Row>,
    pub(in crate::issues) next: Option<Cursor>,
}

/// The issues that `search` asks for. The statement is put together, so that each order is served by its own index: per project no more than a page
/// is read from there, then merged.
pub(in crate::issues) async fn page(db: &mut PgConnection, search: &Search, filter: &Filter) -> sqlx::Result<Page> {
    let column = match search.sort {
        Sort::LastSeen => "last_seen",
        Sort::FirstSeen => "first_seen",
        Sort::Events => "event_count",
        Sort::Users => "user_count",
    };
    let mut sql = QueryBuilder::new(
        "select i.issue_id, i.level, i.title, i.culprit, i.last_release, i.first_seen, i.last_seen, i.event_count, i.user_count, i.regressed_at, i.regressed_in
        from unnest(",
    );
    sql.push_bind(search.projects.clone())
        .push("::int[]) as p (project_id) cross join lateral (select * from issues i where i.project_id = p.project_id and i.status = ");
    sql.push_bind(search.status.name());
    if let Some(cursor) = search.after {
        sql.push(format!(" and (i.{column}, i.issue_id) < ("));
        match search.sort {
            Sort::LastSeen | Sort::FirstSeen => sql.push_bind(DateTime::from_timestamp_micros(cursor.value)),
            Sort::Events | Sort::Users => sql.push_bind(cursor.value),
        };
        sql.push(", ").push_bind(cursor.issue.0).push(")");
    }
    sql.push(" and ");
    filter.push(&mut sql);
    let order = format!(" order by i.{column} desc, i.issue_id desc limit {}", PAGE + 1);
    sql.push(format!("{order}) i{order}"));
    let mut rows: Vec<Row> = sql.build_query_as().fetch_all(db).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next =
        rows.last().filter(|_| more).map(|row| Cursor { sort: search.sort, value: sorted_by(row, search.sort), issue: row.issue_id });
    Ok(Page { rows, next })
}

const fn sorted_by(row: &Row, sort: Sort) -> i64 {
    match sort {
        Sort::LastSeen => row.last_seen.timestamp_micros(),
        Sort::FirstSeen => row.first_seen.timestamp_micros(),
        Sort::Events => row.event_count,
        Sort::Users => row.user_count,
    }
}

/// How many issues each tab holds, in the order of [`crate::issues::model::Status::ALL`]. At most [`COUNTED`] issues of a tab are
/// counted, or [`LOOKED_AT`] when there are filters that name no issues; what does not fit is told as "at least".
pub(in crate::issues) async fn tab_counts(db: &mut PgConnection, search: &Search, filter: &Filter) -> sqlx::Result<[TabCount; 3]> {
    if filter.is_everything() { all_counts(db, search).await } else { matching_counts(db, search, filter).await }
}

/// From the index alone.
async fn all_counts(db: &mut PgConnection, search: &Search) -> sqlx::Result<[TabCount; 3]> {
    let rows = sqlx::query_scalar!(
        r#"select i.counted as "counted!"
        from unnest(array['open', 'resolved', 'ignored']) with ordinality as s (status, place)
        cross join lateral (
            select count(*) as counted from (select from issues i where i.project_id = any($1) and i.status = s.status limit $2) i
        ) i
        order by s.place"#,
        &search.projects,
        COUNTED + 1
    );
    let rows = rows.fetch_all(db).await?;
    let tab = |place: usize| {
        let counted = rows.get(place).copied().unwrap_or_default();
        TabCount { counted: counted.min(COUNTED), stopped: counted > COUNTED }
    };
    Ok([tab(0), tab(1), tab(2)])
}

async fn matching_counts(db: &mut PgConnection, search: &Search, filter: &Filter) -> sqlx::Result<[TabCount; 3]> {
    let mut sql = QueryBuilder::new(
        "select i.looked_at, i.counted from unnest(array['open', 'resolved', 'ignored']) with ordinality as s (status, place) cross join lateral (select count(*) as looked_at, count(*) filter (where ",
    );
    filter.push(&mut sql);
    sql.push(") as counted from (select * from issues i where i.status = s.status and i.project_id = any(");
    sql.push_bind(search.projects.clone()).push(")");
    let few = filter.few();
    if let Some(ids) = &few {
        sql.push(" and i.issue_id = any(").push_bind(ids.clone()).push(")");
    } else {
        sql.push(format!(" limit {LOOKED_AT}"));
    }
    sql.push(") i) i order by s.place");
    let rows: Vec<(i64, i64)> = sql.build_query_as().fetch_all(db).await?;
    let tab = |place: usize| {
        let count = |&(looked_at, counted): &(i64, i64)| TabCount { counted, stopped: few.is_none() && looked_at >= LOOKED_AT };
        rows.get(place).map_or_else(TabCount::default, count)
    };
    Ok([tab(0), tab(1), tab(2)])
}

/// Names of the environments in which issues of these projects were seen, by name: hops through the index, one step per name.
pub(in crate::issues) async fn environments(db: &mut PgConnection, projects: &[i32]) -> sqlx::Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        r#"select distinct e.environment as "environment!"
        from unnest($1::int[]) as p (project_id)
        cross join lateral (
            with recursive hop as (
                select (select min(e.environment) from issue_environments e where e.project_id = p.project_id) as environment
                union all
                select (select min(e.environment) from issue_environments e
                    where e.project_id = p.project_id and e.environment > hop.environment)
                from hop where hop.environment is not null
            )
            select environment from hop where environment <> '' limit $2
        ) e
        order by 1
        limit $2"#,
        projects,
        ENVIRONMENTS
    );
    names.fetch_all(db).await
}

/// Whether these projects have any issue.
pub(in crate::issues) async fn any_issue(db: &mut PgConnection, projects: &[i32]) -> sqlx::Result<bool> {
    let any = sqlx::query_scalar!(r#"select exists (select from issues where project_id = any($1)) as "any!""#, projects);
    any.fetch_one(db).await
}

/// Events per issue and hour of the hours after `after`, oldest first; hours without events are left out.
pub(in crate::issues) async fn hours(
    db: &mut PgConnection,
    issues: &[IssueId],
    after: i32,
) -> sqlx::Result<HashMap<IssueId, Vec<(i32, i64)>>> {
    let rows = sqlx::query!(
        r#"select h.issue_id as "issue_id!: IssueId", h.hour as "hour!", sum(h.events)::bigint as "events!"
        from unnest($1::int[], $2::bigint[]) as wanted (project_id, issue_id)
        join issue_hours h on h.project_id = wanted.project_id and h.issue_id = wanted.issue_id and h.hour > $3
        group by h.issue_id, h.hour
        order by h.issue_id, h.hour"#,
        &issues.iter().map(|issue| issue.project().0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>(),
        after
    );
    let mut hours = HashMap::<IssueId, Vec<(i32, i64)>>::new();
    for row in rows.fetch_all(db).await? {
        hours.entry(row.issue_id).or_default().push((row.hour, row.events));
    }
    Ok(hours)
}
