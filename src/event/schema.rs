//! # The vocabulary in which the event's interfaces are written down
//!
//! **Promise.** A table of [`Field`]s says for each interface which keys exist, what a value must be and how long it may grow; three walks read
//! the same tables: [`check`] (wrong types become null with a note), `trim` (budgets) and `errors` (the order of complaints).
//!
//! **How.** [`check`] works in place and makes a note only where something is wrong, so that a good event costs one look at every key.
//!
//! **When it breaks.** A value of the wrong type is removed and kept in `_meta`; it never makes the event invalid.
//!
//! **Not here.** What an interface does beyond types (its own file), and the limits' meaning (`trim`).

use serde_json::{Map, Number, Value};

use super::meta::{MetaError, MetaTree, Path};
use super::scalars;

/// What a value must be.
#[derive(Debug)]
pub(super) enum Shape {
    /// Anything.
    Any,
    /// A text.
    Text,
    /// A text; numbers and booleans are written out (`True`, floats without fraction).
    Lenient,
    /// A text; anything else becomes its JSON text.
    JsonText,
    /// A boolean.
    Bool,
    /// A whole number that is not negative; fractions are dropped.
    Unsigned,
    /// A whole number; fractions are dropped.
    Signed,
    /// A number.
    Float,
    /// What the function makes of it, or why it cannot.
    Parsed(fn(&Value) -> Result<Value, MetaError>),
    /// An object with known fields.
    Object(&'static Object),
    /// An object with known fields, which the function brings out of an older form first.
    Legacy(&'static Object, fn(&mut Map<String, Value>)),
    /// A list.
    List(&'static Shape),
    /// A list in which null is no element.
    Dense(&'static Shape),
    /// `{"values": […]}`, a list, or (when told so) a single element.
    Values(&'static Values),
    /// An object with free keys.
    Map(&'static Shape),
    /// The interface turns it into its stored form itself.
    Own(fn(&mut Value, &Path<'_>, &mut MetaTree)),
    /// The interface makes a list of `[key, value]` pairs of it. A pair always has both its members, null where there was no room for one.
    Pairs(fn(&mut Value, &Path<'_>, &mut MetaTree)),
}

/// A list that is wrapped as `{"values": […]}`.
#[derive(Debug)]
pub(super) struct Values {
    /// The elements.
    pub(super) item: &'static Shape,
    /// Whether an object without `values` is the only element.
    pub(super) single: bool,
}

/// What happens to keys that the table does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// They go silently.
    Drop,
    /// They stay.
    Keep,
    /// They move into the object under this key.
    MoveTo(&'static str),
}

/// The table of an interface.
#[derive(Debug)]
pub(super) struct Object {
    /// What the error says when the value is no object.
    pub(super) expected: &'static str,
    /// The known keys, in the order in which complaints are listed.
    pub(super) fields: &'static [Field],
    /// The other keys.
    pub(super) other: Other,
}

/// One key of an interface.
#[derive(Debug)]
pub(super) struct Field {
    /// The key.
    pub(super) key: &'static str,
    /// What its value must be.
    pub(super) shape: Shape,
    /// How long it may grow.
    pub(super) limit: Limit,
}

/// The budgets of a value: see `trim`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limit {
    /// Characters of a text, and how many more are let through before it is cut.
    pub(super) chars: Option<(usize, usize)>,
    /// Bytes of JSON.
    pub(super) bytes: Option<usize>,
    /// Levels below the value that stay structure.
    pub(super) depth: Option<usize>,
}

/// No budget of its own.
pub(super) const FREE: Limit = Limit { chars: None, bytes: None, depth: None };

/// A text budget.
pub(super) const fn chars(max: usize, allowance: usize) -> Limit {
    Limit { chars: Some((max, allowance)), bytes: None, depth: None }
}

/// A budget for a structure.
pub(super) const fn budget(bytes: usize, depth: usize) -> Limit {
    Limit { chars: None, bytes: Some(bytes), depth: Some(depth) }
}

/// A field without a limit.
pub(super) const fn field(key: &'static str, shape: Shape) -> Field {
    Field { key, shape, limit: FREE }
}

/// A field with a limit.
pub(super) const fn limited(key: &'static str, shape: Shape, limit: Limit) -> Field {
    Field { key, shape, limit }
}

/// A text field with a limit in characters and the usual allowance for its size.
pub(super) const fn text(key: &'static str, max: usize, allowance: usize) -> Field {
    limited(key, Shape::Text, chars(max, allowance))
}

impl Object {
    /// The field of a key.
    pub(super) fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.key == key)
    }
}

/// An `invalid_data` error with Relay's wording of what was expected.
pub(super) fn expected(what: &str) -> MetaError {
    MetaError::with_reason("invalid_data", format!("expected {what}"))
}

/// Replaces a value by null and notes why, with the original.
pub(super) fn reject(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree, error: MetaError) {
    let node = meta.at(path);
    node.children.clear();
    node.own.set_original_value(value.take());
    node.own.add_error(error);
}

/// Brings a value into its shape, in place. Afterwards it is null (and was noted) when it could not be.
pub(super) fn check(value: &mut Value, shape: &Shape, path: &Path<'_>, meta: &mut MetaTree) {
    if value.is_null() {
        return;
    }
    match (shape, &mut *value) {
        (Shape::Any, _)
        | (Shape::Text | Shape::Lenient | Shape::JsonText, Value::String(_))
        | (Shape::Bool, Value::Bool(_))
        | (Shape::Float, Value::Number(_)) => {}
        (Shape::Object(object), Value::Object(map)) => check_object(map, object, path, meta),
        (Shape::Legacy(object, modernise), Value::Object(map)) => {
            modernise(map);
            check_object(map, object, path, meta);
        }
        (Shape::List(item), Value::Array(items)) => check_items(items, item, path, meta),
        (Shape::Dense(item), Value::Array(items)) => {
            drop_nulls(items, path, meta);
            check_items(items, item, path, meta);
        }
        (Shape::Map(item), Value::Object(map)) => {
            if !matches!(item, Shape::Any) {
                map.iter_mut().for_each(|(key, value)| check(value, item, &path.key(key), meta));
            }
        }
        (Shape::Values(values), _) => check_values(value, values, path, meta),
        (Shape::Own(own) | Shape::Pairs(own), _) => own(value, path, meta),
        (Shape::Object(object) | Shape::Legacy(object, _), _) => reject(value, path, meta, expected(object.expected)),
        (Shape::List(_) | Shape::Dense(_), _) => reject(value, path, meta, expected("an array")),
        (Shape::Map(_), _) => reject(value, path, meta, expected("an object")),
        (Shape::Parsed(parse), _) => convert(value, path, meta, *parse),
        (Shape::Lenient, _) => convert(value, path, meta, scalars::lenient_text),
        (Shape::JsonText, _) => *value = Value::String(value.to_string()),
        (Shape::Unsigned, _) => convert(value, path, meta, scalars::unsigned),
        (Shape::Signed, _) => convert(value, path, meta, scalars::signed),
        (Shape::Text, _) => reject(value, path, meta, expected("a string")),
        (Shape::Bool, _) => reject(value, path, meta, expected("a boolean")),
        (Shape::Float, _) => reject(value, path, meta, expected("a floating point number")),
    }
}

fn convert(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree, parse: fn(&Value) -> Result<Value, MetaError>) {
    match parse(value) {
        Ok(parsed) => *value = parsed,
        Err(error) => reject(value, path, meta, error),
    }
}

/// Checks the members of an object against its table and removes what is null or unknown.
pub(super) fn check_object(map: &mut Map<String, Value>, object: &'static Object, path: &Path<'_>, meta: &mut MetaTree) {
    if let Other::MoveTo(target) = object.other {
        move_unknown(map, object, target, (path, meta));
    }
    map.retain(|key, value| match object.field(key) {
        Some(field) => {
            check(value, &field.shape, &path.key(key), meta);
            !value.is_null()
        }
        None => object.other == Other::Keep,
    });
}

fn move_unknown(map: &mut Map<String, Value>, object: &Object, target: &str, (path, meta): (&Path<'_>, &mut MetaTree)) {
    let unknown: Vec<String> = map.keys().filter(|key| object.field(key).is_none()).cloned().collect();
    if unknown.is_empty() {
        return;
    }
    let moved: Vec<(String, Value)> = unknown.into_iter().filter_map(|key| map.remove(&key).map(|value| (key, value))).collect();
    let slot = map.entry(target).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_null() && !slot.is_object() {
        reject(slot, &path.key(target), meta, expected("an object"));
    }
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(data) = slot {
        moved.into_iter().filter(|(_, value)| !value.is_null()).for_each(|(key, value)| {
            data.entry(key).or_insert(value);
        });
    }
}

fn check_items(items: &mut [Value], item: &Shape, path: &Path<'_>, meta: &mut MetaTree) {
    if !matches!(item, Shape::Any) {
        items.iter_mut().enumerate().for_each(|(index, value)| check(value, item, &path.index(index), meta));
    }
}

fn check_values(value: &mut Value, values: &Values, path: &Path<'_>, meta: &mut MetaTree) {
    match value {
        Value::Array(_) => {
            let list = value.take();
            let mut wrapped = Map::new();
            wrapped.insert("values".to_owned(), list);
            *value = Value::Object(wrapped);
        }
        Value::Object(map) if values.single && !map.contains_key("values") && !map.is_empty() => {
            let single = value.take();
            let mut wrapped = Map::new();
            wrapped.insert("values".to_owned(), Value::Array(vec![single]));
            *value = Value::Object(wrapped);
        }
        Value::Object(_) => {}
        _ => return reject(value, path, meta, expected("a list or values object")),
    }
    let Value::Object(map) = value else { return };
    let list = path.key("values");
    match map.get_mut("values") {
        Some(Value::Array(items)) => {
            drop_nulls(items, &list, meta);
            check_items(items, values.item, &list, meta);
        }
        Some(Value::Null) | None => {}
        Some(other) => reject(other, &list, meta, expected("an array")),
    }
    map.retain(|key, value| key == "values" && !value.is_null());
}

/// Takes null entries out of a list and moves the notes of the others to their new places.
/// An entry that an earlier pass rejected (its note says so) keeps its place, so that normalising again changes nothing.
fn drop_nulls(items: &mut Vec<Value>, path: &Path<'_>, meta: &mut MetaTree) {
    if !items.iter().any(Value::is_null) {
        return;
    }
    let mut notes = meta.take(path);
    let (mut from, mut kept) = (0, 0);
    let mut moved = MetaTree { own: std::mem::take(&mut notes.own), ..MetaTree::default() };
    items.retain(|item| {
        let note = notes.children.remove(&from.to_string()).filter(|note| !note.is_empty());
        from += 1;
        let keep = !item.is_null() || note.is_some();
        if keep {
            if let Some(note) = note {
                moved.children.insert(kept.to_string(), note);
            }
            kept += 1;
        }
        keep
    });
    if !moved.is_empty() {
        *meta.at(path) = moved;
    }
}

/// The object at a key, if there is one.
pub(super) fn object_mut<'v>(map: &'v mut Map<String, Value>, key: &str) -> Option<&'v mut Map<String, Value>> {
    map.get_mut(key).and_then(Value::as_object_mut)
}

/// The elements of a `{"values": […]}` interface.
pub(super) fn values_mut<'v>(map: &'v mut Map<String, Value>, key: &str) -> Option<&'v mut Vec<Value>> {
    object_mut(map, key)?.get_mut("values").and_then(Value::as_array_mut)
}

/// The text at a key, if it has one that is not empty.
pub(super) fn filled_text<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A finite float as a JSON number (null otherwise).
pub(super) fn float(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}
