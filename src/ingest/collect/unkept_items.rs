//! Items that are not kept: what SDKs are told about them, and how they are counted.

use super::{Collector, Item, Payload};
use crate::protocol::{Category, ItemKind, unkept};

impl Collector {
    /// SDKs are asked not to send what is not kept.
    pub(super) fn stop_sending(&mut self, kind: ItemKind) {
        for category in stop_categories(kind) {
            if !self.not_kept.contains(category) {
                self.not_kept.push(*category);
            }
        }
    }

    /// Counts an item that is not kept by what is in it.
    pub(super) fn look_at(&mut self, item: &mut Item) {
        if let Payload::Memory(payload) = &item.payload {
            for (category, outcome, quantity) in unkept::ends(&item.header, payload) {
                self.count_lost(category, &outcome, quantity);
            }
        }
        self.release(item);
    }
}

/// The categories to stop for a kind that is not kept: never one that other, kept items share.
pub(in crate::ingest) fn stop_categories(kind: ItemKind) -> &'static [Category] {
    match kind {
        ItemKind::Transaction => &[Category::Transaction],
        ItemKind::Span => &[Category::Span],
        ItemKind::Session | ItemKind::Sessions => &[Category::Session],
        ItemKind::CheckIn => &[Category::Monitor],
        ItemKind::Log => &[Category::LogItem],
        ItemKind::TraceMetric => &[Category::TraceMetric],
        ItemKind::Profile => &[Category::Profile],
        ItemKind::ProfileChunk => &[Category::ProfileChunk, Category::ProfileChunkUi],
        ItemKind::ReplayEvent | ItemKind::ReplayRecording | ItemKind::ReplayVideo => &[Category::Replay],
        ItemKind::Statsd | ItemKind::MetricBuckets => &[Category::MetricBucket],
        _ => &[],
    }
}
