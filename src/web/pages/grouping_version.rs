//! The version of grouping a project uses, on the page of its grouping rules.

use crate::grouping::Version;
use crate::web::When;

/// The version, and the move to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionView {
    /// The version that is in force.
    pub chosen: Version,
    /// The move to it, while it goes on.
    pub moving: Option<MoveView>,
}

/// A move to another version that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveView {
    /// The version before.
    pub from: Version,
    /// When it ends.
    pub until: When,
}

impl VersionView {
    /// What can be chosen, the newest first: name, what it is, whether it is chosen.
    pub fn choices(&self) -> Vec<(&'static str, &'static str, bool)> {
        Version::ALL.into_iter().rev().map(|version| (version.name(), about(version), version == self.chosen)).collect()
    }

    /// How long the version before goes on leading to issues after a move.
    pub fn days(&self) -> i64 {
        crate::grouping::TRANSITION.num_days()
    }
}

fn about(version: Version) -> &'static str {
    match version {
        Version::V2023_01_11 => "what Sentry used until early 2026",
        Version::V2026_01_20 => "what Sentry has used since January 2026",
    }
}
