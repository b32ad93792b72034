//! # Fingerprints
//!
//! **Promise.** What a client or a rule asks an event to be grouped by, with variables filled in (grouping.md 12 and 13).
//! **How.** A rule that matches replaces the client's fingerprint. `{{ default }}` stands for the normal grouping: alone it changes nothing, beside
//! other entries it is salted by them, and without it the entries alone are hashed.

mod matching;
mod parse;
mod rules;
mod variables;

use std::sync::Arc;

use serde_json::Value;

use super::rules::RuleSource;
use super::shape::Object;
use super::traces::Traces;

pub use parse::KEY_NAMES;
pub(super) use parse::parse;
pub(super) use rules::{Rule, RuleSet, from_json};
pub(super) use variables::Scope;
pub use variables::VARIABLE_NAMES;

/// What an event asks to be grouped by.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Fingerprint {
    /// By the normal grouping.
    #[default]
    Default,
    /// By these entries and the normal grouping.
    Hybrid(Asked),
    /// By these entries alone.
    Custom(Asked),
}

/// A fingerprint and who asked for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    /// As written.
    pub(super) entries: Vec<String>,
    /// The rule, if not the client.
    pub(super) rule: Option<Arc<RuleSource>>,
}

/// What the rules and the client ask for, and the title a rule gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Decision {
    pub(super) fingerprint: Fingerprint,
    /// As written.
    pub(super) title: Option<String>,
    /// Rules of the project were not tried: they would have cost too much.
    pub(super) is_cut: bool,
}

/// Finds out what an event asks to be grouped by. Frames must have the client's flags still.
pub(super) fn decide(event: &Object, traces: &Traces<'_>, rules: &RuleSet) -> Decision {
    let (found, is_cut) = rules.first_match(event, traces);
    if let Some(rule) = found {
        let asked = Asked { entries: rule.fingerprint.clone(), rule: Some(rule.source.clone()) };
        return Decision { fingerprint: kind(asked), title: rule.title.clone(), is_cut };
    }
    Decision { fingerprint: kind(Asked { entries: sent(event), rule: None }), title: None, is_cut }
}

fn kind(asked: Asked) -> Fingerprint {
    let defaults = asked.entries.iter().filter(|entry| is_default(entry)).count();
    match (defaults, asked.entries.len()) {
        (0, 0) | (1, 1) => Fingerprint::Default,
        (0, _) => Fingerprint::Custom(asked),
        _ => Fingerprint::Hybrid(asked),
    }
}

/// The client's fingerprint; numbers and truth values as text.
fn sent(event: &Object) -> Vec<String> {
    let entries = event.get("fingerprint").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |entry: &Value| match entry {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(if *flag { "True" } else { "False" }.to_owned()),
        Value::Number(number) => {
            Some(number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), |f| format!("{:.0}", f.trunc())))
        }
        _ => None,
    };
    entries.iter().filter_map(text).collect()
}

/// The name of the variable that an entry consists of: `{{ name }}`, blanks optional.
pub(super) fn variable(entry: &str) -> Option<&str> {
    let name = entry.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    (!name.is_empty() && !name.contains(char::is_whitespace)).then_some(name)
}

/// Whether an entry stands for the normal grouping.
pub(super) fn is_default(entry: &str) -> bool {
    variable(entry) == Some("default")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_become_text() {
        let event = json!({"fingerprint": ["a", 3, 2.5, true, null, [1]]});
        assert_eq!(sent(event.as_object().unwrap()), ["a", "3", "2", "True"]);
    }

    #[test]
    fn kinds_of_fingerprints() {
        let of = |entries: &[&str]| kind(Asked { entries: entries.iter().map(|entry| (*entry).to_owned()).collect(), rule: None });
        assert_eq!(of(&[]), Fingerprint::Default);
        assert_eq!(of(&["{{default}}"]), Fingerprint::Default);
        assert!(matches!(of(&["{{ default }}", "x"]), Fingerprint::Hybrid(_)));
        assert!(matches!(of(&["{{ message }}"]), Fingerprint::Custom(_)));
        assert!(matches!(of(&["x {{ default }}"]), Fingerprint::Custom(_)));
    }
}
