//! The whole URL table. Rooms list their routes as data; one test walks the table as anonymous, stranger, member and administrator.

use axum::Router;
use axum::middleware::from_fn;
use axum::response::Redirect;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;

use crate::accounts::{self, Route};
use crate::platform::App;
use crate::web::{HttpError, assets, headers};
use crate::{alerts, feedback, issues, ops, projects};

/// Every route of the dashboard. SDK endpoints and `/healthz` stand outside: they are public and have their own rules.
pub fn table() -> Vec<Route> {
    [accounts::routes(), projects::routes(), issues::routes(), feedback::routes(), alerts::routes(), ops::routes()].concat()
}

/// The dashboard: the table behind its guards, cross-site protection, security headers, compression.
pub(crate) fn dashboard(app: &App) -> Router {
    let mut csrf = CsrfLayer::new();
    // Proxies may rewrite Host: the public address is trusted whatever Host says.
    if let Ok(trusting) = CsrfLayer::new().add_trusted_origin(app.url.origin().ascii_serialization()) {
        csrf = trusting;
    }
    accounts::router(table(), app)
        .route("/static/{hash}/{name}", axum::routing::get(assets::serve))
        .route("/favicon.ico", axum::routing::get(async || Redirect::permanent(assets::icon())))
        .fallback(async || HttpError::NotFound)
        .method_not_allowed_fallback(async || HttpError::NotFound)
        .with_state(app.clone())
        .layer(csrf)
        .layer(from_fn(headers::security_headers))
        .layer(CompressionLayer::new())
}
