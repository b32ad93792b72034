//! What people start: merge, split, apply rules; undo and confirm. Each is one short transaction that excludes digest; stored events follow.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Kind, Regrouping, State};
use super::queries::{self, New};
use crate::accounts::{IssueId, ProjectId, UserId};
use crate::events::moving as events;
use crate::feedback::moving as feedback;
use crate::issues::activity::{SPLIT_FROM, SPLIT_INTO};
use crate::issues::moving::{self as issues, Before, IssueHash};
use crate::issues::spikes;
use crate::platform::db::{AdvisoryLock, OnConstraint as _};
use crate::projects;

/// Stored events that follow within the transaction of a merge: most issues have fewer.
const AT_ONCE: i64 = 2_000;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Another correction of the project is at work.
    #[error("Another correction of this project is still at work; try again when it is finished.")]
    Busy,
    /// There is no such issue.
    #[error("One of these issues is not there any more, or was merged into another.")]
    Missing,
    /// An issue with itself.
    #[error("An issue cannot be merged with itself.")]
    Same,
    /// All hashes, or none.
    #[error("At least one hash has to stay, and at least one has to leave.")]
    Nothing,
    /// A later one touched the same issues.
    #[error("A later correction touched the same issues; undo that first.")]
    Later,
    /// A later one touched the same issues, and stays.
    #[error("A later correction of the same issues stays, so this cannot be undone any more.")]
    Covered,
    /// It is not in a state for that.
    #[error("This cannot be undone (any more).")]
    TooLate,
    /// The database failed.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Who does it, and when.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    /// A person, or nobody for a command.
    pub by: Option<UserId>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Nobody writes events until the transaction ends.
pub(super) async fn exclude_digest(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", AdvisoryLock::Digest.number()).fetch_one(db).await.map(|_| ())
}

/// Notes issues as they are, each with what is counted of it in hours.
pub(super) async fn note(db: &mut PgConnection, run: (ProjectId, i64), issues: Vec<Before>, is_made: bool) -> sqlx::Result<()> {
    let mut noted = Vec::with_capacity(issues.len());
    for before in issues {
        let hours = events::hour_count(db, before.issue).await?;
        noted.push((before, hours));
    }
    queries::note_issues(db, run, &noted, is_made).await
}

/// Adds all that is counted of one issue to another, which also gets its hashes.
pub(super) async fn take_in(db: &mut PgConnection, from: IssueId, into: IssueId) -> anyhow::Result<()> {
    let users = events::take_in(db, from, into).await?;
    issues::take_in(db, from, into, users).await?;
    feedback::take_in(db, from, into).await?;
    spikes::take_in(db, from, into).await?;
    Ok(())
}

/// Merges issues into one, in the caller's transaction; the correction's number. Later events of all of them go there.
pub async fn merge(db: &mut PgConnection, into: IssueId, from: &[IssueId], act: Act) -> Result<i64, Refused> {
    let from: BTreeSet<IssueId> = from.iter().copied().filter(|issue| *issue != into).collect();
    let project = into.project();
    if from.is_empty() {
        return Err(Refused::Same);
    }
    exclude_digest(db).await?;
    let new = New { project, kind: Kind::Merge, issue: Some(into), state: State::Moving, by: act.by, rules: &Value::Null, now: act.now };
    let id = queries::insert(db, &new).await?.ok_or(Refused::Busy)?;
    let all: Vec<IssueId> = from.iter().copied().chain([into]).collect();
    let before = issues::locked(db, project, &all).await?;
    if before.len() < all.len() || before.iter().any(|before| before.status == "merged") || from.iter().any(|i| i.project() != project) {
        return Err(Refused::Missing);
    }
    let titles: Vec<String> = before.iter().filter(|b| b.issue != into).map(|b| b.title.clone()).collect();
    note(db, (project, id), before, false).await?;
    let hashes = issues::hashes_of(db, project, &from.iter().copied().collect::<Vec<_>>()).await?;
    let noted: Vec<_> = hashes.iter().map(|hash| (hash.hash, Some(hash.clone()))).collect();
    queries::note_hashes(db, (project, id), &noted).await?;
    let led: Vec<_> = hashes.into_iter().map(|hash| IssueHash { issue: into, decided: true, ..hash }).collect();
    issues::lead(db, project, &led).await?;
    let mut left = 0;
    for issue in &from {
        take_in(db, *issue, into).await?;
        left += events::hand_over(db, *issue, into, AT_ONCE).await? / AT_ONCE as u64;
    }
    issues::tell(db, &[into], ("merged", &titles.join("; ")), act.by, act.now).await?;
    if left == 0 {
        finish(db, (project, id), State::Done, act.now).await?;
    }
    Ok(id)
}

