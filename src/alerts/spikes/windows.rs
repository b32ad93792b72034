//! The last four hours, minute by minute, and the sums of its windows. Sums are whole numbers (events in 2^-24ths where they are not counts), so
//! they never drift, and a state read back has the very sums of the one that was written.

use super::CAP;

/// Lengths of the windows, in minutes.
pub const WINDOWS: [i64; 4] = [5, 15, 60, 240];
/// Minutes that are kept.
pub(super) const KEPT: usize = 240;
/// Counts beyond this are cut: no sum can overflow.
pub(super) const MOST: u32 = 1 << 30;
const ONE: f64 = 16_777_216.0;

/// One minute: what came, and what was usual then.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cell {
    pub(super) count: u32,
    pub(super) usual: f32,
}

/// What a window holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    count: u64,
    capped: u64,
    usual: u64,
}

/// The same as numbers of events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    /// Events.
    pub(super) count: f64,
    /// Events, where no minute counts more than a few times the usual.
    pub(super) capped: f64,
    /// What would be usual.
    pub(super) usual: f64,
}

/// The ring of minutes. `now` is the last one taken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ring {
    cells: [Cell; KEPT],
    sums: [Sums; WINDOWS.len()],
    now: i64,
    /// Minutes before this one are not capped.
    whole_until: i64,
}

fn slot(minute: i64) -> usize {
    minute.rem_euclid(KEPT as i64) as usize
}

impl Ring {
    pub(super) fn new(now: i64, whole_until: i64) -> Self {
        Self { cells: [Cell::default(); KEPT], sums: Default::default(), now, whole_until }
    }

    /// From the cells in order of time, the last of them of the minute `now`.
    pub(super) fn restored(now: i64, whole_until: i64, cells: &[Cell]) -> Self {
        let mut ring = Self::new(now - cells.len() as i64, whole_until);
        for cell in cells {
            ring.push(*cell);
        }
        ring
    }

    pub(super) fn now(&self) -> i64 {
        self.now
    }

    pub(super) fn cell(&self, minute: i64) -> Cell {
        self.cells[slot(minute)]
    }

    /// All cells in order of time.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell> {
        (self.now + 1 - KEPT as i64..=self.now).map(|minute| self.cell(minute))
    }

    fn sums_of(&self, minute: i64, cell: Cell) -> Sums {
        let usual = f64::from(cell.usual);
        let count = f64::from(cell.count);
        let capped = if minute < self.whole_until { count } else { count.min(CAP * (1.0 + usual)) };
        Sums { count: u64::from(cell.count), capped: (capped * ONE) as u64, usual: (usual.min(f64::from(MOST)) * ONE) as u64 }
    }

    /// The capped count of a minute.
    pub(super) fn capped(&self, minute: i64) -> f64 {
        self.sums_of(minute, self.cell(minute)).capped as f64 / ONE
    }

    /// Takes the next minute.
    pub(super) fn push(&mut self, cell: Cell) {
        self.now += 1;
        let comes = self.sums_of(self.now, cell);
        for (place, window) in WINDOWS.into_iter().enumerate() {
            let leaves = self.sums_of(self.now - window, self.cell(self.now - window));
            let sums = &mut self.sums[place];
            sums.count = sums.count + comes.count - leaves.count;
            sums.capped = sums.capped + comes.capped - leaves.capped;
            sums.usual = sums.usual + comes.usual - leaves.usual;
        }
        self.cells[slot(self.now)] = cell;
    }

    /// Adds events to a minute that was taken before and is still kept.
    pub(super) fn add(&mut self, minute: i64, count: u32) {
        let before = self.sums_of(minute, self.cell(minute));
        let cell = &mut self.cells[slot(minute)];
        cell.count = cell.count.saturating_add(count).min(MOST);
        let after = self.sums_of(minute, self.cell(minute));
        for (sums, window) in self.sums.iter_mut().zip(WINDOWS) {
            if minute > self.now - window {
                sums.count += after.count - before.count;
                sums.capped += after.capped - before.capped;
            }
        }
    }

    /// What one of [`WINDOWS`] holds now.
    pub(super) fn sum(&self, place: usize) -> Sum {
        let sums = self.sums[place];
        Sum { count: sums.count as f64, capped: sums.capped as f64 / ONE, usual: sums.usual as f64 / ONE }
    }

    /// The counts of all windows.
    pub(super) fn counts(&self) -> [u32; WINDOWS.len()] {
        self.sums.map(|sums| sums.count.min(u64::from(u32::MAX)) as u32)
    }
}
