//! A project's own grouping rules.

use askama::Template;
use chrono::{DateTime, TimeDelta};

use super::grouping_version::{MoveView, VersionView};
use super::noise::{self, NoisyPlace};
use super::settings_tabs::{Tab, tabs};
use crate::grouping::{RuleError, Version};
use crate::web::{FieldErrors, Link, Page, Sample, Shell, When, page::HOSTILE, urls};

/// Faults that are shown of one text.
const MAX_FAULTS: usize = 50;
/// Characters of a line that are shown on each side of its fault.
const AROUND: usize = 60;

/// A fault in a text, with the place beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// What stands before the fault.
    pub before: String,
    /// Where it is: one character, a blank at the end of the line.
    pub at: String,
    /// What follows.
    pub after: String,
    /// What is wrong.
    pub message: String,
}

impl Fault {
    fn new(error: &RuleError, text: &str) -> Self {
        let line: Vec<char> = text.lines().nth(error.line.saturating_sub(1) as usize).unwrap_or_default().chars().collect();
        let at = (error.column.saturating_sub(1) as usize).min(line.len());
        let end = (at + 1).min(line.len());
        let piece = |from: usize, to: usize| line.get(from..to).unwrap_or_default().iter().collect::<String>();
        Self {
            line: error.line,
            column: error.column,
            before: piece(at.saturating_sub(AROUND), at),
            at: if end > at { piece(at, end) } else { " ".to_owned() },
            after: piece(end, (end + AROUND).min(line.len())),
            message: error.message.clone(),
        }
    }
}

/// One text of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesText {
    /// As typed.
    pub text: String,
    /// What is wrong in it.
    pub faults: Vec<Fault>,
    /// What is accepted, and can never match.
    pub warnings: Vec<Fault>,
}

impl RulesText {
    /// A text with what was found in it.
    pub fn new(text: &str, errors: &[RuleError], warnings: &[RuleError]) -> Self {
        let faults = |list: &[RuleError]| list.iter().take(MAX_FAULTS).map(|error| Fault::new(error, text)).collect();
        Self { text: text.to_owned(), faults: faults(errors), warnings: faults(warnings) }
    }

    fn rows(&self) -> usize {
        self.text.lines().count().clamp(5, 24) + 1
    }
}

/// All that `templates/projects/grouping_rules.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/grouping_rules.html")]
pub struct GroupingRulesPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// The user may change anything here.
    pub may_change: bool,
    /// How hashes are made.
    pub version: VersionView,
    /// Which frames count.
    pub stack_trace: RulesText,
    /// What events are grouped by.
    pub fingerprint: RulesText,
    /// Places that a rule would quieten.
    pub noise: Vec<NoisyPlace>,
    /// What was wrong with the form as a whole, and with `stack_trace_rules` or `fingerprint_rules` as a whole.
    pub errors: FieldErrors,
}

impl GroupingRulesPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Grouping)
    }

    fn is_refused(&self) -> bool {
        !(self.errors.is_empty() && self.stack_trace.faults.is_empty() && self.fingerprint.faults.is_empty())
    }
}

impl Page for GroupingRulesPage {
    const NAME: &'static str = "project-grouping-rules";

    fn samples() -> Vec<Sample<Self>> {
        let stack = "# our own packages\nstack.module:shop.* +app\nfunction:retry_* -group";
        let prints = "error.type:ConnectionError -> connection, {{ transaction }}";
        let page = |may_change, stack_trace, fingerprint| Self {
            shell: Shell::sample("Grouping rules"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            may_change,
            version: VersionView::default(),
            stack_trace,
            fingerprint,
            noise: Vec::new(),
            errors: FieldErrors::default(),
        };
        let error = |line, column, message: &str| RuleError { line, column, message: message.to_owned() };
        let good = |text: &str| RulesText::new(text, &[], &[]);
        let bad = RulesText::new(
            "function:a +apple\nfunction:b",
            &[error(1, 13, "“apple” is no flag"), error(2, 11, "an action is missing")],
            &[],
        );
        let warned = RulesText::new(stack, &[], &[error(2, 14, "this can never match")]);
        let mut moving = page(true, good(stack), good(prints));
        let until = DateTime::from_timestamp(1_798_156_800, 0).unwrap_or_default();
        let until = When::new(until, until - TimeDelta::days(29));
        moving.version.moving = Some(MoveView { from: Version::V2023_01_11, until });
        let hostile = RulesText::new(&format!("</textarea>{HOSTILE}"), &[error(1, 12, HOSTILE)], &[]);
        vec![
            Sample::new("admin", page(true, good(stack), good(prints))),
            Sample::new("moving", moving),
            Sample::new("member", page(false, good(stack), good(""))),
            Sample::new("refused", page(true, bad, good(prints))),
            Sample::new("noisy", Self { noise: noise::samples(), ..page(true, good(stack), good(prints)) }),
            Sample::new("warned", page(true, warned, good(prints))),
            Sample::new("hostile", page(true, hostile.clone(), hostile)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_its_place_in_its_line() {
        let fault = |line, column, text: &str| {
            let error = RuleError { line, column, message: "wrong".to_owned() };
            let fault = Fault::new(&error, text);
            (fault.before, fault.at, fault.after)
        };
        let three = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(fault(2, 3, "x\r\nabéd\r\n"), three("ab", "é", "d"));
        assert_eq!(fault(1, 4, "abc"), three("abc", " ", ""), "at the end of the line");
        assert_eq!(fault(9, 9, "abc"), three("", " ", ""), "beyond the text");
        let long = fault(1, 501, &"x".repeat(1000));
        assert_eq!((long.0.len(), long.2.len()), (AROUND, AROUND));
    }
}
