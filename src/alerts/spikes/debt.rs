//! What a silence owes: events held back while we, or something before us, were down come late and all at once. They are paid off before a
//! minute's count is looked at.

use super::{CLUMP, DEBT};

/// Minutes after which what has not come late will not come.
const VOID_AFTER: i64 = 30;
/// A silence after so many minutes is the issue's own end.
const LONGEST: i64 = 8 * 60;

/// Events that a silence should have held.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Debt {
    /// Usual events of the silence so far.
    pub(super) silence: f64,
    pub(super) owed: f64,
    pub(super) set_at: i64,
    pub(super) last_event: i64,
}

impl Debt {
    pub(super) fn new(born: i64) -> Self {
        Self { silence: 0.0, owed: 0.0, set_at: born, last_event: born }
    }

    /// A minute in which this server did not receive.
    pub(super) fn deaf(&mut self, now: i64, usual: f64) {
        self.silence += usual;
        self.owed = DEBT * self.silence;
        self.set_at = now;
    }

    /// What is left of a minute's count once debts are paid.
    pub(super) fn pay(&mut self, now: i64, count: u32, usual: f64) -> u32 {
        if count == 0 {
            self.silence += usual;
            return 0;
        }
        if self.silence >= 8.0 * CLUMP && now - self.last_event <= LONGEST && DEBT * self.silence > self.owed {
            self.owed = DEBT * self.silence;
            self.set_at = now;
        }
        self.silence = 0.0;
        self.last_event = now;
        if now - self.set_at >= VOID_AFTER {
            self.owed = 0.0;
        }
        let paid = self.owed.min(f64::from(count) - usual).max(0.0).round();
        self.owed = (self.owed - paid).max(0.0);
        count - paid as u32
    }
}
