//! # What would change a grouping
//!
//! **Promise.** Ready-made rules for the corrections people ask for: put together, tell apart, mark own code. Each can be pasted into the project's
//! settings as it is.
//! **How.** From the grouping alone. Characters that globs or quotes would read are written as `?`, which matches them.
//! **Not here.** Which issues a rule would merge or split: the preview groups stored events with it.

use serde::Serialize;

use super::Grouping;
use super::component::Component;

/// A correction, and the rule that makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// What it does, as a sentence.
    pub words: String,
    /// Where the rule belongs.
    pub place: RulePlace,
    /// The rule.
    pub rule: String,
}

/// The two texts of rules a project has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RulePlace {
    /// Stack trace rules.
    StackTraceRules,
    /// Fingerprint rules.
    FingerprintRules,
}

/// Rules that would change how an event groups, the most likely wish first.
pub fn suggestions(grouping: &Grouping) -> Vec<Suggestion> {
    let Some(variant) = grouping.variants.iter().find(|variant| variant.contributes) else { return Vec::new() };
    let Some(root) = &variant.component else { return Vec::new() };
    let mut suggestions = Vec::new();
    if let Some(frame) = newest_frame(root) {
        if variant.name == "system"
            && let Some(module) = part(frame, "module")
        {
            let words = format!("Mark {module} as part of the app.");
            suggestions.push(stack_trace(words, &format!("stack.module:\"{}\" +app", quoted(module))));
        }
        if let Some(function) = part(frame, "function") {
            let module = part(frame, "module").map_or_else(String::new, |module| format!("stack.module:\"{}\" ", quoted(module)));
            let words = format!("Leave {function} out, so that stacks which differ only there come together.");
            suggestions.push(stack_trace(words, &format!("{module}stack.function:\"{}\" -group", quoted(function))));
        }
    }
    let exceptions = root.parts().iter().filter(|part| part.id == "exception" || part.id == "chained_exception");
    if let Some(kind) = exceptions.filter_map(newest_type).next_back() {
        let matcher = format!("error.type:\"{}\"", quoted(kind));
        let together = format!("Put every {kind} together, whatever its stack and message.");
        suggestions.push(fingerprint(together, &format!("{matcher} -> \"{}\"", quoted(kind))));
        for (what, variable) in [("message", "message"), ("transaction", "transaction")] {
            let words = format!("Tell {kind} apart by its {what}.");
            suggestions.push(fingerprint(words, &format!("{matcher} -> {{{{ default }}}}, {{{{ {variable} }}}}")));
        }
    }
    suggestions
}

fn stack_trace(words: String, rule: &str) -> Suggestion {
    Suggestion { words, place: RulePlace::StackTraceRules, rule: rule.to_owned() }
}

fn fingerprint(words: String, rule: &str) -> Suggestion {
    Suggestion { words, place: RulePlace::FingerprintRules, rule: rule.to_owned() }
}

/// The contributing frame nearest the crash.
fn newest_frame(component: &Component) -> Option<&Component> {
    if !component.contributes {
        return None;
    }
    if component.id == "frame" { Some(component) } else { component.parts().iter().rev().find_map(newest_frame) }
}

/// The type of the last exception that has one.
fn newest_type(component: &Component) -> Option<&str> {
    if component.id == "exception" { part(component, "type") } else { component.parts().iter().rev().find_map(newest_type) }
}

fn part<'c>(component: &'c Component, id: &str) -> Option<&'c str> {
    component.parts().iter().find(|part| part.id == id && part.contributes).and_then(Component::text)
}

/// A text as a quoted glob that matches it.
pub fn quoted(text: &str) -> String {
    text.replace(|c: char| matches!(c, '"' | '\\' | '*' | '?' | '[' | ']' | '{' | '}') || c.is_control(), "?")
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Version, group};
    use super::*;
    use serde_json::{Value, json};

    fn event(function: &str, in_app: bool) -> Value {
        let frames =
            json!([{"module": "m.a", "function": "main", "in_app": in_app}, {"module": "m.b", "function": function, "in_app": in_app}]);
        json!({"platform": "python", "exception": {"type": "E \"x\" {y}", "value": "v", "stacktrace": {"frames": frames}}})
    }

    fn apply(suggestion: &Suggestion, mut event: Value) -> Grouping {
        let config = match suggestion.place {
            RulePlace::StackTraceRules => Config::with_rules(Version::NEWEST, &suggestion.rule, ""),
            RulePlace::FingerprintRules => Config::with_rules(Version::NEWEST, "", &suggestion.rule),
        };
        group(&mut event, &config.unwrap())
    }

    #[test]
    fn every_suggested_rule_can_be_pasted_and_changes_the_grouping() {
        for in_app in [true, false] {
            let before = group(&mut event("f[0]", in_app), &Config::standard());
            let suggestions = suggestions(&before);
            assert_eq!(suggestions.len(), if in_app { 4 } else { 5 });
            for suggestion in suggestions {
                assert_ne!(apply(&suggestion, event("f[0]", in_app)).primary(), before.primary(), "{}", suggestion.rule);
            }
        }
    }

    #[test]
    fn leaving_a_function_out_brings_stacks_together() {
        let before = group(&mut event("f", true), &Config::standard());
        let suggestion = suggestions(&before).remove(0);
        assert_eq!(suggestion.rule, "stack.module:\"m.b\" stack.function:\"f\" -group");
        assert_eq!(suggestion.words, "Leave f out, so that stacks which differ only there come together.");
    }
}
