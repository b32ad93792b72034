//! # Store bodies: the events of clients older than envelopes
//!
//! **Promise.** JSON, base64 of JSON and base64 of zlib of JSON become JSON text; the GET form's `sentry_data` too.
//!
//! **How.** By the first bytes, after the content encoding is off. The size bound holds for what is inside.
//!
//! **When it breaks.** What is none of these is no JSON: 400.
//!
//! **Not here.** Reading the JSON, whose odd tokens are the reader's business (`event::json`).

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::Refusal;
use super::encoding::{DecodeError, inflate};

/// The answer to a GET: a transparent GIF of one pixel, 43 bytes.
pub const PIXEL: &[u8; 43] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON as it is.
    Json,
    /// Base64 of JSON.
    Base64,
    /// Base64 of zlib of JSON.
    Base64Zlib,
    /// Zlib of JSON, without an encoding header that says so.
    Zlib,
}

/// The JSON text of a body, and the form it had.
pub fn unpack(body: &Bytes, max: u64) -> Result<(Bytes, Form), Refusal> {
    if body.len() as u64 > max {
        return Err(Refusal::TooLarge(Some("event")));
    }
    let start = json_start(body);
    if start.is_empty() {
        return Err(Refusal::EmptyBody);
    }
    if start.starts_with(b"{") {
        return Ok((body.clone(), Form::Json));
    }
    if is_zlib(body) {
        return inflated(body, max, Form::Zlib);
    }
    let mut text: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    for byte in &mut text {
        // The alphabet of URLs, which some clients used, is the same but for two letters.
        *byte = match *byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    let decoded = LENIENT.decode(&text).map_err(|_| not_json())?;
    if json_start(&decoded).starts_with(b"{") {
        return Ok((decoded.into(), Form::Base64));
    }
    inflated(&decoded, max, Form::Base64Zlib)
}

fn inflated(data: &[u8], max: u64, form: Form) -> Result<(Bytes, Form), Refusal> {
    match inflate(data, max) {
        Ok(json) if json_start(&json).starts_with(b"{") => Ok((json.into(), form)),
        Err(DecodeError::TooLarge) => Err(Refusal::TooLarge(Some("event"))),
        Ok(_) | Err(_) => Err(not_json()),
    }
}

fn not_json() -> Refusal {
    Refusal::InvalidJson("expected a JSON object, or base64 of one".to_owned())
}

fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..])
}

fn json_start(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    use super::*;

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(body: impl Into<Vec<u8>>) -> Result<(String, Form), Refusal> {
        unpack(&Bytes::from(body.into()), 1 << 20).map(|(json, form)| (String::from_utf8_lossy(&json).into_owned(), form))
    }

    #[test]
    fn every_form_gives_the_json() {
        let json = r#"{"message":"ü"}"#;
        let zipped = zlib(json.as_bytes());
        let mut lines = STANDARD.encode(&zipped);
        lines.insert(8, '\n');
        for (body, form) in [
            (json.as_bytes().to_vec(), Form::Json),
            (STANDARD.encode(json).into_bytes(), Form::Base64),
            (STANDARD.encode(&zipped).into_bytes(), Form::Base64Zlib),
            (STANDARD_NO_PAD.encode(&zipped).into_bytes(), Form::Base64Zlib),
            (URL_SAFE.encode(&zipped).into_bytes(), Form::Base64Zlib),
            (lines.into_bytes(), Form::Base64Zlib),
            (zipped, Form::Zlib),
        ] {
            assert_eq!(unpacked(body), Ok((json.to_owned(), form)));
        }
        assert_eq!(unpacked(" \n{\"a\":NaN}").map(|(_, form)| form), Ok(Form::Json));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["[]", "null", "5", "\"text\"", "bm8ganNvbg==", "!!!"] {
            assert!(matches!(unpacked(body), Err(Refusal::InvalidJson(_))), "{body}");
        }
        assert_eq!(unpacked(" "), Err(Refusal::EmptyBody));
        assert_eq!(unpacked(""), Err(Refusal::EmptyBody));
    }

    #[test]
    fn the_bound_holds_for_what_is_inside() {
        let json = format!("{{\"m\":\"{}\"}}", "a".repeat(1000));
        let body = Bytes::from(STANDARD.encode(zlib(json.as_bytes())));
        let max = json.len() as u64;
        assert!(unpack(&body, max).is_ok());
        assert_eq!(unpack(&body, max - 1), Err(Refusal::TooLarge(Some("event"))));
        assert_eq!(unpack(&Bytes::from(json), max - 1), Err(Refusal::TooLarge(Some("event"))));
    }

    #[test]
    fn the_pixel_is_a_gif() {
        assert!(PIXEL.starts_with(b"GIF89a") && PIXEL.ends_with(b";"));
    }

    proptest! {
        #[test]
        fn no_body_is_too_odd(body in proptest::collection::vec(any::<u8>(), 0..200), text in "[A-Za-z0-9+/=_-]{0,100}") {
            for body in [body, text.into_bytes()] {
                if let Ok((json, _)) = unpack(&Bytes::from(body), 1000) {
                    prop_assert!(json.len() <= 1000);
                }
            }
        }
    }
}
