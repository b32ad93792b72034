//! What the issue itself did before: how surprising its ordinary hours were, and the largest windows of the last eight days.

use super::windows::WINDOWS;
use super::{HOURS, Z};

/// Hours whose largest windows are kept.
pub(super) const PAST: usize = 192;

/// Mean and variance of the logarithm of the largest surprise of ordinary hours with events, per window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Surprises {
    pub(super) mean: [f64; WINDOWS.len()],
    pub(super) variance: [f64; WINDOWS.len()],
    /// The largest surprise since the last hour that was learnt.
    pub(super) peak: [f64; WINDOWS.len()],
    pub(super) seen: f64,
}

impl Surprises {
    pub(super) fn new() -> Self {
        let all = |value| [value; WINDOWS.len()];
        Self { mean: all(1.5), variance: all(0.3), peak: all(0.0), seen: 10.0 }
    }

    /// Learns the hour that ends. One extraordinary hour moves it only so far.
    pub(super) fn learn(&mut self) {
        self.seen = (self.seen + 1.0).min(HOURS);
        let share = 1.0 / self.seen;
        for place in 0..WINDOWS.len() {
            let reach = 2.5 * self.variance[place].sqrt() + 0.2;
            let step = (self.peak[place].max(2.0).ln() - self.mean[place]).clamp(-reach, reach);
            self.mean[place] += share * step;
            self.variance[place] += share * (step * step - self.variance[place]);
        }
        self.peak = [0.0; WINDOWS.len()];
    }

    /// The surprise that stands out from those of ordinary hours.
    pub(super) fn threshold(&self, place: usize) -> f64 {
        (self.mean[place] + Z * self.variance[place].sqrt()).exp()
    }
}

/// Per window, its largest count in each of the last hours, by the hour's number modulo [`PAST`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Past(pub(super) [[u32; PAST]; WINDOWS.len()]);

fn slot(hour: i64) -> usize {
    hour.rem_euclid(PAST as i64) as usize
}

impl Past {
    pub(super) fn new() -> Self {
        Self([[0; PAST]; WINDOWS.len()])
    }

    /// Writes down an hour that ended.
    pub(super) fn close(&mut self, hour: i64, largest: [u32; WINDOWS.len()]) {
        for (past, largest) in self.0.iter_mut().zip(largest) {
            past[slot(hour)] = largest;
        }
    }

    /// Notes that a window of a past hour held as much.
    pub(super) fn raise(&mut self, place: usize, hour: i64, count: u32) {
        let kept = &mut self.0[place][slot(hour)];
        *kept = count.max(*kept);
    }

    /// The largest within the same hour, one to either side, of each of the last seven days.
    pub(super) fn same_hour(&self, place: usize, hour: i64) -> u32 {
        let days = (1..=7).flat_map(|day| (-1..=1).map(move |beside| hour - 24 * day + beside));
        days.map(|hour| self.0[place][slot(hour)]).max().unwrap_or_default()
    }

    /// The largest of all hours, without the last one if the window reaches into it.
    pub(super) fn record(&self, place: usize, hour: i64, without_last: bool) -> u32 {
        let last = slot(hour - 1);
        let kept = self.0[place].iter().enumerate().filter(|(at, _)| !(without_last && *at == last));
        kept.map(|(_, count)| *count).max().unwrap_or_default()
    }
}
