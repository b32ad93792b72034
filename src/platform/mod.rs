//! # Platform: what the product stands on
//! **Promise.** Time, ids, database, disk, mail and background work come through here, so that tests can turn each of them.
//! **How.** [`clock`], [`ids`] (time and randomness) · [`db`] (pool, migrations, errors) · [`postgres`] (the managed cluster) · [`journal`] (the
//! durable queue) · [`blobs`] (files that outgrow rows) · [`outbox`] (jobs that commit with their facts) · [`periodic`] (reconcilers) · [`lifecycle`] (tasks that are owned) ·
//! [`mail`] (SMTP) · [`fetch`] (requests to addresses that people typed) · [`seal`] (secrets at rest) · [`telemetry`] (logs) · [`App`] (all of them in one handle).
//! **Not here.** Product words: no issue, no project, no event.

pub mod addresses;
mod app;
pub mod blobs;
pub mod clock;
pub mod db;
pub mod fetch;
pub mod ids;
pub mod journal;
pub mod lifecycle;
pub mod mail;
pub mod outbox;
pub mod periodic;
pub mod postgres;
pub mod seal;
pub mod serve;
pub mod telemetry;
pub mod trouble;

pub use app::{App, Parts};
