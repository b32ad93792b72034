//! # Globs
//!
//! **Promise.** The two glob dialects of grouping rules: the first as a regular expression that must match the whole text, both as [`Piece`]s
//! for matching in lockstep (`globs`).
//! **How.** [`stack`] is the dialect of stack trace rules (grouping.md 3.2: `**` only as a whole path component, alternatives in braces, no line
//! breaks under `*`); [`fingerprint`] that of fingerprint rules (grouping.md 13: `*` matches line breaks, no braces).
//! **When it breaks.** A stack glob that cannot be read (open bracket, open brace, lone backslash at the end) is an error; in the fingerprint
//! dialect such characters stand for themselves.

use std::iter::Peekable;
use std::str::Chars;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// How a glob treats slashes and case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Names: exact case, `*` crosses everything.
    Plain,
    /// Paths: backslashes are slashes, any case, `*` and `?` stop at a slash.
    Path,
}

/// A piece of a stack glob.
#[derive(Debug, PartialEq)]
enum Token {
    Literal(char),
    Any,
    Star,
    /// `**/` at the start.
    Prefix,
    /// `/**` at the end.
    Suffix,
    /// `/**/` in between.
    Middle,
    /// A regular expression's character class.
    Class(String),
    Alternatives(Vec<Vec<Token>>),
}

pub(super) const SLASH: char = '/';

/// Kinds of characters, to be added up: slash, line break, all others.
const OF_SLASH: u8 = 1;
const OF_BREAK: u8 = 2;
const OF_OTHERS: u8 = 4;
const NO_SLASH: u8 = OF_BREAK | OF_OTHERS;
const NO_BREAK: u8 = OF_SLASH | OF_OTHERS;
const ANYTHING: u8 = OF_SLASH | OF_BREAK | OF_OTHERS;

/// A glob without braces is a row of these.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// One character.
    One(ClassUnicode),
    /// Any number of characters of these kinds.
    Run(u8),
    /// At the start: nothing, or characters of these kinds and a slash.
    Root(u8),
    /// A slash, or a slash, characters of these kinds and a slash.
    Between(u8),
}

/// A stack trace rule's glob, read.
#[derive(Debug)]
pub(super) struct Stack {
    tokens: Vec<Token>,
    kind: Kind,
}

/// Reads a stack trace rule's glob.
pub(super) fn stack(pattern: &str, kind: Kind) -> Result<Stack, &'static str> {
    let pattern = if kind == Kind::Path { pattern.replace('\\', "/") } else { pattern.to_owned() };
    let mut parser = Parser { rest: pattern.chars().peekable(), previous: None, depth: 0 };
    Ok(Stack { tokens: parser.sequence()?, kind })
}

impl Stack {
    /// As a regular expression.
    pub(super) fn regex(&self) -> String {
        let mut regex = String::from(if self.kind == Kind::Path { r"(?i)\A" } else { r"\A" });
        if self.tokens == [Token::Prefix] {
            regex.push_str(".*");
        } else {
            write(&self.tokens, self.kind, &mut regex);
        }
        regex.push_str(r"\z");
        regex
    }

    /// Each way through the braces; `None` when they make more than [`MAX_WAYS`], or more than [`MAX_PLACES`] pieces.
    pub(super) fn ways(&self) -> Option<Vec<Vec<Piece>>> {
        if self.tokens == [Token::Prefix] {
            return Some(vec![vec![Piece::Run(NO_BREAK)]]);
        }
        ways(&self.tokens, self.kind, vec![Vec::new()])
    }
}

/// Braces in one glob may make this many ways through it.
pub(super) const MAX_WAYS: usize = 1_000;

/// All ways through one glob may be this long together.
const MAX_PLACES: usize = 64 * 1024;

