//! # From a search to SQL
//! **Promise.** A list is filtered by exactly what was asked, in PostgreSQL, in the list's own order; a rare value or word costs its hits. **How.** [`Filter::resolve`]
//! looks up which issues had a value or have a word; few are named in the statement, of many each issue of the walk is asked. [`Filter::push`] writes
//! the condition: the one place with SQL that is put together at run time, because a search is a tree. Every value is bound; nothing typed becomes SQL.
//! **When it breaks.** A statement that takes too long ends at the pool's limit. **Not here.** The language (`search::parse`).

use std::future::Future;
use std::pin::Pin;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::events::pairs;
use crate::issues::search::parse::{Expr, Term, Text};
use crate::issues::texts;
use crate::issues::{IssueId, moving};

/// So many issues are named; of more, each is asked.
const FEW: i64 = 2_000;
/// An issue is new for a day.
const NEW: TimeDelta = TimeDelta::hours(24);

/// A search whose values were looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::issues) enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// One of these issues.
    Ids(Vec<i64>),
    /// An event with this value.
    Pair(i64),
    /// The title, the culprit or the issue's text, lower case.
    Text(String),
    /// What columns say.
    Column(Term, DateTime<Utc>),
}

/// A boxed future, because a search is a tree.
type Resolving<'a> = Pin<Box<dyn Future<Output = sqlx::Result<Filter>> + Send + 'a>>;

impl Filter {
    /// Looks up what `expr` names in these projects.
    pub(in crate::issues) fn resolve<'a>(
        db: &'a mut PgConnection,
        projects: &'a [i32],
        expr: &'a Expr,
        now: DateTime<Utc>,
    ) -> Resolving<'a> {
        Box::pin(async move {
            Ok(match expr {
                Expr::All(parts) | Expr::Any(parts) => {
                    let mut each = Vec::with_capacity(parts.len());
                    for part in parts {
                        each.push(Self::resolve(db, projects, part, now).await?);
                    }
                    if matches!(expr, Expr::All(_)) { Self::All(each) } else { Self::Any(each) }
                }
                Expr::Not(part) => Self::Not(Box::new(Self::resolve(db, projects, part, now).await?)),
                Expr::Is(Term::Text(text)) => Self::text(db, projects, text).await?,
                Expr::Is(Term::Pair { key, value, typed }) => {
                    let pair = pairs::hash(key, value);
                    let found = pairs::find(db, projects, pair, FEW + 1).await?;
                    let pair = Self::few_or(db, found, Self::Pair(pair)).await?;
                    let Some(typed) = typed else { return Ok(pair) };
                    let text = Self::text(db, projects, &Text { text: typed.clone(), is_pattern: false }).await?;
                    Self::Any(vec![pair, text])
                }
                Expr::Is(term) => Self::Column(term.clone(), now),
            })
        })
    }

    async fn text(db: &mut PgConnection, projects: &[i32], text: &Text) -> sqlx::Result<Self> {
        let pattern = format!("%{}%", pattern(text));
        let found = texts::find(db, projects, &pattern, FEW + 1).await?;
        Self::few_or(db, found, Self::Text(pattern)).await
    }

    /// The issues that were found, as what they are now; where they are many, the condition that each is asked.
    async fn few_or(db: &mut PgConnection, found: Vec<IssueId>, each: Self) -> sqlx::Result<Self> {
        if found.len() as i64 > FEW {
            return Ok(each);
        }
        Ok(Self::Ids(moving::where_they_are(db, &found).await?.into_iter().map(|issue| issue.0).collect()))
    }

    /// Everything is wanted.
    pub(in crate::issues) fn is_everything(&self) -> bool {
        matches!(self, Self::All(parts) if parts.iter().all(Self::is_everything))
    }

    /// The issues that are wanted at most, where these are few.
    pub(in crate::issues) fn few(&self) -> Option<Vec<i64>> {
        match self {
            Self::Ids(ids) => Some(ids.clone()),
            Self::All(parts) => parts.iter().filter_map(Self::few).min_by_key(Vec::len),
            Self::Any(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(part.few()?);
                }
                Some(all)
            }
            _ => None,
        }
    }

    /// Writes the condition on `i`, a row of `issues`.
    pub(in crate::issues) fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        match self {
            Self::All(parts) => join(sql, parts, " and ", "true"),
            Self::Any(parts) => join(sql, parts, " or ", "false"),
            Self::Not(part) => {
                sql.push("not (");
                part.push(sql);
                sql.push(")");
            }
            Self::Ids(ids) => {
                sql.push("i.issue_id = any(").push_bind(ids.clone()).push(")");
            }
            Self::Pair(pair) => {
                exists(sql, "event_pairs", |sql| _ = sql.push("q.pair = ").push_bind(*pair));
            }
            Self::Text(pattern) => {
                sql.push("(lower(i.title || E'\\n' || i.culprit) like ").push_bind(pattern.clone());
                sql.push(
                    " or exists (select from issue_texts q where q.project_id = i.project_id and q.issue_id = i.issue_id and q.text like ",
                );
                sql.push_bind(pattern.clone()).push("))");
            }
            Self::Column(term, now) => column(sql, term, *now),
        }
    }
}

fn join(sql: &mut QueryBuilder<Postgres>, parts: &[Filter], between: &str, none: &str) {
    sql.push("(");
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            sql.push(between);
        }
        part.push(sql);
    }
    if parts.is_empty() {
        sql.push(none);
    }
    sql.push(")");
}

