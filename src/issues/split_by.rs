//! # Split by: what tells the events of one issue apart
//! **Promise.** For an issue that holds two bugs under one hash: the properties by which its newest events differ (message, transaction, a frame, a
//! tag), each with the fingerprint rule that parts the issue by it, and how the events would come apart. **How.** Candidates come from what the
//! events have; each is judged by grouping the same events with its rule put first, through the code that groups every event. A rule names what the
//! events have in common ([`Place`]), so that it touches few others. **When it breaks.** Events of which nothing can be matched by a rule (browser
//! reports, checksums) have no candidates. **Not here.** Saving the rule (`projects`), moving stored events (`regroup`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::events::summary::Summary;
use crate::events::tag_stats::OWN_KEYS;
use crate::grouping::{self, Config, Place, quoted};
use crate::projects::GroupingRules;

/// Candidates that are judged; each groups all events of the sample again.
const MAX_CANDIDATES: usize = 40;
/// Frames, tag keys and values of one key that become candidates.
const MAX_FRAMES: usize = 10;
const MAX_KEYS: usize = 12;
const MAX_VALUES: usize = 3;
/// A value that is rarer than one event of so many is no candidate of its own.
const RARE: usize = 50;

/// A stored event that is looked at.
#[derive(Debug, Clone)]
pub(super) struct Sampled {
    /// Its normalised JSON.
    pub(super) event: Value,
    /// What is counted of it.
    pub(super) summary: Summary,
}

/// How an issue could be parted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// "By message", "Those that come through retry".
    pub(super) words: String,
    /// The rule, to be put before the project's own.
    pub(super) rule: String,
    /// Events per part, the largest first.
    pub(super) parts: Vec<usize>,
}

struct Candidate {
    words: String,
    extra: String,
    entry: String,
}

/// How these events of one issue could be parted, the most even first within each property; nothing when no rule can.
pub(super) fn choices(sample: &[Sampled], rules: &GroupingRules) -> Vec<Choice> {
    let config = |rules: &GroupingRules| Config::with_rules(rules.version, &rules.stack_trace_rules, &rules.fingerprint_rules);
    let Ok(today) = config(rules) else { return Vec::new() };
    let Some((place, base)) = sample.iter().find_map(|sampled| held(sampled, &today)) else { return Vec::new() };
    let before = parts(sample, &today).len();
    let mut choices = Vec::new();
    for candidate in candidates(sample).into_iter().take(MAX_CANDIDATES) {
        let rule = place.splitting_rule(&candidate.extra, &format!("{base}, {}", candidate.entry));
        if rule.is_empty() {
            continue;
        }
        // A project's rules may be long; what does not fit or compile is no choice.
        let Ok(config) = config(&rules.with_first(&rule)) else { continue };
        let parts = parts(sample, &config);
        if parts.len() > before {
            choices.push(Choice { words: candidate.words, rule, parts });
        }
    }
    choices
}

/// What a rule can hold the event by, and the fingerprint it has today.
fn held(sampled: &Sampled, today: &Config) -> Option<(Place, String)> {
    let grouping = grouping::group(&mut sampled.event.clone(), today);
    let entries = grouping.variants.iter().find(|variant| variant.contributes).and_then(|variant| variant.fingerprint.clone());
    let base = entries.filter(|entries| !entries.is_empty()).map_or_else(
        || "{{ default }}".to_owned(),
        |entries| entries.iter().map(|entry| format!("\"{}\"", quoted(entry))).collect::<Vec<_>>().join(", "),
    );
    Some((grouping.place?, base))
}

/// Events per primary hash, the largest part first.
fn parts(sample: &[Sampled], config: &Config) -> Vec<usize> {
    let mut parts = BTreeMap::<_, usize>::new();
    for sampled in sample {
        *parts.entry(grouping::group(&mut sampled.event.clone(), config).primary().to_string()).or_default() += 1;
    }
    let mut parts: Vec<usize> = parts.into_values().collect();
    parts.sort_unstable_by(|a, b| b.cmp(a));
    parts
}

