//! Issues that lost events: their users, times and head, found again from what is stored.

use serde_json::Value;
use sqlx::PgConnection;

use super::kept;
use super::model::Regrouping;
use super::queries::{self, Touched};
use super::scan::{self, Regrouped};
use crate::accounts::IssueId;
use crate::events::moving::{self as events, Bitmaps, Looked};
use crate::events::summary::Summary;
use crate::events::{Trail, Which, payload};
use crate::grouping::Config;
use crate::issues::moving::{self as issues, Found};

/// Events read at once.
const BATCH: i64 = 2_000;

/// One step for one issue: first its users are taken away, so that those who come meanwhile are told apart; then they are found again, batch
/// by batch; at the end, times and head.
pub(super) async fn settle(db: &mut PgConnection, run: &mut Regrouping, touched: &Touched, config: &Config) -> anyhow::Result<()> {
    let issue = touched.before.issue;
    if !touched.users_taken {
        issues::locked(db, run.project, &[issue]).await?;
        let taken = events::take_bitmaps(db, issue).await?;
        kept::keep_users(db, run, (issue, "before"), &taken).await?;
        queries::mark(db, run, &[issue], (true, true)).await?;
        run.cursor = None;
        return Ok(());
    }
    let batch = events::next_of_issue(db, (issue, None), (run.cursor, None), BATCH).await?;
    if !batch.is_empty() {
        run.cursor = scan::end_of(&batch);
        let seen = tokio::task::spawn_blocking(move || seen(&batch)).await?;
        let seen: Vec<_> = seen.into_iter().map(|user| (run.project, user)).collect();
        let mut found = Bitmaps::new();
        events::mark(&mut found, crate::events::intake::user_numbers(db, &seen).await?.into_iter().map(|(.., number)| number));
        return kept::keep_users(db, run, (issue, "found"), &found).await;
    }
    run.cursor = None;
    let mut users = kept::kept_users(db, run, (issue, "found")).await?;
    issues::locked(db, run.project, &[issue]).await?;
    // Those of events that are not stored any more, as far as they are not known to have left.
    if touched.before.event_count > touched.hour_count {
        let before = kept::kept_users(db, run, (issue, "before")).await?;
        for (chunk, bits) in without_left(db, run, issue, before).await? {
            *users.entry(chunk).or_default() |= bits;
        }
    }
    let users = events::add_bitmaps(db, issue, users).await?;
    if let Some(found) = found(db, issue, users, (touched, config)).await? {
        issues::settle(db, issue, &found).await?;
    }
    kept::forget_users(db, run, issue).await?;
    queries::mark(db, run, &[issue], (false, false)).await?;
    Ok(())
}

/// Takes from an issue that is empty the users whose events left: they went along.
pub(super) async fn forget_left(db: &mut PgConnection, run: &Regrouping, touched: &Touched) -> anyhow::Result<()> {
    let issue = touched.before.issue;
    let users = events::take_bitmaps(db, issue).await?;
    if touched.before.event_count <= touched.hour_count {
        return Ok(());
    }
    // Some are of events that are counted and not stored.
    let users = without_left(db, run, issue, users).await?;
    events::add_bitmaps(db, issue, users).await.map(|_| ())
}

/// An issue's users but for those whose events left.
async fn without_left(db: &mut PgConnection, run: &Regrouping, issue: IssueId, mut users: Bitmaps) -> anyhow::Result<Bitmaps> {
    for (chunk, left) in kept::kept_users(db, run, (issue, "left")).await? {
        if let Some(bits) = users.get_mut(&chunk) {
            *bits -= left;
        }
    }
    Ok(users)
}

fn seen(batch: &[Looked]) -> std::collections::BTreeSet<uuid::Uuid> {
    let user = |looked: &Looked| payload::decode(&looked.payload).ok().and_then(|event: Value| Summary::of(&event).user);
    batch.iter().filter_map(user).collect()
}

/// The first and the last stored event, read.
async fn found(db: &mut PgConnection, issue: IssueId, users: i64, (touched, config): (&Touched, &Config)) -> anyhow::Result<Option<Found>> {
    let trail = Trail::of(db, issue).await?;
    let (first, last) = (trail.find(db, Which::First).await?, trail.find(db, Which::Latest).await?);
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let look = |event: crate::events::StoredEvent| Looked {
        event_id: event.event_id,
        day: event.received.date_naive(),
        received: event.received,
        issue,
        hash: event.hash,
        before: None,
        moved_by: None,
        payload: event.payload,
    };
    let read = scan::regroup(vec![look(first), look(last)], config.clone()).await?;
    let [(first, Some(early)), (last, Some(late))] = read.as_slice() else { return Ok(None) };
    let is_whole = touched.before.event_count <= touched.hour_count;
    Ok(Some(Found {
        users,
        first: is_whole.then(|| (first.received, early.summary.release.clone())),
        last: (last.received, late.summary.release.clone()),
        head: head(late),
    }))
}

fn head(regrouped: &Regrouped) -> (String, String, &'static str) {
    (regrouped.title.clone(), regrouped.culprit.clone(), regrouped.summary.level)
}

/// Whether anything of the issue is left to be counted or stored.
pub(super) async fn is_empty(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<bool> {
    Ok(events::hour_count(db, issue).await? == 0 && events::next_of_issue(db, (issue, None), (None, None), 1).await?.is_empty())
}
