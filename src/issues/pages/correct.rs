//! `POST /issues/{issue}/merge` and `split`, `POST /issues/merge` (from the list), `POST /issues/{issue}/corrections/{id}/undo`: people correct
//! which events are one issue.

use std::collections::BTreeSet;

use axum::response::Response;
use uuid::Uuid;

use crate::accounts::{IssueId, OurFault as _, ProjectMember, Viewer, see_other};
use crate::issues::regroup::{self, Act, Refused};
use crate::issues::search::named_issue;
use crate::issues::{moving, queries};
use crate::platform::App;
use crate::web::{Fields, Flash, HttpError, Path, number, urls};

/// Issues that are merged at once.
const MAX_MERGED: usize = 50;

pub(super) fn act(app: &App, viewer: &Viewer) -> Act {
    Act { by: Some(viewer.user_id), now: app.clock.now() }
}

/// What a refusal is to whoever asked: a message on the page they came from.
pub(super) fn refused(error: Refused) -> Result<Flash, HttpError> {
    match error {
        Refused::Failed(error) => Err(HttpError::Internal(error)),
        told => Ok(Flash::warning(told.to_string())),
    }
}

/// Takes another issue, named by id, short id or address, into this one.
#[tracing::instrument(name = "issues.merge", skip_all, fields(issue.id = %issue))]
pub(super) async fn merge(app: App, member: ProjectMember, Path(issue): Path<IssueId>, fields: Fields) -> Result<Response, HttpError> {
    let with = fields.get("with").unwrap_or_default().trim();
    let back = |flash: &Flash| Ok(see_other(&urls::issue(issue), flash));
    let Some(other) = named(&app, with, &member.viewer) else {
        return back(&Flash::warning("Nothing was merged: name the other issue by its short id, such as SHOP-42, or by its address."));
    };
    if other.project() != issue.project() {
        return back(&Flash::warning("Nothing was merged: issues of two projects stay apart."));
    }
    let mut tx = app.db.begin().await.ours()?;
    let other = moving::merged_into(&mut tx, other).await.ours()?.unwrap_or(other);
    match regroup::merge(&mut tx, issue, &[other], act(&app, &member.viewer)).await {
        Ok(_) => tx.commit().await.ours()?,
        Err(error) => return back(&refused(error)?),
    }
    let names = [other, issue].map(|issue| issue.short_id(&member.project.short_prefix));
    back(&Flash::done(format!("{} was merged into {}. You can undo it under Merge and split.", names[0], names[1])))
}

/// The issue that somebody names: `SHOP-42`, its number, or an address that ends with it.
fn named(app: &App, text: &str, viewer: &Viewer) -> Option<IssueId> {
    // Another server's issues have the same numbers.
    if text.contains("://") && !text.starts_with(&app.absolute("/issues/")) {
        return None;
    }
    let in_address = text.split_once("/issues/").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let id = in_address.unwrap_or(text).parse::<IssueId>().ok();
    id.or_else(|| named_issue(text, &viewer.projects)).filter(|issue| viewer.project_by_id(issue.project()).is_some())
}

/// Merges the selected issues of a list into the one with most events.
#[tracing::instrument(name = "issues.merge_selected", skip_all)]
pub(super) async fn merge_selected(app: App, viewer: Viewer, fields: Fields) -> Result<Response, HttpError> {
    let back = super::triage::local_list(fields.get("back").unwrap_or_default());
    let selected: BTreeSet<IssueId> = fields.all("id").filter_map(|id| id.parse().ok()).collect();
    let selected: Vec<_> = selected.into_iter().filter(|id| viewer.project_by_id(id.project()).is_some()).collect();
    let told = |text: &str| Ok(see_other(&back, &Flash::warning(text)));
    let Some(first) = selected.first().copied().filter(|_| selected.len() > 1) else {
        return told("Nothing was merged: select two issues or more.");
    };
    if selected.iter().any(|issue| issue.project() != first.project()) {
        return told("Nothing was merged: issues of two projects stay apart.");
    }
    if selected.len() > MAX_MERGED {
        return told("Nothing was merged: at most 50 issues can be merged at once.");
    }
    let mut tx = app.db.begin().await.ours()?;
    let there = moving::locked(&mut tx, first.project(), &selected).await.ours()?;
    let into = there.iter().max_by_key(|issue| (issue.event_count, std::cmp::Reverse(issue.issue)));
    let Some(into) = into.map(|issue| issue.issue) else { return Err(HttpError::NotFound) };
    // Locks are taken anew, after digest's.
    tx.rollback().await.ours()?;
    let mut tx = app.db.begin().await.ours()?;
    match regroup::merge(&mut tx, into, &selected, act(&app, &viewer)).await {
        Ok(_) => tx.commit().await.ours()?,
        Err(error) => return Ok(see_other(&back, &refused(error)?)),
    }
    let prefix = viewer.project_by_id(into.project()).map_or("", |project| &project.short_prefix);
    let text = format!(
        "{} were merged into {}. It can be undone on its page.",
        number::counted(selected.len() as i64, "issue"),
        into.short_id(prefix)
    );
    Ok(see_other(&back, &Flash::done(text)))
}

/// Splits the chosen hashes out into a new issue.
#[tracing::instrument(name = "issues.split", skip_all, fields(issue.id = %issue))]
pub(super) async fn split(app: App, member: ProjectMember, Path(issue): Path<IssueId>, fields: Fields) -> Result<Response, HttpError> {
    let hashes: Vec<Uuid> = fields.all("hash").filter_map(|hash| Uuid::try_parse(hash).ok()).collect();
    let mut tx = app.db.begin().await.ours()?;
    match regroup::split(&mut tx, issue, &hashes, act(&app, &member.viewer)).await {
        Ok((made, _)) => {
            tx.commit().await.ours()?;
            let name = made.short_id(&member.project.short_prefix);
            let text = format!("{name} was split out. Its stored events follow within moments; later ones go there at once.");
            Ok(see_other(&urls::issue(made), &Flash::done(text)))
        }
        Err(error) => Ok(see_other(&urls::issue(issue), &refused(error)?)),
    }
}

/// Undoes a merge or a split.
#[tracing::instrument(name = "issues.undo", skip_all, fields(issue.id = %issue))]
pub(super) async fn undo(app: App, member: ProjectMember, Path((issue, id)): Path<(IssueId, i64)>) -> Result<Response, HttpError> {
    let mut tx = app.db.begin().await.ours()?;
    // Only what this issue's page lists: rules are an administrator's.
    if !regroup::of_issue(&mut tx, issue).await.ours()?.iter().any(|run| run.id == id) {
        let told = "Nothing was undone: that is no merge or split of this issue, or it is undone already.";
        return Ok(see_other(&urls::issue(issue), &Flash::warning(told)));
    }
    let flash = match regroup::undo(&mut tx, issue.project(), id, act(&app, &member.viewer)).await {
        Ok(_) => {
            tx.commit().await.ours()?;
            Flash::done("Undone. Stored events go back within moments.")
        }
        Err(error) => refused(error)?,
    };
    let there = queries::show::exists(&mut *app.db.acquire().await.ours()?, issue).await.ours()?;
    Ok(see_other(&if there { urls::issue(issue) } else { urls::home() }, &flash))
}
