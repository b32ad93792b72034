//! Check-ins: a monitor's slug and a status that clients may say (`protocol.md` 12.1).

use serde::Deserialize;
use serde_json::Value;

use super::{read, text};
use crate::protocol::{EventId, InvalidReason};

/// Statuses of clients; the others are the server's own.
const STATUSES: [&str; 3] = ["in_progress", "ok", "error"];

#[derive(Deserialize, Default)]
#[serde(default)]
struct CheckIn {
    #[serde(rename = "check_in_id")]
    id: Option<Value>,
    monitor_slug: Option<Value>,
    status: Option<Value>,
}

/// Whether a check-in is one.
pub(super) fn check(payload: &[u8]) -> Result<(), InvalidReason> {
    let check_in: CheckIn = read(payload)?;
    // A slug is what is left of its letters and digits.
    let has_slug = text(check_in.monitor_slug.as_ref()).is_some_and(|slug| slug.chars().any(|c| c.is_alphanumeric() || c == '_'));
    let status = text(check_in.status.as_ref()).unwrap_or_default();
    let has_id = match &check_in.id {
        None => true,
        Some(id) => id.as_str().is_some_and(|id| id.parse::<EventId>().is_ok()),
    };
    if has_slug && has_id && STATUSES.contains(&status) { Ok(()) } else { Err(InvalidReason::InvalidCheckIn) }
}
