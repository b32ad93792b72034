//! The smaller endpoints: check-ins by URL, exporters, log drains, crashes of Unreal Engine, probes.

use serde_json::json;

use super::*;

const CHECK_IN: &str = "580c0000-0000-0000-0000-000000000020";

fn with_type(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    post(path).header("content-type", content_type).body(body.into()).unwrap()
}

async fn counted(house: &House) -> Vec<(String, u64)> {
    counts(&house.only_record().await.counted)
}

#[tokio::test]
async fn a_check_in_is_a_url() {
    let house = House::with(JournalOptions::default(), Settings { kept: |_| true, ..Settings::default() });
    let by_url = format!("/api/42/cron/night%20ly/{KEY}/?status=ok&check_in_id={CHECK_IN}&duration=1.5&environment=live&nonsense=1");
    for method in [Method::GET, Method::POST] {
        let request = Request::builder().method(method).uri(&by_url).body(Body::empty()).unwrap();
        let answer = house.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
        let items = items(&house.only_record().await);
        let check_in: Value = serde_json::from_slice(&items[0].payload).unwrap();
        let id = CHECK_IN.replace('-', "");
        assert_eq!(
            check_in,
            json!({"monitor_slug": "night ly", "status": "ok", "check_in_id": id, "duration": 1.5, "environment": "live"})
        );
    }
    let body = json!({"monitor_slug": "another", "status": "in_progress", "monitor_config": {"schedule": {"type": "interval", "value": 1, "unit": "day"}}});
    let answer = house.send(with_type("/api/42/cron/nightly", "application/json", body.to_string())).await;
    assert_eq!(answer.status, 202);
    let record = house.only_record().await;
    let check_in: Value = serde_json::from_slice(&items(&record)[0].payload).unwrap();
    assert_eq!((&check_in["monitor_slug"], &check_in["check_in_id"]), (&json!("nightly"), &json!("0".repeat(32))));
    assert_eq!(check_in["monitor_config"], body["monitor_config"]);
}

#[tokio::test]
async fn check_ins_that_are_none_are_refused() {
    let house = House::new();
    for (query, cause) in [
        ("", "`status` is missing"),
        ("?check_in_id=5", "`status` is missing"),
        ("?status=ok&check_in_id=5", "`check_in_id` is no UUID"),
        ("?status=ok&duration=long", "`duration` is no number of seconds"),
        ("?status=ok&duration=inf", "`duration` is no number of seconds"),
    ] {
        house.post(&format!("/api/42/cron/nightly/{query}"), "").await.assert_refused(400, "invalid check-in", Some(cause));
    }
    for body in ["{", "[]", ""] {
        assert_eq!(house.send(with_type("/api/42/cron/nightly/", "application/json", body)).await.json()["detail"], "invalid JSON data");
    }
    let none = Request::get("/api/42/cron/nightly/?status=ok").body(Body::empty()).unwrap();
    house.send(none).await.assert_refused(401, "missing authorization information", None);
    let bad = Request::get("/api/42/cron/nightly/nonsense/?status=ok").body(Body::empty()).unwrap();
    assert_eq!(house.send(bad).await.status, 400);
    house.ingest.flush_refused(now()).await;
    assert_eq!(counted(&house).await, [count("error invalid invalid_json", 3), count("monitor invalid invalid_check_in", 5)]);
    // What a client may not say is taken and dropped: it is the answer that scripts look at.
    for (status, outcome) in [("ok", "monitor unsupported"), ("missed", "monitor invalid invalid_check_in")] {
        let answer = house.post(&format!("/api/42/cron/nightly/?status={status}"), "").await;
        assert_eq!((answer.status.as_u16(), answer.header("x-sentry-rate-limits")), (202, ""));
        assert_eq!(counted(&house).await, [count(outcome, 1)]);
    }
}