async fn finish(db: &mut PgConnection, (project, id): (ProjectId, i64), state: State, now: DateTime<Utc>) -> Result<(), Refused> {
    let run = queries::locked(db, project, id).await?.ok_or(Refused::Missing)?;
    queries::keep_place(db, &Regrouping { state, cursor: None, ..run }, now).await?;
    Ok(())
}

/// Splits hashes out of an issue into a new one, in the caller's transaction; the new issue and the correction's number.
pub async fn split(db: &mut PgConnection, issue: IssueId, hashes: &[Uuid], act: Act) -> Result<(IssueId, i64), Refused> {
    let project = issue.project();
    exclude_digest(db).await?;
    let new = New { project, kind: Kind::Split, issue: Some(issue), state: State::Moving, by: act.by, rules: &Value::Null, now: act.now };
    let id = queries::insert(db, &new).await?.ok_or(Refused::Busy)?;
    let mut numbers = projects::lock_numbers(db, &[project.0]).await?;
    let before = issues::locked(db, project, &[issue]).await?;
    let title = before.first().filter(|before| before.status != "merged").map(|before| before.title.clone()).ok_or(Refused::Missing)?;
    let (leaving, staying): (Vec<_>, Vec<_>) =
        issues::hashes_of(db, project, &[issue]).await?.into_iter().partition(|hash| hashes.contains(&hash.hash));
    if leaving.is_empty() || staying.is_empty() {
        return Err(Refused::Nothing);
    }
    let made = IssueId::new(project, numbers.next_issue(project).ok_or(Refused::Missing)?);
    projects::store_numbers(db, &numbers, act.now).await?;
    issues::make_like(db, (made, &title), issue, act.now).await?;
    note(db, (project, id), before, false).await?;
    let made_before = issues::locked(db, project, &[made]).await?;
    note(db, (project, id), made_before, true).await?;
    let noted: Vec<_> = leaving.iter().map(|hash| (hash.hash, Some(hash.clone()))).collect();
    queries::note_hashes(db, (project, id), &noted).await?;
    let led: Vec<_> = leaving.into_iter().map(|hash| IssueHash { issue: made, decided: true, ..hash }).collect();
    issues::lead(db, project, &led).await?;
    for (of, word, other) in [(issue, SPLIT_INTO, made), (made, SPLIT_FROM, issue)] {
        issues::tell(db, &[of], ("split", &format!("{word} {}", other.0)), act.by, act.now).await?;
    }
    Ok((made, id))
}

/// Begins to apply a project's rules to its stored events, of one issue alone or of all; the correction's number.
pub async fn apply_rules(
    db: &mut PgConnection,
    (project, issue): (ProjectId, Option<IssueId>),
    rules: &Value,
    act: Act,
) -> Result<i64, Refused> {
    super::scan::config(rules)?;
    let new = New { project, kind: Kind::Rules, issue, state: State::Planning, by: act.by, rules, now: act.now };
    queries::insert(db, &new).await?.ok_or(Refused::Busy)
}

/// Lets a finished correction by rules stay: it cannot be undone afterwards, and needs no room any more.
pub async fn confirm(db: &mut PgConnection, project: ProjectId, id: i64, act: Act) -> Result<(), Refused> {
    let run = queries::locked(db, project, id).await?.ok_or(Refused::Missing)?;
    if run.state != State::Done {
        return Err(Refused::TooLate);
    }
    queries::forget_plan(db, &run).await?;
    finish(db, (project, id), State::Confirmed, act.now).await
}

