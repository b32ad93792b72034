//! Who may send, and what the others are told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn bare(path: &str) -> http::request::Builder {
    Request::builder().method(Method::POST).uri(path)
}

fn with_dsn(dsn: &str) -> String {
    format!("{{\"event_id\":\"{ID}\",\"dsn\":\"{dsn}\"}}\n{{\"type\":\"event\"}}\n{{}}")
}

#[tokio::test]
async fn every_place_for_credentials_is_enough() {
    let house = House::new();
    let basic = |user: &str| format!("Basic {}", STANDARD.encode(user));
    let query = format!("{ENVELOPE}?sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.browser%2F9.1");
    let requests = [
        bare(ENVELOPE).header("x-sentry-auth", format!("Sentry sentry_key={KEY},sentry_version=7,sentry_client=sentry-dotnet/5.0")),
        bare(ENVELOPE).header("X-Sentry-Auth", format!("sentry sentry_key={KEY}")),
        bare(ENVELOPE).header("authorization", format!("Sentry sentry_key={KEY}, sentry_secret=x")),
        bare(ENVELOPE).header("authorization", basic(&format!("{KEY}:"))),
        bare(&query),
        bare(&query).header("authorization", basic("admin:secret")),
        bare(&query).header("x-sentry-auth", "Bearer of something else"),
    ];
    for request in requests {
        house.send(request.body(event_envelope().into()).unwrap()).await.assert_id(ID);
    }
    let records = house.records().await;
    assert_eq!(records.len(), 7);
    assert!(records.iter().all(|record| (record.project_id, record.dsn_id, record.key_id) == (7, 42, 1)));
    let clients: Vec<_> = records.iter().map(|record| record.sentry_client.as_deref()).collect();
    let browser = Some("sentry.javascript.browser/9.1");
    assert_eq!(clients, [Some("sentry-dotnet/5.0"), None, None, None, browser, browser, browser]);
}

#[tokio::test]
async fn an_envelope_may_bring_its_credentials_inside() {
    let house = House::new();
    let body = with_dsn(&format!("https://{KEY}@sentry.example/sub/42"));
    house.send(bare(ENVELOPE).body(body.into()).unwrap()).await.assert_id(ID);
    let record = house.only_record().await;
    assert_eq!(record.key_id, 1);
    assert!(!String::from_utf8_lossy(&record.envelope).contains(KEY), "credentials are not kept");
}

#[tokio::test]
async fn refusals_name_their_reason() {
    let house = House::new();
    let event = event_envelope;
    let key = |key: &str| format!("Sentry sentry_key={key}");
    let rejected = "event submission rejected with_reason: ProjectId";
    let bad_dsn = "bad envelope authentication header";
    for (request, body, status, detail, cause) in [
        (bare(ENVELOPE), event(), 401, "missing authorization information", None),
        (bare(STORE), "{}".to_owned(), 401, "missing authorization information", None),
        (bare("/api/store/"), "{}".to_owned(), 401, "missing authorization information", None),
        (
            bare(ENVELOPE).header("x-sentry-auth", "Sentry sentry_version=7"),
            event(),
            401,
            "bad x-sentry-auth header",
            Some("missing public key in auth header"),
        ),
        (bare(ENVELOPE).header("x-sentry-auth", key("zz")), event(), 400, "bad sentry DSN public key", Some("invalid project key")),
        (
            bare("/api/shop/envelope/").header("x-sentry-auth", key(KEY)),
            event(),
            400,
            "bad project path parameter",
            Some("invalid project id"),
        ),
        (
            bare("/api/0/envelope/").header("x-sentry-auth", key(KEY)),
            event(),
            400,
            "bad project path parameter",
            Some("invalid project id"),
        ),
        (
            bare(ENVELOPE).header("x-sentry-auth", key("ffffffffffffffffffffffffffffffff")),
            event(),
            403,
            rejected,
            Some("no such key on this server"),
        ),
        (bare(ENVELOPE).header("x-sentry-auth", key(DISABLED)), event(), 403, rejected, Some("the key is switched off")),
        (bare(ENVELOPE).header("x-sentry-auth", key(PICKY)), event(), 403, rejected, Some("the key is not one of this project number")),
        (
            bare("/api/43/envelope/").header("x-sentry-auth", key(KEY)),
            event(),
            403,
            rejected,
            Some("the key is not one of this project number"),
        ),
        (
            bare("/api/77/store/").header("x-sentry-auth", key(KEY)),
            "{}".to_owned(),
            403,
            rejected,
            Some("the key is not one of this project number"),
        ),
        (bare(ENVELOPE), with_dsn("nonsense"), 401, bad_dsn, Some("invalid DSN")),
    ] {
        let answer = house.send(request.body(body.into()).unwrap()).await;
        let cause = if detail == bad_dsn { answer.json()["causes"][0].as_str().map(str::to_owned) } else { cause.map(str::to_owned) };
        assert!(detail != bad_dsn || cause.is_some());
        answer.assert_refused(status, detail, cause.as_deref());
    }
    assert!(house.records().await.is_empty());
    assert_eq!(house.ingest.flush_refused(now()).await, 0, "nobody's requests are counted for nobody");
}

