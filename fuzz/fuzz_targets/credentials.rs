//! Everything a client writes into headers and URLs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vedette::protocol::auth::{Places, find, from_dsn};
use vedette::protocol::rate_limits::RateLimits;
use vedette::protocol::{Dsn, EventId, origin};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(dsn) = text.parse::<Dsn>() {
        assert_eq!(dsn.to_string().parse(), Ok(dsn));
    }
    if let Ok(id) = text.parse::<EventId>() {
        assert_eq!(id.to_string().parse().ok(), Some(id));
    }
    let _ = from_dsn(Some(text));
    let _ = find(&Places { sentry_header: Some(text), ..Places::default() });
    let _ = find(&Places { authorization: Some(text), ..Places::default() });
    let _ = find(&Places { query: Some(text), path_key: Some(text), ..Places::default() });
    let limits = RateLimits::parse(text);
    assert_eq!(RateLimits::parse(&limits.to_string()), limits);
    let patterns: Vec<String> = text.lines().map(str::to_owned).collect();
    let _ = origin::allowed(&patterns, origin::of_request(Some(text), None));
});
