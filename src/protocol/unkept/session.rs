//! Sessions: one update, or counters of many; without a start or a release they say nothing (`protocol.md` 11).

use serde::Deserialize;
use serde_json::Value;

use super::{Ends, one, read, text};
use crate::protocol::items::sessions_in_aggregates;
use crate::protocol::{Category, InvalidReason};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Session {
    started: Option<Value>,
    attrs: Option<Attributes>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Attributes {
    release: Option<Value>,
}

impl Attributes {
    fn check(this: Option<&Self>) -> Result<(), InvalidReason> {
        let release = this.and_then(|attributes| text(attributes.release.as_ref()));
        release.map(|_| ()).ok_or(InvalidReason::InvalidSession)
    }
}

/// Whether a single update is one.
pub(super) fn update(payload: &[u8]) -> Result<(), InvalidReason> {
    let session: Session = read(payload)?;
    if session.started.is_none() {
        return Err(InvalidReason::InvalidSession);
    }
    Attributes::check(session.attrs.as_ref())
}

/// The sum of an item's counters; at least one, so that an item that adds up to nothing is still seen.
pub(super) fn aggregates(payload: &[u8]) -> Ends {
    let document = read::<Value>(payload);
    let sessions = document.as_ref().map_or(0, sessions_in_aggregates).max(1);
    let check = |document: Value| {
        let has_list = document.get("aggregates").is_some_and(Value::is_array);
        let release = text(document.get("attrs").and_then(|attributes| attributes.get("release")));
        if has_list && release.is_some() { Ok(()) } else { Err(InvalidReason::InvalidSession) }
    };
    one(vec![(Category::Session, sessions)], document.and_then(check))
}
