//! Items of an envelope that tell of a crash: dumps, and the crash handler's own files.

use super::{Collector, Item, Payload};
use crate::protocol::ItemKind;
use crate::protocol::crash_form::{Crash, DUMP_HEAD, dump_time};
use crate::protocol::handler_files::{HandlerFile, HandlerFiles};

impl Item {
    /// Which of a crash handler's files it is: digest merges them into the event, so they are no larger than one and stay in memory.
    pub(super) fn handler_file(&self) -> Option<HandlerFile> {
        HandlerFile::of(self.header.attachment_type.as_deref()).filter(|_| self.kind == ItemKind::Attachment)
    }

    fn crash(&self) -> Option<Crash> {
        Crash::of(self.header.attachment_type.as_deref())
    }
}

impl Collector {
    /// Keeps how the first dump begins.
    pub(super) fn see_dump(&mut self, item: &Item, bytes: &[u8]) {
        if item.crash() == Some(Crash::Minidump) {
            let missing = DUMP_HEAD.saturating_sub(self.dump_head.len()).min(bytes.len());
            self.dump_head.extend_from_slice(&bytes[..missing]);
        }
    }

    /// When the crash happened, as its dump says.
    pub(in crate::ingest) fn crash_time(&self) -> Option<u32> {
        dump_time(&self.dump_head)
    }

    /// Whether there is a file that tells of a crash, and no event beside it.
    pub(in crate::ingest) fn lacks_event_of_crash(&self) -> bool {
        let is_crash = |item: &Item| item.crash().is_some() || item.handler_file().is_some();
        self.kept.iter().any(is_crash) && !self.kept.iter().any(|item| item.kind.is_event_like())
    }

    /// What a crash handler wrote as its event.
    pub(in crate::ingest) fn handlers_event(&self) -> HandlerFiles {
        let mut files = HandlerFiles::default();
        let event = self.kept.iter().find(|item| item.handler_file() == Some(HandlerFile::Event));
        if let Some(Item { payload: Payload::Memory(bytes), .. }) = event {
            // Digest tells of one that cannot be read.
            let _ = files.own_event(bytes);
        }
        files
    }
}
