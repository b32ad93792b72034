//! Dead letters: a record that cannot be digested goes aside, and is counted once.

use std::io;

use tokio_util::sync::CancellationToken;

use super::{Digest, PAUSES, pause};
use crate::digest::marks::Marks;
use crate::digest::notes;
use crate::digest::outcomes::Outcomes;
use crate::digest::prepare::{Condemned, lost_items};
use crate::platform::db::{Fault, fault};
use crate::platform::journal::{Entry, Seq};
use crate::protocol::record::is_retried;

impl Digest {
    /// A record that fails alone: its items end as invalid, its bytes stay readable.
    pub(super) async fn condemn(&self, record: Condemned, marks: &mut Marks, soft: &CancellationToken) {
        let Condemned { seq, at, reason } = record;
        let Some(buried) = self.bury(seq, &reason, soft).await else { return };
        let mut outcomes = Outcomes::new(&self.reasons);
        // One that was a dead letter before has been counted.
        let lost = if is_retried(&buried.body) { Vec::new() } else { lost_items(&buried.body) };
        for entry in &lost {
            outcomes.add(entry);
        }
        let number = marks.next();
        let write = async || {
            let mut tx = self.app.db.begin().await?;
            outcomes.write(&mut tx).await?;
            marks.write(&mut tx, number, &[(seq, at)]).await?;
            tx.commit().await
        };
        while let Err(error) = write().await {
            if fault(&error) == Fault::Data {
                tracing::error!("the outcome of a dead letter could not be counted: {error}");
                break;
            }
            // The record is still in the journal: the next start buries it once more, and counts it then.
            if pause(PAUSES[3], soft).await.is_none() {
                return;
            }
        }
        self.journal.forget_buried(seq);
        self.requests.note_all(notes::of_dead_letter(&buried.body, &lost));
    }

    /// Nothing when there is nothing to bury, or when the process ends before it is on disk.
    async fn bury(&self, seq: Seq, reason: &str, soft: &CancellationToken) -> Option<Entry> {
        tracing::error!(seq = seq.get(), "a record cannot be digested and becomes a dead letter (see /admin/dead-letters): {reason}");
        loop {
            match self.journal.bury(seq, reason, self.app.clock.now()).await {
                Ok(buried) => return Some(buried),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    tracing::error!(seq = seq.get(), "the record is damaged on disk and is given up: {error}");
                    self.journal.forget(&[seq]);
                    return None;
                }
                Err(error) => tracing::error!(seq = seq.get(), "the dead letter cannot be written, trying again: {error}"),
            }
            pause(PAUSES[3], soft).await?;
        }
    }
}
