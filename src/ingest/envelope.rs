//! `/api/{project}/envelope/`: frames, sorts, journals, answers with the envelope's id.
//!
//! Not here: the rules per item ([`super::collect`]).

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use serde_json::{Map, Value};

use super::Ingest;
use super::answer::{Stop, accepted};
use super::body::{Signature, Signed, drain};
use super::collect::Collector;
use super::handler::Arrival;
use crate::event::json;
use crate::projects::KeyInfo;
use crate::protocol::crash_form::date;
use crate::protocol::envelope::ItemHeader;
use crate::protocol::record::{Endpoint, Record};
use crate::protocol::{Dsn, EventId, ItemKind, Refusal, auth};

impl Ingest {
    pub(super) async fn envelope(&self, mut arrival: Arrival, key: Option<Arc<KeyInfo>>, body: Body) -> Result<Response<Body>, Stop> {
        let read = match arrival.codings(self.settings.limits.envelope) {
            Ok(codings) => {
                let signed = if key.is_some() { Signed::Outside } else { Signed::Inside(&arrival) };
                self.read_envelope(body, codings, signed).await
            }
            Err(refusal) => {
                drain(body).await;
                Err(refusal.into())
            }
        };
        let (mut collector, signature) = match (read, &key) {
            (Ok(read), _) => read,
            (Err(stop), Some(key)) => return Err(self.count_stop(key, stop)),
            (Err(stop), None) => return Err(stop),
        };
        let key = if let Some(key) = key {
            agrees(&arrival, collector.header.dsn.as_deref()).map_err(|refusal| self.count_refusal(&key, refusal))?;
            key
        } else {
            let (key, credentials) = match signature {
                Some(signature) => signature,
                None => self.key_inside(&arrival, collector.header.dsn.as_deref()).await?,
            };
            arrival.credentials = Some(credentials);
            key
        };
        if collector.lacks_event_of_crash() {
            // Digest makes a crash of it, as it does of one that the client sent.
            let mut event = Map::new();
            date(&mut event, collector.crash_time());
            collector.add(ItemHeader::of(ItemKind::Event), Value::Object(event).to_string().as_bytes())?;
        }
        if collector.needs_id && collector.header.event_id.is_none() {
            collector.header.event_id = Some(self.own_id(&collector));
        }
        let (id, not_kept) = (collector.header.event_id, std::mem::take(&mut collector.not_kept));
        self.keep(collector, (&arrival, &key), Self::record(&arrival, &key, Endpoint::Envelope, id)).await?;
        Ok(accepted(id, &not_kept))
    }

    /// The key in the envelope header, for requests that carry none outside.
    pub(super) async fn key_inside(&self, arrival: &Arrival, dsn: Option<&str>) -> Result<Signature, Stop> {
        let credentials = auth::from_dsn(dsn)?;
        if arrival.project.is_some() && credentials.project != arrival.project {
            return Err(Refusal::ProjectMismatch.into());
        }
        let key = self.key(&credentials, arrival).await?;
        Ok((key, credentials))
    }

    /// An id for an envelope that has none in its header: the one in its event, so that a repeat is known as one, else a new one.
    fn own_id(&self, collector: &Collector) -> EventId {
        let inside = collector.event_payload().and_then(|payload| json::parse(payload).ok());
        let inside = inside.and_then(|(event, _)| event.get("event_id")?.as_str()?.parse().ok());
        let inside = inside.or_else(|| collector.handlers_event().event_id()?.parse().ok());
        inside.unwrap_or_else(|| (self.seams.new_id)())
    }

    /// A record of a request, without items.
    pub(super) fn record(arrival: &Arrival, key: &KeyInfo, endpoint: Endpoint, event_id: Option<EventId>) -> Record {
        let client = arrival.client.clone();
        Record {
            received: arrival.received.timestamp_micros(),
            project_id: key.project_id,
            dsn_id: key.dsn_id,
            key_id: key.key_id,
            endpoint,
            event_id,
            client_ip: client.ip,
            user_agent: client.user_agent,
            hints: client.hints,
            sentry_client: arrival.credentials.as_ref().and_then(|credentials| credentials.client.clone()),
            origin: client.origin,
            envelope: bytes::Bytes::new(),
            spooled: Vec::new(),
            counted: Vec::new(),
        }
    }
}

/// An envelope that names a DSN has to name the one it was sent with.
fn agrees(arrival: &Arrival, dsn: Option<&str>) -> Result<(), Refusal> {
    // What cannot be read as a DSN is not needed here, and says nothing.
    let Some(dsn) = dsn.and_then(|dsn| dsn.parse::<Dsn>().ok()) else { return Ok(()) };
    let same_key = arrival.credentials.as_ref().is_none_or(|credentials| credentials.key == dsn.key());
    let same_project = arrival.project.is_none_or(|project| project == dsn.project());
    if same_key && same_project { Ok(()) } else { Err(Refusal::ProjectMismatch) }
}
