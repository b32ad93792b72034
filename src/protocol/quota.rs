//! # Quotas: which limits there are, and what each one stops
//!
//! **Promise.** A limit has a name that is stored, sent in headers, counted as a reason and put into words, always the same one. What must
//! never be limited has no class.
//!
//! **How.** A limit is on a [`Class`] of items, within a [`Period`], for a key or for a whole project ([`Scope`]).
//!
//! **When it breaks.** Codes that are not ours are `None`; pages then show them as they are.
//!
//! **Not here.** Counting (`projects::quotas`).

use super::rate_limits::{ERRORS, RateLimit, Scope};
use super::{Category, ItemKind};

/// Limits never tell an SDK to wait longer: it remembers what it was told, and a limit that was raised must be noticed.
pub const LONGEST_WAIT: u64 = 3600;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Errors, events without an exception, security reports.
    Events,
    /// Attachments, by number; never minidumps.
    Attachments,
    /// Feedback, in both forms.
    Feedback,
    /// Transactions and standalone spans; profiles go with their transaction.
    Transactions,
    /// All of these and every other kind that may be limited.
    All,
}

/// How long a limit looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// Refills all the time.
    Minute,
    /// Refills all the time.
    Hour,
    /// The calendar month, UTC.
    Month,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Events, Self::Attachments, Self::Feedback, Self::Transactions, Self::All];

    /// The stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Attachments => "attachments",
            Self::Feedback => "feedback",
            Self::Transactions => "transactions",
            Self::All => "all",
        }
    }

    /// What people call it, in the middle of a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Attachments => "attachments",
            Self::Feedback => "feedback messages",
            Self::Transactions => "transactions and spans",
            Self::All => "items of all kinds",
        }
    }

    /// The class of an item; nothing for what is never limited: client reports tell what is lost, a check-in that is left out looks like a
    /// job that failed, the rest counts as nothing.
    pub const fn of(kind: ItemKind) -> Option<Self> {
        use ItemKind as K;
        Some(match kind {
            K::Event | K::Security | K::RawSecurity | K::UnrealReport => Self::Events,
            K::Attachment => Self::Attachments,
            K::Feedback | K::UserReport => Self::Feedback,
            K::Transaction | K::Span | K::OtelSpan | K::OtelTracesData | K::Profile | K::ProfileChunk => Self::Transactions,
            K::ClientReport | K::CheckIn | K::Nel | K::FormData | K::Integration | K::Unknown => return None,
            _ => Self::All,
        })
    }

    /// What SDKs are told not to send; nothing is everything.
    const fn categories(self) -> &'static [Category] {
        match self {
            Self::Events => &ERRORS,
            Self::Attachments => &[Category::Attachment, Category::AttachmentItem],
            Self::Feedback => &[Category::Feedback],
            Self::Transactions => {
                &[Category::Transaction, Category::Span, Category::Profile, Category::ProfileChunk, Category::ProfileChunkUi]
            }
            Self::All => &[],
        }
    }
}

impl Period {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Month];

    /// The stored name, and what people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Month => "month",
        }
    }

    /// Microseconds; nothing for months, which differ.
    pub const fn micros(self) -> Option<i64> {
        match self {
            Self::Minute => Some(60_000_000),
            Self::Hour => Some(3_600_000_000),
            Self::Month => None,
        }
    }
}

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LimitName {
    /// A key's or a project's.
    pub scope: Scope,
    /// On what.
    pub class: Class,
    /// In which time.
    pub period: Period,
}

impl LimitName {
    /// The reason code: `key_events_minute`.
    pub fn code(self) -> String {
        format!("{}_{}_{}", self.scope.name(), self.class.name(), self.period.name())
    }

    /// The limit of a reason code.
    pub fn from_code(code: &str) -> Option<Self> {
        let mut parts = code.splitn(3, '_');
        let scope = parts.next()?;
        let scope = [Scope::Project, Scope::Key].into_iter().find(|known| known.name() == scope)?;
        let (class, period) = (parts.next()?, parts.next()?);
        Some(Self {
            scope,
            class: Class::ALL.into_iter().find(|known| known.name() == class)?,
            period: Period::ALL.into_iter().find(|known| known.name() == period)?,
        })
    }

    /// "the project's limit on events per minute".
    pub fn words(self) -> String {
        let whose = if self.scope == Scope::Key { "key" } else { "project" };
        format!("the {whose}'s limit on {} per {}", self.class.words(), self.period.name())
    }

    /// As SDKs are told.
    pub fn header(self, seconds: u64) -> RateLimit {
        RateLimit::new(seconds.clamp(1, LONGEST_WAIT), self.class.categories(), self.scope, &self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_and_others_to_nothing() {
        for scope in [Scope::Project, Scope::Key] {
            for class in Class::ALL {
                for period in Period::ALL {
                    let name = LimitName { scope, class, period };
                    assert_eq!(LimitName::from_code(&name.code()), Some(name));
                    assert!(name.code().chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "SDKs read nothing else");
                }
            }
        }
        for code in ["", "journal_full", "key_events", "key_events_day", "organization_events_minute", "key_quota"] {
            assert_eq!(LimitName::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn sdks_are_told_all_names_of_errors_and_never_to_wait_for_a_month() {
        let name = LimitName { scope: Scope::Key, class: Class::Events, period: Period::Month };
        assert_eq!(name.header(2_000_000).to_string(), "3600:error;default;security:key:key_events_month");
        assert_eq!(name.words(), "the key's limit on events per month");
        let all = LimitName { class: Class::All, scope: Scope::Project, period: Period::Minute };
        assert_eq!(all.header(0).to_string(), "1::project:project_all_minute");
    }

    #[test]
    fn what_must_never_be_limited_has_no_class() {
        for kind in [ItemKind::ClientReport, ItemKind::CheckIn, ItemKind::Nel, ItemKind::Unknown] {
            assert_eq!(Class::of(kind), None, "{kind:?}");
        }
        assert_eq!(Class::of(ItemKind::Sessions), Some(Class::All), "errors that are limited leave sessions alone");
        assert_eq!(Class::of(ItemKind::RawSecurity), Some(Class::Events));
    }
}
