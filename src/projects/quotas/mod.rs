//! # Quotas: what a key and a project may send
//! **Promise.** No request costs a query for its limits, and none a lock where there are no limits. Over a limit something is taken again as
//! soon as a tenth of it is free. A restart and several processes change little: see below. People are told once when a limit begins to drop,
//! and once when it ends.
//! **How.** Every limit in use is a cell in memory: a bucket and what was taken and dropped since the last [`share()`]. Every
//! [`share::EVERY`] each process adds its numbers to `quota_states` and learns there what all took; the row whose limit begins or ends to drop
//! puts a fact into the outbox in the same transaction, so that one process does, once.
//! **How exact.** Between two shares a process counts the others' events as of the last one: `n` processes take at most `n − 1` times what is
//! free, or what comes in five seconds, too much; that is made up for by a longer wait. A process that is killed forgets what it took since the
//! last share; one that starts takes as if nothing was taken until its first share, a moment after the database answered.
//! **When it breaks.** While the database is away every process limits by itself, and adds up later.
//! **Not here.** Which items of an envelope go with which (`ingest`), answers, mails (`alerts`).

mod bucket;
mod limits;
mod share;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use bucket::{Bucket, Size};
pub use limits::{Limit, MAX_LIMIT, stored_name};
pub(super) use limits::{read, to_json};
pub use share::{EVERY, LIMIT_ENDED, LIMIT_REACHED, LimitFact, share};

use super::KeyInfo;
use crate::protocol::quota::{Class, LimitName, Period};
use crate::protocol::rate_limits::{RateLimits, Scope};

/// A limit of a project, or of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct CellId {
    project_id: i32,
    /// 0: the project's.
    key_id: i32,
    class: Class,
    period: Period,
}

/// A limit in use.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    max: u64,
    bucket: Bucket,
    /// Nothing is taken before, microseconds since 1970.
    closed_until: i64,
    /// What was taken and dropped since the last share, and when the first was.
    taken: u64,
    first_taken: i64,
    dropped: u64,
    first_dropped: i64,
}

impl Cell {
    fn new(max: u64) -> Self {
        Self { max, ..Self::default() }
    }

    /// The cell now, under this limit: one that was changed opens a closed cell.
    fn turn_to(&mut self, now: i64, size: Size) {
        if self.max != size.max {
            self.max = size.max;
            self.closed_until = 0;
        }
        self.bucket = self.bucket.at(now, size);
    }

    fn is_closed(&self, now: i64, max: u64) -> bool {
        now < self.closed_until && self.max == max
    }

    fn take_one(&mut self, now: i64) {
        if self.taken == 0 {
            self.first_taken = now;
        }
        self.taken += 1;
        self.bucket.level += 1.0;
    }

    fn drop_one(&mut self, now: i64) {
        if self.dropped == 0 {
            self.first_dropped = now;
        }
        self.dropped += 1;
    }
}

#[derive(Debug, Default)]
struct Cells {
    cells: HashMap<CellId, Cell>,
    /// Whether what was used before the start was read.
    is_loaded: bool,
}

/// How far the limits of all keys are used up, as this process knows. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Quotas(Arc<Mutex<Cells>>);

impl Quotas {
    /// Takes one item of a class, or says which limit stops it: of several the one that stops longest.
    pub fn take(&self, key: &KeyInfo, class: Class, now: DateTime<Utc>) -> Result<(), LimitName> {
        let concerns = |limit: &&Limit| limit.name.class == class || limit.name.class == Class::All;
        if !key.limits.iter().any(|limit| concerns(&limit)) {
            return Ok(());
        }
        let now = now.timestamp_micros();
        let cells = &mut self.0.lock().cells;
        let mut stop: Option<(i64, &Limit)> = None;
        for limit in key.limits.iter().filter(concerns) {
            let size = Size { max: limit.max, period: limit.name.period };
            let cell = cells.entry(cell_id(key, limit)).or_insert_with(|| Cell::new(limit.max));
            cell.turn_to(now, size);
            if now >= cell.closed_until && !cell.bucket.fits(size) {
                cell.closed_until = cell.bucket.reopens(size).max(now + 1);
            }
            if now < cell.closed_until && stop.is_none_or(|(until, _)| until < cell.closed_until) {
                stop = Some((cell.closed_until, limit));
            }
        }
        if let Some((_, limit)) = stop {
            if let Some(cell) = cells.get_mut(&cell_id(key, limit)) {
                cell.drop_one(now);
            }
            return Err(limit.name);
        }
        for limit in key.limits.iter().filter(concerns) {
            if let Some(cell) = cells.get_mut(&cell_id(key, limit)) {
                cell.take_one(now);
            }
        }
        Ok(())
    }

    /// The limit that stops everything of these classes now, if one does; counts what it drops so.
    pub fn stops(&self, key: &KeyInfo, classes: &[Class], now: DateTime<Utc>) -> Option<LimitName> {
        if key.limits.is_empty() {
            return None;
        }
        let now = now.timestamp_micros();
        let cells = &mut self.0.lock().cells;
        for limit in key.limits.iter().filter(|limit| classes.contains(&limit.name.class)) {
            let cell = cells.get_mut(&cell_id(key, limit)).filter(|cell| cell.is_closed(now, limit.max));
            if let Some(cell) = cell {
                cell.drop_one(now);
                return Some(limit.name);
            }
        }
        None
    }

