//! One issue, minute after minute.

use super::RATIO;
use super::debt::Debt;
use super::judge::{Case, Figures, Held, judge};
use super::memory::{Past, Surprises};
use super::profile::{Profile, Usual};
use super::windows::{Cell, KEPT, MOST, Ring, WINDOWS};

/// Minutes of life in which the usual rate is that of the life so far.
const YOUNG: i64 = 180;
/// Minutes after which a new level is usual.
const SETTLED_AFTER: i64 = 24 * 60;
/// Late events of the last minutes may still be judged.
pub const LATE: i64 = 15;

/// An alert, to be told now.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Spike {
    /// At the end of this minute.
    pub minute: i64,
    /// The window that showed it.
    #[serde(flatten)]
    pub figures: Figures,
    /// First minute of the run of windows that were up.
    pub since: i64,
    /// Events in the largest minute since then.
    pub peak: u32,
}

/// The end of an alert.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Over {
    /// Known at the end of this minute.
    pub minute: i64,
    /// The minute of the alert.
    pub told: i64,
    /// First minute of the run.
    pub since: i64,
    /// Last minute that was above the usual.
    pub until: i64,
    /// Events from `since` to now.
    pub events: u64,
    /// Events in the largest minute.
    pub peak: u32,
    /// It did not end: after a day the new level is what is usual.
    pub settled: bool,
}

/// What a minute led to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Answer {
    /// An alert that ended.
    pub over: Option<Over>,
    /// A spike.
    pub spike: Option<Spike>,
    /// Without a spike, in a minute with events: the most surprising window, and what held it back.
    pub no: Option<(Figures, Held)>,
}

/// The hour that is under way.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Hour {
    pub(super) capped: f64,
    pub(super) usual: f64,
    pub(super) count: u64,
    pub(super) deaf: u8,
    pub(super) alerted: bool,
    pub(super) largest: [u32; WINDOWS.len()],
}

/// Windows that are up, one minute after another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    pub(super) since: i64,
    pub(super) until: i64,
    pub(super) events: u64,
    pub(super) peak: u32,
}

/// An alert that is on: events and usual events of the hours since.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Alert {
    pub(super) at: i64,
    pub(super) got: f64,
    pub(super) wanted: f64,
}

/// The whole state of one issue, of bounded size; each minute costs the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    pub(super) born: i64,
    /// Events before the hour's end in which it stopped being young.
    pub(super) events: u64,
    pub(super) ring: Ring,
    pub(super) profile: Profile,
    pub(super) usual: Usual,
    pub(super) hour: Hour,
    pub(super) past: Past,
    pub(super) surprises: Surprises,
    pub(super) debt: Debt,
    pub(super) run: Option<Run>,
    pub(super) alert: Option<Alert>,
    /// When the last alert ended, else the birth: windows begin no earlier.
    pub(super) from: i64,
}

impl Detector {
    /// An issue whose first event happened in the minute `born`, which is the next to be taken.
    pub fn new(born: i64) -> Self {
        let profile = Profile::new();
        Self {
            born,
            events: 0,
            ring: Ring::new(born - 1, born + 60),
            usual: profile.usual(born.div_euclid(60)),
            profile,
            hour: Hour::default(),
            past: Past::new(),
            surprises: Surprises::new(),
            debt: Debt::new(born),
            run: None,
            alert: None,
            from: born,
        }
    }

    /// The minute to be taken next.
    pub fn next(&self) -> i64 {
        self.ring.now() + 1
    }

    /// Takes the next minute with its events. `deaf`: in it this server knows it was not receiving.
    pub fn minute(&mut self, count: u32, deaf: bool) -> Answer {
        self.take(count, deaf, false)
    }

    /// The same of a minute that nobody should be told of any more: all is learnt, and no alert given.
    pub fn past_minute(&mut self, count: u32, deaf: bool) -> Answer {
        self.take(count, deaf, true)
    }

