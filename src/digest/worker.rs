//! The loop: what waits in the journal becomes a batch, is prepared on the spare cores, and written while the next one is prepared.

mod condemn;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::NaiveDate;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::attachments::{self, StoreError, Swept};
use super::lane::{Batch, Lane, lane};
use super::marks::Marks;
use super::outcomes::OwnReasons;
use super::places::Places;
use super::prepare::{Condemned, Prepared, Tools, prepare};
use super::write;
use crate::events::partitions;
use crate::platform::App;
use crate::platform::db::{Fault, fault};
use crate::platform::journal::{BatchLimits, Entry, Journal};
use crate::platform::lifecycle::Tasks;
use crate::platform::telemetry::chain;
use crate::projects::Registry;
use crate::projects::recent::RequestLog;

/// Records in a batch: more make statements larger, but hardly cheaper each. Bytes: what memory it takes.
const BATCH: BatchLimits = BatchLimits { records: 2000, bytes: 8 << 20 };
/// How long a batch waits for company. An event is visible so much later, and a busy server saves most of its transactions.
const LINGER: Duration = Duration::from_millis(100);

/// A test's way into the database stage: sees the batch's event ids inside the transaction; an error fails the batch like bad data.
pub type Hook = Arc<dyn Fn(&[Uuid]) -> Result<(), String> + Send + Sync>;

/// The second half of the path of an event.
pub struct Digest {
    app: App,
    journal: Arc<Journal>,
    registry: Registry,
    journal_id: Uuid,
    /// Threads of the CPU stage: all cores but one.
    workers: usize,
    hook: Option<Hook>,
    places: Places,
    requests: RequestLog,
    days: Mutex<HashSet<NaiveDate>>,
    reasons: OwnReasons,
}

/// The pauses of a database or blob store that is away.
pub(super) const PAUSES: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
];

/// How a batch, or a part of it, went.
enum Written {
    Committed,
    Failed(Fault, anyhow::Error),
}

