//! # Rate-limit headers: what an SDK must not send for a while
//!
//! **Promise.** [`RateLimits`] writes `X-Sentry-Rate-Limits` as SDKs read it, and reads it as they do.
//!
//! **How.** `seconds:categories:scope[:reason[:namespaces]]`, separated by commas. No category means all.
//!
//! **When it breaks.** Malformed entries are skipped, as SDKs skip them; text that is not of the grammar is never written.
//!
//! **Not here.** When a limit is reached.

use std::fmt;

use super::Category;

/// The categories that stop errors: SDKs differ in which one they count an event without an exception under.
pub const ERRORS: [Category; 3] = [Category::Error, Category::Default, Category::Security];

/// Whom a limit is for; informative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole server.
    Organization,
    /// A project.
    Project,
    /// A key.
    Key,
}

impl Scope {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Project => "project",
            Self::Key => "key",
        }
    }
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Whole seconds.
    pub retry_after: u64,
    /// The names; none means every category. Names we do not know are kept.
    pub categories: Vec<String>,
    /// Informative.
    pub scope: String,
    /// Informative; letters, digits and `_`.
    pub reason_code: String,
    /// Only with `metric_bucket`; none means all.
    pub namespaces: Vec<String>,
}

impl RateLimit {
    /// A limit on some categories; none means all.
    pub fn new(retry_after: u64, categories: &[Category], scope: Scope, reason_code: &str) -> Self {
        Self {
            retry_after,
            categories: categories.iter().map(|category| category.name().to_owned()).collect(),
            scope: scope.name().to_owned(),
            reason_code: reason_code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect(),
            namespaces: Vec::new(),
        }
    }

    /// Whether it stops a category.
    pub fn covers(&self, category: Category) -> bool {
        self.categories.is_empty() || self.categories.iter().any(|name| name == category.name())
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.retry_after, self.categories.join(";"), self.scope)?;
        if !self.reason_code.is_empty() || !self.namespaces.is_empty() {
            write!(f, ":{}", self.reason_code)?;
        }
        if !self.namespaces.is_empty() {
            write!(f, ":{}", self.namespaces.join(";"))?;
        }
        Ok(())
    }
}

/// All limits active for a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateLimits(pub Vec<RateLimit>);

impl RateLimits {
    /// Reads a header value; entries that do not parse are skipped.
    pub fn parse(header: &str) -> Self {
        Self(header.split(',').filter_map(parse_one).collect())
    }

    /// The value of `Retry-After`: the longest delay.
    pub fn retry_after(&self) -> Option<u64> {
        self.0.iter().map(|limit| limit.retry_after).max()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, limit) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            limit.fmt(f)?;
        }
        Ok(())
    }
}

fn parse_one(text: &str) -> Option<RateLimit> {
    let mut parts = text.trim().split(':');
    let seconds: f64 = parts.next()?.trim().parse().ok()?;
    if !(0.0..=1e12).contains(&seconds) {
        return None;
    }
    let categories = names(parts.next()?);
    let scope = parts.next().unwrap_or_default().trim().to_owned();
    let reason_code = parts.next().unwrap_or_default().trim().to_owned();
    let namespaces = names(parts.next().unwrap_or_default());
    Some(RateLimit { retry_after: seconds.ceil() as u64, categories, scope, reason_code, namespaces })
}

fn names(list: &str) -> Vec<String> {
    list.split(';').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_are_written_as_sdks_read_them() {
        let limits = RateLimits(vec![
            RateLimit::new(60, &ERRORS, Scope::Organization, "quota name!"),
            RateLimit::new(2700, &[Category::Attachment], Scope::Project, ""),
            RateLimit { namespaces: vec!["custom".to_owned()], ..RateLimit::new(5, &[Category::MetricBucket], Scope::Key, "") },
            RateLimit::new(1, &[], Scope::Key, ""),
        ]);
        assert_eq!(
            limits.to_string(),
            "60:error;default;security:organization:quotaname, 2700:attachment:project, 5:metric_bucket:key::custom, 1::key"
        );
        assert_eq!(limits.retry_after(), Some(2700));
        assert_eq!(RateLimits::parse(&limits.to_string()), limits);
    }

    #[test]
    fn malformed_entries_are_skipped() {
        let limits = RateLimits::parse("60:error:organization, nonsense, :error:x, -1:error:x, x:error:y, 1.5::, 7");
        assert_eq!(limits.to_string(), "60:error:organization, 2::");
        assert!(RateLimits::parse("").is_empty());
    }

    #[test]
    fn no_category_is_every_category() {
        let limits = RateLimits::parse("60::key, 9:future;error:key");
        assert!(limits.0[0].covers(Category::Replay));
        assert!(limits.0[1].covers(Category::Error) && !limits.0[1].covers(Category::Replay));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            limits in proptest::collection::vec((0u64..1_000_000, proptest::collection::vec(-1i16..39, 0..4), "[a-z_0-9]{0,6}"), 0..5),
        ) {
            let limits = RateLimits(limits.into_iter().map(|(seconds, ids, reason)| {
                let categories: Vec<_> = ids.into_iter().map(Category::from_id).collect();
                RateLimit::new(seconds, &categories, Scope::Key, &reason)
            }).collect());
            prop_assert_eq!(RateLimits::parse(&limits.to_string()), limits);
        }

        #[test]
        fn no_header_is_too_odd(text in "\\PC{0,100}", grammar in "[0-9:;,a-z. ]{0,60}") {
            let _ = RateLimits::parse(&text);
            let read = RateLimits::parse(&grammar);
            prop_assert_eq!(RateLimits::parse(&read.to_string()), read);
        }
    }
}
