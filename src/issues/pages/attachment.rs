//! One file that came with an event, streamed to whoever may see the event.

use anyhow::Context as _;
use axum::body::Body;
use axum::response::Response;
use uuid::Uuid;

use crate::accounts::{IssueId, OurFault as _, ProjectMember};
use crate::events::Trail;
use crate::events::attachments::{self, Place};
use crate::platform::App;
use crate::web::download::Download;
use crate::web::{HttpError, Path};

/// `GET /issues/{issue}/events/{event}/attachments/{attachment}`: its bytes, to be saved; pictures may stand on our own pages.
#[tracing::instrument(name = "issues.attachment", skip_all, fields(issue.id = %issue, attachment.id = %attachment))]
pub(super) async fn download(
    app: App,
    _: ProjectMember,
    Path((issue, event, attachment)): Path<(IssueId, String, Uuid)>,
) -> Result<Response, HttpError> {
    let which = event.parse().map_err(|_| HttpError::NotFound)?;
    let mut db = app.db.acquire().await.ours()?;
    let event = Trail::of(&mut db, issue).await.ours()?.find(&mut db, which).await.ours()?.ok_or(HttpError::NotFound)?;
    let key = (issue.project(), event.event_id, attachment);
    let stored = attachments::read(&mut db, key, event.received).await.ours()?.ok_or(HttpError::NotFound)?;
    // A download may take long; its connection need not wait for it.
    drop(db);
    let body = match stored.place {
        Some(Place::Row(bytes)) => Some(Body::from(bytes)),
        Some(Place::Blob(name)) => app.blobs.get(&name).await.context("the blob store does not answer")?.map(Body::from_stream),
        None => None,
    };
    let Some(body) = body else {
        tracing::error!("an attachment's bytes are gone from the blob store");
        return Err(HttpError::NotFound);
    };
    Ok(Download { filename: &stored.filename, image: &stored.image, size: stored.size as u64 }.answer(body))
}
