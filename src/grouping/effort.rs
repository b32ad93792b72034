//! # What one event may cost
//!
//! **Promise.** A project's rules take a bounded number of steps for one event, whatever the rules and the event; which rules still apply depends
//! on these two alone, never on time or on what was grouped before.
//! **How.** Steps are counted before they are taken, as if nothing were ever cheap. What does not fit any more is left out whole: a stack trace is
//! then settled by the built-in rules alone, a fingerprint rule is not reached.

use std::cell::Cell;

/// Steps for one event's stack traces, and again for its fingerprint rules: some 0.05 s. Rules of 64 KB on paths reach it with 100 KB of paths in
/// one event; those of 1 KB never do.
pub(super) const MAX_STEPS: u64 = 100_000_000;

/// The steps that are left.
#[derive(Debug)]
pub(super) struct Effort {
    left: Cell<u64>,
}

impl Default for Effort {
    fn default() -> Self {
        Self { left: Cell::new(MAX_STEPS) }
    }
}

impl Effort {
    /// Takes steps. Once there are too few, nothing more can be taken.
    pub(super) fn take(&self, steps: u64) -> bool {
        self.left.set(self.left.get().saturating_sub(steps));
        !self.is_spent()
    }

    /// Whether nothing more can be taken.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_stays_so() {
        let effort = Effort::default();
        assert!(effort.take(MAX_STEPS - 2));
        assert!(!effort.take(3));
        assert!(!effort.take(1));
    }
}
