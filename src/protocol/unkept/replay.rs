//! Replays: an event, and a recording that begins with a line of JSON and goes on as bytes (`protocol.md` 4.9).

use memchr::memchr;
use serde::Deserialize;
use serde_json::Value;

use super::{read, text};
use crate::protocol::{EventId, InvalidReason};

/// The longest first line of a recording: it holds a number.
const MAX_LINE: usize = 4096;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event {
    replay_id: Option<Value>,
    segment_id: Option<Value>,
}

#[derive(Deserialize)]
struct Line {
    segment_id: u64,
}

/// Whether a replay's event is one.
pub(super) fn event(payload: &[u8]) -> Result<(), InvalidReason> {
    let event: Event = read(payload)?;
    let has_id = text(event.replay_id.as_ref()).is_some_and(|id| id.parse::<EventId>().is_ok());
    let has_segment = event.segment_id.is_none_or(|segment| segment.is_u64());
    if has_id && has_segment { Ok(()) } else { Err(InvalidReason::InvalidReplay) }
}

/// Whether a recording begins as one.
pub(super) fn recording(payload: &[u8]) -> Result<(), InvalidReason> {
    let line = memchr(b'\n', &payload[..payload.len().min(MAX_LINE)]).map(|end| payload.split_at(end));
    let is_whole = line
        .is_some_and(|(line, rest)| serde_json::from_slice::<Line>(line).is_ok_and(|line| line.segment_id < u64::MAX) && rest.len() > 1);
    if is_whole { Ok(()) } else { Err(InvalidReason::InvalidReplayRecording) }
}

/// Whether a video begins as a map in msgpack.
pub(super) fn video(payload: &[u8]) -> Result<(), InvalidReason> {
    match payload.first() {
        Some(0x80..=0x8f | 0xde | 0xdf) => Ok(()),
        _ => Err(InvalidReason::InvalidReplay),
    }
}
