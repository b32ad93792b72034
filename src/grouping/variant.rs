//! # Variants
//!
//! **Promise.** A [`Variant`] is one way an event was looked at, with its hash and everything that went into it, ready to be explained.

use serde_json::{Value, json};

use super::component::{Component, Hint};
use super::hash::Hash;

/// One way an event was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// `app`, `system`, `default`, `custom_client_fingerprint` …
    pub name: &'static str,
    /// Whether its hash is one of the event's.
    pub contributes: bool,
    /// Absent when nothing in it counts.
    pub hash: Option<Hash>,
    /// Why it counts or not, in words.
    pub hint: Option<Hint>,
    /// What it is made of; the root has the variant's name. Absent where only a fingerprint or checksum speaks.
    pub component: Option<Component>,
    /// The entries of the fingerprint that go into the hash, variables filled in.
    pub fingerprint: Option<Vec<String>>,
}

impl Variant {
    /// What goes into the hash: component path and text, in order.
    pub fn values(&self) -> Vec<(String, &str)> {
        let mut values: Vec<(String, &str)> =
            self.fingerprint.iter().flatten().map(|entry| ("fingerprint".to_owned(), entry.as_str())).collect();
        if let Some(component) = &self.component {
            component.leaves(&mut Vec::new(), &mut |path, text| values.push((path.join("/"), text)));
        }
        values
    }

    /// What it looks at, for people: `exception stack trace in app frames`.
    pub fn description(&self) -> String {
        let base = match self.name {
            "fallback" => "nothing that could group it".to_owned(),
            "checksum" => "the checksum the client sent".to_owned(),
            "hashed_checksum" => "the hashed checksum the client sent".to_owned(),
            "custom_client_fingerprint" => "the fingerprint the client sent".to_owned(),
            "custom_server_fingerprint" => "the fingerprint of a rule of the project".to_owned(),
            "custom_fingerprint" => "a fingerprint".to_owned(),
            "built_in_fingerprint" => "the fingerprint of a built-in rule".to_owned(),
            _ => self.component.as_ref().map_or_else(String::new, described),
        };
        let place = match self.name {
            "app" if base.ends_with("stack trace") => " in app frames",
            "system" if base.ends_with("stack trace") => " in all frames",
            _ => "",
        };
        let salt = if self.component.is_some() && self.fingerprint.is_some() { ", salted by the fingerprint" } else { "" };
        format!("{base}{place}{salt}")
    }

    /// As `vedette explain` prints it.
    pub fn to_json(&self) -> Value {
        let mut json = json!({"name": self.name, "contributes": self.contributes, "hash": self.hash, "values": self.values()});
        json["description"] = json!(self.description());
        if let Some(hint) = &self.hint {
            hint.add_to(&mut json);
        }
        if let Some(component) = &self.component {
            json["tree"] = component.to_json();
        }
        json
    }
}

/// The parts that decide, in the order people name them.
fn described(root: &Component) -> String {
    let Some(part) = root.parts().first() else { return String::new() };
    let has = |id| part.find(id).is_some();
    match part.id {
        "exception" | "chained_exception" => {
            let what = if part.id == "exception" { "exception" } else { "chained exceptions’" };
            if has("stacktrace") {
                format!("{what} stack trace")
            } else if has("ns_error") {
                format!("{what} type and error code")
            } else if has("value") {
                format!("{what} {}value", if has("type") { "type and " } else { "" })
            } else {
                format!("{what} type")
            }
        }
        "threads" => "thread stack trace".to_owned(),
        _ => part.name().to_owned(),
    }
}
