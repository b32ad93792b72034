//! # Ignoring for a while
//! **Promise.** An issue that is ignored until a time, until so many more events or users, is open again once that is so, its history says why, and the
//! alerts are told, once. **How.** A row of `issue_snoozes` beside an ignored issue. Digest takes what came from what is left ([`count`]), for ignored issues
//! only; [`Wake`] looks for times that are over. Whoever ends a snooze deletes its row under the issue's lock. **When it breaks.** A row without an
//! ignored issue (it was merged, or an older process reopened it) does nothing; the next change of the issue's state removes it.
//! **Not here.** Who is told (`alerts`), what a form says ([`super::pages`]).

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::IssueId;
use super::facts::{ISSUE_UNIGNORED, Unignored};
use super::intake::{Happened, add_activity, lock};
use super::model::Status;
use crate::platform::App;
use crate::platform::outbox;
use crate::platform::periodic::{Periodic, Step};
use crate::web::number;

/// Issues that one step wakes.
const BATCH: i64 = 500;

/// Until when an issue is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Until {
    /// For good.
    #[default]
    Ever,
    /// Until then.
    Time(DateTime<Utc>),
    /// Until so many more events came.
    Events(i64),
    /// Until so many more users are affected.
    Users(i64),
}

impl Until {
    /// "until 3 Dec 2026, 09:00 UTC", "until 73 more events"; empty: for good.
    pub fn words(self) -> String {
        match self {
            Self::Ever => String::new(),
            Self::Time(at) => format!("until {}", at.format("%-d %b %Y, %H:%M UTC")),
            Self::Events(1) => "until 1 more event comes".to_owned(),
            Self::Events(left) => format!("until {} more events come", number::count(left)),
            Self::Users(left) => format!("until {} affected", more_users(left)),
        }
    }
}

fn more_users(count: i64) -> String {
    if count == 1 { "1 more user is".to_owned() } else { format!("{} more users are", number::count(count)) }
}

/// Writes until when these issues are ignored, whatever it was before. The caller holds their locks.
pub(super) async fn set(db: &mut PgConnection, issues: &[IssueId], until: Until) -> sqlx::Result<()> {
    let (projects, ids) = keys(issues);
    sqlx::query!(
        "delete from issue_snoozes s using unnest($1::int[], $2::bigint[]) as i (project_id, issue_id)
        where s.project_id = i.project_id and s.issue_id = i.issue_id",
        &projects,
        &ids
    )
    .execute(&mut *db)
    .await?;
    let (time, events, users) = match until {
        Until::Ever => return Ok(()),
        Until::Time(at) => (Some(at), None, None),
        Until::Events(left) => (None, Some(left), None),
        Until::Users(left) => (None, None, Some(left)),
    };
    sqlx::query!(
        "insert into issue_snoozes (project_id, issue_id, until, events_left, users_left, asked)
        select project_id, issue_id, $3::timestamptz, $4::bigint, $5::bigint, coalesce($4, $5, 0) from unnest($1::int[], $2::bigint[]) as i (project_id, issue_id)",
        &projects,
        &ids,
        time,
        events,
        users
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// The same for an issue that was made in the likeness of another.
pub(super) async fn copy(db: &mut PgConnection, from: IssueId, to: IssueId) -> sqlx::Result<()> {
    let copy = sqlx::query!(
        "insert into issue_snoozes (project_id, issue_id, until, events_left, users_left, asked)
        select project_id, $3, until, events_left, users_left, asked from issue_snoozes where project_id = $1 and issue_id = $2
        on conflict do nothing",
        from.project().0,
        from.0,
        to.0
    );
    copy.execute(db).await.map(|_| ())
}

/// Of these issues, those that are ignored for a while, with what is left of it.
pub(super) async fn of(db: &mut PgConnection, issues: &[IssueId]) -> sqlx::Result<HashMap<IssueId, Until>> {
    let (projects, ids) = keys(issues);
    let rows = sqlx::query!(
        r#"select issue_id as "issue: IssueId", until, events_left, users_left from issue_snoozes
        where (project_id, issue_id) in (select * from unnest($1::int[], $2::bigint[]))"#,
        &projects,
        &ids
    );
    let until = |time: Option<DateTime<Utc>>, events: Option<i64>, users: Option<i64>| {
        time.map(Until::Time).or(events.map(Until::Events)).or(users.map(Until::Users)).unwrap_or_default()
    };
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.issue, until(row.until, row.events_left, row.users_left))).collect())
}

/// What came for an ignored issue.
#[derive(Debug, Clone, Copy)]
pub struct Came {
    /// Which.
    pub issue: IssueId,
    /// Events.
    pub events: i64,
    /// Users that it did not have before.
    pub users: i64,
    /// The newest event.
    pub newest: Uuid,
}

