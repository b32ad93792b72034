//! How an issue can be parted by a property of its events.

use askama::Template;

use crate::web::{Page, Sample, Shell, page::HOSTILE, urls};

/// One property.
#[derive(Debug, Clone)]
pub struct ChoiceRow {
    /// "By message".
    pub words: String,
    /// "2 parts: 60 + 40 events".
    pub parts: String,
    /// The rule it makes.
    pub rule: String,
}

/// All that `templates/issues/split_by.html` may print.
#[derive(Debug, Template)]
#[template(path = "issues/split_by.html")]
pub struct SplitByPage {
    /// Around it.
    pub shell: Shell,
    /// "SHOP-1842".
    pub short_id: String,
    /// Its id.
    pub issue: String,
    /// The project's slug.
    pub slug: String,
    /// The user may save rules.
    pub may_change: bool,
    /// "100 events".
    pub looked: String,
    /// The properties.
    pub choices: Vec<ChoiceRow>,
}

impl Page for SplitByPage {
    const NAME: &'static str = "split_by";

    fn samples() -> Vec<Sample<Self>> {
        let page = |choices, may_change| Self {
            shell: Shell::sample("Split SHOP-1842"),
            short_id: "SHOP-1842".to_owned(),
            issue: "4294969138".to_owned(),
            slug: "shop-api".to_owned(),
            may_change,
            looked: "100 events".to_owned(),
            choices,
        };
        let row =
            |words: &str, parts: &str, rule: &str| ChoiceRow { words: words.to_owned(), parts: parts.to_owned(), rule: rule.to_owned() };
        let rows = || {
            vec![
                row("By message", "2 parts: 60 + 40 events", "error.type:\"Declined\" -> {{ default }}, {{ message }}"),
                row(
                    "Those with browser Safari",
                    "2 parts: 97 + 3 events",
                    "error.type:\"Declined\" tags.browser:\"Safari\" -> {{ default }}, \"browser Safari\"",
                ),
            ]
        };
        let hostile = || vec![row(HOSTILE, HOSTILE, HOSTILE)];
        vec![
            Sample::new("choices", page(rows(), true)),
            Sample::new("member", page(rows(), false)),
            Sample::new("alike", page(Vec::new(), true)),
            Sample::new("hostile", Self { short_id: HOSTILE.to_owned(), looked: HOSTILE.to_owned(), ..page(hostile(), true) }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_only_text() {
        crate::web::page::assert_inert::<SplitByPage>();
    }
}
