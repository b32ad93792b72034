//! `/account/notifications`, and muting an issue for oneself.

use std::collections::BTreeSet;

use axum::response::Response;
use chrono_tz::TZ_VARIANTS;
use http::StatusCode;

use super::settings::{Pace, Settings, clock, minutes};
use super::subject::Subject;
use super::{queries, week};
use crate::accounts::{IssueId, OurFault as _, ProjectId, ProjectMember, Viewer, see_other};
use crate::alerts::gather;
use crate::platform::App;
use crate::web::pages::notifications::{NotificationsPage, ProjectChoices};
use crate::web::urls::{self, IssueQuery};
use crate::web::{FieldErrors, Fields, Flash, HttpError, Link, Path, html, html_with};

/// Projects on the page.
const PROJECTS: i64 = 200;
/// Muted issues on it.
const MUTED: i64 = 100;

/// What is on the page.
struct Shown {
    settings: Settings,
    projects: Vec<(ProjectId, String)>,
    off: BTreeSet<(ProjectId, Subject)>,
}

impl Shown {
    fn is_on(&self, project: ProjectId, subject: Subject) -> bool {
        !self.off.contains(&(project, subject)) && !self.off.contains(&(project, Subject::All))
    }
}

/// `GET /account/notifications`.
#[tracing::instrument(name = "alerts.notifications", skip_all)]
pub(in crate::alerts) async fn show(app: App, viewer: Viewer) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let shown = Shown {
        settings: queries::settings(&mut db, viewer.user_id).await.ours()?,
        projects: queries::projects(&mut db, viewer.user_id, PROJECTS).await.ours()?,
        off: queries::off(&mut db, viewer.user_id).await.ours()?.into_iter().collect(),
    };
    drop(db);
    Ok(html(&page(&app, &viewer, (&shown, None), FieldErrors::default()).await?))
}

/// `POST /account/notifications`.
#[tracing::instrument(name = "alerts.save_notifications", skip_all)]
pub(in crate::alerts) async fn save(app: App, viewer: Viewer, fields: Fields) -> Result<Response, HttpError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await.ours()?;
    let projects = queries::projects(&mut tx, viewer.user_id, PROJECTS).await.ours()?;
    // A project that came while the form was open was not on it.
    let listed: BTreeSet<&str> = fields.all("project").collect();
    let listed: Vec<ProjectId> = projects.iter().map(|(id, _)| *id).filter(|id| listed.contains(id.0.to_string().as_str())).collect();
    let off = switched_off(&fields, &listed);
    let (settings, errors) = read(&fields);
    if !errors.is_empty() {
        let shown = Shown { settings, projects, off: off.into_iter().collect() };
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page(&app, &viewer, (&shown, Some(&fields)), errors).await?));
    }
    queries::set(&mut tx, viewer.user_id, &settings).await.ours()?;
    week::choose(&mut tx, viewer.user_id, &settings, now).await.ours()?;
    queries::set_off(&mut tx, viewer.user_id, (&listed, &off)).await.ours()?;
    // What waits comes when it would by what they want now.
    let due = settings.later(now).map_or(now, |(due, _)| due);
    for project in queries::waiting(&mut tx, viewer.user_id).await.ours()? {
        gather::wait_until(&mut tx, (project, viewer.user_id), (now, due)).await.map_err(HttpError::Internal)?;
    }
    tx.commit().await.ours()?;
    app.outbox.wake();
    Ok(see_other(&urls::account_notifications(), &Flash::done("Your notifications are as you want them.")))
}

/// What is not ticked; a project of which nothing is, as a whole.
fn switched_off(fields: &Fields, listed: &[ProjectId]) -> Vec<(ProjectId, Subject)> {
    let wanted: BTreeSet<&str> = fields.all("want").collect();
    let is_wanted = |project: ProjectId, subject: Subject| wanted.contains(format!("{}.{}", project.0, subject.name()).as_str());
    let of = |project: &ProjectId| {
        let off: Vec<_> = Subject::CHOICES.into_iter().filter(|subject| !is_wanted(*project, *subject)).map(|s| (*project, s)).collect();
        if off.len() == Subject::CHOICES.len() { vec![(*project, Subject::All)] } else { off }
    };
    listed.iter().flat_map(of).collect()
}