/// Who holds the events that a merge or split moved; nobody in particular after rules.
pub(super) async fn holder(db: &mut PgConnection, run: &Regrouping, made: Option<IssueId>) -> sqlx::Result<Option<IssueId>> {
    let Some(issue) = (if run.kind == Kind::Split { made } else { run.issue.filter(|_| run.kind == Kind::Merge) }) else { return Ok(None) };
    Ok(Some(issues::merged_into(db, issue).await?.unwrap_or(issue)))
}

/// Begins to undo a correction, in the caller's transaction, also one by rules that is still moving events. Later events go where they went
/// before; stored ones follow.
pub async fn undo(db: &mut PgConnection, project: ProjectId, id: i64, act: Act) -> Result<Regrouping, Refused> {
    exclude_digest(db).await?;
    let run = queries::locked(db, project, id).await?.ok_or(Refused::Missing)?;
    if run.state == State::Planning {
        queries::forget_plan(db, &run).await?;
        finish(db, (project, id), State::Undone, act.now).await?;
        return Ok(run);
    }
    if !run.may_undo() {
        return Err(if run.state.is_active() { Refused::Busy } else { Refused::TooLate });
    }
    match queries::later(db, &run).await? {
        Some(true) => return Err(Refused::Later),
        Some(false) => return Err(Refused::Covered),
        None => {}
    }
    let touched = queries::touched(db, &run).await?;
    let all: Vec<IssueId> = touched.iter().map(|touched| touched.before.issue).collect();
    let now_there = issues::locked(db, project, &all).await?;
    let is_there = |before: &Before| now_there.iter().any(|now| now.issue == before.issue);
    if !touched.iter().all(|touched| is_there(&touched.before)) {
        return Err(Refused::Missing);
    }
    for touched in touched.iter().filter(|touched| touched.before.status != "merged" && !touched.is_made) {
        let merged = now_there.iter().any(|now| now.issue == touched.before.issue && now.status == "merged");
        if let Some(into) = issues::merged_into(db, touched.before.issue).await?.filter(|_| merged) {
            issues::revive(db, &touched.before).await?;
            // What was counted of events that are not stored any more goes back as a number.
            let old = touched.before.event_count - touched.hour_count;
            issues::add_events(db, &[(touched.before.issue, old), (into, -old)]).await?;
        }
    }
    spikes::forget(db, &all).await?;
    let made = touched.iter().find(|touched| touched.is_made).map(|touched| touched.before.issue);
    let mut before = queries::hashes_before(db, &run).await?;
    if let Some(holder) = holder(db, &run, made).await? {
        // What somebody decided since stays decided.
        let hashes: Vec<Uuid> = before.iter().map(|hash| hash.hash).collect();
        let still: BTreeSet<Uuid> =
            issues::owners(db, project, &hashes).await?.into_iter().filter(|owner| owner.issue == holder).map(|owner| owner.hash).collect();
        before.retain(|hash| still.contains(&hash.hash));
    }
    issues::lead(db, project, &before).await?;
    if run.kind == Kind::Split
        && let (Some(issue), Some(made)) = (run.issue, made)
        && now_there.iter().any(|now| now.issue == made && now.status != "merged")
    {
        take_in(db, made, issue).await?;
    }
    let touched: Vec<IssueId> = touched.iter().filter(|touched| !touched.is_made).map(|touched| touched.before.issue).collect();
    issues::tell(db, &touched, ("undone", run.kind.name()), act.by, act.now).await?;
    let run = Regrouping { state: State::Undoing, cursor: None, until: Some(act.now), looked_at: 0, ..run };
    // Another may be at work.
    queries::keep_place(db, &run, act.now).await.on_constraint("regroupings_active_key", || Refused::Busy)?;
    Ok(run)
}
