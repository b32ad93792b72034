//! `/projects/{slug}/channels`: a project's channels. New ones, the test, the switch, deletion.

use axum::response::Response;
use http::StatusCode;

use super::form::{self, Typed};
use super::queries::{self, Channel, NewChannel, NewPost};
use super::request::Outcome;
use super::{ChannelId, Kind, Message, deliver, health, purpose, queued};
use crate::accounts::{OurFault as _, ProjectMember, see_other};
use crate::alerts::queries::record_attempt;
use crate::platform::App;
use crate::web::pages::channels::{ChannelRow, ChannelsPage, Made};
use crate::web::urls::{self, IssueQuery};
use crate::web::{Badge, FieldErrors, Fields, Flash, HttpError, Link, Path, When, html, html_with};

/// The page.
pub(super) async fn show(app: App, member: ProjectMember) -> Result<Response, HttpError> {
    Ok(html(&page(&app, &member, (Typed::default(), None)).await?))
}

/// Adds a channel; a secret that was made for it stands on the answer, and never again.
pub(super) async fn add(app: App, member: ProjectMember, fields: Fields) -> Result<Response, HttpError> {
    let wanted = match form::read(&app, &fields) {
        Ok(wanted) => wanted,
        Err(typed) => return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &member, (typed, None)).await?)),
    };
    let plain = wanted.target.to_bytes().map_err(HttpError::Internal)?;
    let sealed = app.seal.seal(&app.ids, &purpose(member.project.id), &plain);
    let new = NewChannel { kind: wanted.kind, label: &wanted.label, hint: &wanted.target.hint(), sealed: &sealed };
    let slug = &member.project.slug;
    if !queries::add(&mut *app.db.acquire().await.ours()?, member.project.id, &new, app.clock.now()).await.ours()? {
        let text = format!("A project has {} channels at most.", queries::MOST);
        return Ok(see_other(&urls::project_channels(slug), &Flash::warning(text)));
    }
    let Some(secret) = wanted.made else {
        let done = Flash::done("The channel is on. Send a test, to see that it works.");
        return Ok(see_other(&urls::project_channels(slug), &done));
    };
    let made = Made { label: wanted.label, secret };
    Ok(html(&page(&app, &member, (Typed::default(), Some(made))).await?))
}

/// Tells a channel a test, now; the answer is its server's.
pub(super) async fn test(app: App, member: ProjectMember, Path((_, id)): Path<(String, i64)>) -> Result<Response, HttpError> {
    let (project, slug) = (member.project.id, &member.project.slug);
    let channel = find(&app, &member, id).await?;
    let url = urls::project_channels(slug);
    if !queries::take_test(&mut *app.db.acquire().await.ours()?, (project, channel.id), app.clock.now()).await.ours()? {
        return Ok(see_other(&url, &Flash::warning("A test has just been sent: try again in a moment.")));
    }
    let message = Message::test(&member.project.name, &app.absolute(&url));
    let post = queued(&app, ((project, None), "test"), &message, &channel);
    let outcome = deliver::attempt(&app, (project, &channel), (&message, &post.message_id)).await;
    record(&app, &post, &outcome).await.map_err(HttpError::Internal)?;
    let name = channel.name();
    let flash = match outcome {
        Outcome::Sent(said) => Flash::done(format!("{name} took the test: {said}")),
        Outcome::Later(said) | Outcome::Never(said) => Flash::warning(format!("{name} did not take the test: {said}")),
    };
    Ok(see_other(&url, &flash))
}

/// Writes down what came of a test. One that gets through ends a fault; one that does not makes none: whoever pressed the button knows.
async fn record(app: &App, post: &NewPost<'_>, outcome: &Outcome) -> anyhow::Result<()> {
    let (status, said) = match outcome {
        Outcome::Sent(said) => ("sent", said),
        Outcome::Later(said) | Outcome::Never(said) => ("failed", said),
    };
    let mut tx = app.db.begin().await?;
    let number = queries::insert(&mut tx, post, app.clock.now()).await?;
    record_attempt(&mut tx, number, app.clock.now(), (status, said)).await?;
    if status == "sent" {
        health::note(app, &mut tx, (post.project, post.channel), (status, said)).await?;
    }
    Ok(tx.commit().await?)
}

/// Switches a channel on or off, as `to` says.
pub(super) async fn switch(
    app: App,
    member: ProjectMember,
    Path((_, id)): Path<(String, i64)>,
    fields: Fields,
) -> Result<Response, HttpError> {
    let (is_on, text) = match fields.get("to") {
        Some("on") => (true, "The channel is on."),
        Some("off") => (false, "The channel is off: nothing is told there, and what waited for it is not told later."),
        _ => return Err(HttpError::Invalid(FieldErrors::default().with("to", "is neither on nor off"))),
    };
    if !queries::switch(&mut *app.db.acquire().await.ours()?, (member.project.id, ChannelId(id)), is_on).await.ours()? {
        return Err(HttpError::NotFound);
    }
    Ok(see_other(&urls::project_channels(&member.project.slug), &Flash::done(text)))
}

/// Deletes a channel.
pub(super) async fn delete(app: App, member: ProjectMember, Path((_, id)): Path<(String, i64)>) -> Result<Response, HttpError> {
    if !queries::delete(&mut *app.db.acquire().await.ours()?, (member.project.id, ChannelId(id))).await.ours()? {
        return Err(HttpError::NotFound);
    }
    let done = Flash::done("The channel is deleted. The delivery log keeps what it was told.");
    Ok(see_other(&urls::project_channels(&member.project.slug), &done))
}

async fn find(app: &App, member: &ProjectMember, id: i64) -> Result<Channel, HttpError> {
    let found = queries::find(&mut *app.db.acquire().await.ours()?, member.project.id, ChannelId(id)).await.ours()?;
    found.ok_or(HttpError::NotFound)
}

async fn page(app: &App, member: &ProjectMember, (typed, made): (Typed, Option<Made>)) -> Result<ChannelsPage, HttpError> {
    let (viewer, project) = (&member.viewer, &member.project);
    let channels = queries::all(&mut *app.db.acquire().await.ours()?, project.id).await.ours()?;
    let kinds = Kind::ALL.into_iter().map(|kind| Link::new(kind.to_string(), kind.name()).chosen_if(kind.name() == typed.kind));
    Ok(ChannelsPage {
        shell: viewer.shell(app, "Channels", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        may_change: viewer.is_admin,
        rows: channels.into_iter().map(|channel| row(app, channel)).collect(),
        kinds: kinds.collect(),
        label: typed.label,
        errors: typed.errors,
        made,
    })
}

fn row(app: &App, channel: Channel) -> ChannelRow {
    let now = app.clock.now();
    let state = match (channel.is_on, channel.failing_since) {
        (false, _) => Badge::new("off", "calm"),
        (true, Some(_)) => Badge::new("fails", "alarm"),
        (true, None) => Badge::new("on", "good"),
    };
    ChannelRow {
        id: channel.id.0.to_string(),
        name: channel.name(),
        hint: channel.hint,
        state,
        is_on: channel.is_on,
        created: When::new(channel.created_at, now),
        failing: channel.failing_since.map(|since| (When::new(since, now), channel.failure)),
    }
}
