//! # Routes: from a path to an endpoint
//!
//! **Promise.** The paths of `protocol.md` 2.1, with and without a slash at the end, with slashes doubled on the way, and below whatever path
//! a proxy in front left on: what stands before `/api/` says nothing.
//!
//! **How.** The first `api` after which the rest is an endpoint counts.
//!
//! **Not here.** What the endpoints do.

use axum::http::Method;

use crate::protocol::{DsnId, EventId, Refusal};

/// Segments of a path that are looked at: a prefix, and the longest endpoint.
const MAX_SEGMENTS: usize = 20;

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `/envelope/`.
    Envelope,
    /// `/store/`.
    Store,
    /// `/security/`, `/csp-report/`.
    Security,
    /// `/nel/`.
    Nel,
    /// `/minidump/`.
    Minidump,
    /// `/unreal/{key}/`.
    Unreal,
    /// `/embed/error-page/`: the crash dialog.
    ErrorPage,
    /// `/events/{event}/attachments/`.
    Attachments(EventId),
    /// `/cron/{monitor}/`; the monitor's slug.
    Cron(String),
    /// `/otlp/v1/traces/` and its other name.
    Traces,
    /// `/integration/otlp/v1/logs/`.
    Logs,
    /// `/integration/vercel/logs/`.
    Vercel,
    /// `/integration/heroku/logs/`.
    Heroku,
    /// `/api/relay/healthcheck/live/`.
    Live,
    /// `/api/relay/healthcheck/ready/`.
    Ready,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// The project of the path; without one the key tells it.
    pub(super) project: Option<DsnId>,
    /// The key, on the endpoints that have one in their path.
    pub(super) key: Option<String>,
    pub(super) endpoint: Endpoint,
}

impl Route {
    /// The endpoint of a path.
    pub(super) fn parse(path: &str) -> Result<Self, Refusal> {
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).take(MAX_SEGMENTS).collect();
        let mut refusal = Refusal::NotFound;
        for at in (0..segments.len()).filter(|at| segments[*at] == "api") {
            match Self::below_api(&segments[at + 1..]) {
                Ok(route) => return Ok(route),
                // A path that is wrong in a part says more than one that leads nowhere.
                Err(Refusal::NotFound) => {}
                Err(other) => refusal = other,
            }
        }
        Err(refusal)
    }

    fn below_api(segments: &[&str]) -> Result<Self, Refusal> {
        let (project, rest) = match segments {
            ["relay", "healthcheck", "live"] => return Ok(Self::without_project(Endpoint::Live)),
            ["relay", "healthcheck", "ready"] => return Ok(Self::without_project(Endpoint::Ready)),
            ["store"] => return Ok(Self::without_project(Endpoint::Store)),
            ["embed", "error-page"] => return Ok(Self::without_project(Endpoint::ErrorPage)),
            [project, rest @ ..] => (project, rest),
            [] => return Err(Refusal::NotFound),
        };
        let (endpoint, key) = match rest {
            ["envelope"] => (Endpoint::Envelope, None),
            ["store"] => (Endpoint::Store, None),
            ["security" | "csp-report"] => (Endpoint::Security, None),
            ["nel"] => (Endpoint::Nel, None),
            ["minidump"] => (Endpoint::Minidump, None),
            ["unreal", key] => (Endpoint::Unreal, Some(*key)),
            ["events", event, "attachments"] => (Endpoint::Attachments(event.parse().map_err(|_| Refusal::BadEventId)?), None),
            ["cron", monitor] => (Endpoint::Cron(decoded(monitor)), None),
            ["cron", monitor, key] => (Endpoint::Cron(decoded(monitor)), Some(*key)),
            ["otlp", "v1", "traces"] | ["integration", "otlp", "v1", "traces"] => (Endpoint::Traces, None),
            ["integration", "otlp", "v1", "logs"] => (Endpoint::Logs, None),
            ["integration", "vercel", "logs"] => (Endpoint::Vercel, None),
            ["integration", "heroku", "logs"] => (Endpoint::Heroku, None),
            _ => return Err(Refusal::NotFound),
        };
        Ok(Self { project: Some(number(project)?), key: key.map(str::to_owned), endpoint })
    }

    fn without_project(endpoint: Endpoint) -> Self {
        Self { project: None, key: None, endpoint }
    }

    /// The value of `Allow`.
    pub(super) const fn methods(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Store | Endpoint::Cron(_) => "GET, POST, OPTIONS",
            Endpoint::Live | Endpoint::Ready => "GET, HEAD, OPTIONS",
            _ => "POST, OPTIONS",
        }
    }

    /// Whether it takes a method.
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods().split(", ").any(|known| known == method.as_str())
    }

    /// The content types it takes; `None` where any will do.
    pub(super) const fn content_types(&self) -> Option<&'static [&'static str]> {
        Some(match self.endpoint {
            Endpoint::Security => &[
                "application/json",
                "application/csp-report",
                "application/reports+json",
                "application/expect-ct-report",
                "application/expect-ct-report+json",
                "application/expect-staple-report",
            ],
            Endpoint::Nel => &["application/json", "application/reports+json"],
            Endpoint::Traces | Endpoint::Logs => &["application/json", "application/x-protobuf"],
            Endpoint::Vercel => &["application/json", "application/x-ndjson"],
            Endpoint::Heroku => &["application/logplex-1"],
            _ => return None,
        })
    }

    /// Whether its clients take a 429 as it is meant. Crash reporters, cron jobs and exporters try again for ever, or alarm somebody.
    pub(super) const fn may_be_limited(&self) -> bool {
        matches!(self.endpoint, Endpoint::Envelope | Endpoint::Store | Endpoint::Attachments(_) | Endpoint::Traces)
    }
}

