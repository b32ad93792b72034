//! How often a person hears of a project.

use chrono::{DateTime, TimeDelta, Utc};

/// Mails that a person gets within an hour, of all projects.
pub(in crate::alerts) const MOST: i32 = 30;
/// Minutes between two mails, at first and at most.
const SHORTEST: i32 = 5;
const LONGEST: i32 = 30;
/// A job that is so late will not come.
const LOST: TimeDelta = TimeDelta::hours(2);
/// No job is due so far ahead: a daily mail that quiet hours hold.
const AHEAD: TimeDelta = TimeDelta::hours(50);

/// The mails of one person about one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// When the last was made.
    pub(super) last_at: Option<DateTime<Utc>>,
    /// When the next is due.
    pub(super) due_at: Option<DateTime<Utc>>,
    /// Minutes from one to the next.
    pub(super) pause: i32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { last_at: None, due_at: None, pause: SHORTEST }
    }
}

/// What becomes of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is told at once.
    Tell,
    /// It waits until then, for a job that is there already.
    Join(DateTime<Utc>),
    /// It waits until then, for a job that has to be made.
    Wait(DateTime<Utc>),
}

impl Next {
    /// The same for somebody who wants to be told then, at the earliest.
    pub(super) fn not_before(self, due: DateTime<Utc>) -> Self {
        match self {
            Self::Tell => Self::Wait(due),
            Self::Wait(other) => Self::Wait(other.max(due)),
            // That job looks again whether it is quiet.
            Self::Join(other) => Self::Join(other),
        }
    }
}

/// The mails of one person within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cap {
    /// When the hour began.
    pub(super) hour_from: DateTime<Utc>,
    /// Mails since.
    pub(super) mails: i32,
}

impl Cap {
    /// When there may be mails again; nothing: now.
    pub(super) fn until(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let end = self.hour_from + TimeDelta::hours(1);
        (self.mails >= MOST && now >= self.hour_from && now < end).then_some(end)
    }

    /// With one mail more.
    pub(super) fn counted(self, now: DateTime<Utc>) -> Self {
        // A clock that went back begins a new hour, too.
        if now < self.hour_from || now >= self.hour_from + TimeDelta::hours(1) {
            Self { hour_from: now, mails: 1 }
        } else {
            Self { mails: self.mails + 1, ..self }
        }
    }
}

impl Pace {
    pub(super) fn next(self, now: DateTime<Utc>, cap: Cap) -> Next {
        if let Some(due) = self.due_at.filter(|due| now < *due + LOST && *due <= now + AHEAD) {
            return Next::Join(due);
        }
        if let Some(until) = cap.until(now) {
            return Next::Wait(until);
        }
        match self.last_at.map(|last| last + TimeDelta::minutes(i64::from(self.pause))) {
            // A clock that went back must not keep people waiting.
            Some(until) if now < until && until <= now + TimeDelta::minutes(i64::from(LONGEST)) => Next::Wait(until),
            _ => Next::Tell,
        }
    }

    /// After a mail about one fact that came alone.
    pub(super) fn told(now: DateTime<Utc>) -> Self {
        Self { last_at: Some(now), due_at: None, pause: SHORTEST }
    }

    /// After a mail about what had been gathered: the next is further away.
    pub(super) fn gathered(self, now: DateTime<Utc>) -> Self {
        Self { last_at: Some(now), due_at: None, pause: (self.pause * 2).clamp(SHORTEST, LONGEST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_530_787 + minutes * 60, 0).unwrap()
    }

    #[test]
    fn the_first_comes_at_once_and_the_rest_ever_more_rarely() {
        let free = Cap { hour_from: at(0), mails: 0 };
        let mut pace = Pace::default();
        assert_eq!(pace.next(at(0), free), Next::Tell);
        pace = Pace::told(at(0));
        assert_eq!(pace.next(at(0), free), Next::Wait(at(5)));
        pace.due_at = Some(at(5));
        assert_eq!(pace.next(at(4), free), Next::Join(at(5)));
        let pauses: Vec<i32> = (0..5)
            .map(|_| {
                pace = pace.gathered(at(5));
                pace.pause
            })
            .collect();
        assert_eq!(pauses, [10, 20, 30, 30, 30]);
        assert_eq!(pace.next(at(34), free), Next::Wait(at(35)));
        assert_eq!(pace.next(at(35), free), Next::Tell, "a quiet while, and the next comes at once");
        assert_eq!(Pace::told(at(35)).pause, 5);
        // A job that never came, and clocks that went back.
        assert_eq!(Pace { due_at: Some(at(-130)), ..Pace::told(at(-135)) }.next(at(0), free), Next::Tell);
        assert_eq!(Pace { due_at: Some(at(3_600)), ..Pace::told(at(3_595)) }.next(at(0), free), Next::Tell);
    }

    #[test]
    fn an_hour_has_so_many_mails_and_no_more() {
        let mut cap = Cap { hour_from: at(0), mails: 0 };
        for minute in 0..i64::from(MOST) {
            assert_eq!(cap.until(at(minute)), None);
            cap = cap.counted(at(minute));
        }
        assert_eq!(Pace::default().next(at(40), cap), Next::Wait(at(60)));
        assert_eq!(Pace::default().next(at(60), cap), Next::Tell);
        assert_eq!(cap.counted(at(61)), Cap { hour_from: at(61), mails: 1 });
        assert_eq!(cap.until(at(-1)), None);
    }
}
