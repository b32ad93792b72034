//! What people type, click and open in the dashboard, also when it makes no sense or means harm.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::json;
use vedette::route_table;
use vedette::web::urls;

use crate::access::Places;
use crate::harness::http::send;
use crate::harness::{Person, TestApp, app_test, error};

/// Sends events and waits until all that follows from them is done.
async fn capture(app: &TestApp, project: &crate::harness::Project, events: Vec<crate::harness::events::Event>) {
    for event in events {
        app.sdk(project).capture(event).await.assert_ok();
    }
    app.digest_all().await;
    app.run_jobs().await;
}

#[test]
fn made_up_tag_keys_and_environments_are_bounded_and_hide_nothing_of_the_products_own() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let hostile = |number: u128| {
            let mut event = error("Boom").id(number).release("1.4.2").user("7").with("environment", json!(format!("e{number}")));
            for key in 0..60 {
                event = event.tag(&format!("a{number}.{key}"), "x");
            }
            event
        };
        let events = (1..=120).map(hostile).collect();
        capture(app, &shop, events).await;
        // Alone in its batch, when all places are taken: an environment that is known, and a key that is not.
        capture(app, &shop, vec![error("Boom").id(1000).with("environment", json!("e1")).tag("late", "x")]).await;
        let issue = app.only_issue(&shop).await;
        let count = async |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).bind(issue).fetch_one(app.db()).await.unwrap();
        let keys = count("select count(*) from issue_tags where issue_id = $1").await;
        assert!((200..=220).contains(&keys), "{keys} keys are kept");
        assert_eq!(count("select count(*) from issue_tags where issue_id = $1 and key = 'late'").await, 0);
        assert_eq!(count("select count(*) from issue_environments where issue_id = $1").await, 100);
        assert_eq!(count("select event_count from issues where issue_id = $1").await, 121, "events are counted whatever they carry");
        let page = ana.page(&urls::issue(issue)).await;
        for text in ["level", "release", "environment", "user", "more keys not shown", "the first 200 keys", "more than 100 values"] {
            page.assert_reads(text);
        }
    });
}

#[test]
fn typed_filters_filter_and_other_words_are_looked_for() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        capture(
            app,
            &shop,
            vec![
                error("Open").id(1).release("1.2").with("environment", json!("west europe")),
                error("Warned").id(2).release("1.3").with("level", json!("warning")),
                error("Done").id(3),
                error("tag:value").id(4),
            ],
        )
        .await;
        let done: i64 = sqlx::query_scalar("select issue_id from issues where title like 'Done%'").fetch_one(app.db()).await.unwrap();
        ana.post(&urls::issue_action(done, "resolve"), &[]).await.assert_status(303);
        for (typed, found) in [
            ("is:resolved", vec!["Done"]),
            ("is:unresolved", vec!["Open", "Warned", "tag:value"]),
            ("level:warning", vec!["Warned"]),
            ("environment:\"west europe\"", vec!["Open"]),
            ("release:1.3", vec!["Warned"]),
            ("release:1.3 level:error", vec![]),
            ("tag:value", vec!["tag:value"]),
            ("is:nonsense", vec![]),
        ] {
            let query = urls::IssueQuery { q: typed.to_owned(), ..urls::IssueQuery::default() };
            let page = ana.page(&query.url()).await;
            let rows: Vec<_> = page.html().split("data-test=\"issue\"").skip(1).collect();
            let names = ["Done", "Open", "Warned", "tag:value"];
            let shown: Vec<_> = names.into_iter().filter(|name| rows.iter().any(|row| row.contains(&format!("<b>{name}")))).collect();
            assert_eq!(shown, found, "{typed}");
        }
        ana.page("/issues?q=is%3Aresolved").await.assert_reads("is:resolved");
    });
}

