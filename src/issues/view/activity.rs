//! The history of an issue, and what people say about it.

use crate::web::When;

/// One line of the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityLine {
    /// "Mira", "First seen"; printed bold.
    pub who: String,
    /// "resolved it", "in 1.4.1".
    pub what: String,
    /// When.
    pub at: When,
    /// What they said, of any number of lines; empty for what is no comment.
    pub said: String,
    /// Where the one who looks may delete it: an own comment.
    pub delete: Option<String>,
}

/// A comment that was not taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// What was written.
    pub text: String,
    /// Why it was not taken.
    pub error: Option<String>,
}
