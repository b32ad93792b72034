//! # The shell around every page
//! **Promise.** Head, project switcher, search box, account menu and flash message look the same everywhere. **How.** `templates/shell.html` prints one [`Shell`].

use chrono::{DateTime, Utc};

use super::{
    When, assets,
    escape::one_way,
    flash::Flash,
    number,
    page::sample_now,
    urls::{self, IssueQuery},
};

/// A link in a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What is printed.
    pub text: String,
    /// Where it leads.
    pub href: String,
    /// It is what is shown now.
    pub chosen: bool,
}

impl Link {
    /// A link that is not the chosen one.
    pub fn new(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: href.into(), chosen: false }
    }

    /// The same link, marked when `chosen`.
    #[must_use]
    pub fn chosen_if(mut self, chosen: bool) -> Self {
        self.chosen = chosen;
        self
    }
}

/// Says that limits of a project drop something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitNotice {
    /// Since when.
    pub since: When,
    /// How much so far.
    pub dropped: i64,
    /// The limits.
    pub href: String,
}

impl LimitNotice {
    /// "1,234 items were dropped".
    pub fn words(&self) -> String {
        let were = if self.dropped == 1 { "was" } else { "were" };
        format!("{} {were} dropped", number::counted(self.dropped, "item"))
    }
}

/// Says that nobody is told of anything in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteNotice {
    /// Nothing: until somebody ends it.
    pub until: Option<DateTime<Utc>>,
    /// Where one ends it.
    pub href: String,
}

impl MuteNotice {
    /// "until 24 Nov 2026, 15:33 UTC".
    pub fn words(&self) -> String {
        self.until.map_or_else(|| "until somebody ends it".to_owned(), |until| until.format("until %-d %b %Y, %H:%M UTC").to_string())
    }
}

/// A word with a colour: "regressed in 1.4.2", "new", "sent".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// What is printed.
    pub text: String,
    /// CSS class: `new`, `regressed`, `alarm`, `calm`, `good`.
    pub css: &'static str,
}

impl Badge {
    /// A badge.
    pub fn new(text: impl Into<String>, css: &'static str) -> Self {
        Self { text: text.into(), css }
    }
}

/// Who looks at the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// "ana@example.org".
    pub email: String,
    /// "AN": the first two letters of the address, upper case.
    pub initials: String,
    /// May see administration.
    pub is_admin: bool,
}

impl SignedIn {
    /// The person with this address.
    pub fn new(email: &str, is_admin: bool) -> Self {
        let local = email.split('@').next().unwrap_or_default();
        let mut words = local.split(['.', '-', '_']).filter_map(|w| w.chars().next());
        let initials: String = match (words.next(), words.next()) {
            (Some(a), Some(b)) => [a, b].iter().collect(),
            _ => local.chars().take(2).collect(),
        };
        Self { email: email.to_owned(), initials: initials.to_uppercase(), is_admin }
    }
}

/// What every page needs beside its own content.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// The window's title, without the product's name.
    pub title: String,
    /// Nobody on sign-in and set-up pages.
    pub user: Option<SignedIn>,
    /// The switcher: every project the user may see, the current one chosen.
    pub projects: Vec<Link>,
    /// The list the search box searches.
    pub query: IssueQuery,
    /// The server's clock, RFC 3339: the script's relative times count from it.
    pub now: String,
    /// What the action before has to say.
    pub flash: Option<Flash>,
    /// A project that has a channel to which nothing gets through, leading to its channels.
    pub failing: Option<Link>,
    /// What is wrong with Vedette itself, for administrators.
    pub troubles: Vec<String>,
    /// Limits of the project drop something.
    pub limited: Option<LimitNotice>,
    /// Nobody is told of anything in the project.
    pub muted: Option<MuteNotice>,
}

impl Shell {
    /// A shell for `user`, whose switcher offers `projects` as (slug, name).
    pub fn new(
        title: impl Into<String>,
        user: Option<SignedIn>,
        projects: &[(String, String)],
        query: IssueQuery,
        now: DateTime<Utc>,
    ) -> Self {
        let link = |(slug, name): &(String, String)| {
            Link::new(name, query.with(|q| q.project.clone_from(slug)).with(|q| q.environment.clear()).url())
                .chosen_if(*slug == query.project)
        };
        Self {
            title: one_way(&title.into()).into_owned(),
            user,
            projects: projects.iter().map(link).collect(),
            query,
            now: now.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            flash: None,
            failing: None,
            troubles: Vec::new(),
            limited: None,
            muted: None,
        }
    }

    /// The name in the switcher.
    pub fn project_name(&self) -> &str {
        self.projects.iter().find(|p| p.chosen).map_or("All projects", |p| p.text.as_str())
    }

    /// The list over all projects.
    pub fn all_projects(&self) -> String {
        self.query.with(|q| q.project.clear()).with(|q| q.environment.clear()).url()
    }

    /// The current project's page.
    pub fn project_page(&self) -> Option<String> {
        (!self.query.project.is_empty()).then(|| urls::project(&self.query.project))
    }

    /// The style sheet.
    pub fn css(&self) -> String {
        assets::css()
    }

    /// The script.
    pub fn js(&self) -> String {
        assets::js()
    }

    /// The icon.
    pub fn icon(&self) -> String {
        assets::icon()
    }

    /// A shell as the samples show it: signed in, two projects, the first chosen.
    pub fn sample(title: &str) -> Self {
        let projects = [("shop-api".to_owned(), "shop-api".to_owned()), ("shop-web".to_owned(), "shop-web".to_owned())];
        let query = IssueQuery { project: "shop-api".to_owned(), ..IssueQuery::default() };
        Self::new(title, Some(SignedIn::new("ana.kovac@example.org", true)), &projects, query, sample_now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switcher_keeps_the_search_and_names_the_project() {
        let mut shell = Shell::sample("Issues");
        assert_eq!(shell.project_name(), "shop-api");
        shell.query.project.clear();
        let query = IssueQuery { q: "boom".to_owned(), ..IssueQuery::default() };
        let all = Shell::new("x", None, &[("web".to_owned(), "Web".to_owned())], query, sample_now());
        assert_eq!((all.project_name(), all.projects[0].href.as_str()), ("All projects", "/issues?project=web&q=boom"));
    }

    #[test]
    fn initials_come_from_any_address() {
        for (email, initials) in [("ana.kovac@x", "AK"), ("mira@x", "MI"), ("é@x", "É"), ("", ""), ("@", "")] {
            assert_eq!(SignedIn::new(email, false).initials, initials);
        }
    }
}
