//! An issue's number, and how people write it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ProjectId;

/// An issue: `project_id << 32 | number`, below 2^53. The id alone finds its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct IssueId(pub i64);

impl IssueId {
    /// The issue with this number in its project; numbers begin at 1.
    pub const fn new(project: ProjectId, number: i32) -> Self {
        Self((project.0 as i64) << 32 | number as i64)
    }

    /// Its project.
    pub const fn project(self) -> ProjectId {
        ProjectId((self.0 >> 32) as i32)
    }

    /// Its number within the project.
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    /// What people say: `SHOP-42`.
    pub fn short_id(self, prefix: &str) -> String {
        format!("{prefix}-{}", self.number())
    }
}

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for IssueId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_knows_its_project_and_number() {
        let id = IssueId::new(ProjectId((1 << 21) - 1), i32::MAX);
        assert!(id.0 < 1 << 53);
        assert_eq!((id.project(), id.number()), (ProjectId((1 << 21) - 1), i32::MAX as u32));
        assert_eq!(IssueId::new(ProjectId(3), 42).short_id("SHOP"), "SHOP-42");
        assert_eq!("12884901930".parse(), Ok(IssueId::new(ProjectId(3), 42)));
    }
}
