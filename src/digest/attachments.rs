//! # Attachments: files of a record, from spool or memory to where they stay
//! **Promise.** A file is stored before the row that names it; it is never whole in memory unless it was small enough for the record. It ends as
//! its event does when that came along: filtered, invalid or duplicate; alone it is kept and shown with its event, whichever comes first.
//! **How.** [`Files`] takes the files out of a record, [`store`] reads spooled ones once for what they are and puts all that do not stand in
//! rows into the blob store, [`fn@write`] inserts the rows in the batch's transaction.
//! **When it breaks.** A blob store that is away delays the records with blobs and no others ([`super::lane`]). What a transaction that never
//! committed has stored is pending and will be swept (`events::blobs`). A name is of journal, record and content: a replay stores the same blob
//! again, another record never does.
//! **Not here.** Events made of minidumps.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{DateTime, Days, NaiveDate, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::outcomes::Outcomes;
use super::prepare::Prepared;
use super::write::DAYS_BACK;
use crate::accounts::ProjectId;
use crate::events::attachments::{self, Facts, HEAD, IN_ROW, Key, Label, NewAttachment, Place, image_type};
use crate::events::blobs;
use crate::platform::App;
use crate::platform::blobs::{BlobName, Content, PutError};
use crate::platform::journal::{Journal, Seq, SpoolId};
use crate::protocol::envelope::{Item, ItemHeader};
use crate::protocol::outcome::{Ledger, Managed, Source};
use crate::protocol::record::SpooledItem;
use crate::protocol::{InvalidReason, ItemKind, Outcome};

/// Blobs that are stored at the same time: each mostly waits, for a disk or a network.
const AT_ONCE: usize = 8;
/// Bytes of a spooled file read at once.
const PIECE: usize = 64 * 1024;

/// A file that is to be kept.
#[derive(Debug)]
pub(super) struct PreparedAttachment {
    number: i32,
    label: Label,
    content: Body,
    /// Whose it is; known when all of the record was seen.
    owner: Option<Owner>,
    /// Its row, once its bytes were looked at.
    row: Option<NewAttachment>,
}

#[derive(Debug)]
enum Body {
    Memory(Bytes),
    Spooled(PathBuf),
    /// There is none: the record was never acknowledged.
    Missing,
}

/// Whose files, and what the names of their blobs are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) project: ProjectId,
    pub(super) event_id: Uuid,
    pub(super) received: DateTime<Utc>,
    pub(super) journal: Uuid,
    pub(super) seq: Seq,
}

/// The files of a record while it is opened.
pub(super) struct Files<'l> {
    ledger: &'l Ledger,
    source: Source,
    all: Vec<Managed<PreparedAttachment>>,
}

impl<'l> Files<'l> {
    /// None yet.
    pub(super) const fn new(ledger: &'l Ledger, source: Source) -> Self {
        Self { ledger, source, all: Vec::new() }
    }

    /// One that came in the record.
    pub(super) fn add(&mut self, item: Managed<Item>) {
        let number = self.all.len() as i32;
        self.all.push(item.map(|item| PreparedAttachment::new(number, &item.header, Body::Memory(item.payload))));
    }

    /// Those beside it.
    pub(super) fn add_spooled(&mut self, items: &[SpooledItem], ids: &[SpoolId], journal: &Journal) {
        for (index, item) in items.iter().enumerate() {
            let body = ids.get(index).map_or(Body::Missing, |id| Body::Spooled(journal.spool_path(*id)));
            let file = PreparedAttachment::new(self.all.len() as i32, &item.header, body);
            let quantities = ItemKind::Attachment.quantities(&item.header, item.length);
            self.all.push(Managed::new(file, self.source, quantities, self.ledger));
        }
    }

    /// All end so.
    pub(super) fn reject(self, outcome: &Outcome) {
        self.all.into_iter().for_each(|file| drop(file.rejected(outcome)));
    }

    /// All are kept, as far as is known by now.
    pub(super) fn keep(self, owner: Owner) -> Vec<Managed<PreparedAttachment>> {
        let mut kept = self.all;
        for file in kept.iter_mut().filter_map(Managed::get_mut) {
            file.owner = Some(owner);
            if let Body::Memory(bytes) = &file.content {
                let facts = Facts::of(bytes);
                file.settle(facts);
            }
        }
        kept
    }
}

