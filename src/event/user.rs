//! # User
//!
//! **Promise.** The user's known fields, everything else in `data`, one identity in `sentry_user`, and an address only where the rules of
//! `protocol.md` 8.11 allow one.

use std::net::IpAddr;

use serde_json::{Map, Value};

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
pub(super) struct Connection {
    /// The address of the request that brought the event.
    pub(super) client_ip: Option<IpAddr>,
    /// False when the project stores no addresses.
    pub(super) store_ips: bool,
}

/// Settles the address and the identity of the user.
pub(super) fn finish(event: &mut Map<String, Value>, connection: &Connection) {
    addresses(event, connection);
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

fn addresses(event: &mut Map<String, Value>, connection: &Connection) {
    let infer = event.get("sdk").and_then(|sdk| sdk.get("settings")).and_then(|settings| settings.get("infer_ip")).and_then(Value::as_str);
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
