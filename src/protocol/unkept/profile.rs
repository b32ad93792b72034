//! Profiles and their chunks (`protocol.md` 4.8).

use serde::Deserialize;
use serde_json::Value;

use super::{Ends, one, read, text};
use crate::protocol::items::is_ui_platform;
use crate::protocol::{Category, InvalidReason};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Profile {
    platform: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Chunk {
    profiler_id: Option<Value>,
    #[serde(rename = "chunk_id")]
    id: Option<Value>,
    platform: Option<Value>,
}

/// A profile counts also as one of a server or of an app, by its platform.
pub(super) fn whole(payload: &[u8]) -> Ends {
    let profile = read::<Profile>(payload);
    let platform = profile.as_ref().ok().and_then(|profile| text(profile.platform.as_ref()));
    let by_platform = platform.map(|platform| if is_ui_platform(platform) { Category::ProfileUi } else { Category::ProfileBackend });
    let quantities = [Category::Profile, Category::ProfileIndexed].into_iter().chain(by_platform).map(|category| (category, 1));
    let checked = profile.as_ref().map_err(|reason| *reason).and_then(|_| platform.map(|_| ()).ok_or(InvalidReason::InvalidProfile));
    one(quantities.collect(), checked)
}

/// Whether a chunk is one.
pub(super) fn chunk(payload: &[u8]) -> Result<(), InvalidReason> {
    let chunk: Chunk = read(payload)?;
    let is_whole = [&chunk.profiler_id, &chunk.id, &chunk.platform].into_iter().all(|value| text(value.as_ref()).is_some());
    if is_whole { Ok(()) } else { Err(InvalidReason::InvalidProfile) }
}
