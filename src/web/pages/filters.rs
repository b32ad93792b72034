//! A project's inbound filters, and what each has dropped.

use askama::Template;

use super::settings_tabs::{Tab, tabs};
use crate::web::{FieldErrors, Link, Page, Sample, Shell, number, page::HOSTILE, urls};

/// What a filter has dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// In the last 7 days.
    pub week: i64,
    /// In the last 30 days.
    pub month: i64,
}

impl Dropped {
    fn words(&self) -> String {
        match (self.week, self.month) {
            (_, 0) => "dropped nothing in 30 days".to_owned(),
            (week, month) => format!("dropped {} in 7 days, {} in 30", number::count(week), number::count(month)),
        }
    }
}

/// A filter that is on or off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchRow {
    /// The form's name for it.
    pub id: &'static str,
    /// What it drops.
    pub title: &'static str,
    /// The same, precisely.
    pub hint: &'static str,
    /// Whether it is on.
    pub on: bool,
    /// What it has dropped.
    pub dropped: Dropped,
}

/// A choice of old browsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserRow {
    /// The form's name for it.
    pub id: &'static str,
    /// Which.
    pub label: &'static str,
    /// Whether it is chosen.
    pub on: bool,
}

/// A filter that is a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// The form's name for it.
    pub id: &'static str,
    /// What it drops.
    pub title: &'static str,
    /// How entries are written.
    pub hint: &'static str,
    /// An entry, as example.
    pub example: &'static str,
    /// The entries, one a line.
    pub text: String,
    /// What is wrong with them.
    pub errors: Vec<String>,
    /// What it has dropped; nothing when another filter counts for it.
    pub dropped: Option<Dropped>,
}

/// All that `templates/projects/filters.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/filters.html")]
pub struct FiltersPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// The user may change anything here.
    pub may_change: bool,
    /// Filters that are on or off.
    pub switches: Vec<SwitchRow>,
    /// Old browsers.
    pub browsers: Vec<BrowserRow>,
    /// What the old browsers' filter has dropped.
    pub browsers_dropped: Dropped,
    /// Filters that are lists.
    pub lists: Vec<ListRow>,
    /// What was wrong with the form as a whole.
    pub errors: FieldErrors,
}

impl FiltersPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn stats_href(&self) -> String {
        urls::project_stats_month(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Filters)
    }

    fn is_refused(&self) -> bool {
        !self.errors.is_empty() || self.lists.iter().any(|list| !list.errors.is_empty())
    }
}

impl Page for FiltersPage {
    const NAME: &'static str = "project-filters";

    fn samples() -> Vec<Sample<Self>> {
        let dropped = Dropped { week: 1_204, month: 31_077 };
        let switch = |id, title, hint, on, dropped| SwitchRow { id, title, hint, on, dropped };
        let list = |text: &str, errors: Vec<String>| ListRow {
            id: "error_messages",
            title: "Messages",
            hint: "Globs, compared with the message, with the type and the value of each exception, and with “type: value”.",
            example: "*ResizeObserver loop*",
            text: text.to_owned(),
            errors,
            dropped: Some(dropped),
        };
        let page = |may_change, lists| Self {
            shell: Shell::sample("Inbound filters"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            may_change,
            switches: vec![
                switch("web_crawlers", "Web crawlers", "Googlebot, Bingbot and others, by their user agent.", true, dropped),
                switch("localhost", "Localhost", "Events from a developer's own machine.", false, Dropped::default()),
            ],
            browsers: vec![
                BrowserRow { id: "ie", label: "Internet Explorer up to 11", on: true },
                BrowserRow { id: "safari", label: "Safari up to 15", on: false },
            ],
            browsers_dropped: Dropped { week: 0, month: 3 },
            lists,
            errors: FieldErrors::default(),
        };
        let error = || "Line 2, `[a`: a `[` is not closed".to_owned();
        vec![
            Sample::new("admin", page(true, vec![list("*ResizeObserver loop*", vec![])])),
            Sample::new("member", page(false, vec![list("", vec![])])),
            Sample::new("refused", page(true, vec![list("*ok*\n[a", vec![error()])])),
            Sample::new("hostile", page(true, vec![list(&format!("</textarea>{HOSTILE}"), vec![HOSTILE.to_owned()])])),
        ]
    }
}
