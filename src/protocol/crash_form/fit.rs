//! # Making a crash's event fit
//!
//! **Promise.** What was said beside a dump never costs the dump: an event that would be longer in JSON than an event may be is shortened until
//! it is not, and `_meta` says what went.
//!
//! **How.** Long texts are cut first, the longest before others; if that does not do, whole members go, the largest first. Notes have a room
//! of their own within the limit.
//!
//! **When it breaks.** It cannot fail; of an event of nothing but junk the bare crash remains.
//!
//! **Not here.** What digest cuts of every event (`event`).

use serde_json::{Map, Value};

use crate::event::cut_text;
use crate::event::meta::{MetaTree, Path};

/// Characters that a text is cut to.
const KEPT: usize = 4096;
/// Bytes of JSON for what is added afterwards: the stand-in for an exception, the event's id.
const ADDED: usize = 512;
/// Of the limit, the part that notes may take.
const NOTES_SHARE: usize = 16;
/// Members that get a note of their own.
const NOTED: usize = 50;
/// Bytes of a member's name that a note repeats.
const NOTED_NAME: usize = 100;

/// What was cut.
#[derive(Debug, Default)]
pub(super) struct Notes {
    tree: MetaTree,
    noted: usize,
    /// Members of `extra` that are not there at all.
    gone: usize,
}

impl Notes {
    /// The tree for a note on this member: one that is thrown away where there are too many.
    fn with(&mut self, path: &Path<'_>, write: impl FnOnce(&mut MetaTree)) {
        let is_short = !matches!(path, Path::Key(_, key) if key.len() > NOTED_NAME);
        if is_short && self.noted < NOTED {
            self.noted += 1;
            write(&mut self.tree);
        } else {
            write(&mut MetaTree::default());
        }
    }

    /// Marks a text of which so many characters never came here.
    pub(super) fn cut_before(&mut self, text: &mut String, left_out: usize, path: &Path<'_>) {
        let held = text.chars().count();
        self.with(path, |tree| {
            tree.at(path).own.set_original_length(held + left_out);
            cut_text(text, held.saturating_sub(1).max(3), path, tree);
        });
    }

    /// A member that is not there, and how long it was.
    pub(super) fn left_out(&mut self, length: usize, path: &Path<'_>) {
        if matches!(path, Path::Key(Path::Key(Path::Root, "extra"), _)) {
            self.gone += 1;
        }
        self.with(path, |tree| tree.at(path).own.set_original_length(length));
    }

    /// A member of `extra` whose name is not known any more.
    pub(super) fn lost_member(&mut self) {
        self.gone += 1;
    }

    /// As `_meta`, no longer than its share of `max`.
    pub(super) fn into_meta(mut self, event: &Map<String, Value>, max: usize) -> Map<String, Value> {
        if self.gone > 0 {
            let there = event.get("extra").and_then(Value::as_object).map_or(0, Map::len);
            self.tree.child("extra").own.set_original_length(there + self.gone);
        }
        let of_extra = self.tree.children.get("extra").map(|extra| extra.own.clone()).unwrap_or_default();
        let all = self.tree.into_value();
        let all = all.filter(|notes| length(notes) <= max / NOTES_SHARE).or_else(|| {
            let mut tree = MetaTree::default();
            tree.child("extra").own = of_extra;
            tree.into_value()
        });
        match all {
            Some(Value::Object(notes)) => notes,
            _ => Map::new(),
        }
    }
}

/// Bytes of a value in JSON.
fn length(value: &Value) -> usize {
    value.to_string().len()
}

/// Bytes of a member's name in JSON, with what stands around it.
fn key_length(key: &str) -> usize {
    serde_json::to_string(key).map_or(key.len() + 2, |text| text.len()) + 2
}

/// Shortens an event so that it is at most `max` bytes of JSON, with what is added to it afterwards.
pub(super) fn fit(event: &mut Map<String, Value>, notes: &mut Notes, max: usize) {
    let target = max.saturating_sub(max / NOTES_SHARE + ADDED);
    let mut left = event.iter().map(|(key, value)| length(value) + key_length(key)).sum::<usize>();
    for removes in [false, true] {
        if left <= target {
            return;
        }
        for (_, in_extra, key) in members(event) {
            if left <= target {
                return;
            }
            let extra = Path::Root.key("extra");
            let path = if in_extra { extra.key(&key) } else { Path::Root.key(&key) };
            let map = if in_extra { event.get_mut("extra").and_then(Value::as_object_mut) } else { Some(&mut *event) };
            let saved = map.map_or(0, |map| if removes { remove(map, &key, &path, notes) } else { cut(map, &key, &path, notes) });
            left = left.saturating_sub(saved);
        }
    }
}

