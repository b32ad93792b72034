//! # Allowed domains: which pages may send with a key
//!
//! **Promise.** A project's list of domains lets through exactly the pages it names; servers, which send no origin, always pass.
//!
//! **How.** Patterns: `*`, a host, `*.domain` (the domain and all below), `host:port`, `scheme://host`; a path in a pattern says nothing. An
//! empty list, like `*`, allows everything.
//!
//! **Not here.** Where the origin comes from: [`of_request`] has the rule, `ingest` the headers.

use url::Url;

/// The origin of a request: its `Origin`, else its `Referer` where that is an http(s) URL.
pub fn of_request<'a>(origin: Option<&'a str>, referer: Option<&'a str>) -> Option<&'a str> {
    let usable = |text: &&str| !text.is_empty() && *text != "null";
    origin.filter(usable).or_else(|| referer.filter(|text| text.starts_with("http://") || text.starts_with("https://")))
}

/// Whether a page may send.
pub fn allowed(patterns: &[String], origin: Option<&str>) -> bool {
    if patterns.is_empty() || patterns.iter().any(|pattern| pattern.trim() == "*") {
        return true;
    }
    let Some(origin) = origin else { return true };
    let Ok(url) = Url::parse(origin) else { return patterns.iter().any(|pattern| pattern.trim() == origin) };
    patterns.iter().any(|pattern| matches(pattern.trim(), &url))
}

/// Why a pattern can let nothing through, or not what it seems to; nothing for a sound one.
pub fn problem(pattern: &str) -> Option<&'static str> {
    if pattern == "*" {
        return None;
    }
    if pattern.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("one entry a line, without blanks");
    }
    let (scheme, rest) = pattern.split_once("://").map_or((None, pattern), |(scheme, rest)| (Some(scheme), rest));
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    if scheme.is_some_and(|scheme| !is_scheme(scheme)) {
        return Some("before :// there must be a scheme, such as https");
    }
    if rest.contains(['?', '#', '@']) {
        return Some("a host, without user, query and fragment");
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !path.is_empty() {
        return Some("a path says nothing here: an origin is a scheme, a host and a port");
    }
    let (host, _) = split_port(authority);
    match host.strip_prefix("*.").unwrap_or(host) {
        "" => Some("there is no host"),
        "*" => None,
        host if host.contains('*') => Some("* stands alone, or before a dot at the beginning"),
        host if host.starts_with('[') => (!host.ends_with(']')).then_some("the brackets of the address are not closed"),
        host if host.contains(':') => Some("what stands behind the colon is no port"),
        host if host.starts_with('.') || host.ends_with('.') || host.contains("..") => Some("a dot too many"),
        host if !host.is_ascii() => Some("write the name as browsers send it, in ASCII (xn--…)"),
        host if !host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) => Some("this is no host name"),
        _ => None,
    }
}

fn matches(pattern: &str, origin: &Url) -> bool {
    let (scheme, rest) = pattern.split_once("://").map_or((None, pattern), |(scheme, rest)| (Some(scheme), rest));
    if scheme.is_some_and(|scheme| !scheme.eq_ignore_ascii_case(origin.scheme())) {
        return false;
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = split_port(authority);
    if port.is_some_and(|port| Some(port) != origin.port_or_known_default()) {
        return false;
    }
    let Some(actual) = origin.host_str() else { return false };
    let (host, actual) = (host.to_ascii_lowercase(), actual.to_ascii_lowercase());
    match host.strip_prefix("*.") {
        Some(domain) => actual == domain || actual.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.')),
        None => !host.is_empty() && (host == "*" || host == actual),
    }
}

fn split_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.ends_with(']') => port.parse().map_or((authority, None), |port| (host, Some(port))),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_let_through_what_they_name() {
        for (pattern, origin, expected) in [
            ("*", "https://any.example", true),
            ("example.com", "https://example.com", true),
            ("example.com", "http://example.com:8080/page?x", true),
            ("example.com", "https://www.example.com", false),
            ("example.com", "https://notexample.com", false),
            ("*.example.com", "https://example.com", true),
            ("*.example.com", "https://a.b.EXAMPLE.com", true),
            ("*.example.com", "https://notexample.com", false),
            ("example.com:8080", "http://example.com:8080", true),
            ("example.com:443", "https://example.com", true),
            ("example.com:8080", "http://example.com", false),
            ("https://example.com", "https://example.com", true),
            ("https://example.com", "http://example.com", false),
            ("example.com/path", "https://example.com/other", true),
            ("[::1]:3000", "http://[::1]:3000", true),
            ("[::1]", "http://[::1]:3000", true),
            ("", "https://example.com", false),
            ("app://x", "app://x", true),
        ] {
            assert_eq!(allowed(&[pattern.to_owned()], Some(origin)), expected, "{pattern} {origin}");
        }
    }

    #[test]
    fn patterns_that_let_nothing_through_are_told() {
        for sound in [
            "*",
            "example.com",
            "*.example.com",
            "example.com:8080",
            "https://example.com",
            "https://*.example.com/",
            "[::1]:3000",
            "app://x",
            "localhost",
        ] {
            assert_eq!(problem(sound), None, "{sound}");
        }
        for wrong in [
            "",
            "a b",
            "https://",
            "ht tp://x",
            "1://x",
            "*example.com",
            "a.*.com",
            "example.com/path",
            "https://u@example.com",
            "example.com:http",
            "example..com",
            ".example.com",
            "[::1",
            "münchen.de",
            "https://example.com?x",
            "<script>",
            "a,b",
        ] {
            assert!(problem(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn servers_and_projects_without_a_list_pass() {
        assert!(allowed(&[], Some("https://evil.example")));
        assert!(allowed(&["example.com".to_owned()], None));
    }

    #[test]
    fn the_referer_stands_in_for_the_origin() {
        assert_eq!(of_request(Some("https://a"), Some("https://b")), Some("https://a"));
        assert_eq!(of_request(Some("null"), Some("https://b/c")), Some("https://b/c"));
        assert_eq!(of_request(None, Some("android-app://x")), None);
        assert_eq!(of_request(None, None), None);
    }
}