#[tokio::test]
async fn an_envelope_that_names_another_dsn_is_refused() {
    let house = House::new();
    for dsn in [format!("https://{KEY}@e.com/43"), format!("https://{PICKY}@e.com/42")] {
        let answer = house.post(ENVELOPE, with_dsn(&dsn)).await;
        answer.assert_refused(400, "invalid event envelope", Some("project id header mismatch between envelope and request"));
        let answer = house.send(bare("/api/44/envelope/").body(with_dsn(&dsn).into()).unwrap()).await;
        answer.assert_refused(400, "invalid event envelope", Some("project id header mismatch between envelope and request"));
    }
    // One that agrees, or that says nothing, is fine.
    for dsn in [format!("http://{KEY}:secret@other.example:9000/a/b/42"), "nonsense".to_owned()] {
        house.post(ENVELOPE, with_dsn(&dsn)).await.assert_id(ID);
    }
    assert_eq!(house.records().await.len(), 2);
}

#[tokio::test]
async fn a_key_that_nobody_can_tell_of_is_asked_for_later() {
    let house = House::new();
    let answer = house
        .send(bare(ENVELOPE).header("x-sentry-auth", format!("Sentry sentry_key={UNSEEN}")).body(event_envelope().into()).unwrap())
        .await;
    assert_eq!((answer.status.as_u16(), answer.header("x-sentry-rate-limits")), (429, "10::organization:database_away"));
    assert_eq!(answer.header("retry-after"), "10");
}

#[tokio::test]
async fn only_allowed_pages_send() {
    let house = House::new();
    let picky = || bare("/api/43/envelope/").header("x-sentry-auth", format!("Sentry sentry_key={PICKY}"));
    for (name, value, allowed) in [
        ("origin", "https://www.shop.example", true),
        ("origin", "https://www.shop.example:8443", true),
        ("referer", "https://www.shop.example/cart?x=1", true),
        ("accept", "a client that is no page", true),
        ("origin", "https://evil.example", false),
        ("origin", "https://shop.example.evil.example", false),
        ("referer", "https://evil.example/www.shop.example", false),
    ] {
        let answer = house.send(picky().header(name, value).body(event_envelope().into()).unwrap()).await;
        if allowed {
            answer.assert_id(ID);
        } else {
            answer.assert_refused(403, "event submission rejected with_reason: Cors", Some("the page is not of the key's allowed domains"));
        }
    }
    let records = house.records().await;
    assert_eq!(records.len(), 4);
    assert_eq!(records[0].origin.as_deref(), Some("https://www.shop.example"));
    assert_eq!(house.ingest.flush_refused(now()).await, 1);
    let record = house.only_record().await;
    assert_eq!((record.dsn_id, record.key_id), (43, 2));
    assert_eq!(counts(&record.counted), [count("unknown invalid cors", 3)]);
}

#[tokio::test]
async fn the_head_of_a_request_is_kept() {
    let house = House::new();
    let request = post(ENVELOPE)
        .header("user-agent", "Mozilla/5.0")
        .header("sec-ch-ua", "\"Chromium\";v=\"131\"")
        .header("sec-ch-ua-mobile", "?0")
        .header("sec-ch-ua-platform", "\"Linux\"")
        .header("sec-ch-ua-platform-version", "\"6.1\"")
        .header("sec-ch-ua-model", "\"\"")
        .header("referer", "https://shop.example/cart");
    house.send(from_peer(request.body(event_envelope().into()).unwrap(), "192.0.2.7:5000")).await.assert_id(ID);
    let record = house.only_record().await;
    assert_eq!(record.received, now().timestamp_micros());
    assert_eq!(record.client_ip, Some("192.0.2.7".parse().unwrap()));
    assert_eq!(record.user_agent.as_deref(), Some("Mozilla/5.0"));
    assert_eq!(record.hints.brands.as_deref(), Some("\"Chromium\";v=\"131\""));
    assert_eq!(record.hints.mobile.as_deref(), Some("?0"));
    assert_eq!(record.hints.platform.as_deref(), Some("\"Linux\""));
    assert_eq!(record.hints.platform_version.as_deref(), Some("\"6.1\""));
    assert_eq!(record.hints.model.as_deref(), Some("\"\""));
    assert_eq!(record.origin.as_deref(), Some("https://shop.example/cart"));
    assert_eq!(record.sentry_client.as_deref(), Some("test/1"));
}

#[tokio::test]
async fn forwarded_addresses_are_believed_from_trusted_proxies_only() {
    let proxied = |proxies: &str| {
        House::with(JournalOptions::default(), Settings { trusted_proxies: proxies.parse().unwrap(), ..Settings::default() })
    };
    for (proxies, peer, expected) in
        [("", "127.0.0.1:1", "127.0.0.1"), ("loopback", "127.0.0.1:1", "203.0.113.9"), ("loopback", "192.0.2.1:1", "192.0.2.1")]
    {
        let house = proxied(proxies);
        let request = post(ENVELOPE).header("x-forwarded-for", "10.9.9.9").header("x-forwarded-for", "6.6.6.6, 203.0.113.9");
        house.send(from_peer(request.body(event_envelope().into()).unwrap(), peer)).await.assert_id(ID);
        assert_eq!(house.only_record().await.client_ip, Some(expected.parse().unwrap()), "{proxies} {peer}");
    }
}
