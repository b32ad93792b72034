//! Percentiles and medians.

/// The value below which `share` of all lie (nearest rank); 0 of none.
pub(super) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// What several runs found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    pub(super) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() {
            0 => 0.0,
            even if even % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        };
        Self { median, least: sorted.first().copied().unwrap_or(0.0), most: sorted.last().copied().unwrap_or(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|share| percentile(&values, share) as u32), [1, 50, 99, 100]);
        assert_eq!([percentile(&[3.0], 0.99), percentile(&[], 0.5)].map(|value| value as u32), [3, 0]);
    }

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(Spread::of(&[9.0, 1.0, 4.0]), Spread { median: 4.0, least: 1.0, most: 9.0 });
        assert_eq!(Spread::of(&[9.0, 1.0]), Spread { median: 5.0, least: 1.0, most: 9.0 });
        assert_eq!(Spread::of(&[]), Spread { median: 0.0, least: 0.0, most: 0.0 });
    }
}
