//! One mail, handed to SMTP; what came of it goes into the log.

use super::links::{self, Signed};
use super::queries;
use crate::accounts::IssueId;
use crate::platform::App;
use crate::platform::mail::{Outgoing, Sent};
use crate::platform::outbox::{self, Failure, Job, MAX_ATTEMPTS};
use crate::web::escape::one_way;

/// Sends the mail whose number is the job's payload.
pub(super) async fn deliver(app: &App, job: &Job) -> Result<(), Failure> {
    let id: i64 = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let mail = queries::find(&mut *app.db.acquire().await?, id).await?;
    // Sent already: only the end of the job was lost.
    let Some(mail) = mail.filter(|mail| mail.line.status == "queued") else { return Ok(()) };
    let signed = Signed::of(app, &mail).await?;
    let outgoing = Outgoing {
        to: mail.line.recipient,
        subject: mail.line.subject,
        text: one_way(&signed.put(&mail.text_body)).into_owned(),
        html: signed.put(&mail.html_body),
        message_id: mail.message_id,
        in_reply_to: mail.line.issue_id.map(|issue| links::thread(app, IssueId(issue))),
        date: mail.line.created_at,
        headers: signed.headers(),
    };
    let sent = app.mailer.send(&outgoing).await;
    let now = app.clock.now();
    let (status, result) = match &sent {
        Ok(Sent::Accepted(said)) => ("sent", said.clone()),
        Ok(Sent::Kept) => ("kept", "No SMTP server is set (VEDETTE_SMTP_URL): read it here.".to_owned()),
        Err(error) if error.temporary && job.attempt < MAX_ATTEMPTS => ("queued", error.said.clone()),
        Err(error) => ("failed", error.said.clone()),
    };
    let mut tx = app.db.begin().await?;
    queries::record_attempt(&mut tx, id, now, (status, &result)).await?;
    if status != "queued" {
        outbox::complete(&mut tx, job.id).await?;
    }
    tx.commit().await?;
    match sent {
        Err(error) if status == "queued" => Err(Failure::Retry(error.into())),
        _ => Ok(()),
    }
}
