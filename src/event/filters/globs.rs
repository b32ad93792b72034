//! # Globs
//!
//! **Promise.** `*` any text, `?` one character, `[a-z]` and `[!a]` classes, `{a,b}` alternatives, `\` takes the next character as it is; compared with the
//! whole text, newlines included, without regard to case (`protocol.md` section 9).
//!
//! **How.** A glob becomes a regular expression, so matching is linear in the text whatever people write.

use regex::{Regex, RegexBuilder};

/// Longest glob, in bytes.
const GLOB_LIMIT: usize = 1024;
/// Largest compiled size of one list, in bytes.
const COMPILED_LIMIT: usize = 1024 * 1024;

/// Compiled globs: matches when any of them does.
#[derive(Clone, Debug, Default)]
pub(super) struct Globs {
    any: Vec<Regex>,
}

impl Globs {
    /// Compiles a list. Entries that are no globs, and empty ones, are left out.
    pub(super) fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Self {
        let sources: Vec<_> = globs.into_iter().filter_map(|glob| source(glob).ok()).collect();
        if sources.is_empty() {
            return Self::default();
        }
        // One expression is quickest; a list too large for that is matched one by one.
        match build(&sources.join("|")) {
            Some(all) => Self { any: vec![all] },
            None => Self { any: sources.iter().filter_map(|source| build(source)).collect() },
        }
    }

    /// Whether one of them matches the whole text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.any.iter().any(|regex| regex.is_match(text))
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.any.is_empty()
    }
}

fn build(source: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{source})$")).case_insensitive(true).dot_matches_new_line(true).size_limit(COMPILED_LIMIT).build().ok()
}

/// What is wrong with a glob; `None` if nothing is.
pub(super) fn problem(glob: &str) -> Option<String> {
    match source(glob) {
        Err(problem) => Some(problem.to_owned()),
        Ok(source) if build(&source).is_none() => Some("it is too complex".to_owned()),
        Ok(_) => None,
    }
}

/// The regular expression of a glob.
fn source(glob: &str) -> Result<String, &'static str> {
    let glob = glob.trim();
    if glob.is_empty() {
        return Err("it is empty");
    }
    if glob.len() > GLOB_LIMIT {
        return Err("it is too long");
    }
    let mut regex = String::from("(?:");
    let mut chars = glob.chars();
    let mut in_group = false;
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => class(&mut chars, &mut regex)?,
            '{' if in_group => return Err("a `{` stands inside another"),
            '{' => {
                in_group = true;
                regex.push_str("(?:");
            }
            '}' if in_group => {
                in_group = false;
                regex.push(')');
            }
            ']' | '}' => return Err("a bracket is closed that was not opened"),
            ',' if in_group => regex.push('|'),
            '\\' => literal(chars.next().ok_or("nothing follows the last `\\`")?, &mut regex),
            other => literal(other, &mut regex),
        }
    }
    if in_group {
        return Err("a `{` is not closed");
    }
    regex.push(')');
    Ok(regex)
}

/// The rest of a class after its `[`.
fn class(chars: &mut std::str::Chars<'_>, regex: &mut String) -> Result<(), &'static str> {
    const OPEN: &str = "a `[` is not closed";
    let mut members: Vec<(char, bool)> = Vec::new();
    let mut negated = false;
    loop {
        match chars.next().ok_or(OPEN)? {
            '!' if members.is_empty() && !negated => negated = true,
            ']' if !members.is_empty() => break,
            ']' => return Err("a `[]` has nothing in it"),
            '\\' => members.push((chars.next().ok_or(OPEN)?, true)),
            other => members.push((other, false)),
        }
    }
    regex.push_str(if negated { "[^" } else { "[" });
    let mut at = 0;
    while let Some(&(first, _)) = members.get(at) {
        class_member(first, regex);
        if let (Some(('-', false)), Some(&(last, _))) = (members.get(at + 1), members.get(at + 2)) {
            if last < first {
                return Err("a range in a class runs backwards");
            }
            regex.push('-');
            class_member(last, regex);
            at += 2;
        }
        at += 1;
    }
    regex.push(']');
    Ok(())
}

fn class_member(c: char, regex: &mut String) {
    if c.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(c);
}

fn literal(c: char, regex: &mut String) {
    regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_texts() {
        for (glob, text, hit) in [
            ("*ResizeObserver loop*", "Error: resizeobserver LOOP limit\nexceeded", true),
            ("abc", "abcd", false),
            ("abc", "ABC", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("v[0-9].*", "v1.2", true),
            ("v[0-9].*", "vx.2", false),
            ("v[!0-9].*", "vx.2", true),
            ("v[!0-9].*", "v1.2", false),
            ("{foo,bar*}@1", "barista@1", true),
            ("{foo,bar*}@1", "foo@2", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("a.b", "axb", false),
            ("*", "", true),
            ("[a-]x", "-x", true),
            ("(a|b)", "(a|b)", true),
        ] {
            assert_eq!(Globs::new([glob]).is_match(text), hit, "{glob} on {text}");
            assert_eq!(problem(glob), None, "{glob}");
        }
    }

    #[test]
    fn what_is_no_glob_is_said_and_ignored() {
        for glob in ["", "  ", "[a", "[]", "{a", "a}", "{a,{b}}", "a\\", "[z-a]"] {
            assert!(problem(glob).is_some(), "{glob}");
            assert!(Globs::new([glob]).is_empty(), "{glob}");
        }
        assert!(Globs::new(["[a", "b*"]).is_match("bc"), "good entries work beside bad ones");
    }
}
