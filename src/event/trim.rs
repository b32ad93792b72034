//! # Budgets: cutting what is too long
//!
//! **Promise.** No field grows past its budget (`protocol.md` 8.9); every cut is noted in `_meta` with the rule `!limit` and the original length.
//!
//! **How.** One walk with the interface tables. Texts are cut to characters; structures carry *bags*: bytes and levels that remain. A value inside
//! several bags draws on all of them; when one is empty, the following members go, and when the last level is reached, a structure becomes its JSON text.
//! Every value is visited once and the bags are at most as many as nested limits (two), so the walk is linear.
//!
//! **When it breaks.** It cannot fail.
//!
//! **Not here.** Which frames keep their variables (`frames`), caps on counts (`caps`).

use serde_json::{Map, Value};

use super::meta::{MetaTree, Path, RemarkKind};
use super::schema::{Limit, Object, Shape};

/// The rule that `_meta` names for a cut.
const RULE: &str = "!limit";

/// Cuts a text to `max` characters, the last three being dots; notes it.
pub fn cut_text(text: &mut String, max: usize, path: &Path<'_>, meta: &mut MetaTree) {
    // Most texts are shorter than the limit even in bytes.
    if text.len() <= max {
        return;
    }
    let length = text.chars().count();
    // Dots alone are what an earlier pass left of a text for which there was no room at all.
    if length <= max || text == "..." {
        return;
    }
    let keep = text.char_indices().nth(max.saturating_sub(3)).map_or(text.len(), |(at, _)| at);
    text.truncate(keep);
    text.push_str("...");
    let note = &mut meta.at(path).own;
    note.add_remark(RULE, RemarkKind::Substituted, Some((keep, keep + 3)));
    note.set_original_length(length);
}

/// The stack of budgets during a walk.
#[derive(Default)]
pub(super) struct Budgets {
    bags: Vec<Level>,
}

struct Level {
    bytes: Option<usize>,
    depth: Option<usize>,
    at: usize,
}

impl Budgets {
    fn bytes_left(&self) -> Option<usize> {
        self.bags.iter().filter_map(|bag| bag.bytes).min()
    }

    fn depth_left(&self, depth: usize) -> Option<usize> {
        self.bags.iter().filter_map(|bag| bag.depth.map(|max| max.saturating_sub(depth - bag.at))).min()
    }

    fn spend(&mut self, size: usize) {
        for bag in &mut self.bags {
            bag.bytes = bag.bytes.map(|left| left.saturating_sub(size));
        }
    }

    fn exhausted(&self) -> bool {
        self.bytes_left() == Some(0)
    }
}

/// Trims a value with the table of its shape.
pub(super) fn trim(value: &mut Value, shape: &Shape, limit: Limit, path: &Path<'_>, meta: &mut MetaTree) {
    walk(value, shape, limit, Place { path, depth: 0 }, (&mut Budgets::default(), meta));
}

#[derive(Clone, Copy)]
struct Place<'p> {
    path: &'p Path<'p>,
    depth: usize,
}

type Tools<'t> = (&'t mut Budgets, &'t mut MetaTree);

const UNLIMITED: Limit = super::schema::FREE;

/// A pair within a list of pairs.
const PAIR: Shape = Shape::Pairs(|_, _, _| {});

fn walk(value: &mut Value, shape: &Shape, limit: Limit, place: Place<'_>, tools: Tools<'_>) {
    let (budgets, meta) = tools;
    let pushed = limit.bytes.is_some() || limit.depth.is_some();
    if pushed {
        // One more level than the table says: the value itself counts.
        budgets.bags.push(Level { bytes: limit.bytes, depth: limit.depth, at: place.depth });
    }
    if budgets.bags.is_empty() && matches!(shape, Shape::Any | Shape::Pairs(_)) && limit.chars.is_none() {
        return;
    }
    if matches!(value, Value::Array(_) | Value::Object(_)) && matches!(shape, Shape::Any) && budgets.depth_left(place.depth) == Some(1) {
        *value = Value::String(value.to_string());
    }
    match value {
        Value::String(text) => {
            if let Some((max, allowance)) = limit.chars {
                // A text within the allowance stays whole.
                if text.len() > max + allowance && text.chars().nth(max + allowance).is_some() {
                    cut_text(text, max, place.path, meta);
                }
            }
            if let Some(left) = budgets.bytes_left() {
                cut_text(text, left, place.path, meta);
            }
        }
        Value::Array(items) => walk_array(items, shape, place, (budgets, meta)),
        Value::Object(map) => walk_object(map, shape, place, (budgets, meta)),
        _ => {}
    }
    if pushed {
        budgets.bags.pop();
    }
    if !budgets.bags.is_empty() {
        budgets.spend(flat_size(value) + 1);
    }
}

/// JSON bytes of a value without its children.
fn flat_size(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => text.len() + 2,
        Value::Array(_) | Value::Object(_) => 2,
    }
}

