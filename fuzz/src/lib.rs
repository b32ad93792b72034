//! # The rooms that read clients' bytes, built for the fuzzer
//!
//! **Promise.** The product's own source files, and no copy of them: the pure rooms, and digest's way of one event.
//!
//! **How.** They stand in this crate under the names they have in the product. They need neither database nor server (a test checks that), so
//! what fuzzing builds with its sanitizer is small.
//!
//! **Not here.** What is checked: [`checks`].
#![allow(dead_code, reason = "other rooms of the product use what is not used here")]

extern crate self as vedette;

#[path = "../../src/event/mod.rs"]
pub mod event;
#[path = "../../src/grouping/mod.rs"]
pub mod grouping;
#[path = "../../src/protocol/mod.rs"]
pub mod protocol;

/// The way of one event.
#[path = "../../src/digest"]
pub mod digest {
    pub mod process;
}

#[path = "../checks/mod.rs"]
pub mod checks;
