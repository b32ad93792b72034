//! `/api/{project}/cron/{monitor}/`: a check-in that a shell script can send, by query or as JSON (`protocol.md` 12.3). It becomes the item
//! that SDKs send in envelopes.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::Ingest;
use super::answer::{Stop, empty};
use super::body::object;
use super::collect::Collector;
use super::handler::Arrival;
use super::wire::drain;
use crate::projects::KeyInfo;
use crate::protocol::envelope::ItemHeader;
use crate::protocol::record::Endpoint;
use crate::protocol::{EventId, ItemKind, Refusal};

/// What stands for "the newest one that is in progress".
const NIL: &str = "00000000000000000000000000000000";

impl Ingest {
    pub(super) async fn check_in(&self, arrival: Arrival, key: Arc<KeyInfo>, body: Body, monitor: &str) -> Result<Response<Body>, Stop> {
        let payload = self.take_check_in(&arrival, body, monitor).await.map_err(|stop| self.count_stop(&key, stop))?;
        let mut collector = Collector::new(&self.settings, None);
        let header = ItemHeader::of(ItemKind::CheckIn);
        collector.add(header, payload.to_string().as_bytes()).map_err(|stop| self.count_stop(&key, stop))?;
        self.keep(collector, (&arrival, &key), Self::record(&arrival, &key, Endpoint::Cron, None)).await?;
        Ok(empty(StatusCode::ACCEPTED, &[]))
    }

    /// The check-in of a request.
    async fn take_check_in(&self, arrival: &Arrival, body: Body, monitor: &str) -> Result<Value, Stop> {
        let is_json = arrival.parts.method == Method::POST && arrival.media_type() == "application/json";
        let mut check_in = if is_json {
            let max = self.settings.limits.event;
            let body = self.read_all(body, arrival.codings(max)?, max).await?;
            object(&body)?
        } else {
            drain(body).await;
            of_query(arrival.parts.uri.query().unwrap_or_default())?
        };
        if !check_in.get("status").is_some_and(Value::is_string) {
            return Err(Refusal::InvalidCheckIn("`status` is missing").into());
        }
        let id = check_in.get("check_in_id").filter(|id| !id.is_null()).map_or(Some(NIL), Value::as_str);
        let id: EventId = id.and_then(|id| id.parse().ok()).ok_or(Refusal::InvalidCheckIn("`check_in_id` is no UUID"))?;
        check_in.insert("check_in_id".to_owned(), json!(id.to_string()));
        // The path says whose it is, whatever the body does.
        check_in.insert("monitor_slug".to_owned(), json!(monitor));
        Ok(Value::Object(check_in))
    }
}

fn of_query(query: &str) -> Result<Map<String, Value>, Refusal> {
    let mut check_in = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = match &*name {
            "status" | "check_in_id" | "environment" | "release" => Value::from(value.into_owned()),
            "duration" => {
                let seconds: Option<f64> = value.trim().parse().ok().filter(|seconds: &f64| seconds.is_finite());
                json!(seconds.ok_or(Refusal::InvalidCheckIn("`duration` is no number of seconds"))?)
            }
            _ => continue,
        };
        check_in.insert(name.into_owned(), value);
    }
    Ok(check_in)
}
