//! # What is typed into the search box
//! **Promise.** `is:resolved`, `level:error`, `environment:prod` and `release:1.2` are filters wherever they stand; a value with blanks stands in
//! quotes: `environment:"west europe"`. Everything else is words to look for, also `word:value` that no filter is called by, and a value that its
//! filter does not know. **How.** [`Typed::of`] takes the text apart. Of two values of one filter the last one counts.
//! **Not here.** What the filters do ([`super::search`]).

use super::model::{Level, Status};
use crate::web::urls::IssueQuery;

/// A search text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Typed {
    /// `is:`: open (also `unresolved`), resolved, ignored.
    status: Option<Status>,
    /// `level:`.
    level: Option<Level>,
    /// `environment:`.
    environment: Option<String>,
    /// `release:`.
    pub(super) release: Option<String>,
    /// All that is no filter.
    pub(super) words: String,
}

impl Typed {
    /// What `text` says.
    pub(super) fn of(text: &str) -> Self {
        let mut typed = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (token, value, after) = token(rest);
            if !value.is_some_and(|(name, value)| typed.filter(name, value)) {
                if !typed.words.is_empty() {
                    typed.words.push(' ');
                }
                typed.words.push_str(token);
            }
            rest = after.trim_start();
        }
        typed
    }

    /// Takes a filter; whether there is such a one.
    fn filter(&mut self, name: &str, value: &str) -> bool {
        match name {
            "is" => match Status::parse(if value == "unresolved" { "open" } else { value }) {
                Some(status) => self.status = Some(status),
                None => return false,
            },
            "level" => match Level::parse(value) {
                Some(level) => self.level = Some(level),
                None => return false,
            },
            "environment" if !value.is_empty() => self.environment = Some(value.to_owned()),
            "release" if !value.is_empty() => self.release = Some(value.to_owned()),
            _ => return false,
        }
        true
    }
}

/// The token that `text` begins with, what it says if it is `name:value`, and what follows.
fn token(text: &str) -> (&str, Option<(&str, &str)>, &str) {
    let blank = text.find(char::is_whitespace).unwrap_or(text.len());
    let Some((name, value)) = text[..blank].split_once(':') else { return (&text[..blank], None, &text[blank..]) };
    let start = name.len() + 1;
    if let Some(quoted) = text[start..].strip_prefix('"')
        && let Some(end) = quoted.find('"')
        && quoted[end + 1..].chars().next().is_none_or(char::is_whitespace)
        && ["is", "level", "environment", "release"].contains(&name)
    {
        let whole = start + end + 2;
        return (&text[..whole], Some((name, &quoted[..end])), &text[whole..]);
    }
    (&text[..blank], Some((name, value)), &text[blank..])
}

/// The same list with the filters of its search text where the page's tabs and menus have theirs. A release, for which there is no menu, stays in
/// the text.
pub(super) fn understood(query: IssueQuery) -> IssueQuery {
    let Typed { status, level, environment, release, words } = Typed::of(&query.q);
    if status.is_none() && level.is_none() && environment.is_none() {
        return query;
    }
    let quote = |release: String| {
        if release.contains(char::is_whitespace) { format!("release:\"{release}\"") } else { format!("release:{release}") }
    };
    let q = release.map(quote).into_iter().chain(Some(words).filter(|words| !words.is_empty())).collect::<Vec<_>>().join(" ");
    let mut query = IssueQuery { q, ..query };
    if let Some(status) = status {
        query.status = if status == Status::Open { String::new() } else { status.name().to_owned() };
    }
    if let Some(level) = level {
        level.as_str().clone_into(&mut query.level);
    }
    if let Some(environment) = environment {
        query.environment = environment;
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_filters_are_taken_out_and_all_else_is_text() {
        for (text, status, level, environment, release, words) in [
            ("is:resolved boom", Some(Status::Resolved), None, None, None, "boom"),
            ("is:unresolved level:fatal", Some(Status::Open), Some(Level::Fatal), None, None, ""),
            ("a environment:\"west europe\" b", None, None, Some("west europe"), None, "a b"),
            ("release:shop@1.2+4 is:open is:ignored", Some(Status::Ignored), None, None, Some("shop@1.2+4"), ""),
            ("is:closed level:ERROR tag:x :y std::io release:", None, None, None, None, "is:closed level:ERROR tag:x :y std::io release:"),
            ("environment:\"open", None, None, Some("\"open"), None, ""),
            ("KeyError:\"a b\"", None, None, None, None, "KeyError:\"a b\""),
            ("environment:é", None, None, Some("é"), None, ""),
            ("  ", None, None, None, None, ""),
        ] {
            let typed = Typed {
                status,
                level,
                environment: environment.map(str::to_owned),
                release: release.map(str::to_owned),
                words: words.to_owned(),
            };
            assert_eq!(Typed::of(text), typed, "{text}");
        }
    }

    #[test]
    fn filters_go_where_the_page_shows_them() {
        let list = |q: &str| IssueQuery { q: q.to_owned(), level: "debug".to_owned(), ..IssueQuery::default() };
        let query = understood(list("is:resolved boom level:error environment:prod release:\"1 beta\""));
        assert_eq!(query.url(), "/issues?status=resolved&q=release%3A%221%20beta%22%20boom&level=error&environment=prod");
        assert_eq!(understood(query.clone()), query, "once is enough");
        assert_eq!(understood(list("a  b:c")), list("a  b:c"));
    }
}
