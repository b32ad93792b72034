//! # What changed, decided
//! **Promise.** [`findings`] names the few properties in which a sample of events differs from what was there before: surely, and by so much that
//! somebody would want to know; with the counts behind each. Alike samples give none: of 10,000 at most a handful (tests). The order of events
//! does not matter.
//! **How.** The most frequent values of each key are compared with a [`Baseline`] by a likelihood ratio ([`stats`]), corrected for how many
//! keys were compared. Events come in clumps (one person reloading, a batch that failed as one), so that they weigh less than they count.
//! Keys that say the same, and values of the same events, are told once. **When it breaks.** What cannot be known is not told: no share of before
//! where values were folded away. **Not here.** Reading events ([`super`]), how findings are said ([`mod@super::words`]).

mod baseline;
mod stats;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use baseline::Against;
pub(super) use baseline::Baseline;

use crate::events::summary::Summary;
use crate::events::tag_stats::{OWN_KEYS, TagValues};

/// Fewest events with the key in the sample, fewest with the value, and fewest with the key before: below these nothing is compared.
pub(super) const SUPPORT: usize = 10;
/// Findings that are told.
const MAX_FINDINGS: usize = 4;
/// Further values of a finding's events that are told.
const MAX_ALSO: usize = 3;
/// Least share of the sample: a value that fewer events have does not explain them.
const SHARE: f64 = 0.3;
/// Least share where the share of before is not known for certain.
const SHARE_UNSURE: f64 = 0.5;
/// Least difference of the shares.
const DIFFERENCE: f64 = 0.25;
/// Least ratio of the odds: from 50 % to 80 %, from 20 % to 50 %, from 5 % to 30 % (where the difference decides).
const ODDS: f64 = 4.0;
/// Probability that a sample with nothing special about it has a finding, over all its keys.
const ALPHA: f64 = 0.001;
/// What an event weighs where users are compared, in the sample (people try again) and before.
const USER_WEIGHTS: (f64, f64) = (0.25, 0.5);
/// Values of one key that can be frequent enough.
const VALUES: usize = 3;
/// Share of their events that two values have in common to be called the same events.
const SAME: f64 = 0.9;

/// What is unusual about the events of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Of which key.
    pub key: String,
    /// The value that stands out.
    pub value: String,
    /// Events of the sample with the value.
    pub count: u64,
    /// Events of the sample with the key.
    pub of: u64,
    /// Events with the value and with the key that it was compared with; nothing when the first is not known for certain.
    pub before: Option<(u64, u64)>,
    /// Keys and values that (nearly) the same events have.
    pub also: Vec<(String, String)>,
}

/// Events of a sample by key and value, as their places in the sample.
type Seen<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<usize>>>;

/// What the sample's events have.
fn seen(sample: &[Summary]) -> Seen<'_> {
    let mut seen = Seen::new();
    for (at, summary) in sample.iter().enumerate() {
        for (key, value) in &summary.tags {
            seen.entry(key).or_default().entry(value).or_default().push(at);
        }
    }
    seen
}

/// A value that stands out.
struct Candidate<'a> {
    finding: Finding,
    /// The log-likelihood ratio.
    surprise: f64,
    events: &'a [usize],
}

/// What is unusual about the sample, the most telling first; nothing when nothing is.
pub(super) fn findings(sample: &[Summary], baseline: &Baseline) -> Vec<Finding> {
    let seen = seen(sample);
    let compared: Vec<_> = seen.iter().filter_map(|(key, values)| Some((*key, values, comparable(key, values, baseline)?))).collect();
    let needed = (compared.len() as f64 * VALUES as f64 / ALPHA).ln();
    let weight = stats::weight(sample.iter().map(|summary| summary.user));
    let mut found: Vec<Candidate<'_>> = Vec::new();
    for (key, values, before) in compared {
        let of = total(values);
        for (value, events) in values.iter().filter(|(_, events)| events.len() >= SUPPORT) {
            // A handful of people who have something in common are no news.
            let own = stats::weight(events.iter().filter_map(|at| sample.get(*at)).map(|summary| summary.user));
            // Whose events they are is what the weights are made of.
            let weights = if key == "user" { USER_WEIGHTS } else { (weight.min(own), baseline.weight) };
            let candidate = stands_out((key, value), (events, of), before, weights);
            found.extend(candidate.filter(|candidate| candidate.surprise >= needed));
        }
    }
    told_once(found)
}

