//! One handle to everything the platform offers: handlers and background work get it and nothing else.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use http::request::Parts as RequestParts;
use url::Url;

use super::blobs::Blobs;
use super::clock::Clock;
use super::db::Db;
use super::fetch::Fetch;
use super::ids::Ids;
use super::mail::Mailer;
use super::outbox::Wake;
use super::seal::Seal;
use super::trouble::Board;

/// What an [`App`] holds.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Random ids and secrets.
    pub ids: Ids,
    /// Files that outgrow rows.
    pub blobs: Blobs,
    /// Sends mails, or keeps them when no SMTP server is set.
    pub mailer: Mailer,
    /// Asks addresses that people typed.
    pub fetch: Fetch,
    /// Keeps secrets at rest.
    pub seal: Seal,
    /// Tells the outbox's runner that a job was committed.
    pub outbox: Wake,
    /// The public address, without a slash at its end: what DSNs, links in mails and the CSRF check use.
    pub url: Url,
}

/// A shared [`Parts`]; the state of every dashboard route.
#[derive(Debug, Clone)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    parts: Parts,
    is_set_up: AtomicBool,
    board: Board,
}

impl App {
    /// A handle to `parts`.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared { parts, is_set_up: AtomicBool::new(false), board: Board::default() }))
    }

    /// What is wrong with this server.
    pub fn board(&self) -> &Board {
        &self.0.board
    }

    /// Whether the database is known to have the tables of this version.
    pub fn is_set_up(&self) -> bool {
        self.0.is_set_up.load(Ordering::Acquire)
    }

    /// It has.
    pub fn set_up_is_done(&self) {
        self.0.is_set_up.store(true, Ordering::Release);
    }

    /// The public address of a path that begins with a slash. One that has the public address's own path already gets it once.
    pub fn absolute(&self, path: &str) -> String {
        let own = self.url.path().trim_end_matches('/');
        let path = path.strip_prefix(own).filter(|rest| rest.starts_with('/')).unwrap_or(path);
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

/// So that handlers may write `app: App`.
impl FromRequestParts<Self> for App {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut RequestParts, app: &Self) -> Result<Self, Self::Rejection> {
        Ok(app.clone())
    }
}
