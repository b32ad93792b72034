//! # The issue list, the issue page and the grouping page, ready to print
//! **Promise.** One struct per page holds all that its template may print; `samples()` shows every state, hostile text included.
//! **How.** Handlers read rows and fill these structs; the pure parts (tabs, filters, shares, empty states) are built here. **Not here.** SQL, permissions, the event itself (`events::view`).

pub mod activity;
pub mod corrections;
pub mod events;
pub mod grouping;
pub mod list;
pub(super) mod markdown;
mod missing;
pub mod regroup;
mod samples;
pub mod show;
mod spike;
pub mod split_by;
pub mod tag_shares;
pub mod unusual;

pub use grouping::GroupingPage;
pub use list::{IssueListPage, IssueRow};
pub use missing::Missing;
pub use show::IssuePage;
pub(super) use spike::panel as spike_panel;

/// "PaymentDeclined", "card processor answered …": an issue's title in the part that is printed bold and the rest.
/// Exception titles are `Type: value`; a log message is bold as a whole.
pub fn split_title(title: &str) -> (String, String) {
    match title.split_once(": ") {
        Some((kind, rest)) if !kind.is_empty() && kind.len() <= 120 && !kind.contains(['"', '\'', '(']) => {
            (kind.to_owned(), rest.to_owned())
        }
        _ => (title.to_owned(), String::new()),
    }
}

/// The CSS class of a level: the edge of a row.
pub fn level_css(level: &str) -> &'static str {
    match level {
        "fatal" => "l-fatal",
        "error" => "l-error",
        "warning" => "l-warning",
        "info" => "l-info",
        _ => "l-debug",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_split_where_the_type_ends() {
        for (title, kind, rest) in [
            ("KeyError: 'zone'", "KeyError", "'zone'"),
            ("reqwest::Error: operation timed out", "reqwest::Error", "operation timed out"),
            ("Blocked 'script' from 'x: y'", "Blocked 'script' from 'x: y'", ""),
            ("", "", ""),
            (": x", ": x", ""),
        ] {
            assert_eq!(split_title(title), (kind.to_owned(), rest.to_owned()));
        }
    }
}
