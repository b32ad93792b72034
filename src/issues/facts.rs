//! What happened to an issue, told to the alerts: rows of the outbox, written with the facts they are about.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::IssueId;
use crate::web::number;

/// The kind of job of an [`Appeared`].
pub const ISSUE_APPEARED: &str = "issue.appeared";
/// The kind of job of a [`Regressed`].
pub const ISSUE_REGRESSED: &str = "issue.regressed";

/// A new issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeared {
    /// Which.
    pub issue: IssueId,
    /// The event that made it.
    pub event: Uuid,
}

/// A resolved issue came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regressed {
    /// Which.
    pub issue: IssueId,
    /// The event that brought it back.
    pub event: Uuid,
    /// Its release; may be empty.
    pub release: String,
    /// Who had resolved it, if a person did.
    pub resolved_by: Option<i64>,
}

/// The kind of job of an [`Unignored`].
pub const ISSUE_UNIGNORED: &str = "issue.unignored";

/// An ignored issue is open again, because what it was ignored for has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unignored {
    /// Which.
    pub issue: IssueId,
    /// The event that did it, if it was one.
    pub event: Option<Uuid>,
    /// "100 more events came", "its time was over".
    pub why: String,
}

/// The kind of job of a [`Spiked`].
pub const ISSUE_SPIKED: &str = "issue.spiked";
/// The kind of job of a [`SpikeOver`].
pub const ISSUE_SPIKE_OVER: &str = "issue.spike_over";

/// An issue does what it never does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spiked {
    /// Which.
    pub issue: IssueId,
    /// When it began.
    pub since: DateTime<Utc>,
    /// The end of the minute in which it was found.
    pub at: DateTime<Utc>,
    /// Minutes of the window that showed it.
    pub window: i64,
    /// Events in it.
    pub count: f64,
    /// What would be usual in it.
    pub usual: f64,
    /// Events in the largest minute.
    pub peak: u32,
    /// "41 in 5 min, usually 2 per hour".
    pub words: String,
}

/// It does so no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpikeOver {
    /// Which.
    pub issue: IssueId,
    /// When it began.
    pub since: DateTime<Utc>,
    /// When it ended: the last minute above the usual.
    pub until: DateTime<Utc>,
    /// Events in all of it.
    pub events: u64,
    /// Events in the largest minute.
    pub peak: u32,
    /// It did not end: after a day this is what is usual.
    pub is_settled: bool,
}

impl SpikeOver {
    /// "after 45 min: 312 events, 41 in the largest minute".
    pub fn words(&self) -> String {
        let minutes = (self.until - self.since).num_minutes().max(1);
        let lasted = if minutes < 120 { format!("{minutes} min") } else { format!("{} h", minutes / 60) };
        let kept = if self.is_settled { "; so many are usual now" } else { "" };
        format!(
            "after {lasted}: {}, {} in the largest minute{kept}",
            number::counted(self.events as i64, "event"),
            number::count(self.peak.into())
        )
    }
}
