//! # What a list was asked for
//! **Promise.** Anything in the address is a list, but for a search text that makes no sense ([`parse::Mistake`]): what else makes no sense counts as not
//! given. **How.** [`Search::new`] turns the query string into what SQL filters by, [`Cursor`] into where the page before ended.
//! **Not here.** SQL ([`super::queries`]).

pub(super) mod parse;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::parse::{Expr, Mistake, Parsed, Term, Text};
use super::IssueId;
use super::model::{Level, Status};
use crate::accounts::VisibleProject;
use crate::web::urls::IssueQuery;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Search {
    /// Projects: the chosen one, or all that the viewer may see.
    pub(super) projects: Vec<i32>,
    /// The tab.
    pub(super) status: Status,
    /// What was typed, and what the menus choose.
    pub(super) expr: Expr,
    /// The order.
    pub(super) sort: Sort,
    /// Where the page before ended.
    pub(super) after: Option<Cursor>,
}

impl Search {
    /// The list that `query` asks for among `projects`.
    pub(super) fn new(query: &IssueQuery, projects: &[VisibleProject], now: DateTime<Utc>) -> Result<Self, Mistake> {
        let chosen = |project: &&VisibleProject| query.project.is_empty() || project.slug == query.project;
        let sort = Sort::parse(&query.sort);
        let environment = Some(query.environment.replace('\0', "")).filter(|name| !name.is_empty());
        let mut all: Vec<Expr> = Level::parse(&query.level).map(|level| Expr::Is(Term::Level(level.as_str()))).into_iter().collect();
        all.extend(environment.map(|text| Expr::Is(Term::Environment(Text { text, is_pattern: false }))));
        all.extend(Some(parse::parse(&query.q, now)?.expr).filter(|expr| *expr != Expr::All(Vec::new())));
        Ok(Self {
            projects: projects.iter().filter(chosen).map(|project| project.id.0).collect(),
            status: Status::parse(query.status_or_open()).unwrap_or_default(),
            expr: if all.len() == 1 { all.remove(0) } else { Expr::All(all) },
            sort,
            after: Cursor::parse(&query.after).filter(|cursor| cursor.sort == sort),
        })
    }
}

/// The same list with its tab where the page has its tabs, if the text chooses one.
pub(super) fn understood(query: IssueQuery, now: DateTime<Utc>) -> IssueQuery {
    let Ok(Parsed { status: Some(status), tabs, .. }) = parse::parse(&query.q, now) else { return query };
    let mut q = query.q.clone();
    for at in tabs.into_iter().rev() {
        q.replace_range(at, "");
    }
    let status = if status == Status::Open { String::new() } else { status.name().to_owned() };
    IssueQuery { q: q.split_whitespace().collect::<Vec<_>>().join(" "), status, ..query }
}

/// The event whose id was typed.
pub(super) fn named_event(text: &str) -> Option<Uuid> {
    let text = text.trim();
    [32, 36].contains(&text.len()).then(|| Uuid::parse_str(text).ok())?
}

/// The issue that `text` names, if it is a short id or a bare id of a project among `projects`.
pub fn named_issue(text: &str, projects: &[VisibleProject]) -> Option<IssueId> {
    let text = text.trim();
    if let Ok(id) = text.parse::<i64>() {
        let id = IssueId(id);
        return projects.iter().any(|project| project.id == id.project() && id.number() > 0).then_some(id);
    }
    let (prefix, number) = text.rsplit_once('-')?;
    let number = number.parse::<i32>().ok().filter(|number| *number > 0)?;
    let project = projects.iter().find(|project| project.short_prefix.eq_ignore_ascii_case(prefix))?;
    Some(IssueId::new(project.id, number))
}

/// The order of a list; the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// The latest event.
    #[default]
    LastSeen,
    /// The newest issue.
    FirstSeen,
    /// The most events.
    Events,
    /// The most users.
    Users,
}

impl Sort {
    const ALL: [(&'static str, Self); 4] =
        [("last_seen", Self::LastSeen), ("first_seen", Self::FirstSeen), ("events", Self::Events), ("users", Self::Users)];

    fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, sort)| sort).unwrap_or_default()
    }

    const fn letter(self) -> char {
        match self {
            Self::LastSeen => 'l',
            Self::FirstSeen => 'f',
            Self::Events => 'e',
            Self::Users => 'u',
        }
    }
}

/// Where a page ended: the last row's place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// A place in one order says nothing in another.
    pub(super) sort: Sort,
    /// A count, or microseconds since 1970.
    pub(super) value: i64,
    /// Tells equal values apart.
    pub(super) issue: IssueId,
}

