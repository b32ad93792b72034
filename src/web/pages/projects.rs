//! The list of projects, and the form for a new one.

use askama::Template;

use super::snippets::PLATFORMS;
use crate::web::{
    FieldErrors, Page, Sample, Shell, When, number,
    page::{HOSTILE, sample_now},
    urls,
};

/// One project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRow {
    /// Its name.
    pub name: String,
    /// Its slug, in addresses.
    pub slug: String,
    /// "python"; may be empty.
    pub platform: String,
    /// Open issues.
    pub open_issues: i64,
    /// Events of the last 24 hours.
    pub events: i64,
    /// Last event; nothing while waiting for the first.
    pub last_event: Option<When>,
}

impl ProjectRow {
    fn href(&self) -> String {
        urls::project(&self.slug)
    }

    fn issues_href(&self) -> String {
        urls::IssueQuery { project: self.slug.clone(), ..urls::IssueQuery::default() }.url()
    }

    fn open_text(&self) -> String {
        number::count(self.open_issues)
    }

    fn events_text(&self) -> String {
        number::count(self.events)
    }
}

/// All that `templates/projects/list.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/list.html")]
pub struct ProjectsPage {
    /// Around it.
    pub shell: Shell,
    /// The projects the user may see.
    pub rows: Vec<ProjectRow>,
    /// The user may create one.
    pub may_create: bool,
}

impl Page for ProjectsPage {
    const NAME: &'static str = "projects";

    fn samples() -> Vec<Sample<Self>> {
        let seen = When::new(sample_now() - chrono::Duration::minutes(2), sample_now());
        let row = |name: &str, last_event| ProjectRow {
            name: name.to_owned(),
            slug: name.to_owned(),
            platform: "python".to_owned(),
            open_issues: 214,
            events: 21_455,
            last_event,
        };
        let page = |rows| Self { shell: Shell::sample("Projects"), rows, may_create: true };
        vec![
            Sample::new("two", page(vec![row("shop-api", Some(seen)), row("shop-web", None)])),
            Sample::new("none", page(vec![])),
            Sample::new("hostile", page(vec![ProjectRow { platform: HOSTILE.to_owned(), ..row(HOSTILE, None) }])),
        ]
    }
}

/// All that `templates/projects/new.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/new.html")]
pub struct NewProjectPage {
    /// Around it.
    pub shell: Shell,
    /// As typed before.
    pub name: String,
    /// As chosen before.
    pub platform: String,
    /// What was wrong.
    pub errors: FieldErrors,
}

impl NewProjectPage {
    fn platforms(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        PLATFORMS.iter().map(|p| (p.id, p.name, p.id == self.platform))
    }
}

impl Page for NewProjectPage {
    const NAME: &'static str = "project-new";

    fn samples() -> Vec<Sample<Self>> {
        let page =
            |name: &str, errors| Self { shell: Shell::sample("New project"), name: name.to_owned(), platform: "node".to_owned(), errors };
        vec![
            Sample::new("fresh", page("", FieldErrors::default())),
            Sample::new("hostile", page(HOSTILE, FieldErrors::default().with("name", HOSTILE))),
        ]
    }
}
