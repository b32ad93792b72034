//! Files that come with events: kept, found, handed out, and gone with their day.

mod faults;
mod s3;

use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Request, header};
use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;
use vedette::web::urls;

use crate::harness::events::event_id;
use crate::harness::markup::assert_page;
use crate::harness::{Answer, Event, Person, Project, TestApp, app_test, error};

/// A file on its way.
pub(crate) struct File<'a> {
    name: &'a str,
    content_type: &'a str,
    kind: &'a str,
    bytes: Vec<u8>,
}

pub(crate) fn file(name: &str, bytes: impl Into<Vec<u8>>) -> File<'_> {
    File { name, content_type: "text/plain", kind: "event.attachment", bytes: bytes.into() }
}

/// Bytes that no neighbour shares.
pub(crate) fn noise(seed: u32, size: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..size).map(step).collect()
}

/// An envelope of an event, where there is one, and files that belong to event `number`.
pub(crate) fn with_files(event: Option<Event>, number: u128, files: &[File<'_>]) -> Bytes {
    let mut bytes = json!({"event_id": event_id(number).simple().to_string()}).to_string().into_bytes();
    let mut item = |header: serde_json::Value, payload: &[u8]| {
        bytes.push(b'\n');
        bytes.extend_from_slice(header.to_string().as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(payload);
    };
    for file in files {
        let header = json!({"type": "attachment", "length": file.bytes.len(), "filename": file.name, "content_type": file.content_type,
            "attachment_type": file.kind});
        item(header, &file.bytes);
    }
    if let Some(event) = event {
        let payload = event.id(number).0.to_string();
        item(json!({"type": "event", "length": payload.len()}), payload.as_bytes());
    }
    bytes.into()
}

/// The addresses that the page of an event leads to, and what they are called.
async fn links(person: &Person, issue: i64, number: u128) -> Vec<String> {
    let page = person.page(&urls::event(issue, event_id(number).simple())).await;
    assert_page(page.html(), "the event");
    let mut links = Vec::new();
    for piece in page.html().split("class=\"link\" href=\"").skip(1) {
        links.extend(piece.split_once('"').map(|(href, _)| href.to_owned()).filter(|href| href.contains("/attachments/")));
    }
    links
}

/// Every file below a directory.
pub(crate) fn files_below(dir: PathBuf) -> Vec<PathBuf> {
    let (mut found, mut dirs) = (Vec::new(), vec![dir]);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { found.push(path) }
        }
    }
    found
}

async fn places(app: &TestApp) -> Vec<String> {
    let sql = "select filename || case when blob is null then ' in its row' else ' in a blob' end from attachments order by number";
    sqlx::query_scalar(sql).fetch_all(app.db()).await.unwrap()
}

#[test]
fn small_middle_and_large_files_come_back_as_they_were_sent() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let sizes = [("empty", 0), ("note", 20), ("at the row's limit", 32 * 1024), ("beyond it", 32 * 1024 + 1), ("spooled", 5 << 20)];
        let files: Vec<_> = sizes.iter().map(|(name, size)| file(name, noise(*size as u32, *size))).collect();
        app.sdk(&shop).envelope(with_files(Some(error("Boom")), 1, &files)).await.assert_ok();
        let spool = app.dir.path().join("journal/spool");
        assert_eq!(files_below(spool.clone()).len(), 1, "the large one waits beside the journal");
        app.digest_all().await;
        app.run_jobs().await;
        let bytes: usize = sizes.iter().map(|(_, size)| size).sum();
        let stored = [format!("attachment stored {}", bytes + 1), "attachment_item stored 5".to_owned(), "error stored 1".to_owned()];
        assert_eq!(app.outcomes().await, stored);
        assert_eq!(
            places(app).await,
            ["empty in its row", "note in its row", "at the row's limit in its row", "beyond it in a blob", "spooled in a blob"]
        );
        app.journal.settle().await;
        assert_eq!(files_below(spool), [] as [PathBuf; 0], "the spool is empty");
        assert_eq!(files_below(app.blobs_dir()).len(), 2);
        let pending: i64 = sqlx::query_scalar("select count(*) from pending_blobs").fetch_one(app.db()).await.unwrap();
        assert_eq!(pending, 0);
        let links = links(&ana, app.only_issue(&shop).await, 1).await;
        assert_eq!(links.len(), files.len());
        for (link, file) in links.iter().zip(&files) {
            let answer = ana.get(link).await.assert_ok();
            assert_eq!(answer.header(header::CONTENT_LENGTH), file.bytes.len().to_string());
            assert!(answer.body == file.bytes, "{}", file.name);
        }
        ana.page(&urls::issue(app.only_issue(&shop).await)).await.assert_reads("Attachments 5 files");
    });
}

