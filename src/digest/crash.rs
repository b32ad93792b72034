//! What comes beside the event of a crash: a dump that nobody reads yet, and the crash handler's own files.
//!
//! The files are merged into the event and end with it; they are not kept, for they hold what is scrubbed in the event.

use serde_json::{Map, Value};

use crate::protocol::crash_form::Crash;
use crate::protocol::envelope::Item;
use crate::protocol::handler_files::{HandlerFile, HandlerFiles};
use crate::protocol::outcome::{Ledger, Managed, Source};
use crate::protocol::record::Record;
use crate::protocol::{InvalidReason, ItemKind, Outcome};

/// What is to become part of a record's event.
#[derive(Debug, Default)]
pub(super) struct Beside {
    crash: Option<Crash>,
    files: HandlerFiles,
    read: Vec<Managed<Item>>,
}

impl Beside {
    /// Takes the crash handler's files out of a record's items. What cannot be read, or is one too many, ends here.
    pub(super) fn take(record: &Record, items: &mut Vec<Item>, (source, ledger): (Source, &Ledger)) -> Self {
        let mut headers = items.iter().map(|item| &item.header).chain(record.spooled.iter().map(|item| &item.header));
        let crash = headers.find_map(|header| Crash::of(header.attachment_type.as_deref()));
        let (mut files, mut read, mut seen) = (HandlerFiles::default(), Vec::new(), Vec::new());
        let is_handlers = |item: &mut Item| item.header.kind() == ItemKind::Attachment && handler_file(item).is_some();
        for item in items.extract_if(.., is_handlers) {
            let Some(file) = handler_file(&item) else { continue };
            let quantities = ItemKind::Attachment.quantities(&item.header, item.payload.len() as u64);
            let managed = Managed::new(item, source, quantities, ledger);
            let is_surplus = seen.iter().filter(|other| **other == file).count() >= file.most();
            seen.push(file);
            let refused = match managed.get() {
                _ if is_surplus => Some(InvalidReason::DuplicateItem),
                Some(item) => files.add(file, &item.payload).err().map(|_| InvalidReason::InvalidMsgpack),
                None => continue,
            };
            match refused {
                Some(reason) => drop(managed.rejected(&Outcome::Invalid(reason))),
                None => read.push(managed),
            }
        }
        Self { crash, files, read }
    }

    /// Puts all into the event as it was sent. An event has this done once: what was merged is gone from here.
    pub(super) fn complete(&mut self, event: &mut Map<String, Value>) {
        std::mem::take(&mut self.files).apply(event);
        if let Some(crash) = self.crash {
            crash.stand_in(event);
        }
    }

    /// The merged files end as the event does.
    pub(super) fn end_with<T>(&mut self, event: &mut Managed<T>) {
        self.read.drain(..).for_each(|file| drop(event.absorb(file)));
    }

    /// There was no event that they could be merged into.
    pub(super) fn end_alone(self, outcome: &Outcome) {
        self.read.into_iter().for_each(|file| drop(file.rejected(outcome)));
    }
}

fn handler_file(item: &Item) -> Option<HandlerFile> {
    HandlerFile::of(item.header.attachment_type.as_deref())
}
