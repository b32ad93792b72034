//! # Ingest: what SDKs talk to
//!
//! **Promise.** A 200 means that the envelope is on disk. Whatever a client sends gets the answer of the protocol, with CORS headers, and no
//! more memory than the limits say; what cannot be taken is refused before it is read where that can be known.
//!
//! **How.** One handler for all of `/api/{project}/…`: [`route`] reads the path, [`client`] the metadata, the key is looked up in memory,
//! [`body`] decodes and frames in pieces, [`collect`] applies the rules per item, and one record is appended to the journal before the
//! answer. Attachments above a size go to the journal's spool.
//!
//! **When it breaks.** A full journal, a disk that refuses, a key of which nobody can tell while the database is away: 429, or 503 for
//! clients that would misunderstand that; 503 while shutting down; all with `Retry-After`. Items of refused requests are counted in memory
//! ([`tally`]) and journalled by [`Ingest::flush_refused`].
//!
//! **Not here.** Issues and events (`digest`); SQL; which keys exist (`projects`), which comes in through [`Seams`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use crate::platform::journal::Journal;
use crate::projects::recent::RequestLog;
use crate::projects::{KeyAnswer, Quotas};
use crate::protocol::items::Policy;
use crate::protocol::{EventId, ItemKind, Limits, PublicKey};

mod answer;
mod attachments;
mod body;
mod client;
mod collect;
mod cron;
mod dump;
mod envelope;
mod error_page;
mod handler;
mod limit;
mod minidump;
mod route;
mod security;
mod sender;
mod store;
mod tally;
mod telemetry;

#[cfg(test)]
mod tests;

pub use client::{InvalidProxies, TrustedProxies};
pub use minidump::envelope_of_crash;

/// Looks up a key.
pub type Lookup = Box<dyn Fn(PublicKey) -> Pin<Box<dyn Future<Output = KeyAnswer> + Send>> + Send + Sync>;

/// What ingest needs and does not own.
pub struct Seams {
    /// Where records go.
    pub journal: Arc<Journal>,
    /// Which keys there are.
    pub lookup: Lookup,
    /// The clock that stamps `received`.
    pub now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// How far keys' limits are used up.
    pub quotas: Quotas,
    /// What was refused or left out lately.
    pub requests: RequestLog,
    /// Makes event ids for envelopes that need one and have none.
    pub new_id: Box<dyn Fn() -> EventId + Send + Sync>,
}

/// What an operator may change.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Sizes and numbers.
    pub limits: Limits,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Which kinds digest has a place for; the others end as unsupported.
    pub kept: fn(ItemKind) -> bool,
    /// Attachments from this size on go to the spool. 128 KiB: a sync for each is dear, and smaller ones fit a journal segment many times.
    pub spool_from: u64,
    /// Request bodies that are read by threads at the same time; more of them wait. Bounds threads and memory: each holds some hundred KiB,
    /// and what it keeps of large items that do not go to the spool.
    pub large_bodies: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            trusted_proxies: TrustedProxies::default(),
            kept: |kind| kind.policy() == Policy::Keep,
            spool_from: 128 * 1024,
            large_bodies: 16,
        }
    }
}

/// The ingest half of the path of an event.
pub struct Ingest {
    seams: Seams,
    settings: Arc<Settings>,
    large_bodies: Semaphore,
    refused: tally::Tally,
}

impl Ingest {
    /// Ingest over its seams.
    pub fn new(seams: Seams, settings: Settings) -> Arc<Self> {
        let large_bodies = Semaphore::new(settings.large_bodies);
        Arc::new(Self { seams, settings: Arc::new(settings), large_bodies, refused: tally::Tally::default() })
    }

    /// Whose `X-Forwarded-For` is believed.
    pub fn trusted_proxies(&self) -> &TrustedProxies {
        &self.settings.trusted_proxies
    }

    /// How far keys' limits are used up, for who shares it with other processes.
    pub fn quotas(&self) -> &Quotas {
        &self.seams.quotas
    }

    /// What was refused or left out lately, for who writes it down.
    pub fn requests(&self) -> &RequestLog {
        &self.seams.requests
    }

    /// The routes: the error page's, and everything below `/api/` that no other room claims by a more exact path.
    pub fn routes(self: Arc<Self>) -> Router {
        let [path, without_slash] = error_page::PATHS;
        let routes = Router::new().route(path, any(error_page::handle)).route(without_slash, any(error_page::handle));
        let routes = routes.route("/api/{*rest}", any(handler::handle));
        // A proxy that serves us below a path may have left it on. No route of the dashboard begins with a variable part, so none is shadowed.
        let below = ["/{a}", "/{a}/{b}", "/{a}/{b}/{c}", "/{a}/{b}/{c}/{d}"];
        below.iter().fold(routes, |routes, path| routes.route(&format!("{path}/api/{{*rest}}"), any(handler::handle))).with_state(self)
    }
}
