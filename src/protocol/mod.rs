//! # Protocol: the wire between Sentry SDKs and this server
//!
//! **Promise.** Every byte sequence a client can send has a defined reading: credentials, content encodings, envelope framing, store bodies,
//! item kinds, sizes, rate-limit headers, and the outcome each item ends in. Nothing here panics, recurses without bound, or holds more
//! memory than the limits it is given.
//!
//! **How.** Pure functions and small types over bytes. [`envelope`] frames without copying; [`encoding`] decodes in chunks under a cap;
//! [`outcome`] has the guard that makes a forgotten item a test failure; [`record`] is what ingest writes to the journal and digest reads.
//!
//! **When it breaks.** What the protocol refuses is a [`error::Refusal`] with the status and texts of the answer; what is merely odd is read
//! as an SDK meant it.
//!
//! **Not here.** The HTTP server (`ingest`), what an event means (`event`), storage.

pub mod auth;
pub mod categories;
pub mod client_report;
pub mod crash_form;
pub mod dsn;
pub mod encoding;
pub mod envelope;
pub mod error;
pub mod event_id;
pub mod framer;
pub mod handler_files;
pub mod items;
pub mod limits;
pub mod multipart;
pub mod origin;
pub mod outcome;
pub mod quota;
pub mod rate_limits;
pub mod record;
pub mod store_body;
pub mod telemetry;
pub mod unkept;

#[cfg(test)]
mod captured;

pub use categories::Category;
pub use dsn::{Dsn, DsnId, PublicKey};
pub use error::Refusal;
pub use event_id::EventId;
pub use items::ItemKind;
pub use limits::Limits;
pub use outcome::{InvalidReason, Ledger, Managed, Outcome};
