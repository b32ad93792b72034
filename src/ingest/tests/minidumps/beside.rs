//! What comes beside a dump, too much of it, and a dump by itself.

use super::*;

#[tokio::test]
async fn what_is_said_beside_a_dump_never_costs_it() {
    let house = keeping();
    let dump = dump(200_000);
    let quotes = vec![b'"'; 700_000];
    let long = "é".repeat(1 << 20);
    let document = format!("{{\"release\":\"1\",\"contexts\":{{\"a\":\"{}\"}}}}", "\u{1}".repeat(900_000));
    let names: Vec<String> = (0..1900).map(|number| format!("{number:0>1000}")).collect();
    let many: Vec<Part<'_>> = names.iter().map(|name| (name.as_str(), None, &b"\0\"value"[..])).collect();
    for fields in [
        vec![("notes", None, &quotes[..])],
        vec![("notes", None, long.as_bytes())],
        vec![("sentry", None, document.as_bytes())],
        vec![("sentry", None, long.as_bytes())],
        vec![("sentry[release]", None, &quotes[..]), ("sentry[a][b]", None, &quotes[..])],
        vec![("sentry__1", None, &quotes[..]), ("sentry__2", None, &quotes[..])],
        many,
    ] {
        let parts = [&[("upload_file_minidump", Some("a.dmp"), &dump[..])][..], &fields, &[("guid", None, b"abc")]].concat();
        let answer = house.send(upload(MINIDUMP, &parts)).await;
        assert_eq!(answer.status, 200, "{}: {answer:?}", fields[0].0);
        let (event, found) = house.crash().await;
        assert_eq!((found.len(), found[0].payload == dump), (1, true), "{}", fields[0].0);
        assert_eq!(event["exception"]["values"][0]["type"], "Minidump");
        assert!(event["_meta"].to_string().contains("\"len\":"), "{}: {}", fields[0].0, event["_meta"]);
    }
    // Short fields beside a long one stay, and the note says how long it was.
    let fields: [Part<'_>; 3] = [("notes", None, long.as_bytes()), ("guid", None, b"abc"), ("upload_file_minidump", Some("a"), &dump)];
    house.send(upload(MINIDUMP, &fields)).await.assert_ok();
    let (event, _) = house.crash().await;
    assert_eq!((&event["extra"]["guid"], &event["_meta"]["extra"]["notes"][""]["len"]), (&json!("abc"), &json!(1 << 20)));
}

#[tokio::test]
async fn the_handlers_own_files_that_are_too_large_are_counted() {
    let house = keeping();
    let own = msgpack(&json!({"release": "x".repeat(2 << 20)}));
    let parts: [Part<'_>; 2] = [("__sentry-event", Some("__sentry-event"), &own), ("upload_file_minidump", Some("a.dmp"), &dump(10))];
    house.send(upload(MINIDUMP, &parts)).await.assert_ok();
    let record = house.only_record().await;
    let length = own.len() as u64;
    assert_eq!(
        counts(&record.counted),
        [count("attachment invalid too_large:attachment", length), count("attachment_item invalid too_large:attachment", 1)]
    );
    assert_eq!(kinds(&record), ["attachment", "event"]);
}

#[tokio::test]
async fn a_dump_has_its_place_among_too_many_files() {
    let house = keeping();
    let dump = dump(200_000);
    let names: Vec<String> = (0..31).map(|number| format!("{number}.log")).collect();
    let mut parts: Vec<Part<'_>> = names.iter().map(|name| ("log", Some(name.as_str()), &b"x"[..])).collect();
    parts.push(("upload_file_minidump", Some("a.dmp"), &dump));
    house.send(upload(MINIDUMP, &parts)).await.assert_ok();
    let record = house.only_record().await;
    let kept: Vec<_> = items(&record).iter().filter_map(|item| item.header.filename.clone()).collect();
    assert_eq!((kept.len(), kept.last().map(String::as_str)), (29, Some("28.log")));
    assert_eq!(record.spooled[0].header.filename.as_deref(), Some("a.dmp"));
    assert_eq!(
        counts(&record.counted),
        [count("attachment invalid duplicate_item", 2), count("attachment_item invalid duplicate_item", 2)]
    );
    // Also in an envelope, and by bytes.
    let limits = Limits { attachments_total: 100, ..Limits::default() };
    let house = House::with(JournalOptions::default(), Settings { kept: |_| true, limits, ..Settings::default() });
    let file = |kind: &str, size: usize| {
        let text = "MDMP".repeat(size / 4);
        format!("{{\"type\":\"attachment\",\"attachment_type\":\"{kind}\",\"length\":{size}}}\n{text}\n")
    };
    let files = [file("event.attachment", 40), file("event.attachment", 40), file("event.minidump", 60)].concat();
    house.post(ENVELOPE, format!("{{}}\n{files}")).await.assert_ok();
    let record = house.only_record().await;
    let sizes: Vec<_> =
        items(&record).iter().filter(|item| item.header.kind() == ItemKind::Attachment).map(|item| item.payload.len()).collect();
    assert_eq!(sizes, [40, 60]);
    assert_eq!(
        counts(&record.counted),
        [count("attachment invalid too_large:attachment", 40), count("attachment_item invalid too_large:attachment", 1)]
    );
}

#[tokio::test]
async fn a_dump_by_itself_is_known_by_its_mark() {
    let house = keeping();
    let dump = dump(200_000);
    for content_type in [None, Some(""), Some("application/x-www-form-urlencoded"), Some("text/plain")] {
        let request = content_type.map_or_else(|| post(MINIDUMP), |kind| post(MINIDUMP).header("content-type", kind));
        let answer = house.send(request.body(dump.clone().into()).unwrap()).await;
        house.assert_dump(&answer, "upload_file_minidump", &dump).await;
        for body in ["MDM", "a=b", "MZMDMP"] {
            let request = content_type.map_or_else(|| post(MINIDUMP), |kind| post(MINIDUMP).header("content-type", kind));
            house.send(request.body(body.into()).unwrap()).await.assert_refused(400, "invalid multipart data", None);
        }
    }
    // However it is cut.
    let pieces = futures_util::stream::iter(dump.clone().into_iter().take(20).map(|byte| Ok::<_, std::io::Error>(vec![byte])));
    let answer = house.send(post(MINIDUMP).body(Body::from_stream(pieces)).unwrap()).await;
    house.assert_dump(&answer, "upload_file_minidump", &dump[..20]).await;
}
