//! The whole URL table. Rooms list their routes as data; one test walks the table as anonymous, stranger, member and administrator.

use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use http::StatusCode;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;

use crate::accounts::{self, Route};
use crate::platform::App;
use crate::web::{HttpError, assets, headers};
use crate::{alerts, feedback, issues, ops, projects};

/// How long a page may take, the form that comes with the request included.
const PATIENCE: Duration = Duration::from_mins(1);

/// Every route of the dashboard. SDK endpoints and `/healthz` stand outside: they are public and have their own rules.
pub fn table() -> Vec<Route> {
    [accounts::routes(), projects::routes(), issues::routes(), feedback::routes(), alerts::routes(), ops::routes()].concat()
}

/// Whether a path of ours begins with this segment, so that the public address's cannot.
pub(crate) fn is_taken(segment: &str) -> bool {
    let first = |path: &str| path.split('/').nth(1) == Some(segment);
    ["/api", "/static", "/healthz", "/favicon.ico"].into_iter().any(first) || table().iter().any(|route| first(route.path))
}

/// The dashboard: the table behind its guards, cross-site protection, security headers, compression.
pub(crate) fn dashboard(app: &App) -> Router {
    let mut csrf = CsrfLayer::new();
    // Proxies may rewrite Host: the public address is trusted whatever Host says.
    if let Ok(trusting) = CsrfLayer::new().add_trusted_origin(app.url.origin().ascii_serialization()) {
        csrf = trusting;
    }
    accounts::router(table(), app)
        .layer(from_fn_with_state(app.clone(), ops::until_set_up))
        .route("/static/{hash}/{name}", axum::routing::get(assets::serve))
        .route("/favicon.ico", axum::routing::get(async || Redirect::permanent(&assets::icon())))
        .fallback(async || HttpError::NotFound)
        .method_not_allowed_fallback(async || HttpError::WrongMethod)
        .with_state(app.clone())
        .layer(csrf)
        .layer(from_fn(headers::security_headers))
        // Files are handed out as they were sent, with their length.
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(NotForContentType::new("application/octet-stream"))))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
}
