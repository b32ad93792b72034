//! Each kind's rules, and that nothing a client sends is without an end.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn header(kind: ItemKind) -> ItemHeader {
    ItemHeader::of(kind)
}

fn of(kind: ItemKind, payload: &Value) -> Vec<String> {
    texts(ends(&header(kind), payload.to_string().as_bytes()))
}

fn texts(ends: Ends) -> Vec<String> {
    let text = |(category, outcome, quantity): (Category, Outcome, u64)| {
        format!("{} {} {} {quantity}", category.name(), outcome.name(), outcome.reason()).replace("  ", " ")
    };
    ends.into_iter().map(text).collect()
}

/// What a kind's payload ends as, without quantities, for kinds with one outcome.
fn outcome(kind: ItemKind, payload: &Value) -> String {
    let ends = ends(&header(kind), payload.to_string().as_bytes());
    let outcome = ends[0].1.clone();
    assert!(ends.iter().all(|(_, other, _)| *other == outcome));
    format!("{} {}", outcome.name(), outcome.reason()).trim_end().to_owned()
}

const ID: &str = "580c0000000000000000000000000020";

fn without(value: &Value, path: &str) -> Value {
    let mut value = value.clone();
    *value.pointer_mut(path).unwrap() = Value::Null;
    value
}

#[test]
fn transactions_need_times_and_traces() {
    let span =
        json!({"trace_id": ID, "span_id": "580c000000000020", "start_timestamp": 1, "timestamp": "2026-01-01T00:00:00Z", "op": "db"});
    let whole = json!({"start_timestamp": 1.5, "timestamp": 2, "contexts": {"trace": {"trace_id": ID, "span_id": "580c000000000020"}}, "spans": [span, span]});
    assert_eq!(
        of(ItemKind::Transaction, &whole),
        ["transaction unsupported 1", "transaction_indexed unsupported 1", "span unsupported 2", "span_indexed unsupported 2"]
    );
    for path in [
        "/start_timestamp",
        "/contexts",
        "/contexts/trace",
        "/contexts/trace/trace_id",
        "/contexts/trace/span_id",
        "/spans/1",
        "/spans/1/span_id",
        "/spans/1/timestamp",
    ] {
        assert_eq!(outcome(ItemKind::Transaction, &without(&whole, path)), "invalid invalid_transaction", "{path}");
    }
    let mut backwards = whole.clone();
    backwards["timestamp"] = json!(1);
    assert_eq!(outcome(ItemKind::Transaction, &backwards), "invalid invalid_transaction");
    assert_eq!(outcome(ItemKind::Transaction, &without(&whole, "/spans")), "unsupported");
    assert_eq!(
        texts(ends(&header(ItemKind::Transaction), b"{\"spans\":")),
        ["transaction invalid invalid_json 1", "transaction_indexed invalid invalid_json 1"]
    );
    // A lone surrogate, a repeated key and NaN are no reason to call it invalid.
    let odd = whole.to_string().replacen('{', "{\"message\":\"\\ud800\",\"timestamp\":3,\"x\":NaN,", 1);
    assert_eq!(ends(&header(ItemKind::Transaction), odd.as_bytes())[0].1, Outcome::Unsupported);
}

#[test]
fn sessions_add_up() {
    let update = json!({"sid": ID, "started": "2026-01-01T00:00:00Z", "status": "ok", "attrs": {"release": "a@1"}});
    assert_eq!(of(ItemKind::Session, &update), ["session unsupported 1"]);
    for path in ["/started", "/attrs", "/attrs/release"] {
        assert_eq!(outcome(ItemKind::Session, &without(&update, path)), "invalid invalid_session", "{path}");
    }
    let sums =
        json!({"aggregates": [{"started": "x", "exited": 120, "crashed": 1}, {"started": "x", "errored": 4}], "attrs": {"release": "a@1"}});
    assert_eq!(of(ItemKind::Sessions, &sums), ["session unsupported 125"]);
    assert_eq!(of(ItemKind::Sessions, &without(&sums, "/attrs/release")), ["session invalid invalid_session 125"]);
    assert_eq!(of(ItemKind::Sessions, &json!({"attrs": {"release": "a"}})), ["session invalid invalid_session 1"]);
}

#[test]
fn check_ins_need_a_monitor_and_a_status() {
    let whole = json!({"check_in_id": ID, "monitor_slug": "nightly", "status": "in_progress", "duration": null});
    assert_eq!(of(ItemKind::CheckIn, &whole), ["monitor unsupported 1"]);
    assert_eq!(outcome(ItemKind::CheckIn, &without(&whole, "/check_in_id")), "unsupported");
    for (key, value) in [
        ("status", json!("missed")),
        ("status", json!(1)),
        ("monitor_slug", json!(" -- ")),
        ("monitor_slug", Value::Null),
        ("check_in_id", json!("x")),
    ] {
        let mut broken = whole.clone();
        broken[key] = value.clone();
        assert_eq!(outcome(ItemKind::CheckIn, &broken), "invalid invalid_check_in", "{key} {value}");
    }
}

