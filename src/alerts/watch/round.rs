//! One round: everything that waits of the minutes that are over, in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::follow::{Deaf, Round, Told, Work};
use super::hearing::Hearing;
use super::{queries, silence, whole};
use crate::accounts::IssueId;
use crate::alerts::spikes::{Detector, LATE};
use crate::events::fresh::{self, Minutes};
use crate::issues::facts::{ISSUE_SPIKE_OVER, ISSUE_SPIKED};
use crate::issues::intake::{Happened, add_activity};
use crate::issues::spikes::{self, Row};
use crate::platform::App;
use crate::platform::clock::minute_of;
use crate::platform::db::{Fault, fault};
use crate::platform::outbox;
use crate::platform::periodic::{Periodic, Step};

/// A request that was received may take so long to be in the journal.
const GRACE: TimeDelta = TimeDelta::seconds(2);
/// A process that has not been seen for so long is not waited for.
const ALIVE: TimeDelta = TimeDelta::seconds(30);
/// Issues whose states are in memory at once.
const CHUNK: usize = 1_000;
/// An issue whose spike is on is looked at after so many minutes without events: it may be over.
const QUIET: i32 = 5;
/// How many of these in one round.
const MOST_QUIET: i64 = 2_000;

/// Looks for spikes, beside others who take turns.
#[derive(Debug, Clone)]
pub struct Watch(pub Arc<Hearing>);

impl Periodic for Watch {
    const NAME: &'static str = "alerts.watch";
    const EVERY: Duration = Duration::from_secs(5);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let now = app.clock.now();
        self.0.note(now);
        self.0.write(&app.db, now).await.context("what was heard")?;
        match self.round(app, now).await {
            // Somebody else changed the same rows: they are looked at again in the next round.
            Err(error) if error.downcast_ref::<sqlx::Error>().is_some_and(|error| fault(error) == Fault::Race) => Ok(Step::Idle),
            done => done,
        }
    }
}

/// The last minutes that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Closed {
    /// Of those with events: over and digested, or over for a quarter of an hour.
    with_events: i32,
    /// Of those without: over and digested.
    without: i32,
}

impl Closed {
    fn new(now: DateTime<Utc>, digested_until: DateTime<Utc>) -> Self {
        let without = minute_of(digested_until.min(now - GRACE)) - 1;
        Self { with_events: without.max(minute_of(now) - LATE as i32), without }
    }
}

impl Watch {
    async fn round(&self, app: &App, now: DateTime<Utc>) -> anyhow::Result<Step> {
        let mut tx = app.db.begin_with("begin isolation level repeatable read").await?;
        if !queries::take_turn(&mut tx).await? {
            return Ok(Step::Idle);
        }
        let closed = Closed::new(now, queries::digested_until(&mut tx, now - ALIVE).await?.unwrap_or(now));
        let taken = fresh::take(&mut tx, closed.with_events).await?;
        let came = whole::sums(taken.issues.iter());
        let mut issues: BTreeMap<IssueId, Option<Minutes>> =
            taken.issues.into_iter().map(|(issue, minutes)| (issue, Some(minutes))).collect();
        for issue in spikes::quiet(&mut tx, closed.without - QUIET, MOST_QUIET).await? {
            issues.entry(issue).or_default();
        }
        let quiet = queries::quiet_wholes(&mut tx, closed.without - QUIET).await?;
        if issues.is_empty() && quiet.is_empty() && !silence::is_due(&mut tx, closed.without).await? {
            return Ok(Step::Idle);
        }
        let deaf = Deaf { gaps: queries::gaps(&mut tx).await?, heard: taken.received.iter().copied().collect() };
        let round = Arc::new(Round { closed: closed.with_events, deaf });
        // Before the issues: a surge is told at once, and the spikes that are part of it come together after it.
        let mut is_told = whole::follow(&mut tx, came, quiet, (&round, closed.without - QUIET), now).await?;
        is_told |= silence::look(&mut tx, &round.deaf, closed.without, now).await?;
        let issues: Vec<_> = issues.into_iter().collect();
        let mut told = Vec::new();
        for chunk in issues.chunks(CHUNK) {
            let work = works(&mut tx, chunk, (&round, closed.without, taken.is_all)).await?;
            let round = Arc::clone(&round);
            let followed = move || work.into_iter().map(|(row, work)| round.follow(row, &work)).unzip::<_, _, Vec<_>, Vec<_>>();
            let (rows, facts) = tokio::task::spawn_blocking(followed).await?;
            spikes::write(&mut tx, &rows).await?;
            told.extend(facts.into_iter().flatten());
        }
        tell(&mut tx, &told, now).await?;
        tx.commit().await?;
        self.0.add(taken.received);
        if is_told || !told.is_empty() {
            app.outbox.wake();
        }
        Ok(if taken.is_all { Step::Idle } else { Step::More(format!("moved {} issues on", issues.len())) })
    }
}

