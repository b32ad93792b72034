//! # What goes wrong, as pages
//! **Promise.** The only place that knows status codes. People read what happened and what to do next; 5xx causes are never shown: an incident id stands on the page and in one ERROR line.
//! **Not here.** Answers to SDKs (`ingest`) and to `/api/0` (`api`): they have their own forms.

use std::{
    fmt,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::platform::db::is_unreachable;

use super::{
    page::{HOSTILE, Page, Sample},
    urls,
};

/// Messages beside the fields of a form; a message without field stands above it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(&'static str, String)>);

impl FieldErrors {
    /// One message about the request as a whole.
    pub fn general(message: impl Into<String>) -> Self {
        Self(vec![("", message.into())])
    }

    /// Adds a message beside `field`.
    #[must_use]
    pub fn with(mut self, field: &'static str, message: impl Into<String>) -> Self {
        self.0.push((field, message.into()));
        self
    }

    /// The first message beside `field` ("" = above the form).
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, message)| message.as_str())
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, message)) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            let colon = if field.is_empty() { "" } else { ": " };
            write!(f, "{separator}{field}{colon}{message}")?;
        }
        Ok(())
    }
}

/// What a handler may fail with.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Not there, or not yours.
    #[error("not found")]
    NotFound,
    /// The address is there, but not for this (a form's address opened as a page). axum adds what is allowed.
    #[error("wrong method")]
    WrongMethod,
    /// No session, or an ended one.
    #[error("sign in first")]
    Unauthenticated,
    /// A form was sent without a session: usually it ended while the page was open.
    #[error("the session has ended")]
    SessionEnded {
        /// The page with the form, a checked path of ours.
        next: String,
    },
    /// You may know that it exists, but not do this.
    #[error("not allowed")]
    Forbidden,
    /// The form or query does not fit.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// Somebody was faster, or a name is taken.
    #[error("{0}")]
    Conflict(&'static str),
    /// Too many attempts, or no capacity now.
    #[error("try later")]
    Busy {
        /// When it is worth another try.
        retry_after: Duration,
    },
    /// The database is not there yet, or for now.
    #[error("the database does not answer")]
    Away,
    /// The database's tables are being made, or brought up to date.
    #[error("the database is being set up")]
    SettingUp,
    /// Our fault; the cause is logged, not shown.
    #[error("internal error")]
    Internal(#[from] anyhow::Error),
}

impl HttpError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthenticated | Self::SessionEnded { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Away | Self::SettingUp => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(cause) if is_away(cause) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn page(&self) -> ErrorPage {
        let (title, text) = match self {
            Self::NotFound => ("Nothing is here", "The address is mistyped, the thing was deleted, or it belongs to a project you are not a member of.".to_owned()),
            Self::WrongMethod => ("This address is no page", "Something is sent to it by a button on another page; opening it does nothing, and nothing was changed.".to_owned()),
            Self::SessionEnded { .. } => ("Your session has ended", "So what you sent was not done: nothing was changed. Sign in, and you are back on the page you sent it from; then send it again.".to_owned()),
            Self::Unauthenticated => ("Sign in first", "This page needs a session, and yours has ended or never began.".to_owned()),
            Self::Forbidden => ("You may not do this", "Your account can see this place but not change it. An administrator can give you the right.".to_owned()),
            Self::Invalid(errors) => ("The request does not fit", errors.to_string()),
            Self::Conflict(message) => ("Something changed meanwhile", (*message).to_owned()),
            Self::Busy { retry_after } => ("Too many requests", format!("Try again in {} s. Nothing was changed.", retry_after.as_secs().max(1))),
            Self::SettingUp => ("The database is being set up", "Its tables are being made or brought up to date, which takes a moment after a first start or an update. Events are taken meanwhile and wait on disk. Try again in a few seconds.".to_owned()),
            Self::Internal(cause) if !is_away(cause) => ("This went wrong on our side", "Nothing you did caused it. Try again; if it stays, give the incident id to whoever runs this server: it finds the cause in the log.".to_owned()),
            Self::Away | Self::Internal(_) => ("The database does not answer", "Pages need it; events do not: they are taken and wait on disk, and show here when it is back. Try again in a moment.".to_owned()),
        };
        let action = match self {
            Self::Unauthenticated => ("Sign in", urls::sign_in()),
            Self::SessionEnded { next } => ("Sign in and go back", urls::sign_in_then(next)),
            _ => ("Go to the issues", urls::home()),
        };
        let incident = matches!(self, Self::Internal(cause) if !is_away(cause)).then(incident_id);
        ErrorPage { code: self.status().as_u16(), title, text, action: action.0, href: action.1, incident }
    }
}

/// Whether the cause is a database that is away, which is no defect of a page.
fn is_away(cause: &anyhow::Error) -> bool {
    cause.chain().any(|cause| cause.downcast_ref::<sqlx::Error>().is_some_and(is_unreachable))
}

/// Twelve hex digits that find the line in the log; drawn from std's hasher seed, since nothing depends on their secrecy.
fn incident_id() -> String {
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u8(0);
    format!("{:012x}", hasher.finish() >> 16)
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let page = self.page();
        if let (Self::Internal(cause), Some(incident)) = (&self, &page.incident) {
            tracing::error!(incident, "a page failed: {cause:#}");
        }
        // A template that cannot render an error page leaves only plain text.
        let text = page.render().unwrap_or_else(|_| page.title.to_owned());
        let mut response = (self.status(), [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            if let Self::Internal(cause) = &self {
                tracing::debug!("a page could not be made without the database: {cause:#}");
            }
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if let Self::Busy { retry_after } = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        response
    }
}

/// All that `templates/error.html` may print.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    code: u16,
    title: &'static str,
    text: String,
    action: &'static str,
    href: String,
    incident: Option<String>,
}

impl Page for ErrorPage {
    const NAME: &'static str = "error";

    fn samples() -> Vec<Sample<Self>> {
        let internal = Self { incident: Some("5f21c09ab3e7".to_owned()), ..HttpError::Internal(anyhow::anyhow!("never shown")).page() };
        vec![
            Sample::new("not-found", HttpError::NotFound.page()),
            Sample::new("wrong-method", HttpError::WrongMethod.page()),
            Sample::new("session-ended", HttpError::SessionEnded { next: HOSTILE.to_owned() }.page()),
            Sample::new("unauthenticated", HttpError::Unauthenticated.page()),
            Sample::new("hostile", HttpError::Invalid(FieldErrors::general(HOSTILE)).page()),
            Sample::new("setting-up", HttpError::SettingUp.page()),
            Sample::new("internal", internal),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn causes_stay_in_the_log_and_the_page_names_the_incident() {
        let response = HttpError::Internal(anyhow::anyhow!("password=hunter2 at 10.0.0.1")).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(!text.contains("hunter2") && text.contains("Incident"));
        assert_ne!(incident_id(), incident_id());
    }

    #[test]
    fn every_failure_has_its_status_and_says_what_to_do() {
        for (error, status) in [
            (HttpError::NotFound, 404),
            (HttpError::WrongMethod, 405),
            (HttpError::Unauthenticated, 401),
            (HttpError::SessionEnded { next: "/issues".to_owned() }, 401),
            (HttpError::Forbidden, 403),
            (HttpError::Invalid(FieldErrors::default().with("name", "is empty")), 422),
            (HttpError::Conflict("that slug is taken"), 409),
            (HttpError::Busy { retry_after: Duration::from_millis(10) }, 429),
            (HttpError::SettingUp, 503),
            (HttpError::Away, 503),
        ] {
            assert_eq!(error.status().as_u16(), status);
            let page = error.page();
            assert!(!page.text.is_empty() && page.href.starts_with('/'), "{error}");
        }
        let busy = HttpError::Busy { retry_after: Duration::from_millis(10) }.into_response();
        assert_eq!(busy.headers()[header::RETRY_AFTER], "1");
        let away = HttpError::Internal(anyhow::Error::new(sqlx::Error::PoolTimedOut).context("a page")).into_response();
        assert_eq!((away.status().as_u16(), &away.headers()[header::RETRY_AFTER]), (503, &HeaderValue::from_static("5")));
    }
}
