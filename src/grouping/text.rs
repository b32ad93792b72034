//! # Cutting texts for people
//!
//! **Promise.** A cut text is as long as asked for, the three dots included.

use std::borrow::Cow;

/// At most `max` characters, the last three being dots when something was cut.
pub(super) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max || text.chars().nth(max).is_none() {
        return Cow::Borrowed(text);
    }
    let kept = text.char_indices().nth(max.saturating_sub(3)).map_or(text.len(), |(end, _)| end);
    Cow::Owned(format!("{}...", &text[..kept]))
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn cut_texts_end_in_dots() {
        let table = [("abc", 3, "abc"), ("abcd", 3, "..."), ("äöüßab", 5, "äö..."), ("", 0, "")];
        for (text, max, expected) in table {
            assert_eq!(cut(text, max), expected, "{text}");
        }
    }
}