fn walk_array(items: &mut Vec<Value>, shape: &Shape, place: Place<'_>, tools: Tools<'_>) {
    let (budgets, meta) = tools;
    let item = match shape {
        Shape::List(item) | Shape::Dense(item) => *item,
        Shape::Pairs(_) => &PAIR,
        _ => &Shape::Any,
    };
    if budgets.bags.is_empty() && matches!(item, Shape::Any | Shape::Pairs(_)) {
        return;
    }
    let length = items.len();
    for index in 0..length {
        if budgets.exhausted() {
            if matches!(shape, Shape::Pairs(_) | Shape::Own(_)) {
                // Pairs keep their places, and a pair both its members: one with a single member would be refused when it is read again.
                items[index..].fill(Value::Null);
                return;
            }
            items.truncate(index);
            note_length(place.path, length, index, meta);
            return;
        }
        let path = place.path.index(index);
        walk(&mut items[index], item, UNLIMITED, Place { path: &path, depth: place.depth + 1 }, (budgets, meta));
    }
}

fn note_length(path: &Path<'_>, length: usize, kept: usize, meta: &mut MetaTree) {
    let node = meta.at(path);
    node.own.set_original_length(length);
    node.move_items(|index| (index < kept).then_some(index));
}

fn walk_object(map: &mut Map<String, Value>, shape: &Shape, place: Place<'_>, tools: Tools<'_>) {
    let (budgets, meta) = tools;
    match shape {
        Shape::Object(object) | Shape::Legacy(object, _) => walk_fields(map, object, place, (budgets, meta)),
        Shape::Values(values) => {
            if let Some(items) = map.get_mut("values").and_then(Value::as_array_mut) {
                let path = place.path.key("values");
                walk_array(items, &Shape::List(values.item), Place { path: &path, depth: place.depth + 1 }, (budgets, meta));
            }
        }
        Shape::Map(item) => walk_map(map, (&|_| item, UNLIMITED), place, (budgets, meta)),
        _ => walk_map(map, FREE_MEMBERS, place, (budgets, meta)),
    }
}

/// What the members of an object with free keys are, and the limit of each.
type Members<'m> = (&'m dyn Fn(&str) -> &'m Shape, Limit);

const FREE_MEMBERS: Members<'static> = (&|_| &Shape::Any, UNLIMITED);

/// Trims the members of an object with free keys.
fn walk_map(map: &mut Map<String, Value>, (shape_of, limit): Members<'_>, place: Place<'_>, tools: Tools<'_>) {
    let (budgets, meta) = tools;
    let length = map.len();
    let mut last = None;
    for (kept, (key, value)) in map.iter_mut().enumerate() {
        if budgets.exhausted() {
            last = Some((kept, key.clone()));
            break;
        }
        let path = place.path.key(key);
        walk(value, shape_of(key), limit, Place { path: &path, depth: place.depth + 1 }, (budgets, meta));
    }
    if let Some((_, first_removed)) = last {
        let node = meta.at(place.path);
        node.own.set_original_length(length);
        node.children.retain(|key, _| key.as_str() < first_removed.as_str());
        map.retain(|key, _| key.as_str() < first_removed.as_str());
    }
}

fn walk_fields(map: &mut Map<String, Value>, object: &'static Object, place: Place<'_>, tools: Tools<'_>) {
    let (budgets, meta) = tools;
    for (key, value) in map.iter_mut() {
        let path = place.path.key(key);
        let place = Place { path: &path, depth: place.depth + 1 };
        match object.field(key) {
            Some(field) => walk(value, &field.shape, field.limit, place, (budgets, meta)),
            None => walk(value, &Shape::Any, UNLIMITED, place, (budgets, meta)),
        }
    }
}

/// Trims a map whose members have a limit each, within a limit of the whole (`extra`).
pub(super) fn trim_members(map: &mut Map<String, Value>, whole: Limit, each: Limit, path: &Path<'_>, meta: &mut MetaTree) {
    trim_map(map, whole, (&|_| &Shape::Any, each), path, meta);
}

/// Trims a context within its limit: free structure, but for the lists of pairs that its table knows.
pub(super) fn trim_context(map: &mut Map<String, Value>, table: &'static Object, whole: Limit, path: &Path<'_>, meta: &mut MetaTree) {
    let shape_of = |key: &str| table.field(key).map(|field| &field.shape).filter(|shape| matches!(shape, Shape::Pairs(_)));
    trim_map(map, whole, (&|key| shape_of(key).unwrap_or(&Shape::Any), UNLIMITED), path, meta);
}

fn trim_map(map: &mut Map<String, Value>, whole: Limit, members: Members<'_>, path: &Path<'_>, meta: &mut MetaTree) {
    let mut budgets = Budgets::default();
    if whole.bytes.is_some() || whole.depth.is_some() {
        budgets.bags.push(Level { bytes: whole.bytes, depth: whole.depth, at: 0 });
    }
    walk_map(map, members, Place { path, depth: 0 }, (&mut budgets, meta));
}
