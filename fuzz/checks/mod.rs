//! # What the fuzz targets check
//!
//! **Promise.** One function for everything that reads a client's bytes: it panics where a promise about any bytes at all does not hold.
//!
//! **How.** [`TARGETS`] names them. `fuzz_targets/` makes a program of each for libFuzzer; `tests/it/fuzzed.rs` has this file as a module of
//! its own and replays the kept corpus, so that what was found once fails `cargo test` should it come back.
//!
//! **Not here.** The fuzzer, and anything of the product: these are only its promises.

pub mod credentials;
pub mod dsn;
pub mod envelope;
pub mod event;
pub mod multipart;
pub mod record;
pub mod security;
pub mod store_body;

/// A target's name, and what is true of any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 8] = [
    ("credentials", credentials::check),
    ("dsn", dsn::check),
    ("envelope", envelope::check),
    ("event", event::check),
    ("multipart", multipart::check),
    ("record", record::check),
    ("security", security::check),
    ("store_body", store_body::check),
];

/// A body that comes in pieces of one size.
pub struct Pieces<'a> {
    /// What is still to come.
    pub rest: &'a [u8],
    /// The size of the pieces.
    pub size: usize,
}

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.size.min(self.rest.len()).min(buffer.len());
        let (here, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(here);
        self.rest = rest;
        Ok(length)
    }
}
