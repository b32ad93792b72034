//! # Many globs in lockstep
//!
//! **Promise.** Which of a set of globs match a text, in a number of steps known beforehand: [`Globs::steps`], whatever the globs and the text.
//! **How.** Each place in each glob is a bit; a character moves all bits at once (shift-and). No automaton is built, so none can outgrow its cache.
//! An automaton over the same globs is several times faster on ordinary texts; this is what is used when it gives up.
//! **Not here.** Reading globs (`glob`).

use regex_syntax::hir::ClassUnicode;

use super::glob::{Piece, SLASH};

/// What the rest of the work comes to, in steps: for each text as many characters, for each character as many words, for each class looked at.
const PER_TEXT: u64 = 16;
const PER_CHARACTER: u64 = 8;
const PER_CLASS: u64 = 8;

/// Sets of up to this many words need no memory from the heap while matching.
const SMALL: usize = 4;

/// Globs made ready, all to be tried on the same texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Globs {
    words: usize,
    /// For each ASCII character: the places it may lead into.
    ascii: Vec<u64>,
    /// Places that any other character leads into.
    beyond: Vec<u64>,
    /// What only some other characters lead into: those characters, and the places.
    wide: Vec<(ClassUnicode, Vec<usize>)>,
    /// Places that keep their bit, by kind of character: slash, line break, other.
    stay: [Vec<u64>; 3],
    /// Places that lead not only to the next but to the one after it as well; empty when there are none.
    double: Vec<u64>,
    first: Vec<u64>,
    /// The last place of each glob, and the glob's number.
    last: Vec<(usize, u32)>,
}

#[derive(Default)]
struct Places {
    enter: Vec<Option<ClassUnicode>>,
    stay: Vec<u8>,
    double: Vec<bool>,
    first: Vec<bool>,
    last: Vec<(usize, u32)>,
}

impl Places {
    fn push(&mut self, enter: Option<ClassUnicode>, first: bool) {
        self.enter.push(enter);
        self.stay.push(0);
        self.double.push(false);
        self.first.push(first);
    }

    fn stay(&mut self, kinds: u8) {
        if let Some(stay) = self.stay.last_mut() {
            *stay |= kinds;
        }
    }

    fn glob(&mut self, pieces: &[Piece], number: u32) {
        self.push(None, true);
        for piece in pieces {
            match piece {
                Piece::One(class) => self.push(Some(class.clone()), false),
                Piece::Run(kinds) => self.stay(*kinds),
                Piece::Root(kinds) => {
                    self.stay(*kinds);
                    self.push(Some(slash()), true);
                }
                Piece::Between(kinds) => {
                    if let Some(double) = self.double.last_mut() {
                        *double = true;
                    }
                    self.push(Some(slash()), false);
                    self.stay(*kinds);
                    self.push(Some(slash()), false);
                }
            }
        }
        self.last.push((self.enter.len() - 1, number));
    }
}

fn slash() -> ClassUnicode {
    super::glob::one('/')
}

fn set(row: &mut [u64], bit: usize) {
    row[bit / 64] |= 1 << (bit % 64);
}

fn contains(class: &ClassUnicode, wanted: char) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| range.end() < wanted);
    ranges.get(at).is_some_and(|range| range.start() <= wanted)
}

