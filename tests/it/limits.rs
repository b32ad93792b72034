//! Every limit of what requests and items may measure: one less, as much, one more, compressed and not, over the real router into the books.

mod builders;
mod cases;

use std::collections::BTreeMap;
use std::io::Write as _;

use axum::body::Body;
use axum::http::Request;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;
use vedette::protocol::Limits;
use vedette::protocol::limits::{LIMITS, MIB, Unit};
use vedette::web::urls;

use crate::harness::http::{Answer, send};
use crate::harness::{Project, Server, TestApp, app_test, error};

/// What is sent to an endpoint of a project.
struct Sent {
    path: String,
    content_type: &'static str,
    body: Vec<u8>,
}

/// Lines of the books: category, outcome, reason, quantity.
type Books = Vec<String>;

/// What happens to one more than the limit.
enum Beyond {
    /// The request is refused: status, text, and what the books say.
    Refused(u16, String, &'static str),
    /// The request is taken, and the books say this.
    LeftOut(Box<dyn Fn(u64) -> Books>),
}

/// Makes a request of a size or number and an event id; whether lengths are announced.
type Make = dyn Fn(u64, &str, bool) -> Sent;

/// One limit, met in one way.
struct Case {
    /// Its name.
    limit: &'static str,
    /// Its value.
    at: u64,
    /// Whether it holds for a body, which is then sent in every encoding.
    is_body: bool,
    send: Box<Make>,
    /// What the books say up to the limit.
    taken: Box<dyn Fn(u64) -> Books>,
    beyond: Beyond,
}

/// Small limits, all different, so that a test is quick and no limit stands for another.
fn small() -> Limits {
    Limits {
        envelope: 400_000,
        store: 900,
        security: 950,
        event: 1000,
        attachments_total: 200_000,
        attachment: 140_000,
        attachments_count: 30,
        session: 600,
        sessions_count: 20,
        client_report: 500,
        client_reports_count: 10,
        check_in: 550,
        log: 1200,
        otlp_logs: 700,
        nel: 800,
        trace_metric: 650,
        span: 750,
        spans_count: 25,
        profile: 1300,
        replay: 1400,
        user_report: 450,
        other: 400,
        header_line: 350,
    }
}

fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 1, 18);
            encoder.write_all(body).unwrap();
            encoder.into_inner()
        }
        "zstd" => zstd::encode_all(body, 1).unwrap(),
        _ => body.to_vec(),
    }
}

/// Sends it; a body that is not encoded says how long it is, or comes in pieces and does not.
async fn post(server: &Server, project: &Project, sent: &Sent, coding: &str) -> Answer {
    let body = encoded(coding, &sent.body);
    let mut request = Request::post(format!("/api/{}/{}?sentry_key={}", project.dsn_id, sent.path, project.key));
    request = request.header("content-type", sent.content_type);
    let body = match coding {
        "" => {
            request = request.header("content-length", body.len());
            Body::from(body)
        }
        "pieces" => {
            let pieces: Vec<_> = body.chunks(1000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
            Body::from_stream(futures_util::stream::iter(pieces))
        }
        coding => {
            request = request.header("content-encoding", coding);
            Body::from(body)
        }
    };
    send(&server.router, request.body(body).unwrap()).await
}

/// The books as numbers.
async fn books(app: &TestApp) -> BTreeMap<String, i64> {
    let lines = app.outcomes().await;
    let pairs = lines.iter().filter_map(|line| line.rsplit_once(' '));
    pairs.map(|(line, quantity)| (line.to_owned(), quantity.parse().unwrap())).collect()
}

/// Encodings and sizes: around the limit, and bombs far beyond it.
fn attempts(case: &Case) -> Vec<(&'static str, u64)> {
    let codings = if case.is_body { &["", "pieces", "gzip", "deflate", "br", "zstd"][..] } else { &["", "gzip"] };
    let of_coding = |coding: &&'static str| {
        let bomb = (case.is_body && !matches!(*coding, "" | "pieces")).then_some(case.at + MIB);
        let coding = *coding;
        [case.at - 1, case.at, case.at + 1].into_iter().chain(bomb).map(move |size| (coding, size))
    };
    codings.iter().flat_map(of_coding).collect()
}

/// What the books have to say of an attempt; none where the answer is wrong.
fn expected(case: &Case, size: u64, answer: &Answer) -> Option<Books> {
    let mut lines = match &case.beyond {
        Beyond::Refused(status, detail, line) if size > case.at => {
            let is_right = answer.status == *status && answer.json()["detail"].as_str() == Some(detail);
            let is_said = answer.header("x-sentry-error").starts_with(detail.trim_end_matches('.'));
            return (is_right && is_said).then(|| vec![(*line).to_owned()]);
        }
        Beyond::LeftOut(lines) if size > case.at => lines(size),
        _ => (case.taken)(size),
    };
    lines.sort();
    answer.status.is_success().then_some(lines)
}

