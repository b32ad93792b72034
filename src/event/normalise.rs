//! # Normalising: one event, from what was sent to what is stored
//!
//! **Promise.** [`normalise`] is a pure function of the event and [`NormaliseParams`]; it never panics, takes time linear in the event's size, and
//! normalising its own result changes nothing.
//!
//! **How.** Rename → types (`fields`) → ids, level, times → tags → interfaces → browser and contexts → budgets (`trim`) → `errors` and `_meta`.
//!
//! **When it breaks.** Only something that is no object is refused.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::fields::{EVENT, rename};
use super::geo::GeoIp;
use super::logentry::LOGENTRY;
use super::meta::{MetaTree, Path};
use super::schema::{Limit, Shape, budget, check_object, filled_text};
use super::user::Connection;
use super::{
    breadcrumbs, caps, contexts, errors, exception, logentry, request, sdk, tags, timestamps, transaction, trim, user, user_agent, validity,
};

/// All that normalising depends on besides the event.
#[derive(Debug, Clone)]
pub struct NormaliseParams {
    /// The address of the request that brought the event.
    pub client_ip: Option<IpAddr>,
    /// The `User-Agent` of that request; only security reports take it.
    pub user_agent: Option<String>,
    /// The client hints of that request, as names and values of headers; only security reports take them.
    pub hints: Vec<(&'static str, String)>,
    /// `sentry_client`, such as `sentry.python/2.0`: fills `sdk` when neither the event nor the envelope has one.
    pub client: Option<String>,
    /// `sdk` of the envelope header: the event's, when it has none.
    pub sdk: Option<Value>,
    /// The trace that the envelope header names: the event's, when it has none.
    pub trace_id: Option<String>,
    /// When the request arrived.
    pub received: DateTime<Utc>,
    /// When the client says it sent the envelope.
    pub sent_at: Option<DateTime<Utc>>,
    /// The event's id from the envelope header; it wins over the one inside.
    pub event_id: Option<String>,
    /// False when the project stores no addresses.
    pub store_ips: bool,
    /// Where addresses are, if the operator has a database.
    pub places: Option<Arc<GeoIp>>,
}

impl NormaliseParams {
    /// Nothing is known but when the event arrived; addresses are stored.
    pub fn new(received: DateTime<Utc>) -> Self {
        Self {
            client_ip: None,
            user_agent: None,
            hints: Vec::new(),
            client: None,
            sdk: None,
            trace_id: None,
            received,
            sent_at: None,
            event_id: None,
            store_ips: true,
            places: None,
        }
    }
}

/// The event is no JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is a JSON object, this is {0}")]
pub struct NotAnEvent(&'static str);

/// The normalised event, with `_meta` and `errors`.
pub fn normalise(event: Value, params: &NormaliseParams) -> Result<Value, NotAnEvent> {
    match event {
        Value::Object(map) => Ok(Value::Object(normalise_object(map, params))),
        Value::Null => Err(NotAnEvent("null")),
        Value::Bool(_) => Err(NotAnEvent("a boolean")),
        Value::Number(_) => Err(NotAnEvent("a number")),
        Value::String(_) => Err(NotAnEvent("a string")),
        Value::Array(_) => Err(NotAnEvent("a list")),
    }
}

fn normalise_object(mut event: Map<String, Value>, params: &NormaliseParams) -> Map<String, Value> {
    let mut notes = event.remove("_meta").map(|meta| MetaTree::from_value(&meta)).unwrap_or_default();
    let meta = &mut notes;
    rename(&mut event, meta);
    caps::before(&mut event, meta);
    sdk::of_envelope(&mut event, params.sdk.as_ref());
    let has_exception = has_exception(&event);
    check_object(&mut event, &EVENT, &Path::Root, meta);
    if let Some(id) = &params.event_id {
        event.insert("event_id".to_owned(), Value::String(id.clone()));
    }
    let kind = event_type(&event, has_exception);
    set(&mut event, "type", kind);
    if !event.contains_key("level") {
        set(&mut event, "level", if kind == "transaction" { "info" } else { "error" });
    }
    platform(&mut event, meta);
    timestamps::settle(&mut event, params.sent_at, params.received, meta);
    event.insert("received".to_owned(), timestamps::seconds(&params.received));
    validity::finish(&mut event, meta);
    tags::finish(&mut event, meta);
    // Where the field was empty or invalid, a tag may have taken its place.
    validity::finish_environment(&mut event, meta);
    interfaces(&mut event, params, meta);
    drop_empty(&mut event);
    trim_event(&mut event, meta);
    errors::list(&mut event, meta);
    if let Some(meta) = notes.into_value() {
        event.insert("_meta".to_owned(), meta);
    }
    event
}

fn set(event: &mut Map<String, Value>, key: &str, value: &str) {
    event.insert(key.to_owned(), Value::String(value.to_owned()));
}

fn interfaces(event: &mut Map<String, Value>, params: &NormaliseParams, meta: &mut MetaTree) {
    sdk::finish(event, params.client.as_deref(), meta);
    logentry::finish(event);
    breadcrumbs::finish(event);
    exception::finish(event, meta);
    transaction::finish(event, meta);
    if event.get("type").and_then(Value::as_str) == Some("csp") {
        set(event, "logger", "csp");
        // Its body cannot carry what the browser says of itself.
        let agent = params.user_agent.iter().map(|agent| ("User-Agent", agent));
        for (name, value) in agent.chain(params.hints.iter().map(|(name, value)| (*name, value))) {
            request::add_header(event, name, value);
        }
    }
    if !event.contains_key("logger") {
        set(event, "logger", "");
    }
    request::finish(event, meta);
    user::finish(event, &Connection { client_ip: params.client_ip, store_ips: params.store_ips, places: params.places.as_deref() });
    user_agent::finish(event);
    contexts::finish(event, meta);
    let event_id = event.get("event_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    contexts::trace(event, &event_id, params.trace_id.as_deref());
}

/// Whether the client sent at least one exception, even a null one.
fn has_exception(event: &Map<String, Value>) -> bool {
    match event.get("exception") {
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => match map.get("values") {
            Some(Value::Array(items)) => !items.is_empty(),
            Some(_) => false,
            None => !map.is_empty(),
        },
        _ => false,
    }
}

fn event_type(event: &Map<String, Value>, has_exception: bool) -> &'static str {
    let has_csp = event.get("csp").is_some_and(Value::is_object);
    match filled_text(event, "type") {
        Some("transaction") => "transaction",
        Some("feedback") => "feedback",
        // Said by an earlier pass, which saw entries that are gone by now.
        Some("error") if event.contains_key("exception") => "error",
        Some("csp") if has_csp => "csp",
        _ if has_exception => "error",
        _ if has_csp => "csp",
        _ => "default",
    }
}

/// Names that mean something to grouping and display.
const PLATFORMS: [&str; 19] = [
    "as3",
    "c",
    "cfml",
    "cocoa",
    "csharp",
    "elixir",
    "go",
    "groovy",
    "haskell",
    "java",
    "javascript",
    "native",
    "node",
    "objc",
    "other",
    "perl",
    "php",
    "python",
    "ruby",
];

fn platform(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    let sent = event.get("platform").and_then(Value::as_str);
    if sent.is_some_and(|sent| PLATFORMS.contains(&sent)) {
        return;
    }
    if let Some(sent) = sent {
        let original = Value::String(sent.to_owned());
        meta.at(&Path::Root.key("platform")).own.set_original_value(original);
    }
    set(event, "platform", "other");
}

/// Interfaces that mean nothing when empty.
const DROPPED_EMPTY: [&str; 14] = [
    "user",
    "request",
    "contexts",
    "breadcrumbs",
    "exception",
    "stacktrace",
    "threads",
    "tags",
    "sdk",
    "debug_meta",
    "template",
    "fingerprint",
    "modules",
    "extra",
];

fn drop_empty(event: &mut Map<String, Value>) {
    for key in DROPPED_EMPTY {
        let empty = match event.get(key) {
            Some(Value::Object(map)) => {
                map.is_empty() || map.get("values").is_some_and(|v| v.as_array().is_some_and(Vec::is_empty)) && map.len() == 1
            }
            Some(Value::Array(items)) => items.is_empty(),
            _ => false,
        };
        if empty && key == "exception" && event.get("type").and_then(Value::as_str) == Some("error") {
            // Nothing but null entries: the event is an error all the same, and this is what says so.
            event.insert(key.to_owned(), Value::Object(Map::new()));
        } else if empty {
            event.remove(key);
        }
    }
}

/// `extra`: 256 KiB, 16 KiB a value, structure six levels down.
const EXTRA: Limit = budget(262_144, 7);
const EXTRA_VALUE: Limit = Limit { chars: None, bytes: Some(16_384), depth: None };

fn trim_event(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    for (key, value) in event.iter_mut() {
        let path = Path::Root.key(key);
        match (key.as_str(), &mut *value) {
            ("extra", Value::Object(map)) => trim::trim_members(map, EXTRA, EXTRA_VALUE, &path, meta),
            ("contexts", Value::Object(map)) => {
                contexts::trim(map, &path, meta);
            }
            ("logentry", _) => trim::trim(value, &Shape::Object(&LOGENTRY), super::schema::FREE, &path, meta),
            _ => {
                if let Some(field) = EVENT.field(key) {
                    trim::trim(value, &field.shape, field.limit, &path, meta);
                }
            }
        }
    }
}
