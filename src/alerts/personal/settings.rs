//! When somebody wants to be told. Pure.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;

const DAY: u16 = 24 * 60;

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pace {
    /// At once, and what follows soon with others.
    #[default]
    Instant,
    /// Once an hour.
    Hourly,
    /// Once a day.
    Daily,
}

impl Pace {
    pub(super) const ALL: [(Self, &'static str); 3] = [(Self::Instant, "instant"), (Self::Hourly, "hourly"), (Self::Daily, "daily")];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(pace, _)| *pace == self).map_or("", |(_, name)| name)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(pace, _)| *pace)
    }
}

/// How somebody wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) pace: Pace,
    /// The hour of the daily mail.
    pub(super) digest_hour: u16,
    /// Minutes of the day from and until which it is quiet; over midnight where the first is the larger.
    pub(super) quiet: Option<(u16, u16)>,
    pub(super) zone: Tz,
    /// A summary of each week is wanted.
    pub(super) weekly: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { pace: Pace::Instant, digest_hour: 9, quiet: None, zone: Tz::UTC, weekly: false }
    }
}

impl Settings {
    /// When a fact is told that is told later, and why.
    pub(super) fn later(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, String)> {
        let (due, name) = match self.pace {
            Pace::Instant => return self.quiet(now),
            Pace::Hourly => (self.next_hour(now), "hourly"),
            Pace::Daily => (self.next(now, self.digest_hour * 60), "daily"),
        };
        // A digest that would come at night comes in the morning.
        let due = self.quiet(due).map_or(due, |(end, _)| end);
        Some((due, format!("Comes with your {name} digest at {}.", self.clock(due))))
    }

    /// When it is quiet no more, if it is now, and what to say of that.
    pub(super) fn quiet(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, String)> {
        let (from, until) = self.quiet?;
        let local = now.with_timezone(&self.zone);
        let minute = (local.hour() * 60 + local.minute()) as u16;
        let is_quiet = if from <= until { (from..until).contains(&minute) } else { minute >= from || minute < until };
        is_quiet.then(|| {
            let end = self.next(now, until);
            (end, format!("Held by your quiet hours until {}.", self.clock(end)))
        })
    }

    fn next_hour(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let local = now.with_timezone(&self.zone);
        let since = TimeDelta::minutes(local.minute().into()) + TimeDelta::seconds(local.second().into());
        now - since - TimeDelta::nanoseconds(local.nanosecond().into()) + TimeDelta::hours(1)
    }

    /// The next time that clocks show this minute of the day; where they leave it out, the first they show after it.
    fn next(&self, now: DateTime<Utc>, minute: u16) -> DateTime<Utc> {
        let today = now.with_timezone(&self.zone).date_naive();
        let mut candidates = (0..3).filter_map(|days| self.at(today.checked_add_days(Days::new(days))?, minute));
        candidates.find(|at| *at > now).unwrap_or(now + TimeDelta::days(1))
    }

    /// When clocks show this minute of a day.
    pub(super) fn at(&self, day: NaiveDate, minute: u16) -> Option<DateTime<Utc>> {
        let minute = minute % DAY;
        let time = NaiveTime::from_hms_opt(u32::from(minute / 60), u32::from(minute % 60), 0).unwrap_or_default();
        let local = day.and_time(time);
        let mut shifted = (0..5).map(|half_hours| local + TimeDelta::minutes(30 * half_hours));
        shifted.find_map(|local| self.zone.from_local_datetime(&local).earliest()).map(|at| at.with_timezone(&Utc))
    }

    /// "07:00 (Europe/Berlin)".
    fn clock(&self, at: DateTime<Utc>) -> String {
        format!("{} ({})", at.with_timezone(&self.zone).format("%H:%M"), self.zone.name())
    }
}

/// "07:30" as minutes of the day.
pub(super) fn minutes(clock: &str) -> Option<u16> {
    let time = NaiveTime::parse_from_str(clock.trim(), "%H:%M").or_else(|_| NaiveTime::parse_from_str(clock.trim(), "%H:%M:%S")).ok()?;
    Some((time.hour() * 60 + time.minute()) as u16)
}

