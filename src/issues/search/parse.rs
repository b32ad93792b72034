//! # The search language
//! **Promise.** What people know from Sentry means what it means there: `is:` `level:` `release:` `environment:` `user.email:` `first-seen:` `last-seen:`
//! `times-seen:` `users:` `has:`, any tag as `key:value`, `!` before a term, quotes, `*` in values, `OR`, brackets; everything else is text that is looked
//! for. Terms beside each other must all hold, and bind closer than `OR`. What makes no sense is a [`Mistake`] that points at its characters.
//! **How.** Words with their places, then a recursive descent of bounded depth. Pure. **Not here.** What is found (`super::super::queries::filter`).

use std::ops::Range;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::issues::model::{Level, Status};

/// Terms of one search.
const MAX_TERMS: usize = 20;
/// Brackets in brackets.
const MAX_DEPTH: usize = 8;
/// Characters of one value.
const MAX_VALUE: usize = 200;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::issues) enum Expr {
    /// All of them; nothing in it: everything.
    All(Vec<Self>),
    /// One of them.
    Any(Vec<Self>),
    Not(Box<Self>),
    Is(Term),
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::issues) enum Term {
    /// Stands in the title, the culprit, the exceptions, the files and functions of the stack, the transaction.
    Text(Text),
    Level(&'static str),
    Environment(Text),
    Release(Text),
    Title(Text),
    Culprit(Text),
    /// Some event has the tag, or the field of the user, with this value. The text as it was typed may be text as well.
    Pair {
        key: String,
        value: String,
        typed: Option<String>,
    },
    /// Some event has the tag.
    Has(String),
    FirstSeen(Span),
    LastSeen(Span),
    TimesSeen(Count),
    Users(Count),
    /// A day old at most.
    New,
    Regressed,
    Spiking,
}

/// A text, perhaps with stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::issues) struct Text {
    /// As it was typed, without quotes.
    pub(in crate::issues) text: String,
    /// `*` stands for any text.
    pub(in crate::issues) is_pattern: bool,
}

/// From when (included) until when (excluded).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::issues) struct Span {
    pub(in crate::issues) from: Option<DateTime<Utc>>,
    pub(in crate::issues) until: Option<DateTime<Utc>>,
}

/// At least, and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::issues) struct Count {
    pub(in crate::issues) least: i64,
    pub(in crate::issues) most: i64,
}

/// What makes no sense, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::issues) struct Mistake {
    /// Bytes of the text.
    pub(in crate::issues) at: Range<usize>,
    /// What is wrong, and what would be right.
    pub(in crate::issues) words: String,
}

impl Mistake {
    fn new(at: Range<usize>, words: impl Into<String>) -> Self {
        Self { at, words: words.into() }
    }
}

/// A search, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::issues) struct Parsed {
    /// What `is:open`, `is:resolved`, `is:ignored` choose.
    pub(in crate::issues) status: Option<Status>,
    /// Where that is said.
    pub(in crate::issues) tabs: Vec<Range<usize>>,
    pub(in crate::issues) expr: Expr,
}

/// Understands a search as of now.
pub(in crate::issues) fn parse(text: &str, now: DateTime<Utc>) -> Result<Parsed, Mistake> {
    let words = words(text)?;
    if words.len() > MAX_TERMS * 2 {
        let rest = words[MAX_TERMS * 2].at.start..text.len();
        return Err(Mistake::new(rest, format!("That is too much for one search: {MAX_TERMS} terms at most.")));
    }
    let mut parser = Parser { words: &words, next: 0, end: text.len(), now, status: None, tabs: Vec::new() };
    let expr = parser.any(0)?;
    match parser.words.get(parser.next) {
        None => Ok(Parsed { status: parser.status, tabs: parser.tabs, expr }),
        Some(word) => Err(Mistake::new(word.at.clone(), "No bracket is open here.")),
    }
}

/// A word: what stands between blanks, quotes respected.
#[derive(Debug, Clone)]
struct Word<'t> {
    at: Range<usize>,
    kind: Kind<'t>,
}

#[derive(Debug, Clone)]
enum Kind<'t> {
    Open,
    Close,
    Or,
    And,
    /// `!key:value`; without a key it is text.
    Term {
        is_not: bool,
        key: Option<&'t str>,
        value: &'t str,
        value_at: Range<usize>,
        is_quoted: bool,
    },
}

fn words(text: &str) -> Result<Vec<Word<'_>>, Mistake> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let kind = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '(' => Kind::Open,
            ')' => Kind::Close,
            _ => {
                let (end, kind) = term(text, at)?;
                words.push(Word { at: at..end, kind });
                at = end;
                continue;
            }
        };
        words.push(Word { at: at..at + 1, kind });
        at += 1;
    }
    Ok(words)
}

