//! # Message normalisation
//!
//! **Promise.** Messages that differ only in what changes from event to event (numbers, ids, addresses, dates …) become equal (grouping.md 11).
//! **How.** One walk over the text. At each place the patterns of [`PATTERNS`] are asked in order; the first that matches is replaced by its name,
//! `<int>` say, and the walk goes on after it. Patterns are small functions that look at the text around a place, so a check that rejects a match
//! gives the later patterns their turn. Every pattern looks a bounded way ahead, stops at the first character that is not its own, or remembers
//! what it found ([`Ahead`]), so that no text costs its square.
//! **Not here.** The identifiers that Sentry recognises by a statistical heuristic since mid-2026 (grouping.md 18: not settled).

mod dates;
mod network;
mod numbers;
mod place;

use std::borrow::Cow;

use place::{Ahead, Clues, Place};

/// Longer texts are left as they are.
const MAX_CHARS: usize = 8192;

/// Says where the match that starts at a place ends, if there is one.
type Pattern = fn(&Place<'_>) -> Option<usize>;

/// What is recognised, in order.
const PATTERNS: [(&str, Pattern); 18] = [
    ("email", network::email),
    ("url", network::url),
    ("hostname", network::hostname),
    ("ip", network::ip),
    ("traceparent", numbers::traceparent),
    ("uuid", numbers::uuid),
    ("sha1", numbers::sha1),
    ("md5", numbers::md5),
    ("date", dates::date),
    ("duration", numbers::duration),
    ("mac_addr", numbers::mac_address),
    ("swift_txn_id", numbers::swift_transaction),
    ("hex", numbers::hex),
    ("git_sha", numbers::git_sha),
    ("float", numbers::float),
    ("int", numbers::int),
    ("quoted_str", quoted),
    ("bool", truth),
];

/// A message as it counts for grouping: its first two lines, parameterised.
pub(super) fn normalise(message: &str) -> Cow<'_, str> {
    match trim(message) {
        Cow::Borrowed(message) => parameterise(message),
        Cow::Owned(message) => Cow::Owned(parameterise(&message).into_owned()),
    }
}

/// The first two lines that are not blank; three dots tell that more was there.
fn trim(message: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    for (count, line) in lines(message).filter(|line| !line.trim().is_empty()).take(2).enumerate() {
        if count > 0 {
            kept.push('\n');
        }
        kept.push_str(line);
    }
    if kept == message {
        return Cow::Borrowed(message);
    }
    kept.push_str("...");
    Cow::Owned(kept)
}

/// Lines as Python sees them: many characters end one.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}']) else {
            rest = None;
            return Some(text);
        };
        let after = &text[end..];
        let width = if after.starts_with("\r\n") { 2 } else { after.chars().next().map_or(1, char::len_utf8) };
        rest = Some(&after[width..]).filter(|rest| !rest.is_empty());
        Some(&text[..end])
    })
}

/// Replaces what changes from event to event by the name of what it is.
pub(super) fn parameterise(text: &str) -> Cow<'_, str> {
    if text.len() > MAX_CHARS && text.chars().nth(MAX_CHARS).is_some() {
        return Cow::Borrowed(text);
    }
    let clues = Clues::of(text);
    if !clues.any() {
        return Cow::Borrowed(text);
    }
    let (mut out, ahead): (Option<String>, _) = (None, Ahead::default());
    let (mut at, mut copied) = (0, 0);
    while at < text.len() {
        let place = Place::new(text, at, clues, &ahead);
        match recognise(&place) {
            Some((name, end)) => {
                let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
                out.push_str(&text[copied..at]);
                out.push('<');
                out.push_str(name);
                out.push('>');
                (at, copied) = (end, end);
            }
            None => at += place.next().map_or(1, char::len_utf8),
        }
    }
    match out {
        None => Cow::Borrowed(text),
        Some(mut out) => {
            out.push_str(&text[copied..]);
            Cow::Owned(out)
        }
    }
}

fn recognise(place: &Place<'_>) -> Option<(&'static str, usize)> {
    if !place.can_start() {
        return None;
    }
    PATTERNS.iter().find_map(|(name, pattern)| pattern(place).filter(|end| *end > place.at()).map(|end| (*name, end)))
}

