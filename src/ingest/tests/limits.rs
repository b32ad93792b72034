//! Limits of keys, and what is told about requests that were not taken as they were.

use super::*;
use crate::projects::quotas::Limit;
use crate::protocol::quota::{Class, LimitName, Period};
use crate::protocol::rate_limits::Scope;

/// Two events a minute, three attachments, no transaction but one.
pub(super) const LIMITED: &str = "44444444444444444444444444444444";
/// One item of any kind an hour.
pub(super) const SCARCE: &str = "55555555555555555555555555555555";

/// What a 429 says.
const DROPPED: &str = "Sentry dropped data due to a quota or internal rate limit being reached. This will not affect your application.";

fn limit(class: Class, period: Period, max: u64) -> Limit {
    Limit { name: LimitName { scope: Scope::Key, class, period }, max }
}

pub(super) fn limited() -> Vec<Limit> {
    [(Class::Events, 2), (Class::Attachments, 3), (Class::Transactions, 1)].map(|(class, max)| limit(class, Period::Minute, max)).into()
}

pub(super) fn scarce() -> Vec<Limit> {
    vec![limit(Class::All, Period::Hour, 1)]
}

fn request(key: &str, endpoint: &str) -> http::request::Builder {
    let auth = format!("Sentry sentry_key={key}, sentry_client=test/1");
    Request::builder().method(Method::POST).uri(format!("/api/44/{endpoint}/")).header("x-sentry-auth", auth)
}

fn all_kinds() -> House {
    House::with(JournalOptions::default(), Settings { kept: |_| true, ..Settings::default() })
}

fn item(kind: &str, extra: &str) -> String {
    format!("{{\"type\":\"{kind}\"{extra}}}\n{{}}\n")
}

fn envelope(items: &[String]) -> String {
    format!("{{\"event_id\":\"{ID}\"}}\n{}", items.concat())
}

async fn send(house: &House, key: &str, items: &[String]) -> Answer {
    house.send(request(key, "envelope").body(envelope(items).into()).unwrap()).await
}

