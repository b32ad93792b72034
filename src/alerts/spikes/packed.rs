//! The state as bytes, in one version. Small numbers take one byte and runs of equal ones four at most, so that a quiet issue is a few hundred bytes and a busy one under
//! four thousand. What can be computed from the rest (sums of windows) is not written.

use super::debt::Debt;
use super::detector::{Alert, Detector, Hour, Run};
use super::memory::{PAST, Past, Surprises};
use super::profile::{HOURS_A_DAY, Profile, Usual};
use super::windows::{Cell, KEPT, Ring, WINDOWS};

const VERSION: u64 = 1;

/// Bytes that are no state of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no state of the spike detector")]
pub struct Unreadable;

impl Detector {
    /// The state, for [`Detector::unpack`].
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(1_024));
        out.whole(VERSION);
        out.time(self.born);
        out.time(self.ring.now());
        out.time(self.from);
        out.whole(self.events);
        out.runs(self.ring.cells().map(|cell| u64::from(cell.count)));
        out.runs(self.ring.cells().map(|cell| u64::from(cell.usual.to_bits())));
        out.floats(&self.profile.events);
        out.floats(&self.profile.hours);
        out.floats(&[self.usual.rate, self.usual.weight, self.hour.capped, self.hour.usual]);
        out.whole(self.hour.count);
        out.whole(u64::from(self.hour.deaf));
        out.whole(u64::from(self.hour.alerted));
        out.runs(self.hour.largest.into_iter().map(u64::from));
        for window in &self.past.0 {
            out.runs(window.iter().map(|count| u64::from(*count)));
        }
        out.floats(&self.surprises.mean);
        out.floats(&self.surprises.variance);
        out.floats(&self.surprises.peak);
        out.floats(&[self.surprises.seen, self.debt.silence, self.debt.owed]);
        out.time(self.debt.set_at);
        out.time(self.debt.last_event);
        out.whole(u64::from(self.run.is_some()));
        if let Some(run) = self.run {
            out.time(run.since);
            out.time(run.until);
            out.whole(run.events);
            out.whole(u64::from(run.peak));
        }
        out.whole(u64::from(self.alert.is_some()));
        if let Some(alert) = self.alert {
            out.time(alert.at);
            out.floats(&[alert.got, alert.wanted]);
        }
        out.0
    }

    /// Reads a state back: it answers what the one that was packed would.
    pub fn unpack(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut from = Reader(bytes);
        if from.whole()? != VERSION {
            return Err(Unreadable);
        }
        let (born, now, start, events) = (from.time()?, from.time()?, from.time()?, from.whole()?);
        let counts: [u32; KEPT] = from.runs()?;
        let rates: [u32; KEPT] = from.runs()?;
        let cells = std::array::from_fn::<Cell, KEPT, _>(|at| Cell { count: counts[at], usual: f32::from_bits(rates[at]) });
        if cells.iter().any(|cell| !cell.usual.is_finite() || cell.usual < 0.0 || cell.count > super::windows::MOST) {
            return Err(Unreadable);
        }
        let profile = Profile { events: from.floats::<HOURS_A_DAY>()?, hours: from.floats::<HOURS_A_DAY>()? };
        let [rate, weight, capped, usual] = from.floats()?;
        let (count, deaf, alerted) = (from.whole()?, from.whole()?.try_into().map_err(|_| Unreadable)?, from.flag()?);
        let hour = Hour { capped, usual, count, deaf, alerted, largest: from.runs::<{ WINDOWS.len() }>()? };
        let mut past = Past::new();
        for window in &mut past.0 {
            *window = from.runs::<PAST>()?;
        }
        let [mean, variance, peak] = [from.floats()?, from.floats()?, from.floats()?];
        // Of a negative one there is no root, and a reach that is no number ends the process.
        if variance.iter().any(|variance| *variance < 0.0) {
            return Err(Unreadable);
        }
        let [seen, silence, owed] = from.floats()?;
        let debt = Debt { silence, owed, set_at: from.time()?, last_event: from.time()? };
        let run = if from.flag()? {
            let (since, until, events) = (from.time()?, from.time()?, from.whole()?);
            Some(Run { since, until, events, peak: from.whole()?.try_into().map_err(|_| Unreadable)? })
        } else {
            None
        };
        let alert = if from.flag()? {
            let at = from.time()?;
            let [got, wanted] = from.floats()?;
            Some(Alert { at, got, wanted })
        } else {
            None
        };
        if !from.0.is_empty() {
            return Err(Unreadable);
        }
        let surprises = Surprises { mean, variance, peak, seen };
        let (ring, usual) = (Ring::restored(now, born + 60, &cells), Usual { rate, weight });
        Ok(Self { born, events, ring, profile, usual, hour, past, surprises, debt, run, alert, from: start })
    }
}

struct Writer(Vec<u8>);

impl Writer {
    /// Seven bits a byte, the lowest first.
    fn whole(&mut self, mut number: u64) {
        while number > 127 {
            self.0.push(number as u8 | 128);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn time(&mut self, minute: i64) {
        self.0.extend(minute.to_le_bytes());
    }

    fn floats(&mut self, numbers: &[f64]) {
        for number in numbers {
            self.0.extend(number.to_le_bytes());
        }
    }

    /// Each number doubled, plus one where the count of its repeats follows.
    fn runs(&mut self, numbers: impl Iterator<Item = u64>) {
        let mut numbers = numbers.peekable();
        while let Some(number) = numbers.next() {
            let mut repeats = 0;
            while numbers.next_if_eq(&number).is_some() {
                repeats += 1;
            }
            self.whole(number << 1 | u64::from(repeats > 0));
            if repeats > 0 {
                self.whole(repeats);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*first)
    }

    fn whole(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let [byte] = self.take()?;
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(number);
            }
        }
        Err(Unreadable)
    }

    fn flag(&mut self) -> Result<bool, Unreadable> {
        match self.whole()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unreadable),
        }
    }

    /// Far from the ends of its type, so that arithmetic on it cannot overflow.
    fn time(&mut self) -> Result<i64, Unreadable> {
        let minute = i64::from_le_bytes(self.take()?);
        if minute.unsigned_abs() < 1 << 48 { Ok(minute) } else { Err(Unreadable) }
    }

    fn floats<const N: usize>(&mut self) -> Result<[f64; N], Unreadable> {
        let mut numbers = [0.0; N];
        for number in &mut numbers {
            *number = f64::from_le_bytes(self.take()?);
            if !number.is_finite() {
                return Err(Unreadable);
            }
        }
        Ok(numbers)
    }

    fn runs<const N: usize>(&mut self) -> Result<[u32; N], Unreadable> {
        let (mut numbers, mut at) = ([0; N], 0);
        while at < N {
            let head = self.whole()?;
            let more = if head & 1 == 1 { self.whole()? } else { 0 };
            let number = u32::try_from(head >> 1).map_err(|_| Unreadable)?;
            let end = usize::try_from(more).ok().and_then(|more| at.checked_add(more)?.checked_add(1)).filter(|end| *end <= N);
            let end = end.ok_or(Unreadable)?;
            numbers[at..end].fill(number);
            at = end;
        }
        Ok(numbers)
    }
}
