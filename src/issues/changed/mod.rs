//! # What changed: what is unusual about an issue's newest events
//! **Promise.** [`of_issue`] compares the newest events since a time with what the issue had before ([`Against::Before`]), or with the project's
//! other issues where it had hardly anything, and says what stands out, with counts; nothing when nothing does. A few bounded statements, at most
//! [`SAMPLE`] + [`BASELINE`] payloads.
//! **How.** Up to [`SAMPLE`] events are all there are: they are taken from the issue's tag statistics, and the rest is before, exactly. Where there
//! are more, the statistics hold unsampled events of the same time, so that events from before it are sampled instead. [`judge`] decides (pure),
//! [`mod@words`] says it. **When it breaks.** Payloads that cannot be read are not in the sample. A batch that is digested between two reads counts as
//! before. **Not here.** When to ask: the issue page (`pages`), mails (`alerts`).

mod judge;
mod words;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

pub use judge::{Against, Finding};
use judge::{Baseline, SUPPORT};
pub use words::{also, basis, counts, headline, words};

use crate::accounts::IssueId;
use crate::events::looking;
use crate::events::skim;
use crate::events::summary::Summary;
use crate::events::tag_stats::TagValues;
use crate::issues::queries;
use crate::platform::db::Db;

/// Events that are looked at, the newest.
pub const SAMPLE: usize = 200;
/// Events that these are compared with, where statistics do not tell.
pub const BASELINE: usize = 200;
/// What counts as lately.
const LATELY: TimeDelta = TimeDelta::days(1);
/// The same for an issue that came back.
const LATELY_BACK: TimeDelta = TimeDelta::days(7);
/// Characters of a value in a sentence.
const MAX_VALUE: usize = 80;

/// What is unusual about the newest events of an issue.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The most telling first.
    pub findings: Vec<Finding>,
    /// Compared with what.
    pub against: Against,
    /// Events that were looked at.
    pub events: usize,
    /// These are all since then.
    pub is_whole: bool,
    /// They were received since.
    pub since: DateTime<Utc>,
}

/// What is unusual about the issue's events that were received since then; nothing when nothing stands out, or when there are too few to tell.
pub async fn of_issue(db: &mut PgConnection, issue: IssueId, since: DateTime<Utc>) -> anyhow::Result<Option<Changed>> {
    let mut payloads = looking::newest_since(db, issue, since, SAMPLE as i64 + 1).await?;
    if payloads.len() < SUPPORT {
        return Ok(None);
    }
    let is_whole = payloads.len() <= SAMPLE;
    payloads.truncate(SAMPLE);
    let known = known(db, (issue, since), is_whole.then_some(payloads.len())).await?;
    // Unpacking hundreds of payloads takes milliseconds: not on the server's own threads.
    let work = move || {
        let sample = summaries(&payloads);
        let baseline = known.baseline(&sample);
        (judge::findings(&sample, &baseline), baseline.against, sample.len())
    };
    let (findings, against, events) = tokio::task::spawn_blocking(work).await?;
    Ok((!findings.is_empty()).then_some(Changed { findings, against, events, is_whole, since }))
}

/// As [`of_issue`], of what people who look at the issue now want to know: since it came back, if it did within the last days, or the last day.
pub async fn lately(db: &Db, issue: IssueId, came_back: Option<DateTime<Utc>>, now: DateTime<Utc>) -> anyhow::Result<Option<Changed>> {
    let since = came_back.filter(|at| now - *at <= LATELY_BACK).unwrap_or(now - LATELY);
    of_issue(&mut *db.acquire().await?, issue, since).await
}

/// What the events can be compared with, as it is stored.
enum Known {
    Stats(Vec<(String, TagValues)>),
    Earlier(Vec<Vec<u8>>),
    Others(Vec<(i64, Vec<u8>)>),
}

/// Reads it; of events that are all since then, how many these are is known.
async fn known(db: &mut PgConnection, (issue, since): (IssueId, DateTime<Utc>), whole: Option<usize>) -> sqlx::Result<Known> {
    let known = if let Some(events) = whole {
        let stats = queries::show::tags(db, issue).await?;
        // Every event has a level.
        let all = stats.iter().find(|(key, _)| key == "level").map_or(0, |(_, values)| values.total);
        (all >= (events + SUPPORT) as u64).then_some(Known::Stats(stats))
    } else {
        let earlier = looking::newest_before(db, issue, since, BASELINE as i64).await?;
        (earlier.len() >= SUPPORT).then_some(Known::Earlier(earlier))
    };
    match known {
        Some(known) => Ok(known),
        None => Ok(Known::Others(others(db, issue).await?)),
    }
}

/// Events of the project's other issues: of its last two days with events.
async fn others(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Vec<(i64, Vec<u8>)>> {
    let (mut others, mut after) = (Vec::new(), None);
    for _ in 0..2 {
        let limit = (BASELINE - others.len()) as i64;
        let events = looking::newest_of_project(db, issue.project(), after, limit).await?;
        let Some(last) = events.last() else { break };
        after = Some(looking::Cursor { day: last.day, received: last.received, event: last.event_id });
        others.extend(events.into_iter().filter(|event| event.issue != issue).map(|event| (event.issue.0, event.payload)));
        if others.len() >= BASELINE {
            break;
        }
    }
    Ok(others)
}

impl Known {
    fn baseline(self, sample: &[Summary]) -> Baseline {
        match self {
            Self::Stats(stats) => Baseline::before(stats, sample),
            Self::Earlier(payloads) => Baseline::earlier(&summaries(&payloads)),
            Self::Others(events) => {
                let read = |(issue, payload): &(i64, Vec<u8>)| Some((*issue, skim::summary(payload).ok()?));
                Baseline::others(&events.iter().filter_map(read).collect::<Vec<_>>())
            }
        }
    }
}

fn summaries(payloads: &[Vec<u8>]) -> Vec<Summary> {
    payloads.iter().filter_map(|payload| skim::summary(payload).ok()).collect()
}