#[test]
fn containers_hold_what_their_header_says() {
    let log = json!({"timestamp": 1.5, "trace_id": ID, "level": "info", "body": ""});
    let metric = json!({"timestamp": "2026-01-01T00:00:00.123456789Z", "trace_id": ID, "type": "gauge", "name": "queue", "value": 7});
    let span =
        json!({"trace_id": ID, "span_id": "580c000000000020", "name": "GET /", "status": "ok", "start_timestamp": 1, "end_timestamp": 2});
    for (kind, item, path, reason, categories, bytes) in [
        (ItemKind::Log, log, "body", "invalid_log", &["log_item"][..], Some("log_byte")),
        (ItemKind::TraceMetric, metric, "value", "invalid_trace_metric", &["trace_metric"], Some("trace_metric_byte")),
        (ItemKind::Span, span, "end_timestamp", "invalid_span", &["span", "span_indexed"], None),
    ] {
        let broken = without(&item, &format!("/{path}"));
        let body = json!({"version": 2, "items": [item, broken, item]}).to_string();
        let announced = |count| texts(ends(&ItemHeader { item_count: Some(count), ..header(kind) }, body.as_bytes()));
        let mut expected: Vec<_> = categories
            .iter()
            .flat_map(|category| [format!("{category} unsupported 2"), format!("{category} invalid {reason} 1")])
            .collect();
        expected.extend(bytes.map(|bytes| format!("{bytes} unsupported {}", body.len())));
        assert_eq!(announced(3), expected);
        let mut mismatch: Vec<_> = categories.iter().map(|category| format!("{category} invalid {reason} 2")).collect();
        mismatch.extend(bytes.map(|bytes| format!("{bytes} invalid {reason} {}", body.len())));
        assert_eq!(announced(2), mismatch);
        let unreadable = ends(&ItemHeader { item_count: Some(3), ..header(kind) }, b"[]");
        assert!(unreadable.iter().all(|(_, outcome, _)| *outcome == Outcome::Invalid(InvalidReason::InvalidJson)));
    }
    let alone = json!({"trace_id": ID, "span_id": "580c000000000020", "start_timestamp": 1, "timestamp": 2});
    assert_eq!(of(ItemKind::Span, &alone), ["span unsupported 1", "span_indexed unsupported 1"]);
    assert_eq!(outcome(ItemKind::Span, &without(&alone, "/timestamp")), "invalid invalid_span");
}

#[test]
fn profiles_and_replays_are_recognised() {
    assert_eq!(
        of(ItemKind::Profile, &json!({"platform": "python"})),
        ["profile unsupported 1", "profile_indexed unsupported 1", "profile_backend unsupported 1"]
    );
    assert_eq!(of(ItemKind::Profile, &json!({"platform": "cocoa"}))[2], "profile_ui unsupported 1");
    assert_eq!(of(ItemKind::Profile, &json!({})), ["profile invalid invalid_profile 1", "profile_indexed invalid invalid_profile 1"]);
    let chunk = json!({"profiler_id": ID, "chunk_id": ID, "platform": "python", "version": "2"});
    assert_eq!(of(ItemKind::ProfileChunk, &chunk), ["profile_chunk unsupported 1"]);
    assert_eq!(of(ItemKind::ProfileChunk, &without(&chunk, "/chunk_id")), ["profile_chunk invalid invalid_profile 1"]);
    assert_eq!(of(ItemKind::ReplayEvent, &json!({"replay_id": ID, "segment_id": 0})), ["replay unsupported 1"]);
    assert_eq!(of(ItemKind::ReplayEvent, &json!({"segment_id": 0})), ["replay invalid invalid_replay 1"]);
    let recording = |payload: &[u8]| texts(ends(&header(ItemKind::ReplayRecording), payload));
    assert_eq!(recording(b"{\"segment_id\":0}\n\x78\x9c\xff"), ["replay unsupported 0"]);
    for payload in [&b"{\"segment_id\":0}\n"[..], b"{\"segment_id\":0}", b"[]\n[]", b""] {
        assert_eq!(recording(payload), ["replay invalid invalid_replay_recording 0"]);
    }
    assert_eq!(texts(ends(&header(ItemKind::ReplayVideo), b"\x83\xa1")), ["replay unsupported 1"]);
    assert_eq!(texts(ends(&header(ItemKind::ReplayVideo), b"")), ["replay invalid invalid_replay 1"]);
}

const LOOKED_AT: [ItemKind; 12] = [
    ItemKind::Transaction,
    ItemKind::Session,
    ItemKind::Sessions,
    ItemKind::CheckIn,
    ItemKind::Log,
    ItemKind::Span,
    ItemKind::TraceMetric,
    ItemKind::Profile,
    ItemKind::ProfileChunk,
    ItemKind::ReplayEvent,
    ItemKind::ReplayRecording,
    ItemKind::ReplayVideo,
];

proptest! {
    #[test]
    fn every_payload_has_an_end(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        text in r#"[\[\]{}",:0-9a-z ]{0,60}"#,
        items in proptest::collection::vec("(null|1|\"x\"|\\{\\}|\\{\"timestamp\":1,\"trace_id\":\"a\"\\})", 0..4),
        count in proptest::option::of(0_u32..5),
    ) {
        let container = format!("{{\"items\":[{}]}}", items.join(","));
        for kind in LOOKED_AT {
            prop_assert!(is_looked_at(kind));
            for payload in [&bytes[..], text.as_bytes(), container.as_bytes()] {
                let ends = ends(&ItemHeader { item_count: count, ..header(kind) }, payload);
                prop_assert!(!ends.is_empty() || payload == container.as_bytes());
                prop_assert!(ends.iter().all(|(_, outcome, _)| matches!(outcome, Outcome::Invalid(_) | Outcome::Unsupported)));
            }
        }
    }
}