impl PreparedAttachment {
    fn new(number: i32, header: &ItemHeader, content: Body) -> Self {
        let label = Label::new(header.filename.as_deref(), header.content_type.as_deref(), header.attachment_type.as_deref());
        Self { number, label, content, owner: None, row: None }
    }

    /// The row, once it is known what the file is.
    fn settle(&mut self, facts: Facts) {
        let Some(owner) = self.owner else { return };
        let day = owner.received.date_naive();
        let place = match &self.content {
            Body::Memory(bytes) if bytes.len() <= IN_ROW => Place::Row(bytes.to_vec()),
            _ => Place::Blob(owner.blob(day, self.number, &facts.sha256)),
        };
        self.row = Some(NewAttachment {
            project: owner.project,
            event_id: owner.event_id,
            day,
            received: owner.received,
            number: self.number,
            label: self.label.clone(),
            facts,
            place,
        });
    }

    /// The name it is to be stored under, if it is no row's.
    fn blob(&self) -> Option<(ProjectId, &BlobName)> {
        match self.row.as_ref()? {
            NewAttachment { project, place: Place::Blob(name), .. } => Some((*project, name)),
            _ => None,
        }
    }

    fn bytes(&self) -> Option<Content> {
        match &self.content {
            Body::Memory(bytes) => Some(Content::Bytes(bytes.clone())),
            Body::Spooled(path) => Some(Content::File(path.clone())),
            Body::Missing => None,
        }
    }

    /// Whether its bytes do not go into its row.
    pub(super) fn needs_blob(&self) -> bool {
        self.row.is_none() || self.blob().is_some()
    }

    /// The partition it goes into.
    pub(super) fn day(&self) -> Option<NaiveDate> {
        self.owner.map(|owner| owner.received.date_naive())
    }
}

impl Owner {
    fn blob(&self, day: NaiveDate, number: i32, sha256: &[u8; 32]) -> BlobName {
        let mut hash = Sha256::new();
        hash.update(self.journal.as_bytes());
        hash.update(self.seq.get().to_le_bytes());
        hash.update(number.to_le_bytes());
        hash.update(sha256);
        let digest: [u8; 32] = hash.finalize().into();
        BlobName::new(self.project.0, day, std::array::from_fn(|index| digest[index]))
    }
}

/// Why blobs are not stored yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// Their notes cannot be written.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The blob store or the spool's disk does not work: try again.
    #[error("blobs cannot be stored")]
    Away(#[source] anyhow::Error),
}

/// Puts all files of these records that need a place of their own where they stay. Repeating it is harmless.
pub(super) async fn store(app: &App, batch: &mut [Prepared]) -> Result<(), StoreError> {
    for record in batch.iter_mut().filter(|record| !record.is_stored) {
        look(record).await?;
    }
    let is_open = |record: &&Prepared| !record.is_stored;
    let files = || batch.iter().filter(is_open).flat_map(|record| &record.attachments).filter_map(Managed::get);
    let names: Vec<_> = files().filter_map(PreparedAttachment::blob).collect();
    if !names.is_empty() {
        blobs::note(&app.db, &names, app.clock.now()).await?;
        let puts: Vec<(BlobName, Content)> = files().filter_map(|file| Some((file.blob()?.1.clone(), file.bytes()?))).collect();
        let put = |(name, content)| async move { app.blobs.put(&name, &content).await };
        let stored: Result<(), PutError> = stream::iter(puts).map(put).buffer_unordered(AT_ONCE).try_collect().await;
        if let Err(error) = stored {
            if matches!(error, PutError::Source(_)) {
                forget_looks(batch);
            }
            return Err(StoreError::Away(error.into()));
        }
    }
    for record in batch {
        record.is_stored = true;
    }
    Ok(())
}

/// A spooled file is not what it was when it was looked at: the next try looks again.
fn forget_looks(batch: &mut [Prepared]) {
    let files = batch.iter_mut().filter(|record| !record.is_stored).flat_map(|record| &mut record.attachments);
    for file in files.filter_map(Managed::get_mut).filter(|file| matches!(file.content, Body::Spooled(_))) {
        file.row = None;
    }
}