/// The reverse.
pub(super) fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn berlin() -> Settings {
        Settings { quiet: Some((22 * 60, 7 * 60)), zone: Tz::Europe__Berlin, ..Settings::default() }
    }

    #[test]
    fn the_night_holds_what_comes_until_the_morning_of_the_persons_clock() {
        // 24 November: Berlin is an hour ahead.
        for (now, held) in [
            ("2026-11-24T20:59:59Z", None),
            ("2026-11-24T21:00:00Z", Some("2026-11-25T06:00:00Z")),
            ("2026-11-24T23:30:00Z", Some("2026-11-25T06:00:00Z")),
            ("2026-11-25T05:59:59Z", Some("2026-11-25T06:00:00Z")),
            ("2026-11-25T06:00:00Z", None),
            // In the night in which summer time ends, and in the one in which it begins.
            ("2026-10-24T21:00:00Z", Some("2026-10-25T06:00:00Z")),
            ("2026-03-28T22:00:00Z", Some("2026-03-29T05:00:00Z")),
        ] {
            let quiet = berlin().quiet(at(now));
            assert_eq!(quiet.as_ref().map(|(due, _)| *due), held.map(at), "{now}");
            if let Some((_, why)) = quiet {
                assert_eq!(why, "Held by your quiet hours until 07:00 (Europe/Berlin).");
            }
        }
        assert_eq!(Settings::default().quiet(at("2026-11-24T23:30:00Z")), None);
        let siesta = Settings { quiet: Some((13 * 60, 15 * 60)), ..Settings::default() };
        assert_eq!(siesta.quiet(at("2026-11-24T14:59:00Z")).map(|(due, _)| due), Some(at("2026-11-24T15:00:00Z")));
        assert_eq!(siesta.quiet(at("2026-11-24T15:00:00Z")), None);
    }

    #[test]
    fn digests_come_at_the_hour_or_once_a_day_and_not_at_night() {
        let hourly = Settings { pace: Pace::Hourly, ..berlin() };
        for (now, due) in [
            ("2026-11-24T14:33:07Z", "2026-11-24T15:00:00Z"),
            ("2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z"),
            // 22:00 in Berlin is night.
            ("2026-11-24T20:30:00Z", "2026-11-25T06:00:00Z"),
            ("2026-11-25T02:30:00Z", "2026-11-25T06:00:00Z"),
        ] {
            assert_eq!(hourly.later(at(now)).map(|(due, _)| due), Some(at(due)), "{now}");
        }
        let kathmandu = Settings { zone: Tz::Asia__Kathmandu, quiet: None, ..hourly };
        assert_eq!(kathmandu.later(at("2026-11-24T14:33:07Z")).map(|(due, _)| due), Some(at("2026-11-24T15:15:00Z")), "their full hour");
        let daily = Settings { pace: Pace::Daily, ..berlin() };
        let (due, why) = daily.later(at("2026-11-24T14:33:07Z")).unwrap();
        assert_eq!((due, why.as_str()), (at("2026-11-25T08:00:00Z"), "Comes with your daily digest at 09:00 (Europe/Berlin)."));
        assert_eq!(daily.later(at("2026-11-25T07:59:59Z")).map(|(due, _)| due), Some(at("2026-11-25T08:00:00Z")));
        assert_eq!(daily.later(at("2026-11-25T08:00:00Z")).map(|(due, _)| due), Some(at("2026-11-26T08:00:00Z")));
        assert_eq!(Settings::default().later(at("2026-11-24T14:33:07Z")), None, "who sets nothing is told at once");
        // 02:30 does not exist on 29 March in Berlin: 03:00 of that day stands in.
        let early = Settings { quiet: Some((60, 150)), zone: Tz::Europe__Berlin, ..Settings::default() };
        assert_eq!(early.quiet(at("2026-03-29T00:30:00Z")).map(|(due, _)| due), Some(at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn clocks_are_read_as_browsers_write_them() {
        assert_eq!((minutes("07:30"), minutes("22:00:00"), minutes("24:00"), minutes("")), (Some(450), Some(1320), None, None));
        assert_eq!(clock(450), "07:30");
    }
}
