//! The requests that real clients sent (`conformance/requests`), replayed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;

/// Where the captures are; `None`, said aloud, where the checkout has none beside it.
fn captures() -> Option<(std::path::PathBuf, Value)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/requests");
    let Ok(index) = fs::read(dir.join("index.json")) else {
        println!("skipped: {} is not there", dir.display());
        return None;
    };
    Some((dir, serde_json::from_slice(&index).unwrap()))
}

/// The request as it came, on a connection from a browser's address.
fn replay(dir: &Path, entry: &Value) -> Request<Body> {
    let file = dir.join("requests").join(entry["file"].as_str().unwrap());
    let head: Value = serde_json::from_slice(&fs::read(format!("{}.json", file.display())).unwrap()).unwrap();
    let wire = fs::read(format!("{}.bin", file.display())).unwrap_or_default();
    let mut request = Request::builder().method(head["method"].as_str().unwrap()).uri(head["target"].as_str().unwrap());
    for pair in head["headers"].as_array().unwrap() {
        request = request.header(pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
    }
    // Chunked bodies arrive in pieces.
    let body = if head["chunks"].is_null() { wire.into() } else { counted_body(pieces(&wire).into_iter()).0 };
    from_peer(request.body(body).unwrap(), "198.51.100.7:40000")
}

fn pieces(wire: &[u8]) -> Vec<Bytes> {
    wire.chunks(1000).map(Bytes::copy_from_slice).collect()
}

fn bare_id(id: &Value) -> Option<String> {
    id.as_str().map(|id| id.replace('-', "").to_ascii_lowercase())
}

#[tokio::test]
async fn every_capture_is_answered_as_its_client_needs() {
    let Some((dir, index)) = captures() else { return };
    let house = House::with(JournalOptions::default(), Settings { kept: |_| true, ..Settings::default() });
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for entry in index["entries"].as_array().unwrap() {
        let (name, endpoint) = (entry["file"].as_str().unwrap(), entry["endpoint"].as_str().unwrap());
        if endpoint == "api/embed/error-page" {
            // Its CORS headers are others.
            let answer = error_page::send(&house, replay(&dir, entry)).await;
            assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/javascript; charset=utf-8"), "{name}");
            *seen.entry(endpoint).or_default() += 1;
            continue;
        }
        let answer = house.send(replay(&dir, entry)).await;
        let records = house.records().await;
        let kind = match (endpoint, entry["method"].as_str().unwrap()) {
            (_, "OPTIONS") => {
                answer.assert_ok();
                "preflight"
            }
            ("envelope" | "store", "POST") => {
                answer.assert_ok();
                check(entry, &answer, &records, name);
                endpoint
            }
            ("security", "POST") => {
                answer.assert_ok();
                assert!(answer.body.is_empty());
                check_reports(entry, &records, name);
                endpoint
            }
            (path, "POST") if path.starts_with("integration/otlp") => {
                assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0), "{name}");
                let [record] = &records[..] else { panic!("{name}: {} records", records.len()) };
                assert!(
                    record.counted.iter().all(|one| one.outcome == crate::protocol::Outcome::Unsupported),
                    "{name}: {:?}",
                    record.counted
                );
                check_entries(entry, record, name);
                "otlp"
            }
            other => panic!("{name}: {other:?}"),
        };
        *seen.entry(kind).or_default() += 1;
    }
    assert_eq!(
        seen,
        BTreeMap::from([("api/embed/error-page", 2), ("envelope", 599), ("otlp", 5), ("preflight", 3), ("security", 23), ("store", 59)])
    );
}

/// The record of a capture holds what the client sent.
fn check(entry: &Value, answer: &Answer, records: &[Record], name: &str) {
    let expected = entry["items"].as_array().unwrap();
    let id = match entry["endpoint"].as_str() {
        Some("store") => bare_id(&expected[0]["event"]["event_id"]),
        _ => bare_id(&entry["envelope_header"]["event_id"]),
    };
    let answered = answer.json()["id"].as_str().map(str::to_owned);
    assert_eq!(answered, id, "{name}");
    if expected.is_empty() {
        assert!(records.is_empty(), "{name}");
        return;
    }
    let [record] = records else { panic!("{name}: {} records", records.len()) };
    assert_eq!((record.dsn_id, record.client_ip), (42, Some("198.51.100.7".parse().unwrap())), "{name}");
    assert_eq!(record.user_agent.as_deref().unwrap_or_default(), entry["user_agent"].as_str().unwrap_or_default(), "{name}");
    assert!(record.counted.is_empty(), "{name}: {:?}", record.counted);
    let items = items(record);
    let mut lengths: Vec<_> = items.iter().map(|item| (item.header.kind_text.clone().unwrap(), item.payload.len() as u64)).collect();
    lengths.extend(record.spooled.iter().map(|item| (item.header.kind_text.clone().unwrap(), item.length)));
    lengths.sort();
    // Of a store request the index tells no size: its event is what was packed inside.
    let size = |item: &Value| item["payload_bytes"].as_u64().unwrap_or(lengths[0].1);
    let mut wanted: Vec<_> = expected.iter().map(|item| (item["type"].as_str().unwrap().to_owned(), size(item))).collect();
    wanted.sort();
    assert_eq!(lengths, wanted, "{name}");
    for (item, expected) in items.iter().zip(expected).filter(|(_, expected)| expected["event"].is_object()) {
        let (event, _) = crate::event::json::parse(&item.payload).unwrap();
        assert_eq!(event["event_id"], expected["event"]["event_id"], "{name}");
    }
}

/// The record of a browser's request holds its reports, each of which is an event.
fn check_reports(entry: &Value, records: &[Record], name: &str) {
    let [record] = records else { panic!("{name}: {} records", records.len()) };
    let mut found = Vec::new();
    for item in items(record) {
        assert_eq!(item.header.sentry_release.as_deref(), Some("sdkcap-csp@1"), "{name}");
        let report: Value = serde_json::from_slice(&item.payload).unwrap();
        let event = crate::event::csp::event(&report, crate::event::csp::Around::default()).unwrap();
        let said = |key: &str| event["csp"][key].as_str().unwrap_or_default().to_owned();
        let kind = if report["type"] == "csp-violation" { "csp-violation " } else { "" };
        found.push(format!("{kind}{} {}", said("effective_directive"), said("blocked_uri")).trim_end().to_owned());
    }
    // Reports of other kinds are counted only.
    let is_kept = |report: &&str| found.contains(&(*report).to_owned());
    let reports = entry["reports"].as_array().unwrap().iter().map(|report| report.as_str().unwrap());
    let (kept, others): (Vec<_>, Vec<_>) = reports.partition(is_kept);
    assert_eq!(found, kept, "{name}");
    let counted = if others.is_empty() { vec![] } else { vec![count("security unsupported", others.len() as u64)] };
    assert_eq!(counts(&record.counted), counted, "{name}: {others:?}");
}

/// The spans or logs of an exporter's request are counted.
fn check_entries(entry: &Value, record: &Record, name: &str) {
    let (key, category) = if entry["endpoint"].as_str().unwrap().ends_with("logs") { ("logs", "log_item") } else { ("spans", "span") };
    // Whoever exports through an SDK does not tell how many there are.
    let Some(expected) = entry["expect_run"][0]["expect"][key].as_array() else { return };
    let found = record.counted.iter().find(|one| one.category.name() == category).map(|one| one.quantity);
    assert_eq!(found, Some(expected.len() as u64), "{name}");
}
