//! Who asks, in words and as an address.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{HeaderMap, header};

/// Longest user agent that is kept, in characters.
const MAX_AGENT: usize = 200;

/// The address a request came from, as whoever knows the trusted proxies tells it: a request extension. Without it, it is the peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Who sent a request to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    /// "Firefox 140 on Linux".
    pub(super) name: String,
    /// Not known for requests that came over no network.
    pub(super) address: Option<IpAddr>,
}

impl Client {
    /// The address as text; empty when it is not known.
    pub(super) fn ip(&self) -> String {
        self.address.map(|address| address.to_string()).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let told = parts.extensions.get::<ClientAddress>().map(|address| address.0);
        let peer = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        Ok(Self { name: name(&parts.headers), address: told.or_else(peer).map(|address| address.to_canonical()) })
    }
}

/// What marks a program in a user agent, and its name. The order matters: most of them also name those below.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];
/// The same of systems.
const SYSTEMS: [(&str, &str); 6] =
    [("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS X", "macOS"), ("Windows", "Windows"), ("Linux", "Linux")];

/// The program and system that a user agent names; the user agent itself when we do not know it. Only people read it, in the list of their sessions.
fn name(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let browser = BROWSERS.iter().find_map(|(mark, name)| {
        let (_, version) = agent.split_once(mark)?;
        let major: String = version.chars().take_while(char::is_ascii_digit).take(4).collect();
        Some(format!("{name} {major}"))
    });
    let system = SYSTEMS.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser,
        (None, _) if agent.is_empty() => "unknown program".to_owned(),
        (None, _) => agent.chars().take(MAX_AGENT).collect(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn common_browsers_are_named_and_others_name_themselves() {
        for (agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 on Linux"),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                "Chrome 131 on Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0",
                "Edge 131 on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1",
                "Safari 18 on iPhone",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("", "unknown program"),
        ] {
            let headers = HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static(agent))]);
            assert_eq!(name(&headers), words);
        }
        let long = HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_str(&"x".repeat(5000)).unwrap())]);
        assert_eq!(name(&long).len(), MAX_AGENT);
    }
}
