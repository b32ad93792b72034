//! Which addresses may be asked: what anybody on the internet could ask, and what an operator allows beside.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::platform::addresses::Block;

/// What is nobody's, or only this network's. Of IPv6 everything outside of `2000::/3` is, too.
const CLOSED: [(&str, &str); 22] = [
    ("0.0.0.0/8", "this machine's"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "private"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "a cloud's own"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "an example"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "reserved"),
    ("198.51.100.0/24", "an example"),
    ("203.0.113.0/24", "an example"),
    ("224.0.0.0/3", "multicast or reserved"),
    ("::1", "loopback"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    // Both carry an IPv4 address to wherever a router takes it.
    ("2001::/23", "reserved"),
    ("2002::/16", "reserved"),
    ("2001:db8::/32", "an example"),
    ("3fff::/20", "an example"),
];
const GLOBAL_V6: &str = "2000::/3";
/// Networks without IPv4 reach it by these.
const NAT64: &str = "64:ff9b::/96";

/// What may be asked although it is closed. Nothing, unless an operator names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(Vec<Block>);

/// A list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidAllowed(String);

impl fmt::Display for InvalidAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no address, no block of addresses, and neither `loopback`, `private` nor `*`", self.0)
    }
}

impl std::error::Error for InvalidAllowed {}

impl FromStr for Allowed {
    type Err = InvalidAllowed;

    /// Addresses and blocks, separated by commas; `loopback`; `private` (without loopback and link-local); `*` for all.
    fn from_str(list: &str) -> Result<Self, InvalidAllowed> {
        let mut blocks = Vec::new();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let named: &[&str] = match entry {
                "loopback" => &["127.0.0.0/8", "::1"],
                "private" => &["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
                "*" => &["::/0"],
                other => &[other],
            };
            for text in named {
                blocks.push(Block::parse(text).ok_or_else(|| InvalidAllowed(entry.to_owned()))?);
            }
        }
        Ok(Self(blocks))
    }
}

impl Allowed {
    /// What speaks against asking this address: "private".
    pub fn refusal(&self, address: IpAddr) -> Option<&'static str> {
        if self.0.iter().any(|block| block.contains(address)) {
            return None;
        }
        match address.to_canonical() {
            IpAddr::V6(v6) if is_in(NAT64, address) => self.refusal(IpAddr::V4(last_32(v6))),
            canonical => closed(canonical),
        }
    }
}

fn closed(address: IpAddr) -> Option<&'static str> {
    let known = CLOSED.iter().find(|(block, _)| is_in(block, address)).map(|(_, what)| *what);
    known.or_else(|| (address.is_ipv6() && !is_in(GLOBAL_V6, address)).then_some("reserved"))
}

fn is_in(block: &str, address: IpAddr) -> bool {
    Block::parse(block).is_some_and(|block| block.contains(address))
}

fn last_32(v6: Ipv6Addr) -> Ipv4Addr {
    Ipv4Addr::from_bits(v6.to_bits() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(allowed: &str, address: &str) -> Option<&'static str> {
        allowed.parse::<Allowed>().unwrap().refusal(address.parse().unwrap())
    }

    #[test]
    fn what_is_not_the_internets_is_refused_in_every_spelling() {
        for (address, what) in [
            ("0.0.0.0", "this machine's"),
            ("10.1.2.3", "private"),
            ("100.64.0.1", "private"),
            ("100.100.100.200", "private"),
            ("127.0.0.1", "loopback"),
            ("127.9.9.9", "loopback"),
            ("168.63.129.16", "a cloud's own"),
            ("169.254.169.254", "link-local"),
            ("172.31.255.255", "private"),
            ("192.0.0.192", "reserved"),
            ("192.168.0.1", "private"),
            ("198.19.0.1", "reserved"),
            ("203.0.113.7", "an example"),
            ("224.0.0.1", "multicast or reserved"),
            ("255.255.255.255", "multicast or reserved"),
            ("::", "reserved"),
            ("::1", "loopback"),
            ("::127.0.0.1", "reserved"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:10.0.0.1", "private"),
            ("::ffff:169.254.169.254", "link-local"),
            ("64:ff9b::7f00:1", "loopback"),
            ("64:ff9b::a9fe:a9fe", "link-local"),
            ("64:ff9b:1::1", "reserved"),
            ("fc00::1", "private"),
            ("fd00:ec2::254", "private"),
            ("fe80::1", "link-local"),
            ("fec0::1", "reserved"),
            ("ff02::1", "reserved"),
            ("2001::1", "reserved"),
            ("2002:7f00:1::1", "reserved"),
            ("2001:db8::1", "an example"),
        ] {
            assert_eq!(refusal("", address), Some(what), "{address}");
            assert_eq!(refusal("*", address), None, "{address}");
        }
    }

    #[test]
    fn the_internet_is_open() {
        for address in
            ["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
        {
            assert_eq!(refusal("", address), None, "{address}");
        }
    }

    #[test]
    fn a_setting_opens_what_it_names_and_no_more() {
        assert_eq!(refusal("loopback", "127.0.0.1"), None);
        assert_eq!(refusal("loopback", "::ffff:127.0.0.1"), None);
        assert_eq!(refusal("loopback", "10.0.0.1"), Some("private"));
        assert_eq!(refusal("private", "10.0.0.1"), None);
        assert_eq!(refusal("private", "169.254.169.254"), Some("link-local"), "metadata is never opened by a word");
        assert_eq!(refusal("private", "127.0.0.1"), Some("loopback"));
        assert_eq!(refusal("10.1.0.0/16, fd00::/8", "10.1.2.3"), None);
        assert_eq!(refusal("10.1.0.0/16, fd00::/8", "10.2.2.3"), Some("private"));
        assert_eq!("10.0.0.0/99".parse::<Allowed>(), Err(InvalidAllowed("10.0.0.0/99".to_owned())));
        assert!("hooks.example".parse::<Allowed>().is_err());
    }
}
