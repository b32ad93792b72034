//! Requests that were refused, taken in part or not stored lately: of one project, or of nobody.

use askama::Template;

use super::request_reasons;
use super::settings_tabs::{Tab, tabs};
use super::stats::amount_of;
use crate::protocol::Category;
use crate::web::{
    Badge, Link, Page, Sample, Shell, When, number,
    page::{HOSTILE, sample_now},
    urls,
};

/// In the place of a refusal's name: it was taken, and nothing of it is stored.
pub const NOT_STORED: &str = "not_stored";
/// The same: its event is stored without some of its parts.
pub const TRIMMED: &str = "trimmed";

/// What happened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    what: String,
    then: String,
}

/// What was left out of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Of what.
    pub category: Category,
    /// `protocol::Outcome::name`.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// How much.
    pub quantity: i64,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// The newest of its kind.
    pub last: When,
    /// The oldest of its kind.
    pub first: When,
    /// How often it came.
    pub repeats: i64,
    /// "envelope".
    pub endpoint: String,
    /// The HTTP status.
    pub status: i16,
    /// The DSN as understood, with the beginning of the key.
    pub dsn: String,
    /// Name and version of the client.
    pub client: String,
    /// The sender's address; may be empty.
    pub address: String,
    /// What the client was told, or what more is known.
    pub detail: String,
    told: Vec<Told>,
    badge: Option<Badge>,
}

impl RequestRow {
    /// The line with its reasons in words: of a refusal by its name, of items by their outcomes.
    #[must_use]
    pub fn with_reasons(mut self, refusal: &str, missing: &[Missing]) -> Self {
        self.badge = match refusal {
            NOT_STORED => Some(Badge::new("not stored", "alarm")),
            TRIMMED => Some(Badge::new("trimmed", "calm")),
            _ => None,
        };
        if !refusal.is_empty() && refusal != NOT_STORED {
            let (what, then) = request_reasons::refusal(refusal);
            self.told.push(Told { what: what.to_owned(), then: then.to_owned() });
        }
        self.told.extend(missing.iter().map(|one| {
            let (what, then) = request_reasons::missing(&one.outcome, &one.reason);
            Told { what: format!("{}: {what}", amount_of(one.category, one.quantity)), then }
        }));
        self
    }

    /// A line without reasons, for the fields above.
    pub fn new(last: When, first: When, repeats: i64) -> Self {
        let empty = String::new;
        Self {
            last,
            first,
            repeats,
            endpoint: empty(),
            status: 200,
            dsn: empty(),
            client: empty(),
            address: empty(),
            detail: empty(),
            told: vec![],
            badge: None,
        }
    }

    fn badge(&self) -> Badge {
        if let Some(badge) = &self.badge {
            return badge.clone();
        }
        match self.status {
            200..=299 => Badge::new("taken in part", "calm"),
            429 => Badge::new("429", "regressed"),
            status => Badge::new(status.to_string(), "alarm"),
        }
    }

    /// The DSN as it may break between two lines: a key, the place behind it.
    fn dsn_parts(&self) -> (&str, &str) {
        self.dsn.find('@').map_or(("", &*self.dsn), |at| self.dsn.split_at(at))
    }

    fn times(&self) -> Option<String> {
        (self.repeats > 1).then(|| format!("{} times", number::count(self.repeats)))
    }
}

/// All that `templates/projects/requests.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/requests.html")]
pub struct RequestsPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug; empty for requests that are nobody's.
    pub slug: String,
    /// Newest first.
    pub rows: Vec<RequestRow>,
    /// Lines that are kept.
    pub kept: i64,
    /// Days that they are kept.
    pub days: i64,
    /// The user sees the list of requests that are nobody's.
    pub is_admin: bool,
}

impl RequestsPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn stats_href(&self) -> String {
        urls::project_stats(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Requests)
    }
}

impl Page for RequestsPage {
    const NAME: &'static str = "project-requests";

    fn samples() -> Vec<Sample<Self>> {
        let now = sample_now();
        let row = |status, text: &str, repeats| RequestRow {
            endpoint: "envelope".to_owned(),
            status,
            dsn: format!("5f21c09a...@errors.example/{text}"),
            client: text.to_owned(),
            address: "192.0.2.7".to_owned(),
            detail: if status == 200 { String::new() } else { text.to_owned() },
            ..RequestRow::new(When::new(now, now), When::new(now - chrono::Duration::hours(2), now), repeats)
        };
        let missing = |category, outcome: &str, reason: &str, quantity| Missing {
            category,
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            quantity,
        };
        let page = |text: &str, rows| Self {
            shell: Shell::sample("Recent requests"),
            name: text.to_owned(),
            slug: "shop-api".to_owned(),
            rows,
            kept: 100,
            days: 14,
            is_admin: true,
        };
        let rows = |text: &str| {
            let large = [missing(Category::Attachment, "invalid", "too_large:attachment", 104_857_601)];
            let odd = [missing(Category::Session, "unsupported", "", 1), missing(Category::Error, "rate_limited", text, 7)];
            vec![
                row(403, text, 12).with_reasons("disabled_key", &[]),
                row(429, text, 1234).with_reasons("rate_limited", &[]),
                row(200, text, 1).with_reasons("", &large),
                row(200, text, 1).with_reasons("", &odd),
                row(200, text, 77).with_reasons(NOT_STORED, &[missing(Category::Error, "filtered", "localhost", 1)]),
                RequestRow { detail: format!("breadcrumbs, {text}"), ..row(200, text, 3) }.with_reasons(TRIMMED, &[]),
            ]
        };
        vec![
            Sample::new("usual", page("shop-api", rows("sentry.python/2.19.0"))),
            Sample::new("nothing", page("shop-api", vec![])),
            Sample::new("nobodys", Self { slug: String::new(), ..page("", rows("raven-python/6.10.0")) }),
            Sample::new("hostile", Self { slug: HOSTILE.to_owned(), ..page(HOSTILE, rows(HOSTILE)) }),
        ]
    }
}
