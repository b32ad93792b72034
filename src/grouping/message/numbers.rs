//! # Numbers and identifiers in messages
//!
//! **Promise.** Each function says where the number or identifier that starts at a place ends, or that none does (grouping.md 11.2, rows 5 to 16).

use super::place::{Place, is_digit, is_word, run};

/// Matches a text against a shape: `h` is a lower-case hex digit, `H` any hex digit, all else itself.
fn shaped(text: &str, shape: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= shape.len()
        && shape.bytes().zip(bytes).all(|(wanted, byte)| match wanted {
            b'h' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            b'H' => byte.is_ascii_hexdigit(),
            other => other == *byte,
        })
}

/// The end of the first shape that a whole word has from here.
fn word_shaped(place: &Place<'_>, shapes: &[&str]) -> Option<usize> {
    if !place.word_starts() {
        return None;
    }
    shapes.iter().find(|shape| shaped(place.rest(), shape)).map(|shape| place.at() + shape.len()).filter(|end| place.boundary(*end))
}

pub(super) fn traceparent(place: &Place<'_>) -> Option<usize> {
    word_shaped(
        place,
        &[
            "00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-00",
            "00-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-01",
            "1-hhhhhhhh-hhhhhhhhhhhhhhhhhhhhhhhh",
        ],
    )
}

pub(super) fn uuid(place: &Place<'_>) -> Option<usize> {
    word_shaped(place, &["HHHHHHHH-HHHH-HHHH-HHHH-HHHHHHHHHHHH"])
}

pub(super) fn sha1(place: &Place<'_>) -> Option<usize> {
    word_shaped(place, &["HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH"])
}

pub(super) fn md5(place: &Place<'_>) -> Option<usize> {
    word_shaped(place, &["HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH"])
}

pub(super) fn mac_address(place: &Place<'_>) -> Option<usize> {
    word_shaped(place, &["HH:HH:HH:HH:HH:HH", "HH-HH-HH-HH-HH-HH", "HH HH HH HH HH HH", "HHHH.HHHH.HHHH"])
}

/// OpenStack Swift's transaction ids, with the rest of the word.
pub(super) fn swift_transaction(place: &Place<'_>) -> Option<usize> {
    let shape = "txhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhh";
    if !place.word_starts() || !shaped(place.rest(), shape) {
        return None;
    }
    Some(place.at() + shape.len() + run(&place.rest()[shape.len()..], is_word))
}

/// `12ms`, `3s`, `3.5s`.
pub(super) fn duration(place: &Place<'_>) -> Option<usize> {
    if !place.word_starts() {
        return None;
    }
    let rest = place.rest();
    let whole = run(rest, is_digit);
    if whole == 0 {
        return None;
    }
    let after = &rest[whole..];
    let ends = |end: usize| Some(place.at() + end).filter(|end| place.boundary(*end));
    if after.starts_with("ms") && rest[..whole].chars().count() <= 20 {
        return ends(whole + 2);
    }
    let fraction = after.strip_prefix('.').map_or(0, |after| run(after, is_digit));
    let number = if fraction > 0 { whole + 1 + fraction } else { whole };
    if rest[number..].starts_with('s') { ends(number + 1) } else { None }
}

/// A minus that belongs to a number: nothing of a word stands before it.
fn minus(place: &Place<'_>) -> usize {
    usize::from(place.next() == Some('-') && !place.previous().is_some_and(is_word))
}

/// `0x…`, or bare hex digits long or mixed enough to be no word and no plain number.
pub(super) fn hex(place: &Place<'_>) -> Option<usize> {
    let rest = place.rest();
    if place.word_starts() && (rest.starts_with("0x") || rest.starts_with("0X")) {
        let digits = run(&rest[2..], |c| c.is_ascii_hexdigit());
        let end = place.at() + 2 + digits;
        if digits > 0 && place.boundary(end) {
            return Some(end);
        }
    }
    if place.touches_before() {
        return None;
    }
    let sign = minus(place);
    let digits = run(&rest[sign..], |c| c.is_ascii_hexdigit());
    let end = place.at() + sign + digits;
    if digits < 4 || place.touches_after(end) {
        return None;
    }
    let bytes = &rest.as_bytes()[sign..sign + digits];
    let (lower, upper) = (bytes.iter().any(u8::is_ascii_lowercase), bytes.iter().any(u8::is_ascii_uppercase));
    let mixed = (lower || upper) && bytes.iter().any(u8::is_ascii_digit);
    let fits = !(lower && upper) && ((8..=128).contains(&digits) || ((4..=6).contains(&digits) && mixed));
    fits.then_some(end)
}

/// A short commit id: seven lower-case hex digits, at least one letter and one digit.
pub(super) fn git_sha(place: &Place<'_>) -> Option<usize> {
    let end = word_shaped(place, &["hhhhhhh"])?;
    let id = &place.text().as_bytes()[place.at()..end];
    (id.iter().any(u8::is_ascii_digit) && id.iter().any(u8::is_ascii_lowercase)).then_some(end)
}

/// Digits, a dot, digits; not a part of a longer dotted number.
pub(super) fn float(place: &Place<'_>) -> Option<usize> {
    let sign = usize::from(place.next() == Some('-'));
    if !place.clues.dot || (sign == 0 && follows_dotted(place)) {
        return None;
    }
    let rest = place.rest();
    let whole = run(&rest[sign..], is_digit);
    if whole == 0 {
        return None;
    }
    let dot = sign + whole;
    let fraction = rest[dot..].strip_prefix('.').map_or(0, |after| run(after, is_digit));
    let end = dot + 1 + fraction;
    if fraction == 0 || continues(&rest[end..]) {
        return None;
    }
    Some(place.at() + end)
}

/// Whether a dotted number goes on: a dot and a digit come next.
fn continues(after: &str) -> bool {
    after.strip_prefix('.').is_some_and(|after| after.chars().next().is_some_and(is_digit))
}

/// Whether a dotted number came before: a digit and a dot, or a digit.
fn follows_dotted(place: &Place<'_>) -> bool {
    let mut before = place.text()[..place.at()].chars().rev();
    match before.next() {
        Some('.') => before.next().is_some_and(is_digit),
        Some(c) => is_digit(c),
        None => false,
    }
}

/// Up to seven digits that touch neither letters nor digits.
pub(super) fn int(place: &Place<'_>) -> Option<usize> {
    if place.touches_before() {
        return None;
    }
    let sign = minus(place);
    let digits = run(&place.rest()[sign..], is_digit);
    let end = place.at() + sign + digits;
    let count = place.rest()[sign..sign + digits].chars().take(8).count();
    ((1..=7).contains(&count) && !place.touches_after(end)).then_some(end)
}
