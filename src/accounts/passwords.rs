//! # Passwords
//! **Promise.** Only argon2id hashes are stored, as PHC strings that name their parameters. Trying a password costs the same whether or not the
//! account exists. **How.** Hashing happens on blocking threads, [`AT_ONCE`] at a time, since each takes 19 MiB and a core for some 20 ms.
//! **When it breaks.** Who waits longer than [`PATIENCE`] for a turn is told to try again. A stored hash that cannot be read matches nothing.

use std::sync::LazyLock;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::platform::ids::Ids;
use crate::web::HttpError;

/// Characters at least: length is what makes a password hard to guess.
const MIN_CHARS: usize = 10;
/// Bytes at most: nobody's password, but somebody's attempt to keep us busy.
const MAX_BYTES: usize = 4096;
const AT_ONCE: usize = 2;
const PATIENCE: Duration = Duration::from_secs(5);

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);
/// What tries for accounts that do not exist are compared with. No password matches: its hash is of random bytes nobody has.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| {
    let ids = Ids::real();
    hash_now(&ids.bytes::<32>(), &ids.bytes::<16>()).ok()
});

/// What a try came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is another one.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, but its hash has other parameters than today's: hash it again.
    RightButOld,
}

/// What is wrong with a new password, in words.
pub(super) fn problem(password: &SecretString) -> Option<String> {
    let text = password.expose_secret();
    let chars = text.chars().count();
    if chars < MIN_CHARS {
        return Some(format!("This has {chars} characters; at least {MIN_CHARS}, please. A few words in a row are fine."));
    }
    (text.len() > MAX_BYTES).then(|| format!("This is longer than {MAX_BYTES} bytes. Choose a shorter one."))
}

/// The PHC string of a password.
pub(super) async fn hash(password: &SecretString, ids: &Ids) -> Result<String, HttpError> {
    let salt = ids.bytes::<16>();
    let password = password.clone();
    on_a_turn(move || hash_now(password.expose_secret().as_bytes(), &salt)).await?.map_err(HttpError::Internal)
}

/// Whether the password is the one that `stored` is of; without `stored` it is not, after the same work.
pub(super) async fn verify(password: &SecretString, stored: Option<String>) -> Result<Verdict, HttpError> {
    let password = password.clone();
    on_a_turn(move || verify_now(password.expose_secret(), stored.as_deref())).await
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

fn hash_now(password: &[u8], salt: &[u8]) -> anyhow::Result<String> {
    let hash = hasher().hash_password_with_salt(password, salt);
    Ok(hash.map_err(|error| anyhow::anyhow!("a password cannot be hashed: {error}"))?.to_string())
}

fn verify_now(password: &str, stored: Option<&str>) -> Verdict {
    let Some(hash) = stored.or(NOBODY.as_deref()).and_then(|hash| PasswordHash::new(hash).ok()) else { return Verdict::Wrong };
    let matches = password.len() <= MAX_BYTES && hasher().verify_password(password.as_bytes(), &hash).is_ok();
    if !matches || stored.is_none() {
        return Verdict::Wrong;
    }
    let is_current = hash.algorithm.as_str() == Algorithm::Argon2id.as_str()
        && hash.version == Some(Version::V0x13.into())
        && Params::try_from(&hash).is_ok_and(|params| params_of(&params) == params_of(&Params::DEFAULT));
    if is_current { Verdict::Right } else { Verdict::RightButOld }
}

fn params_of(params: &Params) -> (u32, u32, u32) {
    (params.m_cost(), params.t_cost(), params.p_cost())
}

/// Does slow work elsewhere, when it is its turn.
async fn on_a_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, HttpError> {
    let turn: SemaphorePermit<'static> = match tokio::time::timeout(PATIENCE, TURNS.acquire()).await {
        Ok(Ok(turn)) => turn,
        _ => return Err(HttpError::Busy { retry_after: PATIENCE }),
    };
    // The turn ends with the work, not with whoever waits for it.
    let worked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    worked.await.map_err(|error| HttpError::Internal(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let ids = Ids::seeded(1);
        let stored = hash(&secret("correct horse battery"), &ids).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hash(&secret("correct horse battery"), &ids).await.unwrap(), "salts differ");
        assert_eq!(verify(&secret("correct horse battery"), Some(stored.clone())).await.unwrap(), Verdict::Right);
        for wrong in ["correct horse batterY", "", &"x".repeat(MAX_BYTES + 1)] {
            assert_eq!(verify(&secret(wrong), Some(stored.clone())).await.unwrap(), Verdict::Wrong);
        }
        assert_eq!(verify(&secret("correct horse battery"), None).await.unwrap(), Verdict::Wrong);
        assert_eq!(verify(&secret("correct horse battery"), Some("no hash".to_owned())).await.unwrap(), Verdict::Wrong);
    }

    #[test]
    fn hashes_with_other_parameters_are_right_but_old() {
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
        let stored = old.hash_password_with_salt(b"correct horse battery", b"0123456789abcdef").unwrap().to_string();
        assert_eq!(verify_now("correct horse battery", Some(&stored)), Verdict::RightButOld);
        assert_eq!(verify_now("another", Some(&stored)), Verdict::Wrong);
        let other = Argon2::new(Algorithm::Argon2i, Version::V0x13, Params::DEFAULT);
        let stored = other.hash_password_with_salt(b"correct horse battery", b"0123456789abcdef").unwrap().to_string();
        assert_eq!(verify_now("correct horse battery", Some(&stored)), Verdict::RightButOld);
    }

    #[test]
    fn there_is_a_hash_that_nobody_has() {
        assert!(NOBODY.is_some());
    }

    #[test]
    fn lengths_count_in_characters() {
        assert!(problem(&secret("éééééééééé")).is_none());
        assert!(problem(&secret("123456789")).unwrap().contains("9 characters"));
        assert!(problem(&secret(&"x".repeat(5000))).is_some());
    }
}
