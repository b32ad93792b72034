//! A store body: JSON, or what old clients made of it by zlib and base64.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use vedette::protocol::store_body;

const CAP: u64 = 1 << 16;

fuzz_target!(|data: &[u8]| {
    let body = Bytes::copy_from_slice(data);
    let Ok((json, _)) = store_body::unpack(&body, CAP) else { return };
    assert!(json.len() as u64 <= CAP.max(body.len() as u64), "unpacking stays below its cap");
    let (again, _) = store_body::unpack(&body, CAP).expect("unpacking depends on nothing else");
    assert_eq!(json, again);
});
