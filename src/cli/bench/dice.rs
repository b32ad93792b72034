//! Repeatable randomness for the generator: the same seed makes the same mix. Not for anything that must not be guessed.

/// A SplitMix64 generator.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

/// SplitMix64's finisher: a bijection, so that different inputs never meet.
pub(super) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Dice {
    /// A generator of its own for each pair of seed and stream.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed).wrapping_add(mix(stream.wrapping_add(1))))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number from 0 to 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// Zipf's law over `0..count`: the k-th is drawn in proportion to `1 / k^exponent`.
#[derive(Debug, Clone)]
pub(super) struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    pub(super) fn new(count: usize, exponent: f64) -> Self {
        let mut total = 0.0;
        let cumulative = (1..=count)
            .map(|rank| {
                total += (rank as f64).powf(-exponent);
                total
            })
            .collect();
        Self { cumulative }
    }

    pub(super) fn draw(&self, dice: &mut Dice) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(1.0);
        let at = dice.unit() * total;
        self.cumulative.partition_point(|sum| *sum <= at).min(self.cumulative.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zipf_favours_the_first_and_reaches_the_last() {
        let zipf = Zipf::new(300, 1.0);
        let mut dice = Dice::new(1, 0);
        let mut counts = vec![0_u32; 300];
        for _ in 0..100_000 {
            counts[zipf.draw(&mut dice)] += 1;
        }
        // The first of 300 has 1/H(300) = 15.9 % of all, the second half of that.
        assert!((15_000..17_000).contains(&counts[0]), "{}", counts[0]);
        assert!((7_000..9_000).contains(&counts[1]), "{}", counts[1]);
        assert!(counts.iter().all(|count| *count > 0));
    }

    #[test]
    fn the_same_seed_rolls_the_same() {
        let roll = |seed, stream| (0..9).map(|_| 0).scan(Dice::new(seed, stream), |dice, _| Some(dice.next())).collect::<Vec<_>>();
        assert_eq!(roll(1, 2), roll(1, 2));
        assert_ne!(roll(1, 2), roll(2, 1));
    }
}
