//! # Collecting: which items of an envelope are kept
//!
//! **Promise.** Every framed item is either kept or counted with its reason; one that is too large or too many does not cost its neighbours,
//! except an event-like one that is too large, which refuses the envelope.
//!
//! **How.** A [`Sink`] for the framer. Payloads stay in memory, except attachments from a size on, which go to the spool as they come where
//! the caller can block ([`Spill`]); [`Collector::spool_rest`] moves those of bodies that were read without blocking.
//!
//! **When it breaks.** A spool that does not take more stops everything; the files so far are deleted by their guards.
//!
//! **Not here.** Reading and decoding ([`super::body`]).

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;

use super::Settings;
use super::answer::Stop;
use crate::platform::journal::{Journal, SpoolWriter, Spooled};
use crate::protocol::envelope::{EnvelopeHeader, EnvelopeWriter, ItemHeader};
use crate::protocol::framer::Sink;
use crate::protocol::items::Oversize;
use crate::protocol::record::{Counted, SpooledItem};
use crate::protocol::{Category, InvalidReason, ItemKind, Outcome, Refusal, limits, unkept};

mod crash;
mod limited;
mod place;
mod unkept_items;

pub(super) use unkept_items::stop_categories;

/// Payload bytes of one envelope that stay in memory: well below what the journal takes as one record, and room for any event however
/// large that may be set to be, because attachments beside it go to the spool from the half on.
const MAX_IN_MEMORY: u64 = 2 * limits::IN_MEMORY;
/// Items of one envelope that are kept. Real envelopes have a few; each costs some hundred bytes here and in digest.
const MAX_ITEMS: usize = 1000;
/// Payload bytes that are gathered before they are written to a spool file.
const SPOOL_PIECE: usize = 256 * 1024;

/// Lets a thread that may block write to the spool.
pub(super) struct Spill {
    pub(super) journal: Arc<Journal>,
    pub(super) runtime: Handle,
}

enum Payload {
    Memory(Vec<u8>),
    /// Being written; the bytes not yet handed over.
    Writing(SpoolWriter, Vec<u8>),
    Spooled(Spooled),
}

/// What an item's payload is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It is kept.
    Keep,
    /// It says how much is in it, and is forgotten.
    LookAt,
    /// It has a length.
    Length,
}

struct Item {
    header: ItemHeader,
    kind: ItemKind,
    length: u64,
    payload: Payload,
    purpose: Purpose,
    /// How it ends, when that is known before its end.
    dropped: Option<Outcome>,
}

/// What becomes of an envelope.
pub(super) struct Collector {
    settings: Arc<Settings>,
    spill: Option<Spill>,
    pub(super) header: EnvelopeHeader,
    current: Option<Item>,
    kept: Vec<Item>,
    counted: BTreeMap<(Category, &'static str, String), Counted>,
    seen: HashMap<ItemKind, u64>,
    /// Event-like items that may still come.
    events_left: u32,
    in_memory: u64,
    attachments: u64,
    /// How the first minidump begins.
    dump_head: Vec<u8>,
    pub(super) needs_id: bool,
    pub(super) not_kept: Vec<Category>,
}

impl Collector {
    pub(super) fn new(settings: &Arc<Settings>, spill: Option<Spill>) -> Self {
        Self {
            settings: Arc::clone(settings),
            spill,
            header: EnvelopeHeader::default(),
            current: None,
            kept: Vec::new(),
            counted: BTreeMap::new(),
            seen: HashMap::new(),
            events_left: 1,
            in_memory: 0,
            attachments: 0,
            dump_head: Vec::new(),
            needs_id: false,
            not_kept: Vec::new(),
        }
    }

    /// For requests that hold several events, each with an id of its own.
    pub(super) fn with_events(mut self, events: u32) -> Self {
        self.events_left = events;
        self
    }

    fn take_event(&mut self) -> bool {
        let is_free = self.events_left > 0;
        self.events_left = self.events_left.saturating_sub(1);
        is_free
    }

    /// Adds an item whose payload is at hand.
    pub(super) fn add(&mut self, header: ItemHeader, payload: &[u8]) -> Result<(), Stop> {
        self.begin(header)?;
        self.payload(payload)?;
        self.end()
    }

    /// Counts what never was an item.
    pub(super) fn count_lost(&mut self, category: Category, outcome: &Outcome, quantity: u64) {
        let place = (category, outcome.name(), outcome.reason().into_owned());
        let counted = self.counted.entry(place).or_insert_with(|| Counted { category, outcome: outcome.clone(), quantity: 0 });
        counted.quantity = counted.quantity.saturating_add(quantity);
    }

