//! # Reports of browsers' security policies
//!
//! **Promise.** What a content security policy, key pinning, OCSP stapling or certificate transparency report contributes (grouping.md 8).

use super::component::Component;
use super::shape::{self, Object};
use crate::event::csp::{self, SELF};

/// The directive that was violated.
pub(super) fn effective_directive(report: &Object) -> Option<&str> {
    shape::text(report, "effective_directive").or_else(|| shape::text(report, "violated_directive")?.split_whitespace().next())
}

/// The blocked address, without what changes from event to event.
pub(super) fn blocked_uri(report: &Object) -> String {
    csp::normal_uri(shape::text(report, "blocked_uri").unwrap_or_default())
}

/// A content security policy report: its directive, and the blocked address or the keyword that was violated.
pub(super) fn csp(report: &Object) -> Component {
    let directive = effective_directive(report).unwrap_or_default();
    let uri = blocked_uri(report);
    let violated = shape::text(report, "violated_directive").unwrap_or_default();
    let keyword = ["'unsafe-inline'", "'unsafe-eval'"].into_iter().find(|keyword| violated.contains(keyword.trim_matches('\'')));
    let what = match keyword.filter(|_| directive == "script-src" && uri == SELF) {
        Some(keyword) => Component::leaf("violation", keyword),
        None => Component::leaf("uri", uri),
    };
    Component::branch("csp", vec![Component::leaf("salt", directive), what])
}

/// A report about a host: a fixed word and the host's name.
pub(super) fn of_host(id: &'static str, salt: &'static str, report: &Object) -> Component {
    let hostname = shape::text(report, "hostname").unwrap_or_default();
    Component::branch(id, vec![Component::leaf("salt", salt), Component::leaf("hostname", hostname)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocked_addresses_lose_their_paths() {
        let table = [
            ("", "'self'"),
            ("self", "'self'"),
            ("'self'", "'self'"),
            ("https://a.b:8080/c?d", "a.b:8080"),
            ("ftp://a.b/c", "ftp://a.b"),
            ("data", "data:"),
            ("blob:abc", "blob:"),
            ("http://u@a.b#x", "a.b"),
        ];
        for (uri, expected) in table {
            assert_eq!(blocked_uri(json!({"blocked_uri": uri}).as_object().unwrap()), expected, "{uri}");
        }
    }

    #[test]
    fn inline_scripts_count_by_the_violated_keyword() {
        let report =
            json!({"effective_directive": "script-src", "violated_directive": "script-src 'unsafe-inline' 'self'", "blocked_uri": ""});
        assert_eq!(csp(report.as_object().unwrap()).texts(), ["script-src", "'unsafe-inline'"]);
        let report = json!({"violated_directive": "img-src https:", "blocked_uri": "http://x.y/z"});
        assert_eq!(csp(report.as_object().unwrap()).texts(), ["img-src", "x.y"]);
    }
}
