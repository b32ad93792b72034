//! # The state of an issue, and what changes it
//! **Promise.** Whether an issue is open, resolved or ignored is decided here and nowhere else: by a person ([`Triage::apply`]) or by an
//! event ([`on_event`]). **How.** Pure functions of the locked state; what they answer is written as it is.
//! **Not here.** Locks and rows ([`super::queries`]), what digest counts ([`super::intake`]).

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What people want to do about an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// Somebody should look.
    #[default]
    Open,
    /// Repaired, as somebody says.
    Resolved,
    /// Known, and not to be shown or mailed.
    Ignored,
}

impl Status {
    /// All of them, in the order of the tabs.
    pub const ALL: [Self; 3] = [Self::Open, Self::Resolved, Self::Ignored];

    /// As rows and addresses say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Ignored => "ignored",
        }
    }

    /// The status of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For whoever develops.
    Debug,
    /// Nothing is wrong.
    Info,
    /// Something may be.
    Warning,
    /// Something is.
    Error,
    /// The program ended.
    Fatal,
}

impl Level {
    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [Self::Fatal, Self::Error, Self::Warning, Self::Info, Self::Debug];

    /// As rows and addresses say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// The level of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Triage {
    /// "It is repaired."
    Resolve,
    /// "I do not want to see it."
    Ignore,
    /// "Look again."
    Reopen,
}

impl Triage {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Resolve, Self::Ignore, Self::Reopen];

    /// The last part of the address, and the value of the bulk form's buttons.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Ignore => "ignore",
            Self::Reopen => "reopen",
        }
    }

    /// What the issue is afterwards, in words and as the kind of its activity: "resolved".
    pub const fn done(self) -> &'static str {
        match self {
            Self::Resolve => "resolved",
            Self::Ignore => "ignored",
            Self::Reopen => "reopened",
        }
    }

    /// The action with this verb.
    pub fn parse(verb: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|triage| triage.verb() == verb)
    }

    /// What it makes of an issue that is `status`; nothing when the issue is that already.
    pub fn apply(self, status: Status) -> Option<Status> {
        let target = match self {
            Self::Resolve => Status::Resolved,
            Self::Ignore => Status::Ignored,
            Self::Reopen => Status::Open,
        };
        (target != status).then_some(target)
    }
}

/// What decisions about an issue depend on, read under its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueState {
    /// What it is.
    pub status: Status,
    /// Since when.
    pub status_changed_at: DateTime<Utc>,
    /// Who made it so; nobody when it was an event.
    pub status_changed_by: Option<i64>,
}

/// An issue that was resolved happened again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regression {
    /// In which release; may be empty.
    pub release: String,
}

/// What an event of `release`, received at `received`, does to its issue's state: a resolved one regresses, unless the event was in the queue
/// already when somebody resolved it. Open and ignored issues stay what they are.
pub fn on_event(state: &IssueState, received: DateTime<Utc>, release: &str) -> Option<Regression> {
    let back = state.status == Status::Resolved && received > state.status_changed_at;
    back.then(|| Regression { release: release.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_530_787 + seconds, 0).unwrap()
    }

    fn state(status: Status) -> IssueState {
        IssueState { status, status_changed_at: at(0), status_changed_by: None }
    }

    #[test]
    fn people_change_what_is_not_so_already() {
        use Status::{Ignored, Open, Resolved};
        for (before, triage, after) in [
            (Open, Triage::Resolve, Some(Resolved)),
            (Open, Triage::Ignore, Some(Ignored)),
            (Open, Triage::Reopen, None),
            (Resolved, Triage::Resolve, None),
            (Resolved, Triage::Ignore, Some(Ignored)),
            (Resolved, Triage::Reopen, Some(Open)),
            (Ignored, Triage::Resolve, Some(Resolved)),
            (Ignored, Triage::Ignore, None),
            (Ignored, Triage::Reopen, Some(Open)),
        ] {
            assert_eq!(triage.apply(before), after, "{before} {triage:?}");
        }
    }

    #[test]
    fn only_resolved_issues_regress_and_only_by_events_that_came_later() {
        for (status, received, regresses) in [
            (Status::Resolved, 1, true),
            (Status::Resolved, 0, false),
            (Status::Resolved, -1, false),
            (Status::Open, 1, false),
            (Status::Ignored, 1, false),
        ] {
            let regression = on_event(&state(status), at(received), "1.4.2");
            let expected = regresses.then(|| Regression { release: "1.4.2".to_owned() });
            assert_eq!(regression, expected, "{status} {received}");
        }
    }

    #[test]
    fn names_lead_back_to_what_they_name() {
        assert!(Status::ALL.into_iter().all(|status| Status::parse(status.name()) == Some(status)));
        assert!(Level::ALL.into_iter().all(|level| Level::parse(level.as_str()) == Some(level)));
        assert!(Triage::ALL.into_iter().all(|triage| Triage::parse(triage.verb()) == Some(triage)));
        assert_eq!((Status::parse("closed"), Level::parse("ERROR"), Triage::parse("delete")), (None, None, None));
    }
}