/// Sends one file with an event and downloads it.
async fn sent_and_downloaded(app: &TestApp, shop: &Project, ana: &Person, number: u128, sent: File<'_>) -> (Answer, Answer) {
    app.sdk(shop).envelope(with_files(Some(error("Boom")), number, &[sent])).await.assert_ok();
    app.digest_all().await;
    app.run_jobs().await;
    let issue = app.only_issue(shop).await;
    let page = ana.page(&urls::event(issue, event_id(number).simple())).await;
    let answer = ana.get(&links(ana, issue, number).await[0]).await.assert_ok();
    (page, answer)
}

#[test]
fn whatever_a_file_is_called_and_holds_it_is_saved_and_runs_nowhere() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let page = "<html><script>alert(1)</script>";
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
        for (number, (name, content_type, bytes, saved_as)) in [
            ("../../../etc/passwd", "text/html", page, "passwd"),
            ("x\r\nSet-Cookie: a=b", "image/svg+xml", svg, "xSet-Cookie_ a_b"),
            ("\"; filename=\"evil.html", "image/png\r\nx: y", page, "__ filename=_evil.html"),
            ("<script>alert(1)</script>.png", "image/png", svg, "script_.png"),
            ("C:\\temp\\\u{202e}gnp.html", "text/html; charset=utf-7", page, "gnp.html"),
            ("", "", "MDMP\0\0\0", "unnamed attachment"),
        ]
        .into_iter()
        .enumerate()
        {
            let sent = File { content_type, ..file(name, bytes) };
            let (page, answer) = sent_and_downloaded(app, &shop, &ana, number as u128, sent).await;
            assert!(!page.html().contains("class=\"picture\""), "{name}");
            assert_eq!(answer.header(header::CONTENT_TYPE), "application/octet-stream", "{name}");
            assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
            let disposition = answer.header(header::CONTENT_DISPOSITION);
            let saved_as = saved_as.replace(['=', '<', '>'], "_");
            assert!(disposition.starts_with(&format!("attachment; filename=\"{saved_as}\";")), "{disposition}");
            let policy = answer.header(header::CONTENT_SECURITY_POLICY);
            assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
            assert!(!answer.headers.contains_key(header::SET_COOKIE));
        }
    });
}

#[test]
fn pictures_are_shown_by_what_they_are_not_by_what_they_are_called() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let (png, jpeg) = (b"\x89PNG\r\n\x1a\nrest".to_vec(), [&b"\xff\xd8\xff\xe0"[..], &noise(3, 300_000)].concat());
        for (number, (name, bytes, image)) in
            [("screenshot.png", png.clone(), "image/png"), ("large.bin", jpeg, "image/jpeg"), ("page.html", png, "image/png")]
                .into_iter()
                .enumerate()
        {
            let (page, answer) = sent_and_downloaded(app, &shop, &ana, number as u128, file(name, bytes.clone())).await;
            assert!(page.html().contains("class=\"picture\""), "{name}");
            assert_eq!((answer.header(header::CONTENT_TYPE), answer.body == bytes), (image, true), "{name}");
            assert!(answer.header(header::CONTENT_DISPOSITION).starts_with("attachment"), "also pictures are saved, not opened");
        }
    });
}

