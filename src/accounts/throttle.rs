//! # Throttle: how often somebody may try a password
//! **Promise.** From one address ten tries at once and then one per 30 s; for one account, whoever tries, a hundred and then one per 3 s: one
//! stranger's guesses do not lock its owner out, and many strangers still get nowhere. Who gets in gets the tries back.
//! **How.** Token buckets in memory, one per address (per /64 of IPv6) and per e-mail address.
//! **When it breaks.** A restart forgets; more than [`CAPACITY`] buckets forget those that are fullest of tokens first, which are worth the least.
//! **Not here.** Limits of SDKs (`ingest`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use crate::web::HttpError;

const CAPACITY: usize = 20_000;

/// Whose tries are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Email(String),
}

impl Who {
    /// Tries at once, and seconds until one comes back.
    const fn rate(&self) -> (i64, i64) {
        match self {
            Self::Address(_) => (10, 30),
            Self::Email(_) => (100, 3),
        }
    }

    fn one_try(&self) -> TimeDelta {
        TimeDelta::seconds(self.rate().1)
    }
}

/// A bucket, as the moment at which it will be full again: the later, the emptier.
type FullAt = DateTime<Utc>;

/// The buckets.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<Who, FullAt>>);

impl Throttle {
    /// Takes one try, or says when there will be one. A refused try takes nothing.
    pub(super) fn take(&self, address: Option<IpAddr>, email: &str, now: DateTime<Utc>) -> Result<(), HttpError> {
        let who = all(address, email);
        let mut buckets = self.0.lock();
        let wait = who.iter().filter_map(|who| wait(who, *buckets.get(who)?, now)).max();
        if let Some(wait) = wait {
            return Err(HttpError::Busy { retry_after: wait });
        }
        if buckets.len() + who.len() > CAPACITY {
            shrink(&mut buckets, now);
        }
        for who in who {
            let one_try = who.one_try();
            let full_at = buckets.entry(who).or_insert(now);
            *full_at = (*full_at).max(now) + one_try;
        }
        Ok(())
    }

    /// Gives back what a try that succeeded took.
    pub(super) fn give_back(&self, address: Option<IpAddr>, email: &str) {
        let mut buckets = self.0.lock();
        for who in all(address, email) {
            if let Some(full_at) = buckets.get_mut(&who) {
                *full_at -= who.one_try();
            }
        }
    }
}

/// Who a try counts for.
fn all(address: Option<IpAddr>, email: &str) -> Vec<Who> {
    let address = address.map(|address| Who::Address(network(address)));
    // As many characters as an address may have: longer ones are nobody's.
    let email = (!email.is_empty()).then(|| Who::Email(email.to_lowercase().chars().take(254).collect()));
    address.into_iter().chain(email).collect()
}

/// One customer has at least a /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

/// How long until the bucket has a token; nothing when it has one.
fn wait(who: &Who, full_at: FullAt, now: DateTime<Utc>) -> Option<Duration> {
    let missing = full_at - now;
    let (burst, seconds) = who.rate();
    let allowed = TimeDelta::seconds((burst - 1) * seconds);
    (missing > allowed).then(|| (missing - allowed).to_std().unwrap_or_default())
}

/// Forgets the fuller half, and whatever is full.
fn shrink(buckets: &mut HashMap<Who, FullAt>, now: DateTime<Utc>) {
    buckets.retain(|_, full_at| *full_at > now);
    if buckets.len() > CAPACITY / 2 {
        let mut order: Vec<FullAt> = buckets.values().copied().collect();
        let half = order.len() / 2;
        let (_, middle, _) = order.select_nth_unstable(half);
        let middle = *middle;
        buckets.retain(|_, full_at| *full_at > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn ten_tries_then_one_per_half_minute() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            throttle.take(ip("192.0.2.1"), "", at(0)).unwrap();
        }
        let HttpError::Busy { retry_after } = throttle.take(ip("192.0.2.1"), "", at(10)).unwrap_err() else { panic!("busy") };
        assert_eq!(retry_after, Duration::from_secs(20));
        throttle.take(ip("192.0.2.2"), "", at(10)).unwrap();
        throttle.take(ip("192.0.2.1"), "", at(30)).unwrap();
        assert!(throttle.take(ip("192.0.2.1"), "", at(31)).is_err());
        throttle.take(ip("192.0.2.1"), "", at(60)).unwrap();
    }

    #[test]
    fn an_account_is_guarded_from_many_addresses_and_an_address_over_many_accounts() {
        let throttle = Throttle::default();
        for n in 0..100 {
            throttle.take(ip(&format!("192.0.2.{n}")), "Ana@example.org", at(0)).unwrap();
        }
        assert!(throttle.take(ip("192.0.2.199"), "ana@EXAMPLE.org", at(0)).is_err());
        throttle.take(ip("192.0.2.199"), "ana@example.org", at(3)).unwrap();
        for n in 0..10 {
            throttle.take(ip(&format!("2001:db8::{n}")), &format!("{n}@example.org"), at(0)).unwrap();
        }
        assert!(throttle.take(ip("2001:db8::ffff:ffff:ffff:1"), "new@example.org", at(0)).is_err(), "one /64 is one address");
    }

    #[test]
    fn one_stranger_does_not_lock_the_owner_out() {
        let throttle = Throttle::default();
        while throttle.take(ip("198.51.100.1"), "ana@example.org", at(0)).is_ok() {}
        throttle.take(ip("192.0.2.1"), "ana@example.org", at(0)).unwrap();
    }

    #[test]
    fn who_gets_in_gets_the_tries_back() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            throttle.take(ip("192.0.2.1"), "ana@example.org", at(0)).unwrap();
            throttle.give_back(ip("192.0.2.1"), "ana@example.org");
        }
    }

    #[test]
    fn a_flood_of_names_takes_bounded_memory_and_does_not_free_the_guilty() {
        let throttle = Throttle::default();
        for _ in 0..10 {
            throttle.take(ip("192.0.2.1"), "", at(0)).unwrap();
        }
        for n in 0..50_000 {
            throttle.take(None, &format!("{n}@example.org"), at(0)).unwrap();
        }
        assert!(throttle.0.lock().len() <= CAPACITY);
        assert!(throttle.take(ip("192.0.2.1"), "", at(0)).is_err());
    }
}
