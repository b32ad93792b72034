//! # Secrets at rest
//! **Promise.** What is sealed can be read only with the server's key, which is not in the database, and only for the purpose it was sealed for; whoever changes a
//! letter of it makes it unreadable. **How.** ChaCha20-Poly1305 with a random nonce; the purpose is authenticated with it. The key is
//! `VEDETTE_SECRET_KEY`, or a file in the data directory that the first start makes. **When it breaks.** With another key nothing opens: [`Unreadable`].
//! **Not here.** Tokens and passwords that people bring along: of those a hash is enough (`accounts`).

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret as _, SecretString};

use super::ids::Ids;

/// The first byte of what is sealed this way.
const VERSION: u8 = 1;
/// Bytes of a key.
pub const KEY_LENGTH: usize = 32;

/// It was sealed with another key or for another purpose, or is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it was sealed with another key than this server's (VEDETTE_SECRET_KEY)")]
pub struct Unreadable;

/// Seals and opens.
#[derive(Clone)]
pub struct Seal(LessSafeKey);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// With this key: 64 hex digits.
    pub fn new(key: &SecretString) -> Result<Self, String> {
        let misfit = || format!("a key has {} hex digits, as `openssl rand -hex {KEY_LENGTH}` prints them", 2 * KEY_LENGTH);
        let bytes = hex::decode(key.expose_secret().trim()).ok().filter(|bytes| bytes.len() == KEY_LENGTH).ok_or_else(misfit)?;
        UnboundKey::new(&CHACHA20_POLY1305, &bytes).map(|key| Self(LessSafeKey::new(key))).map_err(|_| misfit())
    }

    /// Seals `plain`.
    pub fn seal(&self, ids: &Ids, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = ids.bytes();
        let mut text = plain.to_vec();
        // Fails for texts of gigabytes only; then nothing is kept of it.
        let tag = self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut text);
        let tag = tag.map_or_else(|_| Vec::new(), |tag| tag.as_ref().to_vec());
        [&[VERSION], nonce.as_slice(), &text, &tag].concat()
    }

    /// Opens what was sealed for this purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let (version, rest) = sealed.split_first().ok_or(Unreadable)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Unreadable)?;
        if *version != VERSION {
            return Err(Unreadable);
        }
        let mut text = text.to_vec();
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(purpose), &mut text);
        opened.map(|plain| plain.to_vec()).map_err(|_| Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(digit: &str) -> Seal {
        Seal::new(&SecretString::from(digit.repeat(64))).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_for_its_purpose_only() {
        let (ids, ours) = (Ids::seeded(1), seal("a"));
        let sealed = ours.seal(&ids, "channel/1", b"https://hooks.example/T0/s3cret");
        assert!(!sealed.windows(6).any(|part| part == b"s3cret"));
        assert_eq!(ours.open("channel/1", &sealed).unwrap(), b"https://hooks.example/T0/s3cret");
        assert_eq!(ours.open("channel/2", &sealed), Err(Unreadable));
        assert_eq!(seal("b").open("channel/1", &sealed), Err(Unreadable));
        assert_ne!(ours.seal(&ids, "channel/1", b"x"), ours.seal(&ids, "channel/1", b"x"), "equal secrets do not look equal");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(ours.open("channel/1", &changed), Err(Unreadable), "byte {at}");
            assert_eq!(ours.open("channel/1", &sealed[..at]), Err(Unreadable), "cut at {at}");
        }
    }

    #[test]
    fn a_key_is_64_hex_digits() {
        for key in ["", "a", &"g".repeat(64), &"a".repeat(62)] {
            assert!(Seal::new(&SecretString::from(key)).is_err(), "{key}");
        }
        assert_eq!(format!("{:?}", seal("a")), "Seal");
    }
}
