//! # What notes and errors quote
//!
//! **Promise.** `_meta` and `errors` quote values that were invalid as the client sent them. A quote is scrubbed as the value it stands for would be,
//! whatever its shape. (Relay scrubs quoted texts in `_meta` only; a secret must not survive in any of them.)
//!
//! **How.** The names in notes and errors are followed through the tree of [`super::fields`]. A quote that one of the project's own rules
//! or the removal of addresses would meet is dropped.

use serde_json::Value;

use super::Plan;
use super::fields::{self, Kind, Node};
use super::names;
use super::selector::{Spot, Step, same_key};
use super::walk::Walk;
use crate::event::meta::MetaTree;

/// Scrubs what notes and errors quote.
#[derive(Clone, Copy)]
pub(super) struct Quotes<'s> {
    pub(super) plan: &'s Plan,
}

impl Quotes<'_> {
    pub(super) fn notes(self, tree: &mut MetaTree, node: &'static Node, value: Option<&Value>, spot: &Spot<'_>) {
        if let Some(quote) = tree.own.original_value.take() {
            tree.own.original_value = self.quote(quote, node, spot);
        }
        for (name, child) in &mut tree.children {
            enter(node, value, spot, name, |node, value, spot| self.notes(child, node, value, spot));
        }
    }

    /// Scrubs the values that `errors` quote.
    pub(super) fn errors(self, event: &mut Value) {
        let Some(Value::Array(mut errors)) = event.get_mut("errors").map(Value::take) else { return };
        for error in &mut errors {
            let Some(error) = error.as_object_mut() else { continue };
            let Some(quote) = error.get_mut("value").map(Value::take) else { continue };
            let quote = match error.get("name").and_then(Value::as_str) {
                Some(name) => self.error(&name.split('.').collect::<Vec<_>>(), quote, (&fields::EVENT, Some(event)), &Spot::ROOT),
                None => Some(quote),
            };
            error.insert("value".to_owned(), quote.unwrap_or(Value::Null));
        }
        if let Some(place) = event.get_mut("errors") {
            *place = Value::Array(errors);
        }
    }

    fn error(self, path: &[&str], quote: Value, at: (&'static Node, Option<&Value>), spot: &Spot<'_>) -> Option<Value> {
        let Some((first, rest)) = path.split_first() else { return self.quote(quote, at.0, spot) };
        enter(at.0, at.1, spot, first, |node, value, spot| self.error(rest, quote, (node, value), spot))
    }

    /// A quote of the value at a node, after the rules that would have met it; `None` when it has to go.
    fn quote(self, mut quote: Value, node: &'static Node, spot: &Spot<'_>) -> Option<Value> {
        if self.plan.own.iter().any(|rule| rule.path.matches(spot, &quote)) {
            return None;
        }
        if matches!(node, Node::Keep | Node::Cookies | Node::Tags) {
            return Some(quote);
        }
        if self.plan.addresses && matches!(node, Node::Address) {
            return None;
        }
        let mut scratch = MetaTree::default();
        let mut walk = Walk::new(self.plan, &mut scratch);
        walk.free(&mut quote, spot);
        (!quote.is_null()).then_some(quote)
    }
}

/// Goes to what is inside a value by the name that notes and errors use: a key, or the number of a place in a list.
fn enter<T>(
    node: &'static Node,
    value: Option<&Value>,
    spot: &Spot<'_>,
    name: &str,
    then: impl FnOnce(&'static Node, Option<&Value>, &Spot<'_>) -> T,
) -> T {
    let child = match (value, name.parse::<usize>()) {
        (Some(Value::Array(items)), Ok(index)) => items.get(index),
        (Some(value), _) => value.get(name),
        (None, _) => None,
    };
    if let Node::Pair = node
        && let Some(list) = spot.parent
    {
        // Inside a pair: its value stands under its name, directly in the list.
        let pair_name = value.and_then(|pair| pair.get(0)).and_then(Value::as_str).unwrap_or_default();
        let inner = if name == "1" { &Node::Free } else { &Node::Keep };
        return then(inner, child, &list.inside(Step::Pair(0, pair_name), Kind::Any));
    }
    let inner: &'static Node = match node {
        Node::Keep | Node::ErrorValue | Node::Cookies | Node::Tags => &Node::Keep,
        Node::SpanData => names::span_attribute(name, true),
        Node::TraceData => names::span_attribute(name, false),
        Node::Pairs | Node::Headers => &Node::Pair,
        Node::Free if matches!(value, Some(Value::Array(items)) if names::is_pairs(items)) => &Node::Pair,
        Node::Environment if same_key(name, "REMOTE_ADDR") => &Node::Address,
        Node::Free | Node::Address | Node::Prose | Node::Environment | Node::Pair => &Node::Free,
        Node::List(item) => item,
        Node::Contexts => names::context(name, child),
        Node::Object(object) => object.field(name),
    };
    let step = name.parse().map_or(Step::Key(name), Step::Index);
    then(inner, child, &spot.inside(step, inner.kind()))
}