impl Cursor {
    /// As it stands in addresses.
    pub(super) fn text(self) -> String {
        format!("{}{}.{}", self.sort.letter(), self.value, self.issue)
    }

    fn parse(text: &str) -> Option<Self> {
        let (sort, rest) = (text.chars().next()?, text.get(1..)?);
        let (_, sort) = Sort::ALL.into_iter().find(|(_, known)| known.letter() == sort)?;
        let (value, issue) = rest.split_once('.')?;
        let value = value.parse::<i64>().ok()?;
        // Times that chrono and PostgreSQL do not know are no cursor: the years 1970 to 9999.
        let known = matches!(sort, Sort::Events | Sort::Users) || (0..253_402_300_799_000_000).contains(&value);
        known.then_some(Self { sort, value, issue: issue.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::ProjectId;

    fn projects() -> Vec<VisibleProject> {
        let project = |id, name: &str, prefix: &str| VisibleProject {
            id: ProjectId(id),
            slug: name.to_owned(),
            name: name.to_owned(),
            short_prefix: prefix.to_owned(),
            limited: None,
            is_failing: false,
            muted: None,
        };
        vec![project(3, "shop", "SHOP"), project(5, "shop-web", "SHOP-WEB")]
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_530_787, 0).unwrap()
    }

    #[test]
    fn a_tab_that_is_typed_goes_where_the_page_shows_it() {
        let list = |q: &str| IssueQuery { q: q.to_owned(), ..IssueQuery::default() };
        let query = understood(list("is:resolved boom"), now());
        assert_eq!(query.url(), "/issues?status=resolved&q=boom");
        assert_eq!(understood(query.clone(), now()), query, "once is enough");
        for same in ["a  b:c", "is:new", "is:wrong"] {
            assert_eq!(understood(list(same), now()), list(same));
        }
    }

    #[test]
    fn menus_and_words_must_all_hold() {
        let query = IssueQuery { level: "error".to_owned(), environment: "prod".to_owned(), q: "boom".to_owned(), ..IssueQuery::default() };
        let Expr::All(all) = Search::new(&query, &projects(), now()).unwrap().expr else { panic!("three conditions") };
        assert_eq!(all.len(), 3);
        let wrong = IssueQuery { q: "level:bad".to_owned(), ..IssueQuery::default() };
        assert_eq!(Search::new(&wrong, &projects(), now()).unwrap_err().at, 6..9);
    }

    #[test]
    fn an_event_is_named_by_its_id_in_both_spellings() {
        let id = Uuid::from_u128(7);
        assert_eq!((named_event(&id.simple().to_string()), named_event(&format!(" {id} "))), (Some(id), Some(id)));
        assert_eq!((named_event("SHOP-1"), named_event(&"z".repeat(32))), (None, None));
    }

    #[test]
    fn an_id_names_its_issue_only_to_those_who_see_it() {
        let shop = |number| Some(IssueId::new(ProjectId(3), number));
        for (text, issue) in [
            ("SHOP-42", shop(42)),
            (" shop-42 ", shop(42)),
            ("shop-web-7", Some(IssueId::new(ProjectId(5), 7))),
            ("12884901930", shop(42)),
            ("12884901888", None),
            ("SHOP-0", None),
            ("SHOP--1", None),
            ("SHOP", None),
            ("OTHER-1", None),
            ("404", None),
            ("17179869185", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(named_issue(text, &projects()), issue, "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_counts_as_not_given() {
        let query = IssueQuery {
            project: "gone".to_owned(),
            status: "closed".to_owned(),
            level: "ERROR' or 1=1".to_owned(),
            sort: "title".to_owned(),
            after: "x".to_owned(),
            ..IssueQuery::default()
        };
        let nothing = Search { projects: vec![], status: Status::Open, expr: Expr::All(vec![]), sort: Sort::LastSeen, after: None };
        assert_eq!(Search::new(&query, &projects(), now()).unwrap(), nothing, "a project that is not there has no issues");
        let all = Search::new(&IssueQuery::default(), &projects(), now()).unwrap();
        assert_eq!(all.projects, [3, 5]);
    }

    #[test]
    fn a_cursor_survives_the_address_and_belongs_to_its_order() {
        for (_, sort) in Sort::ALL {
            let cursor = Cursor { sort, value: 1_795_530_787_123_456, issue: IssueId::new(ProjectId(3), 42) };
            assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        }
        for text in ["", "l", "l1", "l1.x", "q1.2", "l-1.2", "l999999999999999999.1", "lé.1", "é", "e99999999999999999999.1"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
        let query = IssueQuery { sort: "events".to_owned(), after: "l5.6".to_owned(), ..IssueQuery::default() };
        assert_eq!(Search::new(&query, &projects(), now()).unwrap().after, None);
    }
}
