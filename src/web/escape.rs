//! # Text in pages
//! **Promise.** Text from elsewhere is only text: no markup, and no letters in another order than they were sent. **How.** `askama.toml` makes
//! [`Html`] the escaper of every template: askama's own, which also prints the controls that turn or embed writing directions as visible
//! marks. Words of right-to-left scripts need no controls, and `unicode-bidi: isolate` (app.css) keeps them from moving their neighbours.
//! **Not here.** What is stored, which stays as it was sent;
//! the subjects of mails ([`super::mail_view`]).

use std::borrow::Cow;
use std::fmt;

use askama::filters::Escaper;

/// Embeddings and overrides of direction, and their end: with U+202E `exe.gpj` is read as `jpg.exe`.
const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}')
}

/// Isolates of direction. Inside an element of its own each ends with it; a line without elements has nothing to end it.
const fn isolates(c: char) -> bool {
    matches!(c, '\u{2066}'..='\u{2069}')
}

/// The escaper of all templates.
#[derive(Debug, Clone, Copy, Default)]
pub struct Html;

impl Escaper for Html {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        let mut rest = string;
        while let Some(at) = rest.find(turns) {
            askama::filters::Html.write_escaped_str(&mut dest, &rest[..at])?;
            let Some(c) = rest[at..].chars().next() else { break };
            dest.write_str(&mark(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        askama::filters::Html.write_escaped_str(&mut dest, rest)
    }
}

/// What stands for a control: "[U+202E]".
fn mark(c: char) -> String {
    format!("[U+{:04X}]", c as u32)
}

/// A text for one line without elements, a window's title: no control in it turns what stands beside it.
pub fn one_way(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| turns(c) || isolates(c)) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars().filter(|c| !isolates(*c)) {
        if turns(c) {
            plain.push_str(&mark(c));
        } else {
            plain.push(c);
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        Html.write_escaped_str(&mut out, text).unwrap();
        out
    }

    #[test]
    fn markup_is_escaped_and_turned_writing_is_shown_as_what_it_is() {
        assert_eq!(escaped("<b>\u{202e}gpj.exe\u{202c}&"), "&#60;b&#62;[U+202E]gpj.exe[U+202C]&#38;");
        assert_eq!(escaped("\u{202a}\u{202e}"), "[U+202A][U+202E]");
        for plain in ["שלום", "é\u{2068}x\u{2069}", "\u{200f}", ""] {
            assert_eq!(escaped(plain), plain, "a script is no trick");
        }
    }

    #[test]
    fn one_line_reads_one_way() {
        assert_eq!(one_way("a\u{202e}b\u{2067}c\u{2069}"), "a[U+202E]bc");
        assert!(matches!(one_way("שלום"), Cow::Borrowed("שלום")));
    }
}
