//! # Credentials: which DSN key a request carries
//!
//! **Promise.** All places and spellings that SDKs, exporters, browsers and scripts use are understood; the first place that holds
//! credentials counts, and what merely stands beside it (a proxy's Basic password, a second copy of the key) does not refuse the request.
//!
//! **How.** [`find`] looks at the header `X-Sentry-Auth`, then `Authorization` (`Sentry …`, then `Basic`), the query string, the path. The
//! `dsn` of the envelope header comes last and only for `/envelope/`: [`from_dsn`].
//!
//! **When it breaks.** A malformed `Sentry …` value is refused with the part that is wrong; anything else is not taken for credentials.
//!
//! **Not here.** Whether the key exists, is enabled and belongs to the project of the URL.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::{Dsn, DsnId, PublicKey, Refusal};

/// The version assumed where none is named.
pub const DEFAULT_VERSION: u32 = 7;

/// Where credentials were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Header `X-Sentry-Auth`.
    SentryHeader,
    /// Header `Authorization: Sentry …`.
    Authorization,
    /// Header `Authorization: Basic …`.
    Basic,
    /// The query string.
    Query,
    /// A path segment.
    Path,
    /// The `dsn` of the envelope header.
    EnvelopeDsn,
}

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The key.
    pub key: PublicKey,
    /// The protocol version; any is accepted.
    pub version: u32,
    /// `sentry_client`: free text, `name/version`.
    pub client: Option<String>,
    /// The project of the DSN, where a whole DSN was given: it has to agree with the URL.
    pub project: Option<DsnId>,
    /// Where they stood.
    pub place: Place,
}

/// The places of a request, as far as it has them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places<'a> {
    /// The value of `X-Sentry-Auth`.
    pub sentry_header: Option<&'a str>,
    /// The value of `Authorization`.
    pub authorization: Option<&'a str>,
    /// The raw query string.
    pub query: Option<&'a str>,
    /// The key in the path, on the endpoints that have one there.
    pub path_key: Option<&'a str>,
}

/// The first credentials of a request, if there are any outside its body.
pub fn find(places: &Places<'_>) -> Result<Option<Credentials>, Refusal> {
    if let Some(pairs) = places.sentry_header.and_then(sentry_scheme) {
        return from_header(pairs, Place::SentryHeader).map(Some);
    }
    if let Some(value) = places.authorization {
        if let Some(pairs) = sentry_scheme(value) {
            return from_header(pairs, Place::Authorization).map(Some);
        }
        if let Some(credentials) = from_basic(value) {
            return Ok(Some(credentials));
        }
    }
    if let Some(query) = places.query.filter(|query| query.contains("sentry_")) {
        let found = from_pairs(url::form_urlencoded::parse(query.as_bytes()), Place::Query)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    match places.path_key {
        Some(key) => Ok(Some(plain(key, Place::Path)?)),
        None => Ok(None),
    }
}

/// The credentials in the `dsn` of an envelope header, for when [`find`] found none.
pub fn from_dsn(dsn: Option<&str>) -> Result<Credentials, Refusal> {
    let Some(dsn) = dsn else { return Err(Refusal::MissingAuth) };
    let dsn: Dsn = dsn.parse().map_err(|why: super::dsn::InvalidDsn| Refusal::BadEnvelopeAuth(why.to_string()))?;
    Ok(Credentials { key: dsn.key(), version: DEFAULT_VERSION, client: None, project: Some(dsn.project()), place: Place::EnvelopeDsn })
}

/// What follows `Sentry ` in any case; `None` for any other scheme.
fn sentry_scheme(value: &str) -> Option<&str> {
    let value = value.trim_start();
    let (scheme, rest) = value.split_at_checked("sentry ".len())?;
    scheme.eq_ignore_ascii_case("sentry ").then_some(rest)
}

fn from_header(pairs: &str, place: Place) -> Result<Credentials, Refusal> {
    let pairs = pairs
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (Cow::Borrowed(key.trim()), Cow::Borrowed(value.trim())));
    from_pairs(pairs, place)?.ok_or(Refusal::BadAuthHeader("missing public key in auth header"))
}

