//! One issue, moved on: its state and what came, to the state afterwards and what is to be told. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::alerts::spikes::{Answer, Detector, Figures, Held, LATE, Over, Spike};
use crate::events::fresh::Minutes;
use crate::events::partitions::MINUTE_DAYS;
use crate::issues::facts::{SpikeOver, Spiked};
use crate::issues::spikes::{Look, Looks, Row, Spiking};

/// Minutes without events that are gone through, one by one; after more the issue is a new one.
const LONGEST: i64 = 90 * 1_440;
/// Minutes for which the most surprising judgement is kept.
const DAY: i64 = 1_440;

/// When nobody listened.
#[derive(Debug, Clone, Default)]
pub(super) struct Deaf {
    /// Runs of minutes, ends included, in order.
    pub(super) gaps: Vec<(i32, i32)>,
    /// Minutes of those in which something was received nevertheless.
    pub(super) heard: BTreeSet<i32>,
}

impl Deaf {
    fn contains(&self, minute: i64) -> bool {
        let minute = minute as i32;
        self.in_gap(minute) && !self.heard.contains(&minute)
    }

    fn in_gap(&self, minute: i32) -> bool {
        let at = self.gaps.partition_point(|gap| gap.1 < minute);
        self.gaps.get(at).is_some_and(|gap| gap.0 <= minute)
    }

    /// How many of these minutes, ends included.
    pub(super) fn between(&self, first: i32, last: i32) -> i32 {
        let gaps = self.gaps.iter().map(|gap| gap.1.min(last) - gap.0.max(first) + 1).filter(|minutes| *minutes > 0);
        let heard = self.heard.iter().filter(|minute| (first..=last).contains(minute) && self.in_gap(**minute));
        gaps.sum::<i32>() - heard.count() as i32
    }
}

/// What there is to do for an issue.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// Events came.
    Came(Minutes),
    /// Nothing came until then.
    Nothing(i32),
    /// Its state is to be made anew from these minutes.
    Anew(Minutes),
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    /// A spike.
    Spiked(Spiked),
    /// Its end.
    Over(SpikeOver),
}

/// What all issues of a round have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// The last minute that is over.
    pub(super) closed: i32,
    /// When nobody listened.
    pub(super) deaf: Deaf,
}

/// When a minute begins.
fn start(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(minute * 60, 0).unwrap_or_default()
}

type Judged = (i64, Figures, Option<Held>);

struct Follower<'r> {
    round: &'r Round,
    row: Row,
    detector: Detector,
    last: Option<Judged>,
    highest: Option<Judged>,
    told: Vec<Told>,
}

impl Round {
    /// The earliest minute from which a state is made anew.
    pub(super) fn horizon(&self) -> i32 {
        self.closed - MINUTE_DAYS * 1_440
    }

    /// Does the work.
    pub(super) fn follow(&self, row: Row, work: &Work) -> (Row, Vec<Told>) {
        let known = row.state.as_deref().and_then(|state| Detector::unpack(state).ok());
        let first = match work {
            Work::Came(minutes) => minutes.keys().next().copied().unwrap_or(self.closed),
            Work::Nothing(until) => *until,
            Work::Anew(minutes) => {
                let seen = (row.first_seen.timestamp() / 60) as i32;
                minutes.keys().next().map_or(seen, |first| seen.min(*first)).max(self.horizon())
            }
        };
        let detector = known.unwrap_or_else(|| Detector::new(first.into()));
        let mut follower = Follower { round: self, row, detector, last: None, highest: None, told: Vec::new() };
        match work {
            Work::Came(minutes) => minutes.iter().for_each(|(minute, count)| follower.came((*minute).into(), *count)),
            Work::Nothing(until) => follower.wait(i64::from(*until) + 1),
            Work::Anew(minutes) => follower.anew((first.into(), self.closed.into()), minutes),
        }
        follower.end()
    }
}

