//! Which parts of an event lost entries, in few words.
//!
//! A text that was cut is still there to be read; entries of lists and objects that were left out for want of room are gone, and people should
//! hear of that without opening the event. `_meta` has their number (`len`) and no remark.

use std::collections::BTreeSet;

use serde_json::Value;

/// Levels of `_meta` that are looked at: more than an event can have.
const MAX_DEPTH: usize = 128;

/// The parts of an event that `_meta` has something to say of.
pub fn noted(event: &Value) -> BTreeSet<String> {
    event.get("_meta").and_then(Value::as_object).into_iter().flatten().map(|(part, _)| part.clone()).collect()
}

/// The parts of which entries were left out here: not those in `before`, of which the client had something to say.
pub fn parts(event: &Value, before: &BTreeSet<String>) -> Vec<String> {
    let Some(Value::Object(meta)) = event.get("_meta") else { return Vec::new() };
    let is_lost = |(part, node): &(&String, &Value)| !before.contains(*part) && lost_entries(node, MAX_DEPTH);
    meta.iter().filter(is_lost).map(|(part, _)| part.clone()).collect()
}

fn lost_entries(node: &Value, depth: usize) -> bool {
    let Value::Object(children) = node else { return false };
    children.iter().any(|(key, child)| match &**key {
        "" => child.get("len").is_some() && child.get("rem").is_none(),
        _ => depth > 0 && lost_entries(child, depth - 1),
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::event::{NormaliseParams, normalise};

    #[test]
    fn parts_that_lost_entries_are_named_and_cut_texts_are_not() {
        let sent = json!({
            "message": "m".repeat(10_000),
            "breadcrumbs": (0..300).map(|n| json!({"message": n.to_string()})).collect::<Vec<_>>(),
            "extra": (0..30).map(|n| (n.to_string(), json!(vec!["x".repeat(1000); 15]))).collect::<serde_json::Map<_, _>>(),
            "user": {"id": "1"}, "_meta": {"user": {"": {"len": 9}}},
        });
        let before = noted(&sent);
        let event = normalise(sent, &NormaliseParams::new(DateTime::UNIX_EPOCH)).unwrap();
        assert_eq!(parts(&event, &before), ["breadcrumbs", "extra"]);
        assert_eq!(parts(&event, &BTreeSet::new()), ["breadcrumbs", "extra", "user"]);
        assert_eq!(parts(&json!({}), &before), [] as [&str; 0]);
    }
}
