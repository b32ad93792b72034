//! The crash report dialog: from another site's page to the issue page.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use vedette::web::urls;

use crate::harness::events::event_id;
use crate::harness::http::send;
use crate::harness::{app_test, error};

#[test]
fn what_is_said_in_the_crash_report_dialog_is_on_the_issue_page() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        app.digest_all().await;
        let id = event_id(1).simple();
        let address = format!("/api/embed/error-page/?dsn=https://{}@errors.example/{}&eventId={}", shop.key, shop.dsn_id, id);
        let ask = async |method: Method, form: &'static str| {
            let request = Request::builder().method(method).uri(&address).header("origin", "https://shop.example");
            send(&app.router, request.body(Body::from(form)).unwrap()).await
        };
        let script = ask(Method::GET, "").await.assert_ok();
        assert!(script.header("content-type").starts_with("text/javascript") && script.header("content-security-policy").is_empty());
        let refused = ask(Method::POST, "name=&email=&comments=").await.assert_status(400);
        assert_eq!(refused.json()["errors"].as_object().unwrap().len(), 3);
        assert_eq!(ask(Method::POST, "name=Zoe&email=zoe@example.test&comments=I+pressed+Pay").await.assert_ok().json(), json!({}));
        app.expected.add(1);
        app.digest_all().await;
        let issue = app.only_issue(&shop).await;
        ana.page(&urls::issue(issue)).await.assert_reads("I pressed Pay");
        let page = ana.page(&urls::project_feedback("shop", "", "", "")).await;
        page.assert_reads("via error page");
        assert!(page.html().contains(&urls::event(issue, id)), "{}", page.html());
        app.run_jobs().await;
    });
}
