//! A released version is frozen: its cases in `tests/fixtures/grouping` have the hashes and names they always had.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Config, Hash, Version, group};

/// The cases of each version: how many, and the MD5 of their lines. Files only grow; whoever adds a case changes its version's line here.
const SEALS: [(Version, usize, &str); Version::ALL.len()] =
    [(Version::V2023_01_11, 44, "e6a9725f6a76b640d1e2fb99936d2215"), (Version::V2026_01_20, 44, "957778b6e6cf6456775d49768dd9b463")];

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Case {
    name: String,
    /// A project's rules.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    config: Value,
    event: Value,
    #[serde(default)]
    hashes: Vec<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    culprit: String,
}

impl Case {
    /// The case with what `version` makes of it now.
    fn decided(&self, version: Version) -> Self {
        let mut config = if self.config.is_null() { json!({}) } else { self.config.clone() };
        config["version"] = json!(version);
        let grouping = group(&mut self.event.clone(), &Config::from_json(&config).unwrap());
        let hashes = grouping.hashes.iter().map(ToString::to_string).collect();
        Self { hashes, title: grouping.title, culprit: grouping.culprit, ..self.clone() }
    }
}

fn lines(version: Version) -> Vec<String> {
    let file = format!("tests/fixtures/grouping/{}.jsonl", version.name().replace(':', "-"));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

fn cases(version: Version) -> Vec<Case> {
    let read =
        |(line, number): (String, usize)| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{version}, line {number}: {error}"));
    lines(version).into_iter().zip(1..).map(read).collect()
}

#[test]
fn a_released_version_decides_as_it_always_did() {
    let mut wrong = Vec::new();
    for version in Version::ALL {
        let cases = cases(version);
        let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{version}: a name is there twice");
        for case in cases {
            let decided = case.decided(version);
            if decided != case {
                wrong.push(format!("{version} now says:\n{}", serde_json::to_string(&decided).unwrap()));
            }
        }
    }
    assert!(wrong.is_empty(), "A released version has changed, or a new case is not complete.\n{}", wrong.join("\n"));
}

#[test]
fn files_of_released_versions_only_grow() {
    for (version, count, seal) in SEALS {
        let lines = lines(version);
        let sealed = Hash::of([lines.get(..count).unwrap_or_else(|| panic!("{version}: a case is gone")).join("\n").as_str()]);
        assert_eq!(sealed.to_string(), seal, "{version}: one of the first {count} cases was changed");
        let all = Hash::of([lines.join("\n").as_str()]);
        assert_eq!(lines.len(), count, "{version}: cases were added; the seal is now ({}, \"{all}\")", lines.len());
    }
}

#[test]
fn without_an_exceptions_stack_trace_versions_rarely_differ() {
    let of = |version: Version| cases(version).into_iter().map(|case| (case.name.clone(), case)).collect::<Vec<_>>();
    let (old, new) = (of(Version::V2023_01_11), of(Version::V2026_01_20));
    assert!(old.iter().map(|(name, _)| name).eq(new.iter().map(|(name, _)| name)), "the two files have the same events");
    let has_frames = |case: &Case| case.event["exception"].to_string().contains("\"frames\"");
    let differ = |has: bool| {
        let pairs = old.iter().zip(&new).filter(|((_, old), (_, new))| has_frames(old) == has && old.hashes != new.hashes);
        pairs.map(|((name, _), _)| name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(differ(false), ["python, exception group of SDK 3"]);
    assert!(differ(true).len() > 20 && differ(true).contains(&"fingerprint with a variable that does not exist"));
}
