//! # DSN: where an SDK sends, and as whom
//!
//! **Promise.** Every DSN that SDKs accept for a Sentry server is read; what is printed again is the same DSN without its secret.
//!
//! **How.** `{scheme}://{key}[:{secret}]@{host}[:{port}][{path}]/{project}`. Keys are 128 bits: 32 hex digits, also with the hyphens some other
//! servers printed, also followed by dot-separated flags, which are dropped. The secret is obsolete and forgotten at once.
//!
//! **Not here.** Whether the key exists.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The public number of a project: 1 to 2^63 − 1, so that Sentry's own 16-digit ids go on working.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DsnId(i64);

/// The text is no project number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid project id")]
pub struct InvalidDsnId;

impl DsnId {
    /// `None` below 1.
    pub const fn new(id: i64) -> Option<Self> {
        if id >= 1 { Some(Self(id)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl FromStr for DsnId {
    type Err = InvalidDsnId;

    fn from_str(text: &str) -> Result<Self, InvalidDsnId> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidDsnId);
        }
        text.parse().ok().and_then(Self::new).ok_or(InvalidDsnId)
    }
}

impl fmt::Display for DsnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The public key of a DSN. It ships in browser bundles and only allows sending.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey(u128);

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid project key")]
pub struct InvalidKey;

impl PublicKey {
    /// The key with these bits.
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let key = text.trim();
        let key = key.split_once('.').map_or(key, |(key, _flags)| key);
        let hyphenated = key.len() == 36 && [8, 13, 18, 23].iter().all(|&at| key.as_bytes()[at] == b'-');
        let digits = if hyphenated { key.replace('-', "") } else { key.to_owned() };
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidKey);
        }
        u128::from_str_radix(&digits, 16).map(Self).map_err(|_| InvalidKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One DSN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsn {
    /// Scheme, host, port if not the scheme's own, and path without a slash at its end: what endpoints are appended to.
    base: String,
    key: PublicKey,
    project: DsnId,
}

/// Why a text is no DSN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDsn {
    /// No URL at all.
    #[error("no valid url provided")]
    Url,
    /// Neither http nor https.
    #[error("no valid scheme")]
    Scheme,
    /// No host.
    #[error("no valid host")]
    Host,
    /// No user part, or one that is no key.
    #[error("no valid public key")]
    Key,
    /// The last path segment is no project number.
    #[error("no valid project id")]
    Project,
}

impl Dsn {
    /// The DSN of a key, for a server at `base` (its public address, perhaps with a path).
    pub fn new(base: &Url, key: PublicKey, project: DsnId) -> Result<Self, InvalidDsn> {
        if !matches!(base.scheme(), "http" | "https") {
            return Err(InvalidDsn::Scheme);
        }
        let host = base.host_str().ok_or(InvalidDsn::Host)?;
        let port = base.port().map(|port| format!(":{port}")).unwrap_or_default();
        let path = base.path().trim_end_matches('/');
        Ok(Self { base: format!("{}://{host}{port}{path}", base.scheme()), key, project })
    }

    /// The public key.
    pub const fn key(&self) -> PublicKey {
        self.key
    }

    /// The project number in the path.
    pub const fn project(&self) -> DsnId {
        self.project
    }

    /// The URL of an ingest endpoint, such as `envelope`.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/api/{}/{name}/", self.base, self.project)
    }

    /// The URL of the crash report dialog, which names no project.
    pub fn error_page(&self) -> String {
        format!("{}/api/embed/error-page/", self.base)
    }
}

impl FromStr for Dsn {
    type Err = InvalidDsn;

