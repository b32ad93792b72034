//! From a spike to mails, and from its end to a line of the log.

use super::compose::{self, Content};
use super::queries;
use crate::events::Which;
use crate::issues::facts::{SpikeOver, Spiked};
use crate::issues::moving;
use crate::platform::App;
use crate::platform::outbox::{Failure, Job};
use crate::web::mail_view::{Bodies, IssueMail, MailKind};
use crate::web::number;

/// Why an ignored issue's spike is told to nobody.
const IGNORED: &str = "The issue is ignored, so nobody was told.";
/// Why the end of a spike is told to nobody.
const NO_MAIL: &str = "The end of a spike gets no mail of its own. It stands in the issue's activity.";

/// Mails about a spike: one per member.
pub(super) async fn told(app: &App, job: &Job) -> Result<(), Failure> {
    let fact: Spiked = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let mut tx = app.db.begin().await?;
    // It may have been merged since.
    let issue = moving::merged_into(&mut tx, fact.issue).await?.unwrap_or(fact.issue);
    let Some(mail) = compose::mail(app, &mut tx, (issue, Which::Latest), MailKind::Spike).await? else {
        return compose::end(app, tx, job, compose::GONE).await;
    };
    let mail = IssueMail {
        spike: fact.words.clone(),
        since: compose::date(fact.since),
        peak: format!("{} in a minute", number::counted(fact.peak.into(), "event")),
        ..mail
    };
    let content = Content { kind: "spike", subject: mail.subject(MailKind::Spike), bodies: mail.bodies(MailKind::Spike)? };
    let about = (issue.project(), Some(issue));
    if queries::is_ignored(&mut tx, issue).await? {
        compose::skip(app, &mut tx, about, &content, IGNORED).await?;
    } else {
        compose::write(app, &mut tx, about, &content).await?;
    }
    compose::end(app, tx, job, compose::TOLD).await
}

/// A line about the end of a spike.
pub(super) async fn over(app: &App, job: &Job) -> Result<(), Failure> {
    let fact: SpikeOver = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let mut tx = app.db.begin().await?;
    let issue = moving::merged_into(&mut tx, fact.issue).await?.unwrap_or(fact.issue);
    if let Some(facts) = queries::facts(&mut tx, issue).await? {
        let (kind, message) = crate::issues::view::split_title(&facts.title);
        let mail = IssueMail { project: facts.project, kind, message, spike: fact.words(), ..IssueMail::default() };
        let bodies = Bodies { text: String::new(), html: String::new() };
        let content = Content { kind: "spike_over", subject: mail.over_subject(), bodies };
        compose::skip(app, &mut tx, (issue.project(), Some(issue)), &content, NO_MAIL).await?;
    }
    compose::end(app, tx, job, compose::TOLD).await
}
