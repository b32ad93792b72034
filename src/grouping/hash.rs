//! # Hashes
//!
//! **Promise.** A [`struct@Hash`] is MD5 over the texts that count, in order, with nothing in between (grouping.md 10), so equal to Sentry's.

use std::fmt;

use md5::{Digest, Md5};
use serde::{Serialize, Serializer};

/// What decides which issue an event belongs to: 16 bytes, written as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 16]);

impl Hash {
    /// The hash over texts in order.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut md5 = Md5::new();
        for text in texts {
            md5.update(text.as_bytes());
        }
        Self(md5.finalize().into())
    }

    /// Reads 32 lower-case hex digits; anything else is no hash.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; 16];
        (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_without_separator() {
        assert_eq!(Hash::of(["ab", "c"]), Hash::of(["a", "bc"]));
        assert_eq!(Hash::of([]).to_string(), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(Hash::of(["hello world"]).to_string(), "5eb63bbbe01eeed093cb22bb8f5acdc3");
    }

    #[test]
    fn only_lower_case_hex_is_read() {
        let hash = Hash::of(["x"]);
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        for bad in ["", "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427", "g41d8cd98f00b204e9800998ecf8427e"] {
            assert_eq!(Hash::parse(bad), None, "{bad}");
        }
    }
}
