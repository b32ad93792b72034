//! Until when a form wants issues to be ignored.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::issues::snoozes::Until;
use crate::web::{FieldErrors, Fields, HttpError};

/// The furthest date.
const FURTHEST: TimeDelta = TimeDelta::days(2 * 366);
/// The most events or users.
const MOST: i64 = 1_000_000_000;

/// `until=` nothing (for good), `1h`, `1d`, `1w`, `date` (with `date=2026-12-03`), `events` or `users` (with `count=100`).
pub(super) fn parse(fields: &Fields, now: DateTime<Utc>) -> Result<Until, HttpError> {
    let wrong = |field, what: &str| HttpError::Invalid(FieldErrors::default().with(field, what));
    let count = || {
        let count = fields.get("count").unwrap_or_default().trim().parse::<i64>().ok().filter(|count| (1..=MOST).contains(count));
        count.ok_or_else(|| wrong("count", "How many more? A number from 1 on."))
    };
    Ok(match fields.get("until").unwrap_or_default() {
        "" => Until::Ever,
        "1h" => Until::Time(now + TimeDelta::hours(1)),
        "1d" => Until::Time(now + TimeDelta::days(1)),
        "1w" => Until::Time(now + TimeDelta::weeks(1)),
        "date" => {
            let day = fields.get("date").unwrap_or_default().trim().parse::<NaiveDate>().ok();
            let at = day.map(|day| day.and_time(NaiveTime::MIN).and_utc()).filter(|at| *at > now && *at <= now + FURTHEST);
            Until::Time(at.ok_or_else(|| wrong("date", "Until when? A day to come, within two years."))?)
        }
        "events" => Until::Events(count()?),
        "users" => Until::Users(count()?),
        _ => return Err(wrong("until", "is none of 1h, 1d, 1w, date, events and users")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_say_it_in_words_dates_and_numbers() {
        let now = DateTime::from_timestamp(1_795_530_787, 0).unwrap();
        let words_of = |pairs: &[(&str, &str)]| {
            let fields = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
            parse(&fields.into(), now).ok().map(Until::words)
        };
        for (pairs, words) in [
            (&[][..], Some("")),
            (&[("until", "1h")], Some("until 24 Nov 2026, 15:33 UTC")),
            (&[("until", "1d")], Some("until 25 Nov 2026, 14:33 UTC")),
            (&[("until", "1w")], Some("until 1 Dec 2026, 14:33 UTC")),
            (&[("until", "date"), ("date", "2026-12-03")], Some("until 3 Dec 2026, 00:00 UTC")),
            (&[("until", "date"), ("date", "2026-11-24")], None),
            (&[("until", "date"), ("date", "2099-01-01")], None),
            (&[("until", "date"), ("date", "soon")], None),
            (&[("until", "events"), ("count", "100")], Some("until 100 more events come")),
            (&[("until", "users"), ("count", " 10 ")], Some("until 10 more users are affected")),
            (&[("until", "users"), ("count", "0")], None),
            (&[("until", "events")], None),
            (&[("until", "never")], None),
        ] {
            assert_eq!(words_of(pairs).as_deref(), words, "{pairs:?}");
        }
    }
}
