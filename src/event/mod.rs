//! # The normalised event
//!
//! **Promise.** Whatever a client sends becomes one well-known shape, equal to what Relay makes of it (`protocol.md` sections 7 and 8), or better
//! where the list of known deviations says so. What was cut, replaced or invalid is said in `_meta` and `errors`.
//!
//! **How.** [`json`] reads leniently, [`normalise()`] brings into shape, `scrub` removes secrets, `filters` says what nobody wants to see.
//! Interfaces (exceptions, request, user …) are one file each and written as tables in the vocabulary of `schema`.
//!
//! **When it breaks.** Only a document that nobody can read, or that is no object, is refused.
//!
//! **Not here.** Titles, culprits, grouping (`grouping`), storage (`events`), clocks: the time of arrival is an argument.

mod breadcrumbs;
mod caps;
mod contexts;
pub mod csp;
mod device_names;
mod errors;
mod exception;
mod fields;
pub mod filters;
mod frames;
pub mod geo;
pub mod json;
mod logentry;
pub mod lost;
mod mechanism;
pub mod meta;
mod normalise;
mod platform_codes;
mod raw_descriptions;
mod request;
mod scalars;
mod schema;
pub mod scrub;
mod sdk;
mod tags;
mod timestamps;
mod transaction;
mod trim;
mod user;
mod user_agent;
mod validity;

pub use normalise::{NormaliseParams, NotAnEvent, normalise};
pub use trim::cut_text;

#[cfg(test)]
mod tests;
