//! # What happened to a value: the tree behind `_meta`
//!
//! **Promise.** Everything the server (or an SDK) did to a field can be said beside the event: removed, cut, replaced, invalid.
//! The tree mirrors the event; the wire form keeps the note on a value under the key `""` (`protocol.md` 7.16).
//!
//! **How.** [`MetaTree`] is built only where something happened, so an untouched event costs nothing: a [`Path`] is a linked list on
//! the stack and becomes map entries when a note is really written.
//!
//! **When it breaks.** A malformed `_meta` of a client is read as far as it makes sense; the rest is dropped. Empty trees vanish.
//!
//! **Not here.** Deciding what to note (`normalise`, `scrub`) and showing it (the issue page).

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

/// An original value is kept in a note only while its JSON text is shorter than this many bytes, as Relay does:
/// a note must not become a way around the size limits.
pub const ORIGINAL_VALUE_LIMIT: usize = 500;

/// Where a value stands in the event: a linked list that lives on the stack and is only walked when a note is written.
#[derive(Clone, Copy, Debug)]
pub enum Path<'a> {
    /// The event itself.
    Root,
    /// A key of the object at the parent.
    Key(&'a Path<'a>, &'a str),
    /// A place in the list at the parent.
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// The path of a member of this object.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path::Key(self, key)
    }

    /// The path of an element of this list.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }
}

/// The dotted form, as `errors[].name` shows it: `exception.values.0.type`.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Index(Path::Root, index) => write!(f, "{index}"),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}.{index}"),
        }
    }
}

/// What a rule did to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// `a`: looked at, not changed.
    Annotated,
    /// `x`: removed.
    Removed,
    /// `s`: (a part) replaced by other text.
    Substituted,
    /// `m`: characters covered.
    Masked,
    /// `p`: replaced by a hash.
    Pseudonymized,
    /// `e`: encrypted.
    Encrypted,
}

impl RemarkKind {
    /// The letter of the wire form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Annotated => "a",
            Self::Removed => "x",
            Self::Substituted => "s",
            Self::Masked => "m",
            Self::Pseudonymized => "p",
            Self::Encrypted => "e",
        }
    }

    fn parse(letter: &str) -> Option<Self> {
        Some(match letter {
            "a" => Self::Annotated,
            "x" => Self::Removed,
            "s" => Self::Substituted,
            "m" => Self::Masked,
            "p" => Self::Pseudonymized,
            "e" => Self::Encrypted,
            _ => return None,
        })
    }
}

/// One rule's work on a value. `range` counts Unicode code points of the *new* text, end exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The rule, such as `!limit` or `@password:filter`.
    pub rule: String,
    /// What it did.
    pub kind: RemarkKind,
    /// The part of the new text that the rule wrote; `None` when the whole value is meant.
    pub range: Option<(usize, usize)>,
}

impl Remark {
    fn from_value(value: &Value) -> Option<Self> {
        let parts = value.as_array()?;
        let rule = parts.first()?.as_str()?.to_owned();
        let kind = RemarkKind::parse(parts.get(1)?.as_str()?)?;
        let number = |at: usize| parts.get(at).and_then(Value::as_u64).map(|n| n as usize);
        let range = number(2).zip(number(3));
        Some(Self { rule, kind, range })
    }

    fn into_value(self) -> Value {
        match self.range {
            Some((start, end)) => json!([self.rule, self.kind.as_str(), start, end]),
            None => json!([self.rule, self.kind.as_str()]),
        }
    }
}

/// Why a value is invalid: a kind such as `invalid_data`, and details such as `{"reason": "expected a string"}`.
#[derive(Clone, Debug, PartialEq)]
pub struct MetaError {
    /// `invalid_data`, `invalid_attribute`, `missing_attribute`, `value_too_long`, `past_timestamp` …
    pub kind: String,
    /// Details; often `reason`.
    pub data: Map<String, Value>,
}

impl MetaError {
    /// An error without details.
    pub fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), data: Map::new() }
    }

    /// An error whose details are one reason.
    pub fn with_reason(kind: &str, reason: impl Into<String>) -> Self {
        Self::new(kind).with("reason", Value::String(reason.into()))
    }

    /// Adds one detail.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.data.insert(key.to_owned(), value);
        self
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(kind) => Some(Self::new(kind)),
            Value::Array(parts) => {
                let kind = parts.first()?.as_str()?.to_owned();
                let data = parts.get(1).and_then(Value::as_object).cloned().unwrap_or_default();
                Some(Self { kind, data })
            }
            _ => None,
        }
    }

    fn into_value(self) -> Value {
        if self.data.is_empty() { Value::String(self.kind) } else { json!([self.kind, self.data]) }
    }
}

/// The note on one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    /// What rules did, oldest first.
    pub remarks: Vec<Remark>,
    /// Why the value is invalid.
    pub errors: Vec<MetaError>,
    /// The original length: characters of a text, elements of a list or object, bytes of a budgeted value.
    pub original_length: Option<u64>,
    /// The original value, when it was replaced by null or by something else and is small enough to keep.
    pub original_value: Option<Value>,
}

