//! What a client writes into headers and URLs to say who it is: every place that holds the same credentials gives the same ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;
use vedette::protocol::auth::{Credentials, Place, Places, find};
use vedette::protocol::rate_limits::RateLimits;
use vedette::protocol::{EventId, PublicKey, Refusal, origin};

/// What was found, but for where.
fn found(places: &Places<'_>) -> Result<Option<Credentials>, Refusal> {
    let credentials = find(places)?;
    Ok(credentials.map(|credentials| Credentials { place: Place::Query, ..credentials }))
}

/// One text in every place.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // As it is, in each place alone and in all of them.
    let anywhere = Places { sentry_header: Some(text), authorization: Some(text), query: Some(text), path_key: Some(text) };
    let _ = find(&anywhere);
    let _ = find(&Places { sentry_header: None, ..anywhere });
    let _ = find(&Places { query: Some(text), ..Places::default() });
    assert_eq!(
        find(&Places { sentry_header: Some(text), ..Places::default() }).map(|found| found.map(|found| (found.key, found.client))),
        find(&Places { authorization: Some(text), ..Places::default() })
            .map(|found| found.filter(|found| found.place != Place::Basic).map(|found| (found.key, found.client))),
        "both headers read the scheme of Sentry alike"
    );
    headers_and_queries_agree(text);
    keys_are_keys_everywhere(text);

    if let Ok(id) = text.parse::<EventId>() {
        assert_eq!(id.to_string().parse().ok(), Some(id));
    }
    let limits = RateLimits::parse(text);
    assert_eq!(RateLimits::parse(&limits.to_string()), limits);
    let patterns: Vec<String> = text.lines().map(str::to_owned).collect();
    let origin = origin::of_request(Some(text), None);
    assert_eq!(origin::allowed(&patterns, origin), origin::allowed(&patterns, origin));
    assert!(origin::allowed(&["*".to_owned()], origin));
}

/// The text as the pairs of a header, and the same pairs in a query.
fn headers_and_queries_agree(text: &str) {
    let header = format!("Sentry {text}");
    let in_header = found(&Places { sentry_header: Some(&header), ..Places::default() });
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in text.split(',').filter_map(|pair| pair.split_once('=')) {
        query.append_pair(name.trim(), value.trim());
    }
    let query = query.finish();
    let in_query = found(&Places { query: Some(&query), ..Places::default() });
    match in_query {
        // A query has other things to say; a header of this scheme has not.
        Ok(None) => assert!(in_header.is_err(), "{in_header:?} in {header:?}, nothing in {query:?}"),
        other => assert_eq!(in_header, other, "{header:?} {query:?}"),
    }
}

fn keys_are_keys_everywhere(text: &str) {
    let key = text.parse::<PublicKey>();
    let in_path = found(&Places { path_key: Some(text), ..Places::default() });
    assert_eq!(in_path.map(|found| found.map(|found| found.key)), key.map(Some).map_err(|_| Refusal::BadKey));
    let Ok(key) = key else { return };
    assert_eq!(key.to_string().parse(), Ok(key));
    let pairs = format!("sentry_key={key}");
    let basic = format!("Basic {}", STANDARD.encode(format!("{key}:")));
    for places in [
        Places { sentry_header: Some(&format!("Sentry {pairs}")), ..Places::default() },
        Places { authorization: Some(&basic), ..Places::default() },
        Places { query: Some(&pairs), ..Places::default() },
    ] {
        assert_eq!(found(&places).map(|found| found.map(|found| found.key)), Ok(Some(key)));
    }
}
