//! `POST /issues/{issue}/resolve`, `ignore`, `reopen`, and `POST /issues/bulk`: people change states.

use std::collections::BTreeSet;

use axum::response::Response;

use super::until;
use crate::accounts::{IssueId, OurFault as _, ProjectMember, UserId, Viewer, see_other};
use crate::issues::intake;
use crate::issues::model::{Status, Triage};
use crate::issues::moving;
use crate::issues::queries;
use crate::issues::queries::triage::Act;
use crate::issues::snoozes::{self, Until};
use crate::platform::App;
use crate::web::{FieldErrors, Fields, Flash, HttpError, Path, number, urls};

/// Issues that one bulk action may change: four pages.
const MAX_BULK: usize = 100;

/// Resolves, then returns to the issue.
#[tracing::instrument(name = "issues.resolve", skip_all, fields(issue.id = %issue))]
pub(super) async fn resolve(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    one(&app, &member, issue, (Triage::Resolve, Until::Ever)).await
}

/// Ignores, for good or until something happens, then returns to the issue.
#[tracing::instrument(name = "issues.ignore", skip_all, fields(issue.id = %issue))]
pub(super) async fn ignore(app: App, member: ProjectMember, Path(issue): Path<IssueId>, fields: Fields) -> Result<Response, HttpError> {
    let until = until::parse(&fields, app.clock.now())?;
    one(&app, &member, issue, (Triage::Ignore, until)).await
}

/// Reopens, then returns to the issue.
#[tracing::instrument(name = "issues.reopen", skip_all, fields(issue.id = %issue))]
pub(super) async fn reopen(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    one(&app, &member, issue, (Triage::Reopen, Until::Ever)).await
}

async fn one(app: &App, member: &ProjectMember, issue: IssueId, (triage, until): (Triage, Until)) -> Result<Response, HttpError> {
    let tally = act(app, member.viewer.user_id, (triage, until), &[issue]).await.ours()?;
    let told = tally.of_one(&issue.short_id(&member.project.short_prefix), (triage, until)).ok_or(HttpError::NotFound)?;
    Ok(see_other(&urls::issue(issue), &Flash::done(told)))
}

/// Bytes of the list's address that is returned to: what the longest bounded query has, percent-encoded.
const MAX_BACK: usize = 8_000;

/// Changes the selected issues of a list, then returns to it.
#[tracing::instrument(name = "issues.bulk", skip_all)]
pub(super) async fn bulk(app: App, viewer: Viewer, fields: Fields) -> Result<Response, HttpError> {
    let triage = fields.get("action").and_then(Triage::parse);
    let triage =
        triage.ok_or_else(|| HttpError::Invalid(FieldErrors::default().with("action", "is none of resolve, ignore and reopen")))?;
    let until = if triage == Triage::Ignore { until::parse(&fields, app.clock.now())? } else { Until::Ever };
    let selected: BTreeSet<IssueId> = fields.all("id").filter_map(|id| id.parse().ok()).collect();
    if selected.len() > MAX_BULK {
        return Err(HttpError::Invalid(FieldErrors::general(format!("At most {MAX_BULK} issues can be changed at once."))));
    }
    // What somebody may not see counts as not there.
    let ids: Vec<_> = selected.into_iter().filter(|id| viewer.project_by_id(id.project()).is_some()).collect();
    let tally = act(&app, viewer.user_id, (triage, until), &ids).await.ours()?;
    Ok(see_other(&local_list(fields.get("back").unwrap_or_default()), &tally.flash(triage, until)))
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
pub struct Tally {
    changed: usize,
    /// They were so already.
    unchanged: usize,
}

impl Tally {
    /// "SHOP-41 ignored until 3 Dec 2026, 09:00 UTC.", "SHOP-41 was resolved already."; nothing when the issue is gone.
    pub fn of_one(self, name: &str, (triage, until): (Triage, Until)) -> Option<String> {
        match self {
            Self { changed: 0, unchanged: 0 } => None,
            Self { changed: 0, .. } => Some(format!("{name} was {} already.", now_is(triage))),
            _ => Some(format!("{}.", with(&format!("{name} {}", triage.done()), until))),
        }
    }

    fn flash(self, triage: Triage, until: Until) -> Flash {
        let issues = |n: usize| number::counted(n as i64, "issue");
        let done = with(triage.done(), until);
        match (self.changed, self.unchanged) {
            (0, 0) => Flash::warning("No issue was selected, so nothing was changed."),
            (changed, 0) => Flash::done(format!("{} {done}.", issues(changed))),
            (0, 1) => Flash::done(format!("The issue was {} already.", now_is(triage))),
            (0, unchanged) => Flash::done(format!("{} were {} already.", issues(unchanged), now_is(triage))),
            (changed, unchanged) => {
                let were = if unchanged == 1 { "was" } else { "were" };
                Flash::done(format!("{} {done}; {unchanged} {were} {} already.", issues(changed), now_is(triage)))
            }
        }
    }
}

fn with(done: &str, until: Until) -> String {
    format!("{done} {}", until.words()).trim_end().to_owned()
}

/// The state that an action leads to: an issue is "open", not "reopened", already.
const fn now_is(triage: Triage) -> &'static str {
    match triage {
        Triage::Reopen => "open",
        other => other.done(),
    }
}

/// Changes what is not so already, in one transaction. `ids` sorted, so that two actions lock in the same order.
pub async fn act(app: &App, by: UserId, (triage, until): (Triage, Until), ids: &[IssueId]) -> sqlx::Result<Tally> {
    let mut tx = app.db.begin().await?;
    // An issue that was merged is changed where it went.
    let ids = moving::where_they_are(&mut tx, ids).await?;
    let states = intake::lock(&mut tx, &ids).await?;
    let snoozed = snoozes::of(&mut tx, &ids).await?;
    // Until when an issue is ignored may change while it is.
    let is_ignored_otherwise = |id: &IssueId, status| {
        triage == Triage::Ignore && status == Status::Ignored && snoozed.get(id).copied().unwrap_or_default() != until
    };
    let target = |id, status| triage.apply(status).or_else(|| is_ignored_otherwise(id, status).then_some(Status::Ignored));
    let changes: Vec<_> = states.iter().filter_map(|(id, state)| target(id, state.status).map(|status| (*id, status))).collect();
    queries::triage::apply(&mut tx, Act { triage, until, by, now: app.clock.now() }, &changes).await?;
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
            assert_eq!(Tally { changed, unchanged }.flash(triage, Until::Ever).text, text);
        }
        let until = Until::Events(100);
        assert_eq!(Tally { changed: 2, unchanged: 0 }.flash(Triage::Ignore, until).text, "2 issues ignored until 100 more events come.");
        let one = |changed, unchanged| Tally { changed, unchanged }.of_one("SHOP-41", (Triage::Ignore, until));
        assert_eq!(one(1, 0).as_deref(), Some("SHOP-41 ignored until 100 more events come."));
        assert_eq!(one(0, 1).as_deref(), Some("SHOP-41 was ignored already."));
        assert_eq!(one(0, 0), None);
    }
}