#[test]
fn files_end_as_the_event_beside_them() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.set(&shop, json!({"filters": {"releases": ["bad-*"]}})).await;
        let large = || file("large", noise(9, 200_000));
        let sdk = app.sdk(&shop);
        sdk.envelope(with_files(Some(error("Boom").release("bad-1")), 1, &[file("note", "ten bytes!"), large()])).await.assert_ok();
        let mut broken = with_files(None, 2, &[file("note", "ten bytes!")]).to_vec();
        broken.extend_from_slice(b"\n{\"type\":\"event\"}\n{\"event_id\":");
        sdk.envelope(broken).await.assert_ok();
        sdk.envelope(with_files(Some(error("Boom")), 3, &[large()])).await.assert_ok();
        app.digest_all().await;
        sdk.envelope(with_files(Some(error("Boom")), 3, &[large()])).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(
            app.outcomes().await,
            [
                "attachment duplicate 200000",
                "attachment filtered release-version 200010",
                "attachment invalid invalid_json 10",
                "attachment stored 200000",
                "attachment_item duplicate 1",
                "attachment_item filtered release-version 2",
                "attachment_item invalid invalid_json 1",
                "attachment_item stored 1",
                "error duplicate 1",
                "error filtered release-version 1",
                "error invalid invalid_json 1",
                "error stored 1",
            ]
        );
    });
}

#[test]
fn files_that_come_alone_are_shown_whether_they_come_before_or_after_their_event() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let sdk = app.sdk(&shop);
        sdk.envelope(with_files(None, 1, &[file("early", "one"), file("early", "two")])).await.assert_ok();
        app.digest_all().await;
        app.clock.advance(TimeDelta::days(1));
        sdk.capture(error("Boom").id(1)).await.assert_ok();
        app.digest_all().await;
        app.clock.advance(TimeDelta::days(20));
        sdk.envelope(with_files(None, 1, &[file("late", noise(4, 200_000))])).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let issue = app.only_issue(&shop).await;
        let links = links(&ana, issue, 1).await;
        let mut sizes = Vec::new();
        for link in &links {
            sizes.push(ana.get(link).await.assert_ok().body.len());
        }
        assert_eq!(sizes, [3, 3, 200_000]);
        let page = ana.page(&urls::issue(issue)).await;
        page.assert_reads("early text/plain 3 B early text/plain 3 B late text/plain 200.0 KB");
    });
}

#[test]
fn the_same_file_of_the_same_event_is_kept_once() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let alone = || with_files(None, 1, &[file("log", noise(5, 150_000)), file("note", "a"), file("note", "a"), file("note", "b")]);
        app.sdk(&shop).envelope(alone()).await.assert_ok();
        app.sdk(&shop).envelope(alone()).await.assert_ok();
        app.digest_all().await;
        // Also the next day, also through another process.
        app.clock.advance(TimeDelta::days(1));
        let other = app.another_server();
        other.sdk(&shop).envelope(alone()).await.assert_ok();
        other.digest_all().await;
        assert_eq!(
            app.outcomes().await,
            ["attachment duplicate 300007", "attachment stored 150002", "attachment_item duplicate 9", "attachment_item stored 3",]
        );
        // The same file of another event is another.
        app.sdk(&shop).envelope(with_files(None, 2, &[file("note", "a")])).await.assert_ok();
        app.digest_all().await;
        assert_eq!(places(app).await.len(), 4);
    });
}