impl Meta {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.remarks.is_empty() && self.errors.is_empty() && self.original_length.is_none() && self.original_value.is_none()
    }

    /// Notes what a rule did.
    pub fn add_remark(&mut self, rule: &str, kind: RemarkKind, range: Option<(usize, usize)>) {
        self.remarks.push(Remark { rule: rule.to_owned(), kind, range });
    }

    /// Notes an error; one that is there already is not repeated, so that normalising twice says it once.
    pub fn add_error(&mut self, error: MetaError) {
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Notes the original length, unless an earlier step noted one: the first is the length that the client sent.
    pub fn set_original_length(&mut self, length: usize) {
        self.original_length.get_or_insert(length as u64);
    }

    /// Keeps the original value when its JSON text is below [`ORIGINAL_VALUE_LIMIT`] bytes.
    pub fn set_original_value(&mut self, value: Value) {
        if self.original_value.is_none() && json_size_below(&value, ORIGINAL_VALUE_LIMIT) {
            self.original_value = Some(value);
        }
    }

    fn from_value(value: &Value) -> Self {
        let Some(note) = value.as_object() else { return Self::default() };
        let list = |key: &str| note.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Self {
            remarks: list("rem").iter().filter_map(Remark::from_value).collect(),
            errors: list("err").iter().filter_map(MetaError::from_value).collect(),
            original_length: note.get("len").and_then(Value::as_u64),
            original_value: note.get("val").filter(|v| !v.is_null()).cloned(),
        }
    }

    fn into_value(self) -> Value {
        let mut note = Map::new();
        if !self.remarks.is_empty() {
            note.insert("rem".to_owned(), self.remarks.into_iter().map(Remark::into_value).collect());
        }
        if !self.errors.is_empty() {
            note.insert("err".to_owned(), self.errors.into_iter().map(MetaError::into_value).collect());
        }
        if let Some(length) = self.original_length {
            note.insert("len".to_owned(), Value::from(length));
        }
        if let Some(value) = self.original_value {
            note.insert("val".to_owned(), value);
        }
        Value::Object(note)
    }
}

/// Whether the JSON text of a value is shorter than `limit` bytes; stops counting as soon as it is not.
pub fn json_size_below(value: &Value, limit: usize) -> bool {
    fn spend(value: &Value, left: &mut usize) -> bool {
        let mut take = |n: usize| match left.checked_sub(n) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        };
        match value {
            Value::Null | Value::Bool(true) => take(4),
            Value::Bool(false) => take(5),
            Value::Number(n) => take(n.to_string().len()),
            Value::String(s) => take(s.len() + 2),
            Value::Array(items) => take(2 + items.len().saturating_sub(1)) && items.iter().all(|v| spend(v, left)),
            Value::Object(map) => take(2 + map.len().saturating_sub(1)) && map.iter().all(|(k, v)| spend_key(k, left) && spend(v, left)),
        }
    }
    fn spend_key(key: &str, left: &mut usize) -> bool {
        left.checked_sub(key.len() + 3).map(|rest| *left = rest).is_some()
    }
    let mut left = limit.saturating_sub(1);
    spend(value, &mut left)
}

/// The notes on a value and, by key or index, on what is inside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetaTree {
    /// The note on the value itself.
    pub own: Meta,
    /// Notes on members (by key) and elements (by decimal index).
    pub children: BTreeMap<String, MetaTree>,
}

impl MetaTree {
    /// Reads the wire form; what makes no sense is skipped.
    pub fn from_value(value: &Value) -> Self {
        let mut tree = Self::default();
        let Some(map) = value.as_object() else { return tree };
        for (key, value) in map {
            if key.is_empty() {
                tree.own = Meta::from_value(value);
            } else {
                let child = Self::from_value(value);
                if !child.is_empty() {
                    tree.children.insert(key.clone(), child);
                }
            }
        }
        tree
    }

    /// The wire form; `None` when there is nothing to say.
    pub fn into_value(self) -> Option<Value> {
        let mut map = Map::new();
        if !self.own.is_empty() {
            map.insert(String::new(), self.own.into_value());
        }
        // The wire form has no place for notes on a member whose key is empty.
        let children = self.children.into_iter().filter(|(key, _)| !key.is_empty());
        map.extend(children.filter_map(|(key, child)| child.into_value().map(|value| (key, value))));
        (!map.is_empty()).then_some(Value::Object(map))
    }

    /// Whether neither the value nor anything inside it has a note.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// The subtree of a member, made when absent.
    pub fn child(&mut self, key: &str) -> &mut Self {
        if !self.children.contains_key(key) {
            self.children.insert(key.to_owned(), Self::default());
        }
        self.children.entry(key.to_owned()).or_default()
    }

    /// The subtree at a path, made when absent. An empty one leaves no trace in [`into_value`](Self::into_value).
    pub fn at(&mut self, path: &Path<'_>) -> &mut Self {
        match path {
            Path::Root => self,
            Path::Key(parent, key) => self.at(parent).child(key),
            Path::Index(parent, index) => self.at(parent).child(&index.to_string()),
        }
    }

