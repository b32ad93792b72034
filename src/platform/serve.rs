//! # HTTP connections
//! **Promise.** Whoever connects and sends nothing, or the head of a request drop by drop, is cut off after [`Patience::head`]; no more than
//! [`Patience::connections`] are open at once, so that they never use up the files of the process. At the end requests that have begun are answered.
//! **How.** hyper's HTTP/1 with a timer; a permit per connection. Those beyond wait in the kernel's queue until one ends.
//! **When it breaks.** An error of `accept` is logged and tried again after a pause.
//! **Not here.** Bodies that trickle (`ingest`, and the dashboard's own time limit); TLS, which belongs into a proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Files that are not connections: journal, spool, database, mail.
const OTHER_FILES: u64 = 256;
/// What is read ahead of a connection, and the largest head of a request: events in a query are at most 64 KiB.
const BUFFER: usize = 80 * 1024;
/// Each connection takes some ten KiB, a hostile one [`BUFFER`] and what handlers grant it.
const MOST: u64 = 4096;
/// After an error of `accept`, which is most likely a lack of files.
const PAUSE: Duration = Duration::from_millis(500);

/// How much is put up with.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the head of a request, from the end of the one before. Longer than proxies keep idle connections (60 s), so that they close first.
    pub head: Duration,
    /// Open connections.
    pub connections: usize,
    /// For requests that have begun, at the end.
    pub end: Duration,
}

impl Patience {
    /// What suits this process; asks the system for as many files as it grants.
    pub fn of_process() -> Self {
        let granted = getrlimit(Resource::Nofile);
        let wished = Rlimit { current: granted.maximum.or(Some(MOST + OTHER_FILES)), maximum: granted.maximum };
        // Without it, fewer connections.
        let _ = setrlimit(Resource::Nofile, wished);
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let connections = files.saturating_sub(OTHER_FILES).clamp(64, MOST) as usize;
        Self { head: Duration::from_secs(65), connections, end: Duration::from_secs(10) }
    }
}

/// Serves until `soft` is cancelled.
pub async fn serve(listener: TcpListener, router: Router, patience: Patience, soft: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head).max_buf_size(BUFFER);
    let (graceful, tracker) = (GracefulShutdown::new(), TaskTracker::new());
    let places = Arc::new(Semaphore::new(patience.connections));
    while let Some((stream, peer, place)) = accept(&listener, &places, &soft).await {
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        // Answers are small, and nothing follows them.
        let _ = stream.set_nodelay(true);
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tracker.spawn(async move {
            // How a connection ends is its client's business.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(patience.end, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were not finished and are given up");
    }
}

/// The next connection; nothing when the server ends.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    soft: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = soft.run_until_cancelled(Arc::clone(places).acquire_owned()).await?.ok()?;
    loop {
        match soft.run_until_cancelled(listener.accept()).await? {
            Ok((stream, peer)) => return Some((stream, peer, place)),
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                soft.run_until_cancelled(tokio::time::sleep(PAUSE)).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const PATIENCE: Patience = Patience { head: Duration::from_secs(5), connections: 2, end: Duration::from_secs(3) };

    async fn started(soft: &CancellationToken) -> (SocketAddr, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "hello")).route("/echo", post(async |body: String| body));
        (address, TaskTracker::new().spawn(serve(listener, router, PATIENCE, soft.clone())))
    }

    async fn connect(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// All that comes until the server hangs up.
    async fn answer(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text).await;
        text
    }

    #[tokio::test]
    async fn who_sends_half_a_head_or_nothing_makes_room_for_others() {
        tokio::time::pause();
        let (address, _server) = started(&CancellationToken::new()).await;
        // They take both places; the clock jumps ahead as soon as everybody waits.
        let slow = [connect(address, "GET / HT").await, connect(address, "").await];
        let third = connect(address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(answer(third).await.ends_with("hello"));
        for stream in slow {
            assert!(!answer(stream).await.contains(" 200 "));
        }
    }

    #[tokio::test]
    async fn a_request_that_has_begun_is_answered_at_the_end() {
        let soft = CancellationToken::new();
        let (address, server) = started(&soft).await;
        let mut stream = connect(address, "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n").await;
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 100", "the handler reads the body");
        soft.cancel();
        stream.write_all(b"done").await.unwrap();
        assert!(answer(stream).await.ends_with("done"));
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
