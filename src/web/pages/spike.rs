//! The issue page's words about spikes: one that is on, and why nobody was told of one.

use crate::web::{When, page::HOSTILE};

/// One judgement in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpikeLook {
    /// "Last looked", "Closest in a day".
    pub name: &'static str,
    /// When.
    pub at: When,
    /// "41 in 5 min, usually 2 per hour".
    pub words: String,
    /// "surprise 18.2 of at least 20.0".
    pub figures: String,
    /// Why it was no spike, in a sentence.
    pub verdict: &'static str,
}

/// What the page says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpikePanel {
    /// "Spiking since 14:03: 41 in 5 min, usually 2 per hour"; may be empty.
    pub on: String,
    /// The last judgements; none before the first minute is over.
    pub looks: Vec<SpikeLook>,
}

/// What held an alert back, said to people.
pub fn verdict(held: Option<&str>) -> &'static str {
    match held {
        None => "This was a spike.",
        Some("usual") => "Not more than usual, or hardly any events.",
        Some("not_surprising") => "More than usual, but not unlikely enough for this hour of the day.",
        Some("too_few") => "Fewer than 20 events more than usual.",
        Some("low_ratio") => "Less than 2.5 times the usual.",
        Some("ending") => "It was over already: the last minutes were back at the usual.",
        Some("same_hour") => "About this hour had nearly as much on one of the last seven days.",
        Some("ordinary") => "This issue's ordinary hours vary as much.",
        Some("new") => "The issue was less than an hour old: the message about the new issue told of it.",
        Some("told") => "A spike was on already, and told.",
        Some("past") => "We heard of it more than a quarter of an hour later: too late to tell.",
        Some(_) => "It was no spike.",
    }
}

impl SpikePanel {
    /// A made-up one.
    pub fn sample() -> Self {
        let look = |name, words: &str, figures: &str, held| SpikeLook {
            name,
            at: When::unknown(),
            words: words.to_owned(),
            figures: figures.to_owned(),
            verdict: verdict(Some(held)),
        };
        Self {
            on: "Spiking since 14:03: 41 in 5 min, usually 2 per hour".to_owned(),
            looks: vec![
                look("Last looked", "41 in 5 min, usually 2 per hour", "surprise 96.1 of at least 20.0", "told"),
                look("Closest in a day", "18 in 15 min, usually 2 per hour", "surprise 31.0 of at least 20.0", "too_few"),
            ],
        }
    }

    /// One that is up to no good.
    pub fn hostile() -> Self {
        let h = || HOSTILE.to_owned();
        Self {
            on: h(),
            looks: vec![SpikeLook { name: "Last looked", at: When::unknown(), words: h(), figures: h(), verdict: verdict(None) }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_has_words_of_its_own() {
        let names = ["usual", "not_surprising", "too_few", "low_ratio", "ending", "same_hour", "ordinary", "new", "told", "past"];
        let words: std::collections::BTreeSet<_> = names.into_iter().map(|name| verdict(Some(name))).collect();
        assert_eq!(words.len(), names.len());
        assert!(!words.contains(verdict(Some("anything else"))) && !words.contains(verdict(None)));
    }
}
