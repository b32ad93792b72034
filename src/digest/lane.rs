//! # The side lane: records that wait for the blob store
//! **Promise.** A blob store that is slow or away delays the records with large files and nobody else; how many of them wait costs no memory.
//! **How.** The lane takes one batch at a time, stores its files for as long as it takes and hands it to the writer. While it is busy, further
//! such records are parked: only their numbers are kept, and the journal hands them out again when the lane has room.
//! **When it breaks.** What the lane holds at the end of the process is in the journal; the next start stores it again under the same names.
//! **Not here.** What a file becomes ([`super::attachments`]).

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;

use super::attachments::{self, StoreError};
use super::prepare::{Condemned, Prepared};
use super::worker::{PAUSES, pause};
use crate::platform::App;
use crate::platform::db::{Fault, fault};
use crate::platform::journal::{Journal, Seq};
use crate::platform::telemetry::chain;

/// Parked records that go on when the lane has room: each is read and prepared again.
const RELEASED: usize = 100;

/// A batch on its way to the writer.
pub(super) type Batch = Vec<Result<Prepared, Condemned>>;

/// Where the reader leaves records.
pub(super) struct Lane {
    send: Sender<Vec<Prepared>>,
    parked: Arc<Mutex<VecDeque<Seq>>>,
}

/// The other end.
pub(super) struct Store {
    pub(super) app: App,
    pub(super) journal: Arc<Journal>,
    receive: Receiver<Vec<Prepared>>,
    parked: Arc<Mutex<VecDeque<Seq>>>,
}

/// Both ends.
pub(super) fn lane(app: App, journal: Arc<Journal>) -> (Lane, Store) {
    let (send, receive) = mpsc::channel(1);
    let parked = Arc::<Mutex<VecDeque<Seq>>>::default();
    (Lane { send, parked: Arc::clone(&parked) }, Store { app, journal, receive, parked })
}

impl Lane {
    /// Takes the records with files to store out of a batch.
    pub(super) fn divert(&self, batch: Batch) -> Batch {
        let (waiting, going): (Vec<_>, Batch) = batch.into_iter().partition(|one| one.as_ref().is_ok_and(Prepared::needs_blobs));
        let waiting: Vec<Prepared> = waiting.into_iter().flatten().collect();
        if !waiting.is_empty() {
            // The lock is held while the lane is found busy: it looks here when it has finished what keeps it so.
            let mut parked = self.parked.lock();
            if let Err(refused) = self.send.try_send(waiting) {
                for record in refused.into_inner() {
                    parked.push_back(record.seq);
                    record.end();
                }
            }
        }
        going
    }
}

impl Store {
    /// Stores until the process ends.
    pub(super) async fn run(mut self, writer: Sender<Batch>, soft: CancellationToken) -> anyhow::Result<()> {
        while let Some(Some(mut batch)) = soft.run_until_cancelled(self.receive.recv()).await {
            if self.store(&mut batch, &soft).await.is_none() {
                batch.into_iter().for_each(Prepared::end);
                break;
            }
            if writer.send(batch.into_iter().map(Ok).collect()).await.is_err() {
                break;
            }
            let mut parked = self.parked.lock();
            let next = parked.len().min(RELEASED);
            let seqs: Vec<Seq> = parked.drain(..next).collect();
            drop(parked);
            self.journal.release(&seqs);
        }
        Ok(())
    }

    /// Tries until all files are stored. Nothing when the process ends before.
    async fn store(&self, batch: &mut [Prepared], soft: &CancellationToken) -> Option<()> {
        let mut failures = 0;
        loop {
            match attachments::store(&self.app, batch).await {
                Ok(()) => return Some(()),
                // The writer finds out which record it is.
                Err(StoreError::Database(error)) if fault(&error) == Fault::Data => return Some(()),
                Err(error) if failures == 0 || failures == PAUSES.len() => {
                    tracing::warn!("{} records with files wait in the journal: {}", batch.len(), chain(&error.into()));
                }
                Err(_) => {}
            }
            pause(PAUSES[failures.min(PAUSES.len() - 1)], soft).await?;
            failures += 1;
        }
    }
}
