//! A secret in any scrubbed field is nowhere once its event is digested: not in the database, not in the data directory, not in a mail.

use std::path::Path;

use serde_json::{Value, json};
use vedette::events::payload;

use crate::harness::events::{envelope, event_id};
use crate::harness::{TestApp, app_test};

/// What every secret of an event holds: its number follows.
const MARK: &str = "hunter2x";

/// Numbers secrets, so that a failure names the field.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn next(&mut self, place: &str) -> String {
        self.0.push(place.to_owned());
        format!("{MARK}{:03}z", self.0.len() - 1)
    }

    /// Under a secret name.
    fn named(&mut self, place: &str) -> Value {
        json!({"password": self.next(place), "deep": {"api_key": self.next(place)}, "list": [{"my_token": self.next(place)}], "house_word": self.next(place)})
    }

    /// A text that says itself that it is secret.
    fn text(&mut self, place: &str) -> String {
        format!("password={}", self.next(place))
    }
}

/// An event with secrets in every place that scrubbing covers by default, and under a word that the project calls sensitive.
fn event(secrets: &mut Secrets) -> Value {
    let s = secrets;
    let frame = json!({"function": "pay", "filename": "shop.py", "in_app": true, "vars": s.named("frame.vars")});
    json!({
        "event_id": event_id(1).simple().to_string(), "platform": "python", "server_name": s.text("server_name"),
        "logentry": {"message": "plain", "formatted": format!("Bearer {}", s.next("logentry.formatted")), "params": [s.text("logentry.params")]},
        "exception": {"values": [{
            "type": "Boom", "value": "it broke", "stacktrace": {"frames": [frame]},
            "mechanism": {"type": "x", "description": s.text("mechanism.description"), "data": s.named("mechanism.data")},
        }]},
        "threads": {"values": [{"id": 1, "stacktrace": {"frames": [{"function": "run", "vars": s.named("thread frame vars")}]}}]},
        "breadcrumbs": {"values": [{"message": s.text("breadcrumb.message"), "data": s.named("breadcrumb.data")}]},
        "request": {
            "url": "https://shop.example/pay", "method": "POST", "data": s.named("request.data"), "env": s.named("request.env"),
            "query_string": format!("a=b&password={}", s.next("request.query_string")), "fragment": s.text("request.fragment"),
            "headers": {"Authorization": s.next("authorization"), "X-House_word": s.next("a header"), "Cookie": format!("sessionid={}; csrftoken={}", s.next("session cookie"), s.next("csrf cookie"))},
        },
        "user": {"id": s.text("user.id"), "username": s.text("user.username"), "name": s.text("user.name"), "data": s.named("user.data"), "password": s.next("user.password")},
        "extra": {"some": s.named("extra"), "secret": s.next("extra.secret"), "url": format!("postgres://shop:{}@db/shop", s.next("URL credentials"))},
        "contexts": {
            "custom": s.named("custom context"), "trace": {"trace_id": "1".repeat(32), "span_id": "2".repeat(16), "data": s.named("trace.data")},
            "response": {"status_code": 500, "data": s.named("response.data"), "cookies": {"session": s.next("response.cookies")}, "headers": {"Authorization": s.next("response.headers")}},
        },
    })
}

/// The names of the secrets that stand in these bytes, as they are or as the hexadecimal that PostgreSQL prints of bytes.
fn found(secrets: &Secrets, bytes: &[u8]) -> Vec<String> {
    let there = |needle: &str| memchr::memmem::find(bytes, needle.as_bytes()).is_some();
    if !there(MARK) && !there(&hex::encode(MARK)) {
        return Vec::new();
    }
    let named = secrets.0.iter().enumerate().filter(|(number, _)| {
        let secret = format!("{MARK}{number:03}z");
        there(&secret) || there(&hex::encode(secret))
    });
    named.map(|(_, place)| place.clone()).collect()
}

/// Every row of every table as text, and what the payloads hold.
async fn everything_stored(app: &TestApp) -> Vec<(String, Vec<u8>)> {
    let tables = "select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables
        where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(app.db()).await.unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    let mut stored = Vec::new();
    for table in tables {
        // Every column of the row, whatever its type: bytes as hexadecimal, JSON as it is.
        let rows: Option<String> = sqlx::query_scalar("select query_to_xml($1, true, false, '')::text")
            .bind(format!("select t::text from {table} t"))
            .fetch_one(app.db())
            .await
            .unwrap();
        stored.push((table, rows.unwrap_or_default().into_bytes()));
    }
    let payloads: Vec<Vec<u8>> = sqlx::query_scalar("select payload from events").fetch_all(app.db()).await.unwrap();
    for packed in payloads {
        stored.push(("payload".to_owned(), payload::decode(&packed).unwrap().to_string().into_bytes()));
    }
    stored
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            all.extend(files(&entry.path()));
        } else {
            all.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap()));
        }
    }
    all
}

#[test]
fn a_secret_in_any_scrubbed_field_is_nowhere() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.set(&shop, json!({"scrub": {"sensitiveFields": ["house_word"]}})).await;
        app.member("ana", &shop).await;
        let mut secrets = Secrets::default();
        let event = event(&mut secrets);
        assert_eq!(found(&secrets, event.to_string().as_bytes()).len(), secrets.0.len(), "all are sent");
        app.sdk(&shop).envelope(envelope(&[("event", event.to_string().as_bytes())])).await.assert_ok();
        let waits = files(app.dir.path());
        assert!(waits.iter().any(|(path, bytes)| path.contains("journal") && bytes.len() > 500), "it is on disk before it is digested");
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!((app.stored().await, app.mails().await.len()), (1, 1));
        let stored = everything_stored(app).await;
        // The search finds what is there.
        assert!(stored.iter().any(|(place, bytes)| place == "payload" && memchr::memmem::find(bytes, b"[Filtered]").is_some()));
        assert!(stored.iter().any(|(table, bytes)| table.contains("mails") && memchr::memmem::find(bytes, b"Boom").is_some()));
        for (place, bytes) in stored {
            assert_eq!(found(&secrets, &bytes), Vec::<String>::new(), "in {place}");
        }
        app.journal.settle().await;
        let files = files(app.dir.path());
        assert!(files.iter().any(|(path, _)| path.contains("journal")), "{files:?}");
        for (path, bytes) in files {
            assert_eq!(found(&secrets, &bytes), Vec::<String>::new(), "in {path}");
        }
        for mail in app.mails().await {
            let text = format!("{} {} {}", mail.subject, mail.text_body, mail.html_body);
            assert_eq!(found(&secrets, text.as_bytes()), Vec::<String>::new(), "in a mail");
        }
    });
}