fn ways(tokens: &[Token], kind: Kind, mut so_far: Vec<Vec<Piece>>) -> Option<Vec<Vec<Piece>>> {
    let any_case = kind == Kind::Path;
    for token in tokens {
        let piece = match (token, kind) {
            (Token::Literal(literal), _) => Piece::One(folded(one(*literal), any_case)),
            (Token::Any, Kind::Path) => Piece::One(all_but('/')),
            (Token::Any, Kind::Plain) => Piece::One(all_but('\n')),
            (Token::Star, Kind::Path) => Piece::Run(NO_SLASH),
            (Token::Star, Kind::Plain) => Piece::Run(NO_BREAK),
            (Token::Middle, _) => Piece::Between(NO_BREAK),
            (Token::Class(members), _) => Piece::One(class(members, any_case)),
            (Token::Suffix, _) => {
                for way in &mut so_far {
                    way.extend([Piece::One(one('/')), Piece::Run(NO_BREAK)]);
                }
                continue;
            }
            (Token::Prefix, _) => {
                let (at_start, inside): (Vec<_>, Vec<_>) = so_far.into_iter().partition(Vec::is_empty);
                let started = at_start.iter().map(|_| vec![Piece::Root(NO_BREAK)]);
                let deeper = inside.iter().map(|way| way.iter().cloned().chain([Piece::Run(NO_BREAK), Piece::One(one('/'))]).collect());
                so_far = started.chain(deeper).chain(inside.iter().cloned()).collect();
                continue;
            }
            (Token::Alternatives(all), _) => {
                if so_far.len() * all.len() > MAX_WAYS {
                    return None;
                }
                let mut through = Vec::new();
                // Braces around nothing are nothing.
                let nothing = [Vec::new()];
                for one in if all.is_empty() { &nothing[..] } else { all } {
                    through.extend(ways(one, kind, so_far.clone())?);
                }
                let places: usize = through.iter().map(Vec::len).sum();
                if through.len() > MAX_WAYS || places > MAX_PLACES {
                    return None;
                }
                so_far = through;
                continue;
            }
        };
        for way in &mut so_far {
            way.push(piece.clone());
        }
    }
    Some(so_far)
}

/// The class of one character.
pub(super) fn one(character: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(character, character)])
}

fn all_but(character: char) -> ClassUnicode {
    let mut class = one(character);
    class.negate();
    class
}

fn folded(mut class: ClassUnicode, any_case: bool) -> ClassUnicode {
    if any_case {
        class.case_fold_simple();
    }
    class
}

/// What a class written as a regular expression accepts.
fn class(members: &str, any_case: bool) -> ClassUnicode {
    let read = regex_syntax::ParserBuilder::new().case_insensitive(any_case).build().parse(members);
    match read.as_ref().map(regex_syntax::hir::Hir::kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class.clone(),
        Ok(HirKind::Literal(literal)) => {
            let text = std::str::from_utf8(&literal.0).unwrap_or_default();
            ClassUnicode::new(text.chars().map(|character| ClassUnicodeRange::new(character, character)))
        }
        _ => ClassUnicode::empty(),
    }
}

struct Parser<'p> {
    rest: Peekable<Chars<'p>>,
    previous: Option<char>,
    depth: u8,
}

/// Braces may be nested this deep; deeper ones are refused so that hostile rules cannot exhaust the stack.
const MAX_DEPTH: u8 = 16;