#[test]
fn nobody_reads_files_of_another_project() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let (ana, eve) = (app.member("ana", &shop).await, app.member("eve", &blog).await);
        app.sdk(&shop).envelope(with_files(Some(error("Boom")), 1, &[file("secret", "of the shop")])).await.assert_ok();
        app.sdk(&blog).capture(error("Boom").id(1)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let (theirs, mine) = (app.only_issue(&shop).await, app.only_issue(&blog).await);
        let link = links(&ana, theirs, 1).await.remove(0);
        ana.get(&link).await.assert_ok();
        eve.get(&link).await.assert_status(404);
        // Her own event has the same id.
        eve.get(&link.replace(&theirs.to_string(), &mine.to_string())).await.assert_status(404);
        assert!(links(&eve, mine, 1).await.is_empty());
        for wrong in [format!("{link}0"), link.replace("/attachments/", "/attachments/x"), link[..link.len() - 1].to_owned()] {
            ana.get(&wrong).await.assert_status(404);
        }
    });
}

#[test]
fn more_files_than_an_envelope_may_hold_are_left_out_and_the_event_is_kept() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let names: Vec<String> = (0..31).map(|number| format!("file {number}")).collect();
        let files: Vec<_> = names.iter().map(|name| file(name, "x")).collect();
        app.sdk(&shop).envelope(with_files(Some(error("Boom")), 1, &files)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(
            app.outcomes().await,
            [
                "attachment invalid duplicate_item 1",
                "attachment stored 30",
                "attachment_item invalid duplicate_item 1",
                "attachment_item stored 30",
                "error stored 1",
            ]
        );
    });
}

/// The most memory that this process has ever had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default() / 1024
}

#[test]
fn a_file_of_100_mib_passes_through_without_being_in_memory() {
    const PIECE: usize = 256 * 1024;
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        let head = format!(
            "{{\"event_id\":\"{}\"}}\n{{\"type\":\"attachment\",\"filename\":\"core\",\"length\":{}}}\n",
            event_id(1).simple(),
            399 * PIECE
        );
        let before = peak();
        let piece = Bytes::from(noise(6, PIECE));
        let pieces = std::iter::once(Bytes::from(head)).chain(std::iter::repeat_n(piece.clone(), 399));
        let body = Body::from_stream(stream::iter(pieces.map(Ok::<_, std::io::Error>)));
        app.sdk(&shop).post("envelope", body).await.assert_ok();
        app.expected.add(399 * PIECE as i64 + 1);
        app.digest_all().await;
        app.run_jobs().await;
        let link = links(&ana, app.only_issue(&shop).await, 1).await.remove(0);
        let request = Request::get(link).header(header::COOKIE, &ana.cookie).header(header::ACCEPT_ENCODING, "gzip");
        let answer = app.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_LENGTH], (399 * PIECE).to_string(), "handed out as it is");
        let (mut at, mut largest) = (0, 0);
        let mut stream = answer.into_body().into_data_stream();
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.unwrap();
            largest = largest.max(bytes.len());
            for part in bytes.chunks(PIECE - at % PIECE) {
                let place = at % PIECE;
                assert!(part.len() > PIECE - place || part == &piece[place..place + part.len()], "at {at}");
                at += part.len();
            }
        }
        assert_eq!(at, 399 * PIECE);
        assert!(largest <= 64 * 1024, "read in pieces: {largest}");
        // Other tests run beside this one: a limit far below the file's size, and above their noise.
        assert!(peak() < before + 70, "{} MiB, {before} before", peak());
    });
}

#[test]
fn an_answer_that_is_cut_does_not_look_whole() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.sdk(&shop).envelope(with_files(Some(error("Boom")), 1, &[file("log", noise(7, 150_000))])).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let link = links(&ana, app.only_issue(&shop).await, 1).await.remove(0);
        let blob = files_below(app.blobs_dir()).remove(0);
        std::fs::remove_file(&blob).unwrap();
        ana.get(&link).await.assert_status(404);
        std::fs::write(&blob, "short").unwrap();
        let request = Request::get(&link).header(header::COOKIE, &ana.cookie).body(Body::empty()).unwrap();
        let answer = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_LENGTH], "150000", "whoever reads five bytes knows that there should be more");
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "short");
    });
}
