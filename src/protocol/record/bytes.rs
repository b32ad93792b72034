//! The alphabet of records: numbers, texts, lists and compressed blocks, written and read. What stands in which order is not known here.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{Buf, Bytes};
use uuid::Uuid;

use super::{MAX_TEXT, RecordError};
use crate::protocol::EventId;

thread_local! {
    /// Compression tables are 700 KB: made once per thread, not once per request.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    /// Making one takes three times as long as decompressing an event with it.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// `None` where compression fails or does not pay.
pub(super) fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let compressed = COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = zstd::bulk::Compressor::new(1).ok();
        }
        slot.as_mut()?.compress(bytes).ok()
    })?;
    (compressed.len() < bytes.len()).then_some(compressed)
}

/// `None` where the data is corrupt or becomes more than `length`.
pub(super) fn decompress(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = zstd::bulk::Decompressor::new().ok();
        }
        slot.as_mut()?.decompress(bytes, length).ok()
    })
}

/// The text up to a bound, at a character.
pub(super) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A length one too large, so that 0 is "not there".
    pub(super) fn optional(&mut self, text: Option<&str>) {
        match text.map(|text| cut(text, MAX_TEXT)) {
            None => self.number(0),
            Some(text) => {
                self.number(text.len() as u64 + 1);
                self.0.extend_from_slice(text.as_bytes());
            }
        }
    }

    pub(super) fn event_id(&mut self, id: Option<EventId>) {
        self.0.push(u8::from(id.is_some()));
        if let Some(id) = id {
            self.0.extend_from_slice(id.uuid().as_bytes());
        }
    }

    pub(super) fn ip(&mut self, ip: Option<IpAddr>) {
        match ip {
            None => self.0.push(0),
            Some(IpAddr::V4(ip)) => {
                self.0.push(4);
                self.0.extend_from_slice(&ip.octets());
            }
            Some(IpAddr::V6(ip)) => {
                self.0.push(6);
                self.0.extend_from_slice(&ip.octets());
            }
        }
    }
}

pub(super) struct Reader(pub(super) Bytes);

impl Reader {
    pub(super) fn byte(&mut self) -> Result<u8, RecordError> {
        self.0.try_get_u8().map_err(|_| RecordError::Malformed)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let mut array = [0; N];
        self.0.try_copy_to_slice(&mut array).map_err(|_| RecordError::Malformed)?;
        Ok(array)
    }

    pub(super) fn number(&mut self) -> Result<u64, RecordError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift).ok_or(RecordError::Malformed)?;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(RecordError::Malformed)
    }

    pub(super) fn take(&mut self, length: u64) -> Result<Bytes, RecordError> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.0.len()).ok_or(RecordError::Malformed)?;
        Ok(self.0.split_to(length))
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, RecordError> {
        let length = self.number()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<String, RecordError> {
        String::from_utf8(self.bytes()?.into()).map_err(|_| RecordError::Malformed)
    }

    pub(super) fn optional(&mut self) -> Result<Option<String>, RecordError> {
        let Some(length) = self.number()?.checked_sub(1) else { return Ok(None) };
        String::from_utf8(self.take(length)?.into()).map(Some).map_err(|_| RecordError::Malformed)
    }

    pub(super) fn list<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, RecordError>) -> Result<Vec<T>, RecordError> {
        // Every entry takes at least a byte, so a count cannot make more of them than there are bytes.
        let count = self.number()?;
        if count > self.0.len() as u64 {
            return Err(RecordError::Malformed);
        }
        (0..count).map(|_| one(self)).collect()
    }

    pub(super) fn event_id(&mut self) -> Result<Option<EventId>, RecordError> {
        match self.byte()? {
            0 => Ok(None),
            1 => Ok(Some(Uuid::from_bytes(self.array()?).into())),
            _ => Err(RecordError::Malformed),
        }
    }

    pub(super) fn ip(&mut self) -> Result<Option<IpAddr>, RecordError> {
        match self.byte()? {
            0 => Ok(None),
            4 => Ok(Some(Ipv4Addr::from(self.array::<4>()?).into())),
            6 => Ok(Some(Ipv6Addr::from(self.array::<16>()?).into())),
            _ => Err(RecordError::Malformed),
        }
    }
}