impl Parser<'_> {
    fn bump(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.previous = next.or(self.previous);
        next
    }

    /// Reads up to the end, or up to the `,` or `}` that ends an alternative.
    fn sequence(&mut self) -> Result<Vec<Token>, &'static str> {
        let mut tokens = Vec::new();
        while let Some(&next) = self.rest.peek() {
            if self.depth > 0 && matches!(next, ',' | '}') {
                return Ok(tokens);
            }
            let before = self.previous;
            self.bump();
            match next {
                '?' => tokens.push(Token::Any),
                '*' => self.star(before, &mut tokens),
                '[' => tokens.push(self.class()?),
                '{' => tokens.push(self.alternatives()?),
                '}' => return Err("a closing brace without an opening one"),
                '\\' => tokens.push(Token::Literal(self.bump().ok_or("a backslash at the end escapes nothing")?)),
                literal => tokens.push(Token::Literal(literal)),
            }
        }
        if self.depth > 0 { Err("an opening brace without a closing one") } else { Ok(tokens) }
    }

    /// `*`, or `**` which is special only as a whole path component.
    fn star(&mut self, before: Option<char>, tokens: &mut Vec<Token>) {
        if self.rest.peek() != Some(&'*') {
            return tokens.push(Token::Star);
        }
        self.bump();
        let next = self.rest.peek().copied();
        let ends = next.is_none() || (self.depth > 0 && matches!(next, Some(',' | '}')));
        if tokens.is_empty() && (next.is_none() || next == Some('/')) {
            self.bump();
            return tokens.push(Token::Prefix);
        }
        let after_slash = before == Some('/');
        if !after_slash || !(ends || next == Some('/')) {
            return tokens.push(Token::Star);
        }
        if !ends {
            self.bump();
        }
        match tokens.pop() {
            Some(wide @ (Token::Prefix | Token::Suffix)) => tokens.push(wide),
            _ => tokens.push(if ends { Token::Suffix } else { Token::Middle }),
        }
    }

    fn class(&mut self) -> Result<Token, &'static str> {
        let mut class = String::from("[");
        if matches!(self.rest.peek(), Some('!' | '^')) {
            self.bump();
            class.push('^');
        }
        let mut members: Vec<char> = Vec::new();
        loop {
            match self.bump().ok_or("an opening bracket without a closing one")? {
                ']' if !members.is_empty() => break,
                member => members.push(member),
            }
        }
        let mut at = 0;
        while let Some(&from) = members.get(at) {
            let to = match (members.get(at + 1), members.get(at + 2)) {
                (Some('-'), Some(&to)) => to,
                _ => from,
            };
            if to < from {
                return Err("a range that runs backwards");
            }
            push_literal(from, &mut class);
            class.push('-');
            push_literal(to, &mut class);
            at += if matches!((members.get(at + 1), members.get(at + 2)), (Some('-'), Some(_))) { 3 } else { 1 };
        }
        class.push(']');
        Ok(Token::Class(class))
    }

    fn alternatives(&mut self) -> Result<Token, &'static str> {
        if self.depth == MAX_DEPTH {
            return Err("braces nested too deep");
        }
        self.depth += 1;
        let mut all = Vec::new();
        loop {
            let one = self.sequence()?;
            if !one.is_empty() {
                all.push(one);
            }
            if self.bump() == Some('}') {
                break;
            }
        }
        self.depth -= 1;
        Ok(Token::Alternatives(all))
    }
}

fn write(tokens: &[Token], kind: Kind, out: &mut String) {
    for token in tokens {
        match (token, kind) {
            (Token::Literal(literal), _) => push_literal(*literal, out),
            (Token::Any, Kind::Path) => out.push_str("[^/]"),
            (Token::Any, Kind::Plain) => out.push('.'),
            (Token::Star, Kind::Path) => out.push_str("[^/]*"),
            (Token::Star, Kind::Plain) => out.push_str(".*"),
            (Token::Prefix, _) => out.push_str("(?:/?|.*/)"),
            (Token::Suffix, _) => out.push_str("/.*"),
            (Token::Middle, _) => out.push_str("(?:/|/.*/)"),
            (Token::Class(class), _) => out.push_str(class),
            (Token::Alternatives(all), _) => {
                out.push_str("(?:");
                for (index, one) in all.iter().enumerate() {
                    if index > 0 {
                        out.push('|');
                    }
                    write(one, kind, out);
                }
                out.push(')');
            }
        }
    }
}

fn push_literal(literal: char, out: &mut String) {
    out.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
}

/// A fingerprint rule's glob.
pub(super) fn fingerprint(pattern: &str, kind: Kind, any_case: bool) -> Vec<Piece> {
    let pattern = if kind == Kind::Path { pattern.replace('\\', "/") } else { pattern.to_owned() };
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    let literal = |literal| Piece::One(folded(one(literal), any_case));
    while let Some(next) = rest.next() {
        pieces.push(match next {
            '*' if kind == Kind::Path && rest.peek() == Some(&'*') => {
                rest.next();
                Piece::Run(ANYTHING)
            }
            '*' => Piece::Run(if kind == Kind::Path { NO_SLASH } else { ANYTHING }),
            '?' => Piece::One(if kind == Kind::Path { all_but('/') } else { ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]) }),
            '\\' => literal(rest.next().unwrap_or('\\')),
            '[' => {
                let mut parser = Parser { rest: rest.clone(), previous: None, depth: 0 };
                if let Ok(Token::Class(members)) = parser.class() {
                    rest = parser.rest;
                    Piece::One(class(&members, any_case))
                } else {
                    literal('[')
                }
            }
            other => literal(other),
        });
    }
    pieces
}

#[cfg(test)]
mod tests;
