//! # Globs
//!
//! **Promise.** The two glob dialects of grouping rules, each as a regular expression that must match the whole text, in linear time.
//! **How.** [`stack`] is the dialect of stack trace rules (grouping.md 3.2: `**` only as a whole path component, alternatives in braces, no line
//! breaks under `*`); [`fingerprint`] that of fingerprint rules (grouping.md 13: `*` matches line breaks, no braces).
//! **When it breaks.** A stack glob that cannot be read (open bracket, open brace, lone backslash at the end) is an error; in the fingerprint
//! dialect such characters stand for themselves.

use std::iter::Peekable;
use std::str::Chars;

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

/// The regular expression of a stack trace rule's glob.
pub(super) fn stack(pattern: &str, kind: Kind) -> Result<String, &'static str> {
    let pattern = if kind == Kind::Path { pattern.replace('\\', "/") } else { pattern.to_owned() };
    let mut parser = Parser { rest: pattern.chars().peekable(), previous: None, depth: 0 };
    let tokens = parser.sequence()?;
    let mut regex = String::with_capacity(pattern.len() + 16);
    regex.push_str(if kind == Kind::Path { r"(?i)\A" } else { r"\A" });
    if tokens == [Token::Prefix] {
        regex.push_str(".*");
    } else {
        write(&tokens, kind, &mut regex);
    }
    regex.push_str(r"\z");
    Ok(regex)
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

/// The regular expression of a fingerprint rule's glob.
pub(super) fn fingerprint(pattern: &str, kind: Kind, any_case: bool) -> String {
    let pattern = if kind == Kind::Path { pattern.replace('\\', "/") } else { pattern.to_owned() };
    let mut regex = String::from(if any_case { r"(?is)\A" } else { r"(?s)\A" });
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '*' if kind == Kind::Path && rest.peek() == Some(&'*') => {
                rest.next();
                regex.push_str(".*");
            }
            '*' => regex.push_str(if kind == Kind::Path { "[^/]*" } else { ".*" }),
            '?' => regex.push_str(if kind == Kind::Path { "[^/]" } else { "." }),
            '\\' => push_literal(rest.next().unwrap_or('\\'), &mut regex),
            '[' => {
                let mut parser = Parser { rest: rest.clone(), previous: None, depth: 0 };
                if let Ok(Token::Class(class)) = parser.class() {
                    regex.push_str(&class);
                    rest = parser.rest;
                } else {
                    push_literal('[', &mut regex);
                }
            }
            literal => push_literal(literal, &mut regex),
        }
    }
    regex.push_str(r"\z");
    regex
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    fn stack_matches(kind: Kind, pattern: &str, text: &str) -> bool {
        Regex::new(&stack(pattern, kind).unwrap()).unwrap().is_match(text)
    }

    #[test]
    fn plain_globs_match_whole_names_in_exact_case() {
        let table = [
            ("foo*", "foobar", true),
            ("foo", "foobar", false),
            ("Foo*", "foobar", false),
            ("*foo*", "a\nfoo", false),
            ("f?o", "föo", true),
            ("f?o", "fo", false),
            ("[abc]x", "bx", true),
            ("[!abc]x", "bx", false),
            ("[a-c]x", "bx", true),
            ("[]]x", "]x", true),
            ("?[[]Sentry*", "-[SentryHub capture]", true),
            ("{a,bc}d", "bcd", true),
            ("{a,bc}d", "abd", false),
            (r"*::\{dtor\}", "Foo::{dtor}", true),
            (r"-\[NS*", "-[NSObject x]", true),
            ("a.b", "axb", false),
            ("java.*", "java.util.List", true),
            ("a*b", "a/x/b", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(stack_matches(Kind::Plain, pattern, text), expected, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn path_globs_stop_at_slashes_and_ignore_case() {
        let table = [
            ("**/node_modules/**", "/app/node_modules/x/y.js", true),
            ("**/node_modules/**", "node_modules/x.js", true),
            ("**/node_modules/**", "my_node_modules/x.js", false),
            ("/usr/lib/**", "/USR/LIB/x.so", true),
            ("/usr/*", "/usr/lib/x", false),
            ("/usr/?ib", "/usr//ib", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("**.app/Contents/**", "/Applications/My.app/Contents/MacOS/My", false),
            ("**.app/Contents/**", "My.app/Contents/MacOS/My", true),
            ("C:\\Windows\\**", "c:/windows/system32/x.dll", true),
            ("**", "any/thing", true),
            ("libobjc*", "libobjc.A.dylib", true),
            ("lib*", "lib/x", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(stack_matches(Kind::Path, pattern, text), expected, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn a_glob_that_cannot_be_read_is_an_error() {
        for bad in ["[abc", "{a,b", "a}", "x\\", "[z-a]", &"{".repeat(40)] {
            assert!(stack(bad, Kind::Plain).is_err(), "{bad}");
        }
    }

    #[test]
    fn fingerprint_globs_match_line_breaks_and_escapes() {
        let table = [
            (Kind::Plain, true, "*LOVE*", "what\nis love", true),
            (Kind::Plain, false, "*LOVE*", "is love", false),
            (Kind::Plain, false, r"\{\[\*\?\]\}", "{[*?]}", true),
            (Kind::Plain, false, "{a,b}", "a", false),
            (Kind::Plain, false, "[", "[", true),
            (Kind::Plain, false, "[0-9]x", "3x", true),
            (Kind::Path, true, "**/x/*.py", "/a/x/b.py", true),
            (Kind::Path, true, "/x/*.py", "/x/y/b.py", false),
            (Kind::Path, true, "2.*", "2.1", true),
        ];
        for (kind, any_case, pattern, text, expected) in table {
            let regex = Regex::new(&fingerprint(pattern, kind, any_case)).unwrap();
            assert_eq!(regex.is_match(text), expected, "{pattern} on {text:?}");
        }
    }
}
