//! The stored events of one issue, line by line.

use askama::Template;
use chrono::Duration;

use crate::web::page::{HOSTILE, sample_now};
use crate::web::{Page, Sample, Shell, When, urls};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its page.
    pub href: String,
    /// 32 hex digits.
    pub id: String,
    /// When it was received.
    pub at: When,
    /// May be empty.
    pub release: String,
    /// May be empty.
    pub environment: String,
    /// May be empty.
    pub user: String,
    /// Type and value, or the message.
    pub title: String,
}

/// All that `templates/issues/events.html` may print.
#[derive(Debug, Template)]
#[template(path = "issues/events.html")]
pub struct EventsPage {
    /// Around it.
    pub shell: Shell,
    /// In addresses.
    pub issue: String,
    /// "SHOP-1842".
    pub short_id: String,
    /// The issue's title.
    pub title: String,
    /// The project's issues.
    pub list_href: String,
    /// The project's name.
    pub project: String,
    /// Newest first.
    pub rows: Vec<EventRow>,
    /// The first page, on all others.
    pub newest: Option<String>,
    /// The next page.
    pub older: Option<String>,
    /// "the newest 2,000".
    pub csv_rows: String,
}

impl EventRow {
    /// The first eight digits of its id.
    fn short_id(&self) -> String {
        self.id.chars().take(8).collect()
    }
}

impl EventsPage {
    fn issue_href(&self) -> String {
        urls::issue(&self.issue)
    }

    fn csv_href(&self) -> String {
        urls::issue_csv(&self.issue)
    }
}

impl Page for EventsPage {
    const NAME: &'static str = "issue-events";

    fn samples() -> Vec<Sample<Self>> {
        let row = |n: i64, title: &str, release: &str| EventRow {
            href: urls::event(1842, "ab"),
            id: format!("{n:08x}0d5e4c3f8a7b6c5d4e3f2a1b"),
            at: When::new(sample_now() - Duration::minutes(n * 7), sample_now()),
            release: release.to_owned(),
            environment: if n % 3 == 0 { String::new() } else { "production".to_owned() },
            user: if n % 4 == 0 { String::new() } else { format!("user{n}@example.org") },
            title: title.to_owned(),
        };
        let page = |rows, older: Option<&str>, newest: Option<&str>| Self {
            shell: Shell::sample("Events · SHOP-1842"),
            issue: "1842".to_owned(),
            short_id: "SHOP-1842".to_owned(),
            title: "PaymentDeclined: card processor answered 503 for merchant <int>".to_owned(),
            list_href: urls::home(),
            project: "shop-api".to_owned(),
            rows,
            newest: newest.map(str::to_owned),
            older: older.map(str::to_owned),
            csv_rows: "the newest 2,000".to_owned(),
        };
        let usual = (1..30).map(|n| row(n, "PaymentDeclined: card processor answered 503 for merchant 40127", "1.4.2")).collect();
        let h = || HOSTILE.to_owned();
        let evil = EventRow { href: urls::event(HOSTILE, HOSTILE), id: h(), environment: h(), user: h(), ..row(1, HOSTILE, HOSTILE) };
        let hostile = Self { issue: h(), short_id: h(), title: h(), project: h(), ..page(vec![evil], None, None) };
        vec![
            Sample::new("usual", page(usual, Some("/issues/1842/events?after=1"), None)),
            Sample::new("none-left", page(Vec::new(), None, Some("/issues/1842/events"))),
            Sample::new("hostile", hostile),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::page::assert_inert;

    #[test]
    fn hostile_text_is_only_text() {
        assert_inert::<EventsPage>();
    }
}
