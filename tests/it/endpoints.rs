//! The endpoints beside envelopes, from a request to what people see.

use axum::http::Request;
use serde_json::{Value, json};
use vedette::web::urls;

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
