//! Keys that were looked up in vain, remembered for a while so that a client with a wrong DSN costs no query per event.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use crate::protocol::PublicKey;

/// How long a key counts as unknown without a look.
const REMEMBERED: TimeDelta = TimeDelta::seconds(60);
/// Keys at most; of more, the oldest are forgotten.
const CAPACITY: usize = 10_000;

/// The unknown keys.
#[derive(Debug, Default)]
pub(super) struct Unknown {
    until: HashMap<PublicKey, DateTime<Utc>>,
    /// In the order they came, which is the order they expire in.
    order: VecDeque<PublicKey>,
}

impl Unknown {
    /// Whether there was no such key a moment ago.
    pub(super) fn contains(&self, key: PublicKey, now: DateTime<Utc>) -> bool {
        self.until.get(&key).is_some_and(|until| now < *until)
    }

    /// Remembers that there is none.
    pub(super) fn insert(&mut self, key: PublicKey, now: DateTime<Utc>) {
        if self.contains(key, now) {
            return;
        }
        while let Some(oldest) = self.order.front().copied() {
            let is_over = self.until.get(&oldest).is_none_or(|until| *until <= now);
            if !is_over && self.order.len() < CAPACITY {
                break;
            }
            self.until.remove(&oldest);
            self.order.pop_front();
        }
        if self.until.insert(key, now + REMEMBERED).is_none() {
            self.order.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    #[test]
    fn an_unknown_key_is_remembered_for_a_minute() {
        let mut unknown = Unknown::default();
        unknown.insert(PublicKey::new(1), at(0));
        assert!(unknown.contains(PublicKey::new(1), at(59)));
        assert!(!unknown.contains(PublicKey::new(1), at(60)) && !unknown.contains(PublicKey::new(2), at(0)));
        unknown.insert(PublicKey::new(2), at(61));
        assert_eq!((unknown.until.len(), unknown.order.len()), (1, 1), "what is over is gone");
    }

    #[test]
    fn a_flood_of_keys_takes_bounded_memory() {
        let mut unknown = Unknown::default();
        for key in 0..25_000 {
            unknown.insert(PublicKey::new(key), at(0));
            unknown.insert(PublicKey::new(key), at(0));
        }
        assert_eq!((unknown.until.len(), unknown.order.len()), (CAPACITY, CAPACITY));
        assert!(unknown.contains(PublicKey::new(24_999), at(1)) && !unknown.contains(PublicKey::new(0), at(1)));
    }
}
