//! What SDKs say that they dropped: the client reports of one request, added up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::protocol::client_report::{self, Discarded};
use crate::protocol::items::MAX_CLAIMED;
use crate::protocol::outcome::{Ledger, Source};
use crate::protocol::{Category, Outcome};

/// Different lines that the reports of one request may have; reasons of the client's own beyond it are counted as [`client_report::OTHER`].
const MAX_REPORTED: usize = 200;

/// Sums by category and reason: many lines cost no more than different ones, and claim no more than [`MAX_CLAIMED`] of a category for a reason.
#[derive(Debug, Default)]
pub(super) struct Reported(BTreeMap<(i16, String), u64>);

impl Reported {
    /// Adds a report. One that cannot be read counts nothing: it is not an item that could be lost.
    pub(super) fn add(&mut self, payload: &[u8], received: DateTime<Utc>) {
        for Discarded { category, reason, quantity } in client_report::parse(payload, received).unwrap_or_default() {
            let is_full = self.0.len() >= MAX_REPORTED && !client_report::is_known(&reason);
            let reason = if is_full { client_report::OTHER.to_owned() } else { reason };
            let sum = self.0.entry((category.id(), reason)).or_default();
            *sum = sum.saturating_add(quantity).min(MAX_CLAIMED);
        }
    }

    /// Enters all into the books.
    pub(super) fn count(self, source: Source, ledger: &Ledger) {
        for ((category, reason), quantity) in self.0 {
            ledger.count(source, Category::from_id(category), Outcome::Discarded(reason), quantity);
        }
    }
}
