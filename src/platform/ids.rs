//! # Random ids and secrets
//! **Promise.** All randomness comes from here; secrets from the operating system's generator.
//! **How.** A [`Ids`] is real, or seeded for tests, where the same calls give the same ids. **Not here.** Hashing of secrets (`accounts`).

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

/// Makes random ids. Clones draw from the same source.
#[derive(Debug, Clone)]
pub struct Ids(Arc<Mutex<StdRng>>);

impl Ids {
    /// Seeded by the operating system; a cryptographic generator.
    pub fn real() -> Self {
        Self(Arc::new(Mutex::new(rand::make_rng())))
    }

    /// The same ids for the same seed; for tests.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.lock().fill_bytes(&mut bytes);
        bytes
    }

    /// A version 4 UUID.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// A secret of 32 random bytes as 64 hex digits.
    pub fn secret(&self) -> String {
        hex::encode(self.bytes::<32>())
    }

    /// A number below `bound`, or 0 when it is 0; for spreading retries. Not uniform to the last bit.
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes()).checked_rem(bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_ids_repeat_and_real_ones_do_not() {
        assert_eq!(Ids::seeded(7).uuid(), Ids::seeded(7).uuid());
        assert_ne!(Ids::real().secret(), Ids::real().secret());
        let ids = Ids::seeded(7);
        assert_ne!(ids.uuid(), ids.uuid());
        assert_eq!(ids.uuid().get_version_num(), 4);
        assert!((0..100).all(|_| ids.below(3) < 3) && ids.below(0) == 0);
    }
}
