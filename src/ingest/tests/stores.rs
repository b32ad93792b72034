//! The endpoint of clients older than envelopes.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::write::ZlibEncoder;

use super::*;
use crate::protocol::record::Endpoint;

fn event(message: &str) -> String {
    format!("{{\"event_id\":\"{ID}\",\"message\":\"{message}\"}}")
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn percent(data: &str) -> String {
    data.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02X}");
        text
    })
}

#[tokio::test]
async fn all_forms_of_a_body_are_one_event() {
    let house = House::new();
    let json = event("ünï");
    let bodies: [(&str, Vec<u8>); 8] = [
        ("", json.clone().into()),
        ("", format!("\u{feff} \r\n{json}\n").into()),
        ("", STANDARD.encode(&json).into()),
        ("", STANDARD.encode(zlib(json.as_bytes())).into()),
        ("", URL_SAFE_NO_PAD.encode(zlib(json.as_bytes())).into()),
        ("", zlib(json.as_bytes())),
        ("deflate", zlib(json.as_bytes())),
        ("gzip", gzip(STANDARD.encode(zlib(json.as_bytes())).as_bytes())),
    ];
    for (encoding, body) in bodies {
        let request = post(STORE).header("content-type", "application/octet-stream").header("content-encoding", encoding);
        house.send(request.body(body.into()).unwrap()).await.assert_id(ID);
    }
    for record in house.records().await {
        assert_eq!((record.endpoint, record.event_id.map(|id| id.to_string())), (Endpoint::Store, Some(ID.to_owned())));
        let items = items(&record);
        assert_eq!((items.len(), items[0].header.kind()), (1, ItemKind::Event));
        let (event, _) = crate::event::json::parse(&items[0].payload).unwrap();
        assert_eq!(event["message"], "ünï");
    }
}

#[tokio::test]
async fn an_event_without_an_id_gets_one() {
    let house = House::new();
    for body in ["{}", "{\"event_id\":\"no id\"}", "{\"event_id\":7}"] {
        house.post(STORE, body).await.assert_id(NEW_ID);
    }
    house.post(STORE, "{\"event_id\":\"580C0000-0000-0000-0000-000000000020\"}").await.assert_id(ID);
    let ids: Vec<_> = house.records().await.iter().map(|record| record.open().unwrap().header.event_id.unwrap().to_string()).collect();
    assert_eq!(ids, [NEW_ID, NEW_ID, NEW_ID, ID]);
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let house = House::new();
    for body in ["[]", "nonsense", "{\"a\":", "42", "\"text\"", "{\"a\" 1}", "eyJ9"] {
        let answer = house.post(STORE, body).await;
        assert_eq!((answer.status.as_u16(), answer.json()["detail"].as_str().unwrap()), (400, "invalid JSON data"), "{body}");
        assert!(answer.json()["causes"][0].is_string(), "{body}");
    }
    for body in ["", " \n"] {
        house.post(STORE, body).await.assert_refused(400, "empty request body", None);
    }
    assert!(house.records().await.is_empty());
    house.ingest.flush_refused(now()).await;
    assert_eq!(counts(&house.only_record().await.counted), [count("error invalid invalid_json", 7), count("unknown invalid no_data", 2)]);
}

#[tokio::test]
async fn odd_json_is_taken() {
    let house = House::new();
    let deep = format!("{{\"extra\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    for body in [
        "{\"extra\":{\"a\":NaN,\"b\":Infinity,\"c\":-Infinity}}".as_bytes(),
        b"{\"message\":\"\\ud800 \\u0000 \xff\"}",
        b"{\"a\":1,\"a\":2,\"n\":1e400,\"big\":123456789012345678901234567890}",
        deep.as_bytes(),
    ] {
        house.post(STORE, body.to_vec()).await.assert_id(NEW_ID);
    }
    assert_eq!(house.records().await.len(), 4);
}

