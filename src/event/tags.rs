//! # Tags
//!
//! **Promise.** Tags end as a list of `[key, value]` pairs with one pair per key, whatever form they came in (`protocol.md` 8.7).
//!
//! **How.** One pass with a set of seen keys, so ten thousand tags cost ten thousand steps; the first [`MAX_TAGS`] stay.
//!
//! **When it breaks.** An invalid key or value is null in its pair and noted.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::meta::{MetaError, MetaTree, Path};
use super::scalars;
use super::schema::{expected, reject};
use super::trim::cut_text;

/// How many tags an event keeps: people filter by a handful, and every one costs statistics.
pub(super) const MAX_TAGS: usize = 200;
const MAX_CHARS: usize = 200;
/// Of a tag that becomes the environment.
const MAX_ENVIRONMENT: usize = 64;
/// Tags that the server derives itself; a client's are not used.
const SERVER_OWNED: [&str; 5] = ["release", "dist", "user", "filename", "function"];

/// Brings `tags` into pairs. Called by the type check, so that wrong shapes are noted like all others.
pub(super) fn shape(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    let pairs: Vec<(Option<String>, Value)> = match value.take() {
        Value::Object(map) => map.into_iter().map(|(key, value)| (Some(key.clone()), json!([key, value]))).collect(),
        Value::Array(items) => items.into_iter().map(|item| (None, item)).collect(),
        other => {
            *value = other;
            reject(value, path, meta, expected("an array"));
            return;
        }
    };
    *value = build(pairs, path, meta);
}

fn build(pairs: Vec<(Option<String>, Value)>, path: &Path<'_>, meta: &mut MetaTree) -> Value {
    let mut notes = meta.take(path);
    meta.at(path).own = std::mem::take(&mut notes.own);
    let length = pairs.len();
    let mut seen = HashSet::new();
    let mut tags: Vec<Value> = Vec::with_capacity(length.min(MAX_TAGS));
    for (index, (name, mut tag)) in pairs.into_iter().enumerate() {
        if tags.len() == MAX_TAGS {
            meta.set_original_length(path, length);
            break;
        }
        let place = path.index(tags.len());
        match name {
            Some(name) => {
                if let Some(note) = notes.children.remove(&name) {
                    *meta.at(&place.index(1)) = note;
                }
            }
            None => {
                if let Some(note) = notes.children.remove(&index.to_string()) {
                    *meta.at(&place) = note;
                }
            }
        }
        pair(&mut tag, &place, meta);
        let key = tag.get(0).and_then(Value::as_str);
        if key.is_some_and(|key| SERVER_OWNED.contains(&key) || !seen.insert(key.to_owned())) {
            drop(meta.take(&place));
            continue;
        }
        tags.push(tag);
    }
    Value::Array(tags)
}

fn pair(tag: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    if let Value::Object(map) = tag
        && map.len() == 2
        && map.contains_key("key")
        && let Some(value) = map.remove("value")
    {
        // Old .NET clients wrote {key, value}.
        *tag = json!([map.remove("key"), value]);
    }
    match tag {
        Value::Array(parts) if parts.len() == 2 => {
            let (key_path, value_path) = (path.index(0), path.index(1));
            let (head, tail) = parts.split_at_mut(1);
            tag_key(&mut head[0], &key_path, meta);
            tag_value(&mut tail[0], &value_path, meta);
        }
        Value::Null => {}
        _ => reject(tag, path, meta, expected("a tuple")),
    }
}

fn lenient(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) -> bool {
    if value.is_null() {
        return false;
    }
    if !value.is_string() {
        match scalars::lenient_text(value) {
            Ok(text) => *value = text,
            Err(error) => {
                reject(value, path, meta, error);
                return false;
            }
        }
    }
    true
}

fn tag_key(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    if !lenient(value, path, meta) {
        return;
    }
    let Value::String(text) = value else { return };
    if text.contains(' ') {
        *text = text.replace(' ', "-");
    }
    if text.is_empty() {
        *value = Value::Null;
        meta.add_error(path, expected("a non-empty value"));
        return;
    }
    let invalid = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-')));
    if let Some(c) = invalid {
        reject(value, path, meta, invalid_character(c));
        return;
    }
    cut_text(text, MAX_CHARS, path, meta);
}

fn tag_value(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    if !lenient(value, path, meta) {
        return;
    }
    let Value::String(text) = value else { return };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        *value = Value::Null;
        meta.add_error(path, expected("a non-empty value"));
        return;
    }
    if trimmed.contains('\n') {
        reject(value, path, meta, invalid_character('\n'));
        return;
    }
    if trimmed.len() != text.len() {
        *text = trimmed.to_owned();
    }
    cut_text(text, MAX_CHARS, path, meta);
}

fn invalid_character(c: char) -> MetaError {
    MetaError::with_reason("invalid_data", format!("invalid character {c:?}"))
}

/// Moves `server_name` and `site` into the tags and the tag `environment` out of them.
pub(super) fn finish(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    let moved: Vec<(&str, String)> =
        ["server_name", "site"].into_iter().filter_map(|key| Some((key, text_of(event.remove(key)?)?))).collect();
    for key in ["server_name", "site"] {
        drop(meta.take(&Path::Root.key(key)));
    }
    let list = Path::Key(&Path::Root, "tags");
    let mut tags = match event.remove("tags") {
        Some(Value::Array(tags)) => tags,
        _ => Vec::new(),
    };
    let key_of = |tag: &Value| tag.get(0).and_then(Value::as_str).map(str::to_owned);
    if let Some(at) = tags.iter().position(|tag| key_of(tag).as_deref() == Some("environment")) {
        let tag = tags.remove(at);
        let mut notes = meta.take(&list);
        notes.close_gap(at);
        *meta.at(&list) = notes;
        if !event.contains_key("environment")
            && let Some(value) = tag.get(1).and_then(Value::as_str)
        {
            let mut value = value.to_owned();
            cut_text(&mut value, MAX_ENVIRONMENT, &Path::Root.key("environment"), meta);
            event.insert("environment".to_owned(), Value::String(value));
        }
    }
    for (key, value) in moved {
        // As a tag's value has to be: normalising again would refuse it otherwise.
        let mut value = value.trim().replace('\n', " ");
        if value.is_empty() {
            continue;
        }
        // The field is the place for it; a tag of that name gives way.
        let at = tags.iter().position(|tag| key_of(tag).as_deref() == Some(key)).unwrap_or(tags.len());
        let place = list.index(at);
        cut_text(&mut value, MAX_CHARS, &place.index(1), meta);
        match tags.get_mut(at) {
            Some(tag) => *tag = json!([key, value]),
            None => tags.push(json!([key, value])),
        }
    }
    if !tags.is_empty() {
        event.insert("tags".to_owned(), Value::Array(tags));
    }
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
