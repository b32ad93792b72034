//! Event ids: 128 bits that clients choose, spelled with and without hyphens and in either case, printed as 32 lowercase hex digits.
//!
//! Not here: making one (`platform::ids`); uniqueness, which holds within a project only.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The id an event-like item shares with its envelope. Client-chosen: unique only per project, may repeat, may be forged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Uuid);

/// The text is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid event id")]
pub struct InvalidEventId;

impl EventId {
    /// The id with these bits.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id of the `n`th of several events in one request: the same whenever the request is read, and for 0 this one.
    #[must_use]
    pub const fn nth(self, n: u32) -> Self {
        Self(Uuid::from_u128(self.0.as_u128().wrapping_add(n as u128)))
    }

    /// As the type that PostgreSQL takes.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for EventId {
    type Err = InvalidEventId;

    /// Takes 32 hex digits or the hyphenated form, in any case, with blanks around.
    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        Uuid::try_parse(text.trim()).map(Self).map_err(|_| InvalidEventId)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_simple())
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_the_same_id() {
        for text in ["46eb23402e3e451480a0eca2f4f297ca", "46EB23402E3E451480A0ECA2F4F297CA", "46eb2340-2e3e-4514-80a0-eca2f4f297ca"] {
            assert_eq!(text.parse::<EventId>().unwrap().to_string(), "46eb23402e3e451480a0eca2f4f297ca");
        }
    }

    #[test]
    fn what_is_no_uuid_is_no_id() {
        for text in ["", "46eb23402e3e451480a0eca2f4f297c", "46eb23402e3e451480a0eca2f4f297caa", "zzeb23402e3e451480a0eca2f4f297ca"] {
            assert_eq!(text.parse::<EventId>(), Err(InvalidEventId), "{text}");
        }
    }
}
