//! # The handler: from a request to an answer
//!
//! **Promise.** Every request gets one answer with CORS headers; refusals with a known project are counted.
//!
//! **How.** Path, method, credentials, key, project, origin, room in the journal: in this order, before the body is read. An envelope that brings
//! its credentials inside is read as far as its first line for them.
//!
//! **Not here.** What the endpoints do with their bodies: one file each ([`super::envelope`], [`super::store`], [`super::security`] …).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Method, Request, Response};
use chrono::{DateTime, Utc};

use super::Ingest;
use super::answer::{Stop, health, journal_reason, pixel, preflight, refused, with_cors};
use super::client::{Client, text};
use super::collect::{Collected, Collector};
use super::error_page;
use super::route::{Endpoint, Route};
use super::sender::Sender;
use super::wire::drain;
use crate::platform::journal;
use crate::projects::{KeyAnswer, KeyInfo};
use crate::protocol::auth::{self, Credentials, Places};
use crate::protocol::encoding::Codings;
use crate::protocol::record::{self, Record};
use crate::protocol::{Category, DsnId, ItemKind, Outcome, Refusal, origin};

/// A request whose head was read.
pub(super) struct Arrival {
    /// The moment of arrival; travels with the envelope for ever.
    pub(super) received: DateTime<Utc>,
    pub(super) client: Client,
    /// The project of the path.
    pub(super) project: Option<DsnId>,
    /// What was found outside the body.
    pub(super) credentials: Option<Credentials>,
    pub(super) parts: Parts,
    /// For answers and lists of what was refused.
    pub(super) sender: Arc<Sender>,
}

impl Arrival {
    /// How the body is encoded; refuses one that says itself that it is larger than `cap` can be on the wire.
    pub(super) fn codings(&self, cap: u64) -> Result<Codings, Refusal> {
        let lines: Vec<_> =
            self.parts.headers.get_all("content-encoding").iter().filter_map(|line| std::str::from_utf8(line.as_bytes()).ok()).collect();
        let codings = Codings::parse(Some(&lines.join(",")))?;
        if self.content_length() > codings.wire_cap(cap) { Err(Refusal::TooLarge(None)) } else { Ok(codings) }
    }

    /// The content type without its parameters, in lower case; empty where there is none.
    pub(super) fn media_type(&self) -> String {
        let full = text(&self.parts.headers, "content-type").unwrap_or_default();
        full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// How long the body will be; 0 when it does not say.
    fn content_length(&self) -> u64 {
        text(&self.parts.headers, "content-length").and_then(|length| length.trim().parse().ok()).unwrap_or(0)
    }
}

/// Everything below `/api/` that no other room claims.
pub(super) async fn handle(State(ingest): State<Arc<Ingest>>, request: Request<Body>) -> Response<Body> {
    let route = Route::parse(request.uri().path());
    // It has rules of its own, those on other pages' requests among them.
    if matches!(&route, Ok(Route { endpoint: Endpoint::ErrorPage, .. })) {
        return error_page::handle(&ingest, request).await;
    }
    with_cors(ingest.answer(route, request).await)
}

impl Ingest {
    async fn answer(&self, route: Result<Route, Refusal>, request: Request<Body>) -> Response<Body> {
        let received = (self.seams.now)();
        // A preflight carries no credentials, and says what it likes about a path that is not there.
        if request.method() == Method::OPTIONS {
            return preflight();
        }
        let (parts, body) = request.into_parts();
        let client = Client::of(&parts, &self.settings.trusted_proxies);
        let sender = Arc::new(Sender::of(&parts, &client, received));
        let route = match route {
            Ok(route) => route,
            Err(refusal) => {
                drain(body).await;
                return self.refuse(&refusal.into(), "", &sender);
            }
        };
        if !route.takes(&parts.method) {
            drain(body).await;
            return self.refuse(&Refusal::MethodNotAllowed.into(), route.methods(), &sender);
        }
        let is_pixel = route.endpoint == Endpoint::Store && parts.method == Method::GET;
        let (allow, may_be_limited) = (route.methods(), route.may_be_limited());
        let arrival = Arrival { received, client, project: route.project, credentials: None, parts, sender: Arc::clone(&sender) };
        let stop = match self.receive(route, arrival, body).await {
            Ok(_) if is_pixel => return pixel(None),
            Ok(response) => {
                return match sender.owner() {
                    Some(key) => self.with_limits(response, key, received),
                    None => response,
                };
            }
            Err(stop) if may_be_limited => stop,
            Err(stop) => stop.without_limit(),
        };
        let refused = self.refuse(&stop, allow, &sender);
        if is_pixel { pixel(Some(refused)) } else { refused }
    }

    /// The answer to a request that is not taken, which is noted.
    fn refuse(&self, stop: &Stop, allow: &'static str, sender: &Sender) -> Response<Body> {
        if let Some(request) = sender.refused(stop) {
            self.seams.requests.note(request);
        }
        refused(stop, allow, &sender.dsn())
    }

