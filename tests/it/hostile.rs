//! Whatever a client can send: a clear answer, nothing lost beside it, nothing that runs in a browser.

use std::io::Write as _;

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};
use serde_json::{Value, json};
use vedette::events::payload;
use vedette::web::page::HOSTILE;
use vedette::web::urls;

use crate::harness::events::{envelope, event_id};
use crate::harness::markup::{assert_inert, assert_page};
use crate::harness::{TestApp, app_test, error};

/// An event's JSON with `middle` as it is in it.
fn raw(number: u128, middle: &[u8]) -> Vec<u8> {
    [format!("{{\"event_id\":\"{}\",\"message\":\"ok\",\"extra\":{{\"x\":", event_id(number).simple()).as_bytes(), middle, b"}}"].concat()
}

async fn stored(app: &TestApp, number: u128) -> Value {
    let packed: Vec<u8> =
        sqlx::query_scalar("select payload from events where event_id = $1").bind(event_id(number)).fetch_one(app.db()).await.unwrap();
    payload::decode(&packed).unwrap()
}

#[test]
fn strings_and_numbers_that_no_database_takes_are_stored_as_what_it_does() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let deep = [vec![b'['; 1000], vec![b']'; 1000]].concat();
        let cases: [&[u8]; 8] = [
            br#""a\u0000b""#,
            br#""\ud800 alone""#,
            b"\"\xff\xfe\"",
            b"NaN",
            b"[Infinity,-Infinity,1e400]",
            &deep,
            b"18446744073709551616",
            br#"{"a":1,"a":2}"#,
        ];
        for (number, middle) in cases.iter().enumerate() {
            app.sdk(&shop).envelope(envelope(&[("event", &raw(number as u128, middle))])).await.assert_ok();
        }
        // NUL where columns and indexes are.
        let mut nul = error("Nul\0").id(100).release("1\0").user("u\0").tag("k\0", "v\0").with("environment", json!("e\0"));
        nul.0["transaction"] = json!("t\0");
        app.sdk(&shop).capture(nul).await.assert_ok();
        app.sdk(&shop).capture(error("Fine").id(101)).await.assert_ok();
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error stored 10"]);
        for number in 0..cases.len() as u128 {
            assert!(!stored(app, number).await["extra"].is_null(), "{number}");
        }
        app.run_jobs().await;
        for issue in app.issues(&shop).await {
            assert_page(ana.page(&urls::issue(issue)).await.html(), "an issue");
        }
    });
}

#[test]
fn texts_beyond_every_bound_are_cut() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let long = "é\"<&".repeat(8_000);
        let mut event = error(&long).id(1).release(&long).user(&long).with("environment", json!(long)).with("transaction", json!(long));
        for number in 0..500 {
            event = event.tag(&format!("{number}{}", "k".repeat(300)), &long[..400]);
        }
        event.0["fingerprint"] = json!([long, "{{ default }}"]);
        event.0["breadcrumbs"] = json!({"values": vec![json!({"message": "x".repeat(100)}); 1000]});
        app.sdk(&shop).capture(event).await.assert_ok();
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error stored 1"]);
        app.run_jobs().await;
        let issue = app.only_issue(&shop).await;
        assert_page(ana.page(&urls::issue(issue)).await.html(), "the issue");
        assert_page(ana.page(&urls::home()).await.html(), "the list");
        assert!(app.mails().await[0].subject.len() < 500);
    });
}

/// A gzip stream of a GiB of blanks, in about a megabyte.
fn bomb() -> Vec<u8> {
    let mut body = GzEncoder::new(Vec::new(), Compression::default());
    body.write_all(b"").unwrap();
    let mut bytes = body.finish().unwrap()[..10].to_vec();
    let block = vec![b' '; 1 << 20];
    let mut packed = Vec::with_capacity(1 << 16);
    Compress::new(Compression::best(), false).compress_vec(&block, &mut packed, FlushCompress::Full).unwrap();
    for _ in 0..1024 {
        bytes.extend_from_slice(&packed);
    }
    bytes
}

/// The most memory that this process has ever had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default() / 1024
}

#[test]
fn bodies_that_are_not_what_they_say_are_refused_and_their_neighbours_are_not() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (plain, gzip) = (app.sdk(&shop), app.sdk(&shop).with("content-encoding", "gzip"));
        let before = peak();
        let bomb = bomb();
        assert!(bomb.len() < 3 << 20, "{} bytes", bomb.len());
        gzip.post("envelope", bomb.clone()).await.assert_status(413);
        gzip.post("store", bomb).await.assert_status(413);
        assert!(peak() - before < 400, "{} MiB more", peak() - before);
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&error("Boom").id(1).envelope()).unwrap();
        let packed = packed.finish().unwrap();
        let cut = packed[..packed.len() - 20].to_vec();
        gzip.post("envelope", cut).await.assert_status(400);
        gzip.post("envelope", "this is no gzip").await.assert_status(400);
        plain.post("envelope", "").await.assert_status(400);
        plain.post("store", "").await.assert_status(400);
        plain.post("envelope", "{}\n{\"type\":\"event\",\"length\":1000}\n{}").await.assert_status(400);
        plain.post("envelope", "{}\n{\"type\":\"event\",\"length\":1}\n{\"a\":1}\n").await.assert_status(400);
        plain.post("envelope", "no json\n{}").await.assert_status(400);
        plain.envelope("{}").await.assert_ok();
        // After all of them the next one is taken.
        gzip.post("envelope", packed).await.assert_ok();
        app.expected.add(1);
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error stored 1"]);
        app.run_jobs().await;
    });
}

