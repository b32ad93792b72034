//! One key of a project: its name, which pages may send with it, its limits.

use askama::Template;

use super::limits::{LimitRow, sample_rows};
use super::settings_tabs::{Tab, tabs};
use crate::web::{
    FieldErrors, Link, Page, Sample, Shell, When,
    page::{HOSTILE, sample_now},
    urls,
};

/// All that `templates/projects/key.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/key.html")]
pub struct KeyPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// In addresses.
    pub id: String,
    /// What people call it; may be empty.
    pub label: String,
    /// The whole DSN.
    pub dsn: String,
    /// Events with it are taken.
    pub active: bool,
    /// When it was made.
    pub created: When,
    /// The allowed domains as typed, one a line.
    pub domains: String,
    /// What is wrong with them, by line.
    pub domain_errors: Vec<String>,
    /// Its limits.
    pub rows: Vec<LimitRow>,
    /// The user may change anything here.
    pub may_change: bool,
    /// What was wrong with the rest.
    pub errors: FieldErrors,
}

impl KeyPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::General)
    }

    fn limits_href(&self) -> String {
        urls::project_limits(&self.slug)
    }

    fn switch_href(&self) -> String {
        urls::key_switch(&self.slug, &self.id)
    }

    fn rotate_href(&self) -> String {
        urls::key_rotate(&self.slug, &self.id)
    }

    fn is_refused(&self) -> bool {
        let limits = self.rows.iter().flat_map(|row| &row.fields).any(|field| field.error.is_some());
        limits || !self.errors.is_empty() || !self.domain_errors.is_empty()
    }
}

impl Page for KeyPage {
    const NAME: &'static str = "project-key";

    fn samples() -> Vec<Sample<Self>> {
        let page = |text: &str, active, may_change| {
            let mut rows = sample_rows("6000");
            rows[0].fields[1].error = None;
            Self {
                shell: Shell::sample("Key"),
                name: "shop-api".to_owned(),
                slug: "shop-api".to_owned(),
                id: "1".to_owned(),
                label: text.to_owned(),
                dsn: "https://5f21c09ab3e74d1f8a7b6c5d4e3f2a1b@errors.example/1".to_owned(),
                active,
                created: When::new(sample_now() - chrono::Duration::days(41), sample_now()),
                domains: "*.shop.example\nhttps://admin.shop.example".to_owned(),
                domain_errors: vec![],
                rows,
                may_change,
                errors: FieldErrors::default(),
            }
        };
        let h = || HOSTILE.to_owned();
        let hostile = Self {
            slug: h(),
            dsn: h(),
            id: h(),
            domains: format!("{HOSTILE}\n</textarea>"),
            domain_errors: vec![h()],
            rows: sample_rows(HOSTILE),
            errors: FieldErrors::default().with("label", HOSTILE),
            ..page(HOSTILE, true, true)
        };
        vec![
            Sample::new("admin", page("Web shop", true, true)),
            Sample::new("off", page("", false, true)),
            Sample::new("member", page("Web shop", true, false)),
            Sample::new("hostile", hostile),
        ]
    }
}
