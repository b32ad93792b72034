//! `/api/{project}/store/` and `/api/store/`: one event of a client older than envelopes, by POST, or in the query of a GET.
//!
//! The event becomes an envelope with one item, so that digest knows one form. Unlike an envelope's, its JSON is looked at before the answer,
//! because the protocol answers 400 to what is none.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Response};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::Ingest;
use super::answer::{Stop, accepted};
use super::body::object;
use super::collect::Collector;
use super::handler::Arrival;
use crate::projects::KeyInfo;
use crate::protocol::envelope::ItemHeader;
use crate::protocol::record::Endpoint;
use crate::protocol::{ItemKind, store_body};

impl Ingest {
    pub(super) async fn store(&self, arrival: Arrival, key: Arc<KeyInfo>, body: Body) -> Result<Response<Body>, Stop> {
        let taken = self.take_event(&arrival, body).await;
        let (event, json) = taken.map_err(|stop| self.count_stop(&key, stop))?;
        let id = event.get("event_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let id = id.unwrap_or_else(|| (self.seams.new_id)());
        let mut collector = Collector::new(&self.settings, None);
        collector.header.event_id = Some(id);
        let header = ItemHeader::of(item_kind(&event));
        collector.add(header, &json).map_err(|stop| self.count_stop(&key, stop))?;
        let not_kept = std::mem::take(&mut collector.not_kept);
        self.keep(collector, (&arrival, &key), Self::record(&arrival, &key, Endpoint::Store, Some(id))).await?;
        Ok(accepted(Some(id), &not_kept))
    }

    /// The event of a request, read and as text.
    async fn take_event(&self, arrival: &Arrival, body: Body) -> Result<(Map<String, Value>, Bytes), Stop> {
        let max = self.settings.limits.store;
        let body = if arrival.parts.method == Method::GET {
            query_data(arrival.parts.uri.query().unwrap_or_default())
        } else {
            self.read_all(body, arrival.codings(max)?, max).await?
        };
        let (json, _form) = store_body::unpack(&body, max)?;
        Ok((object(&json)?, json))
    }
}

/// The item type follows from the event's own; an unknown one is an ordinary event.
fn item_kind(event: &Map<String, Value>) -> ItemKind {
    match event.get("type").and_then(Value::as_str) {
        Some("transaction") => ItemKind::Transaction,
        Some("feedback") => ItemKind::Feedback,
        _ => ItemKind::Event,
    }
}

/// The `sentry_data` of a query. Base64 that was not percent-encoded has lost its plus signs to blanks.
fn query_data(query: &str) -> Bytes {
    let data = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "sentry_data").map(|(_, data)| data.into_owned());
    let data = data.unwrap_or_default();
    if data.trim_start().starts_with('{') { data.into() } else { data.replace(' ', "+").into() }
}
