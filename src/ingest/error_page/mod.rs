//! # `/api/embed/error-page/`: the crash report dialog
//!
//! **Promise.** A page that calls `Sentry.showReportDialog()` gets a script that asks the person before it what happened; what they answer is
//! a user report, on disk before the dialog thanks. Whatever stands in the query is text to the page, never code. No cookies, no session.
//!
//! **How.** GET answers [`script`], POST takes the [`form`], both name DSN and event in the query. The report becomes an envelope with one item, so that
//! digest knows one form. The script's own words are in `dialog.js`.
//!
//! **When it breaks.** Errors are JSON that the dialog shows beside its fields; to whoever asks for a script they are an empty one, so that
//! a page which loads it does not break.
//!
//! **Not here.** What becomes of a report (`digest`, `feedback`).

mod form;
mod script;

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use self::form::Form;
use self::script::Options;
use super::Ingest;
use super::answer::{Stop, refused};
use super::client::Client;
use super::collect::Collector;
use super::handler::Arrival;
use super::sender::Sender;
use super::wire::drain;
use crate::projects::KeyInfo;
use crate::protocol::auth::{Credentials, DEFAULT_VERSION, Place};
use crate::protocol::envelope::ItemHeader;
use crate::protocol::record::Endpoint;
use crate::protocol::{Dsn, EventId, ItemKind, Refusal};

const METHODS: &str = "GET, POST, OPTIONS";
/// Bytes of a form: the longest texts that are taken, each character escaped.
const MAX_FORM: u64 = 64 * 1024;
/// Headers that a page may send although no browser needs them here.
const ALLOWED_HEADERS: &str = "Content-Type, Authorization, X-Requested-With";
/// Headers beyond those which are allowed on request.
const MAX_REQUESTED: usize = 40;
const CONTEXT: HeaderName = HeaderName::from_static("x-sentry-context");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What the caller is told.
#[derive(Debug)]
enum Told {
    Script(String),
    Json(StatusCode, Value),
    Stop(Stop),
}

