//! The fields of limits, which the page of a project and those of its keys share: read, checked, and what each would have meant lately.

use crate::projects::outcomes::Came;
use crate::projects::quotas::{Limit, MAX_LIMIT, stored_name};
use crate::protocol::quota::{Class, Period};
use crate::web::pages::limits::{LimitField, LimitRow};
use crate::web::{Fields, number};

/// The classes that a form offers: those whose items this server keeps.
const OFFERED: [(Class, &str, &str); 4] = [
    (Class::Events, "Events", "errors, messages and security reports"),
    (Class::Attachments, "Attachments", "by number; those of a limited event go with it"),
    (Class::Feedback, "Feedback", "of people who use the program"),
    (Class::All, "Everything together", "all of these and whatever else is kept"),
];

/// A limit as typed.
pub(super) struct TypedLimit {
    pub(super) class: Class,
    pub(super) period: Period,
    text: String,
    /// The limit, if there is one.
    pub(super) max: Result<Option<u64>, String>,
}

/// All fields, from the limits that are stored.
pub(super) fn from_stored(limits: &[Limit]) -> Vec<TypedLimit> {
    fields(|class, period| {
        let limit = limits.iter().find(|limit| (limit.name.class, limit.name.period) == (class, period));
        limit.map_or_else(String::new, |limit| limit.max.to_string())
    })
}

/// All fields of a form.
pub(super) fn from_form(form: &Fields) -> Vec<TypedLimit> {
    fields(|class, period| form.get(&stored_name(class, period)).unwrap_or_default().to_owned())
}

/// What is to be stored, unless something is wrong.
pub(super) fn sound(typed: &[TypedLimit]) -> Option<Vec<(Class, Period, Option<u64>)>> {
    typed.iter().map(|one| Some((one.class, one.period, *one.max.as_ref().ok()?))).collect()
}

fn fields(text: impl Fn(Class, Period) -> String) -> Vec<TypedLimit> {
    let places = OFFERED.iter().flat_map(|(class, ..)| Period::ALL.map(|period| (*class, period)));
    places
        .map(|(class, period)| {
            let text: String = text(class, period).chars().filter(|c| !c.is_control()).take(40).collect();
            TypedLimit { class, period, max: parse(&text), text }
        })
        .collect()
}

/// "12,000" and "12 000" are numbers, too.
fn parse(text: &str) -> Result<Option<u64>, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | ',' | '\'' | '_' | '\u{a0}')).collect();
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse::<u64>() {
        Ok(0) => Err("0 would take nothing: switch the key off instead.".to_owned()),
        Ok(max) if max <= MAX_LIMIT => Ok(Some(max)),
        Ok(_) => Err(format!("At most {}.", number::count(MAX_LIMIT.cast_signed()))),
        Err(_) => Err(format!("“{text}” is no whole number.")),
    }
}

/// The rows of the form.
pub(super) fn rows(typed: &[TypedLimit], came: &[Came]) -> Vec<LimitRow> {
    let row = |(class, title, hint): &(Class, &'static str, &'static str)| {
        let came = came.iter().find(|came| came.class == *class).copied().unwrap_or(Came { class: *class, day: 0, busiest_hour: 0 });
        let mine = typed.iter().filter(|one| one.class == *class);
        let fields = mine.map(|one| LimitField {
            id: stored_name(one.class, one.period),
            label: label(one.period),
            value: one.text.clone(),
            error: one.max.clone().err(),
            preview: one.max.as_ref().ok().copied().flatten().map(|max| preview(one.period, max, came)),
        });
        let in_words = match came.day {
            0 => "Nothing came in the last 24 hours.".to_owned(),
            day => {
                format!("{} came in the last 24 hours, {} in the busiest of them.", number::count(day), number::count(came.busiest_hour))
            }
        };
        LimitRow { id: class.name(), title, hint, came: in_words, fields: fields.collect() }
    };
    OFFERED.iter().map(row).collect()
}

const fn label(period: Period) -> &'static str {
    match period {
        Period::Minute => "per minute",
        Period::Hour => "per hour",
        Period::Month => "per month",
    }
}

/// What a limit means, and what it would have meant at the rate of the last day.
fn preview(period: Period, max: u64, came: Came) -> String {
    let judged = |rate: i64| if rate.cast_unsigned() > max { "over the limit" } else { "within the limit" };
    match period {
        Period::Minute => {
            let rate = (came.busiest_hour + 59) / 60;
            let every = format!("{} at once, then one every {}.", number::count(max.cast_signed()), spell(60.0 / max as f64));
            format!("{every} The busiest hour of the last day had {} a minute: {}.", number::count(rate), judged(rate))
        }
        Period::Hour => {
            let every = format!("{} at once, then one every {}.", number::count(max.cast_signed()), spell(3600.0 / max as f64));
            format!("{every} The busiest hour of the last day had {}: {}.", number::count(came.busiest_hour), judged(came.busiest_hour))
        }
        Period::Month => {
            let rate = came.day * 30;
            let end = match came.day {
                day if day > 0 && rate.cast_unsigned() > max => {
                    format!("over the limit, which is reached on day {} of a month", max / day.cast_unsigned() + 1)
                }
                _ => "within the limit".to_owned(),
            };
            format!("At the rate of the last 24 hours 30 days bring {}: {end}.", number::count(rate))
        }
    }
}

fn spell(seconds: f64) -> String {
    match seconds {
        s if s >= 120.0 => format!("{:.0} min", s / 60.0),
        s if s >= 1.0 => format!("{s:.0} s"),
        s if s >= 0.001 => format!("{:.0} ms", s * 1000.0),
        _ => "moment".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, max) in [("", Ok(None)), ("  ", Ok(None)), ("100", Ok(Some(100))), ("1,000 000", Ok(Some(1_000_000)))] {
            assert_eq!(parse(text), max, "{text}");
        }
        for text in ["0", "-1", "1.5", "many", "1000000000001", "99999999999999999999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn previews_say_what_the_last_day_would_have_met() {
        let came = Came { class: Class::Events, day: 12_000, busiest_hour: 1800 };
        for (period, max, words) in [
            (
                Period::Minute,
                100,
                "100 at once, then one every 600 ms. The busiest hour of the last day had 30 a minute: within the limit.",
            ),
            (Period::Minute, 20, "20 at once, then one every 3 s. The busiest hour of the last day had 30 a minute: over the limit."),
            (Period::Hour, 1000, "1,000 at once, then one every 4 s. The busiest hour of the last day had 1,800: over the limit."),
            (
                Period::Month,
                100_000,
                "At the rate of the last 24 hours 30 days bring 360,000: over the limit, which is reached on day 9 of a month.",
            ),
            (Period::Month, 400_000, "At the rate of the last 24 hours 30 days bring 360,000: within the limit."),
        ] {
            assert_eq!(preview(period, max, came), words);
        }
        let nothing = Came { class: Class::Events, day: 0, busiest_hour: 0 };
        assert!(preview(Period::Month, 1, nothing).ends_with("within the limit."));
    }
}
