//! Looking at stored events: each grouped again, and the same counted together.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::plan::{Changes, Owner, Owners, Part, changes, decide};
use crate::accounts::{IssueId, ProjectId};
use crate::events::moving::{self, Cursor, Leaving, Looked, Span};
use crate::events::payload;
use crate::events::summary::{MAX_CULPRIT, MAX_TITLE, Summary, clean};
use crate::grouping::{self, Config};
use crate::issues::intake::{Arrivals, Latest};
use crate::issues::moving as issues;
use crate::platform::telemetry::chain;

/// Events read at once.
const BATCH: i64 = 1_000;

/// What grouping makes of a stored event.
#[derive(Debug)]
pub(super) struct Regrouped {
    /// All its hashes, the primary first.
    pub(super) hashes: Vec<Uuid>,
    /// What it is called.
    pub(super) title: String,
    /// Where it comes from.
    pub(super) culprit: String,
    /// What is counted of it.
    pub(super) summary: Summary,
}

/// Groups stored events; nothing for one that cannot be read. Takes its time: not on the server's own threads.
pub(super) async fn regroup(events: Vec<Looked>, config: Config) -> anyhow::Result<Vec<(Looked, Option<Regrouped>)>> {
    let work = move || {
        let one = |looked: Looked| {
            let read = payload::decode(&looked.payload).inspect_err(|error| {
                tracing::error!(event.id = %looked.event_id.simple(), "a stored event cannot be read, and stays where it is: {}", chain(error));
            });
            let regrouped = read.ok().map(|mut event: Value| {
                let summary = Summary::of(&event);
                let grouping = grouping::group(&mut event, &config);
                Regrouped {
                    hashes: grouping.hashes.iter().map(|hash| Uuid::from_bytes(hash.0)).collect(),
                    title: clean(&grouping.title, MAX_TITLE),
                    culprit: clean(&grouping.culprit, MAX_CULPRIT),
                    summary,
                }
            });
            (looked, regrouped)
        };
        events.into_iter().map(one).collect()
    };
    tokio::task::spawn_blocking(work).await.context("grouping stored events failed")
}

/// Parts, by what they have in common.
type Parts = BTreeMap<(IssueId, Vec<Uuid>), Part>;

/// Counts together what is the same.
fn add(parts: &mut Parts, events: Vec<(Looked, Option<Regrouped>)>) {
    for (looked, regrouped) in events {
        let Some(Regrouped { hashes, title, .. }) = regrouped else { continue };
        let part = parts.entry((looked.issue, hashes)).or_insert_with_key(|(issue, hashes)| Part {
            issue: *issue,
            hashes: hashes.clone(),
            events: 0,
            first_at: looked.received,
            sample: looked.event_id,
            title,
        });
        part.events += 1;
        part.first_at = part.first_at.min(looked.received);
    }
}

/// What events become, counted together.
pub(super) fn parts(events: Vec<(Looked, Option<Regrouped>)>) -> Vec<Part> {
    let mut parts = Parts::new();
    add(&mut parts, events);
    parts.into_values().collect()
}

/// The next events that a correction looks at.
pub(super) async fn next(
    db: &mut PgConnection,
    (project, issue): (ProjectId, Option<IssueId>),
    span: Span,
    limit: i64,
) -> sqlx::Result<Vec<Looked>> {
    match issue {
        Some(issue) => moving::next_of_issue(db, (issue, None), span, limit).await,
        None => moving::next_of_project(db, project, span, limit).await,
    }
}

/// Where a batch ends.
pub(super) fn end_of(events: &[Looked]) -> Option<Cursor> {
    events.last().map(|last| Cursor { day: last.day, received: last.received, event: last.event_id })
}

/// Which events a dry run looks at.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Whose.
    pub project: ProjectId,
    /// Of this issue alone.
    pub issue: Option<IssueId>,
    /// So many of the newest; nothing: all.
    pub newest: Option<i64>,
}

/// What `config` would change. `told` hears how many events were looked at, and says whether to go on.
pub async fn dry_run(db: &mut PgConnection, sample: Sample, config: &Config, mut told: impl FnMut(i64) -> bool) -> anyhow::Result<Changes> {
    let (mut all, mut cursor, mut looked) = (Parts::new(), None, 0_i64);
    loop {
        let limit = sample.newest.map_or(BATCH, |newest| BATCH.min(newest - looked));
        let events = match (sample.newest, sample.issue) {
            (Some(_), None) => moving::newest_of_project(db, sample.project, cursor, limit).await?,
            _ => next(db, (sample.project, sample.issue), (cursor, None), limit).await?,
        };
        cursor = end_of(&events);
        looked += events.len() as i64;
        let is_last = events.is_empty();
        add(&mut all, regroup(events, config.clone()).await?);
        if is_last || !told(looked) || sample.newest.is_some_and(|newest| looked >= newest) {
            break;
        }
    }
    let all: Vec<Part> = all.into_values().collect();
    let owners = owners(db, (sample.project, sample.issue), &all).await?;
    Ok(changes(&all, &decide(&all, &owners)))
}

/// Who owns the hashes of these parts. Where one issue alone is looked at, those of others stay theirs: their events are not looked at.
pub(super) async fn owners(db: &mut PgConnection, (project, only): (ProjectId, Option<IssueId>), parts: &[Part]) -> sqlx::Result<Owners> {
    let hashes: Vec<Uuid> = parts.iter().flat_map(|part| part.hashes.iter().copied()).collect();
    let owners = issues::owners(db, project, &hashes).await?;
    Ok(owners
        .into_iter()
        .map(|hash| (hash.hash, Owner { issue: hash.issue, decided: hash.decided || only.is_some_and(|only| only != hash.issue) }))
        .collect())
}

/// The rules of a correction, ready; what does not compile is an error.
pub(super) fn config(rules: &Value) -> anyhow::Result<Config> {
    Config::from_json(rules).map_err(|errors| anyhow::anyhow!("the grouping rules do not compile: {errors}"))
}

/// Minutes older than these days are not kept.
pub(super) fn first_minute(now: DateTime<Utc>) -> i32 {
    crate::platform::clock::minute_of(now) - crate::events::partitions::MINUTE_DAYS * 24 * 60
}

/// What came to an issue.
pub(super) fn arrivals(issue: IssueId, events: &[(&Leaving<'_>, &Regrouped)], users: i64) -> Option<Arrivals> {
    let mut events = events.to_vec();
    events.sort_by_key(|(l, _)| l.event.received);
    let (first, last) = (events.first()?, events.last()?);
    let mut released = events.iter().filter(|(l, _)| !l.summary.release.is_empty()).map(|(l, _)| l.summary.release.clone());
    let first_release = released.next().unwrap_or_default();
    let last_release = released.next_back().unwrap_or_else(|| first_release.clone());
    Some(Arrivals {
        id: issue,
        events: events.len() as i64,
        users,
        first_seen: first.0.event.received,
        last_seen: last.0.event.received,
        latest: Latest { level: last.0.summary.level, title: last.1.title.clone(), culprit: last.1.culprit.clone() },
        releases: (first_release, last_release),
        regressed: None,
    })
}
