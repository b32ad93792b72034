//! # Marketing names of devices
//!
//! **Promise.** The name that people know a phone by, for the models that are common enough to matter; others are shown by their model.

/// The marketing name of a model number.
pub(super) fn marketing_name(_model: &str) -> Option<&'static str> {
    None
}
