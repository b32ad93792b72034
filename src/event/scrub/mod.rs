//! # Scrubbing: what must never be stored
//!
//! **Promise.** Secrets and personal data leave a normalised event before anything is stored, indexed, logged or mailed, where and how Sentry's Relay
//! does it (`protocol.md` section 10); `_meta` tells people what was taken and by which rule. Scrubbing twice is scrubbing once,
//! except in a row of IPv6 addresses, of which one pass finds every other, as Relay's does.
//!
//! **How.** [`ScrubSettings`] is what a project has chosen; [`ScrubSettings::compile`] makes a [`Scrubber`] of it, cheap to clone and meant to be kept.
//! `patterns` knows what secrets look like, `fields` where they are looked for, `selector` reads paths, `chunks` rewrites texts, `texts` orders the rules,
//! `rules` are a project's own, `quotes` cleans what `_meta` and `errors` repeat, and `walk` brings them together.
//!
//! **When it breaks.** Settings that make no sense are refused by `compile` with the rule's name; scrubbing itself cannot fail.
//!
//! **Beyond Relay.** Sensitive fields match without regard to case (`protocol.md` 10.4); what `_meta` and `errors` quote of the client is scrubbed
//! whatever its shape.
//!
//! **Not here.** Leaving the sender's address out of the event in the first place (`normalise`).

mod chunks;
mod fields;
mod names;
mod patterns;
mod quotes;
mod rules;
mod selector;
mod texts;
mod walk;

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use rules::{RULES_LIMIT, Rule, RuleError};
use selector::Selector;

use super::meta::MetaTree;

/// What stands in a secret's place.
const FILTERED: &str = "[Filtered]";
/// Most sensitive or excluded fields a project may name.
const NAMES_LIMIT: usize = 500;
/// Largest compiled size of the sensitive fields, in bytes.
const WORDS_LIMIT: usize = 4 * 1024 * 1024;

/// What a project has chosen. The names in JSON are Sentry's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScrubSettings {
    /// Whether the default rules and sensitive fields are used at all.
    pub scrub_data: bool,
    /// Whether the default rules are used.
    pub scrub_defaults: bool,
    /// Words: a key or text that contains one is secret.
    pub sensitive_fields: Vec<String>,
    /// Keys or paths that default rules and sensitive fields leave alone.
    pub exclude_fields: Vec<String>,
    /// Whether IP addresses are taken out. As in Relay, this works by itself, whatever `scrubData` says.
    pub scrub_ip_addresses: bool,
    /// The project's own rules; like addresses, not subject to `scrubData`.
    pub rules: Vec<Rule>,
    /// What makes this project's hashes its own.
    pub hash_salt: String,
}

impl Default for ScrubSettings {
    fn default() -> Self {
        Self {
            scrub_data: true,
            scrub_defaults: true,
            sensitive_fields: Vec::new(),
            exclude_fields: Vec::new(),
            scrub_ip_addresses: false,
            rules: Vec::new(),
            hash_salt: String::new(),
        }
    }
}

/// Why settings were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScrubError {
    /// One of the project's rules makes no sense.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A list is longer than what one event may be compared with.
    #[error("{field} has {count} entries; {NAMES_LIMIT} are allowed")]
    TooMany {
        /// The setting.
        field: &'static str,
        /// Its entries.
        count: usize,
    },
    /// The sensitive fields together are too long.
    #[error("sensitiveFields are too long together")]
    TooLong,
}

impl ScrubSettings {
    /// Makes a scrubber of the settings.
    pub fn compile(&self) -> Result<Scrubber, ScrubError> {
        for (field, list) in [("sensitiveFields", &self.sensitive_fields), ("excludeFields", &self.exclude_fields)] {
            if list.len() > NAMES_LIMIT {
                return Err(ScrubError::TooMany { field, count: list.len() });
            }
        }
        let plan = Plan {
            defaults: self.scrub_data && self.scrub_defaults,
            addresses: self.scrub_ip_addresses,
            sensitive: if self.scrub_data { words(&self.sensitive_fields)? } else { None },
            excluded: self.exclude_fields.iter().filter_map(|path| Selector::lenient(path)).collect(),
            own: rules::compile(&self.rules, &self.hash_salt)?,
        };
        Ok(Scrubber { plan: Arc::new(plan) })
    }
}

/// One expression for all sensitive fields.
fn words(fields: &[String]) -> Result<Option<Regex>, ScrubError> {
    let fields: Vec<_> = fields.iter().map(|field| field.trim()).filter(|field| !field.is_empty()).map(regex::escape).collect();
    if fields.is_empty() {
        return Ok(None);
    }
    let regex = RegexBuilder::new(&fields.join("|")).case_insensitive(true).size_limit(WORDS_LIMIT).build();
    regex.map(Some).map_err(|_| ScrubError::TooLong)
}

/// Compiled settings.
#[derive(Debug)]
struct Plan {
    defaults: bool,
    addresses: bool,
    sensitive: Option<Regex>,
    excluded: Vec<Selector>,
    own: Vec<rules::Compiled>,
}

/// Settings ready to be applied to events; a clone shares them.
#[derive(Clone, Debug)]
pub struct Scrubber {
    plan: Arc<Plan>,
}

impl Scrubber {
    /// Scrubs a normalised event whose notes stand in its `_meta`.
    pub fn scrub(&self, event: &mut Value) {
        let mut notes = MetaTree::default();
        if let Some(meta) = event.as_object_mut().and_then(|event| event.remove("_meta")) {
            notes = MetaTree::from_value(&meta);
        }
        self.scrub_with(event, &mut notes);
        if let (Some(event), Some(meta)) = (event.as_object_mut(), notes.into_value()) {
            event.insert("_meta".to_owned(), meta);
        }
    }

    /// Scrubs a normalised event and the notes beside it.
    pub fn scrub_with(&self, event: &mut Value, notes: &mut MetaTree) {
        if self.is_idle() {
            return;
        }
        walk::Walk::new(&self.plan, notes).event(event);
    }

    /// Whether the settings leave every event as it is.
    pub fn is_idle(&self) -> bool {
        let plan = &self.plan;
        !plan.defaults && !plan.addresses && plan.sensitive.is_none() && plan.own.is_empty()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::any_json;