#[test]
fn every_limit_holds_to_the_byte() {
    app_test(async |app| {
        let (shop, server) = (app.project("shop").await, app.server_with(small()));
        let (mut id, mut before, mut wrong) = (0_u128, BTreeMap::new(), Vec::new());
        for case in cases::all(small()) {
            for (coding, size) in attempts(&case) {
                id += 1;
                // With a length and without one, an item's size is noticed in different places.
                let sent = (case.send)(size, &format!("{id:032x}"), coding.is_empty());
                let answer = post(&server, &shop, &sent, coding).await;
                server.digest_refused().await;
                let after = books(app).await;
                let grown = after.iter().map(|(line, now)| (line, now - before.get(line).unwrap_or(&0))).filter(|(_, more)| *more != 0);
                let items = grown.clone().filter(|(line, _)| !line.contains(" discarded ")).map(|(_, more)| more).sum();
                let grown: Books = grown.map(|(line, more)| format!("{line} {more}")).collect();
                if expected(&case, size, &answer).as_ref() != Some(&grown) {
                    wrong.push(format!("{} of {}, {size} {coding}: {} {grown:?} {}", case.limit, case.at, answer.status, answer.html()));
                }
                app.expected.add(items);
                before = after;
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        app.run_jobs().await;
    });
}

#[test]
fn every_limit_has_a_case() {
    let cases = cases::all(small());
    for limit in LIMITS {
        let mut of_limit = cases.iter().filter(|case| case.limit == limit.name).peekable();
        assert!(of_limit.peek().is_some(), "no case for {}", limit.name);
        assert!(of_limit.all(|case| case.at == (limit.get)(&small())), "another value in a case for {}", limit.name);
    }
    let mut sizes: Vec<_> = LIMITS.iter().filter(|limit| limit.unit == Unit::Bytes).map(|limit| (limit.get)(&small())).collect();
    sizes.sort_unstable();
    assert!(sizes.windows(2).all(|pair| pair[0] < pair[1]), "two limits are alike: one could stand for the other");
}

/// The database has no limit of its own for events, and pages show them.
#[test]
fn a_larger_event_is_digested_whole() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let server = app.server_with(Limits { event: 8 * MIB, store: 8 * MIB, ..Limits::default() });
        // Eight thousand variables of 900 bytes in a thousand frames: nothing that trimming would cut to nearly nothing at once.
        let text = "many words of a long story ".repeat(34);
        let frame = |number: u32| {
            let vars: serde_json::Map<_, _> = (0..7).map(|name| (format!("v{name}"), json!(text))).collect();
            json!({"filename": "shop.py", "function": format!("f{number}"), "lineno": number, "vars": vars})
        };
        let frames: Vec<_> = (0..1100).map(frame).collect();
        let event =
            error("Large").with("exception", json!({"values": [{"type": "Large", "value": "x", "stacktrace": {"frames": frames}}]}));
        let size = event.0.to_string().len() as u64;
        assert!((6 * MIB..8 * MIB).contains(&size), "{size} bytes");
        server.sdk(&shop).capture(event.clone().id(1)).await.assert_ok();
        server.digest_all().await;
        let store =
            Sent { path: "store/".to_owned(), content_type: "application/json", body: event.clone().id(2).0.to_string().into_bytes() };
        post(&server, &shop, &store, "gzip").await.assert_ok();
        app.expected.add(1);
        server.digest_all().await;
        assert_eq!(app.outcomes().await, ["error stored 2"]);
        let issue = app.only_issue(&shop).await;
        ana.page(&urls::issue(issue)).await.assert_reads("Large");
        // Where nobody raised it, the same is refused.
        app.sdk(&shop).capture(event.id(3)).await.assert_status(413);
        app.digest_refused().await;
        app.expected.add(1);
        assert_eq!(app.outcomes().await, ["error invalid too_large:event 1", "error stored 2"]);
        app.run_jobs().await;
    });
}

#[test]
fn reasons_of_their_own_that_are_too_many_have_one_word() {
    app_test(async |app| {
        let (shop, busy) = (app.project("shop").await, app.project("busy").await);
        let report = |reasons: std::ops::Range<u32>| {
            let lines: Vec<_> = reasons.map(|n| json!({"reason": format!("own_{n}"), "category": "error", "quantity": 1})).collect();
            json!({"discarded_events": lines}).to_string()
        };
        // Twenty are counted apart; beyond two hundred lines a request is not even looked at in full.
        for (project, reasons) in [(&shop, 0..30), (&busy, 0..300)] {
            app.sdk(project).envelope(crate::harness::events::envelope(&[("client_report", report(reasons).as_bytes())])).await.assert_ok();
        }
        app.digest_all().await;
        for (project, others) in [(&shop, 10_i64), (&busy, 280)] {
            let rows: Vec<(String, i64)> = sqlx::query_as("select reason, quantity from outcomes where project_id = $1")
                .bind(project.id.0)
                .fetch_all(app.db())
                .await
                .unwrap();
            assert_eq!((rows.len(), rows.iter().map(|row| row.1).sum::<i64>()), (21, others + 20));
            assert!(rows.contains(&("other".to_owned(), others)), "{rows:?}");
        }
    });
}
