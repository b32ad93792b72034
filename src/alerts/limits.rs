//! From a limit that was reached, or has ended, to mails.

use super::channels::Message;
use super::compose::{Content, date};
use super::gather::{self, Fact};
use super::links;
use super::queries;
use super::rules::FactKind;
use crate::accounts::ProjectId;
use crate::platform::App;
use crate::platform::outbox::{self, Failure, Job};
use crate::projects::quotas::LimitFact;
use crate::protocol::quota::LimitName;
use crate::web::limit_mail::LimitMail;
use crate::web::{number, urls};

/// Mails about a limit.
pub(super) async fn told(app: &App, job: &Job) -> Result<(), Failure> {
    let fact: LimitFact = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let project = ProjectId(fact.project);
    let mut tx = app.db.begin().await?;
    if let Some(mail) = mail(app, queries::limited(&mut tx, project, fact.key).await?, &fact) {
        let (subject, bodies) = (mail.subject(), mail.bodies()?);
        let kind = if fact.until.is_some() { FactKind::LimitEnded } else { FactKind::LimitReached };
        let content = Content { kind: kind.name(), subject, bodies, message: Message::of_limit(kind.name(), &mail) };
        gather::tell_now(app, &mut tx, &Fact::of_project(kind, project, job.payload.clone()), &content).await?;
    }
    outbox::complete(&mut tx, job.id).await?;
    tx.commit().await?;
    app.outbox.wake();
    Ok(())
}

/// Nothing when the project is gone.
fn mail(app: &App, found: Option<queries::Limited>, fact: &LimitFact) -> Option<LimitMail> {
    let queries::Limited { project, slug, key } = found?;
    let url = if fact.key == 0 { urls::project_limits(&slug) } else { urls::key(&slug, fact.key) };
    let words = LimitName::from_code(&fact.code).map_or_else(|| fact.code.clone(), LimitName::words);
    Some(LimitMail {
        limit: words.strip_prefix("the ").map_or_else(|| words.clone(), |rest| format!("The {rest}")),
        max: number::count(fact.max),
        key: key.unwrap_or_default(),
        since: date(fact.since),
        until: fact.until.map(date).unwrap_or_default(),
        dropped: fact.until.map(|_| number::count(fact.dropped)).unwrap_or_default(),
        is_changed: fact.is_changed,
        url: app.absolute(&url),
        settings_url: app.absolute(&urls::project_settings(&slug)),
        stop_url: links::stop_place(app),
        project,
    })
}
