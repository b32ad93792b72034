//! `vedette explain` tells what digest stores.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use vedette::events::payload;
use vedette::projects::{NewProject, create};
use vedette::protocol::auth::{self, Places};
use vedette::protocol::encoding::{Codings, decode};
use vedette::protocol::envelope::Envelope;
use vedette::protocol::{ItemKind, Limits, store_body};

use crate::harness::http::send;
use crate::harness::sdk::quantities;
use crate::harness::{TestApp, app_test, error};

/// Filters that take nothing: `explain` has none.
fn no_filters() -> Value {
    json!({"filters": {"legacyBrowsers": [], "webCrawlers": false, "healthChecks": false, "hydrationErrors": false, "cspSources": false}})
}

/// What was known of an event's request.
#[derive(Debug, Default)]
struct Told {
    client_ip: String,
    user_agent: String,
    client: String,
}

fn explain(event: &[u8], told: &Told, received: DateTime<Utc>) -> Value {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vedette"))
        .args(["explain", "--client-ip", &told.client_ip, "--user-agent", &told.user_agent, "--client", &told.client, "--scrub", "{}"])
        .args(["--received", &received.to_rfc3339_opts(SecondsFormat::Micros, true), "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(event).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Without what grouping rewrites in frames.
fn plain(mut event: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::Array(frames)) = map.get_mut("frames") {
                    for frame in frames.iter_mut().filter_map(Value::as_object_mut) {
                        for key in ["in_app", "function", "raw_function", "data"] {
                            frame.remove(key);
                        }
                    }
                }
                map.values_mut().for_each(walk);
            }
            Value::Array(values) => values.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut event);
    event
}

/// The stored event is what `explain` says of it; whether it was stored at all.
async fn compare(app: &TestApp, name: &str, told: &Told, sent: &[u8]) {
    let explained = explain(sent, told, app.clock.now());
    let id: Uuid = explained["normalized"]["event_id"].as_str().unwrap_or_else(|| panic!("{name}: no id")).parse().unwrap();
    let found: Option<(Vec<u8>, Uuid, i64)> =
        sqlx::query_as("select payload, hash, issue_id from events where event_id = $1").bind(id).fetch_optional(app.db()).await.unwrap();
    let (packed, hash, issue) = found.unwrap_or_else(|| panic!("{name} is not stored"));
    let (stored, normalized) = (plain(payload::decode(&packed).unwrap()), plain(explained["normalized"].clone()));
    for (key, value) in normalized.as_object().unwrap() {
        assert_eq!(&stored[key], value, "{name}: {key}");
    }
    let more: Vec<_> = stored.as_object().unwrap().iter().filter(|(key, _)| normalized.get(key).is_none()).collect();
    assert!(more.is_empty(), "{name}: stored, but not explained: {more:?}");
    let hashes: Vec<Uuid> =
        explained["grouping"]["hashes"].as_array().unwrap().iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(hashes[0], hash, "{name}");
    let leading: i64 =
        sqlx::query_scalar("select count(*) from issue_hashes where hash = any($1)").bind(&hashes).fetch_one(app.db()).await.unwrap();
    assert_eq!(leading, hashes.len() as i64, "{name}: every hash leads to an issue");
    let newest = "select title, culprit, level, kind from issues where issue_id = $1 and last_seen = $2";
    let newest: Option<(String, String, String, String)> =
        sqlx::query_as(newest).bind(issue).bind(app.clock.now()).fetch_optional(app.db()).await.unwrap();
    // An issue that has a newer event is called after that.
    let Some((title, culprit, level, kind)) = newest else { return };
    let told = |key: &str| explained[key].as_str().unwrap_or_default().to_owned();
    assert_eq!((title, culprit), (told("title"), told("culprit")), "{name}");
    assert_eq!(
        level.as_str(),
        match told("level").as_str() {
            "" => "error",
            "sample" => "debug",
            level => level,
        },
        "{name}"
    );
    assert_eq!(kind, told("type"), "{name}");
}

#[test]
fn of_events_of_every_shape() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.set(&shop, no_filters()).await;
        let shapes = [
            error("Boom").release("1.0").user("7"),
            error("Boom").with("fingerprint", json!(["{{ default }}", "tenant-1"])),
            error("Boom").with("message", json!("both")).with("level", json!("warning")),
            error("Kept").with("extra", json!({"password": "x", "card": "4111 1111 1111 1111", "plain": "kept"})),
            crate::harness::Event(json!({"message": "Order 17 of user 0a1b2c3d failed after 12 ms", "level": "info", "logger": "shop"})),
            crate::harness::Event(json!({"logentry": {"message": "%s is late", "params": ["17"]}, "platform": "python"})),
        ];
        let told = Told { client: "test/1".to_owned(), ..Told::default() };
        for (number, event) in shapes.into_iter().enumerate() {
            let event = event.id(number as u128);
            app.sdk(&shop).capture(event.clone()).await.assert_ok();
            app.digest_all().await;
            compare(app, &format!("shape {number}"), &told, event.0.to_string().as_bytes()).await;
            // What comes later is the newest of its issue.
            app.clock.advance(chrono::TimeDelta::seconds(1));
        }
        app.run_jobs().await;
    });
}

/// A request of a real client.
struct Capture {
    name: String,
    request: Request<Body>,
    told: Told,
    sent_at: Option<DateTime<Utc>>,
    events: Vec<Bytes>,
    items: i64,
}

