//! # Counts that wait for the spike detector
//! **Promise.** Every event that is counted is handed over once, under the minute it happened in; what waits costs digest one statement a batch.
//! **How.** A batch adds a row per project and minute with its issues side by side; [`take`] deletes what it hands over, in the caller's
//! transaction. Charts have counters of their own, by receipt, which corrections move; a state that is made anew comes from those ([`history`]).
//! **When it breaks.** Rows wait for as long as nobody takes them. **Not here.** What the counts mean (`alerts`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::accounts::IssueId;
use crate::platform::clock::minute_of;

/// Rows that are taken at once, and what they hold: memory, and the length of a transaction.
const ROWS: i64 = 4_000;
const ENTRIES: i64 = 50_000;

/// Events per issue, by the minute they happened in.
#[derive(Debug, Default)]
pub struct Fresh {
    /// Project and minute: the earliest minute of receipt, and the issues.
    rows: BTreeMap<(i32, i32), (i32, BTreeMap<i64, i64>)>,
}

impl Fresh {
    /// Counts one event. A clock that is ahead is wrong: nothing happens after it was received.
    pub fn add(&mut self, issue: IssueId, happened: DateTime<Utc>, received: DateTime<Utc>) {
        let received = minute_of(received);
        let minute = minute_of(happened).clamp(0, received.max(0));
        let row = self.rows.entry((issue.project().0, minute)).or_insert((received, BTreeMap::new()));
        row.0 = row.0.min(received);
        *row.1.entry(issue.0).or_default() += 1;
    }

    /// Hands the counts over.
    pub async fn write(&self, db: &mut PgConnection) -> sqlx::Result<()> {
        let entries = || self.rows.iter().flat_map(|(key, (received, counts))| counts.iter().map(move |count| (key, *received, count)));
        sqlx::query!(
            "insert into fresh_counts (project_id, minute, received, issues, events)
            select project_id, minute, min(received), array_agg(issue), array_agg(events)
            from unnest($1::int[], $2::int[], $3::int[], $4::bigint[], $5::bigint[]) as c (project_id, minute, received, issue, events)
            group by project_id, minute",
            &entries().map(|(key, ..)| key.0).collect::<Vec<_>>(),
            &entries().map(|(key, ..)| key.1).collect::<Vec<_>>(),
            &entries().map(|(_, received, _)| received).collect::<Vec<_>>(),
            &entries().map(|(.., count)| *count.0).collect::<Vec<_>>(),
            &entries().map(|(.., count)| *count.1).collect::<Vec<_>>()
        )
        .execute(db)
        .await
        .map(|_| ())
    }
}

/// Events per minute, the minutes in order.
pub type Minutes = BTreeMap<i32, u32>;

/// What was handed over.
#[derive(Debug, Default)]
pub struct Taken {
    /// Per issue. None of them is merged.
    pub issues: BTreeMap<IssueId, Minutes>,
    /// Minutes in which events were received.
    pub received: Vec<i32>,
    /// Nothing of these minutes is left.
    pub is_all: bool,
}

/// Takes what waits of the minutes up to `until`, the earliest first.
pub async fn take(db: &mut PgConnection, until: i32) -> sqlx::Result<Taken> {
    let rows = sqlx::query!(
        r#"with oldest as materialized (
            select project_id, minute, fresh_id, cardinality(issues) as entries from fresh_counts
            where minute <= $1 order by minute, fresh_id limit $2
        ), chosen as materialized (
            select project_id, minute, fresh_id from (
                select *, sum(entries) over (order by minute, fresh_id rows between unbounded preceding and 1 preceding) as before from oldest
            ) o where before is null or before < $3
        )
        delete from fresh_counts f using chosen s
        where f.project_id = s.project_id and f.minute = s.minute and f.fresh_id = s.fresh_id
        returning f.minute, f.received, f.issues, f.events"#,
        until,
        ROWS,
        ENTRIES
    );
    let mut taken = Taken::default();
    for row in rows.fetch_all(&mut *db).await? {
        taken.received.push(row.received);
        for (issue, events) in row.issues.into_iter().zip(row.events) {
            let count: &mut u32 = taken.issues.entry(IssueId(issue)).or_default().entry(row.minute).or_default();
            *count = count.saturating_add(u32::try_from(events).unwrap_or(u32::MAX));
        }
    }
    taken.received.sort_unstable();
    taken.received.dedup();
    let left = sqlx::query_scalar!(r#"select exists (select from fresh_counts where minute <= $1) as "left!""#, until);
    taken.is_all = !left.fetch_one(db).await?;
    Ok(taken)
}

/// What is counted of issues by the minute of receipt, in the minutes from `first` to `last`.
pub async fn history(db: &mut PgConnection, issues: &[IssueId], (first, last): (i32, i32)) -> sqlx::Result<BTreeMap<IssueId, Minutes>> {
    let rows = sqlx::query!(
        r#"select m.issue_id as "issue!: IssueId", m.minute as "minute!", m.events as "events!"
        from unnest($1::int[], $2::bigint[]) as wanted (project_id, issue_id)
        join issue_minutes m on m.project_id = wanted.project_id and m.issue_id = wanted.issue_id and m.minute between $3 and $4"#,
        &issues.iter().map(|issue| issue.project().0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>(),
        first,
        last
    );
    let mut found = BTreeMap::<IssueId, Minutes>::new();
    for row in rows.fetch_all(db).await? {
        found.entry(row.issue).or_default().insert(row.minute, u32::try_from(row.events.max(0)).unwrap_or(u32::MAX));
    }
    Ok(found)
}
