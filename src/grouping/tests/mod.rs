//! Tests of the room as a whole.

mod conformance;
mod properties;
mod words;
