//! What is usual: the issue's own day, hour by hour, the days before it counting less and less.

use super::{DAY, PRIOR};

pub(super) const HOURS_A_DAY: usize = 24;

/// Events and hours seen per hour of the day, with the weights of their days.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    pub(super) events: [f64; HOURS_A_DAY],
    pub(super) hours: [f64; HOURS_A_DAY],
}

/// What is usual within one hour of one day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    /// Events a minute.
    pub(super) rate: f64,
    /// Events behind that estimate.
    pub(super) weight: f64,
}

pub(super) fn of_day(hour: i64) -> usize {
    hour.rem_euclid(HOURS_A_DAY as i64) as usize
}

/// An hour of the day with half of its weight on itself, the rest on its neighbours.
fn smooth(values: &[f64; HOURS_A_DAY], hour: usize) -> f64 {
    let before = values[(hour + HOURS_A_DAY - 1) % HOURS_A_DAY];
    let after = values[(hour + 1) % HOURS_A_DAY];
    0.5 * values[hour] + 0.25 * (before + after)
}

impl Profile {
    pub(super) fn new() -> Self {
        Self { events: [0.0; HOURS_A_DAY], hours: [0.0; HOURS_A_DAY] }
    }

    /// Learns an hour of which `share` belongs to the life.
    pub(super) fn learn(&mut self, hour: i64, events: f64, share: f64) {
        let hour = of_day(hour);
        self.events[hour] = DAY * self.events[hour] + events;
        self.hours[hour] = DAY * self.hours[hour] + share;
    }

    /// Events that belong to an hour learnt before, `days` whole days ago.
    pub(super) fn add(&mut self, hour: i64, events: f64, days: i32) {
        self.events[of_day(hour)] += events * DAY.powi(days);
    }

    /// The new level is `ratio` times the old one.
    pub(super) fn rise(&mut self, ratio: f64) {
        for events in &mut self.events {
            *events = (*events * ratio).min(1e15);
        }
    }

    /// What is usual in an hour.
    pub(super) fn usual(&self, hour: i64) -> Usual {
        let level = (self.events.iter().sum::<f64>() + 0.3) / (self.hours.iter().sum::<f64>() + 0.3);
        let (events, hours) = (smooth(&self.events, of_day(hour)), smooth(&self.hours, of_day(hour)));
        Usual { rate: (events + PRIOR) / (hours + PRIOR / level) / 60.0, weight: events + PRIOR / 2.0 }
    }
}
