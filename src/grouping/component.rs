//! # The component tree
//!
//! **Promise.** A [`Component`] says of one part of an event whether it counts for the hash, why not, and what it is made of.
//! **How.** Leaves hold texts (shared between variants), branches hold components. The hash walks the contributing leaves depth first.
//! Hints are data, not text, so that building a tree costs no formatting; [`Hint`] prints itself in words.
//! **Not here.** Deciding what contributes (`frame`, `stacktrace`, `exception`, `strategies`).

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use super::rules::RuleSource;

/// One part of a variant: an exception, a frame, a function name …
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// What kind of part: `exception`, `stacktrace`, `frame`, `function` … (stable, used in paths)
    pub id: &'static str,
    /// Whether it counts.
    pub contributes: bool,
    /// Why it counts or not, or how its text was changed.
    pub hint: Option<Hint>,
    /// What it is made of.
    pub content: Content,
}

/// What a component is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The text that goes into the hash.
    Leaf(Arc<str>),
    /// Smaller parts, in hash order.
    Parts(Vec<Component>),
}

/// Why a component counts or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Hint {
    /// A fixed reason.
    Because(&'static str),
    /// A stack trace rule decided.
    Rule {
        /// What it did: `taken out of the app` …
        effect: &'static str,
        /// The rule.
        rule: Arc<RuleSource>,
    },
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Because(reason) => f.write_str(reason),
            Self::Rule { effect, rule } => write!(f, "{effect} by {rule}"),
        }
    }
}

impl Hint {
    /// The rule that decided, if one did.
    pub fn rule(&self) -> Option<&RuleSource> {
        match self {
            Self::Because(_) => None,
            Self::Rule { rule, .. } => Some(rule),
        }
    }

    /// Adds it to the JSON of what it is about: `hint` in words, and the `rule`.
    pub(super) fn add_to(&self, json: &mut Value) {
        json["hint"] = json!(self.to_string());
        if let Some(rule) = self.rule() {
            json["rule"] = rule.to_json();
        }
    }
}

impl Component {
    /// A text that counts.
    pub(super) fn leaf(id: &'static str, text: impl Into<Arc<str>>) -> Self {
        Self { id, contributes: true, hint: None, content: Content::Leaf(text.into()) }
    }

    /// A branch that counts if one of its parts does.
    pub(super) fn branch(id: &'static str, parts: Vec<Component>) -> Self {
        let contributes = parts.iter().any(|part| part.contributes);
        Self { id, contributes, hint: None, content: Content::Parts(parts) }
    }

    /// The same component with a note on how its text came about.
    pub(super) fn noted(mut self, reason: &'static str) -> Self {
        self.hint = Some(Hint::Because(reason));
        self
    }

    /// The same component, not counting.
    pub(super) fn ignored(mut self, reason: &'static str) -> Self {
        self.ignore(Hint::Because(reason));
        self
    }

    /// Stops it from counting.
    pub(super) fn ignore(&mut self, hint: Hint) {
        self.contributes = false;
        self.hint = Some(hint);
    }

    /// Its name for people.
    pub fn name(&self) -> &'static str {
        match self.id {
            "chained_exception" => "chained exceptions",
            "context_line" => "source line",
            "csp" => "content security policy report",
            "expect_ct" => "certificate transparency report",
            "expect_staple" => "OCSP stapling report",
            "filename" => "file name",
            "function" => "function name",
            "hpkp" => "key pinning report",
            "module" => "module name",
            "ns_error" => "NSError",
            "stacktrace" => "stack trace",
            "threads" => "thread",
            "uri" => "blocked address",
            "violation" => "violated keyword",
            other => other,
        }
    }

    /// Its parts; none for a leaf.
    pub fn parts(&self) -> &[Component] {
        match &self.content {
            Content::Leaf(_) => &[],
            Content::Parts(parts) => parts,
        }
    }

    /// Its text, if it is a leaf.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Leaf(text) => Some(text),
            Content::Parts(_) => None,
        }
    }

    /// The first contributing component with this id, itself included.
    pub fn find(&self, id: &str) -> Option<&Component> {
        if !self.contributes {
            return None;
        }
        if self.id == id { Some(self) } else { self.parts().iter().find_map(|part| part.find(id)) }
    }

    /// Calls `visit` with the path and text of every contributing leaf, in hash order.
    pub(super) fn leaves<'c>(&'c self, path: &mut Vec<&'static str>, visit: &mut impl FnMut(&[&'static str], &'c str)) {
        if !self.contributes {
            return;
        }
        path.push(self.id);
        match &self.content {
            Content::Leaf(text) => visit(path, text),
            Content::Parts(parts) => parts.iter().for_each(|part| part.leaves(path, visit)),
        }
        path.pop();
    }

    /// The texts that go into the hash, in order.
    pub(super) fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        self.leaves(&mut Vec::with_capacity(8), &mut |_, text| texts.push(text));
        texts
    }

    /// The whole tree as JSON, for pages and tools: `{id, name, contributes, hint?, rule?, text? | parts?}`.
    pub fn to_json(&self) -> Value {
        let mut json = json!({"id": self.id, "name": self.name(), "contributes": self.contributes});
        if let Some(hint) = &self.hint {
            hint.add_to(&mut json);
        }
        match &self.content {
            Content::Leaf(text) => json["text"] = json!(&**text),
            Content::Parts(parts) => json["parts"] = parts.iter().map(Self::to_json).collect(),
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_contributing_leaves_count() {
        let frame =
            Component::branch("frame", vec![Component::leaf("module", "m"), Component::leaf("filename", "f").ignored("has a module")]);
        let dead = Component::branch("frame", vec![Component::leaf("module", "x")]).ignored("out of app");
        let stack = Component::branch("stacktrace", vec![frame, dead]);
        assert!(stack.contributes);
        assert_eq!(stack.texts(), ["m"]);
        assert_eq!(stack.find("module").and_then(Component::text), Some("m"));
        assert_eq!(stack.find("filename"), None);
    }

    #[test]
    fn a_branch_of_nothing_does_not_count() {
        assert!(!Component::branch("stacktrace", Vec::new()).contributes);
    }
}
