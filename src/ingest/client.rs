//! # Who sends: what is kept of a request's head
//!
//! **Promise.** The client's address is the peer's, unless the peer is a trusted proxy: then it is the nearest address in `X-Forwarded-For`
//! that is not a trusted proxy's. What a client wrote there itself is never believed.
//!
//! **When it breaks.** Entries that are no address end the search at the last one that was good.
//!
//! **Not here.** What the values are used for.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use crate::platform::addresses::Block;
use crate::protocol::origin;
use crate::protocol::record::ClientHints;

/// The proxies whose `X-Forwarded-For` is believed. None, unless an operator names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Block>);

/// A list of proxies that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProxies(String);

impl fmt::Display for InvalidProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no address, no block of addresses, and neither `loopback`, `private` nor `*`", self.0)
    }
}

impl std::error::Error for InvalidProxies {}

impl FromStr for TrustedProxies {
    type Err = InvalidProxies;

    /// Addresses and blocks (`10.0.0.0/8`), separated by commas; `loopback`; `private` (with loopback); `*` for every peer.
    fn from_str(list: &str) -> Result<Self, InvalidProxies> {
        let mut blocks = Vec::new();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let named: &[&str] = match entry {
                "loopback" => &["127.0.0.0/8", "::1"],
                "private" => {
                    &["127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"]
                }
                "*" => &["::/0"],
                other => &[other],
            };
            for text in named {
                blocks.push(Block::parse(text).ok_or_else(|| InvalidProxies(entry.to_owned()))?);
            }
        }
        Ok(Self(blocks))
    }
}

impl TrustedProxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|block| block.contains(address))
    }

    /// The client's address.
    pub(super) fn client_ip(&self, peer: Option<IpAddr>, forwarded_for: &[&str]) -> Option<IpAddr> {
        // Without a peer the connection is a local socket, which only a proxy uses.
        let mut client = peer;
        if peer.is_some_and(|peer| !self.trusts(peer)) {
            return peer.map(canonical);
        }
        for entry in forwarded_for.iter().flat_map(|value| value.split(',')).rev() {
            let Some(address) = address(entry.trim()) else { break };
            client = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        client.map(canonical)
    }
}

impl TrustedProxies {
    /// The address a request came from, for whoever else counts by it.
    pub fn client_of<B>(&self, request: &http::Request<B>) -> Option<IpAddr> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let forwarded: Vec<_> = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        self.client_ip(peer, &forwarded)
    }
}

fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// An address with or without port, brackets and zone.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let bare = text.trim_start_matches('[').split([']', '%']).next()?;
    bare.parse().ok()
}

/// What is kept of a request's head.
#[derive(Debug, Clone, Default)]
pub(super) struct Client {
    pub(super) ip: Option<IpAddr>,
    pub(super) user_agent: Option<String>,
    pub(super) hints: ClientHints,
    pub(super) origin: Option<String>,
}

impl Client {
    pub(super) fn of(parts: &Parts, proxies: &TrustedProxies) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let forwarded: Vec<_> = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        let owned = |name| text(&parts.headers, name).map(str::to_owned);
        Self {
            ip: proxies.client_ip(peer, &forwarded),
            user_agent: owned("user-agent"),
            hints: ClientHints {
                brands: owned("sec-ch-ua"),
                platform: owned("sec-ch-ua-platform"),
                platform_version: owned("sec-ch-ua-platform-version"),
                mobile: owned("sec-ch-ua-mobile"),
                model: owned("sec-ch-ua-model"),
            },
            origin: origin::of_request(text(&parts.headers, "origin"), text(&parts.headers, "referer")).map(str::to_owned),
        }
    }
}

/// A header as text; invalid UTF-8 counts as not there.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    let value = headers.get(HeaderName::from_static(name))?;
    std::str::from_utf8(value.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> Option<String> {
        let proxies: TrustedProxies = proxies.parse().unwrap();
        proxies.client_ip(peer.parse().ok(), forwarded).map(|ip| ip.to_string())
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        for (proxies, peer, forwarded, expected) in [
            ("", "9.9.9.9", &["1.2.3.4"][..], "9.9.9.9"),
            ("loopback", "9.9.9.9", &["1.2.3.4"], "9.9.9.9"),
            ("loopback", "127.0.0.1", &["1.2.3.4"], "1.2.3.4"),
            ("loopback", "127.0.0.1", &[], "127.0.0.1"),
            ("loopback", "127.0.0.1", &["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
            ("private", "127.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.7"], "1.2.3.4"),
            ("private", "10.1.1.1", &["1.2.3.4", "192.168.0.9"], "1.2.3.4"),
            ("private", "10.1.1.1", &["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
            ("*", "9.9.9.9", &["1.2.3.4, 5.6.7.8"], "1.2.3.4"),
            ("loopback", "::ffff:127.0.0.1", &["1.2.3.4:5678"], "1.2.3.4"),
            ("2001:db8::/32", "2001:db8::7", &["[2001:dead::1]:443"], "2001:dead::1"),
            ("loopback", "127.0.0.1", &["1.2.3.4, unknown"], "127.0.0.1"),
            ("loopback", "::1", &["fe80::1%eth0"], "fe80::1"),
            ("10.0.0.0/8", "11.0.0.1", &["1.2.3.4"], "11.0.0.1"),
        ] {
            assert_eq!(client(proxies, peer, forwarded).as_deref(), Some(expected), "{proxies} {peer} {forwarded:?}");
        }
        assert_eq!(client("", "none", &["1.2.3.4"]).as_deref(), Some("1.2.3.4"));
        assert_eq!(client("", "none", &[]), None);
    }

    #[test]
    fn lists_that_name_no_address_are_refused() {
        for list in ["nonsense", "10.0.0.0/33", "10.0.0.0/x", "::/129"] {
            assert!(list.parse::<TrustedProxies>().is_err(), "{list}");
        }
    }
}
