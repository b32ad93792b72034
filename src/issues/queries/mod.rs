//! # The SQL of issues: reading and triage
//! **Promise.** Every statement is bounded and begins at the front of an index; none counts or reads events. **How.** [`list`] fills the issue
//! list, [`show`] the issue page, [`triage`] locks and changes states. **Not here.** What digest writes ([`super::intake`]).

pub(super) mod filter;
pub(super) mod hashes;
pub(super) mod list;
pub(super) mod show;
pub(super) mod triage;
