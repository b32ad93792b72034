//! Limits on the items of one envelope: what goes, and what goes with it.

use super::Collector;
use crate::protocol::quota::{Class, LimitName};
use crate::protocol::record::Counted;
use crate::protocol::{ItemKind, Outcome};

impl Collector {
    /// Leaves out what `take` does not take, counted as rate limited; the limits that left something out. An event takes its attachments
    /// with it; a transaction its profile and spans, which do not count beside it. So does a crash take its dump, which
    /// nobody would find without it.
    pub(in crate::ingest) fn limit(&mut self, mut take: impl FnMut(Class) -> Result<(), LimitName>) -> Vec<LimitName> {
        // Few envelopes hold more than one event-like item; those of security reports do.
        let leaders = self.kept.iter().map(|item| item.kind).filter(|kind| kind.is_event_like());
        let leaders: Vec<_> = leaders.map(|kind| (kind, Class::of(kind).and_then(|class| take(class).err()))).collect();
        let (leader, stop_of_leader) = leaders.first().copied().map_or((None, None), |(kind, stop)| (Some(kind), stop));
        let mut leaders = leaders.into_iter();
        let mut stopped = Vec::new();
        for item in std::mem::take(&mut self.kept) {
            let stop = match item.kind {
                kind if kind.is_event_like() => leaders.next().and_then(|(_, stop)| stop),
                ItemKind::Attachment if stop_of_leader.is_some() => stop_of_leader,
                kind if leader == Some(ItemKind::Transaction) && Class::of(kind) == Some(Class::Transactions) => stop_of_leader,
                kind => Class::of(kind).and_then(|class| take(class).err()),
            };
            match stop {
                // The payload goes with the item, a spooled one by its guard.
                Some(name) => {
                    self.count(&item, &Outcome::RateLimited(name.code().into()));
                    if !stopped.contains(&name) {
                        stopped.push(name);
                    }
                }
                None => self.kept.push(item),
            }
        }
        stopped
    }

    /// Whether no item is kept.
    pub(in crate::ingest) fn keeps_nothing(&self) -> bool {
        self.kept.is_empty()
    }

    /// What was left out, taken out of an envelope of which nothing is kept.
    pub(in crate::ingest) fn take_counted(&mut self) -> Vec<Counted> {
        std::mem::take(&mut self.counted).into_values().collect()
    }
}
