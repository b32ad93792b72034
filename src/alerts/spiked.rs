//! From a spike to what people are told of it, and of its end.

use serde_json::Value;
use sqlx::PgConnection;

use super::compose;
use super::gather::{self, Fact};
use super::queries;
use crate::accounts::IssueId;
use crate::issues::facts::{SpikeOver, Spiked};
use crate::issues::moving;
use crate::platform::App;
use crate::platform::outbox::{Failure, Job};
use crate::web::mail_view::{IssueMail, MailKind};
use crate::web::number;

/// Why an ignored issue's spike is told to nobody.
const IGNORED: &str = "The issue is ignored, so nobody was told.";
/// When the end of a spike is told.
const LATER: &str = "The end of a spike gets no mail of its own: it comes with the next that gathers several things.";

/// Tells of a spike.
pub(super) async fn told(app: &App, job: &Job) -> Result<(), Failure> {
    let spiked: Spiked = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let mut tx = app.db.begin().await?;
    let issue = moving::merged_into(&mut tx, spiked.issue).await?.unwrap_or(spiked.issue);
    let fact = Fact { detail: job.payload.clone(), ..Fact::of(MailKind::Spike, issue, None) };
    let Some(content) = compose::content(app, &mut tx, &fact).await? else {
        return compose::end(app, tx, job, compose::GONE).await;
    };
    if queries::is_ignored(&mut tx, issue).await? {
        gather::drop(app, &mut tx, &fact, (&content, IGNORED)).await?;
    } else {
        gather::tell(app, &mut tx, &fact, &content).await?;
    }
    compose::end(app, tx, job, compose::TOLD).await
}

/// What a mail says of a spike.
pub(super) async fn described(db: &mut PgConnection, issue: IssueId, (mail, detail): (IssueMail, &Value)) -> anyhow::Result<IssueMail> {
    let fact: Spiked = serde_json::from_value(detail.clone())?;
    Ok(IssueMail {
        unusual: compose::unusual(db, issue, Some(fact.since)).await?,
        spike: fact.words.clone(),
        since: compose::date(fact.since),
        peak: format!("{} in a minute", number::counted(fact.peak.into(), "event")),
        ..mail
    })
}

/// Notes that a spike is over, for the next mail that gathers several facts.
pub(super) async fn over(app: &App, job: &Job) -> Result<(), Failure> {
    let over: SpikeOver = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let mut tx = app.db.begin().await?;
    let issue = moving::merged_into(&mut tx, over.issue).await?.unwrap_or(over.issue);
    let fact = Fact { kind: "spike_over".to_owned(), detail: job.payload.clone(), ..Fact::of(MailKind::Spike, issue, None) };
    gather::keep(app, &mut tx, &fact, LATER).await?;
    compose::end(app, tx, job, compose::TOLD).await
}
