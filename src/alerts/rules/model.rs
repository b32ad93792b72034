//! Rules, and whether they match: pure.

use serde::{Deserialize, Serialize};

use super::kinds::FactKind;
use super::pattern::Pattern;
use crate::accounts::UserId;
use crate::alerts::channels::ChannelId;
use crate::issues::model::Level;

/// A rule of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::alerts) struct Rule {
    /// Its number; 0 for one that is only tried.
    pub(super) id: i64,
    /// As people call it.
    pub(super) name: String,
    pub(super) is_on: bool,
    pub(super) definition: Definition,
}

/// What a rule says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Definition {
    /// All groups must hold; otherwise any.
    pub(super) all: bool,
    /// None: every fact.
    pub(super) groups: Vec<Group>,
    /// Who is told; none: nobody.
    pub(super) actions: Vec<Action>,
    /// Of one issue at most once in so many minutes; 0: always.
    #[serde(default)]
    pub(super) minutes: u32,
}

/// Conditions that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    /// All must hold; otherwise any.
    pub(super) all: bool,
    pub(super) conditions: Vec<Condition>,
}

/// Something that is to be so, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Condition {
    /// It is to be otherwise.
    pub(super) not: bool,
    pub(super) test: Test,
}

/// What is looked at. Of several values one is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Test {
    Fact(Vec<FactKind>),
    Level(Vec<Level>),
    LevelAtLeast(Level),
    Environment(Vec<Pattern>),
    Release(Vec<Pattern>),
    Tag(String, Pattern),
    Title(Pattern),
    Message(Pattern),
    /// Seen at least so often.
    Events(i64),
    /// By at least so many users.
    Users(i64),
    /// First seen at least so many minutes before.
    Age(i64),
}

/// Whom a rule tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// All members, and all channels.
    Everybody,
    /// This one.
    Member(UserId),
    /// This one.
    Channel(ChannelId),
}

/// A fact, as rules see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Circumstances {
    /// Nothing: a kind that this program does not know.
    pub(super) kind: Option<FactKind>,
    /// Nothing for facts about the project as a whole.
    pub(super) issue: Option<Seen>,
}

/// The issue that a fact is about, and its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) level: Level,
    /// May be empty.
    pub(super) environment: String,
    /// May be empty.
    pub(super) release: String,
    pub(super) tags: Vec<(String, String)>,
    pub(super) title: String,
    /// Of the event: its log message, or what its exception says; may be empty.
    pub(super) message: String,
    pub(super) events: i64,
    pub(super) users: i64,
    /// Minutes since the issue was first seen.
    pub(super) age: i64,
}

impl Definition {
    pub(super) fn matches(&self, fact: &Circumstances) -> bool {
        combined(self.all, self.groups.iter().map(|group| group.matches(fact)))
    }

    /// Whether an answer needs the issue.
    pub(super) fn asks_for_issue(&self) -> bool {
        self.tests().any(|test| !matches!(test, Test::Fact(_)))
    }

    /// Whether an answer needs the event as well.
    pub(super) fn asks_for_event(&self) -> bool {
        self.tests().any(|test| !matches!(test, Test::Fact(_) | Test::Title(_) | Test::Events(_) | Test::Users(_) | Test::Age(_)))
    }

    fn tests(&self) -> impl Iterator<Item = &Test> {
        self.groups.iter().flat_map(|group| &group.conditions).map(|condition| &condition.test)
    }
}

impl Group {
    fn matches(&self, fact: &Circumstances) -> bool {
        combined(self.all, self.conditions.iter().map(|condition| condition.holds(fact)))
    }
}

/// Of nothing: true.
fn combined(all: bool, mut answers: impl Iterator<Item = bool>) -> bool {
    if all {
        return answers.all(|answer| answer);
    }
    match answers.next() {
        None => true,
        Some(first) => first || answers.any(|answer| answer),
    }
}

impl Condition {
    /// Where there is no issue, nothing is so about it, and nothing is not so.
    fn holds(&self, fact: &Circumstances) -> bool {
        let is_so = match &self.test {
            Test::Fact(kinds) => fact.kind.map(|kind| kinds.contains(&kind)),
            test => fact.issue.as_ref().map(|issue| test.is_so(issue)),
        };
        is_so.is_some_and(|is_so| is_so != self.not)
    }
}

impl Test {
    fn is_so(&self, issue: &Seen) -> bool {
        let any = |patterns: &[Pattern], text: &str| patterns.iter().any(|pattern| pattern.matches(text));
        match self {
            Self::Fact(_) => false,
            Self::Level(levels) => levels.contains(&issue.level),
            Self::LevelAtLeast(level) => issue.level >= *level,
            Self::Environment(patterns) => any(patterns, &issue.environment),
            Self::Release(patterns) => any(patterns, &issue.release),
            Self::Tag(key, pattern) => issue.tags.iter().any(|(name, value)| name == key && pattern.matches(value)),
            Self::Title(pattern) => pattern.matches(&issue.title),
            Self::Message(pattern) => pattern.matches(&issue.message),
            Self::Events(least) => issue.events >= *least,
            Self::Users(least) => issue.users >= *least,
            Self::Age(least) => issue.age >= *least,
        }
    }
}

#[cfg(test)]
mod tests;