fn column(sql: &mut QueryBuilder<Postgres>, term: &Term, now: DateTime<Utc>) {
    match term {
        // Resolved before.
        Term::Text(_) | Term::Pair { .. } => {
            sql.push("false");
        }
        Term::Level(level) => {
            sql.push("i.level = ").push_bind(*level);
        }
        Term::Environment(text) => {
            exists(sql, "issue_environments", |sql| matches(sql, "q.environment", text));
        }
        Term::Release(text) => {
            sql.push("(");
            matches(sql, "i.last_release", text);
            sql.push(" or ");
            matches(sql, "i.first_release", text);
            if !text.is_pattern {
                sql.push(
                    " or exists (select from event_pairs q where q.project_id = i.project_id and q.issue_id = i.issue_id and q.pair = ",
                );
                sql.push_bind(pairs::hash("release", &text.text)).push(")");
            }
            sql.push(")");
        }
        Term::Title(text) => contains(sql, "i.title", text),
        Term::Culprit(text) => contains(sql, "i.culprit", text),
        Term::Has(key) => {
            exists(sql, "issue_tags", |sql| _ = sql.push("q.key = ").push_bind(key.clone()));
        }
        Term::FirstSeen(span) | Term::LastSeen(span) => {
            let name = if matches!(term, Term::FirstSeen(_)) { "i.first_seen" } else { "i.last_seen" };
            sql.push("(true");
            if let Some(from) = span.from {
                sql.push(format!(" and {name} >= ")).push_bind(from);
            }
            if let Some(until) = span.until {
                sql.push(format!(" and {name} < ")).push_bind(until);
            }
            sql.push(")");
        }
        Term::TimesSeen(count) => {
            sql.push("i.event_count between ").push_bind(count.least).push(" and ").push_bind(count.most);
        }
        Term::Users(count) => {
            sql.push("i.user_count between ").push_bind(count.least).push(" and ").push_bind(count.most);
        }
        Term::New => {
            sql.push("(i.first_seen > ").push_bind(now - NEW).push(" and i.regressed_at is null)");
        }
        Term::Regressed => {
            sql.push("i.regressed_at is not null");
        }
        Term::Spiking => {
            sql.push(
                "exists (select from issue_spikes q where q.project_id = i.project_id and q.issue_id = i.issue_id and q.spike is not null)",
            );
        }
    }
}

/// The issue has a row `q` in that table of which the condition holds.
fn exists(sql: &mut QueryBuilder<Postgres>, table: &'static str, condition: impl FnOnce(&mut QueryBuilder<Postgres>)) {
    sql.push(format!("exists (select from {table} q where q.project_id = i.project_id and q.issue_id = i.issue_id and "));
    condition(sql);
    sql.push(")");
}

/// The whole text is meant.
fn matches(sql: &mut QueryBuilder<Postgres>, name: &'static str, text: &Text) {
    if text.is_pattern {
        sql.push(format!("lower({name}) like ")).push_bind(pattern(text));
    } else {
        sql.push(format!("{name} = ")).push_bind(text.text.clone());
    }
}

/// A part of it is meant, unless there are stars.
fn contains(sql: &mut QueryBuilder<Postgres>, name: &'static str, text: &Text) {
    let pattern = if text.is_pattern { pattern(text) } else { format!("%{}%", pattern(text)) };
    sql.push(format!("lower({name}) like ")).push_bind(pattern);
}

/// For `like`, lower case; all but stars is taken literally.
fn pattern(text: &Text) -> String {
    let mut pattern = String::with_capacity(text.text.len());
    for c in text.text.chars().flat_map(char::to_lowercase) {
        match c {
            '*' if text.is_pattern => pattern.push('%'),
            '%' | '_' | '\\' => pattern.extend(['\\', c]),
            c => pattern.push(c),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stars_are_wild() {
        let text = |text: &str, is_pattern| Text { text: text.to_owned(), is_pattern };
        assert_eq!(pattern(&text("Érror 100%_a\\b*", true)), "érror 100\\%\\_a\\\\b%");
        assert_eq!(pattern(&text("a*", false)), "a*");
    }

    #[test]
    fn few_are_known_where_one_condition_of_all_says_so() {
        let column = || Filter::Column(Term::New, DateTime::default());
        let all = Filter::All(vec![column(), Filter::Ids(vec![1, 2, 3]), Filter::Ids(vec![4])]);
        assert_eq!(all.few(), Some(vec![4]));
        assert_eq!(Filter::Any(vec![Filter::Ids(vec![1]), column()]).few(), None);
        assert_eq!(Filter::Any(vec![Filter::Ids(vec![1]), Filter::Ids(vec![2])]).few(), Some(vec![1, 2]));
        assert_eq!(Filter::Not(Box::new(Filter::Ids(vec![1]))).few(), None);
    }

    #[test]
    fn nothing_that_was_typed_stands_in_the_statement() {
        let evil = || Text { text: "'; drop table issues; --".to_owned(), is_pattern: true };
        let terms = [Term::Environment(evil()), Term::Release(evil()), Term::Title(evil()), Term::Culprit(evil()), Term::Has(evil().text)];
        let filter = Filter::All(
            terms.into_iter().map(|term| Filter::Column(term, DateTime::default())).chain([Filter::Text(evil().text)]).collect(),
        );
        let mut sql = QueryBuilder::new("");
        filter.push(&mut sql);
        let sql = sql.into_sql();
        assert!(!sql.as_str().contains("drop"), "{}", sql.as_str());
    }
}
