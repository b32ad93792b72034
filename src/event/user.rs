//! # User
//!
//! **Promise.** The user's known fields, everything else in `data`, one identity in `sentry_user`, and an address and a place only where
//! the rules of `protocol.md` 8.11 allow one.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::geo::GeoIp;
use super::meta::MetaError;
use super::schema::{Object, Other, Shape, chars, expected, field, limited, object_mut, text};

/// `user`.
pub(super) static USER: Object = Object {
    expected: "user",
    other: Other::MoveTo("data"),
    fields: &[
        limited("id", Shape::Lenient, chars(128, 0)),
        text("email", 75, 0),
        field("ip_address", Shape::Parsed(ip_address)),
        limited("username", Shape::Lenient, chars(128, 0)),
        text("name", 128, 0),
        field("sentry_user", Shape::Text),
        field("geo", Shape::Object(&GEO)),
        field("segment", Shape::Text),
        field("data", Shape::Map(&Shape::Any)),
    ],
};

static GEO: Object = Object {
    expected: "geo",
    other: Other::Drop,
    fields: &[text("country_code", 102, 1021), text("city", 1024, 100), text("subdivision", 1024, 100), text("region", 1024, 100)],
};

const AUTO: &str = "{{auto}}";

fn ip_address(value: &Value) -> Result<Value, MetaError> {
    match value {
        Value::String(text) if text == AUTO || text.parse::<IpAddr>().is_ok() => Ok(value.clone()),
        _ => Err(expected("an ip address")),
    }
}

/// What the rules on addresses depend on.
pub(super) struct Connection<'a> {
    /// The address of the request that brought the event.
    pub(super) client_ip: Option<IpAddr>,
    /// False when the project stores no addresses.
    pub(super) store_ips: bool,
    /// Where addresses are, if that is known.
    pub(super) places: Option<&'a GeoIp>,
}

/// Settles the address and the identity of the user.
pub(super) fn finish(event: &mut Map<String, Value>, connection: &Connection<'_>) {
    addresses(event, connection);
    place(event, connection);
    let remove = match object_mut(event, "user") {
        Some(user) => {
            if user.get("data") == Some(&Value::Object(Map::new())) {
                user.remove("data");
            }
            if user.get("geo") == Some(&Value::Object(Map::new())) {
                user.remove("geo");
            }
            // Empty texts are nobody: counted as a user, they would be one person that everybody is.
            user.retain(|_, value| value.as_str() != Some(""));
            let earlier = user.remove("sentry_user");
            if let Some(identity) = identity(user) {
                // The identity is made of the whole text, of which an earlier pass has left the beginning.
                let beginning = identity.strip_suffix("...").unwrap_or(&identity);
                let whole = earlier.as_ref().and_then(Value::as_str).filter(|_| beginning.len() < identity.len());
                let identity = whole.filter(|whole| whole.starts_with(beginning)).map_or_else(|| identity.clone(), str::to_owned);
                user.insert("sentry_user".to_owned(), Value::String(identity));
            }
            user.is_empty()
        }
        None => false,
    };
    if remove {
        event.remove("user");
    }
}

fn identity(user: &Map<String, Value>) -> Option<String> {
    [("id", "id"), ("username", "username"), ("email", "email"), ("ip_address", "ip")]
        .into_iter()
        .find_map(|(key, prefix)| user.get(key).and_then(Value::as_str).map(|value| format!("{prefix}:{value}")))
}

/// `sdk.settings.infer_ip`.
fn infer_ip(event: &Map<String, Value>) -> Option<&str> {
    event.get("sdk")?.get("settings")?.get("infer_ip")?.as_str()
}

/// Fills `geo`, unless the client did: from the address that the event carries (also where scrubbing takes it away then, `protocol.md` 10.3), else
/// from the connection's. Who wants no address taken from the connection wants no place taken from it either.
fn place(event: &mut Map<String, Value>, connection: &Connection<'_>) {
    let Some(places) = connection.places else { return };
    let user = event.get("user").and_then(Value::as_object);
    if user.is_some_and(|user| user.get("geo").is_some_and(|geo| !geo.is_null())) {
        return;
    }
    let own = user.and_then(|user| user.get("ip_address")).and_then(Value::as_str).and_then(|ip| ip.parse().ok());
    let inferred = connection.store_ips && infer_ip(event).is_none_or(|wish| wish == "auto");
    let place = own.or(connection.client_ip.filter(|_| inferred)).and_then(|ip| places.place(ip));
    if let Some(place) = place
        && let Value::Object(user) = event.entry("user").or_insert_with(|| Value::Object(Map::new()))
    {
        user.insert("geo".to_owned(), Value::Object(place));
    }
}

fn addresses(event: &mut Map<String, Value>, connection: &Connection<'_>) {
    let infer = infer_ip(event);
    let (never, always) = (infer.is_some_and(|i| i != "auto"), infer == Some("auto"));
    let security = event.get("type").and_then(Value::as_str) == Some("csp");
    let platform_infers = matches!(event.get("platform").and_then(Value::as_str), Some("javascript" | "cocoa" | "objc"));
    let client_ip = connection.client_ip.filter(|_| connection.store_ips).map(|ip| ip.to_string());

    let allowed = client_ip.clone().filter(|_| !never);
    let mut remote = None;
    if let Some(env) = object_mut(event, "request").and_then(|request| object_mut(request, "env")) {
        if env.get("REMOTE_ADDR").and_then(Value::as_str) == Some(AUTO) {
            match &allowed {
                Some(ip) => env.insert("REMOTE_ADDR".to_owned(), Value::String(ip.clone())),
                None => env.remove("REMOTE_ADDR"),
            };
        }
        remote = env.get("REMOTE_ADDR").and_then(Value::as_str).filter(|ip| ip.parse::<IpAddr>().is_ok()).map(str::to_owned);
    }
    let remote = remote.filter(|_| connection.store_ips);

    let user_ip = event.get("user").and_then(|user| user.get("ip_address")).and_then(Value::as_str).map(str::to_owned);
    let ip = match user_ip.as_deref() {
        _ if security && client_ip.is_some() => client_ip,
        Some(AUTO) => allowed,
        Some(_) => return,
        None if never => None,
        None if remote.is_some() => remote,
        None if always || platform_infers => allowed,
        None => None,
    };
    match ip {
        Some(ip) => {
            let user = event.entry("user").or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(user) = user {
                user.insert("ip_address".to_owned(), Value::String(ip));
            }
        }
        None => {
            if let Some(user) = object_mut(event, "user") {
                user.remove("ip_address");
            }
        }
    }
}
