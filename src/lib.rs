//! # Vedette: an error tracker that any Sentry SDK can report to
//!
//! One binary and one PostgreSQL. A developer points an SDK's DSN here, browses grouped issues, and gets a mail when a new one appears or a
//! resolved one returns.
//!
//! ## The path of an event
//!
//! ```text
//! SDK ──HTTP──▶ ingest ──append──▶ journal ──batch──▶ digest ──one transaction──▶ PostgreSQL ──▶ issues, events (pages)
//!               │ auth, limits      │ fsync, ack       │ parse, normalise, filter,          │
//!               │ decode, frame     │                  │ scrub, group                       └─▶ outbox ─▶ alerts ─▶ SMTP
//!               └─ 200 {"id"}  ◀────┘                  └─ CPU stage in parallel
//! ```
//!
//! ## The rooms, in reading order
//!
//! A room may use those before it, never those after; `tests/it/tidy.rs` checks every `use crate::`.

pub mod platform;

pub mod event;
pub mod grouping;
pub mod protocol;

pub mod config;
pub mod web;

pub mod accounts;
pub mod projects;

pub mod events;
pub mod feedback;
pub mod issues;

pub mod alerts;

pub mod digest;
pub mod ingest;

pub mod app;
pub mod cli;
pub mod ops;
mod routes;

pub use routes::table as route_table;
