//! Crashes of native programs, and files of events.

use serde_json::json;

use super::*;

mod beside;

const MINIDUMP: &str = "/api/42/minidump/";
const ATTACHMENTS: &str = "/api/42/events/580c0000000000000000000000000020/attachments/";

fn keeping() -> House {
    House::with(JournalOptions::default(), Settings { kept: |_| true, ..Settings::default() })
}

/// A part: name, file name, bytes.
type Part<'p> = (&'p str, Option<&'p str>, &'p [u8]);

fn form(boundary: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, filename, data) in parts {
        let file = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        body.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

fn upload(path: &str, parts: &[Part<'_>]) -> Request<Body> {
    post(path).header("content-type", "multipart/form-data; boundary=\"xYz\"").body(form("xYz", parts).into()).unwrap()
}

/// When the program crashed, as its dump says.
const CRASHED: u32 = 1_795_530_000;

fn dump(size: usize) -> Vec<u8> {
    let mut bytes = [b"MDMP".to_vec(), noise(size - 4)].concat();
    if let Some(time) = bytes.get_mut(20..24) {
        time.copy_from_slice(&CRASHED.to_le_bytes());
    }
    bytes
}

/// An attachment as it was journalled: its header's texts, and its payload wherever it lies.
#[derive(Debug, PartialEq)]
struct Found {
    filename: String,
    kind: String,
    payload: Vec<u8>,
}

impl House {
    /// The event and the attachments of the one record.
    async fn crash(&self) -> (Value, Vec<Found>) {
        let all = BatchLimits { records: usize::MAX, bytes: usize::MAX };
        let entries = self.journal.next_batch(all).await.unwrap();
        assert_eq!(entries.len(), 1);
        let record = Record::decode(&entries[0].body).unwrap();
        assert_eq!(counts(&record.counted), []);
        let (mut event, mut found) = (Value::Null, Vec::new());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        for item in items(&record) {
            match item.header.kind() {
                ItemKind::Event => event = serde_json::from_slice(&item.payload).unwrap(),
                _ => found.push(Found {
                    filename: text(&item.header.filename),
                    kind: text(&item.header.attachment_type),
                    payload: item.payload.to_vec(),
                }),
            }
        }
        for (item, id) in record.spooled.iter().zip(&entries[0].spool) {
            let payload = std::fs::read(self.journal.spool_path(*id)).unwrap();
            assert_eq!(payload.len() as u64, item.length);
            found.push(Found { filename: text(&item.header.filename), kind: text(&item.header.attachment_type), payload });
        }
        assert_eq!(event["event_id"].as_str(), record.event_id.map(|id| id.to_string()).as_deref());
        (event, found)
    }

    async fn assert_dump(&self, answer: &Answer, filename: &str, payload: &[u8]) {
        assert_eq!(answer.status, 200, "{answer:?}");
        let (event, found) = self.crash().await;
        assert_eq!(event["exception"]["values"][0]["type"], "Minidump");
        assert_eq!(found, [Found { filename: filename.to_owned(), kind: "event.minidump".to_owned(), payload: payload.to_vec() }]);
    }
}

#[tokio::test]
async fn an_upload_is_an_event_with_its_files() {
    let house = keeping();
    let dump = dump(300_000);
    let answer = house
        .send(upload(
            MINIDUMP,
            &[
                ("sentry[release]", None, b"game@1"),
                ("guid", None, b"abc"),
                ("upload_file_minidump", Some("crash.dmp"), &dump),
                ("log", Some("game.log"), b"last words"),
                ("view", Some("view-hierarchy.json"), b"{}"),
                ("sentry__1", None, br#"{"tags":{"os":""#),
                ("sentry__2", None, br#"beos"}}"#),
            ],
        ))
        .await;
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"99999999-9999-9999-9999-999999999999"[..]));
    let (event, found) = house.crash().await;
    let expected = json!({
        "event_id": NEW_ID, "release": "game@1", "tags": {"os": "beos"}, "platform": "native", "level": "fatal", "extra": {"guid": "abc"},
        "exception": {"values": [{"type": "Minidump", "value": "Invalid Minidump", "mechanism": {"type": "minidump", "handled": false, "synthetic": true}}]},
        "timestamp": CRASHED,
    });
    assert_eq!(event, expected);
    let of = |filename: &str, kind: &str, payload: &[u8]| Found {
        filename: filename.to_owned(),
        kind: kind.to_owned(),
        payload: payload.to_vec(),
    };
    let expected = [
        of("game.log", "event.attachment", b"last words"),
        of("view-hierarchy.json", "event.view_hierarchy", b"{}"),
        of("crash.dmp", "event.minidump", &dump),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_dump_comes_in_many_wrappings() {
    let house = keeping();
    let dump = dump(200_000);
    let xz = {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(&dump).unwrap();
        encoder.finish().unwrap()
    };
    let bzip2 = {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(&dump).unwrap();
        encoder.finish().unwrap()
    };
    let wrapped = [("gz", gzip(&dump)), ("xz", xz), ("bz2", bzip2), ("zst", zstd::encode_all(&dump[..], 1).unwrap())];
    for (ending, body) in &wrapped {
        let filename = format!("crash.dmp.{ending}");
        let answer = house.send(upload(MINIDUMP, &[("upload_file_minidump", Some(&filename), body)])).await;
        house.assert_dump(&answer, "crash.dmp", &dump).await;
        let nested = form("inner", &[("prod", None, b"Electron"), ("upload_file_minidump", Some(&filename), body)]);
        let answer = house.send(upload(MINIDUMP, &[("upload_file_minidump", Some("blob"), &nested)])).await;
        house.assert_dump(&answer, "crash.dmp", &dump).await;
        for cut in [body.len() / 2, 7] {
            let answer = house.send(upload(MINIDUMP, &[("upload_file_minidump", Some(&filename), &body[..cut])])).await;
            answer.assert_refused(400, "invalid minidump", None);
        }
    }
    for content_type in ["application/octet-stream", "application/x-dmp"] {
        for body in [&dump, &wrapped[0].1] {
            let request = post(MINIDUMP).header("content-type", content_type).body(body.clone().into()).unwrap();
            let answer = house.send(request).await;
            house.assert_dump(&answer, "upload_file_minidump", &dump).await;
        }
    }
    // Crashpad compresses the whole request.
    let body = gzip(&form("xYz", &[("upload_file_minidump", Some("a.dmp"), &dump)]));
    let request = post(MINIDUMP).header("content-type", "multipart/form-data; boundary=xYz").header("content-encoding", "gzip");
    let answer = house.send(request.body(body.into()).unwrap()).await;
    house.assert_dump(&answer, "a.dmp", &dump).await;
}

#[tokio::test]
async fn boundaries_without_quotes_and_bodies_that_begin_with_a_line_end_are_read() {
    let house = keeping();
    let dump = [b"PMDM".to_vec(), noise(10)].concat();
    let body = [b"\r\n".to_vec(), form("--a b=c", &[("upload_file_minidump", Some("a.dmp"), &dump)])].concat();
    let request = post(MINIDUMP).header("content-type", "multipart/form-data; boundary=--a b=c").body(body.into()).unwrap();
    let answer = house.send(request).await;
    house.assert_dump(&answer, "a.dmp", &dump).await;
}

fn msgpack(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let entries = value.as_object().unwrap().iter().map(|(key, value)| (key.as_str().into(), value.as_str().unwrap().into())).collect();
    rmpv::encode::write_value(&mut bytes, &rmpv::Value::Map(entries)).unwrap();
    bytes
}

#[tokio::test]
async fn the_handlers_own_files_become_the_event() {
    let house = keeping();
    let crumb = |time: &str| msgpack(&json!({"timestamp": time, "message": time}));
    let answer = house
        .send(upload(
            MINIDUMP,
            &[
                ("__sentry-event", Some("__sentry-event"), &msgpack(&json!({"event_id": ID, "release": "own"}))),
                ("__sentry-breadcrumb1", Some("__sentry-breadcrumb1"), &crumb("2026-01-02")),
                ("__sentry-breadcrumb2", Some("__sentry-breadcrumb2"), &[crumb("2026-01-01"), crumb("2026-01-01")].concat()),
                ("upload_file_minidump", Some("a.dmp"), &dump(10)),
            ],
        ))
        .await;
    assert_eq!(answer.body, "580c0000-0000-0000-0000-000000000020");
    let (event, found) = house.crash().await;
    assert_eq!((&event["release"], &event["event_id"], found.len()), (&json!("own"), &json!(ID), 1));
    let crumbs: Vec<_> = event["breadcrumbs"]["values"].as_array().unwrap().iter().map(|crumb| crumb["message"].clone()).collect();
    assert_eq!(crumbs, ["2026-01-01", "2026-01-02"]);
    let parts: [Part<'_>; 2] = [("__sentry-event", Some("__sentry-event"), b"\x93!"), ("upload_file_minidump", Some("a.dmp"), &dump(10))];
    house.send(upload(MINIDUMP, &parts)).await.assert_ok();
    let record = house.only_record().await;
    assert_eq!(
        counts(&record.counted),
        [count("attachment invalid invalid_msgpack", 2), count("attachment_item invalid invalid_msgpack", 1)]
    );
    assert_eq!(kinds(&record), ["attachment", "event"]);
}

#[tokio::test]
async fn what_is_no_dump_is_refused() {
    let house = keeping();
    for (parts, detail) in [
        (&[("a", None, &b"b"[..])][..], "missing minidump"),
        (&[("upload_file_minidump", Some("a"), b"")], "invalid minidump"),
        (&[("upload_file_minidump", Some("a"), b"MDM")], "invalid minidump"),
        (&[("upload_file_minidump", Some("a"), b"MZ is another format")], "invalid minidump"),
        (&[("upload_file_minidump", Some("a"), &gzip(b"MZ is another format"))], "invalid minidump"),
        (&[("upload_file_minidump", Some("a"), &form("x", &[("a", None, b"b")]))], "missing minidump"),
        (&[("upload_file_minidump", Some("a"), b"--x\r\n\r\nMDMP")], "invalid multipart data"),
    ] {
        house.send(upload(MINIDUMP, parts)).await.assert_refused(400, detail, None);
    }
    for (content_type, body) in [("multipart/form-data", "x"), ("", ""), ("multipart/form-data; boundary=x", "--x\r\n\r\nMDMP")] {
        let request = post(MINIDUMP).header("content-type", content_type).body(body.into()).unwrap();
        house.send(request).await.assert_refused(400, "invalid multipart data", None);
    }
    let raw = post(MINIDUMP).header("content-type", "application/x-dmp").body(Body::empty()).unwrap();
    house.send(raw).await.assert_refused(400, "invalid minidump", None);
    assert!(house.records().await.is_empty());
    assert_eq!(house.spooled_files(), 0);
    house.ingest.flush_refused(now()).await;
    let counted = house.only_record().await.counted;
    let expected = [("invalid_minidump", 5), ("invalid_multipart", 4), ("missing_minidump_upload", 2)];
    assert_eq!(counts(&counted), expected.map(|(reason, n)| count(&format!("unknown invalid {reason}"), n)));
}

#[tokio::test]
async fn sizes_end_at_the_limit() {
    let limits = Limits { attachment: 100_000, event: 10_000, envelope: 400_000, ..Limits::default() };
    let house = House::with(JournalOptions::default(), Settings { kept: |_| true, spool_from: 1000, limits, ..Settings::default() });
    for (size, kept) in [(100_000, true), (100_001, false)] {
        for body in [dump(size), gzip(&dump(size))] {
            house.send(upload(MINIDUMP, &[("upload_file_minidump", Some("a.dmp"), &body)])).await.assert_ok();
            let record = house.only_record().await;
            // The event is kept, whatever becomes of the dump.
            assert_eq!((kinds(&record), record.spooled.len()), (vec!["event"], usize::from(kept)));
            assert_eq!(record.counted.is_empty(), kept, "{:?}", record.counted);
        }
    }
    // A bomb is not unpacked to its end.
    let bomb = gzip(&[b"MDMP".to_vec(), vec![0; 200 << 20]].concat());
    house.send(upload(MINIDUMP, &[("upload_file_minidump", Some("a.dmp"), &bomb)])).await.assert_ok();
    let record = house.only_record().await;
    assert!(record.spooled.is_empty());
    let counted = counts(&record.counted);
    assert_eq!(counted[1], count("attachment_item invalid too_large:attachment", 1));
    assert!((100_001..400_000).contains(&counted[0].1), "{counted:?}");
    let answer = house.send(upload(MINIDUMP, &[("upload_file_minidump", Some("a"), &dump(400_000))])).await;
    assert_eq!(answer.status, 413);
    assert!(house.records().await.is_empty());
    assert_eq!(house.spooled_files(), 2, "those of the two dumps that were kept");
}

#[tokio::test]
async fn a_crash_reporter_is_never_told_to_wait() {
    let house = House::with(JournalOptions { min_free_disk: u64::MAX, ..JournalOptions::default() }, Settings::default());
    let answer = house.send(upload(MINIDUMP, &[("upload_file_minidump", Some("a"), &dump(10))])).await;
    assert_eq!(answer.status, 503);
}

#[tokio::test]
async fn files_may_come_by_themselves() {
    let house = keeping();
    let large = noise(200_000);
    let parts: [Part<'_>; 4] =
        [("a", Some("../a.txt"), b"one"), ("field", None, b"not a file"), ("b", Some(""), b""), ("c", Some("c.bin"), &large)];
    let answer = house.send(upload(ATTACHMENTS, &parts)).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (201, 0));
    let record = house.only_record().await;
    assert_eq!(record.event_id.unwrap().to_string(), ID);
    let names: Vec<_> = items(&record).iter().map(|item| item.header.filename.clone().unwrap()).collect();
    assert_eq!((names, record.spooled[0].header.filename.as_deref()), (vec!["../a.txt".to_owned(), "b".to_owned()], Some("c.bin")));
    house.post(ATTACHMENTS, "x").await.assert_refused(400, "invalid multipart data", None);
    house.post("/api/42/events/nonsense/attachments/", "x").await.assert_refused(
        400,
        "bad event id path parameter",
        Some("invalid event id"),
    );
    assert_eq!(house.send(upload(ATTACHMENTS, &[])).await.status, 201);
    let many: Vec<Part<'_>> = vec![("a", Some("a"), b"x"); 31];
    assert_eq!(house.send(upload(ATTACHMENTS, &many)).await.status, 201);
    let record = house.only_record().await;
    assert_eq!(items(&record).len(), 30);
    assert_eq!(
        counts(&record.counted),
        [count("attachment invalid duplicate_item", 1), count("attachment_item invalid duplicate_item", 1)]
    );
}

#[tokio::test]
async fn a_dump_in_an_envelope_of_its_own_is_an_event() {
    let house = keeping();
    let attachment = |kind: &str| format!("{{\"type\":\"attachment\",\"attachment_type\":\"{kind}\",\"length\":4}}\nMDMP\n");
    for (items, kinds_kept) in [
        (attachment("event.minidump"), vec!["attachment", "event"]),
        (attachment("event.applecrashreport"), vec!["attachment", "event"]),
        (attachment("event.payload"), vec!["attachment", "event"]),
        (attachment("event.breadcrumbs"), vec!["attachment", "event"]),
        (attachment("event.attachment"), vec!["attachment"]),
        (format!("{{\"type\":\"event\"}}\n{{}}\n{}", attachment("event.minidump")), vec!["event", "attachment"]),
    ] {
        house.post(ENVELOPE, format!("{{}}\n{items}")).await.assert_id(NEW_ID);
        assert_eq!(kinds(&house.only_record().await), kinds_kept);
    }
}

#[tokio::test]
async fn the_handlers_files_in_an_envelope_name_the_event_and_stay_small() {
    let house = keeping();
    let item = |kind: &str, bytes: &[u8]| {
        let header = json!({"type": "attachment", "attachment_type": kind, "length": bytes.len()}).to_string();
        [header.as_bytes(), b"\n", bytes, b"\n"].concat()
    };
    let own = msgpack(&json!({"event_id": ID, "release": "own"}));
    let answer = house.post(ENVELOPE, [b"{}\n".to_vec(), item("event.payload", &own), item("event.minidump", &dump(100))].concat()).await;
    answer.assert_id(ID);
    let record = house.only_record().await;
    assert_eq!(record.event_id.unwrap().to_string(), ID);
    assert_eq!(&items(&record).last().unwrap().payload[..], json!({"timestamp": CRASHED}).to_string().as_bytes());

    // Neither in the spool nor larger than an event, for digest reads them whole.
    let limit = Settings::default().limits.event as usize;
    for (size, kept, lost) in [(limit, 1, 0), (limit + 1, 0, limit + 1)] {
        let body = [b"{}\n{\"type\":\"event\"}\n{}\n".to_vec(), item("event.breadcrumbs", &vec![b'x'; size])].concat();
        house.post(ENVELOPE, body).await.assert_ok();
        let record = house.only_record().await;
        assert_eq!((items(&record).len(), record.spooled.len()), (1 + kept, 0));
        let expected = if lost == 0 {
            Vec::new()
        } else {
            vec![count("attachment invalid too_large:attachment", lost as u64), count("attachment_item invalid too_large:attachment", 1)]
        };
        assert_eq!(counts(&record.counted), expected);
    }
}
