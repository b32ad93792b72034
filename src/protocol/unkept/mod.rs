//! # Items that are not kept: looked at, counted, dropped
//!
//! **Promise.** An item of a kind that this server has no place for ends with an honest count: invalid where its kind's rules say so
//! (`protocol.md` 4, 8.15, 11, 12), else unsupported, under all its categories and with the quantities its content tells.
//!
//! **How.** One small file per kind says what is invalid; [`ends`] asks the one it is for. Documents are read into the few fields that matter,
//! by `serde_json` where it can and by the lenient reader where it cannot.
//!
//! **When it breaks.** What cannot be read is `invalid_json`, with the quantities of the item's header.
//!
//! **Not here.** Kinds that are kept (`digest`); the headers that ask SDKs to stop (`ingest`).

mod check_in;
mod container;
mod profile;
mod replay;
mod session;
mod transaction;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::envelope::ItemHeader;
use super::outcome::Quantities;
use super::{Category, InvalidReason, ItemKind, Outcome};
use crate::event::json;

/// The largest payload that is looked at: a container of logs. Larger ones, which only profiles may be, are counted by their headers.
pub const MAX_LOOKED_AT: u64 = 12 << 20;

/// How an item ends: so much of a category with an outcome.
pub type Ends = Vec<(Category, Outcome, u64)>;

/// Whether the payload of a kind says more than its header does.
pub const fn is_looked_at(kind: ItemKind) -> bool {
    matches!(
        kind,
        ItemKind::Transaction
            | ItemKind::Session
            | ItemKind::Sessions
            | ItemKind::CheckIn
            | ItemKind::Log
            | ItemKind::Span
            | ItemKind::TraceMetric
            | ItemKind::Profile
            | ItemKind::ProfileChunk
            | ItemKind::ReplayEvent
            | ItemKind::ReplayRecording
            | ItemKind::ReplayVideo
    )
}

/// How an item that is not kept ends.
pub fn ends(header: &ItemHeader, payload: &[u8]) -> Ends {
    let kind = header.kind();
    let by_header = || kind.quantities(header, payload.len() as u64);
    match kind {
        ItemKind::Transaction => transaction::ends(payload),
        ItemKind::Session => one(by_header(), session::update(payload)),
        ItemKind::Sessions => session::aggregates(payload),
        ItemKind::CheckIn => one(by_header(), check_in::check(payload)),
        ItemKind::Log => container::logs(header, payload),
        ItemKind::Span => container::spans(header, payload),
        ItemKind::TraceMetric => container::metrics(header, payload),
        ItemKind::Profile => profile::whole(payload),
        ItemKind::ProfileChunk => one(by_header(), profile::chunk(payload)),
        ItemKind::ReplayEvent => one(by_header(), replay::event(payload)),
        ItemKind::ReplayRecording => one(by_header(), replay::recording(payload)),
        ItemKind::ReplayVideo => one(by_header(), replay::video(payload)),
        _ => one(by_header(), Ok(())),
    }
}

/// All quantities with one outcome.
fn one(quantities: Quantities, checked: Result<(), InvalidReason>) -> Ends {
    let outcome = checked.map_or_else(Outcome::Invalid, |()| Outcome::Unsupported);
    quantities.into_iter().map(|(category, quantity)| (category, outcome.clone(), quantity)).collect()
}

/// The fields of a document that matter.
fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, InvalidReason> {
    if let Ok(read) = serde_json::from_slice(payload) {
        return Ok(read);
    }
    // Lone surrogates, repeated keys, NaN: odd, but no reason to call it invalid.
    let (value, _) = json::parse(payload).map_err(|_| InvalidReason::InvalidJson)?;
    serde_json::from_value(value).map_err(|_| InvalidReason::InvalidJson)
}

/// A field's text, where it has one that says something.
fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// Seconds since 1970 of a number, or of a text in RFC 3339.
fn seconds(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let time = chrono::DateTime::parse_from_rfc3339(text.trim()).ok()?;
            Some(time.timestamp_micros() as f64 / 1e6)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