#[test]
fn a_nul_anywhere_is_an_answer_and_no_failure() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let places = Places::make(app, &shop).await;
        for route in route_table() {
            let parts: Vec<_> = route.path.split('/').collect();
            for (at, _) in parts.iter().enumerate().filter(|(_, part)| part.starts_with('{')) {
                let mut parts: Vec<String> = places.path(route.path).split('/').map(str::to_owned).collect();
                parts[at] = "%00".to_owned();
                let path = parts.join("/");
                let answer = if route.method == Method::GET { root.get(&path).await } else { root.post(&path, &[]).await };
                assert_eq!(answer.status, 404, "{} {path}", route.method);
            }
            let path = places.path(route.path);
            let answer = if route.method == Method::GET {
                let names = ["project", "q", "environment", "level", "sort", "status", "next", "platform", "span"];
                let query: Vec<_> = names.iter().map(|name| format!("{name}=a%00b")).collect();
                root.get(&format!("{path}?{}", query.join("&"))).await
            } else if path == "/sign-out" {
                continue;
            } else {
                let names = ["name", "email", "password", "current", "action", "next", "id", "back"];
                root.post(&path, &names.map(|name| (name, "a\0b@example.test"))).await
            };
            assert!(answer.status.as_u16() < 500, "{} {path}: {}", route.method, answer.text());
        }
    });
}

#[test]
fn an_address_used_the_wrong_way_says_which_way_is_right() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let places = Places::make(app, &shop).await;
        let ask = async |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path).header(header::COOKIE, &root.cookie);
            let request = request.header(header::HOST, "errors.example").header("sec-fetch-site", "same-origin");
            send(&app.router, request.body(Body::empty()).unwrap()).await
        };
        for (method, path, allow) in [
            ("GET", "/issues/bulk".to_owned(), "POST"),
            ("GET", places.path("/issues/{issue}/resolve"), "POST"),
            ("PUT", "/issues".to_owned(), "GET,HEAD"),
            ("DELETE", places.path("/issues/{issue}"), "GET,HEAD"),
        ] {
            let answer = ask(method, &path).await;
            assert_eq!((answer.status.as_u16(), answer.header(header::ALLOW)), (405, allow), "{method} {path}");
        }
    });
}

#[test]
fn a_form_sent_after_the_session_ended_leads_back_to_its_page() {
    app_test(async |app| {
        let nobody = Person::anonymous(app);
        let from = async |referer: &str| {
            let headers = [("origin", "https://errors.example"), ("sec-fetch-site", "same-origin"), ("referer", referer)];
            nobody.post_from("/issues/bulk", &[("action", "resolve")], &headers).await.assert_status(401)
        };
        let page = from("https://errors.example/issues?project=shop&q=a%20b#x").await;
        page.assert_reads("Your session has ended");
        let href = urls::sign_in_then("/issues?project=shop&q=a%20b").replace('&', "&#38;");
        assert!(page.html().contains(&format!("href=\"{href}\"")), "{}", page.html());
        for foreign in ["https://evil.example/issues/7", "https://errors.example//evil.example/", "nonsense", "javascript:alert(1)"] {
            let page = from(foreign).await;
            assert!(page.html().contains(&format!("href=\"{}\"", urls::sign_in_then("/issues"))), "{foreign}: {}", page.html());
        }
    });
}

#[test]
fn a_huge_query_makes_no_huge_header() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        capture(app, &shop, vec![error("Boom").id(1)]).await;
        let issue = app.only_issue(&shop).await.to_string();
        let long = format!("/issues?q={}", "x".repeat(70_000));
        ana.post("/issues/bulk", &[("action", "resolve"), ("id", &issue), ("back", &long)]).await.assert_redirect("/issues");
        let page = ana.page(&format!("/issues?status=resolved&q={}", "x".repeat(60_000))).await;
        assert!(page.html().len() < 60_000, "{} bytes", page.html().len());
    });
}

#[test]
fn a_title_cannot_disguise_itself_by_turning_the_writing() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        capture(app, &shop, vec![error("Invoice\u{202e}gpj.exe").id(1).tag("k", "\u{202b}v")]).await;
        let issue = app.only_issue(&shop).await;
        let stored: String = sqlx::query_scalar("select title from issues").fetch_one(app.db()).await.unwrap();
        assert!(stored.contains('\u{202e}'), "what is stored stays as it was sent");
        for path in [urls::home(), urls::issue(issue), urls::mails()] {
            let page = ana.page(&path).await;
            assert!(!page.html().contains(['\u{202e}', '\u{202b}']), "{path}");
        }
        ana.page(&urls::home()).await.assert_reads("Invoice[U+202E]gpj.exe");
        let page = ana.page(&urls::issue(issue)).await;
        let title = page.html().split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        assert!(title.starts_with("Invoice[U+202E]gpj.exe"), "{title}");
        let mails = app.mails().await;
        assert!(!mails[0].subject.contains('\u{202e}') && !mails[0].html_body.contains('\u{202e}'), "{}", mails[0].subject);
    });
}
