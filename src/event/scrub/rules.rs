//! # A project's own rules
//!
//! **Promise.** Beyond the default rules a project may mask, remove, hash or replace what stands at a path, the whole value or what a pattern finds
//! in it, in any field, also in those that the default rules leave alone (tags, URLs, exception values).
//! A rule that makes no sense is refused with its name and what is wrong with it.
//!
//! **Not here.** Fields that an event is known and ordered by ([`PROTECTED`]): no rule touches those.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::patterns::PATTERNS;
use super::selector::Selector;
use crate::event::meta::RemarkKind;

/// Most rules a project may have: each is compared with every value of an event.
pub const RULES_LIMIT: usize = 50;
/// Largest compiled size of a pattern, in bytes.
const PATTERN_LIMIT: usize = 256 * 1024;
/// Hexadecimal digits of a hash that are kept: enough to tell values apart.
const HASH_DIGITS: usize = 32;

/// Top-level fields that no rule changes.
pub(super) const PROTECTED: [&str; 14] = [
    "event_id",
    "type",
    "level",
    "timestamp",
    "start_timestamp",
    "received",
    "platform",
    "project",
    "version",
    "key_id",
    "errors",
    "_meta",
    "grouping_config",
    "ingest_path",
];

/// One rule as people write it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name that `_meta` and errors show.
    #[serde(default)]
    pub name: String,
    /// Where: a path such as `extra.*.card`, `$user.name` or `tags.customer`; `**` is everywhere.
    #[serde(default)]
    pub path: String,
    /// What: a regular expression (its first group, if it has one, is what is changed), or a known pattern such as `@email`. Nothing = the whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// `mask`, `remove`, `hash` or `replace`.
    #[serde(default)]
    pub action: String,
    /// What `replace` puts in its place; `[Filtered]` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Why a rule was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {number} ({name}): {problem}")]
pub struct RuleError {
    /// The rule's place in the list, from 1.
    pub number: usize,
    /// The rule's name, or `unnamed`.
    pub name: String,
    /// What is wrong.
    pub problem: String,
}

/// What a rule does.
#[derive(Clone, Debug)]
enum Action {
    Mask,
    Remove,
    Hash(Arc<str>),
    Replace(String),
}

/// A rule ready to run.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    pub(super) name: String,
    pub(super) path: Selector,
    /// Expressions and the group of each that is changed; empty = the whole value.
    pub(super) patterns: Vec<(Regex, usize)>,
    action: Action,
}

impl Compiled {
    /// How `_meta` calls what this rule does.
    pub(super) fn kind(&self) -> RemarkKind {
        match self.action {
            Action::Mask => RemarkKind::Masked,
            Action::Remove => RemarkKind::Removed,
            Action::Hash(_) => RemarkKind::Pseudonymized,
            Action::Replace(_) => RemarkKind::Substituted,
        }
    }

    /// Whether a whole text goes instead of being rewritten.
    pub(super) fn removes(&self) -> bool {
        matches!(self.action, Action::Remove) && self.patterns.is_empty()
    }

    /// What stands in the place of a text.
    pub(super) fn write(&self, text: &str) -> String {
        match &self.action {
            Action::Mask => "*".repeat(text.chars().count()),
            Action::Remove => String::new(),
            Action::Hash(salt) => hash(salt, text),
            Action::Replace(new) => new.clone(),
        }
    }
}

/// A keyed hash of a text: equal texts of one project stay equal.
fn hash(salt: &str, text: &str) -> String {
    // HMAC takes keys of any length, so there is no error to speak of.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt.as_bytes()) else { return String::new() };
    mac.update(text.as_bytes());
    let mut digest = hex::encode(mac.finalize().into_bytes());
    digest.truncate(HASH_DIGITS);
    digest
}

/// Compiles a list of rules; the first that makes no sense is the error.
pub(super) fn compile(rules: &[Rule], salt: &str) -> Result<Vec<Compiled>, RuleError> {
    let salt: Arc<str> = salt.into();
    let fail = |number: usize, rule: &Rule, problem: String| {
        let name = if rule.name.trim().is_empty() { "unnamed".to_owned() } else { rule.name.trim().to_owned() };
        RuleError { number, name, problem }
    };
    if let Some(rule) = rules.get(RULES_LIMIT) {
        return Err(fail(RULES_LIMIT + 1, rule, format!("a project can have {RULES_LIMIT} rules")));
    }
    let compiled = rules.iter().enumerate().map(|(at, rule)| one(rule, &salt).map_err(|problem| fail(at + 1, rule, problem)));
    compiled.collect()
}

fn one(rule: &Rule, salt: &Arc<str>) -> Result<Compiled, String> {
    let name = rule.name.trim();
    if name.is_empty() {
        return Err("it needs a name".to_owned());
    }
    if rule.path.trim().is_empty() {
        return Err("it needs a path (`**` is every field)".to_owned());
    }
    let path = Selector::parse(&rule.path).map_err(|problem| format!("path: {problem}"))?;
    let action = match rule.action.as_str() {
        "mask" => Action::Mask,
        "remove" => Action::Remove,
        "hash" => Action::Hash(Arc::clone(salt)),
        "replace" => Action::Replace(rule.text.clone().unwrap_or_else(|| super::FILTERED.to_owned())),
        "" => return Err("it needs an action: mask, remove, hash or replace".to_owned()),
        other => return Err(format!("`{other}` is no action: use mask, remove, hash or replace")),
    };
    if rule.text.is_some() && !matches!(action, Action::Replace(_)) {
        return Err("only `replace` takes a text".to_owned());
    }
    let patterns = rule.pattern.as_deref().map(patterns).transpose()?.unwrap_or_default();
    Ok(Compiled { name: name.to_owned(), path, patterns, action })
}

fn patterns(text: &str) -> Result<Vec<(Regex, usize)>, String> {
    if text.starts_with('@') {
        let known = PATTERNS.named(text).ok_or_else(|| {
            format!("`{text}` is no known pattern: there are @creditcard, @iban, @usssn, @bearer, @pemkey, @urlauth, @email, @ip")
        })?;
        return Ok(known.into_iter().map(|pattern| (pattern.regex.clone(), pattern.group)).collect());
    }
    let regex = RegexBuilder::new(text).size_limit(PATTERN_LIMIT).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "pattern: it is too large".to_owned(),
        other => format!("pattern: {}", last_line(&other.to_string())),
    })?;
    if regex.is_match("") {
        return Err("pattern: it matches the empty text, so it would match everywhere".to_owned());
    }
    let group = usize::from(regex.captures_len() > 1);
    Ok(vec![(regex, group)])
}

/// The line of a pattern error that says what is wrong; those before it draw an arrow.
fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned()
}
