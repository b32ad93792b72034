//! Text of others within Markdown: as code, which says nothing to a renderer.

use crate::web::escape::one_way;

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// The text on one line, without controls.
pub(super) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
    one_way(&plain).into_owned()
}

/// Controls, and what some renderers take for the end of a line.
fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A span of code, on one line, between more backticks than stand in it.
pub fn code(text: &str) -> String {
    let text = one_line(text);
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run(text) + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

/// A block of code between more backticks than stand in it.
pub fn fence(language: &str, text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let plain: String = lines.chars().map(|c| if c != '\n' && c != '\t' && is_break(c) { ' ' } else { c }).collect();
    let text = one_way(&plain);
    let ticks = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{ticks}{language}\n{}\n{ticks}\n", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_backticks_stand_around_than_within() {
        for (text, span) in [
            ("a", "`a`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("```", "```` ``` ````"),
            ("a\n\n# b\u{2028}c", "`a  # b c`"),
            (" \n", ""),
            ("\u{202e}x", "`[U+202E]x`"),
        ] {
            assert_eq!(code(text), span);
        }
        assert_eq!(fence("text", "a"), "```text\na\n```\n");
        assert_eq!(fence("text", "a\r\n````\rb\u{1b}\n\n"), "`````text\na\n````\nb \n`````\n");
    }
}
