//! Texts of strangers, made harmless and short enough for whoever gets them.

use crate::web::mail_view::one_line;

/// One line without control characters.
pub(super) fn flat(text: &str, max: usize) -> String {
    cut(&one_line(text, max), max)
}

/// At most `max` characters, counted as UTF-16 does: no vendor counts more.
pub(super) fn cut(text: &str, max: usize) -> String {
    limited(text, max, char::len_utf16)
}

/// At most `max` bytes of UTF-8.
pub(super) fn cut_bytes(text: &str, max: usize) -> String {
    limited(text, max, char::len_utf8)
}

fn limited(text: &str, max: usize, length: impl Fn(char) -> usize) -> String {
    if text.chars().map(&length).sum::<usize>() <= max {
        return text.to_owned();
    }
    let mut left = max.saturating_sub(length('…'));
    let kept = text.chars().take_while(|c| {
        let fits = length(*c) <= left;
        left = left.saturating_sub(length(*c));
        fits
    });
    kept.chain(['…']).collect()
}

/// For Markdown of any kind: a code span, in which nothing means anything. What mentions people or asks for a link is broken by a blank of no width,
/// for programs that look at the text before they read the Markdown.
pub(super) fn code(text: &str, max: usize) -> String {
    let text = flat(text, max).replace('`', "'");
    if text.is_empty() { text } else { format!("`{}`", text.replace('@', "@\u{200b}").replace('<', "<\u{200b}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_as_vendors_count() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("😀😀", 3), "😀…", "two units each");
        assert_eq!(cut_bytes("éé", 4), "éé");
        assert_eq!(cut_bytes("ééé", 5), "é…");
        assert_eq!(flat("a\r\n\u{202e}b\tc", 10), "a b c");
        assert!(cut(&"😀".repeat(99), 10).encode_utf16().count() <= 10);
    }

    #[test]
    fn markdown_of_strangers_stays_in_its_code_span() {
        assert_eq!(code("a`b` **c**", 50), "`a'b' **c**`");
        assert_eq!(code("<!channel> @everyone", 50), "`<\u{200b}!channel> @\u{200b}everyone`");
        assert_eq!(code("x\n```\ny", 50), "`x ''' y`");
        assert_eq!(code(" ", 50), "");
    }
}
