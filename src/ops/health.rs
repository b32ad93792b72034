//! `/healthz`: for load balancers, container health checks and people in a hurry.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use serde_json::json;

use super::database::Database;
use crate::platform::App;
use crate::platform::journal::Journal;

/// `/healthz`, for anybody.
pub fn health_routes(app: App, journal: Arc<Journal>) -> Router {
    Router::new().route("/healthz", get(health)).with_state((app, journal))
}

async fn health(State((app, journal)): State<(App, Arc<Journal>)>) -> Response {
    let database = Database::of(&app).await;
    let room = journal.room();
    let stats = journal.stats();
    let body = json!({
        "status": if room.is_err() { "refusing" } else if database == Database::Up { "ok" } else { "waiting" },
        "version": env!("CARGO_PKG_VERSION"),
        "database": database.name(),
        "journal": {
            "room": room.is_ok(),
            "records": stats.records,
            "bytes": stats.bytes,
            "max_bytes": stats.max_bytes,
            "dead_letters": stats.dead_letters,
        },
    });
    let status = if room.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
