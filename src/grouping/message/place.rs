//! # A place in a text
//!
//! **Promise.** What a pattern needs to know about where it stands: the text from here on, the character before, word boundaries.

use std::cell::Cell;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, HirKind};

/// What a text contains at all; patterns that need it are skipped when it does not.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is the presence of one thing, independent of the others")]
pub(super) struct Clues {
    pub(super) at_sign: bool,
    pub(super) scheme: bool,
    pub(super) dot: bool,
    pub(super) colon: bool,
    digit_or_equals: bool,
    long_hex: bool,
}

impl Clues {
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let has = |wanted: u8| memchr::memchr(wanted, bytes).is_some();
        let colon = has(b':');
        Self {
            at_sign: has(b'@'),
            scheme: colon && text.contains("://"),
            dot: has(b'.'),
            colon,
            digit_or_equals: bytes.iter().any(|byte| byte.is_ascii_digit() || *byte == b'=' || !byte.is_ascii()),
            long_hex: bytes.split(|byte| !byte.is_ascii_hexdigit()).any(|run| run.len() >= 8),
        }
    }

    /// Whether any pattern could match.
    pub(super) fn any(self) -> bool {
        self.at_sign || self.scheme || self.dot || self.colon || self.digit_or_equals || self.long_hex
    }
}

/// What patterns found out about the text ahead, for the places that follow: looked for from every place anew, a text could cost its square.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Where the characters end that an e-mail address may begin with.
    pub(super) local_part: Cell<usize>,
    /// Up to where dotted labels were looked at, and the end of the host name that they make.
    pub(super) labels: Cell<(usize, Option<usize>)>,
}

/// A place in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'t> {
    text: &'t str,
    at: usize,
    next: Option<char>,
    previous: Option<char>,
    pub(super) clues: Clues,
    pub(super) ahead: &'t Ahead,
}

impl<'t> Place<'t> {
    /// Places of one text share `ahead`, and come one after the other.
    pub(super) fn new(text: &'t str, at: usize, clues: Clues, ahead: &'t Ahead) -> Self {
        Self { text, at, next: text[at..].chars().next(), previous: text[..at].chars().next_back(), clues, ahead }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn next(&self) -> Option<char> {
        self.next
    }

    pub(super) fn previous(&self) -> Option<char> {
        self.previous
    }

    /// The character at a byte position.
    pub(super) fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    /// Whether a pattern can begin with the next character at all.
    pub(super) fn can_start(&self) -> bool {
        match self.next {
            Some(c) if c.is_ascii_alphanumeric() => true,
            Some('-' | ':') => true,
            Some('\'' | '"') => self.previous == Some('=') || self.clues.at_sign,
            Some(c) => self.clues.at_sign || is_digit(c),
            None => false,
        }
    }

    /// Whether a word begins or ends at a byte position.
    pub(super) fn boundary(&self, at: usize) -> bool {
        let before = self.text[..at].chars().next_back().is_some_and(is_word);
        before != self.char_at(at).is_some_and(is_word)
    }

    /// Whether a word begins here.
    pub(super) fn word_starts(&self) -> bool {
        self.next.is_some_and(is_word) && !self.previous.is_some_and(is_word)
    }

    /// Whether a letter or digit stands right before.
    pub(super) fn touches_before(&self) -> bool {
        self.previous.is_some_and(char::is_alphanumeric)
    }

    /// Whether a letter or digit stands at a byte position.
    pub(super) fn touches_after(&self, end: usize) -> bool {
        self.char_at(end).is_some_and(char::is_alphanumeric)
    }
}

/// Part of a word, as regular expressions see it.
pub(super) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

static DIGITS: LazyLock<Option<ClassUnicode>> = LazyLock::new(|| match regex_syntax::parse(r"\d").ok()?.into_kind() {
    HirKind::Class(Class::Unicode(class)) => Some(class),
    _ => None,
});

/// A decimal digit of any script.
pub(super) fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    c.is_numeric()
        && DIGITS.as_ref().is_some_and(|digits| {
            let ranges = digits.ranges();
            ranges.get(ranges.partition_point(|range| range.end() < c)).is_some_and(|range| range.start() <= c)
        })
}

/// How many bytes at the start of a text are made of characters that `wanted` accepts.
pub(super) fn run(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}
