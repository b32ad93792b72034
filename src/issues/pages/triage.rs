//! `POST /issues/{issue}/resolve`, `ignore`, `reopen`, and `POST /issues/bulk`: people change states.

use std::collections::BTreeSet;

use axum::response::Response;

use crate::accounts::{IssueId, OurFault as _, ProjectMember, Viewer, see_other};
use crate::issues::intake;
use crate::issues::model::Triage;
use crate::issues::moving;
use crate::issues::queries;
use crate::issues::queries::triage::Act;
use crate::platform::App;
use crate::web::{FieldErrors, Fields, Flash, HttpError, Path, number, urls};

/// Issues that one bulk action may change: four pages.
const MAX_BULK: usize = 100;

/// Resolves, then returns to the issue.
#[tracing::instrument(name = "issues.resolve", skip_all, fields(issue.id = %issue))]
pub(super) async fn resolve(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    one(&app, &member, issue, Triage::Resolve).await
}

/// Ignores, then returns to the issue.
#[tracing::instrument(name = "issues.ignore", skip_all, fields(issue.id = %issue))]
pub(super) async fn ignore(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    one(&app, &member, issue, Triage::Ignore).await
}

/// Reopens, then returns to the issue.
#[tracing::instrument(name = "issues.reopen", skip_all, fields(issue.id = %issue))]
pub(super) async fn reopen(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    one(&app, &member, issue, Triage::Reopen).await
}

async fn one(app: &App, member: &ProjectMember, issue: IssueId, triage: Triage) -> Result<Response, HttpError> {
    let tally = change(app, &member.viewer, triage, &[issue]).await.ours()?;
    let name = issue.short_id(&member.project.short_prefix);
    match tally {
        Tally { changed: 0, unchanged: 0 } => Err(HttpError::NotFound),
        Tally { changed: 0, .. } => Ok(see_other(&urls::issue(issue), &Flash::done(format!("{name} was {} already.", now_is(triage))))),
        _ => Ok(see_other(&urls::issue(issue), &Flash::done(format!("{name} {}.", triage.done())))),
    }
}

/// Bytes of the list's address that is returned to: what the longest bounded query has, percent-encoded.
const MAX_BACK: usize = 8_000;

/// Changes the selected issues of a list, then returns to it.
#[tracing::instrument(name = "issues.bulk", skip_all)]
pub(super) async fn bulk(app: App, viewer: Viewer, fields: Fields) -> Result<Response, HttpError> {
    let triage = fields.get("action").and_then(Triage::parse);
    let triage =
        triage.ok_or_else(|| HttpError::Invalid(FieldErrors::default().with("action", "is none of resolve, ignore and reopen")))?;
    let selected: BTreeSet<IssueId> = fields.all("id").filter_map(|id| id.parse().ok()).collect();
    if selected.len() > MAX_BULK {
        return Err(HttpError::Invalid(FieldErrors::general(format!("At most {MAX_BULK} issues can be changed at once."))));
    }
    // What somebody may not see counts as not there.
    let ids: Vec<_> = selected.into_iter().filter(|id| viewer.project_by_id(id.project()).is_some()).collect();
    let tally = change(&app, &viewer, triage, &ids).await.ours()?;
    Ok(see_other(&local_list(fields.get("back").unwrap_or_default()), &tally.flash(triage)))
}

/// The list to return to. Anything else in the form's field leads to the plain list.
pub(super) fn local_list(back: &str) -> String {
    let rest = back.strip_prefix(&urls::home());
    let is_list = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('?'));
    if is_list && back.len() <= MAX_BACK && back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        back.to_owned()
    } else {
        urls::home()
    }
}

/// What an action did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tally {
    changed: usize,
    /// They were so already.
    unchanged: usize,
}

impl Tally {
    fn flash(self, triage: Triage) -> Flash {
        let issues = |n: usize| number::counted(n as i64, "issue");
        match (self.changed, self.unchanged) {
            (0, 0) => Flash::warning("No issue was selected, so nothing was changed."),
            (changed, 0) => Flash::done(format!("{} {}.", issues(changed), triage.done())),
            (0, 1) => Flash::done(format!("The issue was {} already.", now_is(triage))),
            (0, unchanged) => Flash::done(format!("{} were {} already.", issues(unchanged), now_is(triage))),
            (changed, unchanged) => {
                let were = if unchanged == 1 { "was" } else { "were" };
                Flash::done(format!("{} {}; {unchanged} {were} {} already.", issues(changed), triage.done(), now_is(triage)))
            }
        }
    }
}

/// The state that an action leads to: an issue is "open", not "reopened", already.
const fn now_is(triage: Triage) -> &'static str {
    match triage {
        Triage::Reopen => "open",
        other => other.done(),
    }
}

/// Changes what is not so already, in one transaction. `ids` sorted, so that two actions lock in the same order.
async fn change(app: &App, viewer: &Viewer, triage: Triage, ids: &[IssueId]) -> sqlx::Result<Tally> {
    let mut tx = app.db.begin().await?;
    // An issue that was merged is changed where it went.
    let ids = moving::where_they_are(&mut tx, ids).await?;
    let states = intake::lock(&mut tx, &ids).await?;
    let changes: Vec<_> = states.iter().filter_map(|(id, state)| triage.apply(state.status).map(|status| (*id, status))).collect();
    queries::triage::apply(&mut tx, Act { triage, by: viewer.user_id, now: app.clock.now() }, &changes).await?;
    tx.commit().await?;
    Ok(Tally { changed: changes.len(), unchanged: states.len() - changes.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_a_list_of_ours_only() {
        for (back, place) in [
            ("/issues?project=shop&after=l1.2", "/issues?project=shop&after=l1.2"),
            ("/issues", "/issues"),
            ("/issues/bulk", "/issues"),
            ("/issuesx", "/issues"),
            ("//evil.example", "/issues"),
            ("https://evil.example/issues", "/issues"),
            ("/issues?a\r\nSet-Cookie: x=y", "/issues"),
            ("/issues?\\evil", "/issues"),
            ("", "/issues"),
        ] {
            assert_eq!(local_list(back), place, "{back}");
        }
        assert_eq!(local_list(&format!("/issues?q={}", "x".repeat(70_000))), "/issues", "no answer carries such a header");
    }

    #[test]
    fn the_message_says_what_was_changed_and_nothing_else() {
        for (changed, unchanged, triage, text) in [
            (0, 0, Triage::Resolve, "No issue was selected, so nothing was changed."),
            (1, 0, Triage::Resolve, "1 issue resolved."),
            (2, 0, Triage::Ignore, "2 issues ignored."),
            (0, 1, Triage::Reopen, "The issue was open already."),
            (0, 3, Triage::Resolve, "3 issues were resolved already."),
            (2, 1, Triage::Reopen, "2 issues reopened; 1 was open already."),
        ] {
            assert_eq!(Tally { changed, unchanged }.flash(triage).text, text);
        }
    }
}
