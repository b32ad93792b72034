//! # What a list was asked for
//! **Promise.** Anything in the address is a list: what makes no sense counts as not given. **How.** [`Search::new`] turns the query string into
//! what SQL filters by, [`Cursor`] into where the page before ended. **Not here.** SQL ([`super::queries`]).

use super::IssueId;
use super::model::{Level, Status};
use super::typed::Typed;
use crate::accounts::VisibleProject;
use crate::web::urls::IssueQuery;

/// Words of one search; further ones are not looked for.
const MAX_WORDS: usize = 8;
/// Characters of one word.
const MAX_WORD: usize = 200;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Search {
    /// Projects: the chosen one, or all that the viewer may see.
    pub(super) projects: Vec<i32>,
    /// The tab.
    pub(super) status: Status,
    /// Only this level.
    pub(super) level: Option<&'static str>,
    /// Only issues seen in this environment.
    pub(super) environment: Option<String>,
    /// Only issues first or last seen in this release.
    pub(super) release: Option<String>,
    /// Patterns that the lower-cased text must match.
    pub(super) words: Words,
    /// The order.
    pub(super) sort: Sort,
    /// Where the page before ended.
    pub(super) after: Option<Cursor>,
}

impl Search {
    /// Only some issues of a tab are wanted.
    pub(super) fn is_filtered(&self) -> bool {
        self.level.is_some() || self.environment.is_some() || self.release.is_some() || !self.words.is_empty()
    }

    /// The list that `query` asks for among `projects`.
    pub(super) fn new(query: &IssueQuery, projects: &[VisibleProject]) -> Self {
        let chosen = |project: &&VisibleProject| query.project.is_empty() || project.slug == query.project;
        let sort = Sort::parse(&query.sort);
        let typed = Typed::of(&query.q);
        Self {
            projects: projects.iter().filter(chosen).map(|project| project.id.0).collect(),
            status: Status::parse(query.status_or_open()).unwrap_or_default(),
            level: Level::parse(&query.level).map(Level::as_str),
            environment: Some(query.environment.replace('\0', "")).filter(|name| !name.is_empty()),
            release: typed.release.map(|name| name.replace('\0', "")).filter(|name| !name.is_empty()),
            words: Words::new(&typed.words),
            sort,
            after: Cursor::parse(&query.after).filter(|cursor| cursor.sort == sort),
        }
    }
}

/// Patterns for `like`, lower case. Lower-casing ASCII letters alone is four times as fast in PostgreSQL, so that words of
/// ASCII letters, nearly all, are looked for in such a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Words {
    /// Of ASCII characters only.
    pub(super) ascii: Vec<String>,
    /// All others.
    pub(super) other: Vec<String>,
}

impl Words {
    fn new(text: &str) -> Self {
        let (ascii, other) = patterns(text).into_iter().partition(|pattern: &String| pattern.is_ascii());
        Self { ascii, other }
    }

    /// Nothing is looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.ascii.is_empty() && self.other.is_empty()
    }
}

/// Patterns that find each word of `text` anywhere, taken literally.
fn patterns(text: &str) -> Vec<String> {
    let pattern = |word: &str| {
        let mut pattern = String::from("%");
        for c in word.chars().filter(|c| *c != '\0').take(MAX_WORD).flat_map(char::to_lowercase) {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern + "%"
    };
    text.split_whitespace().take(MAX_WORDS).map(pattern).filter(|pattern| pattern != "%%").collect()
}

/// The issue that `text` names, if it is a short id or a bare id of a project among `projects`.
pub(super) fn named_issue(text: &str, projects: &[VisibleProject]) -> Option<IssueId> {
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

    #[test]
    fn words_are_looked_for_as_they_stand() {
        for (text, patterns) in
            [("Key Érror", vec!["%key%", "%érror%"]), ("  100%_a\\b ", vec!["%100\\%\\_a\\\\b%"]), ("\0", vec![]), ("", vec![])]
        {
            assert_eq!(super::patterns(text), patterns, "{text}");
        }
        assert_eq!(patterns(&"x ".repeat(100)).len(), MAX_WORDS);
        assert_eq!(patterns(&"é".repeat(1000))[0].chars().count(), MAX_WORD + 2);
        let words = Words::new("Key Érror");
        assert_eq!((words.ascii, words.other), (vec!["%key%".to_owned()], vec!["%érror%".to_owned()]));
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
        assert_eq!(Search::new(&query, &projects()), Search::default(), "a project that is not there has no issues");
        let all = Search::new(&IssueQuery::default(), &projects());
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
        assert_eq!(Search::new(&query, &projects()).after, None);
    }
}