    /// The subtree at a path, if there is one.
    pub fn get(&self, path: &Path<'_>) -> Option<&Self> {
        match path {
            Path::Root => Some(self),
            Path::Key(parent, key) => self.get(parent)?.children.get(*key),
            Path::Index(parent, index) => self.get(parent)?.children.get(&index.to_string()),
        }
    }

    /// Takes the subtree at a path away and returns it (empty when there is none).
    #[must_use]
    pub fn take(&mut self, path: &Path<'_>) -> Self {
        if self.get(path).is_none() { Self::default() } else { std::mem::take(self.at(path)) }
    }

    /// Notes an error on the value at a path.
    pub fn add_error(&mut self, path: &Path<'_>, error: MetaError) {
        self.at(path).own.add_error(error);
    }

    /// Notes what a rule did to the value at a path.
    pub fn add_remark(&mut self, path: &Path<'_>, rule: &str, kind: RemarkKind, range: Option<(usize, usize)>) {
        self.at(path).own.add_remark(rule, kind, range);
    }

    /// Notes the original length of the value at a path, unless one is noted.
    pub fn set_original_length(&mut self, path: &Path<'_>, length: usize) {
        self.at(path).own.set_original_length(length);
    }

    /// Keeps the original of the value at a path, when it is small.
    pub fn set_original_value(&mut self, path: &Path<'_>, value: Value) {
        self.at(path).own.set_original_value(value);
    }

    /// Forgets the notes on a removed list element and moves those behind it one place forward.
    pub fn close_gap(&mut self, removed: usize) {
        self.move_items(|index| match index.cmp(&removed) {
            std::cmp::Ordering::Less => Some(index),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(index - 1),
        });
    }

    /// Gives the notes on list elements new places; `None` forgets them.
    pub fn move_items(&mut self, place: impl Fn(usize) -> Option<usize>) {
        let moved = std::mem::take(&mut self.children).into_iter();
        self.children = moved.filter_map(|(key, note)| Some((place(key.parse().ok()?)?.to_string(), note))).collect();
    }

    /// Forgets the notes on what is inside the value at a path: for values that were removed or replaced as a whole.
    pub fn forget_inside(&mut self, path: &Path<'_>) {
        if self.get(path).is_some() {
            self.at(path).children.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_survives_a_round_trip() {
        let wire = json!({
            "": {"len": 3},
            "logentry": {"formatted": {"": {"rem": [["!limit", "s", 8189, 8192], ["@ip", "x"]], "len": 9000}}},
            "tags": {"0": {"1": {"": {"err": ["missing_attribute", ["invalid_data", {"reason": "expected a string"}]], "val": [1]}}}},
        });
        assert_eq!(MetaTree::from_value(&wire).into_value(), Some(wire));
    }

    #[test]
    fn nonsense_is_skipped_and_empty_trees_vanish() {
        let wire = json!({"a": {"": {}}, "b": 1, "c": {"": {"rem": [["r", "?"], [], 5], "err": [7, []], "len": "x", "val": null}}, "d": {"e": {}}});
        assert_eq!(MetaTree::from_value(&wire).into_value(), None);
    }

    #[test]
    fn notes_land_at_their_path() {
        let mut tree = MetaTree::default();
        let root = Path::Root;
        let (values, first) = (root.key("exception"), 0);
        let entry = values.index(first);
        tree.add_error(&entry.key("type"), MetaError::with_reason("invalid_data", "expected a string"));
        tree.add_remark(&entry.key("value"), "!limit", RemarkKind::Substituted, Some((5, 8)));
        tree.set_original_length(&entry.key("value"), 99);
        tree.set_original_length(&entry.key("value"), 7);
        assert_eq!(entry.key("type").to_string(), "exception.0.type");
        assert_eq!(
            tree.into_value(),
            Some(json!({"exception": {"0": {
                "type": {"": {"err": [["invalid_data", {"reason": "expected a string"}]]}},
                "value": {"": {"rem": [["!limit", "s", 5, 8]], "len": 99}},
            }}}))
        );
    }

    #[test]
    fn large_originals_are_not_kept() {
        let mut meta = Meta::default();
        meta.set_original_value(Value::String("x".repeat(ORIGINAL_VALUE_LIMIT - 2)));
        assert_eq!(meta.original_value, None);
        meta.set_original_value(Value::String("x".repeat(ORIGINAL_VALUE_LIMIT - 3)));
        assert!(meta.original_value.is_some());
    }

    #[test]
    fn a_path_that_is_not_there_is_not_made_by_reading_it() {
        let mut tree = MetaTree::default();
        let root = Path::Root;
        assert_eq!(tree.take(&root.key("x")), MetaTree::default());
        tree.forget_inside(&root.key("x"));
        assert!(tree.get(&root.key("x")).is_none());
        assert!(tree.children.is_empty());
    }
}
