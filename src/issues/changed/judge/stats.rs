//! The arithmetic: how surely two shares differ, and what events that come together weigh.

use std::collections::BTreeMap;

/// Events with the value, and all of them.
pub(super) type Part = (u64, u64);

/// The odds of the value; half an event is added to both sides, so that none are infinite.
pub(super) fn odds((part, all): Part) -> f64 {
    (part as f64 + 0.5) / (all.saturating_sub(part) as f64 + 0.5)
}

/// The log-likelihood ratio of two shares against one common share, each part with what its events weigh. By chance it exceeds `x` with a probability
/// of about `exp(-x)` at most.
pub(super) fn surprise((now, weight): (Part, f64), (then, weight_then): (Part, f64)) -> f64 {
    let common = (now.0 as f64 * weight + then.0 as f64 * weight_then) / (now.1 as f64 * weight + then.1 as f64 * weight_then);
    let of = |(part, all): Part| {
        let share = part as f64 / all as f64;
        term(part as f64, share / common) + term(all.saturating_sub(part) as f64, (1.0 - share) / (1.0 - common))
    };
    let surprise = of(now) * weight + of(then) * weight_then;
    if surprise.is_finite() { surprise } else { 0.0 }
}

fn term(count: f64, ratio: f64) -> f64 {
    if count > 0.0 { count * ratio.ln() } else { 0.0 }
}

/// What an event weighs where some come from the same source: alone, half, since events come together for reasons unknown too; those of one source, as
/// one at most. An event without a source is one of its own.
pub(super) fn weight<T: Ord>(sources: impl Iterator<Item = Option<T>>) -> f64 {
    let (mut counts, mut alone) = (BTreeMap::<T, u64>::new(), 0);
    for source in sources {
        match source {
            Some(source) => *counts.entry(source).or_default() += 1,
            None => alone += 1,
        }
    }
    weight_of(counts.into_values(), alone)
}

/// The same, from events per source and those without one.
pub(super) fn weight_of(counts: impl Iterator<Item = u64>, alone: u64) -> f64 {
    let (all, squares) =
        counts.fold((alone as f64, alone as f64), |(all, squares), count| (all + count as f64, squares + (count as f64).powi(2)));
    // As many as come with an event from its source, itself included, on average over events.
    let together = if all > 0.0 { squares / all } else { 1.0 };
    1.0 / (1.0 + together)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_user_weigh_as_one_and_others_half() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(weight([Some(7); 100].into_iter()), 1.0 / 101.0));
        assert!(near(weight((0..100).map(Some)), 0.5));
        assert!(near(weight([None::<u8>; 9].into_iter()), 0.5));
        assert!(near(weight((0..100).map(|n| Some(n / 4))), 0.2));
        assert!(near(weight(std::iter::empty::<Option<u8>>()), 0.5));
        assert!(weight_of([u64::MAX, u64::MAX].into_iter(), u64::MAX) >= 0.0);
    }

    #[test]
    fn equal_shares_are_no_surprise_and_extremes_are_finite() {
        assert!(surprise(((30, 100), 1.0), ((300, 1000), 1.0)).abs() < 1e-9);
        // -30 ln(40/1000) - 70 ln…: by hand 30 ln(0.3/0.0364) + 70 ln(0.7/0.9636) + 10 ln(0.01/0.0364) + 990 ln(0.99/0.9636).
        let by_hand = 30.0 * (0.3 / (40.0 / 1100.0_f64)).ln()
            + 70.0 * (0.7 / (1060.0 / 1100.0_f64)).ln()
            + 10.0 * (0.01 / (40.0 / 1100.0_f64)).ln()
            + 990.0 * (0.99 / (1060.0 / 1100.0_f64)).ln();
        assert!((surprise(((30, 100), 1.0), ((10, 1000), 1.0)) - by_hand).abs() < 1e-9);
        for (now, then) in
            [((10, 10), (0, 10)), ((10, 10), (10, 10)), ((0, 10), (0, 10)), ((u64::MAX, u64::MAX), (0, u64::MAX)), ((0, 0), (0, 0))]
        {
            assert!(surprise((now, 0.5), (then, 0.5)).is_finite(), "{now:?} {then:?}");
            assert!(odds(now).is_finite() && odds(then).is_finite());
        }
    }
}