/// The events that have the key.
fn total(values: &BTreeMap<&str, Vec<usize>>) -> usize {
    values.values().map(Vec::len).sum()
}

/// What the key is compared with, if there is enough on both sides.
fn comparable<'a>(key: &str, values: &BTreeMap<&str, Vec<usize>>, baseline: &'a Baseline) -> Option<&'a TagValues> {
    let before = baseline.of(key)?;
    (total(values) >= SUPPORT && before.total >= SUPPORT as u64).then_some(before)
}

/// The value, if it is much more frequent than before; how surely is for the caller to judge.
fn stands_out<'a>(
    (key, value): (&str, &str),
    (events, of): (&'a [usize], usize),
    before: &TagValues,
    (weight, weight_before): (f64, f64),
) -> Option<Candidate<'a>> {
    let listed = before.values.iter().find(|(known, _)| known == value).map_or(0, |(_, count)| (*count).min(before.total));
    let share = events.len() as f64 / of as f64;
    let share_before = listed as f64 / before.total as f64;
    // A value that was folded away had less than one event in ninety each time: what is listed is near the truth, but it is not the truth.
    let sure = before.folded == 0;
    let enough = share >= if sure { SHARE } else { SHARE_UNSURE };
    let (now, then) = ((events.len() as u64, of as u64), (listed, before.total));
    if !enough || share - share_before < DIFFERENCE || stats::odds(now) < ODDS * stats::odds(then) {
        return None;
    }
    let surprise = stats::surprise((now, weight), (then, weight_before));
    let finding =
        Finding { key: key.to_owned(), value: value.to_owned(), count: now.0, of: now.1, before: sure.then_some(then), also: Vec::new() };
    Some(Candidate { finding, surprise, events })
}

/// Keys that are two names of one thing.
fn thing(key: &str) -> &str {
    match key {
        "browser.name" => "browser",
        "os.name" => "os",
        "device.family" => "device",
        "runtime.name" => "runtime",
        "dist" => "release",
        other => other,
    }
}

/// One finding per thing, and one per set of events; of several, the one of the product's own keys, then the one that is surer.
fn told_once(mut found: Vec<Candidate<'_>>) -> Vec<Finding> {
    let place = |candidate: &Candidate<'_>| OWN_KEYS.iter().position(|own| *own == candidate.finding.key).unwrap_or(OWN_KEYS.len());
    let by_surprise = |a: &Candidate<'_>, b: &Candidate<'_>| b.surprise.total_cmp(&a.surprise).then(place(a).cmp(&place(b)));
    found.sort_by(|a, b| {
        let made_up = |candidate: &Candidate<'_>| place(candidate) == OWN_KEYS.len();
        let name = |candidate: &Candidate<'_>| (candidate.finding.key.clone(), candidate.finding.value.clone());
        made_up(a).cmp(&made_up(b)).then(by_surprise(a, b)).then_with(|| name(a).cmp(&name(b)))
    });
    let mut told: Vec<Candidate<'_>> = Vec::new();
    for candidate in found {
        let same_thing = |other: &Candidate<'_>| thing(&other.finding.key) == thing(&candidate.finding.key);
        if told
            .iter()
            .any(|other| same_thing(other) || other.finding.also.iter().any(|(key, _)| thing(key) == thing(&candidate.finding.key)))
        {
            continue;
        }
        match told.iter_mut().find(|other| same_events(other.events, candidate.events)) {
            Some(other) if other.finding.also.len() < MAX_ALSO => other.finding.also.push((candidate.finding.key, candidate.finding.value)),
            Some(_) => {}
            None => told.push(candidate),
        }
    }
    told.sort_by(by_surprise);
    told.into_iter().take(MAX_FINDINGS).map(|candidate| candidate.finding).collect()
}

/// Whether two values have nearly the same events; places are in order.
fn same_events(a: &[usize], b: &[usize]) -> bool {
    let both = a.iter().filter(|at| b.binary_search(at).is_ok()).count();
    both as f64 >= SAME * (a.len() + b.len() - both) as f64
}
