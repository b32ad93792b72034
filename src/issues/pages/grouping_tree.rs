//! From a [`Grouping`] to what the grouping page prints, and to the sentence of the issue page.

use serde_json::Value;
use uuid::Uuid;

use crate::grouping::{self, Component, Config, Grouping, Variant, explain_words};
use crate::issues::view::grouping::{TreeLine, VariantView};

/// Lines of one variant's tree: a stack trace of a few hundred frames.
const MAX_LINES: usize = 3_000;

/// How a stored event groups under the rules of today.
pub(super) fn group(event: &Value, rules: Option<&Value>) -> Grouping {
    let config = rules.and_then(|rules| Config::from_json(rules).ok()).unwrap_or_else(Config::standard);
    grouping::group(&mut event.clone(), &config)
}

/// Why the event is in its issue, in a few sentences. `stored` is the hash that led there.
pub(super) fn why(grouping: &Grouping, stored: Uuid) -> String {
    let mut sentences = explain_words(grouping);
    sentences.retain(|sentence| !sentence.is_empty());
    if !grouping.hashes.iter().any(|hash| hash.to_string() == stored.simple().to_string()) {
        sentences.push("This event came here under earlier rules.".to_owned());
    }
    sentences.join(" ")
}

/// Every variant as a tree, those that count first.
pub(super) fn variants(grouping: &Grouping) -> Vec<VariantView> {
    let (counting, others): (Vec<_>, Vec<_>) = grouping.variants.iter().partition(|variant| variant.contributes);
    counting.into_iter().chain(others).map(variant).collect()
}

fn variant(variant: &Variant) -> VariantView {
    let mut lines = Vec::new();
    for entry in variant.fingerprint.iter().flatten() {
        let (name, hint) = ("fingerprint".to_owned(), String::new());
        lines.push(TreeLine { depth: 0, name, value: entry.clone(), hint, contributes: variant.contributes });
    }
    if let Some(root) = &variant.component {
        // The root is the variant itself: its parts say more than its name again.
        root.parts().iter().for_each(|part| add(part, 0, &mut lines));
    }
    VariantView {
        name: capitalised(&variant.description()),
        hash: variant.hash.map(|hash| hash.to_string()).unwrap_or_default(),
        contributes: variant.contributes,
        hint: variant.hint.as_ref().map(ToString::to_string).unwrap_or_default(),
        lines,
    }
}

fn add(component: &Component, depth: usize, lines: &mut Vec<TreeLine>) {
    if lines.len() >= MAX_LINES {
        return;
    }
    lines.push(TreeLine {
        depth,
        name: component.name().to_owned(),
        value: component.text().unwrap_or_default().to_owned(),
        hint: component.hint.as_ref().map(ToString::to_string).unwrap_or_default(),
        contributes: component.contributes,
    });
    component.parts().iter().for_each(|part| add(part, depth + 1, lines));
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event() -> Value {
        json!({"platform": "python", "exception": {"values": [{"type": "KeyError", "value": "'zone' of order 17",
            "stacktrace": {"frames": [{"filename": "app/views.py", "module": "app.views", "function": "index", "in_app": true, "lineno": 3}]}}]}})
    }

    #[test]
    fn the_tree_says_what_counts_and_why_the_rest_does_not() {
        let grouping = group(&event(), None);
        let views = variants(&grouping);
        assert!(views[0].contributes && views[0].hash == grouping.primary().to_string());
        assert_eq!(views[0].name, "Exception stack trace in app frames");
        let line = |name: &str| views[0].lines.iter().find(|line| line.name == name).unwrap();
        assert_eq!((line("function name").value.as_str(), line("function name").contributes), ("index", true));
        assert!(!line("value").contributes && !line("value").hint.is_empty());
        assert!(line("frame").depth > line("stack trace").depth);
    }

    #[test]
    fn the_sentence_admits_that_rules_have_changed_since() {
        let grouping = group(&event(), None);
        let same: Uuid = grouping.primary().to_string().parse().unwrap();
        assert!(why(&grouping, same).starts_with("Same stack in app frames: index."));
        assert!(!why(&grouping, same).contains("earlier rules"));
        assert!(why(&grouping, Uuid::nil()).contains("earlier rules"));
    }

    #[test]
    fn a_projects_rules_count_and_broken_ones_do_not_hurt() {
        let rules = json!({"fingerprint_rules": "error.type:KeyError -> zone", "stack_trace_rules": ""});
        assert_ne!(group(&event(), Some(&rules)).primary(), group(&event(), None).primary());
        let broken = json!({"fingerprint_rules": "nonsense"});
        assert_eq!(group(&event(), Some(&broken)).primary(), group(&event(), None).primary());
    }
}
