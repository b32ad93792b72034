//! # What is counted of an event: tags, user, and the columns beside its payload
//! **Promise.** [`Summary::of`] reads a normalised event and never fails; every text is free of NUL and short enough for an index.
//! **How.** The event's own tags, and those that contexts and attributes imply (browser, os, device, runtime, level, environment, release …),
//! under the names Sentry gives them. **Not here.** Statistics ([`super::tag_stats`]).

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::tag_stats::OWN_KEYS;

/// Keys counted per event; the rest is in the payload only.
const MAX_KEYS: usize = 60;
const MAX_KEY: usize = 200;
const MAX_TEXT: usize = 200;
/// Bytes of a title that lists and mails show.
pub const MAX_TITLE: usize = 512;
/// Bytes of a culprit that they show.
pub const MAX_CULPRIT: usize = 400;

/// The facts of one event that are columns or counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// `fatal` to `debug`.
    pub level: &'static str,
    /// May be empty.
    pub platform: String,
    /// May be empty.
    pub release: String,
    /// May be empty; at most 64 characters.
    pub environment: String,
    /// Who was affected: a hash of what identifies the user.
    pub user: Option<Uuid>,
    /// Key and value, each key once, sorted.
    pub tags: Vec<(String, String)>,
    /// What is known of the user, by the names of the search: `user.email`.
    pub person: Vec<(&'static str, String)>,
}

impl Summary {
    /// The summary of a normalised event.
    pub fn of(event: &Value) -> Self {
        let text = |key: &str| event.get(key).and_then(Value::as_str).map(|text| clean(text, MAX_TEXT)).unwrap_or_default();
        let level = level(event);
        let environment: String = text("environment").chars().take(64).collect();
        let mut tags = tags(event, level);
        if tags.len() > MAX_KEYS {
            // The product's own keep their places beside any number of made-up ones.
            tags.sort_by_key(|(key, _)| !OWN_KEYS.contains(&key.as_str()));
            tags.truncate(MAX_KEYS);
            tags.sort();
        }
        Self { level, platform: text("platform"), release: text("release"), environment, user: user(event), tags, person: person(event) }
    }
}

/// A text for a column: no NUL, cut at a character.
pub fn clean(text: &str, max: usize) -> String {
    let text = &text[..text.floor_char_boundary(max)];
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

fn level(event: &Value) -> &'static str {
    match event.get("level").and_then(Value::as_str) {
        Some("fatal") => "fatal",
        Some("warning") => "warning",
        Some("info") => "info",
        Some("debug" | "sample") => "debug",
        _ => "error",
    }
}

/// Sentry's order: id, username, e-mail, address.
fn user(event: &Value) -> Option<Uuid> {
    let (kind, value) = identity(event)?;
    let digest = Sha256::new().chain_update(kind).chain_update(b":").chain_update(value).finalize();
    Some(Uuid::from_bytes(std::array::from_fn(|index| digest[index])))
}

/// What identifies the user, such as `("email", "ana@example.org")`.
fn identity(event: &Value) -> Option<(&'static str, &str)> {
    let user = event.get("user")?;
    [("id", "id"), ("username", "username"), ("email", "email"), ("ip", "ip_address")].into_iter().find_map(|(name, key)| {
        let value = user.get(key)?.as_str()?.trim();
        (!value.is_empty()).then_some((name, value))
    })
}

/// The fields by which users are looked for.
fn person(event: &Value) -> Vec<(&'static str, String)> {
    let Some(user) = event.get("user") else { return Vec::new() };
    let fields = [("user.id", "id"), ("user.username", "username"), ("user.email", "email"), ("user.ip", "ip_address")];
    let field = |(name, key)| {
        let value = user.get(key)?.as_str()?.trim();
        (!value.is_empty()).then(|| (name, clean(value, super::tag_stats::MAX_VALUE)))
    };
    fields.into_iter().filter_map(field).collect()
}

