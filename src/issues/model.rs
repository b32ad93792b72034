//! The state machine of an issue: open, resolved, ignored. Pure.

use std::fmt;

use chrono::{DateTime, Utc};

/// What an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// To be looked at.
    Open,
    /// Done; comes back when it happens again.
    Resolved,
    /// Counted, but neither listed under open nor mailed.
    Ignored,
}

impl Status {
    /// Reads the name in the database and in URLs.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Resolved, Self::Ignored].into_iter().find(|status| status.name() == text)
    }

    /// The name in the database and in URLs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Ignored => "ignored",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What decisions about an issue depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueState {
    /// What it is.
    pub status: Status,
    /// Since when.
    pub status_changed_at: DateTime<Utc>,
    /// Who made it so; nobody when it was an event.
    pub status_changed_by: Option<i64>,
}

/// What people do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Triage {
    /// It is done.
    Resolve,
    /// It is not worth looking at.
    Ignore,
    /// It is to be looked at again.
    Reopen,
}

impl Triage {
    /// Reads the last part of an action's address.
    pub fn parse(verb: &str) -> Option<Self> {
        match verb {
            "resolve" => Some(Self::Resolve),
            "ignore" => Some(Self::Ignore),
            "reopen" => Some(Self::Reopen),
            _ => None,
        }
    }

    /// What the issue becomes, and the word of its history; nothing when it is that already.
    pub fn apply(self, status: Status) -> Option<(Status, &'static str)> {
        let (to, word) = match self {
            Self::Resolve => (Status::Resolved, "resolved"),
            Self::Ignore => (Status::Ignored, "ignored"),
            Self::Reopen => (Status::Open, "reopened"),
        };
        (to != status).then_some((to, word))
    }
}

/// A resolved issue happened again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regression {
    /// In which release; may be empty.
    pub release: String,
}

/// What an event does to an issue. One that was received before the issue was resolved, and digested after, changes nothing.
pub fn on_event(state: &IssueState, received: DateTime<Utc>, release: &str) -> Option<Regression> {
    let is_back = state.status == Status::Resolved && received > state.status_changed_at;
    is_back.then(|| Regression { release: release.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_move_issues_between_all_states_and_nothing_happens_twice() {
        use Status::{Ignored, Open, Resolved};
        for (triage, from, to) in [
            (Triage::Resolve, Open, Some(Resolved)),
            (Triage::Resolve, Ignored, Some(Resolved)),
            (Triage::Resolve, Resolved, None),
            (Triage::Ignore, Open, Some(Ignored)),
            (Triage::Ignore, Resolved, Some(Ignored)),
            (Triage::Ignore, Ignored, None),
            (Triage::Reopen, Resolved, Some(Open)),
            (Triage::Reopen, Ignored, Some(Open)),
            (Triage::Reopen, Open, None),
        ] {
            assert_eq!(triage.apply(from).map(|(to, _)| to), to, "{triage:?} {from}");
        }
    }

    #[test]
    fn only_a_resolved_issue_comes_back_and_only_by_what_came_after() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let state = |status| IssueState { status, status_changed_at: at(100), status_changed_by: None };
        for (status, received, back) in [
            (Status::Resolved, 101, true),
            (Status::Resolved, 100, false),
            (Status::Resolved, 99, false),
            (Status::Open, 101, false),
            (Status::Ignored, 101, false),
        ] {
            assert_eq!(on_event(&state(status), at(received), "1.0").is_some(), back, "{status} {received}");
        }
    }
}