/// The word that begins there, and where it ends.
fn term(text: &str, start: usize) -> Result<(usize, Kind<'_>), Mistake> {
    let is_not = text[start..].starts_with('!') && text[start + 1..].chars().next().is_some_and(|c| !c.is_whitespace());
    let from = start + usize::from(is_not);
    let key_end =
        text[from..].find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))).map_or(text.len(), |end| from + end);
    let is_key = key_end > from && text[key_end..].starts_with(':') && !text[key_end + 1..].starts_with([':', '/', '\\']);
    let has_value = is_key && text[key_end + 1..].chars().next().is_some_and(|c| !c.is_whitespace() && c != ')');
    let (key, from) = if has_value { (Some(&text[from..key_end]), key_end + 1) } else { (None, from) };
    if text[from..].starts_with('"') {
        let Some(length) = text[from + 1..].find('"') else {
            return Err(Mistake::new(from..text.len(), "The quotes are not closed."));
        };
        let value_at = from + 1..from + 1 + length;
        return Ok((value_at.end + 1, Kind::Term { is_not, key, value: &text[value_at.clone()], value_at, is_quoted: true }));
    }
    // Brackets are part of a word that has opened them: `main()`.
    let mut open = 0_usize;
    let end = text[from..].char_indices().find(|(_, c)| {
        match c {
            '(' => open += 1,
            ')' if open > 0 => open -= 1,
            ')' => return true,
            _ => {}
        }
        c.is_whitespace()
    });
    let end = end.map_or(text.len(), |(at, _)| from + at);
    let value = &text[from..end];
    let kind = match (value, is_not, &key) {
        ("OR", false, None) => Kind::Or,
        ("AND", false, None) => Kind::And,
        _ => Kind::Term { is_not, key, value, value_at: from..end, is_quoted: false },
    };
    Ok((end, kind))
}

struct Parser<'w, 't> {
    words: &'w [Word<'t>],
    next: usize,
    end: usize,
    now: DateTime<Utc>,
    status: Option<Status>,
    tabs: Vec<Range<usize>>,
}

impl Parser<'_, '_> {
    fn any(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let mut ways = vec![self.all(depth)?];
        while let Some(Word { at, kind: Kind::Or }) = self.words.get(self.next) {
            self.next += 1;
            self.no_tab_within("OR")?;
            let is_empty = |way: Option<&Expr>| way == Some(&Expr::All(Vec::new()));
            if is_empty(ways.last()) {
                return Err(Mistake::new(at.clone(), "Something must stand before OR; to look for the word itself, write \"OR\"."));
            }
            let way = self.all(depth)?;
            self.no_tab_within("OR")?;
            if is_empty(Some(&way)) {
                return Err(Mistake::new(at.clone(), "Something must follow OR; to look for the word itself, write \"OR\"."));
            }
            ways.push(way);
        }
        Ok(if ways.len() == 1 { ways.remove(0) } else { Expr::Any(ways) })
    }

    fn all(&mut self, depth: usize) -> Result<Expr, Mistake> {
        let mut terms = Vec::new();
        while let Some(word) = self.words.get(self.next) {
            match &word.kind {
                Kind::Or | Kind::Close => break,
                Kind::And => self.next += 1,
                Kind::Open => {
                    if depth >= MAX_DEPTH {
                        return Err(Mistake::new(word.at.clone(), format!("More than {MAX_DEPTH} brackets in each other.")));
                    }
                    self.next += 1;
                    let inner = self.any(depth + 1)?;
                    match self.words.get(self.next) {
                        Some(Word { kind: Kind::Close, .. }) => self.next += 1,
                        _ => return Err(Mistake::new(word.at.start..self.end, "The bracket is not closed.")),
                    }
                    terms.push(inner);
                }
                Kind::Term { .. } => {
                    self.next += 1;
                    terms.extend(self.condition(word)?);
                }
            }
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Expr::All(terms) })
    }

    /// A tab is one for the whole search.
    fn no_tab_within(&self, what: &str) -> Result<(), Mistake> {
        let words = || format!("is:open, is:resolved and is:ignored choose the list's tab and cannot stand beside {what}.");
        self.tabs.last().map_or(Ok(()), |at| Err(Mistake::new(at.clone(), words())))
    }

    fn condition(&mut self, word: &Word<'_>) -> Result<Option<Expr>, Mistake> {
        let Kind::Term { is_not, key, value, value_at, is_quoted } = &word.kind else { return Ok(None) };
        let whole = value.chars().take(MAX_VALUE).filter(|c| *c != '\0').collect::<String>();
        let text = Text { is_pattern: !is_quoted && whole.contains('*'), text: whole };
        let bad = |words: String| Mistake::new(value_at.clone(), words);
        let Some(key) = key else {
            let term = Expr::Is(Term::Text(text));
            return Ok(Some(if *is_not { Expr::Not(Box::new(term)) } else { term }));
        };
        let term = match key.to_ascii_lowercase().as_str() {
            "is" => match self.is(&text.text, word, *is_not)? {
                Some(term) => term,
                None => return Ok(None),
            },
            "level" => Term::Level(
                Level::parse(&text.text.to_lowercase())
                    .ok_or_else(|| bad("No level: fatal, error, warning, info and debug are.".to_owned()))?
                    .as_str(),
            ),
            "environment" | "env" => Term::Environment(text),
            "release" => Term::Release(text),
            "title" | "message" => Term::Title(text),
            "culprit" | "transaction" if text.is_pattern => Term::Culprit(text),
            "culprit" => Term::Culprit(text),
            "has" => Term::Has(text.text),
            "first-seen" | "firstseen" | "age" => Term::FirstSeen(span(&text.text, self.now).map_err(bad)?),
            "last-seen" | "lastseen" => Term::LastSeen(span(&text.text, self.now).map_err(bad)?),
            "times-seen" | "timesseen" | "events" => Term::TimesSeen(count(&text.text).map_err(bad)?),
            "users" | "users-seen" => Term::Users(count(&text.text).map_err(bad)?),
            _ if text.is_pattern => {
                return Err(bad(format!(
                    "* works in text, title:, culprit:, environment: and release:. Of {key} whole values can be found."
                )));
            }
            _ => {
                let typed = (!is_quoted).then(|| format!("{key}:{value}").chars().take(MAX_VALUE).collect());
                Term::Pair { key: (*key).to_owned(), value: text.text, typed }
            }
        };
        Ok(Some(if *is_not { Expr::Not(Box::new(Expr::Is(term))) } else { Expr::Is(term) }))
    }

    /// What `is:` says; nothing: it chose the tab.
    fn is(&mut self, value: &str, word: &Word<'_>, is_not: bool) -> Result<Option<Term>, Mistake> {
        let value = value.to_lowercase();
        let status = match value.as_str() {
            "new" => return Ok(Some(Term::New)),
            "regressed" => return Ok(Some(Term::Regressed)),
            "spiking" => return Ok(Some(Term::Spiking)),
            "unresolved" => Some(Status::Open),
            other => Status::parse(other),
        };
        let Some(status) = status else {
            return Err(Mistake::new(word.at.clone(), "is: knows open, resolved, ignored; new, regressed, spiking."));
        };
        let chosen = self.status.replace(status).is_some_and(|before| before != status);
        self.tabs.push(word.at.clone());
        if is_not || chosen {
            return self.no_tab_within(if is_not { "!" } else { "each other" }).map(|()| None);
        }
        Ok(None)
    }
}

