//! A receiver of webhooks on this machine: it keeps what it gets and answers as it is told.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Posted {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

#[derive(Debug, Default)]
struct State {
    answer: Mutex<Option<(u16, String)>>,
    posted: Mutex<Vec<Posted>>,
}

/// Ends when dropped.
#[derive(Debug)]
pub(crate) struct FakeHook {
    port: u16,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

impl FakeHook {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let router = Router::new().fallback(take).with_state(Arc::clone(&state));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, state, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Answers so from now on; redirects lead to what the body says.
    pub(crate) fn answer(&self, status: u16, body: &str) {
        *self.state.answer.lock() = Some((status, body.to_owned()));
    }

    /// All that came since the last time.
    pub(crate) fn take(&self) -> Vec<Posted> {
        std::mem::take(&mut self.state.posted.lock())
    }
}

async fn take(Shared(state): Shared<Arc<State>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    state.posted.lock().push(Posted { path: uri.path().to_owned(), headers, body });
    let (status, body) = state.answer.lock().clone().unwrap_or((200, "ok".to_owned()));
    let location = if matches!(status, 300..400) { body.clone() } else { String::new() };
    (StatusCode::from_u16(status).unwrap(), [("location", location)], body).into_response()
}
