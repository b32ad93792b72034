//! The place of a crash's file among others: it is what the others are about, so that they go first.

use super::{Collector, Item, Payload};
use crate::protocol::crash_form::Crash;
use crate::protocol::envelope::ItemHeader;
use crate::protocol::{InvalidReason, ItemKind, Outcome};

impl Collector {
    /// Whether an item that is one too many is the file of a crash, for which the last of the other files has made place.
    pub(super) fn takes_place(&mut self, header: &ItemHeader) -> bool {
        is_crash(header) && self.drop_other(&Outcome::Invalid(InvalidReason::DuplicateItem))
    }

    /// Drops other files, the last first, until those of an envelope and the file of a crash, of `length` bytes so far, are not too many bytes.
    pub(super) fn make_room(&mut self, item: &Item, length: u64) {
        let limits = &self.settings.limits;
        let (one, all) = (limits.attachment, limits.attachments_total);
        while is_crash(&item.header) && length <= one && self.attachments + length > all {
            if !self.drop_other(&Outcome::Invalid(ItemKind::Attachment.too_large())) {
                return;
            }
        }
    }

    fn drop_other(&mut self, outcome: &Outcome) -> bool {
        let is_other = |item: &Item| item.kind == ItemKind::Attachment && !is_crash(&item.header) && item.handler_file().is_none();
        let Some(at) = self.kept.iter().rposition(is_other) else { return false };
        let item = self.kept.remove(at);
        self.attachments -= item.length;
        if let Payload::Memory(held) = &item.payload {
            self.in_memory -= held.len() as u64;
        }
        self.count(&item, outcome);
        true
    }
}

fn is_crash(header: &ItemHeader) -> bool {
    Crash::of(header.attachment_type.as_deref()).is_some()
}