#[tokio::test]
async fn an_event_over_its_limit_is_429_and_takes_its_attachments_a_dump_among_them() {
    let house = all_kinds();
    let event = || vec![item("event", ""), item("attachment", "")];
    for _ in 0..2 {
        send(&house, LIMITED, &event()).await.assert_id(ID);
    }
    let answer = send(&house, LIMITED, &event()).await;
    answer.assert_refused(429, DROPPED, Some("the key's limit on events per minute"));
    assert_eq!(answer.header("x-sentry-rate-limits"), "30:error;default;security:key:key_events_minute");
    assert_eq!(answer.header("retry-after"), "30");
    assert_eq!(house.records().await.len(), 2, "what is refused costs no disk");
    house.ingest.flush_refused(now()).await;
    let record = house.only_record().await;
    let limited = ["attachment rate_limited key_events_minute", "attachment_item rate_limited key_events_minute"];
    assert_eq!(counts(&record.counted), [count(limited[0], 2), count(limited[1], 1), count("error rate_limited key_events_minute", 1)]);
    assert_eq!(record.key_id, 4);
    let mut with_dump = event();
    with_dump.push(item("attachment", ",\"attachment_type\":\"event.minidump\""));
    // Without its event nobody would find it.
    assert_eq!(send(&house, LIMITED, &with_dump).await.status, 429);
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn neighbours_of_a_limited_item_are_kept_and_answered_200_with_the_header() {
    let house = all_kinds();
    for _ in 0..2 {
        send(&house, LIMITED, &[item("event", "")]).await.assert_id(ID);
    }
    house.records().await;
    let kinds_sent = ["client_report", "event", "session", "check_in", "future", "user_report"].map(|kind| item(kind, ""));
    let answer = send(&house, LIMITED, &kinds_sent).await;
    answer.assert_id(ID);
    assert_eq!(answer.header("x-sentry-rate-limits"), "30:error;default;security:key:key_events_minute");
    assert_eq!(answer.header("retry-after"), "", "it would stop everything");
    let record = house.only_record().await;
    assert_eq!(kinds(&record), ["client_report", "session", "check_in", "unknown", "user_report"]);
    assert_eq!(counts(&record.counted), [count("error rate_limited key_events_minute", 1)]);
    // Sessions and reports alone are no matter of the limit, and hear of it.
    let answer = send(&house, LIMITED, &[item("session", "")]).await;
    answer.assert_ok();
    assert_ne!(answer.header("x-sentry-rate-limits"), "");
}

#[tokio::test]
async fn a_client_that_knows_only_retry_after_waits_for_what_it_sent() {
    let house = all_kinds();
    for _ in 0..3 {
        send(&house, LIMITED, &[item("attachment", "")]).await.assert_id(ID);
    }
    send(&house, LIMITED, &[item("event", ""), item("attachment", "")]).await.assert_id(ID);
    send(&house, LIMITED, &[item("event", "")]).await.assert_id(ID);
    let answer = send(&house, LIMITED, &[item("event", "")]).await;
    let all = "30:error;default;security:key:key_events_minute, 20:attachment;attachment_item:key:key_attachments_minute";
    assert_eq!((answer.header("x-sentry-rate-limits"), answer.header("retry-after")), (all, "30"));
    let answer = send(&house, LIMITED, &[item("attachment", "")]).await;
    assert_eq!((answer.header("x-sentry-rate-limits"), answer.header("retry-after")), (all, "20"));
}

#[tokio::test]
async fn a_limited_transaction_takes_profile_and_spans() {
    let house = all_kinds();
    let items = || ["transaction", "profile", "span"].map(|kind| item(kind, ""));
    send(&house, LIMITED, &items()).await.assert_id(ID);
    assert_eq!(kinds(&house.only_record().await), ["transaction", "profile", "span"], "together they are one");
    let answer = send(&house, LIMITED, &items()).await;
    assert_eq!(answer.status, 429);
    assert_eq!(
        answer.header("x-sentry-rate-limits"),
        "60:transaction;span;profile;profile_chunk;profile_chunk_ui:key:key_transactions_minute"
    );
}

#[tokio::test]
async fn a_store_request_over_the_limit_is_answered_before_its_body() {
    let house = all_kinds();
    for _ in 0..2 {
        house.send(request(LIMITED, "store").body("{}".into()).unwrap()).await.assert_ok();
    }
    // The third finds it reached; from then on it is known.
    let found = house.send(request(LIMITED, "store").body("{}".into()).unwrap()).await;
    assert_eq!(found.status, 429);
    let answer = house.send(request(LIMITED, "store").body(silent_body()).unwrap()).await;
    answer.assert_refused(429, DROPPED, Some("the key's limit on events per minute"));
    house.records().await;
    house.ingest.flush_refused(now()).await;
    assert_eq!(counts(&house.only_record().await.counted), [count("error rate_limited key_events_minute", 2)]);
    let pixel = format!("/api/44/store/?sentry_key={LIMITED}&sentry_data=%7B%7D");
    let answer = house.send(Request::builder().uri(pixel).body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (200, "30"));
}

#[tokio::test]
async fn a_key_that_may_send_nothing_is_answered_before_the_body_but_client_reports_pass() {
    let house = all_kinds();
    send(&house, SCARCE, &[item("event", "")]).await.assert_id(ID);
    let answer = send(&house, SCARCE, &[item("session", "")]).await;
    answer.assert_refused(429, DROPPED, Some("the key's limit on items of all kinds per hour"));
    assert_eq!(answer.header("x-sentry-rate-limits"), "3600::key:key_all_hour");
    let large = request(SCARCE, "envelope").header("content-length", 100_000);
    let answer = house.send(large.body(silent_body()).unwrap()).await;
    assert_eq!(answer.status, 429);
    let body = envelope(&[item("event", ""), item("client_report", "")]);
    house.records().await;
    // Whether it says its length or is sent in chunks.
    for request in [request(SCARCE, "envelope").header("content-length", body.len()), request(SCARCE, "envelope")] {
        house.send(request.body(body.clone().into()).unwrap()).await.assert_id(ID);
        assert_eq!(kinds(&house.only_record().await), ["client_report"]);
    }
}

#[tokio::test]
async fn endpoints_that_never_answer_429_leave_out_the_same() {
    let house = all_kinds();
    let KeyAnswer::Known(key) = lookup(LIMITED.parse().unwrap()) else { panic!("it is known") };
    let collected = |kind: &str| {
        let mut collector = collect::Collector::new(&house.ingest.settings, None);
        let mut framer = crate::protocol::framer::Framer::new(10_000);
        framer.feed(envelope(&[item(kind, "")]).as_bytes(), &mut collector).unwrap();
        framer.finish(&mut collector).unwrap();
        collector
    };
    for _ in 0..2 {
        let mut report = collected("raw_security");
        assert!(house.ingest.limit(&mut report, &key, now()).is_ok() && !report.keeps_nothing());
    }
    let mut report = collected("raw_security");
    assert!(house.ingest.limit(&mut report, &key, now()).is_err() && report.is_empty());
    house.ingest.flush_refused(now()).await;
    assert_eq!(counts(&house.only_record().await.counted), [count("security rate_limited key_events_minute", 1)]);
}

#[tokio::test]
async fn a_flood_over_the_limit_is_one_count() {
    let house = all_kinds();
    for _ in 0..100 {
        send(&house, LIMITED, &[item("event", "")]).await;
    }
    assert_eq!(house.records().await.len(), 2);
    assert_eq!(house.ingest.flush_refused(now()).await, 1);
    assert_eq!(counts(&house.only_record().await.counted), [count("error rate_limited key_events_minute", 98)]);
}

#[tokio::test]
async fn answers_name_the_dsn_as_understood_and_cannot_be_broken_out_of() {
    let house = House::new();
    let strange = Request::builder()
        .method(Method::POST)
        .uri("/api/77/envelope/")
        .header("host", b"a\xff b\"c".as_slice())
        .header("x-sentry-auth", "Sentry sentry_key=ffffffffffffffffffffffffffffffff")
        .body(event_envelope().into())
        .unwrap();
    let answer = house.send(strange).await;
    assert_eq!(answer.json()["dsn"], "ffffffff...@a? b\"c/77");
    let told = "event submission rejected with_reason: ProjectId: no such key on this server [DSN ffffffff...@a? b\"c/77]";
    assert_eq!(answer.header("x-sentry-error"), told);
    let answer = house.post("/api/x%0d%0aSet-Cookie:y/envelope/", event_envelope()).await;
    assert_eq!((answer.json()["dsn"].as_str().unwrap(), answer.header("set-cookie")), ("(no key)@-/x%0d%0aSet-Cookie:y", ""));
}

#[tokio::test]
async fn security_reports_over_the_limit_are_left_out_without_a_word() {
    let house = House::new();
    let report = || {
        let path = format!("/api/44/security/?sentry_key={LIMITED}");
        let report =
            r#"{"csp-report":{"document-uri":"https://a.example","violated-directive":"img-src","blocked-uri":"https://b.example"}}"#;
        Request::builder().method(Method::POST).uri(path).header("content-type", "application/csp-report").body(report.into()).unwrap()
    };
    for _ in 0..4 {
        assert_eq!(house.send(report()).await.status, 200);
    }
    assert_eq!(house.send(report()).await.header("x-sentry-rate-limits"), "30:error;default;security:key:key_events_minute");
    assert_eq!(house.records().await.len(), 2);
    house.ingest.flush_refused(now()).await;
    assert_eq!(counts(&house.only_record().await.counted), [count("security rate_limited key_events_minute", 3)]);
}

#[tokio::test]
async fn check_ins_are_never_limited() {
    let house = all_kinds();
    for _ in 0..5 {
        let path = format!("/api/44/cron/nightly/{SCARCE}/?status=ok");
        let answer = house.send(Request::builder().method(Method::POST).uri(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 202);
    }
    assert_eq!(house.records().await.len(), 5);
}
