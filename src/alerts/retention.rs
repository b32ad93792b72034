//! Old mails, dead jobs and states of issues without events go: the log is bounded in days and, since each new issue of a public DSN makes mails, in number.

use std::time::Duration;

use chrono::TimeDelta;

use super::{gather, queries, watch};
use crate::platform::App;
use crate::platform::outbox;
use crate::platform::periodic::{Periodic, Step};

/// Mails that a project keeps at most, the newest: about 100 MB of text and HTML before compression.
pub const MAILS_PER_PROJECT: i64 = 10_000;
/// Dead jobs that are kept at most, the newest.
const DEAD_JOBS: i64 = 10_000;
/// Rows deleted in one step, of each kind.
const BATCH: i64 = 1000;

/// Deletes mails, dead jobs and detector's states past retention, one bounded step at a time.
#[derive(Debug)]
pub struct Retention {
    /// Days that they are kept.
    pub days: u32,
}

impl Periodic for Retention {
    const NAME: &'static str = "alerts.retention";
    const EVERY: Duration = Duration::from_mins(10);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let mut db = app.db.acquire().await?;
        let before = app.clock.now() - TimeDelta::days(i64::from(self.days.max(1)));
        let mails = queries::sweep(&mut db, before, (MAILS_PER_PROJECT, BATCH)).await?;
        let facts = gather::sweep(&mut db, before, BATCH).await?;
        let jobs = outbox::sweep_dead(&mut db, before, (DEAD_JOBS, BATCH)).await?;
        let states = watch::sweep(&mut db, app.clock.now(), BATCH).await?;
        let is_more = mails.max(jobs).max(facts).max(states) >= BATCH as u64;
        Ok(if is_more {
            Step::More(format!("deleted {mails} mails, {facts} facts, {jobs} dead jobs and {states} states of quiet issues"))
        } else {
            Step::Idle
        })
    }
}
