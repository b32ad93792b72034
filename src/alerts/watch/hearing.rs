//! In which minutes this process took events, and until when what it took is digested.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use uuid::Uuid;

use super::queries;
use crate::platform::App;
use crate::platform::clock::minute_of;
use crate::platform::db::Db;
use crate::platform::journal::Journal;
use crate::platform::periodic::{Periodic, Step};

/// Minutes that wait for the database at most: more than the detector looks back.
const KEPT: usize = 10 * 1_440;

/// What one process heard. It takes events while the database is away, so what was heard is kept until it can be written.
#[derive(Debug)]
pub struct Hearing {
    journal: Arc<Journal>,
    id: Uuid,
    minutes: Mutex<Minutes>,
}

#[derive(Debug, Default)]
struct Minutes {
    unwritten: BTreeSet<i32>,
    /// The last one that was written.
    written: i32,
}

impl Hearing {
    /// Of the process with this journal.
    pub fn new(journal: Arc<Journal>, id: Uuid) -> Self {
        Self { journal, id, minutes: Mutex::default() }
    }

    /// Notes that events are taken now, if the journal has room for them.
    pub fn note(&self, now: DateTime<Utc>) {
        if self.journal.admit(1).is_ok() {
            self.add([minute_of(now)]);
        }
    }

    /// Notes minutes in which something was received, as events tell: by a process that died before it could write it.
    pub(super) fn add(&self, heard: impl IntoIterator<Item = i32>) {
        let mut minutes = self.minutes.lock();
        let written = minutes.written;
        minutes.unwritten.extend(heard.into_iter().filter(|minute| *minute != written));
        while minutes.unwritten.len() > KEPT {
            minutes.unwritten.pop_first();
        }
    }

    /// Writes down what was noted, and until when everything received is digested.
    pub(super) async fn write(&self, db: &Db, now: DateTime<Utc>) -> sqlx::Result<()> {
        let heard: Vec<i32> = self.minutes.lock().unwritten.iter().copied().collect();
        let digested_until = self.journal.stats().oldest_at.map_or(now, |oldest| oldest.min(now));
        let mut db = db.acquire().await?;
        if let Some(last) = heard.last() {
            queries::add_heard(&mut db, &heard).await?;
            let mut minutes = self.minutes.lock();
            minutes.written = *last;
            minutes.unwritten.retain(|minute| heard.binary_search(minute).is_err());
        }
        queries::set_listener(&mut db, self.id, (now, digested_until)).await
    }
}

/// Notes every few seconds that events are taken; asks nothing of the database.
#[derive(Debug, Clone)]
pub struct Listen(pub Arc<Hearing>);

impl Periodic for Listen {
    const NAME: &'static str = "alerts.listen";
    const EVERY: Duration = Duration::from_secs(10);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        self.0.note(app.clock.now());
        Ok(Step::Idle)
    }
}
