//! # Answers: statuses, bodies and headers that SDKs rely on
//!
//! **Promise.** Every answer has the CORS headers; a success is exactly 200 with JSON; a refusal has the body and `X-Sentry-Error` of the
//! protocol; a 429 says for how long.
//!
//! **Not here.** When which is given.

use axum::body::Body;
use axum::http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN};
use axum::http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::platform::journal::AppendError;
use crate::protocol::envelope::FramingError;
use crate::protocol::error::ErrorBody;
use crate::protocol::quota::LimitName;
use crate::protocol::rate_limits::{RateLimit, RateLimits, Scope};
use crate::protocol::store_body::PIXEL;
use crate::protocol::{Category, EventId, Refusal};

const SENTRY_ERROR: HeaderName = HeaderName::from_static("x-sentry-error");
const RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");

/// Beside those of Relay: what applications that instrument all requests to their own site send.
const ALLOWED_HEADERS: &str = "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type, authentication, \
     authorization, content-encoding, transfer-encoding, sentry-trace, baggage, x-csrftoken";

/// How long SDKs are asked not to send kinds that are not kept. An hour, so that an update that keeps them is noticed the same day.
const NOT_KEPT_SECONDS: u64 = 3600;
/// What a client is told to wait where nothing better is known.
const RETRY_SECONDS: u64 = 10;

/// Why a request was not taken.
#[derive(Debug)]
pub(super) enum Stop {
    /// By the rules of the protocol.
    Refused(Refusal),
    /// The journal does not take it.
    Journal(AppendError),
    /// Whether the key may send cannot be told while the database is away. SDKs pause on a 429 only; on a 503 some ask again at once.
    KeyUnavailable,
    /// Over a limit.
    Limited {
        /// Which.
        name: LimitName,
        /// How long it will last, in seconds.
        retry_after: u64,
        /// All limits of the key that are active.
        active: RateLimits,
    },
}