    fn take(&mut self, count: u32, deaf: bool, is_past: bool) -> Answer {
        let now = self.next();
        let count = count.min(MOST);
        let turned = now % 60 == 0 && now > self.born;
        if turned {
            self.turn(now.div_euclid(60));
        }
        let usual = self.rate(now);
        let left = if deaf {
            self.debt.deaf(now, usual);
            self.hour.deaf += 1;
            0
        } else {
            self.debt.pay(now, count, usual)
        };
        if now - self.born < YOUNG {
            self.events += u64::from(count);
        }
        self.ring.push(Cell { count: left, usual: if deaf { 0.0 } else { usual as f32 } });
        self.hour.capped += self.ring.capped(now);
        self.hour.usual += usual;
        self.hour.count += u64::from(left);
        self.hour.alerted |= self.alert.is_some();
        for (largest, count) in self.hour.largest.iter_mut().zip(self.ring.counts()) {
            *largest = count.max(*largest);
        }
        self.follow_run(now);
        let over = self.end(now, turned);
        let mut answer = if left > 0 { self.judged(now, is_past) } else { Answer::default() };
        answer.over = over;
        answer
    }

    /// Takes events that come late, into the minute they happened in. Only those of the last quarter of an hour are judged, by the windows
    /// as they stand now.
    pub fn late(&mut self, minute: i64, count: u32) -> Answer {
        let is_counted = self.add_late(minute, count);
        let now = self.ring.now();
        if is_counted && now - minute < LATE { self.judged(now, false) } else { Answer::default() }
    }

    /// The same of a minute that nobody should be told of any more. Whether it was counted.
    pub fn add_late(&mut self, minute: i64, count: u32) -> bool {
        let (now, count) = (self.ring.now(), count.min(MOST));
        if minute > now || minute < self.born || count == 0 {
            return false;
        }
        let (hour, this) = (minute.div_euclid(60), now.div_euclid(60));
        let mut counted = f64::from(count);
        if now - minute < KEPT as i64 {
            let before = self.ring.capped(minute);
            self.ring.add(minute, count);
            counted = self.ring.capped(minute) - before;
            self.raise_past(minute);
        } else if this - hour < super::memory::PAST as i64 {
            for place in 0..WINDOWS.len() {
                self.past.raise(place, hour, count);
            }
        }
        if hour == this {
            self.hour.capped += counted;
            self.hour.count += u64::from(count);
        } else if self.alert.is_none() {
            self.profile.add(hour, counted, ((this - 1 - hour) / 24).min(1_000) as i32);
        }
        if let Some(run) = self.run.as_mut().filter(|run| minute >= run.since) {
            run.events += u64::from(count);
            run.peak = run.peak.max(self.ring.cell(minute).count);
        }
        true
    }

    /// Windows that end after a minute whose count has grown may be the largest of their hours now.
    fn raise_past(&mut self, minute: i64) {
        let now = self.ring.now();
        for (place, window) in WINDOWS.into_iter().enumerate() {
            // What reaches out of the ring is taken for empty: at worst a little is missing from a memory.
            let oldest = (now - KEPT as i64 + 1).max(minute - window + 1);
            let mut sum: u32 = (oldest..minute).map(|at| self.ring.cell(at).count).fold(0, u32::saturating_add);
            for end in minute..=now.min(minute + window - 1) {
                sum = sum.saturating_add(self.ring.cell(end).count);
                let hour = end.div_euclid(60);
                if hour == now.div_euclid(60) {
                    self.hour.largest[place] = sum.max(self.hour.largest[place]);
                } else {
                    self.past.raise(place, hour, sum);
                }
                let leaves = end - window + 1;
                if leaves >= oldest {
                    sum = sum.saturating_sub(self.ring.cell(leaves).count);
                }
            }
        }
    }

    /// Usual events in a minute.
    fn rate(&self, minute: i64) -> f64 {
        let age = minute - self.born;
        if age < YOUNG { (self.events as f64 + 0.5) / (age as f64 + 30.0) } else { self.usual.rate }
    }

