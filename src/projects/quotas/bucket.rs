//! Buckets: how much of a limit is used up.
//!
//! Minutes and hours are token buckets: as much as the limit may come at once, then it drains evenly. A month is a counter that begins anew
//! on its first day (UTC). Once something did not fit, nothing is taken until a tenth has drained: SDKs are then told a wait that is worth it,
//! instead of knocking for every single place. On average as much is taken as without.
//!
//! What several processes took too much together is waited for too, but never longer than for [`FULLEST`] whole limits: a limit that is
//! lowered would otherwise count what came under the higher one for hours.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};

use crate::protocol::quota::Period;

/// The part of a limit that must be free again before anything is taken.
const REOPEN: f64 = 0.1;

/// The most that a bucket holds, in whole limits.
const FULLEST: f64 = 2.0;

/// How full, as of when (microseconds since 1970).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Bucket {
    pub(super) level: f64,
    pub(super) at: i64,
}

/// A limit's measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) max: u64,
    pub(super) period: Period,
}

impl Bucket {
    /// The same bucket later. A clock that went back changes nothing.
    pub(super) fn at(self, now: i64, size: Size) -> Self {
        let Some(micros) = size.period.micros() else {
            let is_new = month(self.at) < month(now);
            return Self { level: if is_new { 0.0 } else { self.level }, at: now.max(self.at) };
        };
        let since = (now - self.at).max(0) as f64;
        let level = self.level.min(size.max as f64 * FULLEST) - size.max as f64 * (since / micros as f64);
        Self { level: level.max(0.0), at: now.max(self.at) }
    }

    /// Whether one more fits.
    pub(super) fn fits(self, size: Size) -> bool {
        // Draining computes with fractions: a place that is free but for one in a million is free.
        self.level + 1.0 <= size.max as f64 + 1e-6
    }

    /// When it is worth to come back, for a bucket that is full now.
    pub(super) fn reopens(self, size: Size) -> i64 {
        let Some(micros) = size.period.micros() else { return month_after(self.at) };
        let free = (size.max as f64 * REOPEN).max(1.0);
        let too_much = (self.level - (size.max as f64 - free)).max(0.0);
        self.at + (too_much / size.max as f64 * micros as f64).ceil() as i64
    }
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// Months since year 0.
fn month(micros: i64) -> i32 {
    let time = time(micros);
    time.year() * 12 + time.month0() as i32
}

/// The first moment of the next month.
pub(super) fn month_after(micros: i64) -> i64 {
    let next = month(micros) + 1;
    let day = NaiveDate::from_ymd_opt(next.div_euclid(12), next.rem_euclid(12) as u32 + 1, 1);
    day.and_then(|day| day.and_hms_opt(0, 0, 0)).map_or(i64::MAX, |first| first.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    /// 24 November 2026, 14:33:07 UTC.
    const NOW: i64 = 1_795_530_787 * SECOND;

    /// Fills the bucket as far as it goes; how much that was.
    fn fill(bucket: &mut Bucket, size: Size) -> u64 {
        let mut taken = 0;
        while bucket.fits(size) {
            bucket.level += 1.0;
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_burst_of_the_whole_limit_fits_and_comes_back_evenly() {
        let size = Size { max: 60, period: Period::Minute };
        let mut bucket = Bucket::default().at(NOW, size);
        assert_eq!(fill(&mut bucket, size), 60);
        for (seconds, room) in [(1, 1), (4, 3), (30, 26), (1000, 60)] {
            bucket = bucket.at(NOW + seconds * SECOND, size);
            assert_eq!(fill(&mut bucket, size), room, "after {seconds} s");
        }
    }

    #[test]
    fn a_full_bucket_reopens_when_a_tenth_is_free() {
        for (max, period, seconds) in
            [(100, Period::Minute, 6), (1, Period::Minute, 60), (5, Period::Minute, 12), (1000, Period::Hour, 360), (3, Period::Hour, 1200)]
        {
            let size = Size { max, period };
            let mut bucket = Bucket::default().at(NOW, size);
            fill(&mut bucket, size);
            let reopens = bucket.reopens(size);
            assert_eq!(reopens - NOW, seconds * SECOND, "{size:?}");
            assert_eq!(fill(&mut bucket.at(reopens, size), size), (max / 10).max(1), "{size:?}");
        }
    }

    #[test]
    fn a_lowered_limit_is_waited_for_twice_its_time_at_most() {
        let mut bucket = Bucket::default().at(NOW, Size { max: 1000, period: Period::Minute });
        fill(&mut bucket, Size { max: 1000, period: Period::Minute });
        let lower = Size { max: 10, period: Period::Minute };
        for later in [0, SECOND] {
            let bucket = bucket.at(NOW + later, lower);
            assert!(!bucket.fits(lower));
            assert!(bucket.reopens(lower) - NOW <= 2 * 60 * SECOND, "{bucket:?}");
        }
    }

    #[test]
    fn a_month_ends_with_the_calendar() {
        let size = Size { max: 2, period: Period::Month };
        let mut bucket = Bucket::default().at(NOW, size);
        assert_eq!(fill(&mut bucket, size), 2);
        let december = "2026-12-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap().timestamp_micros();
        assert_eq!(bucket.reopens(size), december);
        assert!(!bucket.at(december - 1, size).fits(size));
        assert_eq!(fill(&mut bucket.at(december, size), size), 2);
        let new_year = "2027-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap().timestamp_micros();
        assert_eq!(month_after(december), new_year);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_away() {
        let size = Size { max: 10, period: Period::Hour };
        let full = Bucket { level: 10.0, at: NOW };
        assert_eq!(full.at(NOW - 3600 * SECOND, size), full);
    }
}
