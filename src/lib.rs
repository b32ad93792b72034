//! Vedette: an error tracker that any Sentry SDK can report to.
#![expect(missing_docs, reason = "bird's-eye doc below")]
pub mod accounts;
pub mod event;
pub mod events;
pub mod grouping;
pub mod issues;
pub mod platform;
pub mod protocol;
pub mod web;
