//! # The normalised event
//!
//! **Promise.** Whatever a client sends becomes one well-known shape, equal to what Relay makes of it (`protocol.md` sections 7 and 8), or better
//! where the list of known deviations says so. What was cut, replaced or invalid is said in `_meta` and `errors`.

pub mod meta;
