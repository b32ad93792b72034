//! What happened to an issue, told to the alerts: rows of the outbox, written with the facts they are about.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::IssueId;

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