    /// Whether nothing of the envelope has to be remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.counted.is_empty()
    }

    /// The payload of the event-like item, where it is in memory.
    pub(super) fn event_payload(&self) -> Option<&[u8]> {
        self.kept.iter().find(|item| item.kind.is_event_like()).and_then(|item| match &item.payload {
            Payload::Memory(bytes) => Some(&bytes[..]),
            _ => None,
        })
    }

    /// What an item ends as before its payload is looked at.
    fn judge(&mut self, header: &ItemHeader, kind: ItemKind) -> Option<Outcome> {
        if header.kind_text.is_none() {
            return Some(Outcome::Invalid(InvalidReason::Payload));
        }
        let one_more = |(counted_as, max)| {
            let seen = self.seen.entry(counted_as).or_default();
            *seen += 1;
            *seen > max
        };
        let is_too_many = kind.max_count(header, &self.settings.limits).is_some_and(one_more);
        let is_one_more = is_too_many && !(kind == ItemKind::Attachment && self.takes_place(header));
        let is_surplus = if (self.settings.kept)(kind) {
            is_one_more || (kind.is_event_like() && !self.take_event()) || self.kept.len() >= MAX_ITEMS
        } else {
            self.stop_sending(kind);
            is_one_more
        };
        is_surplus.then_some(Outcome::Invalid(InvalidReason::DuplicateItem))
    }

    /// The rules on sizes, for the length announced or seen so far.
    fn check_size(&self, item: &Item, length: u64) -> Result<Option<Outcome>, Refusal> {
        let attachments = if item.kind == ItemKind::Attachment { self.attachments + length } else { 0 };
        let largest = if item.handler_file().is_some() { ItemKind::Event } else { item.kind }.max_size(&self.settings.limits);
        if length <= largest && attachments <= self.settings.limits.attachments_total {
            return Ok(None);
        }
        match item.kind.oversize() {
            Oversize::RefuseEnvelope if item.purpose == Purpose::Keep => Err(Refusal::TooLarge(Some(item.kind.name()))),
            _ => Ok(Some(Outcome::Invalid(item.kind.too_large()))),
        }
    }

    fn spools(&self, item: &Item) -> bool {
        let is_large = item.length >= self.settings.spool_from || self.in_memory > MAX_IN_MEMORY / 2;
        item.kind == ItemKind::Attachment && item.handler_file().is_none() && item.purpose == Purpose::Keep && is_large
    }

    fn append(&mut self, item: &mut Item, bytes: &[u8]) -> Result<(), Stop> {
        let spools = self.spools(item);
        if let (Payload::Memory(held), Some(spill), true) = (&mut item.payload, &self.spill, spools) {
            let held = std::mem::take(held);
            self.in_memory -= held.len() as u64;
            item.payload = Payload::Writing(spill.runtime.block_on(spill.journal.spool())?, held);
        }
        match &mut item.payload {
            Payload::Memory(_) if item.purpose == Purpose::Length => {}
            Payload::Memory(held) => {
                self.in_memory += bytes.len() as u64;
                held.extend_from_slice(bytes);
                let is_full = self.in_memory > MAX_IN_MEMORY;
                if item.purpose == Purpose::LookAt && (is_full || item.length > unkept::MAX_LOOKED_AT) {
                    item.purpose = Purpose::Length;
                    self.release(item);
                } else if is_full {
                    item.dropped = Some(Outcome::Invalid(item.kind.too_large()));
                    self.release(item);
                }
            }
            Payload::Writing(writer, held) => {
                held.extend_from_slice(bytes);
                if held.len() >= SPOOL_PIECE
                    && let Some(spill) = &self.spill
                {
                    spill.runtime.block_on(writer.write(std::mem::take(held).into()))?;
                }
            }
            Payload::Spooled(_) => {}
        }
        Ok(())
    }

    /// Forgets the payload of an item that is not kept.
    fn release(&mut self, item: &mut Item) {
        if let Payload::Memory(held) = std::mem::replace(&mut item.payload, Payload::Memory(Vec::new())) {
            self.in_memory -= held.len() as u64;
        }
    }

    fn count(&mut self, item: &Item, outcome: &Outcome) {
        for (category, quantity) in item.kind.quantities(&item.header, item.length) {
            self.count_lost(category, outcome, quantity);
        }
    }

