//! From an issue that is ignored no more to what people are told of it.

use super::compose;
use super::gather::{self, Fact};
use super::queries;
use crate::issues::facts::Unignored;
use crate::issues::moving;
use crate::platform::App;
use crate::platform::outbox::{Failure, Job};
use crate::web::mail_view::MailKind;

/// Why nobody is told after all.
const AGAIN: &str = "Meanwhile somebody ignored the issue again, so nobody was told.";

/// Tells that what an issue was ignored for has happened.
pub(super) async fn told(app: &App, job: &Job) -> Result<(), Failure> {
    let woken: Unignored = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let mut tx = app.db.begin().await?;
    let issue = moving::merged_into(&mut tx, woken.issue).await?.unwrap_or(woken.issue);
    let fact = Fact { detail: job.payload.clone(), ..Fact::of(MailKind::Unignored, issue, woken.event) };
    let is_there = if queries::is_ignored(&mut tx, issue).await? {
        gather::drop(app, &mut tx, &fact, AGAIN).await?
    } else {
        gather::tell(app, &mut tx, &fact).await?
    };
    compose::end(app, tx, job, if is_there { compose::TOLD } else { compose::GONE }).await
}
