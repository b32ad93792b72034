//! # Grouping: which events are the same bug
//!
//! **Promise.** An event becomes hashes, the same ones Sentry computes (configurations: [`Version`]), with a title, a culprit and a reason for
//! everything. The same event and [`Config`] give the same answer for ever; line numbers, addresses, ids in messages, releases and times do not matter.
//! **How.** [`group`]: prepare frames → fingerprint rules → stack trace rules → strategies build component trees → variants and hashes → names.
//! The facts are in `grouping.md`; each file names its section.
//! **When it breaks.** Nothing in an event can fail it: what has the wrong shape counts as absent, and an event of which nothing counts gets the
//! `fallback` hash.
//! **Not here.** Storage, which issue owns a hash (`issues`), normalisation (`event`). A change that alters hashes is a new configuration beside this
//! one ([`Version`]), never a change to it.

mod assemble;
mod component;
mod config;
mod culprit;
mod cursor;
mod effort;
mod exception;
mod exception_group;
mod explain;
mod fingerprint;
mod frame;
mod frame_parts;
mod function_name;
mod glob;
mod globs;
mod hash;
mod message;
mod place;
mod platform;
mod prepare;
mod rule_error;
mod rules;
mod security;
mod shape;
mod stacktrace;
mod strategies;
mod suggest;
mod text;
mod title;
mod traces;
mod variant;
mod version;

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

pub use component::{Component, Content, Hint};
pub use config::Config;
pub use explain::{explain_changes, explain_words};
pub use fingerprint::{KEY_NAMES as FINGERPRINT_KEYS, VARIABLE_NAMES as FINGERPRINT_VARIABLES};
pub use hash::Hash;
pub use place::{Place, common_words};
pub use rule_error::{RuleError, RuleErrors};
pub use rules::{
    ACTION_NAMES as STACK_TRACE_ACTIONS, MATCHER_NAMES as STACK_TRACE_MATCHERS, Origin, RuleSource, RuleText, anchor as rule_anchor,
};
pub use suggest::{RulePlace, Suggestion, quoted, suggestions};
pub use title::Kind;
pub use variant::Variant;
pub use version::{TRANSITION, UnknownVersion, Version};

use shape::Object;
use traces::Traces;

/// How an event groups, and what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    /// What the event belongs to, the primary hash first; never empty.
    pub hashes: Vec<Hash>,
    /// Every way the event was looked at, those that do not count included.
    pub variants: Vec<Variant>,
    /// What the event is called; never empty.
    pub title: String,
    /// Where it comes from; may be empty.
    pub culprit: String,
    /// What sort of event it is.
    pub kind: Kind,
    /// Where it comes from, whatever it says; nothing when that cannot be told.
    pub place: Option<Place>,
    /// The file, address or origin it is about.
    pub location: Option<String>,
    /// What lists and mails show of it: type, value, filename, function …
    pub metadata: Value,
    /// Parts of the event that would have counted if there were nothing better: `threads`, `message` …
    pub passed_over: Vec<&'static str>,
    /// Rules of the project that were not all tried on this event, because that would have cost too much: `stack trace rules`, `fingerprint rules`.
    pub rules_cut: Vec<&'static str>,
    /// The exception that gives the title, by index among the event's; absent: the last.
    pub main_exception: Option<usize>,
}

impl Grouping {
    /// The hash that decides first.
    pub fn primary(&self) -> Hash {
        self.hashes.first().copied().unwrap_or_else(|| Hash::of([]))
    }

    /// As `vedette explain` prints it: `{"hashes": […], "why": [sentence], "changes": [sentence], "variants": [{"name", "contributes", "hash",
    /// "values", "tree", …}]}`.
    pub fn to_json(&self) -> Value {
        json!({
            "hashes": self.hashes,
            "why": explain_words(self),
            "changes": explain_changes(self),
            "variants": self.variants.iter().map(Variant::to_json).collect::<Vec<_>>(),
        })
    }
}

/// Groups a normalised event. Rewrites its frames (trimmed function names, settled `in_app`); grouping it again, also under other rules, starts from
/// what the client sent.
pub fn group(event: &mut Value, config: &Config) -> Grouping {
    let Value::Object(event) = event else {
        return group_object(&mut Object::new(), config);
    };
    group_object(event, config)
}

fn group_object(event: &mut Object, config: &Config) -> Grouping {
    let version = config.version();
    prepare::prepare(event, version);
    let mut traces = Traces::read(event, version);
    let decision = fingerprint::decide(event, &traces, &config.compiled.fingerprint);
    let cut = [("fingerprint rules", decision.is_cut), ("stack trace rules", traces.settle(&config.compiled.stack_trace))];
    let rules_cut = cut.into_iter().filter(|(_, is_cut)| *is_cut).map(|(rules, _)| rules).collect();
    let grouping = Grouping { rules_cut, ..assemble::grouping(event, &traces, decision) };
    let in_app = traces.in_app();
    prepare::settle_in_app(event, &in_app);
    grouping
}
