//! Secrets: random tokens that people carry, of which only the hash is stored, and passwords that they type.

use secrecy::SecretString;
use serde::{Deserialize as _, Deserializer};
use sha2::{Digest as _, Sha256};

/// What is stored of a token: who reads the table cannot use it. Tokens have 256 random bits, so a plain hash is enough.
pub(super) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// A password from a form: from here on it is not printed by accident.
pub(super) fn typed<'de, D: Deserializer<'de>>(form: D) -> Result<SecretString, D::Error> {
    String::deserialize(form).map(SecretString::from)
}