/// Takes what came from what is left, and wakes the issues of which nothing is left. The caller holds their locks.
pub async fn count(db: &mut PgConnection, came: &[Came], now: DateTime<Utc>) -> anyhow::Result<()> {
    let issues: Vec<_> = came.iter().map(|came| came.issue).collect();
    let (projects, ids) = keys(&issues);
    let counted = sqlx::query!(
        r#"update issue_snoozes s set events_left = s.events_left - c.events, users_left = s.users_left - c.users
        from unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[]) as c (project_id, issue_id, events, users)
        where s.project_id = c.project_id and s.issue_id = c.issue_id and s.until is null
        returning s.issue_id as "issue: IssueId", s.events_left, s.users_left, s.asked"#,
        &projects,
        &ids,
        &came.iter().map(|came| came.events).collect::<Vec<_>>(),
        &came.iter().map(|came| came.users).collect::<Vec<_>>()
    );
    let over = counted.fetch_all(&mut *db).await?.into_iter().filter_map(|row| {
        let why = match (row.events_left, row.users_left) {
            (Some(left), _) if left <= 0 => format!("{} came", number::counted(row.asked, "more event")),
            (_, Some(left)) if left <= 0 => format!("{} affected", more_users(row.asked)),
            _ => return None,
        };
        let event = came.iter().find(|came| came.issue == row.issue).map(|came| came.newest);
        Some(Unignored { issue: row.issue, event, why })
    });
    let over: Vec<_> = over.collect();
    wake(db, &over, now).await
}

/// Opens issues again, and hands it on. The caller holds their locks.
async fn wake(db: &mut PgConnection, over: &[Unignored], now: DateTime<Utc>) -> anyhow::Result<()> {
    if over.is_empty() {
        return Ok(());
    }
    let issues: Vec<_> = over.iter().map(|fact| fact.issue).collect();
    let (projects, ids) = keys(&issues);
    sqlx::query!(
        "update issues i set status = 'open', status_changed_at = greatest($3, i.last_seen), status_changed_by = null
        from unnest($1::int[], $2::bigint[]) as w (project_id, issue_id)
        where i.project_id = w.project_id and i.issue_id = w.issue_id",
        &projects,
        &ids,
        now
    )
    .execute(&mut *db)
    .await?;
    set(db, &issues, Until::Ever).await?;
    let happened = |fact: &Unignored| Happened { issue: fact.issue, kind: "unignored", detail: fact.why.clone(), at: now };
    add_activity(db, &over.iter().map(happened).collect::<Vec<_>>()).await?;
    for fact in over {
        outbox::enqueue(db, ISSUE_UNIGNORED, fact, now).await?;
    }
    Ok(())
}

/// Wakes issues whose time is over.
#[derive(Debug, Clone, Copy)]
pub struct Wake;

impl Periodic for Wake {
    const NAME: &'static str = "issues.wake";
    const EVERY: Duration = Duration::from_secs(15);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        // joins: issues
        let due = sqlx::query_scalar!(
            r#"select s.issue_id as "issue: IssueId" from issue_snoozes s
            join issues i on i.project_id = s.project_id and i.issue_id = s.issue_id and i.status = 'ignored'
            where s.until <= $1 order by s.until limit $2"#,
            now,
            BATCH
        );
        let mut due: Vec<IssueId> = due.fetch_all(&mut *tx).await?;
        if due.is_empty() {
            return Ok(Step::Idle);
        }
        due.sort_unstable();
        let states = lock(&mut tx, &due).await?;
        // Somebody may have changed it since.
        let until = of(&mut tx, &due).await?;
        let is_over = |issue: &IssueId| matches!(until.get(issue), Some(Until::Time(at)) if *at <= now);
        let over = states.iter().filter(|(issue, state)| state.status == Status::Ignored && is_over(issue));
        let over: Vec<_> = over.map(|(issue, _)| Unignored { issue: *issue, event: None, why: "its time was over".to_owned() }).collect();
        wake(&mut tx, &over, now).await?;
        tx.commit().await?;
        app.outbox.wake();
        Ok(if due.len() as i64 == BATCH { Step::More(format!("woke {} issues", over.len())) } else { Step::Idle })
    }
}

fn keys(issues: &[IssueId]) -> (Vec<i32>, Vec<i64>) {
    issues.iter().map(|issue| (issue.project().0, issue.0)).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_until_when() {
        let at = DateTime::from_timestamp(1_795_530_787, 0).unwrap();
        for (until, words) in [
            (Until::Ever, ""),
            (Until::Time(at), "until 24 Nov 2026, 14:33 UTC"),
            (Until::Events(1), "until 1 more event comes"),
            (Until::Events(1_000), "until 1,000 more events come"),
            (Until::Users(1), "until 1 more user is affected"),
            (Until::Users(10), "until 10 more users are affected"),
        ] {
            assert_eq!(until.words(), words);
        }
    }
}
