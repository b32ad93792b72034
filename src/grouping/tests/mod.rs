//! Tests of the room as a whole.

mod conformance;
mod frozen;
mod properties;
mod words;