#[test]
fn markup_in_every_field_is_text_on_every_page() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let frame = json!({
            "function": HOSTILE, "module": HOSTILE, "filename": HOSTILE, "abs_path": HOSTILE, "lineno": 7, "in_app": true, "package": HOSTILE,
            "pre_context": [HOSTILE], "context_line": HOSTILE, "post_context": [HOSTILE], "vars": {HOSTILE: HOSTILE, "deep": {HOSTILE: [HOSTILE]}},
        });
        let fields = json!({HOSTILE: HOSTILE, "nested": {HOSTILE: [HOSTILE]}});
        let event = json!({
            "event_id": event_id(1).simple().to_string(), "platform": HOSTILE, "level": HOSTILE, "logger": HOSTILE, "server_name": HOSTILE,
            "release": HOSTILE, "environment": HOSTILE, "dist": HOSTILE, "transaction": HOSTILE, "fingerprint": ["{{ default }}", HOSTILE],
            "logentry": {"message": HOSTILE, "formatted": HOSTILE, "params": [HOSTILE]},
            "exception": {"values": [
                {"type": HOSTILE, "value": HOSTILE, "module": HOSTILE, "stacktrace": {"frames": [frame]}, "mechanism": {"type": HOSTILE, "help_link": "javascript:alert(1)", "data": fields, "meta": fields}},
                {"type": HOSTILE, "value": HOSTILE, "stacktrace": {"frames": [frame]}},
            ]},
            "threads": {"values": [{"id": HOSTILE, "name": HOSTILE, "stacktrace": {"frames": [frame]}, "crashed": true}]},
            "breadcrumbs": {"values": [{"type": HOSTILE, "category": HOSTILE, "message": HOSTILE, "level": HOSTILE, "data": fields}]},
            "user": {"id": HOSTILE, "email": HOSTILE, "username": HOSTILE, "ip_address": HOSTILE, "name": HOSTILE, "data": fields},
            "request": {"url": "javascript:alert(1)", "method": HOSTILE, "query_string": HOSTILE, "cookies": HOSTILE, "data": fields, "headers": [[HOSTILE, HOSTILE], ["Referer", "javascript:alert(1)"]], "env": fields},
            "contexts": {HOSTILE: fields, "browser": {"name": HOSTILE, "version": HOSTILE}, "os": {"name": HOSTILE}, "device": {"model": HOSTILE}, "trace": {"trace_id": HOSTILE}},
            "tags": {"plain": HOSTILE, HOSTILE: "x"}, "extra": fields, "modules": {HOSTILE: HOSTILE},
            "sdk": {"name": HOSTILE, "version": HOSTILE, "packages": [{"name": HOSTILE, "version": HOSTILE}]},
        });
        app.sdk(&shop).envelope(envelope(&[("event", event.to_string().as_bytes())])).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let issue = app.only_issue(&shop).await;
        let mail = app.mails().await.remove(0);
        let id = event_id(1).simple().to_string();
        ana.post(&urls::issue_action(issue, "resolve"), &[]).await.assert_status(303);
        for path in [
            "/issues?status=resolved".to_owned(),
            format!(
                "/issues?q={0}&status={0}&environment={0}&level={0}&sort={0}&after={0}",
                url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect::<String>()
            ),
            urls::issue(issue),
            urls::event(issue, &id),
            urls::event_grouping(issue, &id),
            urls::mails(),
            urls::mail(mail.id),
            urls::project("shop"),
            urls::projects(),
            urls::sign_in_then(HOSTILE),
        ] {
            let answer = ana.get(&path).await;
            if answer.status != 303 {
                assert_page(answer.assert_ok().html(), &path);
            }
        }
        assert_page(ana.get(&urls::project(HOSTILE)).await.assert_status(404).html(), "no such project");
        let raw = ana.page(&urls::event_json(issue, &id)).await;
        assert!(!raw.header("content-type").contains("html"), "{}", raw.header("content-type"));
        let tags = crate::harness::markup::read(&mail.html_body).unwrap_or_else(|wrong| panic!("the mail: {wrong}"));
        assert!(
            tags.iter()
                .all(|tag| tag.name != "script" && tag.name != "img" && tag.attributes.iter().all(|(name, _)| !name.starts_with("on")))
        );
        assert!(!mail.subject.contains(['\r', '\n']));
        assert_inert(ana.page(&urls::account()).await.html(), "the account");
    });
}