/// `'…'` or `"…"` directly after `=`.
fn quoted(place: &Place<'_>) -> Option<usize> {
    let quote = place.next().filter(|c| matches!(c, '\'' | '"') && place.previous() == Some('='))?;
    let length = place.rest()[1..].find(quote).filter(|length| *length > 0)?;
    Some(place.at() + length + 2)
}

/// A truth value directly after `=`.
fn truth(place: &Place<'_>) -> Option<usize> {
    if place.previous() != Some('=') {
        return None;
    }
    let word = ["true", "True", "false", "False"].into_iter().find(|word| place.rest().starts_with(word))?;
    Some(place.at() + word.len()).filter(|end| place.boundary(*end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_becomes_its_name() {
        let table = [
            ("testing 1, 2, 3", "testing <int>, <int>, <int>"),
            ("mail to a.b+c@example.com now", "mail to <email> now"),
            ("root@localhost", "<email>"),
            ("get https://a.b/c?d=1. Then", "get <url>. Then"),
            ("postgres://u:p@h:5432/db", "<url>"),
            ("host api.example.com:80", "host <hostname>:<int>"),
            ("foo.py line 3", "foo.py line <int>"),
            ("setup.my", "<hostname>"),
            ("EXAMPLE.COM", "<hostname>"),
            ("Example.Com", "Example.Com"),
            ("connect 10.0.0.1:80", "connect <ip>:<int>"),
            ("v 1.2.3.4.5", "v <int>.<int>.<int>.<int>.<int>"),
            ("from fe80::1%eth0 to ::1", "from <ip> to <ip>"),
            ("std::vector", "std::vector"),
            ("2001:db8::8a2e:370:7334", "<ip>"),
            ("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", "<traceparent>"),
            ("1-5759e988-bd862e3fe1be46a994272793", "<traceparent>"),
            ("id 7bd0f7a2-1f3e-4f8a-9d53-000000000000", "id <uuid>"),
            ("0123456789abcdef0123456789abcdef01234567", "<sha1>"),
            ("0123456789abcdef0123456789abcdef", "<md5>"),
            ("took 12ms or 3.5s", "took <duration> or <duration>"),
            ("12msx", "12msx"),
            ("00:1a:2B:3c:4d:5e", "<mac_addr>"),
            ("001a.2b3c.4d5e", "<mac_addr>"),
            ("tx0123456789abcdef01234-0123456789-x", "<swift_txn_id>-x"),
            ("at 0xdeadBEEF", "at <hex>"),
            ("deadbeef cafe1", "<hex> <hex>"),
            ("123456789", "<hex>"),
            ("DeadBeef1", "DeadBeef1"),
            ("cafe babe", "cafe babe"),
            ("abc123f", "<git_sha>"),
            ("-1.5 and -3", "<float> and <int>"),
            ("v1.2.3", "v1.<int>.<int>"),
            ("user_42 foo42", "user_<int> foo42"),
            ("5-3", "<int>-<int>"),
            ("1:2:3", "<int>:<int>:<int>"),
            ("12:30", "<date>"),
            ("9/9/2024", "<int>/<int>/<int>"),
            ("a='x y' b=\"2\" c=true d=Truer", "a=<quoted_str> b=<quoted_str> c=<bool> d=Truer"),
            ("say 'x y' true", "say 'x y' true"),
            ("plain words", "plain words"),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(parameterise(text), expected, "{text}");
        }
    }

    #[test]
    fn very_long_texts_are_left_alone() {
        let long = "1 ".repeat(5000);
        assert_eq!(parameterise(&long), long.as_str());
    }

    #[test]
    fn two_lines_are_kept() {
        let table = [
            ("one", "one"),
            ("one\n", "one..."),
            ("one\n\ntwo\nthree", "one\ntwo..."),
            ("one\ntwo", "one\ntwo"),
            ("one\r\ntwo", "one\ntwo..."),
            ("\n  one", "  one..."),
            ("a\u{2028}b\u{85}c", "a\nb..."),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(trim(text), expected, "{text:?}");
        }
    }
}
