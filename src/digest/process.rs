//! One event, from the bytes that were sent to what is stored and grouped. Pure: digest and `vedette explain` both call it.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::event::filters::{self, FilterReason, Filters, RequestFacts};
use crate::event::json::{self, JsonError};
use crate::event::scrub::Scrubber;
use crate::event::{NormaliseParams, NotAnEvent, normalise};
use crate::grouping::{self, Config, Grouping};

/// What is known of the request that brought the event.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The sender's address.
    pub client_ip: Option<IpAddr>,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// Name and version of the SDK, as the request's credentials say.
    pub client: Option<&'a str>,
    /// When the request arrived.
    pub received: DateTime<Utc>,
    /// When the client says it sent it.
    pub sent_at: Option<DateTime<Utc>>,
    /// The id in the envelope header, as 32 hex digits.
    pub event_id: Option<String>,
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
    /// An inbound filter took it.
    #[error("filtered: {0}")]
    Filtered(FilterReason),
}

/// Parses, normalises, filters and scrubs: the event as it is stored, but for its grouping.
pub fn normalised(payload: &[u8], facts: &Facts<'_>, wishes: Wishes<'_>) -> Result<Value, Refused> {
    let (mut event, notes) = json::parse(payload).map_err(Refused::NotJson)?;
    notes.attach(&mut event);
    let params = NormaliseParams {
        client_ip: facts.client_ip,
        user_agent: facts.user_agent.map(str::to_owned),
        client: facts.client.map(str::to_owned),
        received: facts.received,
        sent_at: facts.sent_at,
        event_id: facts.event_id.clone(),
        store_ips: wishes.store_ips,
    };
    let mut event = normalise(event, &params).map_err(Refused::NotAnEvent)?;
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