fn candidates(sample: &[Sampled]) -> Vec<Candidate> {
    let by = |what: &str, variable: &str| Candidate {
        words: format!("By {what}"),
        extra: String::new(),
        entry: format!("{{{{ {variable} }}}}"),
    };
    let mut all = vec![by("message", "message"), by("transaction", "transaction")];
    for (module, function) in uneven(sample, frames, MAX_FRAMES) {
        let of = if module.is_empty() { String::new() } else { format!(" stack.module:\"{}\"", quoted(&module)) };
        all.push(Candidate {
            words: format!("Those that come through {}{function}", if module.is_empty() { module } else { format!("{module}.") }),
            extra: format!("{of} stack.function:\"{}\"", quoted(&function)),
            entry: format!("\"through {}\"", quoted(&function)),
        });
    }
    let mut keys = BTreeMap::<&str, BTreeMap<&str, usize>>::new();
    for (key, value) in sample.iter().flat_map(|sampled| &sampled.summary.tags) {
        *keys.entry(key).or_default().entry(value).or_default() += 1;
    }
    // A key that every event has its own value of tells nobody apart.
    let told = |values: &BTreeMap<&str, usize>| values.len() < sample.len() && values.values().any(|count| *count < sample.len());
    let mut keys: Vec<_> = keys.into_iter().filter(|(key, values)| !matches!(*key, "level" | "transaction") && told(values)).collect();
    keys.sort_by_key(|(key, _)| (OWN_KEYS.iter().position(|own| own == key).unwrap_or(OWN_KEYS.len()), *key));
    keys.truncate(MAX_KEYS);
    let is_name = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    keys.retain(|(key, _)| is_name(key));
    all.extend(keys.iter().map(|(key, _)| by(&format!("tag {key}"), &format!("tags.{key}"))));
    for (key, values) in &keys {
        let often = |count: usize| count * RARE >= sample.len() && count < sample.len();
        let mut values: Vec<_> = values.iter().filter(|(_, count)| often(**count)).collect();
        values.sort_by_key(|(value, count)| (std::cmp::Reverse(**count), **value));
        all.extend(values.into_iter().take(MAX_VALUES).map(|(value, _)| Candidate {
            words: format!("Those with {key} {value}"),
            extra: format!(" tags.{key}:\"{}\"", quoted(value)),
            entry: format!("\"{key} {}\"", quoted(value)),
        }));
    }
    all
}

/// What some of the events have and others have not, the most even first.
fn uneven<T: Ord + Clone>(sample: &[Sampled], of: impl Fn(&Value) -> BTreeSet<T>, most: usize) -> Vec<T> {
    let mut counts = BTreeMap::<T, usize>::new();
    for sampled in sample {
        for what in of(&sampled.event) {
            *counts.entry(what).or_default() += 1;
        }
    }
    let mut some: Vec<_> = counts.into_iter().filter(|(_, count)| *count < sample.len()).collect();
    some.sort_by_key(|(what, count)| (count.abs_diff(sample.len() / 2), what.clone()));
    some.into_iter().map(|(what, _)| what).take(most).collect()
}

/// Module and function of the exceptions' frames.
fn frames(event: &Value) -> BTreeSet<(String, String)> {
    let exceptions = event["exception"]["values"].as_array().into_iter().flatten();
    let frames = exceptions.flat_map(|exception| exception["stacktrace"]["frames"].as_array().into_iter().flatten());
    let text = |frame: &Value, key: &str| frame[key].as_str().unwrap_or_default().to_owned();
    frames.map(|frame| (text(frame, "module"), text(frame, "function"))).filter(|(_, function)| !function.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sampled(value: &str, through: &str, browser: &str) -> Sampled {
        let frame = |function: &str, in_app| json!({"function": function, "module": "shop", "in_app": in_app});
        let event = json!({"platform": "python", "tags": [["browser", browser], ["id \"x\"", value]], "exception": {"values": [
            {"type": "Declined", "value": value, "stacktrace": {"frames": [frame(through, false), frame("charge", true)]}}]}});
        Sampled { summary: Summary::of(&event), event }
    }

    fn sample() -> Vec<Sampled> {
        let event = |n: usize| {
            let through = if n < 3 { "retry" } else { "main" };
            sampled(if n.is_multiple_of(2) { "no funds" } else { "gateway down" }, through, if n < 8 { "Safari" } else { "Chrome" })
        };
        (0..10).map(event).collect()
    }

    #[test]
    fn events_under_one_hash_can_be_parted_by_what_differs() {
        let choices = choices(&sample(), &GroupingRules::default());
        let told: Vec<_> = choices.iter().map(|choice| (choice.words.as_str(), choice.parts.as_slice())).collect();
        assert_eq!(
            told,
            [
                ("By message", &[5, 5][..]),
                ("Those that come through shop.main", &[7, 3]),
                ("Those that come through shop.retry", &[7, 3]),
                ("By tag browser", &[8, 2]),
                ("Those with browser Safari", &[8, 2]),
                ("Those with browser Chrome", &[8, 2]),
            ]
        );
        assert_eq!(
            choices[1].rule,
            "error.type:\"Declined\" stack.module:\"shop\" stack.function:\"main\" -> {{ default }}, \"through main\""
        );
    }

    #[test]
    fn what_a_rule_has_put_together_stays_so_but_for_the_property() {
        let together = GroupingRules { fingerprint_rules: "error.type:Declined -> no \"money\"".to_owned(), ..GroupingRules::default() };
        let choices = choices(&sample(), &together);
        assert_eq!((choices[0].words.as_str(), choices[0].parts.as_slice()), ("By message", &[5, 5][..]));
        assert!(choices[0].rule.contains("-> \"no\", \"money\", {{ message }}"), "{}", choices[0].rule);
    }

    #[test]
    fn events_that_are_all_alike_have_no_choice() {
        let alike: Vec<Sampled> = (0..5).map(|_| sampled("no funds", "main", "Safari")).collect();
        assert_eq!(choices(&alike, &GroupingRules::default()), []);
        assert_eq!(choices(&[], &GroupingRules::default()), []);
    }
}
