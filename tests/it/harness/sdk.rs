//! An SDK that was given a DSN.

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use vedette::protocol::envelope::Envelope;
use vedette::protocol::unkept;

use super::http::{Answer, send};
use super::{Event, Project, Server};

/// Sends to one server with one project's key.
pub(crate) struct Sdk {
    server: Server,
    project: Project,
    headers: Vec<(String, String)>,
}

impl Sdk {
    pub(super) fn new(server: Server, project: &Project) -> Self {
        let auth = format!("Sentry sentry_version=7, sentry_key={}, sentry_client=test/1", project.key);
        Self { server, project: project.clone(), headers: vec![("x-sentry-auth".to_owned(), auth)] }
    }

    /// The same with another header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends one event in an envelope.
    pub(crate) async fn capture(&self, event: Event) -> Answer {
        self.envelope(event.envelope()).await
    }

    /// Sends an envelope as it is; its items are expected in the books when it is taken.
    pub(crate) async fn envelope(&self, bytes: impl Into<Bytes>) -> Answer {
        let bytes = bytes.into();
        let answer = self.post("envelope", bytes.clone()).await;
        if answer.status == 200 {
            self.server.expected.add(quantities(&bytes));
        }
        answer
    }

    /// Sends a body that is no plain envelope; the test says what it holds.
    pub(crate) async fn post(&self, endpoint: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::post(format!("/api/{}/{endpoint}/", self.project.dsn_id));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        send(&self.server.router, request.body(body.into()).unwrap()).await
    }
}

/// What the items of an envelope count as.
pub(crate) fn quantities(bytes: &Bytes) -> i64 {
    let items = Envelope::parse(bytes).and_then(|envelope| envelope.collect_items()).unwrap_or_default();
    let ends = items.iter().flat_map(|item| unkept::ends(&item.header, &item.payload));
    ends.map(|(.., quantity)| quantity as i64).sum()
}
