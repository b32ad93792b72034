//! # Payloads: an event's JSON in few bytes
//! **Promise.** What [`encode`] packs, [`decode`] reads, in this and every later version. **How.** zstd with a dictionary from the first event
//! on: one that ships with the binary (trained on our own generated events and recorded SDK requests, `vedette dev dictionary`); the frame
//! names the dictionary it needs. Contexts are made once per thread.
//! **When it breaks.** Bytes that are no frame, or decompress to more than [`MAX_JSON`], are an error for the one page that reads them.
//! **Not here.** Where rows lie; dictionaries trained from a project's own events.

use std::cell::RefCell;

use anyhow::Context as _;
use serde_json::Value;
use zstd::bulk::{Compressor, Decompressor};

/// No stored event is larger: normalising bounds it far below.
pub const MAX_JSON: usize = 16 << 20;
/// 3 packs as fast as an event normalises; higher levels save a few percent for twice the time.
const LEVEL: i32 = 3;
/// The dictionary that ships. Frames name it by its id, so another can be added beside it, never changed.
static DICTIONARY: &[u8] = include_bytes!("dictionary-1.zdict");

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The event, packed.
pub fn encode(event: &Value) -> anyhow::Result<Vec<u8>> {
    let json = serde_json::to_vec(event)?;
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(Compressor::with_dictionary(LEVEL, DICTIONARY)?);
        }
        let compressor = slot.as_mut().context("a compressor was just made")?;
        Ok(compressor.compress(&json)?)
    })
}

/// The event, unpacked.
pub fn decode(payload: &[u8]) -> anyhow::Result<Value> {
    serde_json::from_slice(&unpack(payload)?).context("the payload is no JSON")
}

/// Its JSON.
pub(super) fn unpack(payload: &[u8]) -> anyhow::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(Decompressor::with_dictionary(DICTIONARY)?);
        }
        let size = zstd::zstd_safe::get_frame_content_size(payload).ok().flatten().unwrap_or(MAX_JSON as u64);
        let size = usize::try_from(size).ok().filter(|size| *size <= MAX_JSON).context("the payload says it is too large")?;
        slot.as_mut().context("a decompressor was just made")?.decompress(payload, size).context("the payload does not decompress")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_packed_is_read_again_in_fewer_bytes() {
        let event = json!({"event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0", "platform": "python", "exception": {"values": [{"type": "ValueError", "value": "x",
            "stacktrace": {"frames": [{"filename": "app/views.py", "function": "index", "in_app": true, "lineno": 3}]}}]}});
        let packed = encode(&event).unwrap();
        assert!(packed.len() < event.to_string().len());
        assert_eq!(decode(&packed).unwrap(), event);
    }

    #[test]
    fn bytes_that_are_no_payload_are_an_error() {
        let bomb = zstd::bulk::compress(&vec![b' '; MAX_JSON + 1], 1).unwrap();
        for bytes in [&b""[..], b"{}", &[0x28, 0xb5, 0x2f, 0xfd], &bomb] {
            assert!(decode(bytes).is_err());
        }
    }
}