/// Reads the spooled files of a record once, for their digests. One that is not there ends here.
async fn look(record: &mut Prepared) -> Result<(), StoreError> {
    let mut index = 0;
    while let Some(file) = record.attachments.get_mut(index) {
        let facts = match file.get() {
            Some(PreparedAttachment { row: None, content: Body::Spooled(path), .. }) => facts_of_file(path.clone()).await,
            Some(PreparedAttachment { row: None, content: Body::Missing, .. }) => Err(io::ErrorKind::NotFound.into()),
            _ => {
                index += 1;
                continue;
            }
        };
        match facts {
            Ok(facts) => {
                file.get_mut().into_iter().for_each(|file| file.settle(facts));
                index += 1;
            }
            // The record was never acknowledged, or its outcome was committed before: there is nothing that could be lost.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = record.attachments.remove(index);
                record.ended.extend(file.entries(&Outcome::Invalid(InvalidReason::NoData)));
                drop(file.stored());
            }
            Err(error) => return Err(StoreError::Away(error.into())),
        }
    }
    Ok(())
}

async fn facts_of_file(path: PathBuf) -> io::Result<Facts> {
    spawn_blocking(move || read_facts(&path)).await.map_err(io::Error::other)?
}

fn read_facts(path: &Path) -> io::Result<Facts> {
    let mut file = File::open(path)?;
    let (mut hash, mut size, mut head) = (Sha256::new(), 0, Vec::with_capacity(HEAD));
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        let missing = HEAD.saturating_sub(head.len()).min(read);
        head.extend_from_slice(&piece[..missing]);
        hash.update(&piece[..read]);
        size += read as u64;
    }
    Ok(Facts { size, sha256: hash.finalize().into(), image: image_type(&head) })
}

/// Blobs were swept between store and commit: store them again.
#[derive(Debug, thiserror::Error)]
#[error("blobs were swept before their rows were written")]
pub(super) struct Swept;

/// Whether a batch has files without their event: nothing else tells that they were stored on another day.
pub(super) fn has_lone(batch: &[Prepared]) -> bool {
    batch.iter().any(|record| record.events.is_empty() && !record.attachments.is_empty())
}

/// Writes the rows of these files and counts how each ended. The caller knows that their events, where they have one, were stored just now.
pub(super) async fn write(
    db: &mut PgConnection,
    files: &[&Managed<PreparedAttachment>],
    outcomes: &mut Outcomes<'_>,
    today: NaiveDate,
) -> anyhow::Result<()> {
    let rows: Vec<&NewAttachment> = files.iter().filter_map(|file| file.get()?.row.as_ref()).collect();
    let (Some(first), Some(last)) = (rows.iter().map(|row| row.day).min(), rows.iter().map(|row| row.day).max()) else { return Ok(()) };
    let keys: Vec<Key> = rows.iter().map(|row| row.key()).collect();
    let days = (first - Days::new(DAYS_BACK), today.max(last).min(last + Days::new(DAYS_BACK)));
    let mut seen: HashSet<Key> = attachments::stored_between(db, &keys, days).await?.into_iter().collect();
    let new: Vec<&NewAttachment> = rows.into_iter().filter(|row| seen.insert(row.key())).collect();
    let mut stored: HashSet<Key> = if new.is_empty() { HashSet::new() } else { attachments::insert(db, &new).await?.into_iter().collect() };
    let mut claimed = Vec::new();
    for file in files {
        let row = file.get().and_then(|file| file.row.as_ref());
        // The first of several of one key is the one that was inserted.
        let is_stored = row.is_some_and(|row| stored.remove(&row.key()));
        outcomes.add_item(file, if is_stored { &Outcome::Stored } else { &Outcome::Duplicate });
        claimed.extend(file.get().and_then(PreparedAttachment::blob).filter(|_| is_stored));
    }
    if !claimed.is_empty() && !blobs::claim(db, &claimed).await? {
        return Err(Swept.into());
    }
    Ok(())
}
