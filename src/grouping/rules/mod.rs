//! # Stack trace rules
//!
//! **Promise.** Rules settle which frames are in the app, name categories, and say which frames count (grouping.md 3). Later rules win.
//! **How.** `parse` reads the text, `compile` and `field` turn all globs of a configuration into one automaton per field, `apply` finds which rules concern
//! which frames and applies them in order. The rules every project starts with are text too: `base.txt`.
//! **When it breaks.** A line that cannot be read is an error with line and column, and the whole text is refused. A glob that does not compile and
//! an `app:` argument that is no yes or no are accepted and never match, as in Sentry; they are reported as warnings.

mod apply;
mod compile;
mod field;
mod parse;

use std::fmt;

use serde_json::{Value, json};

pub(super) use apply::{GroupPlan, settle};
pub(super) use compile::Rules;
pub(super) use field::Matching;
pub use parse::{ACTION_NAMES, MATCHER_NAMES};
pub(super) use parse::{parse, truth};

/// Where a rule was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSource {
    /// Whose rule it is.
    pub origin: Origin,
    /// Which of their texts it stands in.
    pub text_of: RuleText,
    /// Its line in that text, from 1.
    pub line: u32,
    /// The rule as written.
    pub text: String,
}

/// Whose rule it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Comes with the configuration.
    BuiltIn,
    /// Written in the project's settings.
    Project,
}

/// The two texts in which rules are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleText {
    /// Which frames count.
    StackTrace,
    /// What events are grouped by.
    Fingerprint,
}

impl RuleSource {
    /// The name of its line on the page that lists all rules.
    pub fn anchor(&self) -> String {
        anchor(self.origin, self.text_of, self.line)
    }

    /// As `vedette explain` prints it.
    pub(super) fn to_json(&self) -> Value {
        let origin = match self.origin {
            Origin::BuiltIn => "built-in",
            Origin::Project => "project",
        };
        json!({"origin": origin, "kind": self.text_of.name(), "line": self.line, "text": self.text})
    }
}

impl RuleText {
    fn name(self) -> &'static str {
        match self {
            Self::StackTrace => "stack-trace",
            Self::Fingerprint => "fingerprint",
        }
    }
}

/// The name of a line on the page that lists all rules: `stack-trace-3`, `built-in-fingerprint-8`.
pub fn anchor(origin: Origin, text: RuleText, line: u32) -> String {
    let prefix = match origin {
        Origin::BuiltIn => "built-in-",
        Origin::Project => "",
    };
    format!("{prefix}{}-{line}", text.name())
}

impl fmt::Display for RuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin {
            Origin::BuiltIn => write!(f, "the built-in rule “{}”", self.text),
            Origin::Project => write!(f, "the project’s rule “{}” (line {})", self.text, self.line),
        }
    }
}

/// A rule as written: what must hold, and what is done then.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) source: RuleSource,
    pub(super) caller: Option<Matcher>,
    pub(super) own: Vec<Matcher>,
    pub(super) callee: Option<Matcher>,
    pub(super) actions: Vec<Action>,
}

/// One condition on a frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matcher {
    pub(super) negated: bool,
    pub(super) subject: Subject,
    pub(super) argument: String,
    /// Where the argument begins in the line, from 1.
    pub(super) column: u32,
}

/// What a matcher looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Path,
    Package,
    Module,
    Function,
    ErrorType,
    ErrorValue,
    Mechanism,
    Category,
    Family,
    App,
}

/// What a rule does to the frames it reaches.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    App(Reach, bool),
    Group(Reach, bool),
    Category(String),
    MaxFrames(usize),
    MinFrames(usize),
    Invert(bool),
}

/// Which frames an action reaches from the matched one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The matched frame.
    Itself,
    /// All frames after it, towards the crash.
    Later,
    /// All frames before it, towards the program's start.
    Earlier,
}

impl Reach {
    /// Carried out in this order, a rule's actions leave on every frame what going from match to match would leave.
    fn rank(self) -> u8 {
        match self {
            Self::Later => 0,
            Self::Itself => 1,
            Self::Earlier => 2,
        }
    }

    /// Of the frames a rule matched, those that reach as far as all of them.
    fn farthest(self, hits: &[usize]) -> &[usize] {
        match self {
            Self::Itself => hits,
            Self::Later => hits.get(..1).unwrap_or_default(),
            Self::Earlier => hits.len().checked_sub(1).and_then(|last| hits.get(last..)).unwrap_or_default(),
        }
    }

    /// The indices reached from `index` in a stack of `len` frames.
    pub(super) fn range(self, index: usize, len: usize) -> std::ops::Range<usize> {
        match self {
            Self::Itself => index..index + 1,
            Self::Later => index + 1..len,
            Self::Earlier => 0..index,
        }
    }
}
