//! A project as a whole: when all of it does what it never does, and when nothing comes of it any more.
//!
//! The same detector as for issues follows the sum over a project's issues. A yes is a surge, told as one fact, when many issues share it; while it is
//! few, their own spikes say it better. Silence is known from the project's own past ([`super::silence`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::follow::{Round, Told, Work};
use super::{queries, silence};
use crate::accounts::{IssueId, ProjectId};
use crate::alerts::spikes::Detector;
use crate::alerts::surge::{PROJECT_SURGE_OVER, PROJECT_SURGED, Surge, SurgeOver};
use crate::events::fresh::Minutes;
use crate::issues::facts::{SpikeOver, Spiked};
use crate::issues::spikes::{Row, Spiking};
use crate::platform::outbox;

/// Open issues that must share it.
const MANY: i64 = 5;
/// Minutes for which one that came of few issues may still become one of many.
const WIDENS: i64 = 60;

/// What is kept of a project.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    /// As of an issue; `spike` is the surge.
    pub(super) row: Row,
    /// The surge that is on comes of few issues so far.
    pub(super) is_narrow: bool,
    /// The last minute with events.
    pub(super) last_minute: i32,
    /// People were told that events stopped.
    pub(super) stopped_at: Option<DateTime<Utc>>,
}

impl Whole {
    /// Of which project.
    pub(super) fn project(&self) -> ProjectId {
        self.row.issue.project()
    }
}

/// Adds up what came of issues.
pub(super) fn sums<'a>(issues: impl Iterator<Item = (&'a IssueId, &'a Minutes)>) -> BTreeMap<ProjectId, Minutes> {
    let mut sums = BTreeMap::<ProjectId, Minutes>::new();
    for (issue, minutes) in issues {
        let sum = sums.entry(issue.project()).or_default();
        for (minute, count) in minutes {
            let total = sum.entry(*minute).or_default();
            *total = total.saturating_add(*count);
        }
    }
    sums
}

/// Moves the states of projects on, and of those in `quiet`, whose surge is on though nothing came; true: there is something to tell.
pub(super) async fn follow(
    db: &mut PgConnection,
    came: BTreeMap<ProjectId, Minutes>,
    quiet: Vec<ProjectId>,
    (round, quiet_before): (&Arc<Round>, i32),
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let projects: Vec<ProjectId> = came.keys().copied().chain(quiet.into_iter().filter(|project| !came.contains_key(project))).collect();
    if projects.is_empty() {
        return Ok(false);
    }
    let mut works = Vec::with_capacity(projects.len());
    let mut is_told = false;
    for mut whole in queries::wholes(db, &projects, round.closed).await? {
        let minutes = came.get(&whole.project());
        let is_known = whole.row.state.as_deref().is_some_and(|state| Detector::unpack(state).is_ok());
        let work = match minutes {
            _ if !is_known => Work::Anew(queries::minutes_of_project(db, whole.project(), (round.horizon(), round.closed)).await?),
            Some(minutes) => Work::Came(minutes.clone()),
            None => Work::Nothing(quiet_before),
        };
        if let Some((last, _)) = minutes.and_then(Minutes::last_key_value) {
            is_told |= silence::ended(db, &mut whole, *last, now).await?;
        }
        works.push((whole, work));
    }
    let for_thread = Arc::clone(round);
    let moved = move || works.into_iter().map(|(whole, work)| moved(&for_thread, whole, &work)).collect::<Vec<_>>();
    let mut wholes = Vec::new();
    for (mut whole, told) in tokio::task::spawn_blocking(moved).await? {
        for told in told {
            is_told |= match told {
                Told::Spiked(spiked) => surged(db, &mut whole, spiked, now).await?,
                Told::Over(over) => ended(db, &whole, &over, now).await?,
            };
        }
        is_told |= widened(db, &mut whole, round.closed, now).await?;
        wholes.push(whole);
    }
    queries::write_wholes(db, &wholes).await?;
    Ok(is_told)
}

fn moved(round: &Round, mut whole: Whole, work: &Work) -> (Whole, Vec<Told>) {
    let (row, told) = round.follow(whole.row, work);
    whole.row = row;
    (whole, told)
}

/// Tells of a surge if it is one of many issues by now; else its issues' own spikes do.
async fn surged(db: &mut PgConnection, whole: &mut Whole, spiked: Spiked, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let is_wide = tell_if_wide(db, whole.project(), spiked, now).await?;
    whole.is_narrow = !is_wide;
    if let Some(surge) = &mut whole.row.spike {
        surge.told = is_wide;
    }
    Ok(is_wide)
}

async fn ended(db: &mut PgConnection, whole: &Whole, over: &SpikeOver, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let fact = SurgeOver { project: whole.project(), since: over.since, words: over.words() };
    outbox::enqueue(db, PROJECT_SURGE_OVER, &fact, now).await?;
    Ok(true)
}

/// A surge that came of few issues may come of many by now.
async fn widened(db: &mut PgConnection, whole: &mut Whole, closed: i32, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let Some(surge) = whole.row.spike.clone().filter(|_| whole.is_narrow) else { return Ok(false) };
    let at = DateTime::from_timestamp((i64::from(closed) + 1) * 60, 0).unwrap_or(now);
    if at <= surge.at || at - surge.at > TimeDelta::minutes(WIDENS) {
        return Ok(false);
    }
    let Spiking { since, peak, words, .. } = surge;
    let spiked = Spiked { issue: whole.row.issue, since, at, window: (at - since).num_minutes(), count: 0.0, usual: 0.0, peak, words };
    surged(db, whole, spiked, now).await
}

async fn tell_if_wide(db: &mut PgConnection, project: ProjectId, spiked: Spiked, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let until = (spiked.at.timestamp() / 60) as i32;
    let span = (until - spiked.window as i32, until - 1);
    let busy = queries::busiest(db, project, span).await?;
    let is_wide = busy.issues >= MANY && busy.first * 2 <= busy.events && busy.events as f64 * 2.0 >= spiked.count;
    if is_wide {
        let Spiked { since, at, window, peak, words, .. } = spiked;
        let fact = Surge { project, since, at, window, peak, words, issues: busy.issues, busiest: busy.named };
        outbox::enqueue(db, PROJECT_SURGED, &fact, now).await?;
    }
    Ok(is_wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_the_sum_of_its_issues() {
        let issue = |project, number| IssueId::new(ProjectId(project), number);
        let minutes: [(IssueId, Minutes); 3] =
            [(issue(1, 1), [(5, 2), (6, 1)].into()), (issue(1, 2), [(5, 3)].into()), (issue(2, 1), [(5, u32::MAX)].into())];
        let sums = sums(minutes.iter().map(|(issue, minutes)| (issue, minutes)));
        assert_eq!(sums[&ProjectId(1)], [(5, 5), (6, 1)].into());
        assert_eq!(sums[&ProjectId(2)], [(5, u32::MAX)].into());
    }
}
