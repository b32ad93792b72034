//! The issue list: tabs, filters, rows, paging, and what to do when it is empty.

use askama::Template;

use super::{level_css, samples};
use crate::issues::search::parse::Mistake;
use crate::web::{
    Badge, Link, Page, Sample, Shell, When,
    chart::Bars,
    number,
    page::HOSTILE,
    pages::noise::{self, NoisyPlace},
    urls::{self, IssueQuery},
};

/// A status tab with its count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Name, address, chosen or not.
    pub link: Link,
    /// "214".
    pub count: String,
}

/// A drop-down of links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// "Sort: last seen", "Level: error".
    pub label: String,
    /// The choices.
    pub links: Vec<Link>,
}

/// One issue.
#[derive(Debug, Clone, Default)]
pub struct IssueRow {
    /// The id that bulk actions send.
    pub id: String,
    /// The issue's page.
    pub href: String,
    /// Printed bold.
    pub kind: String,
    /// Printed after it.
    pub message: String,
    /// `fatal`, `error`, `warning`, `info`, `debug`.
    pub level: String,
    /// "new", "regressed in 1.4.2".
    pub badges: Vec<Badge>,
    /// "checkout.payment in charge_card"; may be empty.
    pub culprit: String,
    /// "SHOP-1842".
    pub short_id: String,
    /// Newest release; may be empty.
    pub release: String,
    /// Project name, in lists over all projects; else empty.
    pub project: String,
    /// 24 hours.
    pub bars: Bars,
    /// Exact.
    pub events: i64,
    /// Exact; 0 prints as a dash.
    pub users: i64,
    /// Last event.
    pub last_seen: When,
    /// First event.
    pub first_seen: When,
}

impl IssueRow {
    fn css(&self) -> &'static str {
        level_css(&self.level)
    }

    fn events_text(&self) -> String {
        number::count(self.events)
    }

    fn users_text(&self) -> String {
        if self.users == 0 { "–".to_owned() } else { number::count(self.users) }
    }
}

/// What makes no sense of a search, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchMistake {
    /// What stands before.
    pub before: String,
    /// What makes no sense.
    pub at: String,
    /// What follows.
    pub after: String,
    /// What is wrong, and what would be right.
    pub words: String,
}

impl SearchMistake {
    /// Of the text that was typed.
    pub(in crate::issues) fn new(text: &str, mistake: &Mistake) -> Self {
        let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
        let (from, until) = (mistake.at.start, mistake.at.end);
        Self { before: part(0..from), at: part(from..until), after: part(until..text.len()), words: mistake.words.clone() }
    }
}

/// Why the list is empty, and the way on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Empty {
    /// One short sentence.
    pub title: &'static str,
    /// What it means.
    pub text: &'static str,
    /// The next step.
    pub action: Option<Link>,
}

/// All that `templates/issues/list.html` may print.
#[derive(Debug, Template)]
#[template(path = "issues/list.html")]
pub struct IssueListPage {
    shell: Shell,
    tabs: Vec<Tab>,
    menus: Vec<Menu>,
    noise: Vec<NoisyPlace>,
    rows: Vec<IssueRow>,
    actions: Vec<(&'static str, &'static str)>,
    back: String,
    summary: String,
    newest: Option<String>,
    older: Option<String>,
    empty: Option<Empty>,
    mistake: Option<SearchMistake>,
}

/// How many issues a tab holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TabCount {
    /// That many were counted.
    pub counted: i64,
    /// Counting stopped there: there may be more.
    pub stopped: bool,
}

impl TabCount {
    /// All were counted.
    pub const fn exact(counted: i64) -> Self {
        Self { counted, stopped: false }
    }

    /// "214", "10,000+".
    fn text(self) -> String {
        format!("{}{}", number::count(self.counted), if self.stopped { "+" } else { "" })
    }
}

/// What a handler reads for the list.
#[derive(Debug, Default)]
pub struct ListFacts {
    /// Counts of open, resolved and ignored issues of the chosen project and filters.
    pub counts: [TabCount; 3],
    /// Environments of the chosen project.
    pub environments: Vec<String>,
    /// Places of the chosen project that make a new issue for every event.
    pub noise: Vec<NoisyPlace>,
    /// What makes no sense of the search.
    pub mistake: Option<SearchMistake>,
    /// One page.
    pub rows: Vec<IssueRow>,
    /// Cursor of the next page, if there is one.
    pub next: Option<String>,
    /// The user sees at least one project.
    pub any_project: bool,
    /// Some event has ever arrived in the chosen project (or in any).
    pub any_event: bool,
}

const STATUSES: [(&str, &str); 3] = [("open", "Open"), ("resolved", "Resolved"), ("ignored", "Ignored")];
const SORTS: [(&str, &str); 4] = [("last_seen", "last seen"), ("first_seen", "first seen"), ("events", "events"), ("users", "users")];
const LEVELS: [&str; 5] = ["fatal", "error", "warning", "info", "debug"];

