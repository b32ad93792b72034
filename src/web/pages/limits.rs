//! A project's limits, and the fields of limits that a key's page has, too.

use askama::Template;

use super::settings_tabs::{Tab, tabs};
use crate::web::{FieldErrors, Link, Page, Sample, Shell, page::HOSTILE, urls};

/// One limit of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitField {
    /// The form's name for it.
    pub id: String,
    /// "per minute".
    pub label: &'static str,
    /// As typed.
    pub value: String,
    /// What was wrong.
    pub error: Option<String>,
    /// What it would have meant at the rate of the last day.
    pub preview: Option<String>,
}

/// The limits of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitRow {
    /// The form's name for it.
    pub id: &'static str,
    /// "Events".
    pub title: &'static str,
    /// What counts as one.
    pub hint: &'static str,
    /// What came in the last day.
    pub came: String,
    /// A field per period.
    pub fields: Vec<LimitField>,
}

/// Rows as the samples show them.
pub fn sample_rows(value: &str) -> Vec<LimitRow> {
    let field = |id: &str, label, value: &str| LimitField { id: id.to_owned(), label, value: value.to_owned(), ..LimitField::default() };
    let minute = LimitField {
        preview: Some("100 at once, then one every 0.6 s. The busiest hour of the last day had 20 a minute: within the limit.".to_owned()),
        ..field("events_minute", "per minute", "100")
    };
    let hour = LimitField { error: Some(format!("{value} is no number.")), ..field("events_hour", "per hour", value) };
    let events = LimitRow {
        id: "events",
        title: "Events",
        hint: "Errors and security reports of browsers.",
        came: "1,234 came in the last 24 hours, at most 300 in one hour.".to_owned(),
        fields: vec![minute, hour, field("events_month", "per month", "")],
    };
    vec![events]
}

/// All that `templates/projects/limits.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/limits.html")]
pub struct LimitsPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// The user may change anything here.
    pub may_change: bool,
    /// The limits.
    pub rows: Vec<LimitRow>,
    /// What was wrong with the form as a whole.
    pub errors: FieldErrors,
}

impl LimitsPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn settings_href(&self) -> String {
        urls::project_settings(&self.slug)
    }

    fn stats_href(&self) -> String {
        urls::project_stats(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Limits)
    }

    fn is_refused(&self) -> bool {
        !self.errors.is_empty() || self.rows.iter().flat_map(|row| &row.fields).any(|field| field.error.is_some())
    }
}

impl Page for LimitsPage {
    const NAME: &'static str = "project-limits";

    fn samples() -> Vec<Sample<Self>> {
        let page = |may_change, value: &str| Self {
            shell: Shell::sample("Limits"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            may_change,
            rows: sample_rows(value),
            errors: FieldErrors::default(),
        };
        let sound = |may_change| {
            let mut page = page(may_change, "6000");
            page.rows[0].fields[1].error = None;
            page
        };
        vec![
            Sample::new("admin", sound(true)),
            Sample::new("member", sound(false)),
            Sample::new("hostile", Self { name: HOSTILE.to_owned(), slug: HOSTILE.to_owned(), ..page(true, HOSTILE) }),
        ]
    }
}
