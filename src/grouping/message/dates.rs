//! # Dates and times in messages
//!
//! **Promise.** The date forms of grouping.md 11.2, tried in its order. They match inside longer texts too; only clock times look at their neighbours.

use std::sync::LazyLock;

use regex::Regex;

use super::place::{Place, is_digit, run};

const WEEKDAY: &str = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_WEEKDAY: &str = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";
const MONTH: &str = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const ZONE: &str = "(?:[+-][0-9]{4}|UT|GMT|[ECMP][SD]T|[A-IK-Z])";
const HOUR_MINUTE: &str = "[0-2][0-9]:[0-5][0-9]";
const SECOND: &str = ":[0-5][0-9]";
const DAY: &str = "[0-3][0-9]";

/// The forms that come before clock times in the order.
static BEFORE_CLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let sortable = format!("[0-9]{{4}}-?[01][0-9]-?{DAY}[ T][0-2][0-9]:?[0-5][0-9](?::?[0-5][0-9](?:\\.[0-9]+)?)?");
    one_of(&[
        format!("{WEEKDAY}, [0-9]{{1,2}} {MONTH} [0-9]{{2,4}} {HOUR_MINUTE}(?:{SECOND})? {ZONE}"),
        format!("(?:{WEEKDAY} )?{MONTH} {DAY}, [0-9]{{2,4}}"),
        format!("{LONG_WEEKDAY}, {DAY}-{MONTH}-[0-9]{{2}} {HOUR_MINUTE}{SECOND} {ZONE}"),
        format!("[0-9]{{4}}-[01][0-9]-{DAY}T{HOUR_MINUTE}{SECOND}(?:\\.[0-9]+)?Z?(?:[+-]{HOUR_MINUTE})?"),
        format!("{WEEKDAY} {MONTH} {DAY} [0-9]{{4}} {HOUR_MINUTE}{SECOND} GMT[+-][0-9]{{4}}"),
        format!("{sortable}(?:Z|[+-][0-2][0-9]:?[0-5][0-9])"),
        sortable,
    ])
});

/// The forms that come after clock times.
static AFTER_CLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    one_of(&[
        format!("[0-9]{{4}}-[01][0-9]-{DAY}"),
        format!("(?:{WEEKDAY} )?{MONTH} {{1,2}}[0-9]{{1,2}} {HOUR_MINUTE}{SECOND} [0-9]{{4}}"),
        format!("(?:{WEEKDAY}, )?{DAY} {MONTH} [0-9]{{4}} {HOUR_MINUTE}(?:{SECOND})? {ZONE}"),
    ])
});

fn one_of(forms: &[String]) -> Option<Regex> {
    Regex::new(&format!("\\A(?:{})", forms.join("|"))).ok()
}

pub(super) fn date(place: &Place<'_>) -> Option<usize> {
    let rest = place.rest();
    let possible = match place.next()? {
        first @ '0'..='9' => {
            rest.len() > 3
                && (matches!(first, '0'..='3') || rest.as_bytes()[1] == b':' || rest.as_bytes()[..4].iter().all(u8::is_ascii_digit))
        }
        'M' | 'T' | 'W' | 'F' | 'S' | 'J' | 'A' | 'O' | 'N' | 'D' => rest.len() > 6 && rest.as_bytes()[1].is_ascii_lowercase(),
        'd' => return constructed(place),
        _ => false,
    };
    if !possible {
        return None;
    }
    let form = |forms: &LazyLock<Option<Regex>>| Some(place.at() + forms.as_ref()?.find(rest)?.end());
    form(&BEFORE_CLOCK).map(|end| end + zone_name(place.text(), end)).or_else(|| clock(place)).or_else(|| form(&AFTER_CLOCK))
}

/// `datetime.datetime(2024, 1, 1)`, as Python prints it. Searched for byte by byte: as a regular expression, openings that nothing closes cost
/// the square of a text.
fn constructed(place: &Place<'_>) -> Option<usize> {
    let arguments = place.rest().strip_prefix("datetime.datetime(")?;
    let end = memchr::memchr2(b')', b'\n', arguments.as_bytes())?;
    arguments[end..].starts_with(')').then(|| place.text().len() - arguments.len() + end + 1)
}

/// The length of ` (Central European Time)` after the offset of a date as JavaScript prints it.
fn zone_name(text: &str, end: usize) -> usize {
    let offset = text[..end].bytes().rev().take(8).collect::<Vec<_>>();
    let is_offset =
        matches!(offset.as_slice(), [a, b, c, d, b'+' | b'-', b'T', b'M', b'G'] if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()));
    let name = text[end..].strip_prefix(" (").filter(|_| is_offset);
    name.and_then(|name| memchr::memchr(b')', name.as_bytes())).map_or(0, |length| length + 3)
}

/// `7:05`, `23:59:59`, `12:30 PM`; no digit before, no digit or colon after.
fn clock(place: &Place<'_>) -> Option<usize> {
    if !place.clues.colon || place.previous().is_some_and(is_digit) {
        return None;
    }
    let rest = place.rest();
    let digits = run(rest, |c| c.is_ascii_digit());
    let hour: u8 = rest.get(..digits).filter(|_| digits <= 2)?.parse().ok().filter(|hour| *hour < 24)?;
    let sixtieth = |at: usize| {
        let bytes = rest.as_bytes().get(at..at + 3)?;
        matches!(bytes, [b':', b'0'..=b'5', b'0'..=b'9']).then_some(at + 3)
    };
    let minutes = sixtieth(digits)?;
    let end = sixtieth(minutes).unwrap_or(minutes);
    let free = |end: usize| !rest[end..].starts_with(|c| is_digit(c) || c == ':');
    let half_day = matches!(rest.as_bytes().get(end..end + 3), Some([b' ', b'A' | b'a' | b'P' | b'p', b'M' | b'm']));
    if half_day && (1..=12).contains(&hour) && free(end + 3) {
        return Some(place.at() + end + 3);
    }
    free(end).then_some(place.at() + end)
}

#[cfg(test)]
mod tests {
    use super::super::parameterise;

    #[test]
    fn date_forms() {
        let table = [
            ("Mon, 02 Jan 2006 15:04:05 -0700", "<date>"),
            ("Mon, 2 Jan 06 15:04 GMT", "<date>"),
            ("Jan 02, 2006", "<date>"),
            ("Mon Jan 02, 2006", "<date>"),
            ("Monday, 02-Jan-06 15:04:05 MST", "<date>"),
            ("2006-01-02T15:04:05.123Z", "<date>"),
            ("2006-01-02T15:04:05+07:00", "<date>"),
            ("Mon Jan 02 2006 15:04:05 GMT+0100 (Central European Time)", "<date>"),
            ("2006-01-02 15:04:05.123+0100", "<date>"),
            ("20060102T150405", "<date>"),
            ("2006-01-02 15:04", "<date>"),
            ("2006-01-02", "<date>"),
            ("Mon Jan 2 15:04:05 2006", "<date>"),
            ("02 Jan 2006 15:04 UT", "<date>"),
            ("datetime.datetime(2024, 1, 1, 0, 0)", "<date>"),
            ("at 7:05 and 12:30 PM", "at <date> and <date>"),
            ("23:59:59", "<date>"),
            ("25:00", "<int>:<int>"),
            ("12:345", "<int>:<int>"),
            ("x2006-01-02y", "x<date>y"),
            ("2006-21-02", "<int>-<int>-<int>"),
        ];
        for (text, expected) in table {
            assert_eq!(parameterise(text), expected, "{text}");
        }
    }
}
