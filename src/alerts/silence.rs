//! From a project whose events stopped, though it never stops, to what people are told; and when they are back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::channels::Message;
use super::compose::{self, Content};
use super::gather::Fact;
use super::rules::FactKind;
use super::surge::minutes;
use super::{links, queries};
use crate::accounts::ProjectId;
use crate::platform::App;
use crate::platform::outbox::{Failure, Job};
use crate::web::project_mail::ProjectMail;
use crate::web::urls;

/// The kind of job of a [`Stopped`].
pub(in crate::alerts) const PROJECT_STOPPED: &str = "project.stopped";
/// The kind of job of a [`Back`].
pub(in crate::alerts) const PROJECT_BACK: &str = "project.back";

/// When it is told that events are back.
const LATER: &str = "That events are back gets no mail of its own: it comes with the next that gathers several things.";

/// Nothing comes any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alerts) struct Stopped {
    /// Of which project.
    pub(in crate::alerts) project: ProjectId,
    /// The end of the last minute with events.
    pub(in crate::alerts) last: DateTime<Utc>,
    /// Minutes since then in which this server listened.
    pub(in crate::alerts) minutes: i32,
    /// The longest silence of the week before, in minutes.
    pub(in crate::alerts) longest: i32,
}

/// Events came again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alerts) struct Back {
    /// Of which project.
    pub(in crate::alerts) project: ProjectId,
    /// When it was found that they had stopped.
    pub(in crate::alerts) stopped_at: DateTime<Utc>,
}

impl Stopped {
    /// "Silence: nothing for 95 minutes, which never happens".
    pub(in crate::alerts) fn note(&self) -> String {
        format!("Silence: {}", self.headline())
    }

    fn headline(&self) -> String {
        format!("nothing for {}, which never happens", minutes(self.minutes.into()))
    }
}

impl Back {
    /// "Events are back: they had stopped until …".
    pub(in crate::alerts) fn note(&self) -> String {
        format!("Events are back. That they had stopped was found at {}.", compose::date(self.stopped_at))
    }
}

/// Tells that events stopped.
pub(super) async fn told(app: &App, job: &Job) -> Result<(), Failure> {
    compose::of_project(app, job, (FactKind::EventsStopped, |stopped: &Stopped| stopped.project), None).await
}

/// Notes that they are back, for the next mail that gathers several facts.
pub(super) async fn back(app: &App, job: &Job) -> Result<(), Failure> {
    compose::of_project(app, job, (FactKind::EventsBack, |back: &Back| back.project), Some(LATER)).await
}

/// The mail that says so; nothing when the project is gone.
pub(super) async fn content(app: &App, db: &mut PgConnection, fact: &Fact) -> anyhow::Result<Option<Content>> {
    let stopped: Stopped = serde_json::from_value(fact.detail.clone())?;
    let Some(about) = queries::told_project(db, stopped.project).await? else { return Ok(None) };
    let mail = ProjectMail {
        what: "Silence".to_owned(),
        lead: format!("No events from {}", about.project),
        headline: stopped.headline(),
        message: "A fix may have ended them. If not: does the program run, and does it reach Vedette? What arrives and is refused stands under Recent requests."
            .to_owned(),
        facts: vec![("Last event", compose::date(stopped.last)), ("Longest silence", format!("{}, in the week before", minutes(stopped.longest.into())))],
        open: "what arrived".to_owned(),
        url: app.absolute(&urls::project_requests(&about.slug)),
        settings_url: app.absolute(&urls::project_settings(&about.slug)),
        stop_url: links::stop_place(app),
        why: compose::why(&about.project, about.has_members),
        project: about.project,
        ..ProjectMail::default()
    };
    let kind = FactKind::EventsStopped.name();
    Ok(Some(Content { kind, subject: mail.subject(), bodies: mail.bodies()?, message: Message::of_project(kind, &mail) }))
}