    async fn receive(&self, route: Route, mut arrival: Arrival, body: Body) -> Result<Response<Body>, Stop> {
        match route.endpoint {
            Endpoint::Live => return Ok(health(true)),
            Endpoint::Ready => return Ok(health(self.seams.journal.admit(0).is_ok())),
            _ => {}
        }
        let admitted = self.admit(&mut arrival, &route).await.and_then(|key| match &key {
            Some(known) => {
                self.stop_before_body(&route, known, (arrival.content_length(), arrival.received))?;
                Ok(key)
            }
            None => Ok(None),
        });
        let key = match admitted {
            Ok(key) => key,
            Err(stop) => {
                drain(body).await;
                return Err(stop);
            }
        };
        let is_envelope = match route.endpoint {
            Endpoint::Envelope => true,
            Endpoint::Store => arrival.parts.method != Method::GET && arrival.media_type() == "application/x-sentry-envelope",
            _ => false,
        };
        if is_envelope {
            return self.envelope(arrival, key, body).await;
        }
        let Some(key) = key else {
            drain(body).await;
            return Err(Refusal::MissingAuth.into());
        };
        match route.endpoint {
            Endpoint::Store => self.store(arrival, key, body).await,
            Endpoint::Security => self.security(arrival, key, body).await,
            Endpoint::Cron(monitor) => self.check_in(arrival, key, body, &monitor).await,
            Endpoint::Unreal => self.unreal(arrival, key, body).await,
            Endpoint::Minidump => self.minidump(arrival, key, body).await,
            Endpoint::Attachments(event) => self.attachments(arrival, key, body, event).await,
            endpoint => self.telemetry(arrival, key, body, &endpoint).await,
        }
    }

    /// All that can be known before the body is read. `None` for an envelope that may bring its credentials inside.
    async fn admit(&self, arrival: &mut Arrival, route: &Route) -> Result<Option<Arc<KeyInfo>>, Stop> {
        let headers = &arrival.parts.headers;
        // Names of clients come in any encoding; the key beside them is plain.
        let lossy = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let (sentry_header, authorization) = (lossy("x-sentry-auth"), lossy("authorization"));
        let places = Places {
            sentry_header: sentry_header.as_deref(),
            authorization: authorization.as_deref(),
            query: arrival.parts.uri.query(),
            path_key: route.key.as_deref(),
        };
        arrival.credentials = auth::find(&places)?;
        let key = match &arrival.credentials {
            Some(credentials) => Some(self.key(credentials, arrival).await?),
            None => None,
        };
        let is_wrong_type = route.content_types().is_some_and(|known| !known.contains(&&*arrival.media_type()));
        let admitted = self.seams.journal.admit(arrival.content_length()).map_err(Stop::from);
        let admitted = if is_wrong_type { Err(Refusal::UnsupportedMediaType.into()) } else { admitted };
        match (admitted, &key) {
            (Ok(()), _) => Ok(key),
            (Err(stop), Some(key)) => Err(self.count_stop(key, stop)),
            (Err(stop), None) => Err(stop),
        }
    }

    /// The key of credentials, if it may send to this project from this page.
    pub(super) async fn key(&self, credentials: &Credentials, arrival: &Arrival) -> Result<Arc<KeyInfo>, Stop> {
        arrival.sender.sent(credentials);
        let key = match (self.seams.lookup)(credentials.key).await {
            KeyAnswer::Known(key) => key,
            KeyAnswer::Unknown => return Err(Refusal::UnknownProject.into()),
            KeyAnswer::Unavailable => return Err(Stop::KeyUnavailable),
        };
        arrival.sender.belongs_to(&key);
        if arrival.project.is_some_and(|project| project.get() != key.dsn_id) {
            return Err(Refusal::ForeignKey.into());
        }
        if !key.enabled {
            return Err(Refusal::DisabledKey.into());
        }
        if !origin::allowed(&key.allowed_domains, arrival.client.origin.as_deref()) {
            return Err(self.count_refusal(&key, Refusal::ForbiddenOrigin).into());
        }
        Ok(key)
    }

    /// Counts a refused request for its project.
    pub(super) fn count_refusal(&self, key: &KeyInfo, refusal: Refusal) -> Refusal {
        if let Some(reason) = refusal.reason() {
            let category = match &refusal {
                Refusal::TooLarge(Some(kind)) => ItemKind::parse(kind).category().unwrap_or(Category::Unknown),
                Refusal::InvalidCheckIn(_) => Category::Monitor,
                Refusal::InvalidJson(_) => Category::Error,
                _ => Category::Unknown,
            };
            self.refused.count(key, category, Outcome::Invalid(reason), 1);
        }
        refusal
    }

    /// Counts a stopped request for its project, whoever stopped it: what it held is not known, so it is one of an unknown category.
    pub(super) fn count_stop(&self, key: &KeyInfo, stop: Stop) -> Stop {
        match &stop {
            Stop::Refused(refusal) => {
                self.count_refusal(key, refusal.clone());
            }
            Stop::Journal(error) => {
                self.refused.count(key, Category::Unknown, Outcome::RateLimited(journal_reason(error).into()), 1);
            }
            // Nobody's, for the key is not known; whoever found a limit reached has counted by kind.
            Stop::KeyUnavailable | Stop::Limited { .. } => {}
        }
        stop
    }

    /// Journals what was collected and is not over a limit, with the sender's record; returns once it is on disk.
    pub(super) async fn keep(&self, mut collector: Collector, from: (&Arrival, &KeyInfo), sender: Record) -> Result<(), Stop> {
        let (arrival, key) = from;
        if let Err(stop) = self.limit(&mut collector, key, arrival.received) {
            // Others would take a 429 for a failure: what is left out is counted, and the answer is as ever. The crash dialog would thank somebody
            // for words that are gone.
            use record::Endpoint as From;
            let may_be_told = matches!(sender.endpoint, From::Envelope | From::Store | From::Attachments | From::ErrorPage);
            return if may_be_told { Err(stop) } else { Ok(()) };
        }
        if collector.is_empty() {
            return Ok(());
        }
        let Collected { envelope, spooled, files, counted } = collector.finish();
        if !counted.is_empty() {
            self.seams.requests.note(arrival.sender.taken_in_part(&counted));
        }
        // Many requests wait for one sync: each with its bytes for the journal only.
        let bytes = Record { envelope, spooled, counted, ..sender }.encode();
        self.seams.journal.append(journal::Record::new(arrival.received, bytes).with_spool(files)).await?;
        Ok(())
    }
}
