//! `/projects/{slug}/settings`: name, members, keys. Members look, administrators change.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use crate::accounts::{OurFault as _, ProjectMember, UserId, find_user, see_other};
use crate::platform::App;
use crate::projects::source_link::{MAX_TEMPLATE, SourceLink};
use crate::projects::{MailSettings, dsn, names, queries, quotas};
use crate::protocol::rate_limits::Scope;
use crate::protocol::{DsnId, PublicKey};
use crate::web::pages::settings::{KeyRow, MemberRow, SettingsPage, SourceFields};
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Fields, Flash, Form, HttpError, Path, When, html, html_with};

#[derive(Debug, Deserialize)]
pub(super) struct RenameForm {
    name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct MemberForm {
    email: String,
}

/// The page.
pub(super) async fn show(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    Ok(html(&page(&app, &member, FieldErrors::default()).await?))
}

/// Gives the project another name; addresses and DSNs stay.
pub(super) async fn rename(app: App, mut member: ProjectMember, Form(form): Form<RenameForm>) -> Result<Response, HttpError> {
    let name = names::tidy(&form.name);
    let length = name.chars().count();
    if !(1..=names::MAX_NAME).contains(&length) {
        let errors = FieldErrors::default().with("name", format!("A name has 1 to {} characters; this has {length}.", names::MAX_NAME));
        member.project.name = name;
        return again(&app, &member, errors).await;
    }
    queries::rename(&mut *app.db.acquire().await.ours()?, member.project.id, &name).await.ours()?;
    Ok(done(&member, format!("The project is called {name} now. Its addresses stay.")))
}

/// What members hear of where no rule of the project says otherwise.
pub(super) async fn change_mails(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    let is_on = |name| fields.get(name).is_some();
    let mails = MailSettings {
        new_issues: is_on("new_issues"),
        regressions: is_on("regressions"),
        spikes: is_on("spikes"),
        unignored: is_on("unignored"),
        feedback: is_on("feedback"),
        limits: is_on("limits"),
        noisy_places: is_on("noisy_places"),
        silence: is_on("silence"),
    };
    let values = serde_json::to_value(mails).map_err(|error| HttpError::Internal(error.into()))?;
    if !queries::change_settings(&mut *app.db.acquire().await.ours()?, member.project.id, "mails", &values).await.ours()? {
        return Err(HttpError::NotFound);
    }
    Ok(see_other(&urls::project_alerts(&member.project.slug), &Flash::done("Saved. It holds for what happens from now on.")))
}

/// Where the frames of events lead.
pub(super) async fn change_source(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    let typed = |name| fields.get(name).unwrap_or_default();
    let link = match SourceLink::parse(typed("template"), typed("cut")) {
        Ok(link) => link,
        Err(why) => {
            let shorten = |text: &str| text.chars().take(2 * MAX_TEMPLATE).collect();
            let mut page = page(&app, &member, FieldErrors::default().with("template", why)).await?;
            page.source = SourceFields { template: shorten(typed("template")), cut: shorten(typed("cut")) };
            return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let values = serde_json::to_value(&link).map_err(|error| HttpError::Internal(error.into()))?;
    if !queries::change_settings(&mut *app.db.acquire().await.ours()?, member.project.id, "source", &values).await.ours()? {
        return Err(HttpError::NotFound);
    }
    let text =
        if link.template.is_empty() { "Frames have no links to source." } else { "Saved. The project's own frames lead to their source." };
    Ok(done(&member, text))
}

/// Adds somebody who has an account.
pub(super) async fn add_member(app: App, member: ProjectMember, Form(form): Form<MemberForm>) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let Some((user, email)) = find_user(&mut db, &form.email).await.ours()? else {
        drop(db);
        let email: String = names::tidy(&form.email).chars().take(254).collect();
        let text = format!("{email} has no account here. Make one on the server, `vedette user create {email}`, then add it.");
        return again(&app, &member, FieldErrors::default().with("email", text)).await;
    };
    let text = if queries::add_member(&mut db, member.project.id, user, app.clock.now()).await.ours()? {
        format!("{email} is a member now.")
    } else {
        format!("{email} was a member already.")
    };
    Ok(done(&member, text))
}

/// Removes a member.
pub(super) async fn remove_member(app: App, member: ProjectMember, Path((_, user)): Path<(String, UserId)>) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let was_member = queries::remove_member(&mut db, member.project.id, user).await.ours()?;
    Ok(done(&member, if was_member { "They are no member any more." } else { "They were no member any more." }))
}

fn done(member: &ProjectMember, text: impl Into<String>) -> Response {
    see_other(&urls::project_settings(&member.project.slug), &Flash::done(text))
}

/// The form once more, with what was wrong.
async fn again(app: &App, member: &ProjectMember, errors: FieldErrors) -> Result<Response, HttpError> {
    Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page(app, member, errors).await?))
}

async fn page(app: &App, member: &ProjectMember, errors: FieldErrors) -> Result<SettingsPage, HttpError> {
    let (viewer, project, now) = (&member.viewer, &member.project, app.clock.now());
    let mut db = app.db.acquire().await.ours()?;
    let found = queries::shown(&mut db, project.id).await.ours()?.ok_or(HttpError::NotFound)?;
    let dsn_id = DsnId::new(found.dsn_id).ok_or(HttpError::NotFound)?;
    let source = queries::source_link(&mut db, project.id).await.ours()?;
    let members = queries::members(&mut db, project.id).await.ours()?;
    let keys = queries::keys(&mut db, project.id).await.ours()?;
    let members =
        members.into_iter().map(|row| MemberRow { id: row.user_id.to_string(), email: row.email, is_self: row.user_id == viewer.user_id });
    let keys = keys.into_iter().map(|key| KeyRow {
        id: key.id.to_string(),
        dsn: dsn(&app.url, PublicKey::new(key.public.as_u128()), dsn_id),
        active: key.is_active,
        created: When::new(key.created_at, now),
        limits: quotas::read(&key.limits, Scope::Key).len(),
        domains: key.allowed_domains.len(),
        label: key.label,
    });
    Ok(SettingsPage {
        shell: viewer.shell(app, "Settings", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        members: members.collect(),
        keys: keys.collect(),
        source: SourceFields { template: source.template, cut: source.cut },
        may_change: viewer.is_admin,
        errors,
    })
}