impl Globs {
    /// Makes globs ready, each with the number it is found by; a glob of several ways has the same number more than once.
    pub(super) fn new<'g>(globs: impl IntoIterator<Item = (u32, &'g [Piece])>) -> Self {
        let mut places = Places::default();
        globs.into_iter().for_each(|(number, pieces)| places.glob(pieces, number));
        let words = places.enter.len().div_ceil(64);
        let row = || vec![0; words];
        let mut made = Self {
            words,
            ascii: vec![0; 128 * words],
            beyond: row(),
            wide: Vec::new(),
            stay: [row(), row(), row()],
            double: Vec::new(),
            first: row(),
            last: places.last,
        };
        for (bit, enter) in places.enter.into_iter().enumerate() {
            made.enter(bit, enter);
        }
        for (bit, kinds) in places.stay.into_iter().enumerate() {
            made.stay.iter_mut().enumerate().filter(|(kind, _)| kinds & (1 << kind) != 0).for_each(|(_, row)| set(row, bit));
        }
        if places.double.contains(&true) {
            made.double = row();
        }
        places.double.iter().enumerate().filter(|(_, is)| **is).for_each(|(bit, _)| set(&mut made.double, bit));
        places.first.iter().enumerate().filter(|(_, is)| **is).for_each(|(bit, _)| set(&mut made.first, bit));
        made
    }

    fn enter(&mut self, bit: usize, class: Option<ClassUnicode>) {
        let Some(class) = class else { return };
        for range in class.ranges() {
            for ascii in range.start() as usize..=(range.end() as usize).min(127) {
                set(&mut self.ascii[ascii * self.words..(ascii + 1) * self.words], bit);
            }
        }
        if class.ranges().iter().any(|range| range.start() <= '\u{80}' && range.end() == char::MAX) {
            set(&mut self.beyond, bit);
        } else if class.ranges().last().is_some_and(|range| range.end() > '\u{7f}') {
            match self.wide.iter_mut().find(|(other, _)| *other == class) {
                Some((_, places)) => places.push(bit),
                None => self.wide.push((class, vec![bit])),
            }
        }
    }

    /// How many steps [`Globs::find`] takes at most for a text; a step is one word of bits moved over one character.
    pub(super) fn steps(&self, text: &str) -> u64 {
        let plain = (text.len() as u64 + PER_TEXT) * (self.words as u64 + PER_CHARACTER);
        if self.wide.is_empty() {
            return plain;
        }
        let places: usize = self.wide.iter().map(|(_, places)| places.len()).sum();
        let beyond = text.bytes().filter(|byte| !byte.is_ascii()).count() as u64;
        plain + beyond * (PER_CLASS * self.wide.len() as u64 + 2 * places as u64)
    }

    /// Calls `found` with the number of each glob that matches the whole text.
    pub(super) fn find(&self, text: &str, found: impl FnMut(u32)) {
        if self.words <= SMALL {
            let (mut now, mut next, mut row) = ([0; SMALL], [0; SMALL], [0; SMALL]);
            self.walk(text, [&mut now[..self.words], &mut next[..self.words], &mut row[..self.words]], found);
        } else {
            let (mut now, mut next, mut row) = (vec![0; self.words], vec![0; self.words], vec![0; self.words]);
            self.walk(text, [&mut now, &mut next, &mut row], found);
        }
    }

    /// Whether any glob matches the whole text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let mut found = false;
        self.find(text, |_| found = true);
        found
    }

    fn walk(&self, text: &str, [mut now, mut next, scratch]: [&mut [u64]; 3], mut found: impl FnMut(u32)) {
        now.copy_from_slice(&self.first);
        for character in text.chars() {
            let row: &[u64] = if character.is_ascii() {
                let at = character as usize * self.words;
                &self.ascii[at..at + self.words]
            } else if self.wide.is_empty() {
                &self.beyond
            } else {
                scratch.copy_from_slice(&self.beyond);
                let wide = self.wide.iter().filter(|(class, _)| contains(class, character));
                wide.flat_map(|(_, places)| places).for_each(|bit| set(scratch, *bit));
                scratch
            };
            let kind = match character {
                SLASH => 0,
                '\n' => 1,
                _ => 2,
            };
            if !self.advance(now, next, row, &self.stay[kind]) {
                return;
            }
            std::mem::swap(&mut now, &mut next);
        }
        self.last.iter().filter(|(bit, _)| now[bit / 64] & (1 << (bit % 64)) != 0).for_each(|(_, number)| found(*number));
    }

    /// Moves all bits over one character. Says whether any is left.
    fn advance(&self, now: &[u64], next: &mut [u64], row: &[u64], stay: &[u64]) -> bool {
        let Some(first) = now.first() else { return false };
        let doubled = |word: usize, here: u64| here & self.double.get(word).copied().unwrap_or_default();
        next[0] = ((first << 1) | (doubled(0, *first) << 2)) & row[0] | first & stay[0];
        let mut left = next[0];
        // The slices have one length, so that the compiler takes several words at once.
        let later = now.len() - 1;
        let (before, here, next, row, stay) = (&now[..later], &now[1..], &mut next[1..], &row[1..=later], &stay[1..=later]);
        if self.double.is_empty() {
            for word in 0..later {
                next[word] = ((here[word] << 1) | (before[word] >> 63)) & row[word] | here[word] & stay[word];
                left |= next[word];
            }
        } else {
            let (double, double_before) = (&self.double[1..=later], &self.double[..later]);
            for word in 0..later {
                let one = (here[word] << 1) | (before[word] >> 63);
                let two = ((here[word] & double[word]) << 2) | ((before[word] & double_before[word]) >> 62);
                next[word] = (one | two) & row[word] | here[word] & stay[word];
                left |= next[word];
            }
        }
        left != 0
    }
}
