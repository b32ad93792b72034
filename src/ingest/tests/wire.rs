//! Over a real connection: what only shows between two sockets.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Serves the house on loopback while the client talks to it.
async fn serving<T>(house: &House, client: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Arc::clone(&house.ingest).routes().into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        ended = async { axum::serve(listener, service).await } => panic!("the server ended: {ended:?}"),
        result = client(address) => result,
    }
}

fn head(path: &str, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: e\r\nX-Sentry-Auth: Sentry sentry_key={KEY}\r\n{more}\r\n")
}

/// The head of the next answer.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    let text = String::from_utf8(text).unwrap();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    text
}

#[tokio::test]
async fn a_full_journal_answers_before_the_body_is_sent() {
    let house = House::with(JournalOptions { min_free_disk: u64::MAX, ..JournalOptions::default() }, Settings::default());
    let text = serving(&house, async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head(ENVELOPE, "Content-Length: 100000\r\n").as_bytes()).await.unwrap();
        answer(&mut stream).await
    })
    .await;
    assert!(text.starts_with("HTTP/1.1 429 "), "{text}");
    assert!(text.contains("\r\nretry-after: 10\r\n") && text.contains("\r\nx-sentry-rate-limits: 10::organization:disk_low\r\n"), "{text}");
}

#[tokio::test]
async fn a_refused_body_does_not_cost_the_connection() {
    let house = House::new();
    serving(&house, async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let body = "x".repeat(100_000);
        let refused = [head("/api/77/envelope/", &format!("Content-Length: {}\r\n", body.len())), body].concat();
        stream.write_all(refused.as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 403 "));
        let event = event_envelope();
        let chunked = format!("{}{:x}\r\n{event}\r\n0\r\n\r\n", head(ENVELOPE, "Transfer-Encoding: chunked\r\n"), event.len());
        stream.write_all(chunked.as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200 "));
    })
    .await;
    assert_eq!(house.only_record().await.client_ip, Some("127.0.0.1".parse().unwrap()));
}

#[tokio::test]
async fn half_a_body_is_nothing() {
    let house = House::new();
    let event = event_envelope();
    serving(&house, async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let cut = [head(ENVELOPE, &format!("Content-Length: {}\r\n", event.len() + 1)), event].concat();
        stream.write_all(cut.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        // Whether a client that went away is told so is the server's choice.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    })
    .await;
    assert!(house.records().await.is_empty());
}
