//! `/projects/{slug}/noise/{place}`: what people do about a place that makes a new issue for every event.

use axum::response::Response;
use sqlx::PgConnection;
use uuid::Uuid;

use super::grouping_rules;
use crate::accounts::{OurFault as _, ProjectMember, VisibleProject, see_other};
use crate::platform::App;
use crate::projects::{noise, queries};
use crate::web::pages::noise::NoisyPlace;
use crate::web::urls::{self, IssueQuery};
use crate::web::{Flash, HttpError, Link, Path, When, number};

/// The noisy places of a project, ready to print.
pub async fn places(app: &App, db: &mut PgConnection, project: &VisibleProject, may_change: bool) -> sqlx::Result<Vec<NoisyPlace>> {
    let now = app.clock.now();
    let place = |noisy: noise::Noisy| NoisyPlace {
        issues: number::counted(noisy.issues, "new issue"),
        since: When::new(noisy.since, now),
        samples: noisy.samples.iter().map(|issue| Link::new(issue.short_id(&project.short_prefix), urls::issue(issue))).collect(),
        apply: may_change.then(|| urls::noise_apply(&project.slug, noisy.place)),
        dismiss: urls::noise_dismiss(&project.slug, noisy.place),
        words: noisy.words,
        rule: noisy.rule,
    };
    Ok(noise::shown(db, project.id, now).await?.into_iter().map(place).collect())
}

/// Shows a suggestion no more.
pub(super) async fn dismiss(app: App, member: ProjectMember, Path((_, place)): Path<(String, Uuid)>) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let flash = if noise::dismiss(&mut db, member.project.id, place, app.clock.now()).await.ours()? {
        Flash::done("Dismissed. It is suggested again when the place is told of in another mail.")
    } else {
        gone()
    };
    let list = IssueQuery { project: member.project.slug.clone(), ..IssueQuery::default() };
    Ok(see_other(&list.url(), &flash))
}

/// Puts the suggested rule before the project's fingerprint rules, the first of which wins, as if an administrator had typed it.
pub(super) async fn apply(app: App, member: ProjectMember, Path((_, place)): Path<(String, Uuid)>) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let found = noise::find(&mut db, member.project.id, place).await.ours()?.filter(|noisy| !noisy.rule.is_empty());
    let Some(noisy) = found else { return Ok(see_other(&urls::project_grouping(&member.project.slug), &gone())) };
    let rules = queries::saved_rules(&mut db, member.project.id).await.ours()?.with_first(&noisy.rule);
    let answer = grouping_rules::save(&app, &mut db, &member, rules).await?;
    if answer.status().is_redirection() {
        noise::dismiss(&mut db, member.project.id, place, app.clock.now()).await.ours()?;
    }
    Ok(answer)
}

fn gone() -> Flash {
    Flash::warning("There is no such suggestion any more.")
}
