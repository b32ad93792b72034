//! Blobs in a store that speaks S3: enough of one to take parts, hand out, delete, and be away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use chrono::NaiveDate;
use futures_util::TryStreamExt as _;
use parking_lot::Mutex;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use vedette::platform::blobs::{BlobName, BlobSettings, Blobs, Content, Credentials, PutError};

use super::faults::with_blobs;
use super::{file, noise, with_files};
use crate::harness::{app_test, error, run_test};

#[derive(Clone, Default)]
struct FakeS3 {
    objects: Arc<Mutex<BTreeMap<String, Bytes>>>,
    parts: Arc<Mutex<BTreeMap<u32, Bytes>>>,
    largest: Arc<AtomicU32>,
    is_away: Arc<AtomicBool>,
}

/// One request, in the few forms that the client sends.
async fn handle(State(s3): State<FakeS3>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let answer = |status: u16, body: String| Response::builder().status(status).header("etag", "\"tag\"").body(Body::from(body)).unwrap();
    let signed = headers.get("authorization").is_some_and(|value| value.to_str().unwrap().contains("Credential=KEY/"));
    if s3.is_away.load(Ordering::SeqCst) || !signed {
        return answer(if signed { 503 } else { 403 }, String::new());
    }
    let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default());
    let part = query.split('&').find_map(|pair| pair.strip_prefix("partNumber=")).and_then(|number| number.parse().ok());
    s3.largest.fetch_max(body.len() as u32, Ordering::SeqCst);
    match (method, part) {
        (Method::POST, _) if query.starts_with("uploads") => {
            s3.parts.lock().clear();
            let names = "<Bucket>b</Bucket><Key>k</Key><UploadId>one</UploadId>";
            answer(200, format!("<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>"))
        }
        (Method::POST, _) => {
            let whole = s3.parts.lock().values().flatten().copied().collect::<Vec<u8>>();
            s3.objects.lock().insert(path, whole.into());
            answer(200, "<CompleteMultipartUploadResult><ETag>\"tag\"</ETag></CompleteMultipartUploadResult>".to_owned())
        }
        (Method::PUT, Some(number)) => {
            s3.parts.lock().insert(number, body);
            answer(200, String::new())
        }
        (Method::PUT, None) => {
            s3.objects.lock().insert(path, body);
            answer(200, String::new())
        }
        (Method::DELETE, _) => {
            s3.objects.lock().remove(&path);
            answer(204, String::new())
        }
        _ => match s3.objects.lock().get(&path) {
            Some(bytes) => Response::builder()
                .header("etag", "\"tag\"")
                .header("last-modified", "Tue, 24 Nov 2026 14:33:07 GMT")
                .body(Body::from(bytes.clone()))
                .unwrap(),
            None => Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap(),
        },
    }
}

impl FakeS3 {
    /// Starts; the task that serves, and a client.
    async fn start(&self, scheme: &str, key: Option<&str>) -> (JoinSet<()>, Blobs) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("s3://errors/some/prefix?endpoint={scheme}://{}&region=eu-central-1", listener.local_addr().unwrap());
        let router = Router::new().fallback(handle).layer(DefaultBodyLimit::disable()).with_state(self.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let credentials =
            Credentials { key: key.map(str::to_owned), secret: key.map(|_| SecretString::from("secret")), ..Credentials::default() };
        let settings = BlobSettings::parse(&url, credentials).unwrap();
        (tasks, Blobs::open(&settings, "/nonexistent".into()).unwrap())
    }
}

fn name(number: u8) -> BlobName {
    BlobName::new(7, NaiveDate::from_ymd_opt(2026, 11, 24).unwrap(), [number; 16])
}

async fn read(blobs: &Blobs, name: &BlobName) -> Option<Vec<u8>> {
    let pieces = blobs.get(name).await.unwrap()?;
    Some(pieces.try_collect::<Vec<_>>().await.unwrap().concat())
}

#[test]
fn blobs_go_up_in_parts_come_back_and_are_deleted() {
    run_test(async || {
        let s3 = FakeS3::default();
        let (_tasks, blobs) = s3.start("http", Some("KEY")).await;
        let (small, large) = (noise(1, 1000), noise(2, 12_000_000));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spooled");
        blobs.put(&name(1), &Content::Bytes(small.clone().into())).await.unwrap();
        std::fs::write(&path, &large).unwrap();
        blobs.put(&name(2), &Content::File(path.clone())).await.unwrap();
        assert!(s3.largest.load(Ordering::SeqCst) <= 5 << 20, "in parts");
        std::fs::write(&path, &small).unwrap();
        blobs.put(&name(3), &Content::File(path)).await.unwrap();
        let names: Vec<String> = s3.objects.lock().keys().cloned().collect();
        assert_eq!(names[0], "/errors/some/prefix/7/20261124/01010101010101010101010101010101");
        assert_eq!(read(&blobs, &name(1)).await.unwrap(), small);
        assert!(read(&blobs, &name(2)).await.unwrap() == large);
        assert_eq!(read(&blobs, &name(3)).await.unwrap(), small);
        for number in [1, 2, 2] {
            blobs.remove(&name(number)).await.unwrap();
        }
        assert_eq!((read(&blobs, &name(2)).await, s3.objects.lock().len()), (None, 1));
        let gone = Content::File(dir.path().join("nothing"));
        assert!(matches!(blobs.put(&name(4), &gone).await, Err(PutError::Source(_))));
    });
}

#[test]
fn a_store_that_does_not_let_us_in_is_one_that_is_away() {
    run_test(async || {
        // A key that it does not know; TLS where it speaks none.
        for (scheme, key) in [("http", "OTHER"), ("https", "KEY")] {
            let (_tasks, blobs) = FakeS3::default().start(scheme, Some(key)).await;
            let content = Content::Bytes(Bytes::from_static(b"x"));
            assert!(matches!(blobs.put(&name(1), &content).await, Err(PutError::Store(_))), "{scheme}");
            assert!(blobs.get(&name(1)).await.is_err(), "{scheme}");
        }
    });
}

#[test]
fn events_with_files_wait_for_the_store_and_are_then_complete() {
    app_test(async |app| {
        let s3 = FakeS3::default();
        let (_tasks, blobs) = s3.start("http", Some("KEY")).await;
        let shop = app.project("shop").await;
        let files = [file("core", noise(1, 6_000_000)), file("log", noise(2, 50_000)), file("note", "x")];
        app.sdk(&shop).envelope(with_files(Some(error("Boom")), 1, &files)).await.assert_ok();
        s3.is_away.store(true, Ordering::SeqCst);
        let digest =
            vedette::digest::Digest::new(with_blobs(app, blobs.clone()), Arc::clone(&app.journal), app.journal_id, app.registry.clone());
        let mend = async {
            while sqlx::query_scalar::<_, i64>("select count(*) from pending_blobs").fetch_one(app.db()).await.unwrap() < 2 {}
            assert_eq!(app.stored().await, 0);
            s3.is_away.store(false, Ordering::SeqCst);
        };
        let (digested, ()) = tokio::join!(digest.drain(), mend);
        assert_eq!(digested.unwrap(), 1);
        app.run_jobs().await;
        assert_eq!(app.outcomes().await, ["attachment stored 6050001", "attachment_item stored 3", "error stored 1"]);
        let stored: Vec<String> =
            sqlx::query_scalar("select blob from attachments where blob is not null order by size desc").fetch_all(app.db()).await.unwrap();
        let back = read(&blobs, &BlobName::parse(&stored[0]).unwrap()).await.unwrap();
        assert!(back == files[0].bytes && s3.objects.lock().len() == 2);
    });
}
