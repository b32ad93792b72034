//! # Paths into an event
//!
//! **Promise.** `excludeFields` and the rules of a project name fields by a path: `password`, `extra.password`, `request.headers.authorization`,
//! `$frame.vars.**`, `'key with spaces'`. What is no path is taken as the literal name of a key, so that any entry does what its text says.
//!
//! **How.** A path is compared from its end: it matches when the last steps to a value match it, so `password` is that key anywhere. `*` is one step,
//! `**` one or more, `$user`, `$http`, `$error`, `$frame` and so on a value of that kind. Keys are compared without regard to case.
//! In a list of pairs (headers, cookies, query) the step is the pair's name, not its place.
//!
//! **Not here.** Relay's `&&`, `||` and `!`: several entries are an "or".

use serde_json::Value;

use super::fields::Kind;

/// A step from a value to one inside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// The event itself.
    Root,
    /// A key of an object.
    Key(&'a str),
    /// A place in a list.
    Index(usize),
    /// The value of the pair at a place in a list of pairs, and its name.
    Pair(usize, &'a str),
}

/// Where a value stands: a list on the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    pub(super) parent: Option<&'a Spot<'a>>,
    pub(super) step: Step<'a>,
    /// The interface that the value is, where the schema names one.
    pub(super) kind: Kind,
}

impl<'a> Spot<'a> {
    /// The event.
    pub(super) const ROOT: Spot<'static> = Spot { parent: None, step: Step::Root, kind: Kind::Any };

    /// The place of something inside this value.
    pub(super) fn inside(&'a self, step: Step<'a>, kind: Kind) -> Spot<'a> {
        Spot { parent: Some(self), step, kind }
    }

    /// The key that names the value.
    pub(super) fn key(&self) -> Option<&'a str> {
        match self.step {
            Step::Key(key) | Step::Pair(_, key) => Some(key),
            Step::Root | Step::Index(_) => None,
        }
    }
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A key, or the number of a place in a list.
    Key(String),
    /// `*`.
    One,
    /// `**`.
    Many,
    /// `$user` and the like.
    Kind(Kind),
    /// `$string`, `$number`, `$boolean`, `$array`, `$object`.
    Type(&'static str),
}

/// A path that values are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    parts: Vec<Part>,
}

impl Selector {
    /// Reads a path; what is none is the name of a key. `None` when there is no text.
    pub(super) fn lenient(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        Some(Self::parse(text).unwrap_or_else(|_| Self { parts: vec![Part::Key(text.to_owned())] }))
    }

    /// Reads a path; the error says what is wrong in it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        loop {
            let (part, after) = Self::part(rest)?;
            parts.push(part);
            match after.strip_prefix('.') {
                Some(more) => rest = more,
                None if after.is_empty() => return Ok(Self { parts }),
                None => return Err(format!("expected `.` before `{after}`")),
            }
        }
    }

    fn part(text: &str) -> Result<(Part, &str), String> {
        if let Some(quoted) = text.strip_prefix('\'') {
            return Self::quoted(quoted);
        }
        let end = text.find('.').unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        let part = match word {
            "" => return Err("a part of the path is empty".to_owned()),
            "*" => Part::One,
            "**" => Part::Many,
            _ => match word.strip_prefix('$') {
                Some(name) => named(name).ok_or_else(|| format!("`{word}` is no known kind of value"))?,
                None if word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) => Part::Key(word.to_owned()),
                None => return Err(format!("`{word}` needs quotes: write it as '{word}'")),
            },
        };
        Ok((part, rest))
    }

    /// A key in single quotes; two of them stand for one.
    fn quoted(text: &str) -> Result<(Part, &str), String> {
        let mut key = String::new();
        let mut rest = text;
        loop {
            let Some((before, after)) = rest.split_once('\'') else { return Err("a quote is not closed".to_owned()) };
            key.push_str(before);
            match after.strip_prefix('\'') {
                Some(more) => {
                    key.push('\'');
                    rest = more;
                }
                None => return Ok((Part::Key(key), after)),
            }
        }
    }

    /// Whether the path leads to this value.
    pub(super) fn matches(&self, spot: &Spot<'_>, value: &Value) -> bool {
        let Some((last, before)) = self.parts.split_last() else { return false };
        match last {
            Part::Type(name) => type_name(value) == *name && leads(before, spot.parent),
            _ => leads(&self.parts, Some(spot)),
        }
    }
}

/// Whether the last steps to a place match the parts. The states of all suffixes are kept at once, so `**` costs no search.
fn leads(parts: &[Part], spot: Option<&Spot<'_>>) -> bool {
    // `open[i]`: the last `i` parts are matched by the steps seen so far; `**` may take further ones.
    let count = parts.len();
    let mut open = vec![false; count + 1];
    open[0] = true;
    let mut next = spot;
    while !open[count] {
        let Some(here) = next else { return false };
        let Some(parent) = here.parent else { return false };
        let mut after = vec![false; count + 1];
        for (done, _) in open.iter().enumerate().take(count).filter(|(_, is_open)| **is_open) {
            let part = &parts[count - 1 - done];
            if is_step(part, here) {
                after[done + 1] = true;
                if *part == Part::Many {
                    after[done] = true;
                }
            }
        }
        if !after.contains(&true) {
            return false;
        }
        (open, next) = (after, Some(parent));
    }
    true
}

fn is_step(part: &Part, spot: &Spot<'_>) -> bool {
    match part {
        Part::One | Part::Many => true,
        Part::Kind(kind) => spot.kind == *kind,
        Part::Type("object") => spot.kind != Kind::Any || matches!(spot.step, Step::Key(_) | Step::Pair(..)),
        Part::Type(_) => false,
        Part::Key(name) => match spot.step {
            Step::Key(key) | Step::Pair(_, key) => same_key(key, name),
            Step::Index(index) => name.parse() == Ok(index),
            Step::Root => false,
        },
    }
}

/// Compares keys without regard to ASCII case.
pub(super) fn same_key(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn named(name: &str) -> Option<Part> {
    Some(match name.to_ascii_lowercase().as_str() {
        "string" => Part::Type("string"),
        "number" => Part::Type("number"),
        "boolean" => Part::Type("boolean"),
        "array" => Part::Type("array"),
        "object" => Part::Type("object"),
        "user" => Part::Kind(Kind::User),
        "http" | "request" => Part::Kind(Kind::Request),
        "error" | "exception" => Part::Kind(Kind::Exception),
        "stack" | "stacktrace" => Part::Kind(Kind::Stacktrace),
        "frame" => Part::Kind(Kind::Frame),
        "breadcrumb" => Part::Kind(Kind::Breadcrumb),
        "logentry" | "message" => Part::Kind(Kind::LogEntry),
        "thread" => Part::Kind(Kind::Thread),
        "sdk" => Part::Kind(Kind::Sdk),
        "span" => Part::Kind(Kind::Span),
        _ => return None,
    })
}