impl Stop {
    /// What the client is told, and why.
    pub(super) fn explained(&self) -> (Refusal, Option<String>) {
        let (refusal, _) = explain(self);
        let cause = match self {
            Self::Limited { name, .. } => Some(name.words()),
            _ => refusal.cause().map(str::to_owned),
        };
        (refusal, cause)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<FramingError> for Stop {
    fn from(error: FramingError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<AppendError> for Stop {
    fn from(error: AppendError) -> Self {
        Self::Journal(error)
    }
}

/// The CORS headers, which stand on every answer.
pub(super) fn with_cors(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-sentry-error, x-sentry-rate-limits, retry-after"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    response
}

/// 200, with the id of the envelope, or `{}`.
pub(super) fn accepted(id: Option<EventId>, not_kept: &[Category]) -> Response<Body> {
    let body = id.map_or_else(|| "{}".to_owned(), |id| format!("{{\"id\":\"{id}\"}}"));
    let mut response = json(StatusCode::OK, body);
    stop_sending(&mut response, not_kept);
    response
}

fn stop_sending(response: &mut Response<Body>, not_kept: &[Category]) {
    if !not_kept.is_empty() {
        let limit = RateLimit::new(NOT_KEPT_SECONDS, not_kept, Scope::Organization, "not_kept");
        put(response.headers_mut(), RATE_LIMITS, &limit.to_string());
    }
}

/// A success without a body. SDKs of kinds that are not kept are asked not to send them again.
pub(super) fn empty(status: StatusCode, not_kept: &[Category]) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    stop_sending(&mut response, not_kept);
    response
}

/// What crash reporters print: the id with hyphens, and nothing else.
pub(super) fn accepted_text(id: EventId, not_kept: &[Category]) -> Response<Body> {
    let mut response = Response::new(Body::from(id.uuid().hyphenated().to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    stop_sending(&mut response, not_kept);
    response
}

/// The answer to a probe.
pub(super) fn health(is_healthy: bool) -> Response<Body> {
    let status = if is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, format!("{{\"is_healthy\":{is_healthy}}}"))
}

/// The answer to a preflight.
pub(super) fn preflight() -> Response<Body> {
    json(StatusCode::OK, String::new())
}

/// Names limits in an answer, beside those that it names already.
pub(super) fn add_limits(mut response: Response<Body>, limits: &RateLimits) -> Response<Body> {
    if !limits.is_empty() {
        let before = response.headers().get(RATE_LIMITS).and_then(|value| value.to_str().ok());
        let all = before.map_or_else(|| limits.to_string(), |before| format!("{limits}, {before}"));
        put(response.headers_mut(), RATE_LIMITS, &all);
    }
    response
}

/// A refusal as JSON, with the DSN as it was understood.
pub(super) fn refused(stop: &Stop, allow: &'static str, dsn: &str) -> Response<Body> {
    let (refusal, limits) = explain(stop);
    let cause = stop.explained().1;
    let line = refusal.line(cause.as_deref());
    // The error page names its parameters itself.
    let text = if dsn.is_empty() { line } else { format!("{line} [DSN {dsn}]") };
    let body = ErrorBody { detail: refusal.detail(), causes: cause.into_iter().collect(), dsn: (!dsn.is_empty()).then(|| dsn.to_owned()) };
    let body = serde_json::to_string(&body).unwrap_or_default();
    let mut response = json(StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST), body);
    let headers = response.headers_mut();
    put(headers, SENTRY_ERROR, &text);
    if refusal == Refusal::MethodNotAllowed {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if !limits.is_empty() {
        put(headers, RATE_LIMITS, &limits.to_string());
    }
    let wait = match stop {
        // Other limits may last longer, and do not concern this request.
        Stop::Limited { retry_after, .. } => Some(*retry_after),
        _ => limits.retry_after().or_else(|| (refusal.status() == 503).then_some(RETRY_SECONDS)),
    };
    if let Some(seconds) = wait {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// The pixel: 200 whatever happened, for the script that asks for it cannot read the answer; what happened stands in the headers.
pub(super) fn pixel(refusal: Option<Response<Body>>) -> Response<Body> {
    let mut response = Response::new(Body::from(&PIXEL[..]));
    if let Some(mut refusal) = refusal {
        *response.headers_mut() = std::mem::take(refusal.headers_mut());
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What the protocol says of a fault of the journal: it can take more later (429, on which SDKs pause), or it cannot (503).
fn explain(stop: &Stop) -> (Refusal, RateLimits) {
    let error = match stop {
        Stop::Refused(refusal) => return (refusal.clone(), RateLimits::default()),
        Stop::Limited { active, .. } => return (Refusal::RateLimited, active.clone()),
        Stop::Journal(error) => error,
        Stop::KeyUnavailable => {
            let limit = RateLimit::new(RETRY_SECONDS, &[], Scope::Organization, "database_away");
            return (Refusal::RateLimited, RateLimits(vec![limit]));
        }
    };
    let seconds = match error {
        AppendError::Full { retry_after } | AppendError::DiskLow { retry_after, .. } => retry_after.as_secs().max(1),
        AppendError::Io { .. } => RETRY_SECONDS,
        AppendError::TooLarge { .. } => return (Refusal::TooLarge(None), RateLimits::default()),
        AppendError::Closed => return (Refusal::Unavailable, RateLimits::default()),
    };
    (Refusal::RateLimited, RateLimits(vec![RateLimit::new(seconds, &[], Scope::Organization, journal_reason(error))]))
}

/// What a fault of the journal is called, in headers and in counts.
pub(super) const fn journal_reason(error: &AppendError) -> &'static str {
    match error {
        AppendError::Full { .. } => "journal_full",
        AppendError::DiskLow { .. } => "disk_low",
        AppendError::Io { .. } => "disk_failed",
        AppendError::TooLarge { .. } => "record_too_large",
        AppendError::Closed => "shutting_down",
    }
}

fn json(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Stop {
    /// The same for clients that would take a 429 for a failure, and try again for ever.
    pub(super) fn without_limit(self) -> Self {
        match explain(&self).0 {
            Refusal::RateLimited => Self::Refused(Refusal::Overloaded),
            _ => self,
        }
    }
}

/// Header texts come from here and from grammars without control characters; one that were none would be left out.
fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
