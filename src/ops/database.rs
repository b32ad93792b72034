//! Whether pages can be made: the database answers and is set up.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::platform::App;
use crate::web::HttpError;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Database {
    /// It answers, and has the tables of this version.
    Up,
    /// It answers; this process is making its tables, or waits for another that does.
    SettingUp,
    /// It does not answer.
    Away,
}

impl Database {
    /// How it is now.
    pub(super) async fn of(app: &App) -> Self {
        match tokio::time::timeout(PATIENCE, sqlx::query_scalar!("select 1").fetch_one(&app.db)).await {
            Ok(Ok(_)) if app.is_set_up() => Self::Up,
            Ok(Ok(_)) => Self::SettingUp,
            _ => Self::Away,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::SettingUp => "being set up",
            Self::Away => "away",
        }
    }
}

/// Middleware: until the tables are there a page says so, instead of failing on each that is missing. Costs nothing from then on.
pub async fn until_set_up(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.is_set_up() {
        return next.run(request).await;
    }
    match Database::of(&app).await {
        Database::Up => next.run(request).await,
        Database::SettingUp => HttpError::SettingUp.into_response(),
        Database::Away => HttpError::Away.into_response(),
    }
}
