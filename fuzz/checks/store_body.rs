//! A store body: JSON, or what old clients made of it by zlib and base64. All packings of one JSON give that JSON, and none more than its cap.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use vedette::protocol::Refusal;
use vedette::protocol::store_body::{Form, unpack};

const CAP: u64 = 1 << 16;

/// Unpacks the bytes, and what is inside once more in every packing.
pub fn check(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let unpacked = unpack(&body, CAP);
    assert_eq!(unpacked, unpack(&body, CAP), "unpacking depends on nothing else");
    if body.len() as u64 > CAP {
        assert_eq!(unpacked, Err(Refusal::TooLarge(Some("event"))));
    }
    let Ok((json, form)) = unpacked else { return };
    assert!(json.len() as u64 <= CAP, "unpacking stays below its cap");
    assert!(form != Form::Json || json == body);
    let exactly = json.len() as u64;
    if form != Form::Json && exactly > body.len() as u64 {
        assert!(unpack(&body, exactly).is_ok());
        assert_eq!(unpack(&body, exactly - 1), Err(Refusal::TooLarge(Some("event"))), "one byte more is too much");
    }
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&json).expect("memory takes it");
    let zlib = zlib.finish().expect("memory takes it");
    for (packed, form) in [
        (json.to_vec(), Form::Json),
        (STANDARD.encode(&json).into_bytes(), Form::Base64),
        (URL_SAFE_NO_PAD.encode(&zlib).into_bytes(), Form::Base64Zlib),
        (zlib, Form::Zlib),
    ] {
        assert_eq!(unpack(&packed.into(), 2 * CAP), Ok((json.clone(), form)));
    }
}
