//! The endpoints beside envelopes, from a request to what people see.

use axum::http::Request;
use serde_json::{Value, json};
use vedette::platform::journal::Record;
use vedette::protocol::record as wire;
use vedette::web::urls;

use crate::harness::events::{envelope, event_id};
use crate::harness::http::{Answer, send};
use crate::harness::{Project, TestApp, app_test};

/// A request to a project's endpoint with the key in the query.
async fn post(app: &TestApp, project: &Project, path: &str, content_type: &str, body: impl Into<axum::body::Body>) -> Answer {
    let separator = if path.contains('?') { '&' } else { '?' };
    let uri = format!("/api/{}/{path}{separator}sentry_key={}", project.dsn_id, project.key);
    let request =
        Request::post(uri).header("content-type", content_type).header("user-agent", AGENT).header("origin", "https://shop.example");
    send(&app.router, request.body(body.into()).unwrap()).await
}

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

fn violation(directive: &str, blocked: &str) -> Value {
    json!({"type": "csp-violation", "age": 1, "url": "https://shop.example/cart", "body": {
        "effectiveDirective": directive, "blockedURL": blocked, "documentURL": "https://shop.example/cart", "originalPolicy": "default-src 'self'"}})
}

#[test]
fn a_policy_report_becomes_an_issue_with_a_page() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let report = json!({"csp-report": {"document-uri": "https://shop.example/cart", "referrer": "https://search.example/", "violated-directive": "img-src 'self'",
            "effective-directive": "img-src", "original-policy": "img-src 'self'", "disposition": "enforce", "blocked-uri": "https://evil.example/a.png"}});
        let answer =
            post(app, &shop, "security/?sentry_release=shop@1.4&sentry_environment=live", "application/csp-report", report.to_string())
                .await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
        app.expected.add(1);
        app.digest_all().await;
        let issue = app.only_issue(&shop).await;
        let (title, culprit, kind): (String, String, String) =
            sqlx::query_as("select title, culprit, kind from issues").fetch_one(app.db()).await.unwrap();
        assert_eq!((title.as_str(), culprit.as_str(), kind.as_str()), ("Blocked 'image' from 'evil.example'", "img-src 'self'", "csp"));
        let page = ana.page(&urls::issue(issue)).await;
        for text in [
            "Blocked 'image' from 'evil.example'",
            "Security policy report",
            "effective_directive",
            "https://evil.example/a.png",
            "shop@1.4",
            "live",
            "Chrome",
        ] {
            page.assert_reads(text);
        }
        assert_eq!(app.outcomes().await, ["security stored 1"]);
        app.run_jobs().await;
    });
}

#[test]
fn reports_of_one_request_are_events_of_their_own() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let body = json!([
            violation("img-src", "https://evil.example/a"), violation("img-src", "https://evil.example/b"), violation("script-src", "eval"),
            violation("no-such-thing", "https://evil.example/"), {"type": "deprecation", "body": {}}, {"hello": 1},
        ]);
        post(app, &shop, "security/", "application/reports+json", body.to_string()).await.assert_ok();
        app.expected.add(6);
        app.digest_all().await;
        assert_eq!(app.stored().await, 3);
        assert_eq!(app.issues(&shop).await.len(), 2);
        assert_eq!(
            app.outcomes().await,
            [
                "security invalid security_report 1",
                "security invalid security_report_type 1",
                "security stored 3",
                "security unsupported 1"
            ]
        );
        app.run_jobs().await;
    });
}

#[test]
fn a_filtered_report_counts_as_one() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        post(app, &shop, "security/", "application/json", violation("img-src", "chrome-extension://abc/x").to_string()).await.assert_ok();
        app.expected.add(1);
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["security filtered invalid-csp 1"]);
    });
}

