//! What a crash handler writes beside the event, sent in an envelope.

use bytes::Bytes;
use rmpv::Value as Msgpack;
use serde_json::{Value, json};
use vedette::web::urls;

use crate::harness::events::event_id;
use crate::harness::{TestApp, app_test};

fn packed(value: &Value) -> Vec<u8> {
    fn of(value: &Value) -> Msgpack {
        match value {
            Value::Object(map) => Msgpack::Map(map.iter().map(|(key, value)| (Msgpack::from(key.as_str()), of(value))).collect()),
            Value::String(text) => Msgpack::from(text.as_str()),
            other => Msgpack::from(other.as_i64().unwrap()),
        }
    }
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &of(value)).unwrap();
    bytes
}

fn crumbs(times: &[&str]) -> Vec<u8> {
    times.iter().flat_map(|time| packed(&json!({"timestamp": time, "message": format!("step at {time}")}))).collect()
}

/// An envelope of event 1: its JSON where there is one, and attachments by type.
fn crashed(event: Option<Value>, files: &[(&str, &[u8])]) -> Bytes {
    let mut bytes = json!({"event_id": event_id(1).simple().to_string()}).to_string().into_bytes();
    let event = event.map(|event| event.to_string());
    let items = files.iter().map(|(kind, file)| (json!({"type": "attachment", "attachment_type": kind, "filename": "f"}), *file));
    for (mut header, payload) in items.chain(event.as_ref().map(|event| (json!({"type": "event"}), event.as_bytes()))) {
        header["length"] = json!(payload.len());
        bytes.extend_from_slice(format!("\n{header}\n").as_bytes());
        bytes.extend_from_slice(payload);
    }
    bytes.into()
}

async fn attachments(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("select kind from attachments order by number").fetch_all(app.db()).await.unwrap()
}

#[test]
fn a_crash_handlers_files_are_merged_into_the_event_and_not_kept() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let own = packed(&json!({"release": "game@7", "extra": {"password": "s3cret-word"}}));
        let (first, second) = (crumbs(&["2026-11-24T14:00:05Z"]), crumbs(&["2026-11-24T14:00:01Z", "2026-11-24T14:00:02Z"]));
        let files: [(&str, &[u8]); 4] =
            [("event.payload", &own), ("event.breadcrumbs", &first), ("event.minidump", b"MDMP"), ("event.breadcrumbs", &second)];
        app.sdk(&shop).envelope(crashed(Some(json!({"release": "sdk@1", "environment": "arcade"})), &files)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(attachments(app).await, ["event.minidump"]);
        let page = ana.page(&urls::issue(app.only_issue(&shop).await)).await;
        for text in ["game@7", "arcade", "Minidump", "step at 2026-11-24T14:00:05Z", "step at 2026-11-24T14:00:02Z"] {
            page.assert_reads(text);
        }
        for absent in ["sdk@1", "s3cret-word", "step at 2026-11-24T14:00:01Z"] {
            assert!(!page.text().contains(absent), "{absent}");
        }
        let merged = [own.len(), first.len(), second.len()];
        for bytes in merged {
            app.expected.merged(bytes);
        }
        let bytes = 4 + merged.iter().sum::<usize>();
        assert_eq!(
            app.outcomes().await,
            [format!("attachment stored {bytes}"), "attachment_item stored 4".to_owned(), "error stored 1".to_owned()]
        );

        // The same once more: the files end as their event does.
        app.sdk(&shop).envelope(crashed(Some(json!({})), &files[..1])).await.assert_ok();
        app.digest_all().await;
        assert!(app.outcomes().await.contains(&format!("attachment duplicate {}", own.len())));
    });
}

#[test]
fn a_crash_handlers_files_alone_are_an_event() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let own = packed(&json!({"message": "stack overflow in the renderer", "level": "fatal"}));
        app.sdk(&shop).envelope(crashed(None, &[("event.payload", &own)])).await.assert_ok();
        // The event that was made for it.
        app.expected.add(1);
        app.expected.merged(own.len());
        app.digest_all().await;
        app.run_jobs().await;
        let title: String = sqlx::query_scalar("select title from issues").fetch_one(app.db()).await.unwrap();
        assert_eq!(title, "stack overflow in the renderer");
    });
}

#[test]
fn files_that_cannot_be_read_cost_no_event_and_are_told_of() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let deep = vec![0x91; 100_000];
        let good = crumbs(&["2026-11-24T14:00:05Z"]);
        let files: [(&str, &[u8]); 5] = [
            ("event.payload", &deep),
            ("event.breadcrumbs", b"\xdf\xff\xff\xff\xff"),
            ("event.breadcrumbs", &good),
            ("event.breadcrumbs", b"one too many"),
            ("event.payload", b"one too many"),
        ];
        app.sdk(&shop).envelope(crashed(Some(json!({"message": "still here"})), &files)).await.assert_ok();
        app.expected.merged(good.len());
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(attachments(app).await, [] as [String; 0]);
        assert_eq!(
            app.outcomes().await,
            [
                "attachment invalid duplicate_item 24".to_owned(),
                format!("attachment invalid invalid_msgpack {}", deep.len() + 5),
                format!("attachment stored {}", good.len()),
                "attachment_item invalid duplicate_item 2".to_owned(),
                "attachment_item invalid invalid_msgpack 2".to_owned(),
                "attachment_item stored 1".to_owned(),
                "error stored 1".to_owned(),
            ]
        );
        let page = ana.page(&urls::issue(app.only_issue(&shop).await)).await;
        for text in ["still here", "step at 2026-11-24T14:00:05Z", "event.payload", "event.breadcrumbs", "the attachment could not be read"]
        {
            page.assert_reads(text);
        }
    });
}

#[test]
fn a_filtered_event_takes_its_handlers_files_along() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.set(&shop, json!({"filters": {"releases": ["game@*"]}})).await;
        let own = packed(&json!({"release": "game@7"}));
        app.sdk(&shop).envelope(crashed(Some(json!({})), &[("event.payload", &own)])).await.assert_ok();
        app.digest_all().await;
        assert_eq!(
            app.outcomes().await,
            [
                format!("attachment filtered release-version {}", own.len()),
                "attachment_item filtered release-version 1".to_owned(),
                "error filtered release-version 1".to_owned(),
            ]
        );
    });
}
