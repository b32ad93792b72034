//! # The bytes of a segment
//! **Promise.** What was written whole is read back whole or named as damaged; nothing a client sends can pose as a record.
//! **How.** A segment is a header and frames. A frame: 40 bytes of header (salt, seq, time, lengths, two CRC-32 sums), the ids of its spool
//! files (16 bytes each), the body. The *salt* is eight random bytes, the same for all frames of a segment and known from its file name.
//! It is what a reader looks for after a damaged stretch; a body that contains something like a frame cannot contain the salt.
//! **When it breaks.** A wrong header sum: the length cannot be trusted, so the reader searches for the next salt. A wrong body sum alone:
//! the length can, so exactly that record is skipped.
//! **Not here.** Files.

use std::ops::Range;

use memchr::memmem::Finder;

use super::spool::SpoolId;

/// First bytes of every segment.
const SEGMENT_MAGIC: [u8; 6] = *b"VDTJRN";
/// Format version; raised when frames change.
pub(super) const VERSION: u16 = 1;
/// Bytes before the first frame.
pub(super) const SEGMENT_HEADER: usize = 32;
/// Bytes before a frame's spool ids.
pub(super) const FRAME_HEADER: usize = 40;
/// Bytes of one spool id.
const SPOOL_ID: usize = 16;
/// Bytes of one done mark.
pub(super) const MARK: usize = 16;

/// What a frame says about its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) seq: u64,
    pub(super) at_micros: i64,
    pub(super) body_len: usize,
    pub(super) spool_count: usize,
    body_crc: u32,
}

impl FrameHead {
    /// Bytes of the whole frame.
    pub(super) fn frame_len(&self) -> usize {
        FRAME_HEADER + self.spool_count * SPOOL_ID + self.body_len
    }
}

/// What stands at some place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole, sound frame.
    Frame { head: FrameHead, spool: Vec<SpoolId>, body: Range<usize> },
    /// A sound frame header whose frame ends past the bytes given; `need` bytes from its start would hold it.
    Short { need: usize },
    /// A frame with a sound header and a damaged rest, `len` bytes in all.
    BadBody { len: usize },
    /// No frame starts here.
    Nothing,
}

/// CRC-32 (IEEE) over several slices; flate2 brings the hardware version.
fn crc(parts: &[&[u8]]) -> u32 {
    let mut crc = flate2::Crc::new();
    for part in parts {
        crc.update(part);
    }
    crc.sum()
}

/// The header of a segment. Its first sequence number stands in the file name only: an emptied segment is renamed.
pub(super) fn segment_header(salt: u64) -> [u8; SEGMENT_HEADER] {
    let mut header = [0; SEGMENT_HEADER];
    header[0..6].copy_from_slice(&SEGMENT_MAGIC);
    header[6..8].copy_from_slice(&VERSION.to_le_bytes());
    header[8..16].copy_from_slice(&salt.to_le_bytes());
    let sum = crc(&[&header[..28]]);
    header[28..32].copy_from_slice(&sum.to_le_bytes());
    header
}

/// The version a sound header names; `None` for a damaged one.
pub(super) fn read_segment_header(bytes: &[u8]) -> Option<u16> {
    let header = bytes.get(..SEGMENT_HEADER)?;
    (header[..6] == SEGMENT_MAGIC && crc(&[&header[..28]]) == le_u32(header, 28)).then(|| le_u16(header, 6))
}

/// Appends one frame to `out`.
pub(super) fn write_frame(out: &mut Vec<u8>, salt: u64, (seq, at_micros): (u64, i64), spool: &[SpoolId], body: &[u8]) {
    let ids: Vec<u8> = spool.iter().flat_map(|id| id.to_bytes()).collect();
    let start = out.len();
    out.reserve(FRAME_HEADER + ids.len() + body.len());
    out.extend_from_slice(&salt.to_le_bytes());
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&at_micros.to_le_bytes());
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&(spool.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc(&[&ids, body]).to_le_bytes());
    let sum = crc(&[&out[start..]]);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&ids);
    out.extend_from_slice(body);
}

/// Bytes [`write_frame`] will append.
pub(super) fn frame_len(spool_count: usize, body_len: usize) -> usize {
    FRAME_HEADER + spool_count * SPOOL_ID + body_len
}