/// A form with a boundary of `x`.
fn form(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, filename, data) in parts {
        let file = if filename.is_empty() { String::new() } else { format!("; filename=\"{filename}\"") };
        body.extend_from_slice(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--");
    body
}

#[test]
fn a_crash_becomes_an_issue() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        // Twice as long in JSON, and longer than an event may be.
        let notes = vec![b'"'; 700_000];
        let parts = [
            ("sentry[release]", "", &b"game@1"[..]),
            ("notes", "", &notes),
            ("prod", "", b"Crashpad"),
            ("upload_file_minidump", "a.dmp", b"MDMP and more"),
        ];
        let answer = post(app, &shop, "minidump/", "multipart/form-data; boundary=x", form(&parts)).await.assert_ok();
        let id = uuid::Uuid::try_parse(std::str::from_utf8(&answer.body).unwrap()).unwrap();
        // The event, and the dump with its thirteen bytes.
        app.expected.add(1 + 13 + 1);
        app.digest_all().await;
        let stored: uuid::Uuid = sqlx::query_scalar("select event_id from events").fetch_one(app.db()).await.unwrap();
        assert_eq!(stored, id);
        let issue = app.only_issue(&shop).await;
        let page = ana.page(&urls::issue(issue)).await;
        for text in ["Minidump", "Invalid Minidump", "game@1", "Crashpad", "fatal", "was 700,000", "a.dmp minidump", "not symbolicated yet"]
        {
            page.assert_reads(text);
        }
        assert!(app.outcomes().await.contains(&"error stored 1".to_owned()));
        app.run_jobs().await;
    });
}

#[test]
fn a_dump_beside_an_event_makes_it_a_crash() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let key = sqlx::query_scalar("select key_id from project_keys where project_id = $1").bind(shop.id.0);
        let sender = (shop.id.0, shop.dsn_id, key.fetch_one(app.db()).await.unwrap());
        let bytes = "{}\n{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\",\"filename\":\"a.dmp\",\"length\":4}\nMDMP\n{\"type\":\"event\"}\n{}\n";
        let record = wire::Record {
            event_id: Some(event_id(1).into()),
            envelope: bytes.into(),
            ..wire::Record::bare(wire::Endpoint::Envelope, app.clock.now().timestamp_micros(), sender)
        };
        app.journal.append(Record::new(app.clock.now(), record.encode())).await.unwrap();
        // The event, and the dump with its four bytes.
        app.expected.add(1 + 4 + 1);
        app.digest_all().await;
        let title: String = sqlx::query_scalar("select title from issues").fetch_one(app.db()).await.unwrap();
        assert!(title.contains("Minidump"), "{title}");
        app.run_jobs().await;
    });
}

#[test]
fn what_is_not_kept_is_counted_by_what_is_in_it() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let spans = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{}, {}, {}]}]}]});
        post(app, &shop, "integration/otlp/v1/traces/", "application/json", spans.to_string()).await.assert_status(202);
        post(app, &shop, "cron/nightly/?status=ok", "", "").await.assert_status(202);
        post(app, &shop, "cron/nightly/", "", "").await.assert_status(400);
        let span = json!({"span_id": "1", "trace_id": "2", "start_timestamp": 1, "timestamp": 2});
        let transaction =
            json!({"start_timestamp": 1, "timestamp": 2, "contexts": {"trace": {"trace_id": "1", "span_id": "2"}}, "spans": [span]});
        let sessions = json!({"attrs": {"release": "a@1"}, "aggregates": [{"exited": 40, "crashed": 2}]});
        let items = [
            ("transaction", transaction.to_string()),
            ("sessions", sessions.to_string()),
            ("session", "{}".to_owned()),
            ("check_in", json!({"monitor_slug": "nightly", "status": "missed"}).to_string()),
        ];
        let items: Vec<_> = items.iter().map(|(kind, payload)| (*kind, payload.as_bytes())).collect();
        app.sdk(&shop).envelope(envelope(&items)).await.assert_ok();
        app.ingest.flush_refused(app.clock.now()).await;
        // Spans in both of their categories, two check-ins.
        app.expected.add(6 + 2);
        app.digest_all().await;
        assert_eq!(
            app.outcomes().await,
            [
                "monitor invalid invalid_check_in 2",
                "monitor unsupported 1",
                "session invalid invalid_session 1",
                "session unsupported 42",
                "span unsupported 4",
                "span_indexed unsupported 4",
                "transaction unsupported 1",
                "transaction_indexed unsupported 1",
            ]
        );
    });
}

#[test]
fn a_path_that_a_proxy_left_on_shadows_no_page() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let uri = format!("/sentry/api/{}/cron/nightly/{}/?status=ok", shop.dsn_id, shop.key);
        send(&app.router, Request::get(uri).body(axum::body::Body::empty()).unwrap()).await.assert_status(202);
        app.expected.add(1);
        app.digest_all().await;
        // A project may be called like the interface.
        let api = app.project("api").await;
        assert_eq!(api.slug, "api");
        ana.page(&urls::projects()).await.assert_reads("shop");
        let nowhere = send(&app.router, Request::get("/sentry/nowhere").body(axum::body::Body::empty()).unwrap()).await;
        assert!(nowhere.header("content-type").starts_with("text/html"), "the dashboard answers what is not below /api/");
    });
}