/// `None` where no pair holds a key.
fn from_pairs<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>, place: Place) -> Result<Option<Credentials>, Refusal> {
    let (mut key, mut version, mut client) = (None, DEFAULT_VERSION, None);
    for (name, value) in pairs {
        match &*name {
            // The first one counts, as of places.
            "sentry_key" if key.is_none() && !value.trim().is_empty() => key = Some(value),
            "sentry_version" => {
                let whole = value.split_once('.').map_or(&*value, |(whole, _fraction)| whole);
                version = whole.trim().parse().map_err(|_| Refusal::BadAuthHeader("invalid value for version"))?;
            }
            "sentry_client" if !value.is_empty() => client = Some(value.into_owned()),
            _ => {}
        }
    }
    let Some(key) = key else { return Ok(None) };
    let key = key.parse().map_err(|_| Refusal::BadKey)?;
    Ok(Some(Credentials { key, version, client, project: None, place }))
}

fn plain(key: &str, place: Place) -> Result<Credentials, Refusal> {
    let key = key.parse().map_err(|_| Refusal::BadKey)?;
    Ok(Credentials { key, version: DEFAULT_VERSION, client: None, project: None, place })
}

/// Basic credentials count only if their user part looks like a key: else they are the site's own, attached by a browser or a proxy.
fn from_basic(value: &str) -> Option<Credentials> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
    );
    let (scheme, encoded) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(LENIENT.decode(encoded.trim()).ok()?).ok()?;
    let user = decoded.split_once(':').map_or(&*decoded, |(user, _password)| user);
    let looks_like_key = user.len() == 32 && user.bytes().all(|b| b.is_ascii_hexdigit());
    looks_like_key.then(|| plain(user, Place::Basic).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "ffffffffffffffffffffffffffffffff";

    fn key(text: &str) -> PublicKey {
        text.parse().unwrap()
    }

    fn header(value: &str) -> Result<Option<Credentials>, Refusal> {
        find(&Places { sentry_header: Some(value), ..Places::default() })
    }

    #[test]
    fn header_forms_of_all_sdk_families() {
        for (value, version, client) in [
            (format!("Sentry sentry_key={KEY}, sentry_version=7, sentry_client=sentry.python/2.75.0"), 7, Some("sentry.python/2.75.0")),
            (format!("Sentry sentry_version=7,sentry_client=sentry-java/8.62.0,sentry_key={KEY}"), 7, Some("sentry-java/8.62.0")),
            (format!("sentry sentry_key={KEY}"), 7, None),
            (format!("SENTRY sentry_version=2.0,sentry_key={KEY},sentry_secret=abc,sentry_timestamp=1.5"), 2, None),
            (
                format!("Sentry sentry_version=5,sentry_client=sentry-elixir/10.1.0,sentry_timestamp=1,sentry_key={KEY}"),
                5,
                Some("sentry-elixir/10.1.0"),
            ),
            (format!("Sentry  sentry_key = {KEY} , sentry_version = 99"), 99, None),
            (format!("Sentry sentry_key={KEY},sentry_client=a=b"), 7, Some("a=b")),
            (format!("Sentry nonsense,sentry_key={KEY}"), 7, None),
            (format!("Sentry sentry_key={KEY},sentry_key={OTHER}"), 7, None),
        ] {
            let found = header(&value).unwrap().unwrap();
            assert_eq!((found.key, found.version, found.client.as_deref()), (key(KEY), version, client), "{value}");
            assert_eq!(found.place, Place::SentryHeader);
        }
    }

    #[test]
    fn malformed_headers_name_the_part() {
        for (value, why) in [
            ("Sentry ", Refusal::BadAuthHeader("missing public key in auth header")),
            ("Sentry sentry_version=7", Refusal::BadAuthHeader("missing public key in auth header")),
            ("Sentry sentry_key=", Refusal::BadAuthHeader("missing public key in auth header")),
            ("Sentry sentry_key=0123456789abcdef0123456789abcdef,sentry_version=x", Refusal::BadAuthHeader("invalid value for version")),
            ("Sentry sentry_key=zz", Refusal::BadKey),
        ] {
            assert_eq!(header(value), Err(why), "{value}");
        }
    }

    #[test]
    fn other_schemes_in_the_sentry_header_are_ignored() {
        assert_eq!(header("Bearer abc"), Ok(None));
        assert_eq!(header(&format!("sentry_key={KEY}")), Ok(None));
        assert_eq!(header("Sentry"), Ok(None));
    }

    #[test]
    fn the_first_place_counts() {
        let basic = format!("Basic {}", STANDARD.encode(format!("{OTHER}:pw")));
        let sentry = format!("Sentry sentry_key={KEY}");
        let query = format!("sentry_key={OTHER}&sentry_client=x");
        let found = |places: Places<'_>| find(&places).unwrap().map(|c| (c.key, c.place));
        let all = Places { sentry_header: Some(&sentry), authorization: Some(&basic), query: Some(&query), path_key: Some(OTHER) };
        assert_eq!(found(all), Some((key(KEY), Place::SentryHeader)));
        assert_eq!(found(Places { sentry_header: None, ..all }), Some((key(OTHER), Place::Basic)));
        assert_eq!(
            found(Places { sentry_header: Some("Bearer x"), authorization: Some(&sentry), ..all }),
            Some((key(KEY), Place::Authorization))
        );
        assert_eq!(found(Places { sentry_header: None, authorization: None, ..all }), Some((key(OTHER), Place::Query)));
        assert_eq!(found(Places { path_key: Some(KEY), ..Places::default() }), Some((key(KEY), Place::Path)));
        assert_eq!(found(Places::default()), None);
    }

    #[test]
    fn a_sites_own_basic_password_is_not_a_key() {
        let query = format!("sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.browser%2F9.0.0");
        for user in ["admin:secret", "0123456789abcdef0123456789abcdeg:x", ""] {
            let basic = format!("Basic {}", STANDARD.encode(user));
            let found = find(&Places { authorization: Some(&basic), query: Some(&query), ..Places::default() }).unwrap().unwrap();
            assert_eq!((found.place, found.client.as_deref()), (Place::Query, Some("sentry.javascript.browser/9.0.0")));
        }
        for value in ["Basic !!!", "Basic", "Basic /w==", "Negotiate abc"] {
            assert_eq!(find(&Places { authorization: Some(value), ..Places::default() }), Ok(None), "{value}");
        }
        let unpadded = format!("basic {}", STANDARD.encode(format!("{KEY}:")).trim_end_matches('='));
        assert_eq!(find(&Places { authorization: Some(&unpadded), ..Places::default() }).unwrap().unwrap().key, key(KEY));
    }

    #[test]
    fn a_query_without_a_key_holds_no_credentials() {
        for query in ["sentry_version=7", "sentry_release=x", "key=sentry_key", "sentry_key="] {
            assert_eq!(find(&Places { query: Some(query), ..Places::default() }), Ok(None), "{query}");
        }
        assert_eq!(find(&Places { query: Some("sentry_key=abc"), ..Places::default() }), Err(Refusal::BadKey));
    }

    #[test]
    fn the_envelope_dsn_comes_with_its_project() {
        let found = from_dsn(Some(&format!("https://{KEY}@e.com/42"))).unwrap();
        assert_eq!((found.key, found.project.map(DsnId::get), found.place), (key(KEY), Some(42), Place::EnvelopeDsn));
        assert_eq!(from_dsn(None), Err(Refusal::MissingAuth));
        assert!(matches!(from_dsn(Some("nonsense")), Err(Refusal::BadEnvelopeAuth(_))));
    }

    proptest! {
        #[test]
        fn no_value_is_too_odd(value in "(Sentry |sentry |Basic )?\\PC{0,80}", query in "\\PC{0,40}(sentry_key=)?\\PC{0,40}") {
            let _ = find(&Places { sentry_header: Some(&value), authorization: Some(&value), query: Some(&query), path_key: Some(&value) });
            let _ = find(&Places { authorization: Some(&value), query: Some(&query), ..Places::default() });
        }
    }
}
