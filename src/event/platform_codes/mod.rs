//! # Names of signals, their codes and error numbers
//!
//! **Promise.** The names that Relay fills in, as tables by number; an empty name means that it fills in none. They were read from its library's
//! answers (PyPI `sentry-relay` 0.10.1, one question per number), not from the systems' headers, which know more numbers and in a few places
//! other names.

mod darwin;
mod linux;
mod windows;

pub(super) use darwin::{DARWIN_CODES, DARWIN_ERRNO, DARWIN_SIGNALS};
pub(super) use linux::{LINUX_ERRNO, LINUX_SIGNALS};
pub(super) use windows::WINDOWS_ERRNO;
