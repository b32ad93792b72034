//! What the database holds at the end, against what was acknowledged.

use std::collections::HashSet;

use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::program::Program;
use crate::harness::events::event_id;

/// Checks that exactly these events are stored, each once, and that every counter agrees.
pub(super) async fn check(program: &Program, numbers: impl IntoIterator<Item = usize>) {
    let mut db = PgConnection::connect(&program.database_url()).await.unwrap();
    let stored: Vec<Uuid> = sqlx::query_scalar("select event_id from events").fetch_all(&mut db).await.unwrap();
    let distinct: HashSet<Uuid> = stored.iter().copied().collect();
    let expected: HashSet<Uuid> = numbers.into_iter().map(|number| event_id(number as u128)).collect();
    let lost = expected.difference(&distinct).count();
    let foreign = distinct.difference(&expected).count();
    assert_eq!((lost, foreign, stored.len() - distinct.len()), (0, 0, 0), "lost, unknown and repeated of {} events", expected.len());

    let sums: Vec<(String, i64)> = sqlx::query_as(
        "select 'issues', coalesce(sum(event_count), 0)::bigint from issues
        union all select 'issue_hours', coalesce(sum(events), 0)::bigint from issue_hours
        union all select 'issue_minutes', coalesce(sum(events), 0)::bigint from issue_minutes
        union all select 'project_hours', coalesce(sum(events), 0)::bigint from project_hours
        union all select 'project_minutes', coalesce(sum(events), 0)::bigint from project_minutes
        union all select 'outcomes: stored', coalesce(sum(quantity), 0)::bigint from outcomes
            where outcome = 'stored' and category not in (4, 22) -- attachments, in bytes and in pieces",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    for (counter, sum) in sums {
        assert_eq!(sum, stored.len() as i64, "{counter}");
    }
    let wrong: Vec<(i64, i64, i64)> = sqlx::query_as(
        "select issue_id, event_count, rows from (select i.issue_id, i.event_count,
            (select count(*) from events e where e.project_id = i.project_id and e.issue_id = i.issue_id) as rows from issues i) counts
        where event_count <> rows",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    assert_eq!(wrong, [], "issue, event_count, rows");
    db.close().await.unwrap();
}

/// Outcomes of what was neither stored nor sent twice: outcome, reason, quantity.
pub(super) async fn dropped(program: &Program) -> Vec<String> {
    let mut db = PgConnection::connect(&program.database_url()).await.unwrap();
    let sql = "select outcome || ' ' || reason || ' ' || sum(quantity) from outcomes
        where outcome not in ('stored', 'duplicate') group by outcome, reason order by 1";
    let dropped = sqlx::query_scalar(sql).fetch_all(&mut db).await.unwrap();
    db.close().await.unwrap();
    dropped
}
