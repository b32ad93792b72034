//! What people do in the delivery log: try a failed mail again, have a test mail sent.

use axum::response::Response;
use chrono::TimeDelta;

use super::channels::CHANNEL_SEND;
use super::compose::new_message_id;
use super::{MAIL_SEND, pages, queries};
use crate::accounts::{OurFault as _, Viewer, see_other};
use crate::platform::App;
use crate::platform::mail::{Mailer, Outgoing, Sent};
use crate::platform::outbox;
use crate::web::{Flash, HttpError, Path, mail_view, urls};

/// Between two test mails of one person; longer than sending one may take.
const TEST_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// `POST /mails/{id}/again`: by whoever may read the mail.
pub(super) async fn again(app: App, viewer: Viewer, Path(id): Path<i64>) -> Result<Response, HttpError> {
    pages::visible(&app, &viewer, id).await?;
    let flash = if try_again(&app, &viewer, id).await? {
        app.outbox.wake();
        Flash::done("It is being tried again; what comes of it stands here in a moment.")
    } else {
        Flash::warning("There is nothing to try again: it is under way, or was delivered, or is too old.")
    };
    Ok(see_other(&urls::mail(id), &flash))
}

/// Puts the mail, or the writing of mails, back into the queue. False: there is nothing to put back.
async fn try_again(app: &App, viewer: &Viewer, id: i64) -> Result<bool, HttpError> {
    let mut tx = app.db.begin().await.ours()?;
    let Some(found) = queries::lock(&mut tx, id, &retriable(app)).await.ours()? else { return Ok(false) };
    let now = app.clock.now();
    let is_revived = match found.job_id {
        Some(job) => outbox::revive(&mut tx, job, now).await.ours()?,
        None => false,
    };
    if !is_revived {
        if !found.is_written {
            return Ok(false);
        }
        outbox::enqueue(&mut tx, if found.is_post { CHANNEL_SEND } else { MAIL_SEND }, &id, now).await.map_err(HttpError::Internal)?;
    }
    queries::record_attempt(&mut tx, id, now, ("queued", &format!("{} asked to try again.", viewer.email))).await.ours()?;
    tx.commit().await.ours()?;
    Ok(true)
}

/// States from which a mail can be sent: one that was kept needs a server to send it by.
pub(super) fn retriable(app: &App) -> Vec<String> {
    let kept = (!matches!(app.mailer, Mailer::Kept)).then(|| "kept".to_owned());
    kept.into_iter().chain(["failed".to_owned()]).collect()
}

/// `POST /mails/test`: one mail to the administrator who asks, now; the answer is the SMTP server's.
pub(super) async fn test(app: App, viewer: Viewer) -> Result<Response, HttpError> {
    let answer = |flash| Ok(see_other(&urls::mails(), &flash));
    if matches!(app.mailer, Mailer::Kept) {
        return answer(Flash::warning("No SMTP server is set, so no mail can be sent: set VEDETTE_SMTP_URL and start again."));
    }
    let now = app.clock.now();
    let may_send = queries::take_test(&mut *app.db.acquire().await.ours()?, viewer.user_id, (now - TEST_PAUSE, now)).await.ours()?;
    if !may_send {
        return answer(Flash::warning(format!("One test mail in {} seconds: try again in a moment.", TEST_PAUSE.num_seconds())));
    }
    let bodies = mail_view::test_bodies(&app.absolute(&urls::mails())).map_err(|error| HttpError::Internal(error.into()))?;
    let mail = Outgoing {
        to: viewer.email.clone(),
        subject: "[Vedette] Test mail".to_owned(),
        text: bodies.text,
        html: bodies.html,
        message_id: new_message_id(&app),
        in_reply_to: None,
        date: now,
        headers: Vec::new(),
    };
    answer(match app.mailer.send(&mail).await {
        Ok(Sent::Accepted(said)) => Flash::done(format!("The SMTP server took the test mail to {}: {said}", viewer.email)),
        Ok(Sent::Kept) => Flash::warning("No SMTP server is set, so no mail can be sent."),
        Err(error) => Flash::warning(format!("The test mail to {} was not sent: {error}", viewer.email)),
    })
}
