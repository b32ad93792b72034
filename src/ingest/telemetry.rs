//! Endpoints whose data is not kept: OTLP, log drains, network error reports, Unreal Engine's crashes. What comes is counted by what is in
//! it, so that the project's stats say what was sent, and the sender is content.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::Ingest;
use super::answer::{Stop, accepted_text, empty};
use super::collect::{Collector, stop_categories};
use super::handler::Arrival;
use super::route::Endpoint;
use super::wire::discard;
use crate::projects::KeyInfo;
use crate::protocol::envelope::ItemHeader;
use crate::protocol::record;
use crate::protocol::{Category, InvalidReason, ItemKind, Outcome, Refusal, telemetry};

/// How the entries of a body are counted.
type Count = fn(&[u8]) -> Result<u64, InvalidReason>;

impl Ingest {
    /// Spans, log entries or network errors: counted.
    pub(super) async fn telemetry(
        &self,
        arrival: Arrival,
        key: Arc<KeyInfo>,
        body: Body,
        endpoint: &Endpoint,
    ) -> Result<Response<Body>, Stop> {
        let limits = &self.settings.limits;
        let is_json = arrival.media_type() == "application/json";
        let (kind, max, count): (_, _, Count) = match endpoint {
            Endpoint::Traces => (ItemKind::Span, limits.span, if is_json { telemetry::json } else { telemetry::protobuf }),
            Endpoint::Logs => (ItemKind::Log, limits.otlp_logs, if is_json { telemetry::json } else { telemetry::protobuf }),
            Endpoint::Vercel => (ItemKind::Log, limits.log, if is_json { telemetry::objects } else { telemetry::lines }),
            Endpoint::Heroku => (ItemKind::Log, limits.log, telemetry::syslog),
            _ => (ItemKind::Nel, limits.nel, telemetry::objects),
        };
        let read = self.counted(&arrival, body, max, count).await;
        let (entries, length) = read.map_err(|stop| self.count_stop(&key, stop))?;
        let mut collector = Collector::new(&self.settings, None);
        let (outcome, entries) = entries.map_or_else(|why| (Outcome::Invalid(why), 1), |entries| (Outcome::Unsupported, entries));
        let header = ItemHeader { item_count: Some(u32::try_from(entries).unwrap_or(u32::MAX)), ..ItemHeader::default() };
        let quantities = if kind == ItemKind::Nel { vec![(Category::Unknown, entries)] } else { kind.quantities(&header, length) };
        for (category, quantity) in quantities.into_iter().filter(|(_, quantity)| *quantity > 0) {
            collector.count_lost(category, &outcome, quantity);
        }
        let from = if matches!(endpoint, Endpoint::Traces | Endpoint::Logs) { record::Endpoint::Otlp } else { record::Endpoint::Counts };
        self.keep(collector, (&arrival, &key), Self::record(&arrival, &key, from, None)).await?;
        let status = if kind == ItemKind::Nel { StatusCode::OK } else { StatusCode::ACCEPTED };
        Ok(empty(status, stop_categories(kind)))
    }

    /// How many entries a body has, and its size.
    async fn counted(&self, arrival: &Arrival, body: Body, max: u64, count: Count) -> Result<(Result<u64, InvalidReason>, u64), Stop> {
        let codings = arrival.codings(max)?;
        self.read_whole(body, codings, max, move |body| (count(body), body.len() as u64)).await
    }

    /// A crash of Unreal Engine: taken, counted, forgotten.
    pub(super) async fn unreal(&self, arrival: Arrival, key: Arc<KeyInfo>, body: Body) -> Result<Response<Body>, Stop> {
        let length = discard(body, self.settings.limits.envelope).await;
        let checked = length.and_then(|length| if length == 0 { Err(Refusal::EmptyBody) } else { Ok(()) });
        checked.map_err(|refusal| self.count_refusal(&key, refusal))?;
        let mut collector = Collector::new(&self.settings, None);
        collector.count_lost(Category::Error, &Outcome::Unsupported, 1);
        let id = (self.seams.new_id)();
        self.keep(collector, (&arrival, &key), Self::record(&arrival, &key, record::Endpoint::Counts, Some(id))).await?;
        Ok(accepted_text(id, &[]))
    }
}