impl IssueListPage {
    /// The page for `shell.query`.
    pub fn new(shell: Shell, facts: ListFacts) -> Self {
        let query = shell.query.clone();
        let status = query.status_or_open().to_owned();
        let actions = match status.as_str() {
            "resolved" => vec![("reopen", "Reopen"), ("ignore", "Ignore")],
            "ignored" => vec![("reopen", "Reopen"), ("resolve", "Resolve")],
            _ => vec![("resolve", "Resolve"), ("ignore", "Ignore")],
        };
        let empty = (facts.rows.is_empty() && facts.mistake.is_none()).then(|| empty(&query, &facts));
        let total = STATUSES.iter().position(|(name, _)| *name == status).map_or_else(TabCount::default, |i| facts.counts[i]);
        let shown = facts.rows.len() as i64;
        let summary = if query.after.is_empty() && query.q.is_empty() {
            let total = TabCount { counted: total.counted.max(shown), ..total };
            let plural = if total == TabCount::exact(1) { "" } else { "s" };
            format!("1–{shown} of {} issue{plural}", total.text())
        } else {
            format!("{} on this page", number::counted(shown, "issue"))
        };
        Self {
            tabs: tabs(&query, facts.counts),
            menus: menus(&query, &facts.environments),
            actions,
            back: query.url(),
            summary,
            newest: (!query.after.is_empty()).then(|| query.with(|_| {}).url()),
            older: facts.next.map(|cursor| IssueQuery { after: cursor, ..query.clone() }.url()),
            noise: facts.noise,
            mistake: facts.mistake,
            rows: facts.rows,
            empty,
            shell,
        }
    }
}

impl IssueListPage {
    fn any_unusual(&self) -> bool {
        self.rows.iter().any(|row| row.bars.any_unusual())
    }
}

fn tabs(query: &IssueQuery, counts: [TabCount; 3]) -> Vec<Tab> {
    let tab = |((status, name), count): (&(&str, &str), TabCount)| Tab {
        link: Link::new(*name, query.with(|q| q.status = if *status == "open" { String::new() } else { (*status).to_owned() }).url())
            .chosen_if(query.status_or_open() == *status),
        count: count.text(),
    };
    STATUSES.iter().zip(counts).map(tab).collect()
}

fn menus(query: &IssueQuery, environments: &[String]) -> Vec<Menu> {
    let any = |text: &str, chosen: bool, change: fn(&mut IssueQuery)| Link::new(text, query.with(change).url()).chosen_if(chosen);
    let mut levels = vec![any("All levels", query.level.is_empty(), |q| q.level.clear())];
    levels.extend(LEVELS.iter().map(|l| Link::new(*l, query.with(|q| (*l).clone_into(&mut q.level)).url()).chosen_if(query.level == *l)));
    let mut places = vec![any("All environments", query.environment.is_empty(), |q| q.environment.clear())];
    places.extend(
        environments.iter().map(|e| Link::new(e, query.with(|q| q.environment.clone_from(e)).url()).chosen_if(query.environment == *e)),
    );
    let sort = SORTS.iter().find(|(name, _)| *name == query.sort).unwrap_or(&SORTS[0]);
    let sorts = SORTS.iter().map(|s| Link::new(s.1, query.with(|q| s.0.clone_into(&mut q.sort)).url()).chosen_if(s.0 == sort.0)).collect();
    let chosen = |all: &str, value: &str| if value.is_empty() { all.to_owned() } else { value.to_owned() };
    vec![
        Menu { label: chosen("All levels", &query.level), links: levels },
        Menu { label: chosen("All environments", &query.environment), links: places },
        Menu { label: format!("Sort: {}", sort.1), links: sorts },
    ]
}

fn empty(query: &IssueQuery, facts: &ListFacts) -> Empty {
    let filtered = !query.q.is_empty() || !query.level.is_empty() || !query.environment.is_empty();
    let clear = query.with(|q| (q.q, q.level, q.environment) = <(String, String, String)>::default());
    if !facts.any_project {
        let action = Some(Link::new("Create a project", urls::project_new()));
        return Empty {
            title: "No project yet",
            text: "A project is one application. It gets a DSN: the address that its Sentry SDK reports to.",
            action,
        };
    }
    if !facts.any_event {
        let href = if query.project.is_empty() { urls::projects() } else { urls::project(&query.project) };
        let text = "Put the project's DSN into your application's Sentry SDK. The first error shows here within a second.";
        return Empty { title: "Waiting for the first event", text, action: Some(Link::new("Show the DSN and set-up", href)) };
    }
    if filtered {
        return Empty {
            title: "Nothing matches",
            text: "No issue on this tab fits all of it. Words find titles, culprits, exceptions, files and functions; key:value finds tags and users.",
            action: Some(Link::new("Clear the search and filters", clear.url())),
        };
    }
    match query.status_or_open() {
        "resolved" => Empty {
            title: "Nothing resolved",
            text: "Resolved issues rest here. When one happens again it goes back to Open, marked as regressed, and you get an e-mail.",
            action: None,
        },
        "ignored" => Empty {
            title: "Nothing ignored",
            text: "Ignored issues go on counting, but are neither listed under Open nor mailed.",
            action: None,
        },
        _ => Empty {
            title: "No open issues",
            text: "Everything that came in is resolved or ignored. New errors show up here by themselves, and by e-mail.",
            action: None,
        },
    }
}

