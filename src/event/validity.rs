//! # Release, distribution, environment
//!
//! **Promise.** These three are names that other tables refer to, so an invalid one is removed, never cut (`protocol.md` 8.6).

use serde_json::{Map, Value};

use super::meta::{MetaError, MetaTree, Path};
use super::schema::{expected, reject};

/// Checks the three in place.
pub(super) fn finish(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    check(event, "release", release, meta);
    check(event, "dist", dist, meta);
    finish_environment(event, meta);
}

/// Checks the environment alone.
pub(super) fn finish_environment(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    check(event, "environment", environment, meta);
}

fn check(event: &mut Map<String, Value>, key: &str, problem: fn(&str) -> Option<MetaError>, meta: &mut MetaTree) {
    let Some(Value::String(text)) = event.get_mut(key) else { return };
    let trimmed = text.trim();
    if trimmed.len() != text.len() {
        *text = trimmed.to_owned();
    }
    let path = Path::Root.key(key);
    if text.is_empty() {
        event.remove(key);
        meta.add_error(&path, expected("a non-empty string"));
    } else if let Some(error) = problem(text)
        && let Some(mut value) = event.remove(key)
    {
        reject(&mut value, &path, meta, error);
    }
}

fn invalid(what: &str) -> MetaError {
    MetaError::with_reason("invalid_data", what)
}

fn too_long_or_reserved(text: &str, max: usize, reserved: &str) -> bool {
    text.len() > max || text == "." || text == ".." || text.eq_ignore_ascii_case(reserved)
}

fn release(text: &str) -> Option<MetaError> {
    let bad = too_long_or_reserved(text, 200, "latest") || text.contains(['/', '\\', '\n', '\r', '\t', '\x0c']);
    bad.then(|| MetaError::new("invalid_data"))
}

fn environment(text: &str) -> Option<MetaError> {
    let bad = too_long_or_reserved(text, 64, "none") || text.contains(['/', '\\', '\n', '\r', '\t']);
    bad.then(|| MetaError::new("invalid_data"))
}

fn dist(text: &str) -> Option<MetaError> {
    if text.len() > 64 {
        return Some(MetaError::new("value_too_long"));
    }
    let bad = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')));
    bad.map(|c| invalid(&format!("invalid character {c:?}")))
}
