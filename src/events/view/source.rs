//! Source lines as coloured tokens: strings, comments, numbers and keywords of the common languages, line by line. A guess that colours, never one that changes a character.

/// A piece of text with a CSS class ("" = plain): `k` keyword, `s` string, `n` number, `c` comment, `p` punctuation, `f` filtered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// CSS class.
    pub css: &'static str,
    /// The text.
    pub text: String,
}

impl Token {
    /// Plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { css: "", text: text.into() }
    }

    /// Text with a class.
    pub fn new(css: &'static str, text: impl Into<String>) -> Self {
        Self { css, text: text.into() }
    }
}

/// Longest line that is coloured, and shown, in characters: minified bundles have lines of megabytes.
const MAX_LINE: usize = 1000;

const KEYWORDS: &str = " abstract and as assert async await base begin bool boolean break byte case catch chan char class const continue crate debugger def default defer \
 del delete do double elif else elsif end ensure enum except export extends extern false False final finally float fn for foreach from func function global go goto if impl implements \
 import in instanceof int interface internal is lambda let long loop match mod module move mut namespace new nil None nonlocal not null nullptr object of or override package pass \
 private protected pub public raise readonly ref rescue require return self Self short static string struct super switch this throw throws trait true True try type typeof undefined \
 unless unsafe until use using val var virtual void volatile when where while with yield ";

/// The tokens of one line; joined, they are the line (or its first [`MAX_LINE`] characters and an ellipsis).
pub(super) fn highlight(line: &str, platform: &str) -> Vec<Token> {
    let line = super::json::cut(line, MAX_LINE);
    let hash_comments = matches!(platform, "python" | "ruby" | "perl" | "elixir" | "php");
    // Only Rust has apostrophes that open nothing: there a literal is one character long.
    let lifetimes = matches!(platform, "rust" | "native");
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = line.as_str();
    while let Some(first) = rest.chars().next() {
        let (css, length) = next(rest, first, hash_comments, lifetimes);
        let (piece, remaining) = rest.split_at(length);
        match tokens.last_mut() {
            Some(last) if last.css == css => last.text.push_str(piece),
            _ => tokens.push(Token::new(css, piece)),
        }
        rest = remaining;
    }
    tokens
}

/// Class and byte length of the token that `rest` begins with; the length is at least that of `first`.
fn next(rest: &str, first: char, hash_comments: bool, lifetimes: bool) -> (&'static str, usize) {
    if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with("-- ") || (hash_comments && first == '#') {
        return ("c", rest.len());
    }
    if matches!(first, '"' | '\'' | '`') {
        // An apostrophe without its partner is a lifetime or an English word in a template.
        let closed = string_end(rest, first).filter(|end| !(lifetimes && first == '\'') || *end <= 4);
        return closed.map_or(("", first.len_utf8()), |end| ("s", end));
    }
    let run = |keep: fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len()).max(first.len_utf8());
    if first.is_ascii_digit() {
        return ("n", run(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_'));
    }
    if first.is_alphabetic() || first == '_' {
        let length = run(|c| c.is_alphanumeric() || c == '_');
        let word = &rest[..length];
        let keyword = length <= 12 && word.is_ascii() && KEYWORDS.contains(&format!(" {word} "));
        return (if keyword { "k" } else { "" }, length);
    }
    ("", first.len_utf8())
}

fn string_end(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_parts_of_a_line_are_told_apart() {
        let shown = |line: &str, platform: &str| -> Vec<String> {
            highlight(line, platform).iter().filter(|t| !t.css.is_empty()).map(|t| format!("{}:{}", t.css, t.text)).collect()
        };
        assert_eq!(shown("    raise Boom(f\"it's {n}\", 8)  # why", "python"), ["k:raise", "s:\"it's {n}\"", "n:8", "c:# why"]);
        assert_eq!(shown("let x: &'a str = 1; // it's", "rust"), ["k:let", "n:1", "c:// it's"]);
        assert_eq!(shown("#foo { }", "javascript"), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn no_character_is_lost(line in "\\PC{0,200}", platform in "python|rust|javascript") {
            let joined: String = highlight(&line, &platform).into_iter().map(|t| t.text).collect();
            prop_assert_eq!(joined, line);
        }
    }
}