impl Page for IssueListPage {
    const NAME: &'static str = "issues-list";

    fn samples() -> Vec<Sample<Self>> {
        let page = |change: fn(&mut IssueQuery), facts: ListFacts| {
            let base = Shell::sample("Issues");
            let query = base.query.with(change);
            Self::new(Shell { query, ..base }, facts)
        };
        let facts = |rows| ListFacts {
            counts: [214, 1031, 61].map(TabCount::exact),
            environments: vec!["production".to_owned(), "staging".to_owned()],
            noise: Vec::new(),
            mistake: None,
            rows,
            next: Some("c".to_owned()),
            any_project: true,
            any_event: true,
        };
        let none = |any_project, any_event| ListFacts { any_project, any_event, ..ListFacts::default() };
        let hostile = IssueRow {
            kind: HOSTILE.to_owned(),
            message: HOSTILE.repeat(30),
            culprit: HOSTILE.to_owned(),
            short_id: HOSTILE.to_owned(),
            release: HOSTILE.to_owned(),
            project: HOSTILE.to_owned(),
            level: HOSTILE.to_owned(),
            badges: vec![Badge::new(HOSTILE, "regressed")],
            id: HOSTILE.to_owned(),
            href: urls::issue(HOSTILE),
            ..samples::rows().remove(0)
        };
        let everywhere = samples::rows().into_iter().map(|r| IssueRow { project: "shop-api".to_owned(), ..r }).collect();
        vec![
            Sample::new("open", page(|_| {}, facts(samples::rows()))),
            Sample::new("noisy", page(|_| {}, ListFacts { noise: noise::samples(), ..facts(samples::rows()) })),
            Sample::new(
                "resolved-later-page",
                page(
                    |q| (q.status, q.after, q.sort) = ("resolved".to_owned(), "x".to_owned(), "events".to_owned()),
                    facts(samples::rows().split_off(5)),
                ),
            ),
            Sample::new("all-projects", page(|q| q.project.clear(), facts(everywhere))),
            Sample::new(
                "hostile",
                page(
                    |q| (q.q, q.environment) = (HOSTILE.to_owned(), HOSTILE.to_owned()),
                    ListFacts { environments: vec![HOSTILE.to_owned()], ..facts(vec![hostile]) },
                ),
            ),
            Sample::new("no-project", page(|q| q.project.clear(), none(false, false))),
            Sample::new("no-event", page(|_| {}, none(true, false))),
            Sample::new("no-match", page(|q| "nothing".clone_into(&mut q.q), none(true, true))),
            Sample::new(
                "mistake",
                page(
                    |q| HOSTILE.clone_into(&mut q.q),
                    ListFacts {
                        mistake: Some(SearchMistake {
                            before: HOSTILE.to_owned(),
                            at: HOSTILE.to_owned(),
                            after: HOSTILE.to_owned(),
                            words: HOSTILE.to_owned(),
                        }),
                        ..none(true, true)
                    },
                ),
            ),
            Sample::new("all-done", page(|_| {}, none(true, true))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::page::assert_inert;

    #[test]
    fn an_empty_list_says_what_to_do_next() {
        let titles: Vec<&str> = IssueListPage::samples().into_iter().filter_map(|s| s.page.empty).map(|e| e.title).collect();
        assert_eq!(titles, ["No project yet", "Waiting for the first event", "Nothing matches", "No open issues"]);
    }

    #[test]
    fn a_page_keeps_its_filters_when_one_changes_and_starts_anew() {
        let query = IssueQuery {
            project: "shop".to_owned(),
            q: "boom".to_owned(),
            level: "error".to_owned(),
            after: "c9".to_owned(),
            ..IssueQuery::default()
        };
        let tabs = tabs(&query, [TabCount::exact(3), TabCount { counted: 10_000, stopped: true }, TabCount::default()]);
        assert_eq!(tabs.iter().map(|tab| tab.count.as_str()).collect::<Vec<_>>(), ["3", "10,000+", "0"]);
        assert_eq!(tabs[1].link.href, "/issues?project=shop&status=resolved&q=boom&level=error");
        assert!(tabs[0].link.chosen && !tabs[1].link.chosen);
        let menus = menus(&query, &["prod".to_owned()]);
        assert_eq!(menus[1].links[1].href, "/issues?project=shop&q=boom&level=error&environment=prod");
        assert_eq!(menus[2].label, "Sort: last seen");
    }

    #[test]
    fn hostile_text_is_only_text() {
        assert_inert::<IssueListPage>();
    }
}
