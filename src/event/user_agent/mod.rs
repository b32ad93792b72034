//! # Browser, system and device: what a request says about its sender
//!
//! **Promise.** Contexts `browser`, `os` (or `client_os`) and `device` from client hints, else from the user agent (`protocol.md` 8.13).
//! A context that the client sent is never overwritten.
//!
//! **Not here.** The matching of user agents (`rules`).

mod rules;

use serde_json::{Map, Value};

use super::request::header;
use super::schema::object_mut;
use rules::{Agent, Device, Versioned};

/// Adds what can be told.
pub(super) fn finish(event: &mut Map<String, Value>) {
    if event.get("request").and_then(|request| request.get("headers")).is_none() {
        return;
    }
    let os_key = if event.get("platform").and_then(Value::as_str) == Some("javascript") { "os" } else { "client_os" };
    let missing = |key: &str| event.get("contexts").and_then(|contexts| contexts.get(key)).is_none();
    let wanted = (missing("browser"), missing(os_key), missing("device"));
    if wanted == (false, false, false) {
        return;
    }
    let agent = header(event, "User-Agent").map(rules::parse);
    let agent = agent.as_deref();
    let browser = wanted.0.then(|| hinted_browser(event).or_else(|| agent.and_then(browser))).flatten();
    let os = wanted.1.then(|| hinted_os(event).or_else(|| agent.and_then(os))).flatten();
    let device = wanted.2.then(|| hinted_device(event).or_else(|| agent.and_then(device))).flatten();
    let found = [("browser", browser), (os_key, os), ("device", device)];
    if found.iter().all(|(_, context)| context.is_none()) {
        return;
    }
    if !event.get("contexts").is_some_and(Value::is_object) {
        event.insert("contexts".to_owned(), Value::Object(Map::new()));
    }
    let Some(contexts) = object_mut(event, "contexts") else { return };
    for (key, context) in found {
        if let Some(mut context) = context {
            let kind = if key == "client_os" { "os" } else { key };
            context.insert("type".to_owned(), Value::String(kind.to_owned()));
            contexts.insert(key.to_owned(), Value::Object(context));
        }
    }
}

type Context = Map<String, Value>;

fn context<const N: usize>(fields: [(&str, Option<&str>); N]) -> Context {
    fields.into_iter().filter_map(|(key, value)| value.map(|value| (key.to_owned(), Value::String(value.to_owned())))).collect()
}

fn named(name: &str, version: Option<&str>) -> Context {
    context([("name", Some(name)), ("version", version)])
}

fn versioned(found: &Versioned) -> Context {
    let version = (!found.version.is_empty()).then_some(found.version.as_str());
    named(&found.family, version)
}

fn browser(agent: &Agent) -> Option<Context> {
    agent.browser.as_ref().map(versioned)
}

fn os(agent: &Agent) -> Option<Context> {
    let mut found = agent.os.clone()?;
    // Browsers froze these two: the real version is this or any later one.
    if found.family == "Windows" && found.version == "10" || found.family == "Mac OS X" && found.version == "10.15.7" {
        found.version.insert_str(0, ">=");
    }
    Some(versioned(&found))
}

fn device(agent: &Agent) -> Option<Context> {
    let Device { family, brand, model } = agent.device.as_ref()?;
    Some(context([("family", Some(family)), ("brand", brand.as_deref()), ("model", model.as_deref())]))
}

/// A hint without its quotes; empty ones say nothing.
fn hint<'v>(event: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    header(event, name).map(|value| value.trim().trim_matches('"')).filter(|value| !value.is_empty())
}

fn hinted_browser(event: &Map<String, Value>) -> Option<Context> {
    let list = header(event, "Sec-CH-UA-Full-Version-List").or_else(|| header(event, "Sec-CH-UA"))?;
    list.split(',').find_map(|item| {
        let (brand, version) = item.split_once(";v=").or_else(|| item.split_once("; v="))?;
        let (brand, version) = (brand.trim().trim_matches('"'), version.trim().trim_matches('"'));
        let engine = ["Chromium", "Gecko", "WebKit"].contains(&brand);
        // `Not)A;Brand`, ` Not A;Brand` and their kind keep servers from relying on the list.
        let grease = brand.contains("Not") && brand.contains("Brand");
        if brand.is_empty() || engine || grease {
            return None;
        }
        let brand = if brand == "Google Chrome" { "Chrome" } else { brand };
        Some(named(brand, Some(version).filter(|version| !version.is_empty())))
    })
}

fn hinted_os(event: &Map<String, Value>) -> Option<Context> {
    let platform = hint(event, "Sec-CH-UA-Platform")?;
    Some(named(platform, hint(event, "Sec-CH-UA-Platform-Version")))
}

fn hinted_device(event: &Map<String, Value>) -> Option<Context> {
    Some(context([("model", Some(hint(event, "Sec-CH-UA-Model")?))]))
}
