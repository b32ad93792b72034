//! Blocks of addresses, as operators write them: `10.0.0.0/8`, `::1`.

use std::net::{IpAddr, Ipv6Addr};

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    start: u128,
    bits: u32,
}

impl Block {
    /// An address, or a block of them.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width)?,
            None => width,
        };
        Some(Self { start: as_v6(address), bits: bits + (128 - width) })
    }

    /// Whether the address is one of them. An IPv4 address is the same one inside IPv6.
    pub fn contains(self, address: IpAddr) -> bool {
        let shift = 128 - self.bits;
        let of = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
        of(as_v6(address)) == of(self.start)
    }
}

/// IPv4 addresses as they stand inside IPv6, so that one comparison serves both.
fn as_v6(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}
