//! The histogram of the issue page: two weeks, or a day for an issue that is no older.

use chrono::{DateTime, TimeDelta, Utc};

use crate::platform::clock::hour_of;
use crate::web::chart::Bars;

/// The age up to which a day is shown.
const YOUNG: TimeDelta = TimeDelta::hours(24);
/// Hours of one bar over two weeks: 84 bars.
const WIDE: i32 = 4;
/// Height of the picture.
const HEIGHT: usize = 42;

/// Counts per bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Histogram {
    /// The hour that has only begun.
    hour: i32,
    /// Hours of one bar.
    step: i32,
    counts: Vec<i64>,
    last_day: i64,
}

impl Histogram {
    /// An empty one for an issue first seen at `first_seen`.
    pub(super) fn for_issue(first_seen: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let (step, bars) = if now - first_seen < YOUNG { (1, 24) } else { (WIDE, 14 * 24 / WIDE as usize) };
        Self { hour: hour_of(now), step, counts: vec![0; bars], last_day: 0 }
    }

    /// The first hour it shows; bars begin at whole multiples of their width.
    pub(super) fn first_hour(&self) -> i32 {
        (self.hour / self.step - self.counts.len() as i32 + 1) * self.step
    }

    /// With these hours' events counted in.
    pub(super) fn filled(mut self, hours: &[(i32, i64)]) -> Self {
        let first = self.first_hour();
        for (hour, events) in hours {
            if let Some(count) =
                usize::try_from((hour - first) / self.step).ok().filter(|_| *hour >= first).and_then(|bar| self.counts.get_mut(bar))
            {
                *count += events;
            }
            if (self.hour - 23..=self.hour).contains(hour) {
                self.last_day += events;
            }
        }
        self
    }

    /// Events of the last 24 hours, the one that has only begun included.
    pub(super) const fn last_day(&self) -> i64 {
        self.last_day
    }

    /// The picture.
    pub(super) fn bars(&self) -> Bars {
        let first = self.first_hour();
        let span = if self.step == 1 { "24 hours" } else { "14 days" };
        Bars::new(&self.counts, HEIGHT, span, |bar| at(first + bar as i32 * self.step).format("%-d %b %H:%M").to_string())
    }

    /// What stands under its left end: "11 Nov", or "15:00" for a day.
    pub(super) fn from(&self) -> String {
        at(self.first_hour()).format(if self.step == 1 { "%H:%M" } else { "%-d %b" }).to_string()
    }
}

fn at(hour: i32) -> DateTime<Utc> {
    DateTime::from_timestamp(i64::from(hour) * 3600, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 24 November 2026, 14:33:07 UTC.
    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_530_787, 0).unwrap()
    }

    #[test]
    fn an_old_issue_shows_two_weeks_in_bars_of_four_hours() {
        let empty = Histogram::for_issue(now() - TimeDelta::days(40), now());
        let (first, hour) = (empty.first_hour(), hour_of(now()));
        let filled =
            empty.filled(&[(first - 1, 100), (first, 1), (first + 3, 2), (hour - 24, 8), (hour - 23, 5), (hour, 3), (hour + 9, 100)]);
        assert_eq!((filled.counts.len(), filled.counts[0], filled.counts.iter().sum::<i64>()), (84, 3, 19));
        assert_eq!((filled.last_day(), filled.from().as_str()), (8, "10 Nov"));
        let bars = filled.bars();
        assert_eq!((bars.bars[0].label.as_str(), bars.bars[83].label.as_str()), ("3 events, 10 Nov 16:00", "3 events, 24 Nov 12:00"));
    }

    #[test]
    fn a_young_issue_shows_its_day_hour_by_hour() {
        let filled = Histogram::for_issue(now() - TimeDelta::hours(3), now());
        let hour = hour_of(now());
        assert_eq!((filled.first_hour(), filled.from().as_str()), (hour - 23, "15:00"));
        let filled = filled.filled(&[(hour - 1, 2), (hour, 7)]);
        assert_eq!((filled.counts[22], filled.counts[23], filled.last_day()), (2, 7, 9));
    }
}