impl Capture {
    fn read(dir: &Path, entry: &Value) -> Option<Self> {
        let endpoint = entry["endpoint"].as_str().unwrap();
        if entry["method"] != "POST" || !matches!(endpoint, "envelope" | "store") {
            return None;
        }
        let name = entry["file"].as_str().unwrap().to_owned();
        let file = dir.join("requests").join(&name);
        let head: Value = serde_json::from_slice(&std::fs::read(format!("{}.json", file.display())).unwrap()).unwrap();
        let wire = std::fs::read(format!("{}.bin", file.display())).unwrap();
        let mut request = Request::builder().method("POST").uri(head["target"].as_str().unwrap());
        let mut coding = None;
        for pair in head["headers"].as_array().unwrap() {
            let (header, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
            if header.eq_ignore_ascii_case("content-encoding") {
                coding = Some(value);
            }
            request = request.header(header, value);
        }
        let body: Bytes = decode(&Codings::parse(coding).unwrap(), &wire, Limits::default().envelope).unwrap().into();
        let (events, items, sent_at) = if endpoint == "store" {
            (vec![store_body::unpack(&body, Limits::default().store).unwrap().0], 1, None)
        } else {
            let envelope = Envelope::parse(&body).unwrap();
            let items = envelope.collect_items().unwrap();
            let events = items.iter().filter(|item| item.header.kind() == ItemKind::Event).map(|item| item.payload.clone());
            (events.collect(), quantities(&body), envelope.header.sent_at)
        };
        let header = |name: &str| request.headers_ref().and_then(|headers| headers.get(name)).and_then(|value| value.to_str().ok());
        let places = Places {
            sentry_header: header("x-sentry-auth"),
            authorization: header("authorization"),
            query: request.uri_ref().and_then(|uri| uri.query()),
            path_key: None,
        };
        let client = auth::find(&places).unwrap().and_then(|credentials| credentials.client).unwrap_or_default();
        let told = Told { client_ip: PEER.to_owned(), user_agent: header("user-agent").unwrap_or_default().to_owned(), client };
        let request = request.extension(ConnectInfo::<SocketAddr>((PEER.parse::<IpAddr>().unwrap(), 40_000).into()));
        Some(Self { name, request: request.body(Body::from(wire)).unwrap(), told, sent_at, events, items })
    }
}

/// Where the captures are; `None`, said aloud, where the checkout has none beside it.
fn captures() -> Option<(PathBuf, Value)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/requests");
    let Ok(index) = std::fs::read(dir.join("index.json")) else {
        println!("skipped: {} is not there", dir.display());
        return None;
    };
    Some((dir, serde_json::from_slice(&index).unwrap()))
}

/// The captured events of one share of the captures: shares run side by side.
async fn captured(app: &TestApp, share: usize) {
    let Some((dir, index)) = captures() else { return };
    let new = NewProject {
        name: "captured".to_owned(),
        dsn_id: Some(42),
        key: Some("0123456789abcdef0123456789abcdef".parse().unwrap()),
        ..NewProject::default()
    };
    let made = create(app.db(), &new, &app.app.ids, app.clock.now()).await.unwrap();
    sqlx::query("update projects set settings = $2 where project_id = $1")
        .bind(made.project_id.0)
        .bind(no_filters())
        .execute(app.db())
        .await
        .unwrap();
    app.registry.refresh(app.db()).await.unwrap();
    let mut compared = 0;
    for entry in index["entries"].as_array().unwrap().iter().skip(share).step_by(SHARES) {
        let Some(capture) = Capture::read(&dir, entry) else { continue };
        // As it was then: no clock is wrong.
        app.clock.advance(capture.sent_at.unwrap_or(CAPTURED) - app.clock.now());
        let stored = app.stored().await;
        send(&app.router, capture.request).await.assert_ok();
        app.expected.add(capture.items);
        app.digest_all().await;
        // The same event again is not stored, and its issue shows the first.
        if let [event] = &capture.events[..]
            && app.stored().await > stored
        {
            compare(app, &capture.name, &capture.told, event).await;
            compared += 1;
        }
    }
    assert!(compared > 80, "{compared}");
    app.clock.advance(chrono::TimeDelta::days(7));
    app.expected.waiting_jobs(sqlx::query_scalar("select count(*) from outbox").fetch_one(app.db()).await.unwrap());
}

const SHARES: usize = 4;
/// Where requests come from.
const PEER: &str = "198.51.100.7";
/// When requests came that do not say when they were sent: 22 November 2026, 13:00 UTC.
const CAPTURED: DateTime<Utc> = DateTime::from_timestamp(1_795_352_400, 0).unwrap();

#[test]
fn of_events_of_real_clients_first_share() {
    app_test(async |app| captured(app, 0).await);
}

#[test]
fn of_events_of_real_clients_second_share() {
    app_test(async |app| captured(app, 1).await);
}

#[test]
fn of_events_of_real_clients_third_share() {
    app_test(async |app| captured(app, 2).await);
}

#[test]
fn of_events_of_real_clients_last_share() {
    app_test(async |app| captured(app, 3).await);
}

/// A reader that goes away, as `head` does, ends a command without a complaint.
#[test]
fn a_closed_output_ends_a_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = Command::new(env!("CARGO_BIN_EXE_vedette"))
        .args(["explain", "-"])
        .stdin(Stdio::piped())
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"{}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
