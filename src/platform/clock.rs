//! # The clock
//! **Promise.** Nothing else reads the time of day. **How.** A [`Clock`] is real, or a fake that tests set and advance. Times are whole
//! microseconds, as PostgreSQL keeps them: what is written and read again is equal.
//! **Not here.** Durations for timeouts (tokio's).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

/// Says what time it is. Clones tell the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub const fn real() -> Self {
        Self(None)
    }

    /// A clock that stands still at `at` until it is turned.
    pub fn fake(at: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at.timestamp_micros()))))
    }

    /// Now, to the microsecond.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            None => {
                let now = Utc::now();
                now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
            }
            Some(micros) => DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default(),
        }
    }

    /// Turns a fake clock forward; the real one cannot be turned.
    pub fn advance(&self, by: TimeDelta) {
        if let (Some(micros), Some(by)) = (&self.0, by.num_microseconds()) {
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }
}

/// Hours since 1970, as counters are kept.
pub fn hour_of(at: DateTime<Utc>) -> i32 {
    (at.timestamp() / 3600) as i32
}

/// Minutes since 1970, as counters are kept.
pub fn minute_of(at: DateTime<Utc>) -> i32 {
    (at.timestamp() / 60) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fake_clock_stands_still_until_it_is_turned_and_clones_turn_with_it() {
        let start = DateTime::from_timestamp(1_700_000_000, 123_456_000).unwrap();
        let clock = Clock::fake(start);
        let other = clock.clone();
        assert_eq!((clock.now(), other.now()), (start, start));
        clock.advance(TimeDelta::days(2));
        assert_eq!(other.now(), start + TimeDelta::days(2));
    }

    #[test]
    fn the_real_clock_has_no_nanoseconds_that_a_database_would_lose() {
        assert_eq!(Clock::real().now().timestamp_subsec_nanos() % 1000, 0);
    }
}
