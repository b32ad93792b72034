//! # `errors`: what is wrong with an event, in one list
//!
//! **Promise.** Every error noted in `_meta` is listed with the path, the kind, the original value and the details, in the order of the
//! interface tables; what the client listed itself comes first. Normalising again adds nothing.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::contexts;
use super::fields::EVENT;
use super::logentry::LOGENTRY;
use super::meta::{MetaTree, Path};
use super::schema::{Object, Shape};

/// How many errors are listed; `_meta` has them all at their places.
const MAX_ERRORS: usize = 200;
/// The keys of an entry; a client's other keys go.
const KEPT: [&str; 7] = ["type", "name", "value", "reason", "attribute", "sdk_time", "server_time"];
/// Containers whose own errors Relay lists twice while their content survives.
const TWICE: [&str; 6] = ["tags", "contexts", "measurements", "cookies", "headers", "query_string"];

/// Completes `errors`.
pub(super) fn list(event: &mut Map<String, Value>, meta: &MetaTree) {
    let mut errors = match event.remove("errors") {
        Some(Value::Array(errors)) => errors,
        _ => Vec::new(),
    };
    errors.retain_mut(|error| match error {
        Value::Object(map) => {
            map.retain(|key, value| KEPT.contains(&key.as_str()) && !value.is_null());
            map.get("type").is_some_and(Value::is_string)
        }
        _ => false,
    });
    errors.truncate(MAX_ERRORS);
    if !meta.is_empty() {
        let known: HashSet<String> = errors.iter().map(Value::to_string).collect();
        let mut found = Vec::new();
        for (key, order) in Order::Fields(&EVENT).children(meta) {
            visit(&meta.children[key], order, &Path::Root.key(key), event.get(key), &mut found);
        }
        let room = MAX_ERRORS.saturating_sub(errors.len());
        errors.extend(found.into_iter().filter(|error| !known.contains(&error.to_string())).take(room));
    }
    if !errors.is_empty() {
        event.insert("errors".to_owned(), Value::Array(errors));
    }
}

/// In which order the members of a value are visited.
#[derive(Clone, Copy)]
enum Order {
    /// As in a table.
    Fields(&'static Object),
    /// By index.
    Items(&'static Shape),
    /// By index, below `values`.
    Wrapped(&'static Shape),
    /// By key.
    Free,
}

impl Order {
    fn of(shape: &'static Shape) -> Self {
        match shape {
            Shape::Object(object) | Shape::Legacy(object, _) => Self::Fields(object),
            Shape::List(item) | Shape::Dense(item) => Self::Items(item),
            Shape::Values(values) => Self::Wrapped(values.item),
            _ => Self::Free,
        }
    }

    fn children(self, node: &MetaTree) -> Vec<(&str, Order)> {
        let mut children: Vec<(usize, &str, Order)> = Vec::with_capacity(node.children.len());
        for key in node.children.keys() {
            let index = key.parse().unwrap_or(usize::MAX);
            let (rank, order) = match self {
                Self::Fields(object) => match object.fields.iter().position(|field| field.key == key) {
                    Some(at) => (at, Self::of(&object.fields[at].shape)),
                    None => (usize::MAX, Self::Free),
                },
                Self::Items(item) => (index, Self::of(item)),
                Self::Wrapped(item) => (0, Self::Items(item)),
                Self::Free => (index, Self::Free),
            };
            children.push((rank, key, order));
        }
        children.sort_by_key(|(rank, _, _)| *rank);
        children.into_iter().map(|(_, key, order)| (key, order)).collect()
    }
}

fn visit(node: &MetaTree, order: Order, path: &Path<'_>, value: Option<&Value>, out: &mut Vec<Value>) {
    if out.len() >= MAX_ERRORS {
        return;
    }
    let twice = matches!(path, Path::Key(_, key) if TWICE.contains(key)) && value.is_some_and(|v| !v.is_null());
    for _ in 0..=usize::from(twice) {
        for error in &node.own.errors {
            let mut entry = error.data.clone();
            entry.insert("type".to_owned(), Value::String(error.kind.clone()));
            entry.insert("name".to_owned(), Value::String(path.to_string()));
            if let Some(original) = &node.own.original_value {
                entry.entry("value").or_insert_with(|| original.clone());
            }
            out.push(Value::Object(entry));
        }
    }
    let order = match path {
        Path::Key(Path::Root, "logentry") => Order::Fields(&LOGENTRY),
        Path::Key(Path::Key(Path::Root, "contexts"), key) => {
            value.map_or(Order::Free, |value| Order::Fields(contexts::fields_of(key, value)))
        }
        _ => order,
    };
    for (key, order) in order.children(node) {
        let child = &node.children[key];
        match value {
            Some(Value::Array(items)) => {
                let index = key.parse().unwrap_or(usize::MAX);
                visit(child, order, &path.index(index), items.get(index), out);
            }
            Some(Value::Object(map)) => visit(child, order, &path.key(key), map.get(key), out),
            _ => visit(child, order, &path.key(key), None, out),
        }
    }
}