fn tags(event: &Value, level: &'static str) -> Vec<(String, String)> {
    let mut tags: Vec<(String, String)> = Vec::with_capacity(24);
    let mut add = |key: &str, value: &str| {
        if !key.is_empty() && !value.is_empty() {
            tags.push((clean(key, MAX_KEY), clean(value, super::tag_stats::MAX_VALUE)));
        }
    };
    for pair in event.get("tags").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(key), Some(value)) = (pair.get(0).and_then(Value::as_str), pair.get(1).and_then(Value::as_str)) {
            add(key, value);
        }
    }
    add("level", level);
    for key in ["environment", "release", "dist", "transaction", "server_name", "logger"] {
        add(key, event.get(key).and_then(Value::as_str).unwrap_or_default());
    }
    if let Some(url) = event.pointer("/request/url").and_then(Value::as_str) {
        add("url", url.split(['?', '#']).next().unwrap_or_default());
    }
    if let Some((kind, value)) = identity(event) {
        add("user", &format!("{kind}:{value}"));
    }
    for (context, keys) in [("browser", &["name"][..]), ("os", &["name"]), ("device", &["family"]), ("runtime", &["name"])] {
        let Some(context_value) = event.pointer(&format!("/contexts/{context}")) else { continue };
        let part = |key: &str| context_value.get(key).and_then(Value::as_str).unwrap_or_default();
        match (context, part("name"), part("version")) {
            ("device", ..) => add("device", part("model")),
            (_, name, "") => add(context, name),
            (_, name, version) => add(context, &format!("{name} {version}")),
        }
        for key in keys {
            add(&format!("{context}.{key}"), part(key));
        }
    }
    if let Some(mechanism) =
        event.pointer("/exception/values").and_then(Value::as_array).and_then(|v| v.last()).and_then(|e| e.get("mechanism"))
    {
        add("mechanism", mechanism.get("type").and_then(Value::as_str).unwrap_or_default());
        match mechanism.get("handled").and_then(Value::as_bool) {
            Some(true) => add("handled", "yes"),
            Some(false) => add("handled", "no"),
            None => {}
        }
    }
    // The event's own tags come first: they win over what is implied.
    tags.sort_by(|a, b| a.0.cmp(&b.0));
    tags.dedup_by(|later, earlier| later.0 == earlier.0);
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn implied_tags_stand_beside_the_events_own_which_win() {
        let event = json!({
            "level": "sample", "platform": "javascript", "release": "1.0\0", "environment": "prod",
            "tags": [["release", "mine"], ["plan", "pro"], null, ["x", null]],
            "request": {"url": "https://shop.example/cart?q=1#x"},
            "user": {"email": "ana@example.org", "ip_address": "1.2.3.4"},
            "contexts": {"browser": {"name": "Firefox", "version": "140"}, "device": {"family": "Mac", "model": "MacBook"}, "os": "odd"},
            "exception": {"values": [{"mechanism": {"type": "onerror", "handled": false}}]},
        });
        let summary = Summary::of(&event);
        let tags: Vec<String> = summary.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            tags.join(" "),
            "browser=Firefox 140 browser.name=Firefox device=MacBook device.family=Mac environment=prod handled=no level=debug \
             mechanism=onerror plan=pro release=mine url=https://shop.example/cart user=email:ana@example.org"
        );
        assert_eq!((summary.level, summary.release.as_str(), summary.environment.as_str()), ("debug", "1.0\u{fffd}", "prod"));
    }

    #[test]
    fn a_user_is_known_again_by_the_best_of_what_is_known() {
        let of = |user: Value| Summary::of(&json!({"user": user})).user;
        assert_eq!(of(json!({"id": "7", "email": "a@x"})), of(json!({"id": "7", "email": "b@x"})));
        assert_ne!(of(json!({"id": "7"})), of(json!({"username": "7"})));
        assert_eq!((of(json!({})), of(json!({"id": " "})), of(json!("odd"))), (None, None, None));
    }

    #[test]
    fn hostile_events_give_short_clean_texts() {
        let tags: Vec<Value> = (0..10_000).map(|n| json!([format!("key{n}\0"), "é".repeat(5000)])).collect();
        let event = json!({"tags": tags, "environment": "é".repeat(500), "level": {"x": 1}, "user": {"id": "7"}, "release": "1"});
        let summary = Summary::of(&event);
        let keeps = |key: &str| summary.tags.iter().any(|(known, _)| known == key);
        assert!(["environment", "level", "release", "user"].into_iter().all(keeps), "{:?}", summary.tags);
        assert_eq!(summary.tags.len(), MAX_KEYS);
        assert!(summary.tags.iter().all(|(key, value)| !key.contains('\0') && value.len() <= 400));
        assert_eq!(summary.environment.chars().count(), 64);
    }
}
