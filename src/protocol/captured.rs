//! The requests that real clients sent (`conformance/requests`), through credentials, decoding and framing, compared with its index.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use serde_json::Value;

use super::auth::{self, Place, Places};
use super::encoding::{Codings, decode};
use super::envelope::Envelope;
use super::framer::{Framer, Sink};
use super::{Limits, PublicKey, store_body};

struct Request {
    entry: Value,
    head: Value,
    wire: Vec<u8>,
}

impl Request {
    fn all() -> Option<Vec<Self>> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/requests");
        let Ok(index) = fs::read(dir.join("index.json")) else {
            println!("skipped: {} is not there", dir.display());
            return None;
        };
        let index: Value = serde_json::from_slice(&index).unwrap();
        let entries = index["entries"].as_array().unwrap().iter();
        let read = |entry: &Value| {
            let file = dir.join("requests").join(entry["file"].as_str().unwrap());
            let head = serde_json::from_slice(&fs::read(format!("{}.json", file.display())).unwrap()).unwrap();
            let wire = fs::read(format!("{}.bin", file.display())).unwrap_or_default();
            Self { entry: entry.clone(), head, wire }
        };
        Some(entries.map(read).collect())
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head["headers"].as_array().unwrap().iter();
        headers.find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name)).map(|pair| pair[1].as_str().unwrap())
    }

    fn name(&self) -> &str {
        self.entry["file"].as_str().unwrap()
    }

    fn text(&self, key: &str) -> &str {
        self.entry[key].as_str().unwrap_or_default()
    }

    fn body(&self) -> Bytes {
        let codings = Codings::parse(self.header("content-encoding")).unwrap();
        decode(&codings, &self.wire, Limits::default().envelope).unwrap().into()
    }
}

#[test]
fn credentials_are_found_where_the_index_says() {
    let Some(requests) = Request::all() else { return };
    let key: PublicKey = "0123456789abcdef0123456789abcdef".parse().unwrap();
    for request in &requests {
        let places = Places {
            sentry_header: request.header("x-sentry-auth"),
            authorization: request.header("authorization"),
            query: Some(request.text("query")),
            path_key: None,
        };
        let found = auth::find(&places).unwrap().map(|found| (found.key, found.place));
        let expected = match request.entry["auth"][0].as_str() {
            Some("header X-Sentry-Auth") => Some((key, Place::SentryHeader)),
            Some("query sentry_key") => Some((key, Place::Query)),
            // The embed page names the DSN itself; the other carries none.
            _ => None,
        };
        assert_eq!(found, expected, "{}", request.name());
    }
    assert_eq!(requests.len(), 691);
}

#[test]
fn bodies_decode_to_the_size_the_index_says() {
    let Some(requests) = Request::all() else { return };
    for request in &requests {
        assert_eq!(request.body().len() as u64, request.entry["decoded_bytes"].as_u64().unwrap(), "{}", request.name());
    }
}

#[derive(Default)]
struct Lengths(Vec<u64>);

impl Sink for Lengths {
    type Error = super::envelope::FramingError;

    fn header(&mut self, _: super::envelope::EnvelopeHeader) -> Result<(), Self::Error> {
        Ok(())
    }

    fn begin(&mut self, _: super::envelope::ItemHeader) -> Result<(), Self::Error> {
        self.0.push(0);
        Ok(())
    }

    fn payload(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        *self.0.last_mut().unwrap() += bytes.len() as u64;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[test]
fn envelopes_hold_the_items_the_index_lists() {
    let Some(requests) = Request::all() else { return };
    let mut seen = 0;
    for request in requests.iter().filter(|request| request.text("endpoint") == "envelope" && request.text("method") == "POST") {
        let name = request.name();
        let body = request.body();
        let envelope = Envelope::parse(&body).unwrap();
        let expected_id = request.entry["envelope_header"]["event_id"].as_str().map(|id| id.replace('-', "").to_ascii_lowercase());
        assert_eq!(envelope.header.event_id.map(|id| id.to_string()), expected_id, "{name}");
        assert_eq!(envelope.header.sent_at.is_some(), request.entry["envelope_header"]["sent_at"].is_string(), "{name}");
        let items = envelope.collect_items().unwrap();
        let expected = request.entry["items"].as_array().unwrap();
        assert_eq!(items.len(), expected.len(), "{name}");
        for (item, expected) in items.iter().zip(expected) {
            assert_eq!(item.header.kind_text.as_deref(), expected["type"].as_str(), "{name}");
            assert_eq!(item.payload.len() as u64, expected["payload_bytes"].as_u64().unwrap(), "{name}");
            assert_eq!(item.header.length, expected["header"]["length"].as_u64(), "{name}");
        }
        let (mut framer, mut lengths) = (Framer::new(1 << 20), Lengths::default());
        for piece in body.chunks(7) {
            framer.feed(piece, &mut lengths).unwrap();
        }
        framer.finish(&mut lengths).unwrap();
        assert_eq!(lengths.0, items.iter().map(|item| item.payload.len() as u64).collect::<Vec<_>>(), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 599);
}

#[test]
fn store_bodies_become_the_events_the_index_lists() {
    let Some(requests) = Request::all() else { return };
    let mut seen = 0;
    for request in requests.iter().filter(|request| request.text("endpoint") == "store") {
        let (json, form) = store_body::unpack(&request.body(), Limits::default().store).unwrap();
        let expected = match request.text("store_body") {
            "json" => store_body::Form::Json,
            "zlib" => store_body::Form::Zlib,
            "base64(zlib)" => store_body::Form::Base64Zlib,
            other => panic!("{other}"),
        };
        assert_eq!(form, expected, "{}", request.name());
        let (event, _) = crate::event::json::parse(&json).unwrap();
        assert_eq!(event["event_id"], request.entry["items"][0]["event"]["event_id"], "{}", request.name());
        seen += 1;
    }
    assert_eq!(seen, 59);
}