#[tokio::test]
async fn the_type_of_an_event_picks_its_item() {
    let settings = Settings { kept: |_| true, ..Settings::default() };
    let house = House::with(JournalOptions::default(), settings);
    for kind in ["transaction", "feedback", "error", "no such type"] {
        house.post(STORE, format!("{{\"type\":\"{kind}\"}}")).await.assert_id(NEW_ID);
    }
    let kept: Vec<_> = house.records().await.iter().flat_map(kinds).collect();
    assert_eq!(kept, ["transaction", "feedback", "event", "event"]);
    // Where transactions are not kept, they are counted, and the client is content.
    let house = House::new();
    let trace = "{\"trace\":{\"trace_id\":\"1\",\"span_id\":\"2\"}}";
    house.post(STORE, format!("{{\"type\":\"transaction\",\"start_timestamp\":1,\"contexts\":{trace}}}")).await.assert_id(NEW_ID);
    let record = house.only_record().await;
    assert_eq!(counts(&record.counted), [count("transaction unsupported", 1), count("transaction_indexed unsupported", 1)]);
    assert!(items(&record).is_empty());
}

#[tokio::test]
async fn an_envelope_sent_to_the_store_is_one() {
    let house = House::new();
    let request = post(STORE).header("content-type", "application/x-sentry-envelope; charset=utf-8");
    house.send(request.body(event_envelope().into()).unwrap()).await.assert_id(ID);
    assert_eq!(kinds(&house.only_record().await), ["event"]);
}

#[tokio::test]
async fn sizes_end_at_the_limit() {
    let house = House::new();
    let of = |size: usize| format!("{{\"message\":\"{}\"}}", "x".repeat(size - 14));
    house.post(STORE, of(1 << 20)).await.assert_id(NEW_ID);
    for (encoding, body) in [
        ("", of((1 << 20) + 1).into_bytes()),
        ("gzip", gzip(of((1 << 20) + 1).as_bytes())),
        ("", zlib(of((1 << 20) + 1).as_bytes())),
        ("", STANDARD.encode(zlib(of(1 << 24).as_bytes())).into_bytes()),
    ] {
        let answer = house.send(post(STORE).header("content-encoding", encoding).body(body.into()).unwrap()).await;
        assert_eq!(answer.status, 413);
    }
    assert_eq!(house.records().await.len(), 1);
}

#[tokio::test]
async fn a_get_is_answered_by_a_pixel() {
    let house = House::new();
    let get = |query: String| Request::builder().uri(format!("/api/42/store/?{query}")).body(Body::empty()).unwrap();
    let auth = format!("sentry_version=7&sentry_client=raven-js%2F3.27.2&sentry_key={KEY}");
    let unescaped = STANDARD.encode("{\"message\":\"~~~???>>>\"}");
    assert!(unescaped.contains('+'), "the case that blanks stand for");
    for data in [percent(&event("x")), percent(&STANDARD.encode(event("x"))), unescaped] {
        let answer = house.send(get(format!("{auth}&sentry_data={data}"))).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type"), answer.body.len()), (200, "image/gif", 43));
        assert!(answer.body.starts_with(b"GIF89a"));
        assert_eq!(answer.header("x-sentry-error"), "");
    }
    let records = house.records().await;
    assert_eq!(records.len(), 3);
    assert_eq!(records[0].sentry_client.as_deref(), Some("raven-js/3.27.2"));
    // What went wrong stands in the headers only: the script that asks for an image cannot read more.
    for (query, error) in [
        (format!("{auth}&sentry_data=nonsense"), "invalid JSON data"),
        (auth.clone(), "empty request body"),
        ("sentry_data={}".to_owned(), "missing authorization information"),
    ] {
        let answer = house.send(get(query.replace('{', "%7B").replace('}', "%7D"))).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type"), answer.body.len()), (200, "image/gif", 43));
        assert!(answer.header("x-sentry-error").starts_with(error), "{query}: {}", answer.header("x-sentry-error"));
    }
}
