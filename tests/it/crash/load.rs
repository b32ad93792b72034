//! SDKs that send numbered events, and send again what got no 200, with the same id.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::http::{Connection, Reply};
use super::program::{Program, Target};
use crate::harness::error;

/// The pause before an event is sent again.
const AGAIN: Duration = Duration::from_millis(10);
/// Issues that the events fall into.
const ISSUES: usize = 20;

#[derive(Debug)]
struct Shared {
    path: String,
    address: watch::Receiver<String>,
    total: usize,
    next: AtomicUsize,
    /// Events below this number may be sent by now.
    allowed: watch::Sender<usize>,
    acknowledged: watch::Sender<usize>,
    /// What was answered other than 200.
    refusals: Mutex<Vec<u16>>,
    /// From sending to 200, of those since [`Load::told`].
    waits: Mutex<Vec<Duration>>,
}

/// Events on their way.
#[derive(Debug)]
pub(super) struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

impl Load {
    /// `total` events, on so many connections; nothing is sent before [`Self::allow`].
    pub(super) fn new(program: &Program, target: &Target, total: usize, connections: usize) -> Self {
        let shared = Arc::new(Shared {
            path: path(target),
            address: program.address(),
            total,
            next: AtomicUsize::new(0),
            allowed: watch::Sender::default(),
            acknowledged: watch::Sender::default(),
            refusals: Mutex::default(),
            waits: Mutex::default(),
        });
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            clients.spawn(Arc::clone(&shared).run());
        }
        Self { shared, clients }
    }

    /// The first so many events may be sent.
    pub(super) fn allow(&self, events: usize) {
        self.shared.allowed.send_replace(events);
    }

    /// Waits until so many were answered by 200.
    pub(super) async fn acknowledged(&self, events: usize) {
        self.shared.acknowledged.subscribe().wait_for(|count| *count >= events).await.unwrap();
    }

    /// Prints how long the answers took since it was called last: figures for `docs/benchmarks.md`, nothing is asserted of them.
    pub(super) fn told(&self, when: &str) {
        let mut waits = std::mem::take(&mut *self.shared.waits.lock());
        waits.sort_unstable();
        let at = |share: usize| {
            waits.get((waits.len() * share / 100).min(waits.len().saturating_sub(1))).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
        };
        println!("{} answers {when}: p50 {:.1} ms, p99 {:.1} ms", waits.len(), at(50), at(99));
    }

    /// Waits until all were answered by 200, and checks that none was answered otherwise: a server that is away answers nothing.
    pub(super) async fn finish(self) {
        self.allow(self.shared.total);
        self.clients.join_all().await;
        assert_eq!(*self.shared.acknowledged.borrow(), self.shared.total);
        let refusals = self.shared.refusals.lock();
        assert!(refusals.is_empty(), "answers other than 200: {refusals:?}");
    }
}

impl Shared {
    async fn run(self: Arc<Self>) {
        let mut connection = None;
        let mut allowed = self.allowed.subscribe();
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if number >= self.total {
                return;
            }
            allowed.wait_for(|allowed| number < *allowed).await.unwrap();
            let envelope = event(number);
            loop {
                let sent = Instant::now();
                match self.send(&mut connection, &envelope).await {
                    Ok(Reply { status: 200, .. }) => {
                        self.waits.lock().push(sent.elapsed());
                        break;
                    }
                    Ok(Reply { status, .. }) => self.refusals.lock().push(status),
                    Err(_) => connection = None,
                }
                sleep(AGAIN).await;
            }
            self.acknowledged.send_modify(|count| *count += 1);
        }
    }

    async fn send(&self, connection: &mut Option<Connection>, envelope: &[u8]) -> std::io::Result<Reply> {
        let connection = match connection {
            Some(connection) => connection,
            none => {
                let address = self.address.borrow().clone();
                none.insert(Connection::open(&address).await?)
            }
        };
        connection.post(&self.path, envelope).await
    }
}

/// Where envelopes go.
pub(super) fn path(target: &Target) -> String {
    format!("/api/{}/envelope/?sentry_key={}", target.project, target.key)
}

/// The envelope of an event.
fn event(number: usize) -> Bytes {
    let event = error(&format!("Error{}", number % ISSUES)).id(number as u128);
    event.user(&format!("user {}", number % 50)).tag("shard", &(number % 7).to_string()).envelope()
}
