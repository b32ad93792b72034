//! One project: its DSN, how to report to it, and whether anything has arrived.

use askama::Template;

use super::snippets::{self, PLATFORMS, Platform};
use crate::web::{
    Link, Page, Sample, Shell, When,
    page::{HOSTILE, sample_now},
    urls,
};

/// All that `templates/projects/show.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/show.html")]
pub struct ProjectPage {
    /// Around it.
    pub shell: Shell,
    /// Its name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// The DSN of its first active key; nothing when all keys are off.
    pub dsn: Option<String>,
    /// The platform whose snippet is shown.
    pub platform: String,
    /// The last event; nothing while waiting for the first.
    pub last_event: Option<When>,
    /// The address in the DSN is this machine only: says that other machines cannot reach it.
    pub dsn_is_local: bool,
}

impl ProjectPage {
    fn snippet(&self) -> &'static Platform {
        snippets::platform(&self.platform)
    }

    fn code(&self) -> String {
        self.snippet().code(self.dsn.as_deref().unwrap_or("(switch a key on first)"))
    }

    fn platforms(&self) -> Vec<Link> {
        let chosen = self.snippet().id;
        PLATFORMS.iter().map(|p| Link::new(p.name, urls::project_snippet(&self.slug, p.id)).chosen_if(p.id == chosen)).collect()
    }

    fn waiting_href(&self) -> String {
        urls::project_waiting(&self.slug)
    }

    fn settings_href(&self) -> String {
        urls::project_settings(&self.slug)
    }

    fn stats_href(&self) -> String {
        urls::project_stats(&self.slug)
    }

    fn feedback_href(&self) -> String {
        urls::project_feedback(&self.slug, "", "", "")
    }

    fn issues_href(&self) -> String {
        urls::IssueQuery { project: self.slug.clone(), ..urls::IssueQuery::default() }.url()
    }
}

impl Page for ProjectPage {
    const NAME: &'static str = "project";

    fn samples() -> Vec<Sample<Self>> {
        let page = |last_event| Self {
            shell: Shell::sample("shop-api"),
            name: "shop-api".to_owned(),
            slug: "shop-api".to_owned(),
            dsn: Some("http://5f21c09ab3e74d1f8a7b6c5d4e3f2a1b@127.0.0.1:8000/1".to_owned()),
            platform: "python".to_owned(),
            last_event,
            dsn_is_local: true,
        };
        let seen = When::new(sample_now(), sample_now());
        let h = || HOSTILE.to_owned();
        vec![
            Sample::new("waiting", page(None)),
            Sample::new("reporting", Self { dsn_is_local: false, platform: "node".to_owned(), ..page(Some(seen)) }),
            Sample::new("no-key", Self { dsn: None, ..page(None) }),
            Sample::new("hostile", Self { name: h(), slug: h(), dsn: Some(h()), platform: h(), ..page(None) }),
        ]
    }
}
