//! The grouping page: every variant of one event's fingerprint as a tree, and which one decided.

use askama::Template;

use crate::web::{Page, Sample, Shell, page::HOSTILE};

/// One line of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeLine {
    /// How deep it stands, from 0.
    pub depth: usize,
    /// "frame", "function".
    pub name: String,
    /// What counted there; may be empty.
    pub value: String,
    /// Why it does not count, or why it does; may be empty.
    pub hint: String,
    /// The rule that decided; may be empty.
    pub rule_href: String,
    /// It is part of the hash.
    pub contributes: bool,
}

impl TreeLine {
    fn indent(&self) -> usize {
        self.depth.min(9)
    }
}

/// One way to group the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantView {
    /// "App frames", "All frames", "Message".
    pub name: String,
    /// Its hash; empty when it has none.
    pub hash: String,
    /// Its hash is one of the event's.
    pub contributes: bool,
    /// "decides", "asked next", "does not count".
    pub verdict: &'static str,
    /// Why it did or did not; may be empty.
    pub hint: String,
    /// The rule that decided; may be empty.
    pub rule_href: String,
    /// Depth first.
    pub lines: Vec<TreeLine>,
}

/// One of the event's hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashView {
    /// 32 hexadecimal digits.
    pub hash: String,
    /// What it is made of.
    pub of: String,
    /// It led to this issue.
    pub led: bool,
}

/// All that `templates/issues/grouping.html` may print.
#[derive(Debug, Template)]
#[template(path = "issues/grouping.html")]
pub struct GroupingPage {
    /// Around it.
    pub shell: Shell,
    /// "SHOP-1842".
    pub short_id: String,
    /// Its page.
    pub issue_href: String,
    /// The event's first eight digits.
    pub event: String,
    /// The sentence of the issue page.
    pub why: String,
    /// What would bring such an event elsewhere.
    pub changes: Vec<String>,
    /// The first that is known decides.
    pub hashes: Vec<HashView>,
    /// Every rule that was asked.
    pub rules_href: String,
    /// The deciding ones first.
    pub variants: Vec<VariantView>,
}

/// A tree with what counts, what does not, and what a rule decided.
fn sample_lines() -> Vec<TreeLine> {
    let line = |depth, name: &str, value: &str, hint: &str| TreeLine {
        depth,
        name: name.to_owned(),
        value: value.to_owned(),
        hint: hint.to_owned(),
        rule_href: String::new(),
        contributes: hint.is_empty(),
    };
    let by_rule = line(2, "frame", "", "left out by the project’s rule “function:retry_* -group” (line 1)");
    vec![
        line(0, "exception", "", ""),
        line(1, "stacktrace", "", ""),
        TreeLine { rule_href: "/projects/shop/settings/grouping/rules#stack-trace-1".to_owned(), ..by_rule },
        line(3, "module", "checkout.payment", ""),
        line(3, "function", "charge_card", ""),
        line(3, "context line", "raise PaymentDeclined(…)", "the function is known"),
        line(1, "type", "PaymentDeclined", ""),
        line(1, "value", "card processor answered <int>", "the stack trace decides"),
    ]
}

impl Page for GroupingPage {
    const NAME: &'static str = "grouping";

    fn samples() -> Vec<Sample<Self>> {
        let lines = sample_lines();
        let variant = VariantView {
            name: "App frames".to_owned(),
            hash: "9b1c2f0a7d6e4b5c8a9f0e1d2c3b4a59".to_owned(),
            contributes: true,
            verdict: "decides",
            hint: String::new(),
            rule_href: String::new(),
            lines: lines.clone(),
        };
        let system = VariantView {
            name: "All frames".to_owned(),
            hash: String::new(),
            contributes: false,
            verdict: "does not count",
            hint: "the app frames decide".to_owned(),
            rule_href: String::new(),
            lines,
        };
        let page = |variants| Self {
            shell: Shell::sample("Why one issue?"),
            short_id: "SHOP-1842".to_owned(),
            issue_href: "/issues/1842".to_owned(),
            event: "6f2c91ab".to_owned(),
            why: "Same stack in app frames.".to_owned(),
            changes: vec![
                "Another type of exception.".to_owned(),
                "A fingerprint, from the client or by a rule that matches the event.".to_owned(),
            ],
            hashes: vec![
                HashView {
                    hash: "9b1c2f0a7d6e4b5c8a9f0e1d2c3b4a59".to_owned(),
                    of: "exception stack trace in app frames".to_owned(),
                    led: true,
                },
                HashView {
                    hash: "0a7d6e4b5c8a9f0e1d2c3b4a599b1c2f".to_owned(),
                    of: "exception stack trace in all frames".to_owned(),
                    led: false,
                },
            ],
            rules_href: "/projects/shop/settings/grouping/rules".to_owned(),
            variants,
        };
        let h = || HOSTILE.to_owned();
        let hostile = VariantView {
            name: h(),
            hash: h(),
            contributes: true,
            verdict: "decides",
            hint: h(),
            rule_href: String::new(),
            lines: vec![TreeLine { depth: 5000, name: h(), value: h(), hint: h(), rule_href: String::new(), contributes: false }],
        };
        vec![
            Sample::new("stack", page(vec![variant, system])),
            Sample::new(
                "hostile",
                Self {
                    short_id: h(),
                    event: h(),
                    why: h(),
                    changes: vec![h()],
                    hashes: vec![HashView { hash: h(), of: h(), led: true }],
                    ..page(vec![hostile])
                },
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_only_text() {
        crate::web::page::assert_inert::<GroupingPage>();
    }
}
