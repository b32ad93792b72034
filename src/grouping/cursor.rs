//! # Reading a line of a rule
//!
//! **Promise.** Characters of one line, one after the other, with the column for error messages.

use super::rule_error::RuleError;
use super::rules::{Origin, RuleSource, RuleText};

/// A cursor at the beginning of every line that says something: not of blank lines, nor of those that start with `#`. The byte order mark that
/// some editors put before a text is no part of its first line.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Cursor<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let cursors = text.lines().zip(1..).map(|(line, number)| {
        let mut cursor = Cursor::new(line, number);
        cursor.skip_blanks();
        cursor
    });
    cursors.filter(|cursor| !cursor.at_end())
}

/// A place in a line of rules.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'l> {
    line: &'l str,
    number: u32,
    at: usize,
}

impl<'l> Cursor<'l> {
    fn new(line: &'l str, number: u32) -> Self {
        Self { line, number, at: 0 }
    }

    /// The whole line, as the place of a rule.
    pub(super) fn source(&self, origin: Origin, text_of: RuleText) -> RuleSource {
        RuleSource { origin, text_of, line: self.number, text: self.line.trim().to_owned() }
    }

    /// What is left of the line.
    pub(super) fn rest(&self) -> &'l str {
        &self.line[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Where it stands, in characters from 1.
    pub(super) fn column(&self) -> u32 {
        self.line[..self.at].chars().count() as u32 + 1
    }

    /// Steps over a fixed text, if it is next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Steps over what `wanted` accepts and returns it.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'l str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Steps over so many bytes of characters just peeked at.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Steps back over the last `bytes` bytes of what was just taken.
    pub(super) fn give_back(&mut self, bytes: usize) {
        self.at -= bytes;
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(char::is_whitespace);
    }

    /// Whether nothing but a comment is left.
    pub(super) fn at_end(&self) -> bool {
        matches!(self.peek(), None | Some('#'))
    }

    pub(super) fn error(&self, message: impl Into<String>) -> RuleError {
        self.error_at(self.column(), message)
    }

    pub(super) fn error_at(&self, column: u32, message: impl Into<String>) -> RuleError {
        RuleError { line: self.number, column, message: message.into() }
    }
}