fn read(fields: &Fields) -> (Settings, FieldErrors) {
    let (mut settings, mut errors) = (Settings::default(), FieldErrors::default());
    let text = |name| fields.get(name).unwrap_or_default().trim();
    settings.weekly = fields.get("weekly").is_some();
    match Pace::parse(text("pace")) {
        Some(pace) => settings.pace = pace,
        None => errors = errors.with("pace", "is none of instant, hourly and daily"),
    }
    match text("digest_hour").parse::<u16>() {
        Ok(hour) if hour < 24 => settings.digest_hour = hour,
        _ => errors = errors.with("digest_hour", "An hour from 0 to 23."),
    }
    match text("time_zone").parse() {
        Ok(zone) => settings.zone = zone,
        Err(_) => errors = errors.with("time_zone", "No such time zone is known. They read like Europe/Berlin."),
    }
    settings.quiet = match (minutes(text("quiet_from")), minutes(text("quiet_until"))) {
        (Some(from), Some(until)) if from != until => Some((from, until)),
        _ if text("quiet_from").is_empty() && text("quiet_until").is_empty() => None,
        _ => {
            errors = errors.with("quiet", "Two different times of day, or none.");
            None
        }
    };
    (settings, errors)
}

async fn page(
    app: &App,
    viewer: &Viewer,
    (shown, typed): (&Shown, Option<&Fields>),
    errors: FieldErrors,
) -> Result<NotificationsPage, HttpError> {
    let settings = &shown.settings;
    let muted = queries::muted(&mut *app.db.acquire().await.ours()?, viewer.user_id, MUTED).await.ours()?;
    let muted = muted.into_iter().filter_map(|(issue, title)| {
        let project = viewer.project_by_id(issue.project())?;
        Some((Link::new(issue.short_id(&project.short_prefix), urls::issue(issue)), title, urls::issue_action(issue, "unmute")))
    });
    let choices = |(id, name): &(ProjectId, String)| ProjectChoices {
        id: id.0.to_string(),
        name: name.clone(),
        choices: Subject::CHOICES.iter().map(|subject| (subject.name(), subject.title(), shown.is_on(*id, *subject))).collect(),
    };
    let as_typed = |name: &str, own: String| typed.map_or(own, |fields| fields.get(name).unwrap_or_default().to_owned());
    let quiet = |of: fn((u16, u16)) -> u16| settings.quiet.map(of).map(clock).unwrap_or_default();
    Ok(NotificationsPage {
        shell: viewer.shell(app, "Notifications", IssueQuery::default()),
        email: viewer.email.clone(),
        pace: settings.pace.name(),
        digest_hour: as_typed("digest_hour", settings.digest_hour.to_string()),
        quiet_from: as_typed("quiet_from", quiet(|(from, _)| from)),
        quiet_until: as_typed("quiet_until", quiet(|(_, until)| until)),
        time_zone: as_typed("time_zone", settings.zone.name().to_owned()),
        weekly: settings.weekly,
        zones: TZ_VARIANTS.iter().map(|zone| zone.name()).collect(),
        projects: shown.projects.iter().map(choices).collect(),
        muted: muted.collect(),
        errors,
    })
}

/// `POST /issues/{issue}/mute`: tells whoever asks no more of it.
#[tracing::instrument(name = "alerts.mute", skip_all, fields(issue.id = %issue))]
pub(in crate::alerts) async fn mute(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    queries::mute(&mut *app.db.acquire().await.ours()?, member.viewer.user_id, issue, app.clock.now()).await.ours()?;
    let name = issue.short_id(&member.project.short_prefix);
    Ok(see_other(&urls::issue(issue), &Flash::done(format!("You are not told of {name} any more. Others are."))))
}

/// `POST /issues/{issue}/unmute`.
#[tracing::instrument(name = "alerts.unmute", skip_all, fields(issue.id = %issue))]
pub(in crate::alerts) async fn unmute(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    queries::unmute(&mut *app.db.acquire().await.ours()?, member.viewer.user_id, issue).await.ours()?;
    let name = issue.short_id(&member.project.short_prefix);
    Ok(see_other(&urls::issue(issue), &Flash::done(format!("You are told of {name} again."))))
}
