//! `/projects/{slug}/keys/…`: one key. New ones, rotation, the switch, name, allowed domains, limits.

use axum::response::Response;
use http::StatusCode;

use super::limit_form::{self, TypedLimit};
use super::text::area;
use crate::accounts::{OurFault as _, ProjectMember, see_other};
use crate::platform::App;
use crate::platform::clock::hour_of;
use crate::projects::queries::{self, Key, NewKey};
use crate::projects::{dsn, names, outcomes, quotas};
use crate::protocol::rate_limits::Scope;
use crate::protocol::{DsnId, PublicKey, origin};
use crate::web::pages::key::KeyPage;
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Fields, Flash, HttpError, Path, When, html, html_with};

/// Longest name in characters.
const MAX_LABEL: usize = 60;
/// Allowed domains of one key: each is compared with every request of a page.
const MAX_DOMAINS: usize = 100;
/// Problems that are shown.
const MAX_PROBLEMS: usize = 20;

/// What is shown: as stored, or as typed with what is wrong.
struct Typed {
    label: String,
    domains: String,
    domain_errors: Vec<String>,
    limits: Vec<TypedLimit>,
    errors: FieldErrors,
}

/// The page.
pub(super) async fn show(app: App, member: ProjectMember, Path((_, id)): Path<(String, i32)>) -> Result<Response, HttpError> {
    let key = find(&app, &member, id).await?;
    let typed = Typed {
        label: key.label.clone(),
        domains: key.allowed_domains.join("\n"),
        domain_errors: Vec::new(),
        limits: limit_form::from_stored(&quotas::read(&key.limits, Scope::Key)),
        errors: FieldErrors::default(),
    };
    Ok(html(&page(&app, &member, key, typed).await?))
}

/// Saves the form, or shows it again with what is wrong.
pub(super) async fn change(
    app: App,
    member: ProjectMember,
    Path((_, id)): Path<(String, i32)>,
    fields: Fields,
) -> Result<Response, HttpError> {
    let key = find(&app, &member, id).await?;
    let (typed, domains) = typed(&fields)?;
    let limits = limit_form::sound(&typed.limits).filter(|_| typed.errors.is_empty() && typed.domain_errors.is_empty());
    let Some(limits) = limits else {
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &member, key, typed).await?));
    };
    let changed = queries::KeyChange { label: &typed.label, allowed_domains: &domains, limits: &quotas::to_json(&limits) };
    queries::change_key(&mut *app.db.acquire().await.ours()?, member.project.id, id, &changed).await.ours()?;
    Ok(see_other(&urls::key(&member.project.slug, id), &Flash::done("Saved, and in force.")))
}

fn typed(fields: &Fields) -> Result<(Typed, Vec<String>), HttpError> {
    let label = names::tidy(fields.get("label").unwrap_or_default());
    let text = area(fields, "domains")?;
    let (mut domains, mut domain_errors) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let pattern = line.trim();
        match origin::problem(pattern) {
            _ if pattern.is_empty() => {}
            None => domains.push(pattern.to_owned()),
            Some(why) => {
                let shown: String = pattern.chars().take(60).collect();
                domain_errors.push(format!("Line {number}, `{shown}`: {why}"));
            }
        }
    }
    domain_errors.truncate(MAX_PROBLEMS);
    if domains.len() > MAX_DOMAINS {
        domain_errors.push(format!("There are {} entries; {MAX_DOMAINS} are allowed.", domains.len()));
    }
    let length = label.chars().count();
    let errors = FieldErrors::default();
    let is_long = length > MAX_LABEL;
    let errors = if is_long { errors.with("label", format!("At most {MAX_LABEL} characters; this has {length}.")) } else { errors };
    let typed = Typed { label, domains: text, domain_errors, limits: limit_form::from_form(fields), errors };
    Ok((typed, domains))
}

/// Makes another key.
pub(super) async fn add(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    let label: String = names::tidy(fields.get("label").unwrap_or_default()).chars().take(MAX_LABEL).collect();
    make(&app, &member, &NewKey { label, ..NewKey::default() }, "There is a new key. Its DSN works at once.").await
}

/// Makes another key like this one, which goes on working.
pub(super) async fn rotate(app: App, member: ProjectMember, Path((_, id)): Path<(String, i32)>) -> Result<Response, HttpError> {
    let Key { label, allowed_domains, limits, .. } = find(&app, &member, id).await?;
    let text = "There is a new key with the same name, domains and limits. Give its DSN to your programs, then switch the old one off: until then both work.";
    make(&app, &member, &NewKey { label, allowed_domains, limits }, text).await
}

async fn make(app: &App, member: &ProjectMember, new: &NewKey, done: &str) -> Result<Response, HttpError> {
    let (project, slug) = (member.project.id, &member.project.slug);
    let mut db = app.db.acquire().await.ours()?;
    if let Some(id) = queries::add_key(&mut db, project, (app.ids.uuid(), app.clock.now()), new).await.ours()? {
        return Ok(see_other(&urls::key(slug, id), &Flash::done(done)));
    }
    let text = format!("A project has {} keys at most. Switch one on again instead.", queries::MAX_KEYS);
    Ok(see_other(&urls::project_settings(slug), &Flash::warning(text)))
}

/// Switches a key on or off, as `to` says: whoever presses the button of an old page twice gets what it says.
pub(super) async fn switch(
    app: App,
    member: ProjectMember,
    Path((_, key)): Path<(String, i32)>,
    fields: Fields,
) -> Result<Response, HttpError> {
    let (is_active, text) = match fields.get("to") {
        Some("on") => (true, "The key is on: events with it are taken."),
        Some("off") => (false, "The key is off: events with it are refused."),
        _ => return Err(HttpError::Invalid(FieldErrors::default().with("to", "is neither on nor off"))),
    };
    let mut db = app.db.acquire().await.ours()?;
    if !queries::switch_key(&mut db, (member.project.id, key), is_active).await.ours()? {
        return Err(HttpError::NotFound);
    }
    Ok(see_other(&urls::project_settings(&member.project.slug), &Flash::done(text)))
}

async fn find(app: &App, member: &ProjectMember, id: i32) -> Result<Key, HttpError> {
    let keys = queries::keys(&mut *app.db.acquire().await.ours()?, member.project.id).await.ours()?;
    keys.into_iter().find(|key| key.id == id).ok_or(HttpError::NotFound)
}

async fn page(app: &App, member: &ProjectMember, key: Key, typed: Typed) -> Result<KeyPage, HttpError> {
    let (viewer, project, now) = (&member.viewer, &member.project, app.clock.now());
    let mut db = app.db.acquire().await.ours()?;
    let found = queries::shown(&mut db, project.id).await.ours()?.ok_or(HttpError::NotFound)?;
    let dsn_id = DsnId::new(found.dsn_id).ok_or(HttpError::NotFound)?;
    let came = outcomes::came(&mut db, project.id, (Some(key.id), hour_of(now))).await.ours()?;
    Ok(KeyPage {
        shell: viewer.shell(app, "Key", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        id: key.id.to_string(),
        label: typed.label,
        dsn: dsn(&app.url, PublicKey::new(key.public.as_u128()), dsn_id),
        active: key.is_active,
        created: When::new(key.created_at, now),
        domains: typed.domains,
        domain_errors: typed.domain_errors,
        rows: limit_form::rows(&typed.limits, &came),
        may_change: viewer.is_admin,
        errors: typed.errors,
    })
}
