//! From a surge, a project as a whole doing what it never does, to what people are told of it, and of its end.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::channels::Message;
use super::compose::{self, Content};
use super::gather::Fact;
use super::rules::FactKind;
use super::{links, queries};
use crate::accounts::{IssueId, ProjectId};
use crate::platform::App;
use crate::platform::outbox::{Failure, Job};
use crate::web::digest_mail::DigestLine;
use crate::web::number;
use crate::web::project_mail::ProjectMail;
use crate::web::urls::{self, IssueQuery};

/// The kind of job of a [`Surge`].
pub(in crate::alerts) const PROJECT_SURGED: &str = "project.surged";
/// The kind of job of a [`SurgeOver`].
pub(in crate::alerts) const PROJECT_SURGE_OVER: &str = "project.surge_over";

/// When the end of a surge is told.
const LATER: &str = "The end of a surge gets no mail of its own: it comes with the next that gathers several things.";

/// Many issues of a project at once have more events than is usual for all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::alerts) struct Surge {
    /// Which.
    pub(in crate::alerts) project: ProjectId,
    /// When it began.
    pub(in crate::alerts) since: DateTime<Utc>,
    /// The end of the minute in which it was found.
    pub(in crate::alerts) at: DateTime<Utc>,
    /// Minutes of the window that showed it.
    pub(in crate::alerts) window: i64,
    /// Events in the largest minute.
    pub(in crate::alerts) peak: u32,
    /// "812 in 5 min, usually 40 per hour".
    pub(in crate::alerts) words: String,
    /// Open issues with events in the window.
    pub(in crate::alerts) issues: i64,
    /// Those with most events in it, and how many.
    pub(in crate::alerts) busiest: Vec<(IssueId, i64)>,
}

/// It does so no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alerts) struct SurgeOver {
    /// Which.
    pub(in crate::alerts) project: ProjectId,
    /// When it began.
    pub(in crate::alerts) since: DateTime<Utc>,
    /// "after 45 min: 312 events, 41 in the largest minute".
    pub(in crate::alerts) words: String,
}

impl Surge {
    /// "Surge: 812 in 5 min, usually 40 per hour, across 37 issues".
    pub(in crate::alerts) fn note(&self) -> String {
        format!("Surge: {}", self.headline())
    }

    fn headline(&self) -> String {
        format!("{} across {}", self.words, number::counted(self.issues, "issue"))
    }
}

impl SurgeOver {
    /// "A surge is over, after 45 min: 312 events, 41 in the largest minute".
    pub(in crate::alerts) fn note(&self) -> String {
        format!("A surge is over, {}", self.words)
    }
}

/// Tells of a surge.
pub(super) async fn told(app: &App, job: &Job) -> Result<(), Failure> {
    compose::of_project(app, job, (FactKind::Surge, |surge: &Surge| surge.project), None).await
}

/// Notes that a surge is over, for the next mail that gathers several facts.
pub(super) async fn over(app: &App, job: &Job) -> Result<(), Failure> {
    compose::of_project(app, job, (FactKind::SurgeOver, |over: &SurgeOver| over.project), Some(LATER)).await
}

/// The mail about a surge alone; nothing when the project is gone.
pub(super) async fn content(app: &App, db: &mut PgConnection, fact: &Fact) -> anyhow::Result<Option<Content>> {
    let surge: Surge = serde_json::from_value(fact.detail.clone())?;
    let Some(about) = queries::told_project(db, surge.project).await? else { return Ok(None) };
    let issues: Vec<IssueId> = surge.busiest.iter().map(|(issue, _)| *issue).collect();
    let titles = queries::titles(db, &issues).await?;
    let line = |(issue, events): &(IssueId, i64)| {
        let title = titles.get(issue)?;
        Some(DigestLine {
            short_id: issue.short_id(&about.short_prefix),
            title: title.title.clone(),
            url: app.absolute(&urls::issue(*issue)),
            facts: format!("{} in {}", number::counted(*events, "event"), minutes(surge.window)),
            level: title.level.clone(),
        })
    };
    let lines: Vec<DigestLine> = surge.busiest.iter().filter_map(line).collect();
    let list = IssueQuery { project: about.slug.clone(), ..IssueQuery::default() };
    let mail = ProjectMail {
        what: "Surge".to_owned(),
        lead: format!("Many issues of {} at once", about.project),
        headline: surge.headline(),
        message: "All of the project does what it never does. Spikes of single issues that are part of it come together in one mail."
            .to_owned(),
        facts: vec![
            ("Since", compose::date(surge.since)),
            ("Largest minute", number::counted(surge.peak.into(), "event")),
            ("Issues", number::count(surge.issues)),
        ],
        more: surge.issues.saturating_sub(lines.len() as i64),
        lines,
        open: "the issues".to_owned(),
        url: app.absolute(&list.url()),
        settings_url: app.absolute(&urls::project_settings(&about.slug)),
        stop_url: links::stop_place(app),
        why: compose::why(&about.project, about.has_members),
        project: about.project,
    };
    let kind = FactKind::Surge.name();
    Ok(Some(Content { kind, subject: mail.subject(), bodies: mail.bodies()?, message: Message::of_project(kind, &mail) }))
}

/// "5 minutes", "4 hours".
pub(super) fn minutes(minutes: i64) -> String {
    if minutes < 120 { number::counted(minutes, "minute") } else { number::counted(minutes / 60, "hour") }
}

#[cfg(test)]
mod tests {
    use super::minutes;

    #[test]
    fn spans_are_short() {
        assert_eq!([1, 5, 119, 120, 241].map(minutes), ["1 minute", "5 minutes", "119 minutes", "2 hours", "4 hours"]);
    }
}
