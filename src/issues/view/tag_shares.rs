//! How the values of one tag share the events of an issue: a bar and a list.

use crate::web::number;
use crate::web::urls::IssueQuery;

/// One piece of a tag's bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Left edge, 0 to 100.
    pub x: String,
    /// Width, 0 to 100.
    pub width: String,
    /// `s0` … `s3`.
    pub css: &'static str,
}

/// The shares of one tag's values among all events of the issue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TagShares {
    /// Its name.
    pub key: String,
    /// "4 values".
    pub head: String,
    /// The most frequent value.
    pub top: String,
    /// "97 %".
    pub top_share: String,
    /// The bar.
    pub pieces: Vec<Piece>,
    /// Most frequent first.
    pub values: Vec<ValueShare>,
}

/// One value among those of a tag.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ValueShare {
    /// It.
    pub value: String,
    /// "97 %".
    pub share: String,
    /// The project's issues that have it; nothing where no search says so.
    pub href: Option<String>,
}

/// `key:value` as the search box takes it: a value with blanks or signs of the language stands in quotes. Nothing for what cannot be said in it.
fn search(key: &str, value: &str) -> Option<String> {
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '@' | '+');
    if !is_key || value.is_empty() || value.contains(['"', '\\']) || value.chars().any(char::is_control) {
        return None;
    }
    Some(if value.chars().all(is_plain) && !value.starts_with('-') { format!("{key}:{value}") } else { format!("{key}:\"{value}\"") })
}

impl TagShares {
    /// Shares of `values` (most frequent first) among `total` events that have the tag; `distinct` counts values beyond the kept ones too.
    pub fn new(key: &str, values: &[(String, i64)], total: i64, distinct: i64) -> Self {
        const SHOWN: usize = 3;
        let total = total.max(values.iter().map(|(_, n)| n.max(&0)).sum());
        let mut pieces = Vec::new();
        let mut x = 0.0;
        for (index, (_, n)) in values.iter().take(SHOWN).enumerate() {
            let width = number::percent(*n, total);
            // A gap of half a unit tells neighbours apart.
            pieces.push(Piece { x: format!("{x:.1}"), width: format!("{:.1}", (width - 0.5).max(0.2)), css: ["s0", "s1", "s2"][index] });
            x += width;
        }
        if x < 99.5 && total > 0 {
            pieces.push(Piece { x: format!("{x:.1}"), width: format!("{:.1}", 100.0 - x), css: "s3" });
        }
        let (top, count) = values.first().cloned().unwrap_or_default();
        Self {
            key: key.to_owned(),
            head: number::counted(distinct.max(values.len() as i64), "value"),
            top,
            top_share: number::share(count, total),
            pieces,
            values: values
                .iter()
                .map(|(value, n)| ValueShare { value: value.clone(), share: number::share(*n, total), href: None })
                .collect(),
        }
    }

    /// The same with links to the issues of a project that have each value.
    #[must_use]
    pub fn linked(mut self, project: &str) -> Self {
        for value in &mut self.values {
            let query = search(&self.key, &value.value).map(|q| IssueQuery { project: project.to_owned(), q, ..IssueQuery::default() });
            // What the search box cuts would look for something else.
            value.href = query.filter(|query| query.clone().bounded() == *query).map(|query| query.url());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_leads_to_the_issues_that_have_it() {
        for (key, value, q) in [
            ("release", "1.4.2", Some("release:1.4.2")),
            ("browser", "Chrome 131", Some("browser:\"Chrome 131\"")),
            ("user", "id:7", Some("user:\"id:7\"")),
            ("a b", "x", None),
            ("k", "say \"x\"", None),
            ("k", "", None),
            ("k", "-x", Some("k:\"-x\"")),
            ("k", "*", Some("k:\"*\"")),
            ("k", "<script>", Some("k:\"<script>\"")),
        ] {
            assert_eq!(search(key, value).as_deref(), q, "{key} {value}");
        }
        let tag = TagShares::new("browser", &[("Chrome 131".to_owned(), 1), ("x".repeat(600), 1)], 2, 2).linked("shop");
        assert_eq!(tag.values[0].href.as_deref(), Some("/issues?project=shop&q=browser%3A%22Chrome%20131%22"));
        assert_eq!(tag.values[1].href, None);
    }

    #[test]
    fn shares_fill_the_bar_and_never_leave_it() {
        let tag = TagShares::new(
            "browser",
            &[("Chrome".to_owned(), 52), ("Firefox".to_owned(), 31), ("Safari".to_owned(), 12), ("Edge".to_owned(), 5)],
            100,
            4,
        );
        assert_eq!((tag.head.as_str(), tag.top.as_str(), tag.top_share.as_str()), ("4 values", "Chrome", "52 %"));
        assert_eq!(tag.pieces.len(), 4);
        for values in [vec![], vec![("x".to_owned(), -5)], vec![("x".to_owned(), i64::MAX / 4), ("y".to_owned(), 0)]] {
            let tag = TagShares::new("k", &values, 3, 1);
            let end = tag.pieces.last().map_or(0.0, |p| p.x.parse::<f64>().unwrap() + p.width.parse::<f64>().unwrap());
            assert!(end <= 100.3, "{values:?} {end}");
        }
    }
}
