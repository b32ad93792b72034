//! A correction and its states.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::accounts::{IssueId, ProjectId};
use crate::events::moving::Cursor;

/// What is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An issue takes others in.
    Merge,
    /// Hashes leave an issue.
    Split,
    /// Stored events are grouped anew.
    Rules,
}

impl Kind {
    /// As rows say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Split => "split",
            Self::Rules => "rules",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        [Self::Merge, Self::Split].into_iter().find(|kind| kind.name() == text).unwrap_or(Self::Rules)
    }
}

/// In a correction's rules: the rule that was added for it, and that undoing it takes away again.
pub const ADDED: &str = "added";

/// How far a correction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Stored events are grouped again, and nothing is changed yet.
    Planning,
    /// Stored events follow.
    Moving,
    /// Users and times of issues that lost events are found again.
    Settling,
    /// It may be undone.
    Done,
    /// It stays.
    Confirmed,
    /// Stored events go back.
    Undoing,
    /// As [`State::Settling`].
    Unsettling,
    /// All is as it was.
    Undone,
    /// It ended before anything was changed.
    Failed,
}

impl State {
    const ALL: [Self; 9] = [
        Self::Planning,
        Self::Moving,
        Self::Settling,
        Self::Done,
        Self::Confirmed,
        Self::Undoing,
        Self::Unsettling,
        Self::Undone,
        Self::Failed,
    ];

    /// As rows say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Moving => "moving",
            Self::Settling => "settling",
            Self::Done => "done",
            Self::Confirmed => "confirmed",
            Self::Undoing => "undoing",
            Self::Unsettling => "unsettling",
            Self::Undone => "undone",
            Self::Failed => "failed",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.name() == text).unwrap_or(Self::Failed)
    }

    /// Whether there is work left.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Planning | Self::Moving | Self::Settling | Self::Undoing | Self::Unsettling)
    }
}

/// A correction.
#[derive(Debug, Clone)]
pub struct Regrouping {
    /// Whose.
    pub project: ProjectId,
    /// Its number.
    pub id: i64,
    /// What is corrected.
    pub kind: Kind,
    /// Merge: the one that takes in. Split: the one that loses. Rules: the only one, or all.
    pub issue: Option<IssueId>,
    /// How far it is.
    pub state: State,
    /// Who wanted it.
    pub made_by: Option<i64>,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The rules that are applied.
    pub rules: Value,
    /// The last event that was looked at in this state.
    pub cursor: Option<Cursor>,
    /// Events received later are not looked at in this state: a pass ends, whatever comes in.
    pub until: Option<DateTime<Utc>>,
    /// Events looked at in this state.
    pub looked_at: i64,
    /// Events moved.
    pub moved: i64,
}

impl Regrouping {
    /// Whether it can be undone as far as it is known from itself; by rules also while events are moved, which may take long.
    pub fn may_undo(&self) -> bool {
        match self.state {
            State::Planning | State::Done => true,
            State::Moving => self.kind == Kind::Rules,
            _ => false,
        }
    }
}
