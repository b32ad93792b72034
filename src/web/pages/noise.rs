//! Noisy places, as the issue list and the grouping rules show them: how many new issues, from where, and the rule that would help.

use crate::web::{Link, When, page::HOSTILE, page::sample_now, urls};

/// One place. Printed by `templates/projects/noise.html`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoisyPlace {
    /// "PaymentDeclined in shop.charge_card".
    pub words: String,
    /// "23 new issues".
    pub issues: String,
    /// Since when.
    pub since: When,
    /// The newest of them.
    pub samples: Vec<Link>,
    /// The fingerprint rule; may be empty.
    pub rule: String,
    /// POST: adds the rule; nothing for those who may not.
    pub apply: Option<String>,
    /// POST: shows it no more.
    pub dismiss: String,
}

/// What pages show in their samples: one that can be added, and a hostile one.
pub fn samples() -> Vec<NoisyPlace> {
    let place = |words: &str, rule: &str, apply| NoisyPlace {
        words: words.to_owned(),
        issues: "23 new issues".to_owned(),
        since: When::new(sample_now() - chrono::Duration::minutes(40), sample_now()),
        samples: vec![Link::new("SHOP-1842", urls::issue(1842)), Link::new(words, urls::issue(words))],
        rule: rule.to_owned(),
        apply,
        dismiss: urls::noise_dismiss("shop-api", "p"),
    };
    let rule = "error.type:\"PaymentDeclined\" stack.function:\"charge_card\" -> \"PaymentDeclined in shop.charge_card\"";
    vec![place("PaymentDeclined in shop.charge_card", rule, Some(urls::noise_apply("shop-api", "p"))), place(HOSTILE, HOSTILE, None)]
}