impl Follower<'_> {
    /// Minutes without events, up to the one before `next`.
    fn wait(&mut self, next: i64) {
        while self.detector.next() < next {
            let minute = self.detector.next();
            let answer = self.detector.minute(0, self.round.deaf.contains(minute));
            self.heed(&answer, true);
        }
    }

    fn came(&mut self, minute: i64, count: u32) {
        let is_past = minute <= i64::from(self.round.closed) - LATE;
        if minute < self.detector.next() {
            let answer = if is_past {
                self.detector.add_late(minute, count);
                Answer::default()
            } else {
                self.detector.late(minute, count)
            };
            self.heed(&answer, true);
            return;
        }
        if minute - self.detector.next() > LONGEST {
            self.detector = Detector::new(minute);
        }
        self.wait(minute);
        let is_deaf = self.round.deaf.contains(minute);
        let answer = if is_past { self.detector.past_minute(count, is_deaf) } else { self.detector.minute(count, is_deaf) };
        self.heed(&answer, true);
    }

    /// As if it had been watched all the time, and nobody is told.
    fn anew(&mut self, (first, last): (i64, i64), minutes: &Minutes) {
        self.detector = Detector::new(first);
        let was_told = self.row.spike.take().is_some_and(|spike| spike.told);
        for minute in first..=last {
            let count = minutes.get(&(minute as i32)).copied().unwrap_or_default();
            let answer = self.detector.minute(count, self.round.deaf.contains(minute));
            self.heed(&answer, false);
        }
        if let Some(spike) = &mut self.row.spike {
            spike.told = was_told;
        }
    }

    fn heed(&mut self, answer: &Answer, is_told: bool) {
        if let Some(over) = &answer.over {
            let was_told = self.row.spike.take().is_some_and(|spike| spike.told);
            if is_told && was_told {
                self.told.push(Told::Over(self.over(over)));
            }
        }
        if let Some(spike) = &answer.spike {
            let fact = self.spiked(spike);
            self.row.spike = Some(Spiking { since: fact.since, at: fact.at, words: fact.words.clone(), peak: fact.peak, told: is_told });
            self.judged((spike.minute, spike.figures, None));
            if is_told {
                self.told.push(Told::Spiked(fact));
            }
        }
        if let Some((figures, held)) = answer.no {
            self.judged((self.detector.next() - 1, figures, Some(held)));
        }
    }

    fn judged(&mut self, judged: Judged) {
        self.last = Some(judged);
        let is_higher = self.highest.is_none_or(|before| before.1.surprise <= judged.1.surprise || before.0 < judged.0 - DAY);
        if is_higher {
            self.highest = Some(judged);
        }
    }

    fn spiked(&self, spike: &Spike) -> Spiked {
        let figures = spike.figures;
        Spiked {
            issue: self.row.issue,
            since: start(spike.since),
            at: start(spike.minute + 1),
            window: figures.window,
            count: figures.count,
            usual: figures.usual,
            peak: spike.peak,
            words: figures.to_string(),
        }
    }

    fn over(&self, over: &Over) -> SpikeOver {
        SpikeOver {
            issue: self.row.issue,
            since: start(over.since),
            until: start(over.until + 1),
            events: over.events,
            peak: over.peak,
            is_settled: over.settled,
        }
    }

    fn end(mut self) -> (Row, Vec<Told>) {
        let look = |(minute, figures, held): Judged| Look {
            at: start(minute + 1),
            words: figures.to_string(),
            surprise: figures.surprise,
            threshold: figures.threshold,
            held: held.and_then(|held| serde_json::to_value(held).ok()?.as_str().map(str::to_owned)),
        };
        if let Some(last) = self.last.map(look) {
            let before = self.row.looks.take().and_then(|looks| looks.highest);
            let before = before.filter(|before| (last.at - before.at).num_minutes() <= DAY);
            let now = self.highest.map(look);
            let is_higher = |now: &Look| before.as_ref().is_none_or(|before| before.surprise <= now.surprise);
            let highest = now.filter(is_higher).or(before);
            self.row.looks = Some(Looks { last, highest });
        }
        self.row.state = Some(self.detector.pack());
        self.row.seen_until = (self.detector.next() - 1) as i32;
        (self.row, self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{IssueId, ProjectId};

    fn row() -> Row {
        Row {
            issue: IssueId::new(ProjectId(1), 7),
            first_seen: start(0),
            state: None,
            is_known: false,
            is_moving: false,
            seen_until: 0,
            spike: None,
            looks: None,
        }
    }

    /// Follows counts from minute 0 on, each asked for as soon as it is over; the row then, and what was told.
    fn watched(counts: impl IntoIterator<Item = u32>) -> (Row, Vec<Told>) {
        let (mut row, mut all) = (row(), Vec::new());
        for (minute, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let closed = minute as i32;
            let (next, told) = Round { closed, ..Round::default() }.follow(row, &Work::Came([(closed, count)].into()));
            row = next;
            all.extend(told);
        }
        (row, all)
    }

    /// One event every ten minutes.
    fn trickle(days: u32) -> impl Iterator<Item = u32> {
        (0..days * 1_440).map(|minute| u32::from(minute % 10 == 0))
    }

    fn kinds(told: &[Told]) -> Vec<&'static str> {
        told.iter().map(|told| if matches!(told, Told::Spiked(_)) { "spiked" } else { "over" }).collect()
    }

    #[test]
    fn a_new_level_is_told_once_and_after_a_day_it_is_usual() {
        let (row, told) = watched(trickle(2).chain(std::iter::repeat_n(3, 2 * 1_440)));
        assert_eq!(kinds(&told), ["spiked", "over"]);
        assert!(matches!(&told[1], Told::Over(over) if over.is_settled && over.words().contains("so many are usual now")), "{told:?}");
        assert_eq!(row.spike, None);
    }

    #[test]
    fn a_backlog_of_an_hour_ago_is_learnt_and_told_to_nobody_unless_it_goes_on() {
        let (before, _) = watched(trickle(2));
        let burst = |first: i32, last: i32| (first..=last).map(|minute| (2_880 + minute, 9)).collect::<Minutes>();
        let round = Round { closed: 2_880 + 80, ..Round::default() };
        let (after, told) = round.follow(before.clone(), &Work::Came(burst(0, 20)));
        assert_eq!((kinds(&told), after.spike), (vec![], None));
        let held = after.looks.and_then(|looks| looks.last.held);
        assert_eq!(held.as_deref(), Some("past"));
        let (after, told) = round.follow(before, &Work::Came(burst(0, 79)));
        assert_eq!(kinds(&told), ["spiked"]);
        assert!(matches!(&told[0], Told::Spiked(fact) if fact.since == start(2_880)), "it says since when: {told:?}");
        assert!(after.spike.is_some());
    }

    #[test]
    fn a_state_made_anew_knows_the_past_and_tells_nobody() {
        let counts: Minutes = trickle(2).chain([9; 10]).enumerate().filter(|(_, count)| *count > 0).map(|(m, c)| (m as i32, c)).collect();
        let round = Round { closed: 2_889, ..Round::default() };
        let (anew, told) = round.follow(row(), &Work::Anew(counts));
        let (watched, _) = watched(trickle(2).chain([9; 10]));
        assert_eq!((kinds(&told), &anew.state), (vec![], &watched.state));
        assert!(anew.spike.is_some_and(|spike| !spike.told) && watched.spike.is_some_and(|spike| spike.told));
    }

    #[test]
    fn minutes_in_which_nobody_listened_are_those_of_no_process_and_no_event() {
        let deaf = Deaf { gaps: vec![(10, 12), (20, i32::MAX)], heard: [11].into() };
        let found: Vec<i64> = (8..23).filter(|minute| deaf.contains(*minute)).collect();
        assert_eq!(found, [10, 12, 20, 21, 22]);
        assert_eq!((deaf.between(8, 22), deaf.between(11, 12), deaf.between(13, 19), deaf.between(5, 4)), (5, 1, 0, 0));
    }
}