impl From<Stop> for Told {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Refusal> for Told {
    fn from(refusal: Refusal) -> Self {
        Self::Stop(refusal.into())
    }
}

/// Everything at its path ([`Endpoint::ErrorPage`](super::route::Endpoint::ErrorPage)).
pub(super) async fn handle(ingest: &Ingest, request: Request<Body>) -> Response<Body> {
    let asked = request.headers().clone();
    let is_preflight = request.method() == Method::OPTIONS;
    let told =
        if is_preflight { Told::Json(StatusCode::OK, json!({})) } else { ingest.error_page(request).await.unwrap_or_else(|told| told) };
    let wants_script = asked.get_all(ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(|text| text.contains("text/javascript")));
    let mut response = answer(told, wants_script);
    dress(response.headers_mut(), &asked);
    response
}

fn answer(told: Told, wants_script: bool) -> Response<Body> {
    let (mut response, reason) = match told {
        Told::Script(script) => {
            let mut response = Response::new(Body::from(script));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
            return response;
        }
        Told::Json(status, json) => {
            let mut response = Response::new(Body::from(json.to_string()));
            *response.status_mut() = status;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            (response, json)
        }
        Told::Stop(stop) => {
            let response = refused(&stop, METHODS, "");
            let detail = response.headers().get("x-sentry-error").and_then(|text| text.to_str().ok()).unwrap_or_default().to_owned();
            (response, json!({"detail": detail}))
        }
    };
    if wants_script && !response.status().is_success() {
        *response.body_mut() = Body::empty();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
        if let Ok(context) = HeaderValue::from_str(&reason.to_string()) {
            response.headers_mut().insert(CONTEXT, context);
        }
    }
    response
}

/// CORS for the page that asks, and nothing that stays in a cache: the script may hold a person's name.
fn dress(headers: &mut HeaderMap, asked: &HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, asked.get(ORIGIN).cloned().unwrap_or(HeaderValue::from_static("*")));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    let requested = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok()).unwrap_or_default();
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let requested = requested.split(',').map(str::trim).filter(is_name).take(MAX_REQUESTED);
    let allowed: Vec<&str> = std::iter::once(ALLOWED_HEADERS).chain(requested).collect();
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_str(&allowed.join(", ")).unwrap_or(HeaderValue::from_static(ALLOWED_HEADERS)),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("1000"));
    headers.insert(VARY, HeaderValue::from_static("Accept, Origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CORP, HeaderValue::from_static("cross-origin"));
}

/// Which parameter cannot be used.
fn wrong(status: StatusCode, parameter: &str) -> Told {
    Told::Json(status, json!({parameter: "Missing or invalid parameter."}))
}

impl Ingest {
    async fn error_page(&self, request: Request<Body>) -> Result<Told, Told> {
        let received = (self.seams.now)();
        let (parts, body) = request.into_parts();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let client = Client::of(&parts, &self.settings.trusted_proxies);
        let sender = Arc::new(Sender::of(&parts, &client, received));
        let arrival = Arrival { received, client, project: None, credentials: None, parts, sender: Arc::clone(&sender) };
        let told = self.answer_page(arrival, body, &query).await;
        if let Err(Told::Stop(stop)) = &told
            && let Some(refused) = sender.refused(stop)
        {
            self.seams.requests.note(refused);
        }
        told
    }

    async fn answer_page(&self, arrival: Arrival, body: Body, query: &str) -> Result<Told, Told> {
        let options = Options::of(query);
        let admitted = self.admit_page(arrival, &options).await;
        let (arrival, key, dsn, event) = match admitted {
            Ok(admitted) => admitted,
            Err(told) => {
                drain(body).await;
                return Err(told);
            }
        };
        if arrival.parts.method != Method::POST {
            return Ok(Told::Script(script::script(&options, &format!("{}?{query}", dsn.error_page()))));
        }
        let read = self.read_form(&arrival, body).await;
        let report = read.map_err(|stop| self.count_stop(&key, stop))?;
        let report = report.checked().map_err(|errors| Told::Json(StatusCode::BAD_REQUEST, json!({"errors": errors})))?;
        self.take_report(&arrival, &key, event, &report).await?;
        Ok(Told::Json(StatusCode::OK, json!({})))
    }

    /// All that can be known before the body is read.
    async fn admit_page(&self, mut arrival: Arrival, options: &Options<'_>) -> Result<(Arrival, Arc<KeyInfo>, Dsn, EventId), Told> {
        if ![Method::GET, Method::HEAD, Method::POST].contains(&arrival.parts.method) {
            return Err(Refusal::MethodNotAllowed.into());
        }
        let event: EventId = options.text("eventId").parse().map_err(|_| wrong(StatusCode::BAD_REQUEST, "eventId"))?;
        let dsn: Dsn = options.text("dsn").parse().map_err(|_| wrong(StatusCode::NOT_FOUND, "dsn"))?;
        arrival.project = Some(dsn.project());
        let credentials =
            Credentials { key: dsn.key(), version: DEFAULT_VERSION, client: None, project: Some(dsn.project()), place: Place::Query };
        let key = self.key(&credentials, &arrival).await.map_err(|stop| match stop {
            Stop::Refused(Refusal::UnknownProject | Refusal::DisabledKey | Refusal::ForeignKey) => wrong(StatusCode::NOT_FOUND, "dsn"),
            stop => stop.into(),
        })?;
        arrival.credentials = Some(credentials);
        // Only a browser shows the dialog, and it says which page it is on: with a list of pages, silence is no answer.
        let takes_all = key.allowed_domains.is_empty() || key.allowed_domains.iter().any(|domain| domain.trim() == "*");
        if !takes_all && arrival.client.origin.is_none() {
            return Err(self.count_refusal(&key, Refusal::ForbiddenOrigin).into());
        }
        if arrival.parts.method == Method::POST {
            self.seams.journal.admit(0).map_err(|full| self.count_stop(&key, full.into()))?;
        }
        Ok((arrival, key, dsn, event))
    }

    async fn read_form(&self, arrival: &Arrival, body: Body) -> Result<Form, Stop> {
        Ok(Form::parse(&self.read_all(body, arrival.codings(MAX_FORM)?, MAX_FORM).await?))
    }

    /// Journals the report; returns once it is on disk.
    async fn take_report(&self, arrival: &Arrival, key: &KeyInfo, event: EventId, report: &Form) -> Result<(), Stop> {
        let said = json!({"event_id": event.to_string(), "name": report.name, "email": report.email, "comments": report.comments});
        let mut collector = Collector::new(&self.settings, None);
        collector.header.event_id = Some(event);
        let header = ItemHeader::of(ItemKind::UserReport);
        collector.add(header, said.to_string().as_bytes()).map_err(|stop| self.count_stop(key, stop))?;
        self.keep(collector, (arrival, key), Self::record(arrival, key, Endpoint::ErrorPage, Some(event))).await
    }
}
