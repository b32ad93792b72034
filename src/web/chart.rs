//! # Bars
//! **Promise.** A row of counts becomes inline SVG made of numbers in attributes: no script, no `style`. Bars far above their neighbours are marked.
//! **How.** A bar deviates when it exceeds four times the mean of all other bars plus three; the rule is for the eye only, spike alerts have their own detector.

/// One bar, in units of the picture's `viewBox`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Left edge.
    pub x: usize,
    /// Top edge.
    pub y: usize,
    /// Height; at least 1, so that an empty bucket is still a place in time.
    pub height: usize,
    /// Far above its neighbours.
    pub unusual: bool,
    /// "2,318 events, 14:00" for the tooltip.
    pub label: String,
}

/// A row of bars, ready for the macro `bars` of `templates/macros.html`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bars {
    /// Width of the `viewBox`.
    pub width: usize,
    /// Height of the `viewBox`.
    pub height: usize,
    /// Width of one bar.
    pub bar_width: usize,
    /// Oldest first.
    pub bars: Vec<Bar>,
    /// What a screen reader says instead: "24 hours, 2,318 events, at most 720 in one bar".
    pub summary: String,
}

impl Bars {
    /// Bars for `counts`, oldest first, in a picture `height` units high; `label` names bucket `i` for its tooltip.
    pub fn new(counts: &[i64], height: usize, span: &str, label: impl Fn(usize) -> String) -> Self {
        const BAR: usize = 5;
        const STEP: usize = 6;
        const FAR: &str = ": far above the rest";
        // Stored counts are never negative; were one, it would be drawn as nothing.
        let counts: Vec<i64> = counts.iter().map(|n| (*n).max(0)).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let total: i64 = counts.iter().fold(0, |sum, n| sum.saturating_add(*n));
        // In floating point: sums of absurd counts must not stick at the largest integer.
        let exact: f64 = counts.iter().map(|n| *n as f64).sum();
        let others = (counts.len() as i64 - 1).max(1);
        let usual_for = |n: i64| (exact - n as f64) / others as f64;
        let unusual = |n: i64| n as f64 > 4.0 * usual_for(n) + 3.0 && counts.len() > 1;
        // A calm row stays low: full height is for what stands out.
        let full = if counts.iter().any(|n| unusual(*n)) { height } else { height * 2 / 3 };
        let bars = counts.iter().enumerate().map(|(index, &n)| {
            let scaled = if most > 0 { (n as f64 / most as f64 * full as f64).round() as usize } else { 0 };
            let bar_height = scaled.max(1 + usize::from(n > 0)).min(height);
            Bar {
                x: index * STEP,
                y: height - bar_height,
                height: bar_height,
                unusual: unusual(n),
                label: format!("{}, {}{}", super::number::counted(n, "event"), label(index), if unusual(n) { FAR } else { "" }),
            }
        });
        let bars: Vec<Bar> = bars.collect();
        let high = bars.iter().filter(|bar| bar.unusual).count();
        let high = if high > 0 { format!("; {high} far above the rest, drawn orange") } else { String::new() };
        let summary =
            format!("{span}: {}, at most {} in one bar{high}", super::number::counted(total, "event"), super::number::count(most));
        Self { width: (counts.len() * STEP).saturating_sub(STEP - BAR), height, bar_width: BAR, bars, summary }
    }

    /// Some bar is marked, so that the mark wants a word.
    pub fn any_unusual(&self) -> bool {
        self.bars.iter().any(|bar| bar.unusual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_out_is_marked_and_nothing_leaves_the_picture() {
        let mut counts = vec![2_i64; 24];
        counts[21..].fill(700);
        let bars = Bars::new(&counts, 32, "24 hours", |i| format!("hour {i}"));
        assert_eq!(bars.bars.iter().filter(|b| b.unusual).count(), 3);
        assert!(bars.bars.iter().all(|b| b.y + b.height == 32 && b.height >= 1));
        assert_eq!(
            (bars.bars[0].label.as_str(), bars.bars[23].label.as_str()),
            ("2 events, hour 0", "700 events, hour 23: far above the rest")
        );
        assert!(bars.any_unusual());
        assert_eq!(bars.width, 24 * 6 - 1);
        assert_eq!(bars.summary, "24 hours: 2,142 events, at most 700 in one bar; 3 far above the rest, drawn orange");
    }

    #[test]
    fn steady_empty_and_absurd_counts_are_drawn_plainly() {
        for counts in [vec![], vec![0; 24], vec![30; 24], vec![5], vec![i64::MAX, i64::MAX], vec![i64::MIN, -4]] {
            let bars = Bars::new(&counts, 32, "24 hours", |_| String::new());
            assert!(bars.bars.iter().all(|b| !b.unusual && b.height <= 32), "{counts:?}");
        }
    }
}
