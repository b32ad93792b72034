//! # Scrubbing one event
//!
//! **Promise.** One pass over the event and one over its notes, each linear in their size.
//!
//! **How.** The event is walked beside the tree of [`super::fields`]. A value under a secret key goes, a text is rewritten by the rules in
//! their order ([`texts`](super::texts)), and the note on it in `_meta` says so.

use serde_json::Value;

use super::Plan;
use super::chunks::{Chunks, Edit};
use super::fields::{self, Kind, Node};
use super::names;
use super::quotes::Quotes;
use super::rules::{Compiled, PROTECTED};
use super::selector::{Spot, Step, same_key};
use super::texts::COOKIE;
use crate::event::meta::{MetaTree, Remark, RemarkKind};

/// The rule of addresses that are removed as a whole.
const REMOVE: &str = "@anything:remove";

/// The field that normalising moves into the tags.
const SERVER_NAME: &str = "server_name";

fn is_host(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// A walk over one event.
pub(super) struct Walk<'s, 'm> {
    plan: &'s Plan,
    notes: &'m mut MetaTree,
    /// Whether there were notes before: only then texts may have been rewritten.
    noted: bool,
}

impl<'s, 'm> Walk<'s, 'm> {
    /// Begins a walk with the notes on the event.
    pub(super) fn new(plan: &'s Plan, notes: &'m mut MetaTree) -> Self {
        let noted = !notes.is_empty();
        Self { plan, notes, noted }
    }

    /// Scrubs an event, the notes on it, and what its `errors` quote.
    pub(super) fn event(&mut self, event: &mut Value) {
        let quotes = Quotes { plan: self.plan };
        if self.noted {
            quotes.notes(self.notes, &fields::EVENT, Some(event), &Spot::ROOT);
        }
        quotes.errors(event);
        self.visit(event, &fields::EVENT, &Spot::ROOT);
    }

    fn visit(&mut self, value: &mut Value, node: &'static Node, spot: &Spot<'_>) {
        match node {
            Node::Keep | Node::ErrorValue | Node::Pair => {
                if !self.plan.own.is_empty() {
                    self.children(value, spot, |_| &Node::Keep);
                }
            }
            Node::Cookies => self.cookies(value, spot),
            Node::Tags => self.tags(value, spot),
            Node::Free => self.free(value, spot),
            Node::Address => {
                self.free(value, spot);
                self.address(value, spot);
            }
            Node::Environment => {
                if !self.remove_by_key(value, spot) {
                    self.children(value, spot, |key| if same_key(key, "REMOTE_ADDR") { &Node::Address } else { &Node::Free });
                }
            }
            Node::Pairs | Node::Headers => {
                if !self.remove_by_key(value, spot) {
                    self.pairs(value, spot, matches!(node, Node::Headers));
                }
            }
            Node::Prose => self.text(value, spot, true),
            Node::SpanData => self.children(value, spot, |key| names::span_attribute(key, true)),
            Node::TraceData => self.children(value, spot, |key| names::span_attribute(key, false)),
            Node::List(item) => self.children(value, spot, |_| item),
            Node::Object(object) => self.children(value, spot, |key| object.field(key)),
            Node::Contexts => {
                if let Value::Object(contexts) = value {
                    for (name, context) in contexts {
                        let node = names::context(name, Some(context));
                        self.visit(context, node, &spot.inside(Step::Key(name), node.kind()));
                    }
                }
            }
        }
        self.own_rules(value, spot);
    }

    /// Visits what is inside a list or an object.
    fn children(&mut self, value: &mut Value, spot: &Spot<'_>, node_of: impl Fn(&str) -> &'static Node) {
        match value {
            Value::Object(map) => {
                for (key, child) in map {
                    if matches!(spot.step, Step::Root) && PROTECTED.contains(&key.as_str()) {
                        continue;
                    }
                    let node = node_of(key);
                    self.visit(child, node, &spot.inside(Step::Key(key), node.kind()));
                }
            }
            // Tags and the like are pairs for a project's rules, though the default rules pass over them.
            Value::Array(items) if names::is_pairs(items) && matches!(node_of(""), Node::Keep) => {
                self.each_pair(items, spot, |_| &Node::Keep);
            }
            Value::Array(items) => {
                for (index, child) in items.iter_mut().enumerate() {
                    let node = node_of("");
                    self.visit(child, node, &spot.inside(Step::Index(index), node.kind()));
                }
            }
            _ => {}
        }
    }

    fn pairs(&mut self, value: &mut Value, spot: &Spot<'_>, headers: bool) {
        let Value::Array(items) = value else { return self.free(value, spot) };
        let examined = |name: &str| if headers && same_key(name, "User-Agent") { &Node::Keep } else { &Node::Free };
        self.each_pair(items, spot, examined);
    }

    fn each_pair(&mut self, items: &mut [Value], spot: &Spot<'_>, node_of: impl Fn(&str) -> &'static Node) {
        for (index, item) in items.iter_mut().enumerate() {
            match item.as_array_mut().map(Vec::as_mut_slice) {
                Some([Value::String(name), value]) => self.visit(value, node_of(name), &spot.inside(Step::Pair(index, name), Kind::Any)),
                Some(_) => self.visit(item, &Node::Free, &spot.inside(Step::Index(index), Kind::Any)),
                None => {}
            }
        }
    }

    /// Tags are passed over, but for session cookies and a server's name that is none: hosts are called `auth-2`, and nothing secret fits
    /// into what a host may be called.
    fn tags(&mut self, value: &mut Value, spot: &Spot<'_>) {
        self.cookies(value, spot);
        let Value::Array(tags) = value else { return };
        for (index, tag) in tags.iter_mut().enumerate() {
            if let Some([Value::String(name), value @ Value::String(_)]) = tag.as_array_mut().map(Vec::as_mut_slice)
                && name == SERVER_NAME
                && value
                    .as_str()
                    .is_some_and(|text| !is_host(text) || self.plan.sensitive.as_ref().is_some_and(|words| words.is_match(text)))
            {
                self.free(value, &spot.inside(Step::Pair(index, SERVER_NAME), Kind::Any));
            }
        }
    }

    /// Takes session cookies out of a value that is not examined otherwise.
    fn cookies(&mut self, value: &mut Value, spot: &Spot<'_>) {
        if !self.plan.is_cookie(spot) {
            match value {
                Value::Array(items) if names::is_pairs(items) => self.each_pair(items, spot, |_| &Node::Cookies),
                _ => self.children(value, spot, |_| &Node::Cookies),
            }
            return;
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => {
                let remarks = note_for(self.notes, spot).map_or_else(Vec::new, |note| note.own.remarks.clone());
                let (new, remarks) = Plan::cookie(text, &remarks);
                self.write(value, spot, new, remarks);
            }
            Value::Number(_) | Value::Array(_) | Value::Object(_) => self.remove(value, spot, COOKIE),
        }
    }

    /// Examines a value and all inside it.
    pub(super) fn free(&mut self, value: &mut Value, spot: &Spot<'_>) {
        match value {
            Value::String(_) => self.text(value, spot, false),
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) => {
                self.remove_by_key(value, spot);
            }
            Value::Array(_) | Value::Object(_) => {
                if self.remove_by_key(value, spot) {
                    return;
                }
                match value {
                    Value::Array(items) if names::is_pairs(items) => self.each_pair(items, spot, |_| &Node::Free),
                    _ => self.children(value, spot, |_| &Node::Free),
                }
            }
        }
    }

    /// Removes a number, list or object whose key is secret; whether it did.
    fn remove_by_key(&mut self, value: &mut Value, spot: &Spot<'_>) -> bool {
        let rule = match (self.plan.secret_key(spot), value.is_null()) {
            (Some(rule), false) if !self.plan.is_excluded(spot, value) => rule,
            _ if !value.is_null() && self.plan.is_cookie(spot) => COOKIE,
            _ => return false,
        };
        self.remove(value, spot, rule);
        true
    }

    fn remove(&mut self, value: &mut Value, spot: &Spot<'_>, rule: &str) {
        *value = Value::Null;
        let note = note_at(self.notes, spot);
        note.children.clear();
        note.own.original_value = None;
        note.own.add_remark(rule, RemarkKind::Removed, None);
    }

    /// Removes an address, whatever the text rules left of it.
    fn address(&mut self, value: &mut Value, spot: &Spot<'_>) {
        if self.plan.addresses && !matches!(value, Value::Null | Value::Bool(_)) && value != "" {
            self.remove(value, spot, REMOVE);
        }
    }

    fn text(&mut self, value: &mut Value, spot: &Spot<'_>, prose: bool) {
        let Value::String(text) = &*value else { return };
        let remarks = if self.noted { remarks_at(self.notes, spot) } else { &[] };
        let new = if prose { self.plan.prose(text, remarks) } else { self.plan.rewrite(text, value, spot, remarks) };
        if let Some((new, remarks)) = new {
            self.write(value, spot, new, remarks);
        }
    }

    /// Puts the new text in the old one's place and notes what was done.
    fn write(&mut self, value: &mut Value, spot: &Spot<'_>, new: String, remarks: Vec<Remark>) {
        let Value::String(old) = value else { return };
        if *old == new {
            return;
        }
        let note = &mut note_at(self.notes, spot).own;
        note.set_original_length(old.chars().count());
        note.remarks = remarks;
        *old = new;
    }

    /// Applies the project's own rules to one value.
    fn own_rules(&mut self, value: &mut Value, spot: &Spot<'_>) {
        let plan = self.plan;
        for rule in &plan.own {
            if value.is_null() || spot.parent.is_none() || !rule.path.matches(spot, value) {
                continue;
            }
            match value {
                Value::String(text) if !rule.removes() => {
                    let remarks = note_for(self.notes, spot).map_or_else(Vec::new, |note| note.own.remarks.clone());
                    let mut chunks = Chunks::new(text, &remarks);
                    apply(rule, &mut chunks);
                    let (new, remarks) = chunks.finish();
                    self.write(value, spot, new, remarks);
                }
                // A pattern speaks of texts only; without one the rule means the value as a whole.
                _ if rule.patterns.is_empty() => self.remove(value, spot, &rule.name),
                _ => {}
            }
        }
    }
}

