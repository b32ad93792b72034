//! # Times in words
//! **Promise.** A time is shown as people say it ("2 min ago"), never without its exact form beside it. **How.** [`When`] is computed once, from the moment and `now`.
//! **Not here.** Reading the clock: `now` is an argument. Time zones other than UTC: a later setting.

use chrono::{DateTime, Datelike, Utc};

/// One moment, ready to print: `<time datetime title>` in the macro `when` of `templates/macros.html`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct When {
    /// RFC 3339 in UTC, for `datetime`; empty when the moment is not known.
    pub iso: String,
    /// "24 Nov 2026, 14:31:07 UTC".
    pub exact: String,
    /// "2 min ago", "3 days ago", "in 5 min".
    pub relative: String,
    /// "3 d", "26 min", "7 mo": the distance alone, for "… old".
    pub age: String,
    /// "14:31:07".
    pub clock: String,
    /// "today 14:31:07", "21 Nov 09:12:00", "3 Jan 2025 10:00:00".
    pub day_clock: String,
    /// "14:06" today, "Mon" in the last week, "21 Nov" before, "Jan 2025" in other years: for narrow columns.
    pub short: String,
}

impl When {
    /// The words for `at`, as seen at `now`.
    pub fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let seconds = (now - at).num_seconds();
        let distance = seconds.unsigned_abs();
        let relative = match seconds {
            _ if distance < 5 => "just now".to_owned(),
            s if s < 0 => format!("in {}", long_distance(distance)),
            _ => format!("{} ago", long_distance(distance)),
        };
        Self {
            iso: at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            exact: at.format("%-d %b %Y, %H:%M:%S UTC").to_string(),
            relative,
            age: short_distance(distance),
            clock: at.format("%H:%M:%S").to_string(),
            day_clock: day_clock(at, now),
            short: short(at, now),
        }
    }

    /// A moment nobody knows: prints as an en dash.
    pub fn unknown() -> Self {
        let dash = || "–".to_owned();
        Self {
            iso: String::new(),
            exact: "time not known".to_owned(),
            relative: dash(),
            age: dash(),
            clock: dash(),
            day_clock: dash(),
            short: dash(),
        }
    }

    /// The words for the Unix time `seconds`; [`When::unknown`] for what is no time.
    pub fn from_unix(seconds: f64, now: DateTime<Utc>) -> Self {
        // The year 9999: beyond it chrono's text forms differ, and no client's clock is there.
        if !seconds.is_finite() || !(0.0..253_402_300_799.0).contains(&seconds) {
            return Self::unknown();
        }
        DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64).map_or_else(Self::unknown, |at| Self::new(at, now))
    }
}

fn day_clock(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let clock = at.format("%H:%M:%S");
    if at.date_naive() == now.date_naive() {
        format!("today {clock}")
    } else if at.year() == now.year() {
        format!("{} {clock}", at.format("%-d %b"))
    } else {
        format!("{} {clock}", at.format("%-d %b %Y"))
    }
}

fn short(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let days = (now.date_naive() - at.date_naive()).num_days();
    let form = match days {
        0 => "%H:%M",
        1..=6 => "%a",
        _ if at.year() == now.year() => "%-d %b",
        _ => "%b %Y",
    };
    at.format(form).to_string()
}

/// Lower bound in seconds, its unit, short and long: the last that fits counts.
const UNITS: [(u64, &str, &str); 6] =
    [(1, "s", "s"), (60, "min", "min"), (3_600, "h", "h"), (86_400, "d", "day"), (30 * 86_400, "mo", "month"), (365 * 86_400, "y", "year")];

fn unit(seconds: u64) -> (u64, &'static str, &'static str) {
    let mut chosen = UNITS[0];
    for (index, candidate) in UNITS.iter().enumerate() {
        // Days are spoken of up to two months: "41 d" says more than "1 mo".
        let from = if index == 4 { 2 * candidate.0 } else { candidate.0 };
        if seconds >= from {
            chosen = *candidate;
        }
    }
    chosen
}

fn short_distance(seconds: u64) -> String {
    let (size, short, _) = unit(seconds);
    format!("{} {short}", seconds / size)
}

fn long_distance(seconds: u64) -> String {
    let (size, _, long) = unit(seconds);
    let count = seconds / size;
    let plural = if count != 1 && size >= 86_400 { "s" } else { "" };
    format!("{count} {long}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn distances_read_as_people_say_them() {
        let now = at("2026-11-24T14:33:07Z");
        for (moment, relative, age, short) in [
            ("2026-11-24T14:33:05Z", "just now", "2 s", "14:33"),
            ("2026-11-24T14:32:17Z", "50 s ago", "50 s", "14:32"),
            ("2026-11-24T14:31:07Z", "2 min ago", "2 min", "14:31"),
            ("2026-11-24T12:33:07Z", "2 h ago", "2 h", "12:33"),
            ("2026-11-23T12:33:07Z", "1 day ago", "1 d", "Mon"),
            ("2026-11-21T14:33:07Z", "3 days ago", "3 d", "Sat"),
            ("2026-10-14T14:33:07Z", "41 days ago", "41 d", "14 Oct"),
            ("2026-04-20T14:33:07Z", "7 months ago", "7 mo", "20 Apr"),
            ("2024-11-20T14:33:07Z", "2 years ago", "2 y", "Nov 2024"),
            ("2026-11-24T14:38:07Z", "in 5 min", "5 min", "14:38"),
        ] {
            let when = When::new(at(moment), now);
            assert_eq!((when.relative.as_str(), when.age.as_str(), when.short.as_str()), (relative, age, short), "{moment}");
        }
    }

    #[test]
    fn numbers_that_are_no_time_print_as_a_dash() {
        let now = at("2026-11-24T14:33:07Z");
        for seconds in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            assert_eq!(When::from_unix(seconds, now), When::unknown());
        }
        assert_eq!(When::from_unix(1_795_352_383.204, now).iso, "2026-11-22T12:59:43.204Z");
    }
}
