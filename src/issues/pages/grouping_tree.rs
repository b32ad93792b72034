//! From a [`Grouping`] to what the grouping page prints, and to the sentence of the issue page.

use serde_json::Value;
use uuid::Uuid;

use crate::grouping::{self, Component, Config, Grouping, Hint, Variant, explain_words};
use crate::issues::view::grouping::{HashView, TreeLine, VariantView};
use crate::web::urls;

/// Lines of one variant's tree: a stack trace of a few hundred frames.
const MAX_LINES: usize = 3_000;

/// How a stored event groups under the rules of today. Its frames are then marked as those rules mark them, not as was right when it came.
pub(super) fn group(event: &mut Value, rules: Option<&Value>) -> Grouping {
    let config = rules.and_then(|rules| Config::from_json(rules).ok()).unwrap_or_else(Config::standard);
    grouping::group(event, &config)
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

/// The event's hashes, and which of them led to its issue: `stored`, which may be none of today's.
pub(super) fn hashes(grouping: &Grouping, stored: Uuid) -> Vec<HashView> {
    let stored = stored.simple().to_string();
    let view = |hash: &grouping::Hash| {
        let made_of = grouping.variants.iter().find(|variant| variant.contributes && variant.hash.as_ref() == Some(hash));
        let hash = hash.to_string();
        HashView { led: hash == stored, of: made_of.map(Variant::description).unwrap_or_default(), hash }
    };
    let mut hashes: Vec<HashView> = grouping.hashes.iter().map(view).collect();
    if !hashes.iter().any(|hash| hash.led) {
        let of = "what counted when the event came, under the rules or the version of then".to_owned();
        hashes.push(HashView { hash: stored, of, led: true });
    }
    hashes
}

/// Every variant as a tree, those that count first; rules are linked where the project called `slug` lists them.
pub(super) fn variants(grouping: &Grouping, slug: &str) -> Vec<VariantView> {
    let (counting, others): (Vec<_>, Vec<_>) = grouping.variants.iter().partition(|variant| variant.contributes);
    let mut views: Vec<VariantView> = counting.into_iter().chain(others).map(|variant| one(variant, slug)).collect();
    views.iter_mut().filter(|view| view.contributes).skip(1).for_each(|view| view.verdict = "asked next");
    views
}

/// A reason in words, and where the rule stands that is one; both may be empty.
fn reason(hint: Option<&Hint>, slug: &str) -> (String, String) {
    let href = hint.and_then(Hint::rule).map(|rule| urls::project_rule(slug, &rule.anchor()));
    (hint.map(ToString::to_string).unwrap_or_default(), href.unwrap_or_default())
}

fn one(variant: &Variant, slug: &str) -> VariantView {
    let mut lines = Vec::new();
    for entry in variant.fingerprint.iter().flatten() {
        lines.push(TreeLine {
            depth: 0,
            name: "fingerprint".to_owned(),
            value: entry.clone(),
            hint: String::new(),
            rule_href: String::new(),
            contributes: variant.contributes,
        });
    }
    if let Some(root) = &variant.component {
        // The root is the variant itself: its parts say more than its name again.
        root.parts().iter().for_each(|part| add(part, (0, true), slug, &mut lines));
    }
    let (hint, rule_href) = reason(variant.hint.as_ref(), slug);
    VariantView {
        name: capitalised(&variant.description()),
        hash: variant.hash.map(|hash| hash.to_string()).unwrap_or_default(),
        contributes: variant.contributes,
        verdict: if variant.contributes { "decides" } else { "does not count" },
        hint,
        rule_href,
        lines,
    }
}

/// Adds a part and its own parts; of one that does not count, nothing does.
fn add(component: &Component, (depth, counts): (usize, bool), slug: &str, lines: &mut Vec<TreeLine>) {
    if lines.len() >= MAX_LINES {
        return;
    }
    let counts = counts && component.contributes;
    let (hint, rule_href) = reason(component.hint.as_ref(), slug);
    lines.push(TreeLine {
        depth,
        name: component.name().to_owned(),
        value: component.text().unwrap_or_default().to_owned(),
        hint,
        rule_href,
        contributes: counts,
    });
    component.parts().iter().for_each(|part| add(part, (depth + 1, counts), slug, lines));
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
        let grouping = group(&mut event(), None);
        let views = variants(&grouping, "shop");
        assert!(views[0].contributes && views[0].hash == grouping.primary().to_string());
        assert_eq!(views[0].name, "Exception stack trace in app frames");
        let line = |name: &str| views[0].lines.iter().find(|line| line.name == name).unwrap();
        assert_eq!((line("function name").value.as_str(), line("function name").contributes), ("index", true));
        assert!(!line("value").contributes && !line("value").hint.is_empty());
        assert!(line("frame").depth > line("stack trace").depth);
        let mut outside = json!({"platform": "python", "stacktrace": {"frames": [{"module": "a", "function": "main", "in_app": false}, {"module": "b", "function": "f", "in_app": true}]}});
        let views = variants(&group(&mut outside, None), "shop");
        let shown = |view: usize, value: &str| views[view].lines.iter().find(|line| line.value == value).unwrap().contributes;
        assert!(!shown(0, "main") && shown(0, "f") && shown(1, "main"), "of a frame that does not count, nothing does");
        assert_eq!((views[0].verdict, views[1].verdict), ("decides", "asked next"));
    }

    #[test]
    fn the_sentence_admits_that_rules_have_changed_since() {
        let grouping = group(&mut event(), None);
        let same: Uuid = grouping.primary().to_string().parse().unwrap();
        assert!(why(&grouping, same).starts_with("Same stack in app frames: index."));
        assert!(!why(&grouping, same).contains("earlier rules"));
        assert!(why(&grouping, Uuid::nil()).contains("earlier rules"));
    }

    #[test]
    fn what_a_rule_decided_links_to_its_line() {
        let rules = json!({"stack_trace_rules": "# ours\nfunction:index -group", "fingerprint_rules": ""});
        let grouping = group(&mut event(), Some(&rules));
        let views = variants(&grouping, "shop");
        let frame = views.iter().flat_map(|view| &view.lines).find(|line| line.hint.starts_with("left out by the project’s rule")).unwrap();
        assert_eq!(frame.rule_href, urls::project_rule("shop", "stack-trace-2"));
        let rules = json!({"fingerprint_rules": "type:KeyError -> zone"});
        let views = variants(&group(&mut event(), Some(&rules)), "shop");
        assert_eq!(views[0].rule_href, urls::project_rule("shop", "fingerprint-1"));
    }

    #[test]
    fn the_hash_that_led_here_is_named_even_when_it_is_none_of_todays() {
        let grouping = group(&mut event(), None);
        let led = |stored| hashes(&grouping, stored).into_iter().filter(|hash| hash.led).collect::<Vec<_>>();
        let today = led(grouping.primary().to_string().parse().unwrap());
        assert_eq!((today.len(), today[0].of.as_str()), (1, "exception stack trace in app frames"));
        let before = led(Uuid::nil());
        assert_eq!((before.len(), before[0].hash.len()), (1, 32));
        assert!(before[0].of.contains("of then"));
    }

    #[test]
    fn a_projects_rules_count_and_broken_ones_do_not_hurt() {
        let rules = json!({"fingerprint_rules": "error.type:KeyError -> zone", "stack_trace_rules": ""});
        assert_ne!(group(&mut event(), Some(&rules)).primary(), group(&mut event(), None).primary());
        let broken = json!({"fingerprint_rules": "nonsense"});
        assert_eq!(group(&mut event(), Some(&broken)).primary(), group(&mut event(), None).primary());
    }
}
