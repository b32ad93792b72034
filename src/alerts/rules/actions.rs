//! What people do with rules and mutes by one click.

use axum::response::Response;
use chrono::TimeDelta;
use serde::Deserialize;

use super::queries;
use crate::accounts::{OurFault as _, ProjectMember, see_other};
use crate::platform::App;
use crate::web::{FieldErrors, Flash, Form, HttpError, Path, urls};

/// Minutes of the longest mute that ends by itself: 30 days.
const LONGEST: i64 = 43_200;

#[derive(Debug, Deserialize)]
pub(super) struct MuteForm {
    #[serde(rename = "for", default)]
    minutes: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToForm {
    #[serde(default)]
    to: String,
}

/// Where a rule stands in an address.
type RulePath = Path<(String, i64)>;

/// Tells nobody of anything for a while.
#[tracing::instrument(name = "alerts.mute", skip_all)]
pub(super) async fn mute(app: App, member: ProjectMember, Form(form): Form<MuteForm>) -> Result<Response, HttpError> {
    let now = app.clock.now();
    let until = match (form.minutes.as_str(), form.minutes.parse::<i64>()) {
        ("ever", _) => None,
        (_, Ok(minutes)) if (1..=LONGEST).contains(&minutes) => Some(now + TimeDelta::minutes(minutes)),
        _ => return Err(HttpError::Invalid(FieldErrors::general("For how long?"))),
    };
    let mut db = app.db.acquire().await.ours()?;
    queries::mute(&mut db, (member.project.id, member.viewer.user_id), (now, until)).await.ours()?;
    Ok(done(&member, "Muted. What happens meanwhile stands in the log, and nobody is told of it afterwards either."))
}

/// Ends that.
#[tracing::instrument(name = "alerts.unmute", skip_all)]
pub(super) async fn unmute(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let was_on = queries::unmute(&mut db, member.project.id, app.clock.now()).await.ours()?;
    Ok(done(&member, if was_on { "Unmuted. What happens from now on is told." } else { "It was not muted." }))
}

/// One place up or down.
pub(super) async fn shift(
    app: App,
    member: ProjectMember,
    Path((_, rule)): RulePath,
    Form(form): Form<ToForm>,
) -> Result<Response, HttpError> {
    let mut tx = app.db.begin().await.ours()?;
    let is_there = queries::shift(&mut tx, (member.project.id, rule), form.to != "down").await.ours()?;
    tx.commit().await.ours()?;
    Ok(answer(&member, is_there, "Moved. The first rule that matches decides."))
}

/// On or off.
pub(super) async fn switch(
    app: App,
    member: ProjectMember,
    Path((_, rule)): RulePath,
    Form(form): Form<ToForm>,
) -> Result<Response, HttpError> {
    let is_on = form.to != "off";
    let mut db = app.db.acquire().await.ours()?;
    let is_there = queries::switch(&mut db, (member.project.id, rule), is_on, app.clock.now()).await.ours()?;
    Ok(answer(&member, is_there, if is_on { "The rule is on." } else { "The rule is off: it is passed over." }))
}

/// Deletes a rule.
pub(super) async fn delete(app: App, member: ProjectMember, Path((_, rule)): RulePath) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let was_there = queries::delete(&mut db, member.project.id, rule).await.ours()?;
    Ok(answer(&member, was_there, "Deleted."))
}

fn done(member: &ProjectMember, text: &str) -> Response {
    see_other(&urls::project_alerts(&member.project.slug), &Flash::done(text))
}

fn answer(member: &ProjectMember, is_there: bool, text: &str) -> Response {
    if is_there {
        done(member, text)
    } else {
        see_other(&urls::project_alerts(&member.project.slug), &Flash::warning("That rule is gone."))
    }
}