#[tokio::test]
async fn exporters_and_drains_are_counted_by_what_they_send() {
    let house = House::new();
    let spans = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]}]}]}"#;
    let logs = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#;
    let protobuf = [0x0a, 4, 0x12, 2, 0x12, 0];
    for (path, content_type, body, expected) in [
        ("otlp/v1/traces/", "application/json", spans.as_bytes(), vec![count("span unsupported", 2), count("span_indexed unsupported", 2)]),
        (
            "integration/otlp/v1/traces",
            "application/x-protobuf",
            &protobuf,
            vec![count("span unsupported", 1), count("span_indexed unsupported", 1)],
        ),
        (
            "integration/otlp/v1/traces",
            "application/x-protobuf",
            b"\x0a",
            vec![count("span invalid invalid_proto", 1), count("span_indexed invalid invalid_proto", 1)],
        ),
        (
            "integration/otlp/v1/logs/",
            "application/json",
            logs.as_bytes(),
            vec![count("log_byte unsupported", logs.len() as u64), count("log_item unsupported", 1)],
        ),
        (
            "integration/otlp/v1/logs/",
            "application/x-protobuf",
            &protobuf,
            vec![count("log_byte unsupported", 6), count("log_item unsupported", 1)],
        ),
        (
            "integration/vercel/logs/",
            "application/json",
            b"[{},{}]",
            vec![count("log_byte unsupported", 7), count("log_item unsupported", 2)],
        ),
        (
            "integration/vercel/logs/",
            "application/x-ndjson",
            b"{}\n{}\n{}",
            vec![count("log_byte unsupported", 8), count("log_item unsupported", 3)],
        ),
        (
            "integration/heroku/logs/",
            "application/logplex-1",
            b"5 <1>ab3 xyz",
            vec![count("log_byte unsupported", 12), count("log_item unsupported", 2)],
        ),
        (
            "integration/heroku/logs/",
            "application/logplex-1",
            b"nonsense",
            vec![count("log_byte invalid invalid_log", 8), count("log_item invalid invalid_log", 1)],
        ),
        ("nel/", "application/reports+json", br#"[{"type":"network-error"},{}]"#, vec![count("unknown unsupported", 2)]),
        ("nel/", "application/json", b"{", vec![count("unknown invalid invalid_json", 1)]),
    ] {
        let answer = house.send(with_type(&format!("/api/42/{path}"), content_type, body.to_vec())).await;
        let status = if path == "nel/" { 200 } else { 202 };
        assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0), "{path}");
        assert_eq!(counted(&house).await, expected, "{path}");
        let zipped = post(&format!("/api/42/{path}")).header("content-type", content_type).header("content-encoding", "gzip");
        assert_eq!(house.send(zipped.body(gzip(body).into()).unwrap()).await.status, status);
        assert_eq!(counted(&house).await, expected, "{path}");
    }
    let empty = house.send(with_type("/api/42/otlp/v1/traces/", "application/x-protobuf", "")).await;
    assert_eq!((empty.status.as_u16(), empty.header("x-sentry-rate-limits")), (202, "3600:span:organization:not_kept"));
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn exporters_and_drains_say_what_they_send() {
    let house = House::new();
    for (path, content_type) in [
        ("otlp/v1/traces/", "text/plain"),
        ("integration/otlp/v1/traces/", ""),
        ("integration/otlp/v1/logs/", "application/x-ndjson"),
        ("integration/vercel/logs/", "application/logplex-1"),
        ("integration/heroku/logs/", "application/json"),
        ("nel/", "application/x-protobuf"),
    ] {
        let answer = house.send(with_type(&format!("/api/42/{path}"), content_type, "{}")).await;
        answer.assert_refused(415, "unsupported media type", None);
    }
}

#[tokio::test]
async fn their_bodies_end_at_the_limit() {
    let house = House::new();
    for (path, content_type, limit) in [
        ("integration/otlp/v1/logs/", "application/json", 2 << 20),
        ("otlp/v1/traces/", "application/json", 10 << 20),
        ("integration/vercel/logs/", "application/x-ndjson", 12 << 20),
        ("nel/", "application/json", 12 << 20),
    ] {
        for (size, status) in [(limit, 2), (limit + 1, 4)] {
            let body = format!("{{}}{}", " ".repeat(size - 2));
            let answer = house.send(with_type(&format!("/api/42/{path}"), content_type, body.clone())).await;
            assert_eq!(answer.status.as_u16() / 100, status, "{path} {size}");
            let zipped = post(&format!("/api/42/{path}")).header("content-type", content_type).header("content-encoding", "gzip");
            assert_eq!(house.send(zipped.body(gzip(body.as_bytes()).into()).unwrap()).await.status, answer.status, "{path} {size}");
        }
    }
}

#[tokio::test]
async fn a_crash_of_unreal_engine_is_taken_and_forgotten() {
    let house = House::new();
    let request = |body: Vec<u8>| Request::post(format!("/api/42/unreal/{KEY}/?UserID=7")).body(body.into()).unwrap();
    let answer = house.send(request(noise(300_000))).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert_eq!(answer.body, "99999999-9999-9999-9999-999999999999");
    assert_eq!(counted(&house).await, [count("error unsupported", 1)]);
    house.send(request(vec![])).await.assert_refused(400, "empty request body", None);
}

#[tokio::test]
async fn probes_are_answered() {
    let probe = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let house = House::new();
    for path in ["/api/relay/healthcheck/live/", "/api/relay/healthcheck/ready"] {
        let answer = house.send(probe(path)).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"is_healthy": true})));
    }
    let full = House::with(JournalOptions { min_free_disk: u64::MAX, ..JournalOptions::default() }, Settings::default());
    assert_eq!(full.send(probe("/api/relay/healthcheck/ready/")).await.status, 503);
    assert_eq!(full.send(probe("/api/relay/healthcheck/live/")).await.status, 200);
}

#[tokio::test]
async fn a_path_that_a_proxy_left_on_is_stepped_over() {
    let house = House::new();
    for prefix in ["/sentry", "/a/b", "/a/b/c", "/a/b/c/d"] {
        house.post(&format!("{prefix}{ENVELOPE}"), event_envelope()).await.assert_id(ID);
        house.post(&format!("{prefix}/api/store"), format!("{{\"event_id\":\"{ID}\"}}")).await.assert_id(ID);
    }
    house.post("/sentry/api/42/nonsense/", "").await.assert_refused(404, "no such endpoint", None);
}

#[tokio::test]
async fn methods_are_those_of_the_endpoint() {
    let house = House::new();
    for (path, allow) in [
        ("nel", "POST, OPTIONS"),
        ("minidump", "POST, OPTIONS"),
        ("cron/nightly", "GET, POST, OPTIONS"),
        ("otlp/v1/traces", "POST, OPTIONS"),
        ("integration/heroku/logs", "POST, OPTIONS"),
    ] {
        let request = |method: Method| Request::builder().method(method).uri(format!("/api/42/{path}/")).body(Body::empty()).unwrap();
        let answer = house.send(request(Method::PUT)).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow), "{path}");
        house.send(request(Method::OPTIONS)).await.assert_ok();
    }
}
