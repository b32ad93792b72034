//! A stored file on its way to whoever may see it: what it belongs to was looked up before, for that person.

use anyhow::Context as _;
use axum::body::Body;
use axum::response::Response;
use chrono::{DateTime, Utc};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use super::attachments::{self, Key, Place};
use crate::accounts::OurFault as _;
use crate::platform::App;
use crate::web::HttpError;
use crate::web::download::Download;

/// One file of an event that was received at that time: its bytes, to be saved; pictures may stand on our own pages.
pub async fn hand_out(app: &App, mut db: PoolConnection<Postgres>, key: Key, received: DateTime<Utc>) -> Result<Response, HttpError> {
    let stored = attachments::read(&mut db, key, received).await.ours()?.ok_or(HttpError::NotFound)?;
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
