//! An issue as Markdown: what it is, how often and since when, then one event.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::events::view::EventView;
use crate::events::view::markdown::{self, code, item};
use crate::issues::queries::show::Facts;
use crate::web::number;

/// What is told of the issue.
pub(in crate::issues) struct Told<'a> {
    /// "SHOP-1842".
    pub(in crate::issues) short_id: &'a str,
    /// The project's name.
    pub(in crate::issues) project: &'a str,
    pub(in crate::issues) facts: &'a Facts,
    /// Absolute, of the page with this event.
    pub(in crate::issues) link: &'a str,
}

/// The text; without an event it says why there is none.
pub(in crate::issues) fn text(told: &Told<'_>, event: Result<&EventView, &str>) -> String {
    let facts = told.facts;
    let mut out = format!("# {}: {}\n\n", code(told.short_id), code(&facts.title));
    out.push_str(&item("Culprit", &facts.culprit));
    out.push_str(&item("Project", told.project));
    out.push_str(&item("Status", &facts.status));
    out.push_str(&item("Level", &facts.level));
    let users = if facts.user_count > 0 { format!(" of {}", number::counted(facts.user_count, "user")) } else { String::new() };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "- Seen: {}{users}", number::counted(facts.event_count, "event"));
    out.push_str(&seen("First seen", facts.first_seen, &facts.first_release));
    out.push_str(&seen("Last seen", facts.last_seen, &facts.last_release));
    let _ = writeln!(out, "- Link: {}", told.link);
    match event {
        Ok(event) => out.push_str(&markdown::event(event)),
        Err(why) => {
            let _ = write!(out, "\n{why}\n");
        }
    }
    out
}

fn seen(name: &str, at: DateTime<Utc>, release: &str) -> String {
    let release = if release.is_empty() { String::new() } else { format!(" in release {}", code(release)) };
    format!("- {name}: {}{release}\n", at.format("%-d %b %Y, %H:%M:%S UTC"))
}
