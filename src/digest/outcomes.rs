//! Outcomes: how every item ended, per project, key, hour, category and reason.

use std::collections::{BTreeMap, HashMap, HashSet};

use parking_lot::Mutex;
use sqlx::PgConnection;

use crate::events::summary::clean;
use crate::protocol::outcome::Entry;
use crate::protocol::{Outcome, client_report};

/// Bytes of a reason that are kept: SDKs may name their own.
const MAX_REASON: usize = 200;

/// Reasons of their own that SDKs of a project may name for a category, as long as this process runs: anybody who has the DSN may send any.
/// Further ones are counted as [`client_report::OTHER`].
const MAX_OWN_REASONS: usize = 20;
/// Where a counter stops: a trillion of anything in an hour is a lie, and a row at the end of its type would fail every batch that adds to it.
const MAX_COUNT: i64 = 1_000_000_000_000;

/// The reasons of SDKs that no list knows, by project and category.
#[derive(Debug, Default)]
pub(super) struct OwnReasons(Mutex<HashMap<(i32, i16), HashSet<String>>>);

impl OwnReasons {
    fn admits(&self, project: i32, category: i16, reason: &str) -> bool {
        let mut all = self.0.lock();
        let reasons = all.entry((project, category)).or_default();
        reasons.contains(reason) || (reasons.len() < MAX_OWN_REASONS && reasons.insert(reason.to_owned()))
    }
}

/// Counts of one batch.
#[derive(Debug)]
pub(super) struct Outcomes<'r> {
    counts: BTreeMap<(i32, i32, i32, i16, &'static str, String), i64>,
    own_reasons: &'r OwnReasons,
}

impl<'r> Outcomes<'r> {
    pub(super) const fn new(own_reasons: &'r OwnReasons) -> Self {
        Self { counts: BTreeMap::new(), own_reasons }
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        self.add_times(entry, 1);
    }

    fn add_times(&mut self, entry: &Entry, sign: i64) {
        let Entry { source, category, outcome, quantity } = entry;
        let hour = (source.received / 3_600_000_000) as i32;
        let mut reason = clean(&outcome.reason(), MAX_REASON);
        if matches!(outcome, Outcome::Discarded(reason) if !client_report::is_known(reason))
            && !self.own_reasons.admits(source.project_id, category.id(), &reason)
        {
            client_report::OTHER.clone_into(&mut reason);
        }
        let count = self.counts.entry((source.project_id, source.key_id, hour, category.id(), outcome.name(), reason)).or_default();
        // Both bounded: quantities are what somebody says.
        *count = count.saturating_add(sign * i64::try_from(*quantity).unwrap_or(MAX_COUNT)).clamp(-MAX_COUNT, MAX_COUNT);
    }

    /// Takes back what was counted of an item that is being digested after all.
    pub(super) fn take_back(&mut self, entry: &Entry) {
        self.add_times(entry, -1);
    }

    /// Counts an item's quantities under one outcome.
    pub(super) fn add_item<T>(&mut self, item: &crate::protocol::Managed<T>, outcome: &Outcome) {
        item.entries(outcome).for_each(|entry| self.add(&entry));
    }

    pub(super) async fn write(&self, db: &mut PgConnection) -> sqlx::Result<()> {
        if self.counts.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into outcomes as o (project_id, key_id, hour, category, outcome, reason, quantity)
            select * from unnest($1::int[], $2::int[], $3::int[], $4::smallint[], $5::text[], $6::text[], $7::bigint[])
            on conflict (project_id, key_id, hour, category, outcome, reason) do update set quantity = least(o.quantity, $8) + excluded.quantity",
            &self.counts.keys().map(|k| k.0).collect::<Vec<_>>(),
            &self.counts.keys().map(|k| k.1).collect::<Vec<_>>(),
            &self.counts.keys().map(|k| k.2).collect::<Vec<_>>(),
            &self.counts.keys().map(|k| k.3).collect::<Vec<_>>(),
            &self.counts.keys().map(|k| k.4.to_owned()).collect::<Vec<_>>(),
            &self.counts.keys().map(|k| k.5.clone()).collect::<Vec<_>>(),
            &self.counts.values().copied().collect::<Vec<_>>(),
            MAX_COUNT
        )
        .execute(&mut *db)
        .await?;
        if self.counts.values().any(|quantity| *quantity < 0) {
            let hours: Vec<i32> = self.counts.keys().map(|k| k.2).collect();
            sqlx::query!(
                "delete from outcomes where project_id = any($1) and hour = any($2) and quantity = 0",
                &self.counts.keys().map(|k| k.0).collect::<Vec<_>>(),
                &hours
            )
            .execute(db)
            .await?;
        }
        Ok(())
    }
}
