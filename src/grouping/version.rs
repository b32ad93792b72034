//! # Versions: how grouping was done when
//!
//! **Promise.** A [`Version`] names one way to group, and what it decides never changes: its cases in `tests/fixtures/grouping` are frozen. A
//! project stays with its version until somebody moves it.
//! **How.** There is one algorithm. Where versions differ, a line of [`Traits`] says how (grouping.md 17), and a mark in `rules/base.txt` says from
//! which version on a rule is there. A new version is a line in [`Version::ALL`], its traits, and a file of cases.
//! **Not here.** What happens to old issues when a project moves (`digest`: both versions' hashes are looked up for a while).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How long the version before goes on leading to issues after a project has moved: what is not seen in a month is seldom seen again.
pub const TRANSITION: TimeDelta = TimeDelta::days(30);

/// A way to group that was released, by the name Sentry gives it. Older ones are less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Version {
    /// `newstyle:2023-01-11`: what Sentry's projects used until early 2026.
    V2023_01_11,
    /// `newstyle:2026-01-20`. The default stays this one for ever: it is what a configuration without a name was made with.
    #[default]
    V2026_01_20,
}

/// Where versions differ.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, written once per version")]
pub(super) struct Traits {
    /// Its name.
    name: &'static str,
    /// An exception's stack trace is hashed before its type and value.
    pub(super) is_stack_trace_first: bool,
    /// A variable that does not exist stays in a fingerprint as it was written.
    pub(super) keeps_unknown_variables: bool,
    /// A JavaScript stack trace of one nameless frame is ignored when the frame *is* at an address; later versions: when it is not.
    pub(super) ignores_lone_frame_at_address: bool,
    /// The line by which Python's multiprocessing starts a child loses its numbers.
    pub(super) hides_process_numbers: bool,
    /// Exception groups of Python SDK 3 are taken as a list, not as a tree.
    pub(super) lists_python_3_groups: bool,
    /// A variant made by a fingerprint says whether the client or a rule asked.
    pub(super) tells_fingerprints_apart: bool,
}

static OF_2023_01_11: Traits = Traits {
    name: "newstyle:2023-01-11",
    is_stack_trace_first: true,
    keeps_unknown_variables: true,
    ignores_lone_frame_at_address: true,
    hides_process_numbers: false,
    lists_python_3_groups: false,
    tells_fingerprints_apart: false,
};

static OF_2026_01_20: Traits = Traits {
    name: "newstyle:2026-01-20",
    is_stack_trace_first: false,
    keeps_unknown_variables: false,
    ignores_lone_frame_at_address: false,
    hides_process_numbers: true,
    lists_python_3_groups: true,
    tells_fingerprints_apart: true,
};

impl Version {
    /// All, the oldest first.
    pub const ALL: [Self; 2] = [Self::V2023_01_11, Self::V2026_01_20];
    /// What new projects start with.
    pub const NEWEST: Self = Self::V2026_01_20;

    pub(super) fn traits(self) -> &'static Traits {
        match self {
            Self::V2023_01_11 => &OF_2023_01_11,
            Self::V2026_01_20 => &OF_2026_01_20,
        }
    }

    /// As it is stored and shown.
    pub fn name(self) -> &'static str {
        self.traits().name
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no version's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no grouping version “{0}”; there are {names}", names = Version::ALL.map(Version::name).join(", "))]
pub struct UnknownVersion(String);

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(name: &str) -> Result<Self, UnknownVersion> {
        let known = Self::ALL.into_iter().find(|version| version.name() == name);
        known.ok_or_else(|| UnknownVersion(name.chars().take(60).collect()))
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The lines of a text of built-in rules that `version` has. Between `#since NAME` and `#end` stand those of that version and later ones; what is
/// left out becomes an empty line, so that a rule has the same number everywhere.
pub(super) fn lines_of(text: &str, version: Version) -> String {
    let mut since = None;
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        match line.strip_prefix("#since ").map(Version::from_str) {
            Some(from) => since = from.ok(),
            None if line == "#end" => since = None,
            None if since.is_none_or(|since| version >= since) => lines.push_str(line),
            None => {}
        }
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_versions() {
        for version in Version::ALL {
            assert_eq!(version.name().parse(), Ok(version));
            assert_eq!(serde_json::from_value::<Version>(serde_json::to_value(version).unwrap()).unwrap(), version);
        }
        assert!(Version::ALL.is_sorted() && Version::ALL.last() == Some(&Version::NEWEST));
        let error = "newstyle:2031-01-01".parse::<Version>().unwrap_err().to_string();
        assert!(error.contains("“newstyle:2031-01-01”") && error.contains("newstyle:2023-01-11, newstyle:2026-01-20"), "{error}");
    }

    #[test]
    fn a_configuration_without_a_name_is_the_one_it_was_made_with() {
        assert_eq!(Version::default().name(), "newstyle:2026-01-20");
    }

    #[test]
    fn marked_rules_are_there_from_their_version_on() {
        let text = "a\n#since newstyle:2026-01-20\nb\n#end\nc";
        assert_eq!(lines_of(text, Version::V2023_01_11), "a\n\n\n\nc\n");
        assert_eq!(lines_of(text, Version::V2026_01_20), "a\n\nb\n\nc\n");
    }
}
