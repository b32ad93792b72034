//! # Tally: items of refused requests, counted until the next flush
//!
//! **Promise.** What was refused is seen on the stats page, without a disk write per refused request: a flood of them costs a counter.
//!
//! **How.** A bounded map in memory; [`Ingest::flush_refused`] journals it as records that hold counts only.
//!
//! **When it breaks.** A crash loses the counts since the last flush: nobody was told that those items were taken. Counts beyond the bound
//! are dropped.
//!
//! **Not here.** Items of accepted requests, which are counted in their own record.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::Ingest;
use crate::platform::journal;
use crate::projects::KeyInfo;
use crate::protocol::record::{Counted, Endpoint, Record};
use crate::protocol::{Category, Outcome};

/// Different counts held: projects × categories × reasons between two flushes.
const MAX_COUNTS: usize = 20_000;

type Project = (i32, i64, i32);

#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<HashMap<(Project, Category, Outcome), u64>>);

impl Tally {
    pub(super) fn count(&self, key: &KeyInfo, category: Category, outcome: Outcome, quantity: u64) {
        let mut counts = self.0.lock();
        let place = ((key.project_id, key.dsn_id, key.key_id), category, outcome);
        if counts.len() < MAX_COUNTS || counts.contains_key(&place) {
            let count = counts.entry(place).or_default();
            *count = count.saturating_add(quantity);
        }
    }

    fn take(&self) -> HashMap<Project, Vec<Counted>> {
        let mut projects: HashMap<Project, Vec<Counted>> = HashMap::new();
        for ((project, category, outcome), quantity) in std::mem::take(&mut *self.0.lock()) {
            projects.entry(project).or_default().push(Counted { category, outcome, quantity });
        }
        projects
    }

    /// Different counts held now.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.0.lock().len()
    }

    fn give_back(&self, project: Project, counted: Vec<Counted>) {
        let (project_id, dsn_id, key_id) = project;
        let key = KeyInfo { project_id, dsn_id, key_id, allowed_domains: Vec::new(), enabled: true, limits: Vec::new() };
        for Counted { category, outcome, quantity } in counted {
            self.count(&key, category, outcome, quantity);
        }
    }
}

impl Ingest {
    /// Journals what was counted of refused requests; for a periodic task (every few seconds: counts are kept per hour) and for shutdown.
    /// What the journal does not take is kept for the next time. Returns the number of records written.
    pub async fn flush_refused(&self, now: DateTime<Utc>) -> usize {
        let mut written = 0;
        for (project, counted) in self.refused.take() {
            let record = Record { counted, ..Record::bare(Endpoint::Counts, now.timestamp_micros(), project) };
            match self.seams.journal.append(journal::Record::new(now, record.encode())).await {
                Ok(_) => written += 1,
                Err(_) => self.refused.give_back(project, record.counted),
            }
        }
        written
    }
}
