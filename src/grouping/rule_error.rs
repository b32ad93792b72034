//! # What is wrong with a rule
//!
//! **Promise.** Every problem in a text of rules is reported at once, each with the line and column it is at.

use std::fmt;

use serde::Serialize;

use super::version::UnknownVersion;

/// One problem in a text of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleError {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// All problems of the two texts a project may write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleErrors {
    /// In the stack trace rules.
    pub stack_trace_rules: Vec<RuleError>,
    /// In the fingerprint rules.
    pub fingerprint_rules: Vec<RuleError>,
    /// The version that was asked for and does not exist.
    #[serde(skip)]
    pub version: Option<UnknownVersion>,
}

impl RuleErrors {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.stack_trace_rules.is_empty() && self.fingerprint_rules.is_empty() && self.version.is_none()
    }
}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.iter().map(ToString::to_string);
        let stack = self.stack_trace_rules.iter().map(|error| format!("stack trace rules, {error}"));
        let fingerprint = self.fingerprint_rules.iter().map(|error| format!("fingerprint rules, {error}"));
        f.write_str(&version.chain(stack).chain(fingerprint).collect::<Vec<_>>().join("; "))
    }
}

impl std::error::Error for RuleErrors {}
