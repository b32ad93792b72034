//! # Events: stored payloads
//! **Promise.** Every counted event's payload is readable until its day is dropped; disk space then really comes back.
//! **How.** [`payload`] packs (zstd with a dictionary), [`tag_stats`] keeps bounded values per issue and key, partitions hold a day each,
//! [`attachments`] are files beside them, in rows or [`blobs`].
//! **Not here.** What an event means (`event`), how it looks (`view`), what issue it belongs to (`issues`).

pub mod attachments;
pub mod blobs;
pub mod fresh;
mod hand_out;
pub mod intake;
pub mod looking;
pub mod moving;
mod navigate;
pub mod pairs;
pub mod partitions;
pub mod payload;
mod queries;
pub mod skim;
pub mod summary;
pub mod tag_intake;
pub mod tag_stats;
pub mod view;

pub use hand_out::hand_out;
pub use navigate::{Around, Trail, Which};
pub use queries::{Place, StoredEvent, issue_of};