/// `-24h` (within), `+2w` (longer ago), `>2026-11-24`, `2026-11-24`.
fn span(text: &str, now: DateTime<Utc>) -> Result<Span, String> {
    let wrong = || format!("“{text}” is no time: -24h (within a day), +2w (longer ago), 2026-11-24, >2026-11-24 or <2026-11-24T14:30 are.");
    if let Some(ago) = text.strip_prefix(['-', '+']) {
        let at = ago.len().checked_sub(1).filter(|at| ago.is_char_boundary(*at)).ok_or_else(wrong)?;
        let number: i64 = ago[..at].parse().ok().filter(|number| (0..100_000).contains(number)).ok_or_else(wrong)?;
        let span = match &ago[at..] {
            "m" => TimeDelta::minutes(number),
            "h" => TimeDelta::hours(number),
            "d" => TimeDelta::days(number),
            "w" => TimeDelta::weeks(number),
            _ => return Err(wrong()),
        };
        let at = Some(now - span);
        return Ok(if text.starts_with('-') { Span { from: at, until: None } } else { Span { from: None, until: at } });
    }
    let rest = text.trim_start_matches(['<', '>', '=']);
    let (from, until) = instant(rest).ok_or_else(wrong)?;
    match &text[..text.len() - rest.len()] {
        "" | "=" => Ok(Span { from: Some(from), until: Some(until) }),
        ">" => Ok(Span { from: Some(until), until: None }),
        ">=" => Ok(Span { from: Some(from), until: None }),
        "<" => Ok(Span { from: None, until: Some(from) }),
        "<=" => Ok(Span { from: None, until: Some(until) }),
        _ => Err(wrong()),
    }
}

/// The day or the minute that is named: its beginning and its end, UTC.
fn instant(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let from = day.and_hms_opt(0, 0, 0)?.and_utc();
        return Some((from, from + TimeDelta::days(1)));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some((at.to_utc(), at.to_utc() + TimeDelta::seconds(1)));
    }
    let at = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"].iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok())?;
    Some((at.and_utc(), at.and_utc() + TimeDelta::minutes(1)))
}

/// `>100`, `<=5`, `7`.
fn count(text: &str) -> Result<Count, String> {
    let rest = text.trim_start_matches(['<', '>', '=']);
    let number: i64 = rest.parse().map_err(|_| format!("“{rest}” is no number: >100, <=5 and 7 are."))?;
    let (least, most) = match &text[..text.len() - rest.len()] {
        "" | "=" => (number, number),
        ">" => (number.saturating_add(1), i64::MAX),
        ">=" => (number, i64::MAX),
        "<" => (i64::MIN, number.saturating_sub(1)),
        "<=" => (i64::MIN, number),
        _ => return Err(format!("“{text}” compares in no way: >100, >=100, <5, <=5 and 7 do.")),
    };
    Ok(Count { least, most })
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
