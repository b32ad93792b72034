//! Ingest over a journal on disk: what SDKs get, and what digest will read.

mod answers;
mod captured;
mod credentials;
mod encodings;
mod endpoints;
mod envelopes;
mod error_page;
mod limits;
mod minidumps;
mod pressure;
mod security;
mod stores;
mod wire;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;
use crate::platform::journal::{BatchLimits, JournalOptions, OsFiles};
use crate::projects::KeyInfo;
use crate::protocol::envelope::Item;
use crate::protocol::record::{Counted, Record};

/// The key of project 42, which takes everything.
const KEY: &str = "0123456789abcdef0123456789abcdef";
/// The key of project 43, which takes from one site only.
const PICKY: &str = "11111111111111111111111111111111";
/// A disabled key of project 42.
const DISABLED: &str = "22222222222222222222222222222222";
/// A key that nobody can tell anything of.
const UNSEEN: &str = "33333333333333333333333333333333";
/// The id that is generated where one is needed.
const NEW_ID: &str = "99999999999999999999999999999999";
const ID: &str = "580c0000000000000000000000000020";
const ENVELOPE: &str = "/api/42/envelope/";
const STORE: &str = "/api/42/store/";

/// A server without its network, and the journal behind it.
struct House {
    dir: TempDir,
    journal: Arc<Journal>,
    ingest: Arc<Ingest>,
}

/// What a client sees.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl House {
    fn new() -> Self {
        Self::with(JournalOptions::default(), Settings::default())
    }

    fn with(options: JournalOptions, settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = JournalOptions { sync_interval: Duration::ZERO, ..options };
        let (journal, _) = Journal::open(dir.path(), options, Arc::new(OsFiles)).unwrap();
        let journal = Arc::new(journal);
        let seams = Seams {
            journal: Arc::clone(&journal),
            lookup: Box::new(|key| Box::pin(async move { lookup(key) })),
            now: Box::new(now),
            quotas: Quotas::default(),
            requests: RequestLog::default(),
            new_id: Box::new(|| NEW_ID.parse().unwrap()),
        };
        Self { dir, journal, ingest: Ingest::new(seams, settings) }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = Arc::clone(&self.ingest).routes().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let answer = Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() };
        answer.assert_cors();
        answer
    }

    /// Posts to project 42 with its key in the header.
    async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(post(path).body(body.into()).unwrap()).await
    }

    /// Posts what was encoded.
    async fn post_encoded(&self, encoding: &str, body: impl Into<Body>) -> Answer {
        self.send(post(ENVELOPE).header("content-encoding", encoding).body(body.into()).unwrap()).await
    }

    /// What waits for digest, taken out.
    async fn records(&self) -> Vec<Record> {
        let all = BatchLimits { records: usize::MAX, bytes: usize::MAX };
        let entries = self.journal.next_batch(all).await.unwrap();
        entries.iter().map(|entry| Record::decode(&entry.body).unwrap()).collect()
    }

    async fn only_record(&self) -> Record {
        let mut records = self.records().await;
        assert_eq!(records.len(), 1);
        records.pop().unwrap()
    }

    /// The files in the spool.
    fn spooled_files(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("spool")).unwrap().count()
    }
}

impl Answer {
    /// The headers that stand on every answer, whatever its status.
    fn assert_cors(&self) {
        assert_eq!(self.header("access-control-allow-origin"), "*");
        assert_eq!(self.header("access-control-expose-headers"), "x-sentry-error, x-sentry-rate-limits, retry-after");
        assert!(self.header("access-control-allow-headers").contains("x-sentry-auth"));
        assert!(self.header("access-control-allow-methods").contains("POST"));
        assert!(!self.headers.contains_key("www-authenticate"));
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A success: exactly 200 and JSON with this id.
    fn assert_id(&self, id: &str) {
        assert_eq!((self.status.as_u16(), self.json()), (200, serde_json::json!({"id": id})));
    }

    fn assert_ok(&self) {
        assert_eq!(self.status, 200, "{self:?}");
    }

    /// A refusal with its texts.
    fn assert_refused(&self, status: u16, detail: &str, cause: Option<&str>) {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["detail"].as_str().unwrap()), (status, detail));
        assert_eq!(body["causes"][0].as_str(), cause);
        let text = cause.map_or_else(|| detail.to_owned(), |cause| format!("{}: {cause}", detail.trim_end_matches('.')));
        assert_eq!(self.header("x-sentry-error"), format!("{text} [DSN {}]", body["dsn"].as_str().unwrap()));
    }
}

fn lookup(key: PublicKey) -> KeyAnswer {
    let limited = |dsn_id, key_id, allowed: &[&str], enabled, limits| {
        let allowed_domains = allowed.iter().map(|domain| (*domain).to_owned()).collect();
        KeyAnswer::Known(Arc::new(KeyInfo { project_id: 7, dsn_id, key_id, allowed_domains, enabled, limits }))
    };
    let known = |dsn_id, key_id, allowed, enabled| limited(dsn_id, key_id, allowed, enabled, vec![]);
    match format!("{:032x}", key.bits()).as_str() {
        KEY => known(42, 1, &[], true),
        PICKY => known(43, 2, &["*.shop.example"], true),
        DISABLED => known(42, 3, &[], false),
        UNSEEN => KeyAnswer::Unavailable,
        limits::LIMITED => limited(44, 4, &[], true, limits::limited()),
        limits::SCARCE => limited(44, 5, &[], true, limits::scarce()),
        _ => KeyAnswer::Unknown,
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

/// A POST with the key of project 42.
fn post(path: &str) -> http::request::Builder {
    Request::builder().method(Method::POST).uri(path).header("x-sentry-auth", format!("Sentry sentry_key={KEY}, sentry_client=test/1"))
}

/// A request that came over a connection from this address.
fn from_peer(mut request: Request<Body>, peer: &str) -> Request<Body> {
    request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
    request
}

/// An envelope with one event.
fn event_envelope() -> String {
    format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"boom\"}}\n")
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// Bytes that do not compress.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    bytes.take(size).collect()
}

/// A body in pieces, and how many of its bytes were taken so far.
fn counted_body(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let stream = futures_util::stream::iter(pieces).map(move |piece| {
        counter.fetch_add(piece.len(), Ordering::Relaxed);
        Ok::<_, std::io::Error>(piece)
    });
    (Body::from_stream(stream), taken)
}

/// A body of which nothing ever arrives.
fn silent_body() -> Body {
    Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>())
}

fn items(record: &Record) -> Vec<Item> {
    record.open().unwrap().collect_items().unwrap()
}

fn kinds(record: &Record) -> Vec<&'static str> {
    items(record).iter().map(|item| item.header.kind().name()).collect()
}

/// What was counted, as `category outcome reason` with its quantity, sorted.
fn counts(counted: &[Counted]) -> Vec<(String, u64)> {
    let text = |one: &Counted| format!("{} {} {}", one.category.name(), one.outcome.name(), one.outcome.reason()).trim_end().to_owned();
    let mut counts: Vec<_> = counted.iter().map(|one| (text(one), one.quantity)).collect();
    counts.sort();
    counts
}

fn count(text: &str, quantity: u64) -> (String, u64) {
    (text.to_owned(), quantity)
}
