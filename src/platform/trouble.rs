//! What is wrong with this server, as far as it knows itself: background work that fails, and what administrators are shown.
//!
//! Held in memory, so that it is known also while the database is away. Who looks, and who is told, is `alerts::trouble`.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

/// One trouble that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// "journal_full": the same trouble has the same name.
    pub name: String,
    /// "Events are refused: the journal is full."
    pub words: String,
}

/// Background work that fails, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// `events.retention`.
    pub task: &'static str,
    /// When it first failed of all the times in a row.
    pub since: DateTime<Utc>,
    /// Why it failed last.
    pub error: String,
}

/// What one process knows of its troubles.
#[derive(Debug, Default)]
pub struct Board {
    failing: Mutex<BTreeMap<&'static str, Failing>>,
    shown: Mutex<Arc<[Trouble]>>,
}

impl Board {
    /// A step of background work failed.
    pub fn failed(&self, task: &'static str, now: DateTime<Utc>, error: &str) {
        let mut failing = self.failing.lock();
        let entry = failing.entry(task).or_insert_with(|| Failing { task, since: now, error: String::new() });
        error.clone_into(&mut entry.error);
    }

    /// A step of background work did not fail.
    pub fn worked(&self, task: &str) {
        self.failing.lock().remove(task);
    }

    /// What fails now.
    pub fn failing(&self) -> Vec<Failing> {
        self.failing.lock().values().cloned().collect()
    }

    /// What administrators are shown from now on.
    pub fn show(&self, troubles: Vec<Trouble>) {
        *self.shown.lock() = troubles.into();
    }

    /// What administrators are shown.
    pub fn shown(&self) -> Arc<[Trouble]> {
        Arc::clone(&self.shown.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_fails_since_the_first_time_in_a_row() {
        let (board, at) = (Board::default(), |second| DateTime::from_timestamp(second, 0).unwrap());
        board.failed("a.b", at(1), "first");
        board.failed("a.b", at(2), "second");
        assert_eq!(board.failing(), [Failing { task: "a.b", since: at(1), error: "second".to_owned() }]);
        board.worked("a.b");
        assert_eq!(board.failing(), []);
    }
}
