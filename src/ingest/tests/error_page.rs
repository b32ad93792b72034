//! The crash report dialog: its script, its form, and what digest will read.

use serde_json::json;

use super::*;
use crate::protocol::record::Endpoint;

const PATHS: [&str; 4] =
    ["/api/embed/error-page/", "/api/embed/error-page", "/below/a/path/api/embed/error-page/", "/api//embed/error-page//"];
const PAGE: &str = "https://www.shop.example";
const FORM: &str = "name=Ana+K&email=ana%40example.test&comments=It+broke%21%0Atwice";

/// The dialog's address for a key and project, with `more` at its end.
fn address(key: &str, project: u32, more: &str) -> String {
    format!("{}?dsn=http://{key}@127.0.0.1:9797/{project}&eventId={ID}{more}", PATHS[0])
}

fn ask(method: Method, address: &str) -> http::request::Builder {
    Request::builder().method(method).uri(address).header("origin", PAGE)
}

/// Sends without the rules on CORS that hold for the other endpoints.
pub(super) async fn send(house: &House, request: Request<Body>) -> Answer {
    let response = Arc::clone(&house.ingest).routes().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

async fn get(house: &House, address: &str) -> Answer {
    send(house, ask(Method::GET, address).body(Body::empty()).unwrap()).await
}

async fn submit(house: &House, address: &str, form: &str) -> Answer {
    let request = ask(Method::POST, address).header("content-type", "application/x-www-form-urlencoded");
    send(house, request.body(Body::from(form.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_page_gets_the_script_with_its_texts() {
    let house = House::new();
    for path in PATHS {
        let address = address(KEY, 42, "&title=Oops%3C%2Fscript%3E&name=Jane").replace(PATHS[0], path);
        let answer = get(&house, &address).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/javascript; charset=utf-8"));
        assert_eq!(answer.header("access-control-allow-origin"), PAGE);
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
        assert!(!answer.headers.contains_key("set-cookie"));
        let script = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(script.contains(r"Oops\u003c/script\u003e") && !script.contains("</script"), "{script}");
        // What the script posts to where the page hides from it how it was loaded.
        assert!(script.contains(r#""endpoint":"http://127.0.0.1:9797/api/embed/error-page/?dsn=http://"#), "{script}");
    }
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn a_form_is_a_user_report_in_the_journal_before_the_answer() {
    let house = House::new();
    let answer = submit(&house, &address(KEY, 42, ""), FORM).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({})));
    let record = house.only_record().await;
    assert_eq!((record.endpoint, record.project_id, record.key_id), (Endpoint::ErrorPage, 7, 1));
    assert_eq!((record.event_id, record.origin.as_deref()), (ID.parse().ok(), Some(PAGE)));
    assert_eq!(kinds(&record), ["user_report"]);
    let said: Value = serde_json::from_slice(&items(&record)[0].payload).unwrap();
    assert_eq!(said, json!({"event_id": ID, "name": "Ana K", "email": "ana@example.test", "comments": "It broke!\ntwice"}));
}

#[tokio::test]
async fn parameters_that_cannot_be_used_are_named() {
    let house = House::new();
    let (event, dsn) = (json!({"eventId": "Missing or invalid parameter."}), json!({"dsn": "Missing or invalid parameter."}));
    let base = PATHS[0];
    for (path, status, body) in [
        (base.to_owned(), 400, &event),
        (format!("{base}?dsn=http://{KEY}@h/42"), 400, &event),
        (address(KEY, 42, "").replace(ID, "no-uuid"), 400, &event),
        (format!("{base}?eventId={ID}"), 404, &dsn),
        (format!("{base}?eventId={ID}&dsn=nonsense"), 404, &dsn),
        (address("ffffffffffffffffffffffffffffffff", 42, ""), 404, &dsn),
        (address(DISABLED, 42, ""), 404, &dsn),
        (address(KEY, 43, ""), 404, &dsn),
    ] {
        for answer in [get(&house, &path).await, submit(&house, &path, FORM).await] {
            assert_eq!((answer.status.as_u16(), &answer.json()), (status, body), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), PAGE);
        }
    }
    let unseen = get(&house, &address(UNSEEN, 42, "")).await;
    assert_eq!((unseen.status.as_u16(), unseen.header("retry-after").is_empty()), (429, false));
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn fields_that_cannot_be_used_are_named() {
    let house = House::new();
    let address = address(KEY, 42, "");
    let answer = submit(&house, &address, "name=Ana&email=nobody&comments=+").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json(), json!({"errors": {"email": ["This is not an e-mail address."], "comments": ["This field is required."]}}));
    let answer = submit(&house, &address, &format!("name=a&email=a@b.c&comments={}", "x".repeat(70_000))).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (413, PAGE));
    assert!(house.records().await.is_empty());
}

#[tokio::test]
async fn only_allowed_pages_may_ask() {
    let house = House::new();
    let picky = address(PICKY, 43, "");
    assert_eq!(get(&house, &picky).await.status, 200);
    assert_eq!(submit(&house, &picky, FORM).await.status, 200);
    for origin in [("origin", "https://evil.example"), ("referer", "https://evil.example/page"), ("x-none", "")] {
        for method in [Method::GET, Method::POST] {
            let request = Request::builder().method(method).uri(&picky).header(origin.0, origin.1);
            let answer = send(&house, request.body(Body::from(FORM)).unwrap()).await;
            assert_eq!(answer.status, 403, "{origin:?}");
        }
    }
    let by_referer = Request::builder().uri(&picky).header("referer", "https://shop.example/cart").body(Body::empty()).unwrap();
    assert_eq!(send(&house, by_referer).await.status, 200);
    // Without a list everybody may, also a page that does not say which it is.
    let nobody = send(&house, Request::builder().uri(address(KEY, 42, "")).body(Body::empty()).unwrap()).await;
    assert_eq!((nobody.status.as_u16(), nobody.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(house.records().await.len(), 1);
}

#[tokio::test]
async fn whoever_wants_a_script_gets_an_empty_one_instead_of_an_error() {
    let house = House::new();
    let request = |address: &str| ask(Method::GET, address).header("accept", "text/javascript, */*;q=0.1").body(Body::empty()).unwrap();
    let answer = send(&house, request(PATHS[0])).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (400, 0));
    assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(answer.header("x-sentry-context"), r#"{"eventId":"Missing or invalid parameter."}"#);
    assert!(answer.header("vary").contains("Accept"));
    let answer = send(&house, request(&address(UNSEEN, 42, ""))).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (429, 0));
    let answer = send(&house, request(&address(KEY, 42, ""))).await;
    assert!(answer.status == 200 && !answer.body.is_empty());
}

#[tokio::test]
async fn preflights_need_nothing_and_other_methods_are_none() {
    let house = House::new();
    let preflight = ask(Method::OPTIONS, PATHS[0])
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "sentry-trace, baggage, x y, (z)");
    let answer = send(&house, preflight.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, PAGE));
    assert_eq!(answer.header("access-control-allow-methods"), "GET, POST, OPTIONS");
    assert_eq!(answer.header("access-control-max-age"), "1000");
    let allowed = answer.header("access-control-allow-headers");
    assert!(allowed.contains("Content-Type") && allowed.ends_with("sentry-trace, baggage"), "{allowed}");
    let answer = send(&house, ask(Method::PUT, &address(KEY, 42, "")).body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, POST, OPTIONS"));
}

#[tokio::test]
async fn nobody_is_thanked_for_words_over_a_limit() {
    let house = House::new();
    let page = address(limits::SCARCE, 44, "");
    assert_eq!(submit(&house, &page, FORM).await.status, 200);
    assert_eq!(submit(&house, &page, FORM).await.status, 429);
    assert_eq!(house.records().await.len(), 1);
}

#[tokio::test]
async fn a_full_journal_says_so_and_takes_nothing() {
    let house = House::with(JournalOptions { max_bytes: 1, ..JournalOptions::default() }, Settings::default());
    let answer = submit(&house, &address(KEY, 42, ""), FORM).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after").is_empty()), (429, false));
    assert_eq!(answer.header("access-control-allow-origin"), PAGE);
    assert!(house.records().await.is_empty());
    assert_eq!(get(&house, &address(KEY, 42, "")).await.status, 200, "the dialog still opens");
}
