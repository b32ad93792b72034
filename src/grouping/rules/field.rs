//! # The globs on one field
//!
//! **Promise.** All globs of a text that match a value, at a bounded cost.
//! **How.** An automaton whose states are made as texts need them, which ordinary texts do seldom. Hostile ones need new states all the time: it then
//! gives up, and for the rest of the event the globs are matched in lockstep (`globs`), which finds the same.

use std::collections::HashSet;
use std::panic::{RefUnwindSafe, UnwindSafe};

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};

use super::super::effort::Effort;
use super::super::globs::Globs;
use super::Subject;
use super::compile::{Added, Bits};

/// Globs that make more than this get no automaton: making states would cost more than the steps it saves.
const MAX_AUTOMATON_BYTES: usize = 4 << 20;

/// What an automaton may remember per thread; past it, it starts anew.
const MAX_CACHE_BYTES: usize = 2 << 20;

/// It gives up when it started anew so often and made a state for fewer than so many bytes each.
const MAX_RESTARTS: usize = 3;
const MIN_BYTES_PER_STATE: usize = 10;

type Memory = Pool<(Cache, PatternSet), Box<dyn Fn() -> (Cache, PatternSet) + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// The globs on one field.
#[derive(Debug)]
pub(super) struct Field {
    automaton: Option<(DFA, Memory)>,
    globs: Globs,
    /// The globs' numbers, in the automaton's order.
    numbers: Vec<u32>,
}

/// How far an event has come.
#[derive(Debug, Default)]
pub(in super::super) struct Matching {
    pub(super) effort: Effort,
    /// The fields whose automata gave up, by layer.
    gave_up: HashSet<(usize, Subject)>,
}

impl Matching {
    /// Whether the project's rules were left out somewhere, because they would have cost too much.
    pub(in super::super) fn is_spent(&self) -> bool {
        self.effort.is_spent()
    }

    /// Whether any automaton gave up.
    #[cfg(test)]
    pub(super) fn gave_up(&self) -> bool {
        !self.gave_up.is_empty()
    }
}

impl Field {
    pub(super) fn new(added: &[Added]) -> Self {
        let ways = added.iter().flat_map(|glob| glob.ways.iter().map(|way| (glob.number, way.as_slice())));
        Self { automaton: automaton(added), globs: Globs::new(ways), numbers: added.iter().map(|glob| glob.number).collect() }
    }

    /// What [`Field::find`] costs at most.
    pub(super) fn steps(&self, value: &str) -> u64 {
        self.globs.steps(value)
    }

    /// Adds the globs that match to `bits`. `place` is the field's own in `matching`.
    pub(super) fn find(&self, value: &str, bits: &mut Bits, matching: &mut Matching, place: (usize, Subject)) {
        if let Some((automaton, memory)) = &self.automaton
            && (matching.gave_up.is_empty() || !matching.gave_up.contains(&place))
        {
            let mut memory = memory.get();
            let (cache, found) = &mut *memory;
            found.clear();
            if automaton.try_which_overlapping_matches(cache, &Input::new(value).anchored(Anchored::Yes), found).is_ok() {
                return found.iter().for_each(|index| bits.insert(self.numbers[index.as_usize()]));
            }
            matching.gave_up.insert(place);
        }
        self.globs.find(value, |number| bits.insert(number));
    }
}

fn automaton(added: &[Added]) -> Option<(DFA, Memory)> {
    let regexes: Vec<&str> = added.iter().map(|glob| glob.regex.as_str()).collect();
    let made = DFA::builder()
        .thompson(thompson::Config::new().nfa_size_limit(Some(MAX_AUTOMATON_BYTES)))
        .configure(
            DFA::config()
                .match_kind(MatchKind::All)
                .cache_capacity(MAX_CACHE_BYTES)
                .skip_cache_capacity_check(true)
                .minimum_cache_clear_count(Some(MAX_RESTARTS))
                .minimum_bytes_per_state(Some(MIN_BYTES_PER_STATE)),
        )
        .build_many(&regexes)
        .ok()?;
    let (maker, patterns) = (made.clone(), regexes.len());
    Some((made, Pool::new(Box::new(move || (maker.create_cache(), PatternSet::new(patterns))))))
}
