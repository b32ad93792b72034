//! Reports of browsers: by `report-uri` and by the Reporting API.

use serde_json::json;

use super::*;

const SECURITY: &str = "/api/42/security/";

fn report(directive: &str) -> Value {
    json!({"csp-report": {"effective-directive": directive, "blocked-uri": "https://evil.example/x"}})
}

fn violation(directive: &str) -> Value {
    json!({"type": "csp-violation", "age": 1, "url": "https://a.b/", "body": {"effectiveDirective": directive, "blockedURL": "https://evil.example/x"}})
}

/// A report as a browser sends it: credentials in the query, nothing else that tells who it is.
fn browser(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    let uri = format!("{path}?sentry_key={KEY}&sentry_release=shop%401.4&sentry_environment=production");
    Request::post(uri).header("content-type", content_type).header("origin", "https://shop.example").body(body.into()).unwrap()
}

async fn send(house: &House, body: &Value) -> Answer {
    house.send(browser(SECURITY, "application/reports+json", body.to_string())).await
}

#[tokio::test]
async fn a_report_is_kept_with_what_its_query_says() {
    let house = House::new();
    for (path, content_type) in [
        (SECURITY, "application/csp-report"),
        ("/api/42/csp-report", "application/json; charset=utf-8"),
        ("/sentry/api/42/security/", "Application/Reports+JSON"),
        (SECURITY, "application/expect-ct-report"),
        (SECURITY, "application/expect-ct-report+json"),
        (SECURITY, "application/expect-staple-report"),
    ] {
        let answer = house.send(browser(path, content_type, report("img-src").to_string())).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "{path} {content_type}");
        let record = house.only_record().await;
        let items = items(&record);
        assert_eq!(kinds(&record), ["raw_security"]);
        assert_eq!(serde_json::from_slice::<Value>(&items[0].payload).unwrap(), report("img-src"));
        let header = &items[0].header;
        assert_eq!((header.sentry_release.as_deref(), header.sentry_environment.as_deref()), (Some("shop@1.4"), Some("production")));
        assert_eq!(record.origin.as_deref(), Some("https://shop.example"));
        assert_eq!(record.event_id.unwrap().to_string(), NEW_ID);
    }
}

#[tokio::test]
async fn each_element_ends_for_itself() {
    let house = House::new();
    let body = json!([violation("img-src"), {"type": "deprecation", "body": {}}, {"expect-ct-report": {}}, {"what": 1}, 5, null, violation("nonsense"), report("font-src")]);
    let answer = send(&house, &body).await;
    answer.assert_ok();
    let record = house.only_record().await;
    assert_eq!(kinds(&record), ["raw_security"; 3]);
    assert_eq!(counts(&record.counted), [count("security invalid security_report_type", 3), count("security unsupported", 2)]);
}

#[tokio::test]
async fn a_flood_of_reports_in_one_request_is_cut() {
    let house = House::new();
    for (reports, surplus) in [(100, 0), (101, 1), (250, 150)] {
        send(&house, &Value::Array(vec![violation("img-src"); reports])).await.assert_ok();
        let record = house.only_record().await;
        assert_eq!(items(&record).len(), 100);
        let counted = counts(&record.counted);
        assert_eq!(counted, if surplus == 0 { vec![] } else { vec![count("security invalid duplicate_item", surplus)] });
    }
}

#[tokio::test]
async fn what_is_no_report_is_counted_and_not_complained_of() {
    let house = House::new();
    for (body, expected) in [
        ("{not json", "security invalid security_report"),
        ("{}", "security invalid security_report_type"),
        ("7", "security invalid security_report_type"),
    ] {
        house.send(browser(SECURITY, "application/csp-report", body)).await.assert_ok();
        assert_eq!(counts(&house.only_record().await.counted), [count(expected, 1)]);
    }
    house.send(browser(SECURITY, "application/csp-report", "[]")).await.assert_ok();
    assert!(house.records().await.is_empty());
    house.send(browser(SECURITY, "application/csp-report", " ")).await.assert_refused(400, "empty request body", None);
}

#[tokio::test]
async fn other_types_and_methods_are_refused() {
    let house = House::new();
    for content_type in ["text/plain", "", "application/csp-report2"] {
        let answer = house.send(browser(SECURITY, content_type, report("img-src").to_string())).await;
        answer.assert_refused(415, "unsupported media type", None);
    }
    let answer = house.send(Request::get(format!("{SECURITY}?sentry_key={KEY}")).body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST, OPTIONS"));
    let bare = Request::post(SECURITY).header("content-type", "application/csp-report").body(report("img-src").to_string().into()).unwrap();
    house.send(bare).await.assert_refused(401, "missing authorization information", None);
    let preflight = Request::builder().method(Method::OPTIONS).uri(SECURITY).body(Body::empty()).unwrap();
    house.send(preflight).await.assert_ok();
    house.ingest.flush_refused(now()).await;
    assert_eq!(counts(&house.only_record().await.counted), [count("unknown invalid content_type", 3)]);
}

#[tokio::test]
async fn sizes_end_at_the_limit() {
    let house = House::new();
    let of = |size: usize| {
        let bare = report("img-src").to_string();
        format!("{}{}", bare, " ".repeat(size - bare.len()))
    };
    house.send(browser(SECURITY, "application/csp-report", of(1 << 20))).await.assert_ok();
    let answer = house.send(browser(SECURITY, "application/csp-report", of((1 << 20) + 1))).await;
    assert_eq!(answer.status, 413);
    let mut zipped = browser(SECURITY, "application/csp-report", gzip(of((1 << 20) + 1).as_bytes()));
    zipped.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(house.send(zipped).await.status, 413);
    assert_eq!(house.records().await.len(), 1);
}

#[tokio::test]
async fn a_full_journal_is_no_reason_to_speak_of_limits() {
    let house = House::with(JournalOptions { min_free_disk: u64::MAX, ..JournalOptions::default() }, Settings::default());
    let answer = send(&house, &report("img-src")).await;
    answer.assert_refused(503, "the server cannot take more now, try again", None);
    assert_eq!((answer.header("retry-after"), answer.header("x-sentry-rate-limits")), ("10", ""));
}