    /// Moves large attachments that were read into memory to the spool.
    pub(super) async fn spool_rest(&mut self, journal: &Journal) -> Result<(), Stop> {
        for at in 0..self.kept.len() {
            if !self.spools(&self.kept[at]) {
                continue;
            }
            if let Payload::Memory(held) = &mut self.kept[at].payload {
                let held = std::mem::take(held);
                let mut writer = journal.spool().await?;
                writer.write(held.into()).await?;
                self.kept[at].payload = Payload::Spooled(writer.finish().await?);
            }
        }
        Ok(())
    }

    /// The parts of a record: the envelope of what is in memory, the spooled items with their files, and the counts.
    pub(super) fn finish(self) -> Collected {
        let mut header = self.header;
        // Credentials have done their work; they need not be kept.
        header.dsn = None;
        let mut writer = EnvelopeWriter::new(&header);
        let (mut spooled, mut files) = (Vec::new(), Vec::new());
        for item in self.kept {
            match item.payload {
                Payload::Memory(bytes) => {
                    writer.item(&item.header, &bytes);
                }
                Payload::Spooled(file) => {
                    spooled.push(SpooledItem { header: ItemHeader { length: None, ..item.header }, length: item.length });
                    files.push(file);
                }
                // Ended items are never being written: `end` finishes them.
                Payload::Writing(..) => {}
            }
        }
        Collected { envelope: writer.finish(), spooled, files, counted: self.counted.into_values().collect() }
    }
}

/// What [`Collector::finish`] leaves.
pub(super) struct Collected {
    pub(super) envelope: Bytes,
    pub(super) spooled: Vec<SpooledItem>,
    pub(super) files: Vec<Spooled>,
    pub(super) counted: Vec<Counted>,
}

impl Sink for Collector {
    type Error = Stop;

    fn header(&mut self, header: EnvelopeHeader) -> Result<(), Stop> {
        self.header = header;
        Ok(())
    }

    fn begin(&mut self, header: ItemHeader) -> Result<(), Stop> {
        let kind = header.kind();
        self.needs_id |= kind.needs_event_id();
        let dropped = self.judge(&header, kind);
        let purpose = match kind {
            _ if (self.settings.kept)(kind) => Purpose::Keep,
            _ if unkept::is_looked_at(kind) => Purpose::LookAt,
            _ => Purpose::Length,
        };
        let mut item = Item { header, kind, length: 0, payload: Payload::Memory(Vec::new()), purpose, dropped };
        // A length that is announced too large needs no byte to be read.
        if let Some(length) = item.header.length
            && item.dropped.is_none()
        {
            self.make_room(&item, length);
            item.dropped = self.check_size(&item, length)?;
        }
        self.current = Some(item);
        Ok(())
    }

    fn payload(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let Some(mut item) = self.current.take() else { return Ok(()) };
        item.length += bytes.len() as u64;
        self.see_dump(&item, bytes);
        if item.dropped.is_none() {
            self.make_room(&item, item.length);
            match self.check_size(&item, item.length)? {
                Some(outcome) => {
                    self.release(&mut item);
                    item.dropped = Some(outcome);
                }
                None => self.append(&mut item, bytes)?,
            }
        }
        self.current = Some(item);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(mut item) = self.current.take() else { return Ok(()) };
        if let Some(outcome) = item.dropped.take() {
            self.count(&item, &outcome);
            return Ok(());
        }
        match item.purpose {
            Purpose::Keep => {}
            Purpose::LookAt => {
                self.look_at(&mut item);
                return Ok(());
            }
            Purpose::Length => {
                self.count(&item, &Outcome::Unsupported);
                return Ok(());
            }
        }
        // What a header says is held like a payload, and a line may be long.
        self.in_memory += item.header.text_bytes();
        if self.in_memory > MAX_IN_MEMORY {
            self.in_memory -= item.header.text_bytes();
            self.release(&mut item);
            self.count(&item, &Outcome::Invalid(item.kind.too_large()));
            return Ok(());
        }
        if item.kind == ItemKind::Attachment {
            self.attachments += item.length;
        }
        item.payload = match (item.payload, &self.spill) {
            (Payload::Writing(mut writer, held), Some(spill)) => {
                spill.runtime.block_on(writer.write(held.into()))?;
                Payload::Spooled(spill.runtime.block_on(writer.finish())?)
            }
            (payload, _) => payload,
        };
        self.kept.push(item);
        Ok(())
    }
}
