//! Hashes of an issue, and what people changed of where they lead.

/// A hash that leads to the issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashLine {
    /// 32 hex digits.
    pub hash: String,
    /// "12 events".
    pub events: String,
    /// A person decided so.
    pub decided: bool,
}

/// A merge or split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionLine {
    /// Its number.
    pub id: i64,
    /// "Merged", "Split out", "Merging: …".
    pub text: String,
    /// It is finished, and may be undone.
    pub may_undo: bool,
}
