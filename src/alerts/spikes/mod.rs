//! # Spikes: when an issue does what it never does
//! **Promise.** From the counts of one issue's minutes, and nothing else: one alert per spike, minutes after it began, hardly any that is none, and
//! figures behind either answer. Nothing depends on what comes later; a state written down and read back goes on as if nothing had happened.
//! **How.** Three ideas. How surprising is the count of the last 5, 15, 60 and 240 minutes ([`windows`]) under the issue's own day ([`profile`])? The
//! issue is its own yardstick: that surprise must stand out from its ordinary hours', the count from the same hour of the last week ([`memory`]). A minute
//! never counts for more than a few times the usual, so a burst has to last. [`judge`] has the conditions, [`debt`] what comes late after a silence.
//! **When it breaks.** Every number is bounded; bytes that are no state are an error, and the issue starts anew.
//! **Not here.** The database, who asks when, and messages. Times are minutes since 1970, hours those of UTC. `vedette spikes` runs it on files.

mod debt;
mod detector;
mod judge;
mod memory;
mod packed;
mod profile;
mod windows;
mod words;

#[cfg(test)]
mod tests;

pub use detector::{Answer, Detector, LATE, Over, Spike};
pub use judge::{Figures, Held};
pub use packed::Unreadable;
pub use windows::WINDOWS;

/// Fewest events more than usual: below that nobody is helped by a mail.
const EXCESS: f64 = 20.0;
/// Least ratio to the usual; over below half of it.
const RATIO: f64 = 2.5;
/// Least log-likelihood ratio.
const SURPRISE: f64 = 20.0;
/// Events that usually come together.
const CLUMP: f64 = 2.0;
/// Coefficient of variation of the usual rate that no history removes.
const DOUBT: f64 = 0.2;
/// A minute counts at most this often the usual, plus one.
const CAP: f64 = 5.0;
/// Standard deviations above the log surprise of ordinary hours.
const Z: f64 = 4.5;
/// Memory of that, in hours with events.
const HOURS: f64 = 60.0;
/// Times the largest window of the same hour on the last seven days.
const CLEAR: f64 = 2.0;
/// Times the largest window of eight days: news whatever `Z` says.
const RECORD: f64 = 2.7;
/// Times what a silence should have held may come late.
const DEBT: f64 = 1.4;
/// Events that the mean level weighs in each hour of the profile.
const PRIOR: f64 = 3.0;
/// Weight of the profile of the day before.
const DAY: f64 = 0.8;
