//! From feedback to mails: the first at once, what comes within some minutes of it in one mail more.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::channels::Message;
use super::compose::{self, Content};
use super::gather::{self, Fact};
use super::links;
use super::queries;
use super::rules::FactKind;
use crate::accounts::ProjectId;
use crate::feedback::{self, FEEDBACK_RECEIVED, Received, Told, Words};
use crate::platform::App;
use crate::platform::outbox::{self, Failure, Job};
use crate::web::feedback_mail::{FeedbackMail, MailWords};
use crate::web::{Link, urls};

/// Between two mails about feedback of one project.
pub(super) const PAUSE: TimeDelta = TimeDelta::minutes(10);
/// Messages in a mail.
const MOST: usize = 20;

/// The mails of a project about feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Pace {
    /// When the last was made.
    pub(super) last_at: Option<DateTime<Utc>>,
    /// When a job looks again.
    pub(super) due_at: Option<DateTime<Utc>>,
}

/// What to do about feedback that nobody was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Tell it.
    Tell,
    /// Look again then.
    Wait(DateTime<Utc>),
    /// Somebody looks again by then.
    Leave,
}

impl Pace {
    fn next(self, now: DateTime<Utc>) -> Next {
        match self.last_at.map(|last| last + PAUSE) {
            Some(until) if now < until && self.due_at.is_some_and(|due| due > now) => Next::Leave,
            // A clock that went back must not keep people waiting.
            Some(until) if now < until && until <= now + PAUSE => Next::Wait(until),
            _ => Next::Tell,
        }
    }
}

/// Mails about new feedback, now or later.
pub(super) async fn told(app: &App, job: &Job) -> Result<(), Failure> {
    let Received { project } = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let pace = queries::lock_pace(&mut tx, project).await?;
    // Of several facts in a row the first told all.
    let next = if feedback::has_untold(&mut tx, project).await? { pace.next(now) } else { Next::Leave };
    match next {
        Next::Leave => {}
        Next::Wait(until) => {
            outbox::enqueue_at(&mut tx, FEEDBACK_RECEIVED, &Received { project }, (now, until)).await?;
            queries::set_pace(&mut tx, project, Pace { due_at: Some(until), ..pace }).await?;
        }
        Next::Tell => {
            let told = feedback::tell(&mut tx, project, MOST).await?;
            if tell(app, &mut tx, project, &told).await? {
                queries::set_pace(&mut tx, project, Pace { last_at: Some(now), due_at: None }).await?;
            }
        }
    }
    compose::end(app, tx, job, compose::TOLD).await
}

/// Writes the mails, or why there are none. False: there was nothing to decide.
async fn tell(app: &App, db: &mut sqlx::PgConnection, project: ProjectId, told: &Told) -> anyhow::Result<bool> {
    let Some(about) = queries::told_project(db, project).await? else { return Ok(false) };
    let issue = match told.words.as_slice() {
        [alone] => alone.issue.as_ref().map(|(issue, _)| *issue),
        _ => None,
    };
    let mail = mail(app, &about, told);
    let kind = if told.open == 1 { "feedback" } else { "feedback_batch" };
    let content = Content { kind, subject: mail.subject(), bodies: mail.bodies()?, message: Message::of_feedback(kind, &mail) };
    match (told.open, told.sorted) {
        (0, 0) => return Ok(false),
        (0, _) => {
            compose::skip(app, db, (project, None), &content, "All of it had been sorted before the mail was due.").await?;
        }
        _ => {
            let fact = Fact { issue, ..Fact::of_project(FactKind::Feedback, project, json!({"messages": told.open})) };
            gather::tell_now(app, db, &fact, &content).await?;
        }
    }
    Ok(true)
}

fn mail(app: &App, about: &queries::ToldProject, told: &Told) -> FeedbackMail {
    let mut url = app.absolute(&urls::project_feedback(&about.slug, "", "", ""));
    if let ([alone], 1) = (told.words.as_slice(), told.open) {
        url = format!("{url}#{}", urls::feedback_anchor(alone.id));
    }
    FeedbackMail {
        words: told.words.iter().map(|words| mail_words(app, &about.short_prefix, words)).collect(),
        count: if told.open == 0 { told.sorted } else { told.open },
        url,
        settings_url: app.absolute(&urls::project_settings(&about.slug)),
        stop_url: links::stop_place(app),
        why: format!(
            "{} Names and addresses are what people typed; nobody has checked them.",
            compose::why(&about.project, about.has_members)
        ),
        project: about.project.clone(),
    }
}

fn mail_words(app: &App, prefix: &str, words: &Words) -> MailWords {
    let (issue, issue_title) = words.issue.clone().unzip();
    MailWords {
        who: words.who.clone(),
        email: words.email.clone(),
        is_address: words.is_address,
        message: words.message.clone(),
        at: compose::date(words.received),
        issue: issue.map(|issue| Link::new(issue.short_id(prefix), app.absolute(&urls::issue(issue)))),
        issue_title: issue_title.unwrap_or_default(),
        page: words.page.clone(),
        environment: words.environment.clone(),
        release: words.release.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_the_rest_when_the_pause_is_over() {
        let at = |minutes: i64| DateTime::from_timestamp(1_795_530_787 + minutes * 60, 0).unwrap();
        let pace = |last: Option<i64>, due: Option<i64>| Pace { last_at: last.map(at), due_at: due.map(at) };
        for (pace, now, next) in [
            (Pace::default(), 0, Next::Tell),
            (pace(Some(0), None), 0, Next::Wait(at(10))),
            (pace(Some(0), None), 9, Next::Wait(at(10))),
            (pace(Some(0), Some(10)), 9, Next::Leave),
            (pace(Some(0), Some(10)), 10, Next::Tell),
            (pace(Some(0), None), 10, Next::Tell),
            (pace(Some(0), None), 600, Next::Tell),
            // A job that never came, and a clock that was wrong by a year.
            (pace(Some(5), Some(1)), 6, Next::Wait(at(15))),
            (pace(Some(525_600), None), 0, Next::Tell),
        ] {
            assert_eq!(pace.next(at(now)), next, "{pace:?} at {now}");
        }
    }
}