    /// All limits of a key that drop something now, as SDKs are told.
    pub fn active(&self, key: &KeyInfo, now: DateTime<Utc>) -> RateLimits {
        if key.limits.is_empty() {
            return RateLimits::default();
        }
        let now = now.timestamp_micros();
        let cells = &self.0.lock().cells;
        let active = key.limits.iter().filter_map(|limit| {
            let cell = cells.get(&cell_id(key, limit)).filter(|cell| cell.is_closed(now, limit.max))?;
            Some(limit.name.header(((cell.closed_until - now) as u64).div_ceil(1_000_000)))
        });
        RateLimits(active.collect())
    }
}

fn cell_id(key: &KeyInfo, limit: &Limit) -> CellId {
    let LimitName { scope, class, period } = limit.name;
    CellId { project_id: key.project_id, key_id: if scope == Scope::Key { key.key_id } else { 0 }, class, period }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn limit(scope: Scope, class: Class, period: Period, max: u64) -> Limit {
        Limit { name: LimitName { scope, class, period }, max }
    }

    fn key(key_id: i32, limits: &[Limit]) -> KeyInfo {
        KeyInfo { project_id: 1, dsn_id: 1, key_id, allowed_domains: vec![], enabled: true, limits: limits.to_vec() }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_530_787, 0).unwrap()
    }

    /// How many of a hundred are taken.
    fn taken(quotas: &Quotas, key: &KeyInfo, class: Class, now: DateTime<Utc>) -> usize {
        (0..100).filter(|_| quotas.take(key, class, now).is_ok()).count()
    }

    #[test]
    fn a_key_without_limits_is_never_stopped_and_costs_nothing() {
        let quotas = Quotas::default();
        assert_eq!(taken(&quotas, &key(1, &[]), Class::Events, now()), 100);
        assert!(quotas.0.lock().cells.is_empty() && quotas.active(&key(1, &[]), now()).is_empty());
    }

    #[test]
    fn a_burst_is_taken_then_sdks_wait_until_a_tenth_is_free() {
        let (quotas, key) = (Quotas::default(), key(1, &[limit(Scope::Key, Class::Events, Period::Minute, 50)]));
        assert_eq!(taken(&quotas, &key, Class::Events, now()), 50);
        assert_eq!(quotas.active(&key, now()).to_string(), "6:error;default;security:key:key_events_minute");
        assert_eq!(taken(&quotas, &key, Class::Feedback, now()), 100, "other classes go on");
        assert_eq!(taken(&quotas, &key, Class::Events, now() + TimeDelta::seconds(5)), 0);
        assert_eq!(taken(&quotas, &key, Class::Events, now() + TimeDelta::seconds(6)), 5);
        assert_eq!(taken(&quotas, &key, Class::Events, now() + TimeDelta::seconds(66)), 50);
        assert!(quotas.active(&key, now() + TimeDelta::minutes(5)).is_empty());
    }

    #[test]
    fn keys_share_their_projects_limit_and_not_their_own() {
        let quotas = Quotas::default();
        let limits = [limit(Scope::Project, Class::Events, Period::Hour, 30), limit(Scope::Key, Class::Events, Period::Hour, 20)];
        let (first, second) = (key(1, &limits), key(2, &limits));
        assert_eq!(taken(&quotas, &first, Class::Events, now()), 20);
        assert_eq!(taken(&quotas, &second, Class::Events, now()), 10);
        assert_eq!(quotas.active(&first, now()).0.len(), 2, "all are named");
        assert_eq!(quotas.active(&second, now()).to_string(), "360:error;default;security:project:project_events_hour");
    }

    #[test]
    fn what_is_stopped_uses_nothing_up() {
        let quotas = Quotas::default();
        let key = key(1, &[limit(Scope::Project, Class::All, Period::Month, 60), limit(Scope::Project, Class::Events, Period::Minute, 10)]);
        assert_eq!(taken(&quotas, &key, Class::Events, now()), 10);
        assert_eq!(taken(&quotas, &key, Class::Attachments, now()), 50, "events that were stopped were not counted with all");
        assert_eq!(quotas.active(&key, now()).0[0].to_string(), "3600::project:project_all_month");
        assert_eq!(quotas.take(&key, Class::Events, now()).unwrap_err().code(), "project_all_month", "the longer wait is the reason");
    }

    #[test]
    fn a_raised_limit_opens_at_once_and_keeps_what_was_used() {
        let quotas = Quotas::default();
        let with = |max| key(1, &[limit(Scope::Key, Class::Events, Period::Month, max)]);
        assert_eq!(taken(&quotas, &with(10), Class::Events, now()), 10);
        assert!(!quotas.active(&with(10), now()).is_empty() && quotas.active(&with(30), now()).is_empty());
        assert_eq!(taken(&quotas, &with(30), Class::Events, now()), 20);
        assert_eq!(taken(&quotas, &with(5), Class::Events, now()), 0);
        assert_eq!(taken(&quotas, &key(1, &[]), Class::Events, now()), 100);
    }

    #[test]
    fn a_whole_request_is_stopped_by_a_closed_limit_only() {
        let quotas = Quotas::default();
        let key = key(1, &[limit(Scope::Key, Class::All, Period::Minute, 1)]);
        assert_eq!(quotas.stops(&key, &[Class::All], now()), None);
        assert_eq!(taken(&quotas, &key, Class::Events, now()), 1);
        assert_eq!(quotas.stops(&key, &[Class::All], now()).unwrap().code(), "key_all_minute");
        assert_eq!(quotas.stops(&key, &[Class::Events], now()), None);
        assert_eq!(quotas.stops(&key, &[Class::All], now() + TimeDelta::minutes(2)), None);
    }
}