fn apply(rule: &Compiled, chunks: &mut Chunks<'_>) {
    let edit = Edit { rule: &rule.name, kind: rule.kind(), write: &|text| rule.write(text) };
    if rule.patterns.is_empty() {
        chunks.replace_all(&edit);
    }
    for (regex, group) in &rule.patterns {
        chunks.replace(regex, *group, &edit);
    }
}

/// The note on the value at a place, made when absent.
fn note_at<'m>(tree: &'m mut MetaTree, spot: &Spot<'_>) -> &'m mut MetaTree {
    let Some(parent) = spot.parent else { return tree };
    let tree = note_at(tree, parent);
    match spot.step {
        Step::Root => tree,
        Step::Key(key) => tree.child(key),
        Step::Index(index) => tree.child(&index.to_string()),
        Step::Pair(index, _) => tree.child(&index.to_string()).child("1"),
    }
}

/// The note on the value at a place, if there is one.
fn note_for<'m>(tree: &'m MetaTree, spot: &Spot<'_>) -> Option<&'m MetaTree> {
    let Some(parent) = spot.parent else { return Some(tree) };
    let tree = note_for(tree, parent)?;
    match spot.step {
        Step::Root => Some(tree),
        Step::Key(key) => tree.children.get(key),
        Step::Index(index) => tree.children.get(&index.to_string()),
        Step::Pair(index, _) => tree.children.get(&index.to_string())?.children.get("1"),
    }
}

