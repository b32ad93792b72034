//! One event, from the bytes that were sent to what is stored and grouped. Pure: digest and `vedette explain` both call it.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::event::csp;
use crate::event::filters::{self, FilterReason, Filters, RequestFacts};
use crate::event::geo::GeoIp;
use crate::event::json::{self, JsonError};
use crate::event::scrub::Scrubber;
use crate::event::{NormaliseParams, NotAnEvent, normalise};
use crate::grouping::{self, Config, Grouping};
use crate::protocol::record::ClientHints;
use crate::protocol::{InvalidReason, Outcome};

/// What is known of the request that brought the event.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The sender's address.
    pub client_ip: Option<IpAddr>,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// What the browser says of itself beside that.
    pub hints: Option<&'a ClientHints>,
    /// Name and version of the SDK, as the request's credentials say.
    pub client: Option<&'a str>,
    /// The envelope header's `sdk`.
    pub sdk: Option<&'a Value>,
    /// The envelope header's `trace`.
    pub trace: Option<&'a Value>,
    /// When the request arrived.
    pub received: DateTime<Utc>,
    /// When the client says it sent it.
    pub sent_at: Option<DateTime<Utc>>,
    /// The id in the envelope header, as 32 hex digits.
    pub event_id: Option<String>,
    /// Where addresses are, if the operator has a database.
    pub places: Option<Arc<GeoIp>>,
}

impl Facts<'_> {
    /// Nothing but when it arrived.
    pub const fn new(received: DateTime<Utc>) -> Self {
        Self {
            client_ip: None,
            user_agent: None,
            hints: None,
            client: None,
            sdk: None,
            trace: None,
            received,
            sent_at: None,
            event_id: None,
            places: None,
        }
    }

    fn params(&self, store_ips: bool) -> NormaliseParams {
        NormaliseParams {
            client_ip: self.client_ip,
            user_agent: self.user_agent.map(str::to_owned),
            hints: self.hints.map(hint_headers).unwrap_or_default(),
            client: self.client.map(str::to_owned),
            sdk: self.sdk.cloned(),
            trace_id: self.trace.and_then(|trace| trace.get("trace_id")).and_then(Value::as_str).map(str::to_owned),
            received: self.received,
            sent_at: self.sent_at,
            event_id: self.event_id.clone(),
            store_ips,
            places: self.places.clone(),
        }
    }
}

/// Hints as headers, spelled and ordered as Relay does.
fn hint_headers(hints: &ClientHints) -> Vec<(&'static str, String)> {
    let named = [
        ("SEC-CH-UA-Platform", &hints.platform),
        ("SEC-CH-UA-Platform-Version", &hints.platform_version),
        ("SEC-CH-UA", &hints.brands),
        ("SEC-CH-UA-Model", &hints.model),
    ];
    named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

/// What a project wants done.
#[derive(Debug, Clone, Copy)]
pub struct Wishes<'a> {
    /// What is taken out.
    pub scrubber: Option<&'a Scrubber>,
    /// What is not wanted.
    pub filters: Option<&'a Filters>,
    /// False: addresses are not stored.
    pub store_ips: bool,
}

/// Why there is nothing to store.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No parser could read it.
    #[error("no JSON at byte {}: {}", .0.position, .0.reason)]
    NotJson(JsonError),
    /// JSON, but no object.
    #[error("{0}")]
    NotAnEvent(NotAnEvent),
    /// Sent as a security report, and none.
    #[error("{0}")]
    NotAReport(csp::NotAReport),
    /// An inbound filter took it.
    #[error("filtered: {0}")]
    Filtered(FilterReason),
}

impl Refused {
    /// What people are told beside the outcome: the same for all events that fail in the same way.
    pub(super) fn told(&self) -> String {
        match self {
            Self::NotJson(error) => format!("no JSON: {}", error.reason),
            Self::NotAnEvent(error) => error.to_string(),
            Self::NotAReport(_) | Self::Filtered(_) => String::new(),
        }
    }

    /// How the item ends.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::NotJson(_) | Self::NotAnEvent(_) => Outcome::Invalid(InvalidReason::InvalidJson),
            Self::NotAReport(_) => Outcome::Invalid(InvalidReason::SecurityReport),
            Self::Filtered(reason) => Outcome::Filtered(reason.stat_key().into()),
        }
    }
}

/// Parses, normalises, filters and scrubs: the event as it is stored, but for its grouping.
pub fn normalised(payload: &[u8], facts: &Facts<'_>, wishes: Wishes<'_>) -> Result<Value, Refused> {
    settled(parsed(payload)?, facts, wishes)
}

/// The event in a payload, as it was sent.
pub fn parsed(payload: &[u8]) -> Result<Value, Refused> {
    let (mut event, notes) = json::parse(payload).map_err(Refused::NotJson)?;
    notes.attach(&mut event);
    Ok(event)
}

/// The event that a browser's security report becomes.
pub fn reported(payload: &[u8], around: csp::Around<'_>) -> Result<Value, Refused> {
    csp::event(&parsed(payload)?, around).map_err(Refused::NotAReport)
}

/// Normalises, filters and scrubs an event.
pub fn settled(event: Value, facts: &Facts<'_>, wishes: Wishes<'_>) -> Result<Value, Refused> {
    let mut event = normalise(event, &facts.params(wishes.store_ips)).map_err(Refused::NotAnEvent)?;
    if let Some(filters) = wishes.filters {
        let request = RequestFacts { client_ip: facts.client_ip, user_agent: facts.user_agent };
        if let Some(reason) = filters::check(&event, &request, filters) {
            return Err(Refused::Filtered(reason));
        }
    }
    if let Some(scrubber) = wishes.scrubber.filter(|scrubber| !scrubber.is_idle()) {
        scrubber.scrub(&mut event);
    }
    Ok(event)
}

/// Groups a normalised event; its frames are rewritten to what grouping made of them.
pub fn grouped(event: &mut Value, config: &Config) -> Grouping {
    grouping::group(event, config)
}