/// What there is to do for issues. Counts of issues that are made anew later are among what they are made of.
async fn works(
    db: &mut PgConnection,
    issues: &[(IssueId, Option<Minutes>)],
    (round, quiet_until, is_all): (&Round, i32, bool),
) -> sqlx::Result<Vec<(Row, Work)>> {
    let ids: Vec<IssueId> = issues.iter().map(|(issue, _)| *issue).collect();
    let rows = spikes::read(db, &ids).await?;
    let is_lost = |row: &Row| row.is_known && row.state.as_deref().is_none_or(|state| Detector::unpack(state).is_err());
    let lost: Vec<IssueId> = rows.iter().filter(|row| is_lost(row) && !row.is_moving && is_all).map(|row| row.issue).collect();
    let mut history = if lost.is_empty() { BTreeMap::new() } else { fresh::history(db, &lost, (round.horizon(), round.closed)).await? };
    let mut works = Vec::with_capacity(rows.len());
    for row in rows {
        let came = issues.binary_search_by_key(&row.issue, |(issue, _)| *issue).ok().and_then(|at| issues[at].1.clone());
        let work = if is_lost(&row) {
            if !lost.contains(&row.issue) {
                continue;
            }
            Work::Anew(history.remove(&row.issue).unwrap_or_default())
        } else {
            came.map_or(Work::Nothing(quiet_until), Work::Came)
        };
        works.push((row, work));
    }
    Ok(works)
}

/// Writes down what happened, and hands it to those who tell people.
async fn tell(db: &mut PgConnection, told: &[Told], now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut happened = Vec::with_capacity(told.len());
    for told in told {
        happened.push(match told {
            Told::Spiked(fact) => {
                outbox::enqueue(db, ISSUE_SPIKED, fact, now).await?;
                Happened { issue: fact.issue, kind: "spiked", detail: fact.words.clone(), at: fact.at }
            }
            Told::Over(fact) => {
                outbox::enqueue(db, ISSUE_SPIKE_OVER, fact, now).await?;
                Happened { issue: fact.issue, kind: "calmed", detail: fact.words(), at: now }
            }
        });
    }
    if !happened.is_empty() {
        add_activity(db, &happened).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_over_when_it_is_digested_and_for_events_a_quarter_of_an_hour_later_at_most() {
        let at = |minute: i64, second| DateTime::from_timestamp(minute * 60 + second, 0).unwrap();
        for (now, digested, with_events, without) in [
            (at(1_000, 1), at(1_000, 1), 998, 998),
            (at(1_000, 2), at(1_000, 2), 999, 999),
            (at(1_000, 30), at(999, 59), 998, 998),
            (at(1_000, 30), at(900, 0), 985, 899),
        ] {
            assert_eq!(Closed::new(now, digested), Closed { with_events, without }, "{now} {digested}");
        }
    }
}