    /// Closes the hour before `next` and opens it.
    fn turn(&mut self, next: i64) {
        let (ended, hour) = (next - 1, std::mem::take(&mut self.hour));
        let mut learnt = if hour.deaf > 10 { hour.usual } else { hour.capped };
        if hour.alerted {
            learnt = learnt.min(hour.usual);
        }
        let lived = if ended == self.born.div_euclid(60) { (60 - self.born.rem_euclid(60)) as f64 / 60.0 } else { 1.0 };
        self.profile.learn(ended, learnt, lived);
        match &mut self.alert {
            Some(alert) => {
                alert.got += hour.count as f64;
                alert.wanted += hour.usual;
            }
            None if hour.count > 0 => self.surprises.learn(),
            None => {}
        }
        self.past.close(ended, hour.largest);
        self.usual = self.profile.usual(next);
    }

    /// Begins, continues or ends the run of windows that are up.
    fn follow_run(&mut self, now: i64) {
        let cell = self.ring.cell(now);
        let above = f64::from(cell.count) > RATIO / 2.0 * f64::from(cell.usual);
        if let Some(run) = &mut self.run {
            run.events += u64::from(cell.count);
            run.peak = run.peak.max(cell.count);
            if above {
                run.until = now;
            }
            if self.alert.is_none() && self.calm() {
                self.run = None;
            }
        }
        if self.run.is_some() || !above {
            return;
        }
        let up = |place: &usize| {
            let sum = self.ring.sum(*place);
            sum.capped >= (RATIO * sum.usual).max(5.0)
        };
        let Some(place) = (0..WINDOWS.len()).find(up) else { return };
        let first = (now - WINDOWS[place] + 1).max(self.from);
        let rises = |minute: &i64| f64::from(self.ring.cell(*minute).count) > RATIO * f64::from(self.ring.cell(*minute).usual);
        let since = (first..=now).find(rises).unwrap_or(first);
        let counts = || (since..=now).map(|minute| self.ring.cell(minute).count);
        let (events, peak) = (counts().map(u64::from).sum(), counts().max().unwrap_or_default());
        self.run = Some(Run { since, until: now, events, peak });
    }

    /// The last hour is back at the usual.
    fn calm(&self) -> bool {
        let hour = self.ring.sum(2);
        hour.capped < RATIO / 2.0 * hour.usual + 2.0
    }

    /// Ends an alert that is over, or whose level has become the usual one.
    fn end(&mut self, now: i64, turned: bool) -> Option<Over> {
        let alert = self.alert?;
        let settled = turned && now - alert.at >= SETTLED_AFTER;
        if settled {
            let ratio = ((alert.got + 1.0) / (alert.wanted + 1.0)).max(1.0);
            self.profile.rise(ratio);
            self.usual.rate *= ratio;
            self.usual.weight *= ratio;
        } else if now - alert.at < 30 || !self.calm() {
            return None;
        }
        self.alert = None;
        self.from = now + 1;
        let run = self.run.take().unwrap_or(Run { since: alert.at, until: now, events: 0, peak: 0 });
        Some(Over { minute: now, told: alert.at, since: run.since, until: run.until, events: run.events, peak: run.peak, settled })
    }

    fn judged(&mut self, now: i64, is_past: bool) -> Answer {
        let mut case = Case {
            ring: &self.ring,
            past: &self.past,
            surprises: &mut self.surprises,
            weight: self.usual.weight,
            born: self.born,
            from: self.from,
            alert_on: self.alert.is_some(),
            is_past,
        };
        let (figures, held) = judge(&mut case);
        if let Some(held) = held {
            return Answer { no: Some((figures, held)), ..Answer::default() };
        }
        self.alert = Some(Alert { at: now, got: 0.0, wanted: 0.0 });
        self.hour.alerted = true;
        let run = *self.run.get_or_insert_with(|| {
            let since = now - figures.window + 1;
            let counts = (since..=now).map(|minute| self.ring.cell(minute).count);
            Run { since, until: now, events: figures.count as u64, peak: counts.max().unwrap_or_default() }
        });
        Answer { spike: Some(Spike { minute: now, figures, since: run.since, peak: run.peak }), ..Answer::default() }
    }
}