fn number(project: &str) -> Result<DsnId, Refusal> {
    project.parse().map_err(|_| Refusal::BadProject)
}

/// A segment without percent-encoding.
fn decoded(segment: &str) -> String {
    let pair = format!("={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Result<(Option<i64>, Option<String>, Endpoint), Refusal> {
        Route::parse(path).map(|route| (route.project.map(DsnId::get), route.key, route.endpoint))
    }

    #[test]
    fn paths_lead_to_endpoints() {
        let event: EventId = "580c0000000000000000000000000020".parse().unwrap();
        for (path, endpoint) in [
            ("42/envelope", Endpoint::Envelope),
            ("42/store", Endpoint::Store),
            ("42/security", Endpoint::Security),
            ("42/csp-report", Endpoint::Security),
            ("42/nel", Endpoint::Nel),
            ("42/minidump", Endpoint::Minidump),
            ("42/events/580c0000-0000-0000-0000-000000000020/attachments", Endpoint::Attachments(event)),
            ("42/cron/night%20ly+", Endpoint::Cron("night ly+".to_owned())),
            ("42/otlp/v1/traces", Endpoint::Traces),
            ("42/integration/otlp/v1/traces", Endpoint::Traces),
            ("42/integration/otlp/v1/logs", Endpoint::Logs),
            ("42/integration/vercel/logs", Endpoint::Vercel),
            ("42/integration/heroku/logs", Endpoint::Heroku),
        ] {
            for prefix in ["/api/", "//api//", "/sentry/api/", "/a/b/c/api/", "/api/api/", "/api/v2/api/"] {
                for end in ["", "/", "//"] {
                    let path = format!("{prefix}{path}{end}");
                    assert_eq!(parse(&path), Ok((Some(42), None, endpoint.clone())), "{path}");
                }
            }
        }
        let doubled = Route::parse("/api//42//integration//otlp//v1//logs//").map(|route| route.endpoint);
        assert_eq!(doubled, Ok(Endpoint::Logs));
    }

    #[test]
    fn some_paths_name_a_key_or_no_project() {
        assert_eq!(parse("/api/42/unreal/abc/"), Ok((Some(42), Some("abc".to_owned()), Endpoint::Unreal)));
        assert_eq!(parse("/api/42/cron/nightly/abc"), Ok((Some(42), Some("abc".to_owned()), Endpoint::Cron("nightly".to_owned()))));
        assert_eq!(parse("/api/store"), Ok((None, None, Endpoint::Store)));
        assert_eq!(parse("/api/relay/healthcheck/live/"), Ok((None, None, Endpoint::Live)));
        assert_eq!(parse("/api/relay/healthcheck/ready"), Ok((None, None, Endpoint::Ready)));
        assert_eq!(parse("/a/path/api//embed/error-page/"), Ok((None, None, Endpoint::ErrorPage)));
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for (path, refusal) in [
            ("/api/abc/envelope/", Refusal::BadProject),
            ("/api/0/envelope/", Refusal::BadProject),
            ("/api/42/events/nonsense/attachments/", Refusal::BadEventId),
            ("/api/42/nonsense/", Refusal::NotFound),
            ("/api/42/playstation/", Refusal::NotFound),
            ("/api/42/upload/", Refusal::NotFound),
            ("/api/42/unreal/", Refusal::NotFound),
            ("/api/42/integration/vercel/integrity/", Refusal::NotFound),
            ("/api/42/envelope/more", Refusal::NotFound),
            ("/api/42/", Refusal::NotFound),
            ("/api/", Refusal::NotFound),
            ("/other/42/envelope/", Refusal::NotFound),
        ] {
            assert_eq!(parse(path), Err(refusal), "{path}");
        }
    }
}