/// The members of an event and those of its `extra`, the largest first: bytes, whether of `extra`, name.
fn members(event: &Map<String, Value>) -> Vec<(usize, bool, String)> {
    let mut found = Vec::new();
    for (key, value) in event {
        match value {
            Value::Object(extra) if key == "extra" => {
                found.extend(extra.iter().map(|(key, value)| (length(value) + key_length(key), true, key.clone())));
            }
            _ => found.push((length(value) + key_length(key), false, key.clone())),
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    found
}

fn cut(map: &mut Map<String, Value>, key: &str, path: &Path<'_>, notes: &mut Notes) -> usize {
    let Some(value) = map.get_mut(key) else { return 0 };
    let before = length(value);
    if let Value::String(text) = value
        && text.len() > KEPT
    {
        notes.with(path, |tree| cut_text(text, KEPT, path, tree));
    }
    before.saturating_sub(length(value))
}

fn remove(map: &mut Map<String, Value>, key: &str, path: &Path<'_>, notes: &mut Notes) -> usize {
    let Some(value) = map.remove(key) else { return 0 };
    let before = length(&value);
    notes.left_out(value.as_str().map_or(before, |text| text.chars().count()), path);
    before + key_length(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fitted(event: Value, max: usize) -> (Map<String, Value>, Map<String, Value>) {
        let Value::Object(mut event) = event else { panic!("an event is an object") };
        let mut notes = Notes::default();
        fit(&mut event, &mut notes, max);
        let meta = notes.into_meta(&event, max);
        (event, meta)
    }

    #[test]
    fn what_fits_is_left_alone() {
        let event = json!({"release": "1.0", "extra": {"a": "\"".repeat(400)}});
        let (kept, meta) = fitted(event.clone(), 10_000);
        assert_eq!((Value::Object(kept), meta), (event, Map::new()));
    }

    #[test]
    fn long_texts_are_cut_before_anything_goes() {
        let event =
            json!({"contexts": {"os": {"name": "x".repeat(9000)}}, "extra": {"log": "\u{1}".repeat(20_000), "short": "s"}, "release": "1"});
        let (kept, meta) = fitted(event, 40_000);
        assert_eq!(kept["extra"]["log"].as_str().unwrap().len(), KEPT);
        assert_eq!((kept["extra"]["short"].as_str(), kept["contexts"]["os"]["name"].as_str().map(str::len)), (Some("s"), Some(9000)));
        assert_eq!(meta["extra"]["log"][""], json!({"len": 20_000, "rem": [["!limit", "s", KEPT - 3, KEPT]]}));
    }

    #[test]
    fn the_largest_members_go_and_are_named() {
        let event =
            json!({"contexts": {"os": {"name": "x".repeat(90_000)}}, "tags": {"a": "b"}, "extra": {"list": vec![1; 20_000], "n": 7}});
        let (kept, meta) = fitted(event, 20_000);
        assert_eq!(Value::Object(kept), json!({"tags": {"a": "b"}, "extra": {"n": 7}}));
        assert_eq!(
            Value::Object(meta),
            json!({"contexts": {"": {"len": 90_018}}, "extra": {"": {"len": 2}, "list": {"": {"len": 40_001}}}})
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn nothing_is_too_odd_to_fit(names in proptest::collection::vec("(\\PC|\u{0}|\"){0,300}", 0..120), size in 0_usize..3000, text in "(\u{0}|\"|x|é)") {
            let extra: Map<String, Value> = names.iter().map(|name| (name.clone(), json!(text.repeat(size)))).collect();
            let top: Map<String, Value> = names.iter().take(9).map(|name| (name.clone(), json!({"a": text.repeat(size)}))).collect();
            let mut event = json!({"extra": extra});
            event.as_object_mut().unwrap().extend(top);
            let max = 20_000;
            let (kept, meta) = fitted(event, max);
            let length = length(&Value::Object(kept)) + length(&json!({"_meta": meta}));
            prop_assert!(length <= max - ADDED + 100, "{length}");
        }
    }
}
