//! `/projects/{slug}/settings/limits`: what all keys of a project together may send.

use axum::response::Response;
use http::StatusCode;

use super::limit_form::{self, TypedLimit};
use crate::accounts::{OurFault as _, ProjectMember, see_other};
use crate::platform::App;
use crate::platform::clock::hour_of;
use crate::projects::{outcomes, queries, quotas};
use crate::protocol::rate_limits::Scope;
use crate::web::pages::limits::LimitsPage;
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Fields, Flash, HttpError, html, html_with};

/// The page.
pub(super) async fn show(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let stored = queries::settings(&mut *app.db.acquire().await.ours()?, member.project.id).await.ours()?;
    let limits = quotas::read(&stored.ok_or(HttpError::NotFound)?["limits"], Scope::Project);
    Ok(html(&page(&app, &member, &limit_form::from_stored(&limits)).await?))
}

/// Saves the form, or shows it again with what is wrong.
pub(super) async fn change(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    let typed = limit_form::from_form(&fields);
    let Some(limits) = limit_form::sound(&typed) else {
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &member, &typed).await?));
    };
    let mut db = app.db.acquire().await.ours()?;
    if !queries::change_settings(&mut db, member.project.id, "limits", &quotas::to_json(&limits)).await.ours()? {
        return Err(HttpError::NotFound);
    }
    Ok(see_other(&urls::project_limits(&member.project.slug), &Flash::done("Saved. The limits are in force.")))
}

async fn page(app: &App, member: &ProjectMember, typed: &[TypedLimit]) -> Result<LimitsPage, HttpError> {
    let (viewer, project) = (&member.viewer, &member.project);
    let mut db = app.db.acquire().await.ours()?;
    let came = outcomes::came(&mut db, project.id, (None, hour_of(app.clock.now()))).await.ours()?;
    Ok(LimitsPage {
        shell: viewer.shell(app, "Limits", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        may_change: viewer.is_admin,
        rows: limit_form::rows(typed, &came),
        errors: FieldErrors::default(),
    })
}