    fn from_str(text: &str) -> Result<Self, InvalidDsn> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidDsn::Url)?;
        let key = url.username().parse().map_err(|_| InvalidDsn::Key)?;
        let path = url.path().trim_end_matches('/');
        let (prefix, project) = path.rsplit_once('/').ok_or(InvalidDsn::Project)?;
        let project = project.parse().map_err(|_| InvalidDsn::Project)?;
        let mut base = url.clone();
        base.set_path(prefix);
        Self::new(&base, key, project)
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.base.split_once("://").unwrap_or(("http", &self.base));
        write!(f, "{scheme}://{}@{rest}/{}", self.key, self.project)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn dsns_of_all_shapes_are_read() {
        for (text, printed, envelope) in [
            (
                format!("http://{KEY}@127.0.0.1:9797/42"),
                format!("http://{KEY}@127.0.0.1:9797/42"),
                "http://127.0.0.1:9797/api/42/envelope/",
            ),
            (
                format!("https://{KEY}:secret@o1.example.com/1"),
                format!("https://{KEY}@o1.example.com/1"),
                "https://o1.example.com/api/1/envelope/",
            ),
            (
                format!("https://{KEY}@e.com/a/b/4505000000000001"),
                format!("https://{KEY}@e.com/a/b/4505000000000001"),
                "https://e.com/a/b/api/4505000000000001/envelope/",
            ),
            (format!("https://{KEY}@[::1]:8000/7/"), format!("https://{KEY}@[::1]:8000/7"), "https://[::1]:8000/api/7/envelope/"),
            (format!("https://{KEY}@e.com:443/7"), format!("https://{KEY}@e.com/7"), "https://e.com/api/7/envelope/"),
        ] {
            let dsn: Dsn = text.parse().unwrap();
            assert_eq!(dsn.to_string(), printed);
            assert_eq!(dsn.endpoint("envelope"), envelope);
            assert_eq!(dsn.error_page(), format!("{}/api/embed/error-page/", envelope.rsplit_once("/api/").unwrap().0));
        }
    }

    #[test]
    fn what_is_no_dsn_says_which_part_is_wrong() {
        for (text, why) in [
            ("", InvalidDsn::Url),
            ("not a url", InvalidDsn::Url),
            ("ftp://0123456789abcdef0123456789abcdef@h/1", InvalidDsn::Scheme),
            ("http://h/1", InvalidDsn::Key),
            ("http://short@h/1", InvalidDsn::Key),
            ("http://0123456789abcdef0123456789abcdef@h/", InvalidDsn::Project),
            ("http://0123456789abcdef0123456789abcdef@h/0", InvalidDsn::Project),
            ("http://0123456789abcdef0123456789abcdef@h/-1", InvalidDsn::Project),
            ("http://0123456789abcdef0123456789abcdef@h/9223372036854775808", InvalidDsn::Project),
        ] {
            assert_eq!(text.parse::<Dsn>(), Err(why), "{text}");
        }
    }

    #[test]
    fn keys_lose_flags_hyphens_and_capitals() {
        for text in
            [KEY, "0123456789ABCDEF0123456789ABCDEF", "01234567-89ab-cdef-0123-456789abcdef", "0123456789abcdef0123456789abcdef.no-cache.x"]
        {
            assert_eq!(text.parse::<PublicKey>().unwrap().to_string(), KEY, "{text}");
        }
        for text in [
            "",
            ".",
            "0123456789abcdef0123456789abcde",
            "+123456789abcdef0123456789abcdef",
            "0123456789abcdef-0123456789abcde",
            "éééééééééééééééé",
        ] {
            assert_eq!(text.parse::<PublicKey>(), Err(InvalidKey), "{text}");
        }
    }

    #[test]
    fn project_numbers_are_positive_and_fit_63_bits() {
        assert_eq!("9223372036854775807".parse::<DsnId>().unwrap().get(), i64::MAX);
        for text in ["0", "-1", "+1", "1.0", "", " 1", "abc", "9223372036854775808", "٣"] {
            assert_eq!(text.parse::<DsnId>(), Err(InvalidDsnId), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printed_and_read_again_is_the_same(bits: u128, id in 1i64.., host in "[a-z]{1,10}(\\.[a-z]{2,5})?", port in proptest::option::of(1u16..), path in "(/[a-z0-9]{1,5}){0,3}") {
            let port = port.map(|p| format!(":{p}")).unwrap_or_default();
            let base = Url::parse(&format!("https://{host}{port}{path}")).unwrap();
            let dsn = Dsn::new(&base, PublicKey::new(bits), DsnId::new(id).unwrap()).unwrap();
            prop_assert_eq!(dsn.to_string().parse::<Dsn>().unwrap(), dsn);
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC*") {
            let _ = text.parse::<Dsn>();
            let _ = text.parse::<PublicKey>();
        }
    }
}