/// Looks at the start of `bytes`.
pub(super) fn read_frame(bytes: &[u8], salt: u64) -> Found {
    let Some(header) = bytes.get(..FRAME_HEADER) else {
        return Found::Nothing;
    };
    if le_u64(header, 0) != salt || crc(&[&header[..36]]) != le_u32(header, 36) {
        return Found::Nothing;
    }
    let head = FrameHead {
        seq: le_u64(header, 8),
        at_micros: le_u64(header, 16).cast_signed(),
        body_len: le_u32(header, 24) as usize,
        spool_count: le_u32(header, 28) as usize,
        body_crc: le_u32(header, 32),
    };
    let Some(frame) = bytes.get(..head.frame_len()) else {
        return Found::Short { need: head.frame_len() };
    };
    if crc(&[&frame[FRAME_HEADER..]]) != head.body_crc {
        return Found::BadBody { len: frame.len() };
    }
    let ids_end = FRAME_HEADER + head.spool_count * SPOOL_ID;
    let spool = frame[FRAME_HEADER..ids_end].as_chunks().0.iter().map(SpoolId::from_bytes).collect();
    Found::Frame { body: ids_end..frame.len(), head, spool }
}

/// Where, after the first byte, the salt stands next: the only places where a frame can start.
pub(super) fn next_salt(bytes: &[u8], salt: u64) -> Option<usize> {
    Finder::new(&salt.to_le_bytes()).find(bytes.get(1..)?).map(|at| at + 1)
}

/// One done mark: `count` records from `first` on.
pub(super) fn write_mark(out: &mut Vec<u8>, first: u64, count: u32) {
    let start = out.len();
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    let sum = crc(&[&out[start..]]);
    out.extend_from_slice(&sum.to_le_bytes());
}

/// The sound marks among `bytes`. A damaged mark is left out: its records are handed out once more, which digest tolerates.
pub(super) fn read_marks(bytes: &[u8]) -> impl Iterator<Item = (u64, u32)> {
    let sound = |mark: &[u8; MARK]| crc(&[&mark[..12]]) == le_u32(mark, 12);
    bytes.as_chunks().0.iter().filter(move |mark| sound(mark)).map(|mark| (le_u64(mark, 0), le_u32(mark, 8)))
}

fn le_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn le_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn le_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SALT: u64 = 0x0123_4567_89ab_cdef;

    fn frame(seq: u64, spool: &[SpoolId], body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_frame(&mut out, SALT, (seq, -5), spool, body);
        out
    }

    proptest! {
        #[test]
        fn a_frame_is_read_back(seq: u64, ids in prop::collection::vec(any::<[u8; 16]>(), 0..4), body in prop::collection::vec(any::<u8>(), 0..300)) {
            let spool: Vec<_> = ids.iter().map(SpoolId::from_bytes).collect();
            let bytes = frame(seq, &spool, &body);
            prop_assert_eq!(bytes.len(), frame_len(spool.len(), body.len()));
            let Found::Frame { head, spool: got, body: range } = read_frame(&bytes, SALT) else { panic!("not found") };
            prop_assert_eq!((head.seq, head.at_micros), (seq, -5));
            prop_assert_eq!(got, spool);
            prop_assert_eq!(&bytes[range], &body[..]);
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = frame(7, &[SpoolId::from_bytes(&[3; 16])], b"hello, neighbour");
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let found = read_frame(&bad, SALT);
            if bit < FRAME_HEADER * 8 {
                assert_eq!(found, Found::Nothing, "bit {bit}");
            } else {
                assert_eq!(found, Found::BadBody { len: bytes.len() }, "bit {bit}");
            }
        }
    }

    #[test]
    fn every_cut_frame_is_noticed() {
        let bytes = frame(7, &[], b"hello");
        for len in 0..bytes.len() {
            let expected = if len < FRAME_HEADER { Found::Nothing } else { Found::Short { need: bytes.len() } };
            assert_eq!(read_frame(&bytes[..len], SALT), expected);
        }
    }

    #[test]
    fn a_frame_of_another_salt_is_no_frame() {
        let forged = frame(9, &[], b"forged");
        assert_eq!(read_frame(&forged, SALT + 1), Found::Nothing);
        assert_eq!(next_salt(&forged, SALT + 1), None);
    }

    #[test]
    fn damaged_marks_are_left_out() {
        let mut bytes = Vec::new();
        write_mark(&mut bytes, 10, 5);
        bytes.extend_from_slice(&[0; MARK]); // a page that never reached the disk
        write_mark(&mut bytes, 20, 1);
        bytes.extend_from_slice(&[1, 2, 3]);
        assert_eq!(read_marks(&bytes).collect::<Vec<_>>(), [(10, 5), (20, 1)]);
    }

    #[test]
    fn a_damaged_segment_header_is_noticed() {
        let header = segment_header(SALT);
        assert_eq!(read_segment_header(&header), Some(VERSION));
        for bit in 0..28 * 8 {
            let mut bad = header;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read_segment_header(&bad), None, "bit {bit}");
        }
    }
}
