//! Is it a spike? The conditions, and the figures behind either answer.

use super::memory::{Past, Surprises};
use super::windows::{Ring, WINDOWS};
use super::{CLEAR, CLUMP, DOUBT, EXCESS, RATIO, RECORD, SURPRISE};

/// What held an alert back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// No more than usual, or hardly any events.
    Usual,
    /// Not unlikely enough under the issue's own day.
    NotSurprising,
    /// Fewer than twenty events more than usual.
    TooFew,
    /// Not so many times the usual.
    LowRatio,
    /// It ends already: the next shorter window is back at the usual.
    Ending,
    /// The same hour of the last seven days had as much.
    SameHour,
    /// This ordinary hours surprise as much.
    Ordinary,
    /// The first hour: the message about the new issue says it.
    New,
    /// An alert is on already.
    Told,
    /// It was too long ago when we heard of it.
    Past,
}

/// What one window looked like at the end of a minute.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Figures {
    /// Its length in minutes.
    pub window: i64,
    /// Events in it.
    pub count: f64,
    /// Events that would have been usual.
    pub usual: f64,
    /// Log-likelihood ratio of the count.
    pub surprise: f64,
    /// What it had to reach.
    pub threshold: f64,
}

/// Everything that a judgement looks at.
pub(super) struct Case<'a> {
    pub(super) ring: &'a Ring,
    pub(super) past: &'a Past,
    pub(super) surprises: &'a mut Surprises,
    /// Events behind the usual rate.
    pub(super) weight: f64,
    pub(super) born: i64,
    /// Windows begin no earlier: the birth, or the end of the last alert.
    pub(super) from: i64,
    pub(super) alert_on: bool,
    /// Too long ago for an alert.
    pub(super) is_past: bool,
}

/// How unlikely a count is: twice the log-likelihood ratio of the negative binomial, in clumps, under a usual count known only so well.
fn surprise(count: f64, usual: f64, weight: f64) -> f64 {
    let (a, b) = (count / CLUMP, usual.max(1e-6) / CLUMP);
    let k = 1.0 / (CLUMP / weight + DOUBT * DOUBT);
    2.0 * (a * (a / b).ln() - (a + k) * ((a + k) / (b + k)).ln())
}

/// The first window that is a spike (`None` held it back), else the most surprising one and what held it back.
pub(super) fn judge(case: &mut Case<'_>) -> (Figures, Option<Held>) {
    let first = case.ring.sum(0);
    let figures = |place: usize, count, usual, surprise, threshold| Figures { window: WINDOWS[place], count, usual, surprise, threshold };
    let mut best = (figures(0, first.count, first.usual, 0.0, case.surprises.threshold(0).max(SURPRISE)), Some(Held::Usual));
    for (place, window) in WINDOWS.into_iter().enumerate() {
        if case.ring.now() - window + 1 < case.from {
            break;
        }
        let sum = case.ring.sum(place);
        if sum.capped < 5.0 || sum.capped < 1.3 * sum.usual {
            continue;
        }
        let surprise = surprise(sum.capped, sum.usual, case.weight);
        case.surprises.peak[place] = case.surprises.peak[place].max(surprise);
        let threshold = case.surprises.threshold(place).max(SURPRISE);
        let held = held(case, place, surprise);
        if held.is_none() || surprise > best.0.surprise {
            best = (figures(place, sum.count, sum.usual, surprise, threshold), held);
        }
        if held.is_none() {
            break;
        }
    }
    if case.is_past && best.1.is_none() {
        best.1 = Some(Held::Past);
    }
    best
}

fn held(case: &Case<'_>, place: usize, surprise: f64) -> Option<Held> {
    let (sum, now, window) = (case.ring.sum(place), case.ring.now(), WINDOWS[place]);
    let hour = now.div_euclid(60);
    if surprise < SURPRISE {
        return Some(Held::NotSurprising);
    }
    if sum.count - sum.usual < EXCESS {
        return Some(Held::TooFew);
    }
    if sum.capped < RATIO * sum.usual {
        return Some(Held::LowRatio);
    }
    if case.alert_on {
        return Some(Held::Told);
    }
    if now - case.born < 60 {
        return Some(Held::New);
    }
    if let Some(shorter) = place.checked_sub(1).map(|shorter| case.ring.sum(shorter))
        && shorter.capped < 1.5 * shorter.usual
    {
        return Some(Held::Ending);
    }
    if sum.count < CLEAR * f64::from(case.past.same_hour(place, hour)) {
        return Some(Held::SameHour);
    }
    if surprise >= case.surprises.threshold(place) {
        return None;
    }
    let reaches_back = now - window + 1 < hour * 60;
    let news = now - case.born >= 24 * 60 && sum.count >= RECORD * f64::from(case.past.record(place, hour, reaches_back));
    if news { None } else { Some(Held::Ordinary) }
}
