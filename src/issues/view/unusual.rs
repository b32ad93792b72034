//! The panel of what is unusual about an issue's newest events.

use crate::issues::changed::{self, Changed, Finding};
use crate::web::page::HOSTILE;

/// One finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnusualLine {
    /// "97 % from release 1.4.2".
    pub what: String,
    /// "290 of 300 events; before: 3 %".
    pub counts: String,
    /// Which user it is, "id:7", or "the same events: server api-3"; may be empty.
    pub note: String,
}

/// What stands out; without lines nothing is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unusual {
    /// "newest 200 events since 24 Nov, 13:58 UTC".
    pub basis: String,
    /// The most telling first.
    pub lines: Vec<UnusualLine>,
}

impl Unusual {
    /// The panel of what was found, if anything was.
    pub fn new(changed: Option<&Changed>) -> Self {
        let Some(changed) = changed else { return Self::default() };
        Self { basis: changed::basis(changed), lines: changed.findings.iter().map(|finding| line(finding, changed)).collect() }
    }

    pub(super) fn sample() -> Self {
        let line =
            |what: &str, counts: &str, note: &str| UnusualLine { what: what.to_owned(), counts: counts.to_owned(), note: note.to_owned() };
        Self {
            basis: "newest 200 events since 24 Nov, 13:58 UTC".to_owned(),
            lines: vec![
                line("97 % from release 1.4.2", "194 of 200 events; before: 3 %", "the same events: server api-2"),
                line("Only Safari 19", "200 of 200 events; before: 12 %", ""),
                line("One user causes 88 %", "176 of 200 events", "email:ana@example.org"),
            ],
        }
    }

    pub(super) fn hostile() -> Self {
        let line = UnusualLine { what: HOSTILE.to_owned(), counts: HOSTILE.to_owned(), note: HOSTILE.to_owned() };
        Self { basis: HOSTILE.to_owned(), lines: vec![line] }
    }
}

fn line(finding: &Finding, changed: &Changed) -> UnusualLine {
    let note = if finding.key == "user" { finding.value.clone() } else { changed::also(finding) };
    UnusualLine { what: sentence(&changed::headline(finding)), counts: changed::counts(finding, changed), note }
}

/// With a large first letter.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