fn remarks_at<'m>(tree: &'m MetaTree, spot: &Spot<'_>) -> &'m [Remark] {
    note_for(tree, spot).map_or(&[], |note| &note.own.remarks)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::event::scrub::ScrubSettings;

    #[test]
    fn the_name_of_a_server_is_examined_in_its_tag_unless_a_host_may_be_called_so() {
        let tag = |name: &str, changes: Value| {
            let mut event = json!({"tags": [["a", "password=x"], ["server_name", name]]});
            serde_json::from_value::<ScrubSettings>(changes).unwrap().compile().unwrap().scrub(&mut event);
            assert_eq!(event["tags"][0][1], "password=x", "other tags are a project's own business");
            let rule = event.pointer("/_meta/tags/1/1//rem/0/0").cloned().unwrap_or_default();
            (event["tags"][1][1].take(), rule)
        };
        for host in ["auth-2", "token-service.eu_1.example.org", "secretary", ""] {
            assert_eq!(tag(host, json!({})), (json!(host), Value::Null));
        }
        let filtered = |rule: &str| (json!("[Filtered]"), json!(rule));
        assert_eq!(tag("web password=x", json!({})), filtered("@password:filter"));
        assert_eq!(tag("https://u:x@db", json!({})), (json!("https://u:[Filtered]@db"), json!("@urlauth:legacy")));
        assert_eq!(tag("web-intern", json!({"sensitiveFields": ["INTERN"]})), filtered("strip-fields"));
        assert_eq!(tag("web password=x", json!({"excludeFields": ["server_name"]})), (json!("web password=x"), Value::Null));
        assert_eq!(tag("web password=x", json!({"scrubDefaults": false})), (json!("web password=x"), Value::Null));
    }
}
