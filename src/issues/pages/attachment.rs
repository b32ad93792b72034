//! One file that came with an event, streamed to whoever may see the event.

use axum::response::Response;
use uuid::Uuid;

use crate::accounts::{IssueId, OurFault as _, ProjectMember};
use crate::events::{Trail, hand_out};
use crate::platform::App;
use crate::web::{HttpError, Path};

/// `GET /issues/{issue}/events/{event}/attachments/{attachment}`.
#[tracing::instrument(name = "issues.attachment", skip_all, fields(issue.id = %issue, attachment.id = %attachment))]
pub(super) async fn download(
    app: App,
    _: ProjectMember,
    Path((issue, event, attachment)): Path<(IssueId, String, Uuid)>,
) -> Result<Response, HttpError> {
    let which = event.parse().map_err(|_| HttpError::NotFound)?;
    let mut db = app.db.acquire().await.ours()?;
    let event = Trail::of(&mut db, issue).await.ours()?.find(&mut db, which).await.ours()?.ok_or(HttpError::NotFound)?;
    hand_out(&app, db, (issue.project(), event.event_id, attachment), event.received).await
}