impl Digest {
    /// A digest of `journal`, whose identity is `journal_id`.
    pub fn new(app: App, journal: Arc<Journal>, journal_id: Uuid, registry: Registry) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get() - 1).max(1);
        Self {
            app,
            journal,
            registry,
            journal_id,
            workers,
            hook: None,
            places: Places::default(),
            requests: RequestLog::default(),
            days: Mutex::default(),
            reasons: OwnReasons::default(),
        }
    }

    /// With places for addresses.
    #[must_use]
    pub fn with_places(mut self, places: Places) -> Self {
        self.places = places;
        self
    }

    /// Tells here of requests that were taken and of which something is not stored.
    #[must_use]
    pub fn telling(mut self, requests: RequestLog) -> Self {
        self.requests = requests;
        self
    }

    /// With a test's hook.
    #[must_use]
    pub fn with_hook(mut self, hook: Hook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// Runs until the process ends: one task prepares, one writes.
    pub fn run(self: Arc<Self>, tasks: &Tasks) {
        let (send, receive) = mpsc::channel(1);
        let (lane, store) = lane(self.app.clone(), Arc::clone(&self.journal));
        tasks.spawn("digest.blobs", store.run(send.clone(), tasks.soft().clone()));
        let (reader, soft) = (Arc::clone(&self), tasks.soft().clone());
        tasks.spawn("digest.prepare", async move { reader.read(&send, &lane, &soft).await });
        let soft = tasks.soft().clone();
        tasks.spawn("digest.write", async move { self.write_all(receive, &soft).await });
    }

    /// Digests what waits now, and nothing that comes meanwhile; how many records.
    pub async fn drain(&self) -> anyhow::Result<usize> {
        let mut marks = Marks::load(&self.app.db, self.journal_id).await?;
        let mut count = 0;
        loop {
            let entries = self.next(&marks).await?;
            if entries.is_empty() {
                return Ok(count);
            }
            count += entries.len();
            let soft = CancellationToken::new();
            if let Some(prepared) = self.prepare(entries, &soft).await? {
                self.settle(prepared, &mut marks, &soft).await;
            }
        }
    }

    async fn read(&self, send: &mpsc::Sender<Batch>, lane: &Lane, soft: &CancellationToken) -> anyhow::Result<()> {
        let Some(marks) = self.load_marks(soft).await else { return Ok(()) };
        let mut has_more = false;
        while !soft.is_cancelled() {
            tokio::select! {
                () = soft.cancelled() => break,
                () = self.journal.wait_for_records() => {}
            }
            if !has_more {
                tokio::time::sleep(LINGER).await;
            }
            let entries = match self.next(&marks).await {
                Ok(entries) => entries,
                Err(error) => {
                    tracing::error!("the journal cannot be read, trying again: {}", chain(&error));
                    tokio::time::sleep(PAUSES[3]).await;
                    continue;
                }
            };
            if entries.is_empty() {
                continue;
            }
            // A batch that is large enough need not wait for company.
            has_more = entries.len() >= BATCH.records / 2;
            let Some(prepared) = self.prepare(entries, soft).await? else { break };
            let prepared = lane.divert(prepared);
            if !prepared.is_empty() && send.send(prepared).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The marks of the run before, as soon as the database is there.
    /// Nothing when the process ends before.
    async fn load_marks(&self, soft: &CancellationToken) -> Option<Marks> {
        loop {
            match Marks::load(&self.app.db, self.journal_id).await {
                Ok(marks) => return Some(marks),
                Err(error) => tracing::debug!("waiting for the database: {error}"),
            }
            pause(PAUSES[3], soft).await?;
        }
    }

    /// The next records that are not committed yet.
    async fn next(&self, marks: &Marks) -> anyhow::Result<Vec<Entry>> {
        loop {
            let entries = self.journal.next_batch(BATCH).await?;
            if entries.is_empty() {
                return Ok(entries);
            }
            let (done, open): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| marks.contains(entry));
            self.journal.forget(&done.iter().map(|entry| entry.seq).collect::<Vec<_>>());
            if !open.is_empty() {
                return Ok(open);
            }
        }
    }

    /// The CPU stage, on all cores but one. Nothing when the process ends before the database could be asked about a project.
    async fn prepare(&self, entries: Vec<Entry>, soft: &CancellationToken) -> anyhow::Result<Option<Batch>> {
        let mut prepared = self.prepare_parts(&entries, false).await?;
        let is_unknown = |record: &Result<Prepared, Condemned>| matches!(record, Ok(Prepared { unknown_project: Some(_), .. }));
        if prepared.iter().any(is_unknown) {
            let projects: HashSet<_> = prepared.iter().flatten().filter_map(|record| record.unknown_project).collect();
            while let Err(error) = self.registry.know(projects.iter().copied(), &self.app.db).await {
                tracing::warn!("events of a project that is not known yet wait for the database: {}", chain(&error));
                if pause(PAUSES[3], soft).await.is_none() {
                    return Ok(None);
                }
            }
            let unknown: Vec<Entry> =
                entries.iter().zip(&prepared).filter(|(_, record)| is_unknown(record)).map(|(entry, _)| entry.clone()).collect();
            prepared.retain(|record| !is_unknown(record));
            prepared.extend(self.prepare_parts(&unknown, true).await?);
        }
        Ok(Some(prepared))
    }

    async fn prepare_parts(&self, entries: &[Entry], is_final: bool) -> anyhow::Result<Batch> {
        let size = entries.len().div_ceil(self.workers).max(1);
        let (registry, journal) = (self.registry.clone(), Arc::clone(&self.journal));
        let tools = Tools { registry, journal, journal_id: self.journal_id, places: self.places.clone(), is_final };
        let mut running = Vec::new();
        for part in entries.chunks(size) {
            // Clones of entries share their bytes.
            let (part, tools) = (part.to_vec(), tools.clone());
            running.push(spawn_blocking(move || part.iter().map(|entry| prepare(entry, &tools)).collect::<Vec<_>>()));
        }
        let mut prepared = Vec::new();
        for part in running {
            prepared.extend(part.await.context("the CPU stage")?);
        }
        Ok(prepared)
    }

    async fn write_all(&self, mut receive: mpsc::Receiver<Batch>, soft: &CancellationToken) -> anyhow::Result<()> {
        let Some(mut marks) = self.load_marks(soft).await else { return Ok(()) };
        while let Some(batch) = receive.recv().await {
            self.settle(batch, &mut marks, soft).await;
            if soft.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Brings a batch to its end, whatever it takes: committed, or buried one by one. Gives up only when the process ends.
    async fn settle(&self, batch: Batch, marks: &mut Marks, soft: &CancellationToken) {
        let mut prepared = Vec::with_capacity(batch.len());
        for record in batch {
            match record {
                Ok(record) => prepared.push(record),
                Err(condemned) => self.condemn(condemned, marks, soft).await,
            }
        }
        let mut parts = vec![prepared];
        let mut failures = 0;
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.write_once(&mut part, marks, soft).await {
                Written::Committed => {
                    failures = 0;
                    self.journal.forget(&part.iter().map(|record| record.seq).collect::<Vec<_>>());
                    self.requests.note_all(part.iter_mut().flat_map(|record| record.told.drain(..)));
                    part.into_iter().for_each(Prepared::end);
                    self.app.outbox.wake();
                }
                Written::Failed(Fault::Data, error) if part.len() == 1 => {
                    self.condemn(part.remove(0).condemned(chain(&error)), marks, soft).await;
                }
                Written::Failed(Fault::Data, error) => {
                    tracing::warn!("a batch of {} records failed and is split: {}", part.len(), chain(&error));
                    let rest = part.split_off(part.len() / 2);
                    parts.push(rest);
                    parts.push(part);
                }
                Written::Failed(kind, error) => {
                    if failures == 0 || failures == PAUSES.len() {
                        tracing::warn!(?kind, "events wait in the journal: {}", chain(&error));
                    }
                    parts.push(part);
                    let wait = PAUSES[failures.min(PAUSES.len() - 1)];
                    failures += 1;
                    if pause(wait, soft).await.is_none() {
                        // The records are in the journal; the next start digests them.
                        parts.into_iter().flatten().for_each(Prepared::end);
                        return;
                    }
                }
            }
        }
    }

    async fn write_once(&self, part: &mut [Prepared], marks: &mut Marks, soft: &CancellationToken) -> Written {
        match attachments::store(&self.app, part).await {
            Ok(()) => {}
            Err(StoreError::Database(error)) => return Written::Failed(fault(&error), error.into()),
            Err(error @ StoreError::Away(_)) => return Written::Failed(Fault::Away, error.into()),
        }
        let number = marks.next();
        let (error, in_commit) = match self.transaction(part, marks, number).await {
            Ok(()) => return Written::Committed,
            Err(failed) => failed,
        };
        if in_commit {
            // Nobody knows whether the commit arrived. The mark does.
            loop {
                match marks.is_committed(&self.app.db, number).await {
                    Ok(true) => return Written::Committed,
                    Ok(false) => break,
                    // The next start asks the same question.
                    Err(_) if pause(PAUSES[2], soft).await.is_none() => return Written::Failed(Fault::Away, error),
                    Err(_) => {}
                }
            }
        }
        let kind = match error.downcast_ref::<sqlx::Error>() {
            Some(error) if partitions::is_missing(error) => {
                self.days.lock().clear();
                Fault::Race
            }
            Some(error) => fault(error),
            None if error.is::<Swept>() => {
                for record in part {
                    record.is_stored = false;
                }
                Fault::Race
            }
            None => Fault::Data,
        };
        Written::Failed(kind, error)
    }

    /// One transaction; an error says whether it happened in the commit.
    async fn transaction(&self, part: &[Prepared], marks: &Marks, number: i64) -> Result<(), (anyhow::Error, bool)> {
        let failed = |error: anyhow::Error| (error, false);
        let now = self.app.clock.now();
        self.make_days(part).await.map_err(failed)?;
        let mut tx = self.app.db.begin().await.map_err(|error| failed(error.into()))?;
        if let Some(hook) = &self.hook {
            let ids: Vec<Uuid> = part.iter().flat_map(Prepared::event_ids).collect();
            hook(&ids).map_err(|reason| failed(anyhow::anyhow!(reason)))?;
        }
        write::write(&mut tx, part, &self.reasons, now).await.map_err(failed)?;
        let records: Vec<_> = part.iter().map(|record| (record.seq, record.at)).collect();
        marks.write(&mut tx, number, &records).await.map_err(|error| failed(error.into()))?;
        tx.commit().await.map_err(|error| (error.into(), true))
    }

    /// Makes the partitions that the batch needs.
    async fn make_days(&self, part: &[Prepared]) -> anyhow::Result<()> {
        let days: HashSet<NaiveDate> = part.iter().flat_map(Prepared::days).collect();
        let missing: Vec<_> = days.difference(&self.days.lock()).copied().collect();
        for day in missing {
            partitions::make(&self.app.db, day).await?;
            self.days.lock().insert(day);
        }
        Ok(())
    }
}

/// Waits; nothing when the process ends meanwhile.
pub(super) async fn pause(time: Duration, soft: &CancellationToken) -> Option<()> {
    soft.run_until_cancelled(tokio::time::sleep(time)).await
}
