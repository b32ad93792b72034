//! One segment file: its name, its done bits, the scanner that walks its frames, and what a start finds in it.
//!
//! **When it breaks.** The scanner steps over damage to the next sound frame and says what it stepped over. A read error is not damage:
//! it may pass, so it goes to the caller.
//!
//! Not here: which segment is written (`writer`), which is read (`queue`).

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::files::{Files, JournalFile, read_up_to};
use super::format::{self, FRAME_HEADER, Found, FrameHead, SEGMENT_HEADER};
use super::spool::SpoolId;

/// Bytes read from a segment at once: some 200 records, so that a batch costs a handful of system calls.
const WINDOW: usize = 256 * 1024;

/// No segment spans more sequence numbers: even empty records fill `MAX_SEGMENT_BYTES` earlier. Bounds the done bits to 2 MiB.
const MAX_SPAN: u64 = 1 << 24;

/// Largest segment that may be configured.
pub(super) const MAX_SEGMENT_BYTES: u64 = 256 * 1024 * 1024;

/// What names a segment file. The first sequence number orders them and outlives their content; the salt is needed to read the frames,
/// and here it survives damage to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentName {
    pub(super) first: u64,
    pub(super) salt: u64,
}

impl SegmentName {
    pub(super) fn file_name(self) -> String {
        format!("{:016x}-{:016x}.seg", self.first, self.salt)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let (first, salt) = name.strip_suffix(".seg")?.split_once('-')?;
        (first.len() == 16 && salt.len() == 16).then_some(())?;
        Some(Self { first: u64::from_str_radix(first, 16).ok()?, salt: u64::from_str_radix(salt, 16).ok()? })
    }

    /// The file of the segment's done marks.
    pub(super) fn marks_name(first: u64) -> String {
        format!("{first:016x}.done")
    }

    /// The segment that a file of done marks belongs to.
    pub(super) fn parse_marks(name: &str) -> Option<u64> {
        u64::from_str_radix(name.strip_suffix(".done")?, 16).ok()
    }
}

/// One bit per record of a segment.
#[derive(Debug, Clone, Default)]
pub(super) struct DoneBits {
    words: Vec<u64>,
}

impl DoneBits {
    /// Sets a bit; false when it was set before.
    pub(super) fn set(&mut self, index: u64) -> bool {
        let (word, bit) = ((index / 64) as usize, 1 << (index % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let fresh = self.words[word] & bit == 0;
        self.words[word] |= bit;
        fresh
    }

    pub(super) fn get(&self, index: u64) -> bool {
        self.words.get((index / 64) as usize).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// The first bit not set.
    pub(super) fn first_clear(&self) -> u64 {
        let full = self.words.iter().take_while(|word| **word == u64::MAX).count();
        full as u64 * 64 + self.words.get(full).map_or(0, |word| u64::from(word.trailing_ones()))
    }
}

/// A segment as the queue knows it.
pub(super) struct Segment {
    pub(super) name: SegmentName,
    pub(super) file: Arc<dyn JournalFile>,
    /// Bytes known to be on disk; nothing beyond is read.
    pub(super) len: u64,
    /// One past the last record's sequence number.
    pub(super) end: u64,
    pub(super) done: DoneBits,
    /// Records not yet done.
    pub(super) live: u64,
    /// Reads that failed in a row.
    pub(super) read_failures: u32,
}

impl Segment {
    /// A new one, holding nothing but its header.
    pub(super) fn empty(name: SegmentName, file: Arc<dyn JournalFile>) -> Self {
        Self { name, file, len: SEGMENT_HEADER as u64, end: name.first, done: DoneBits::default(), live: 0, read_failures: 0 }
    }

    /// Marks one record done; false when it was, or is not here.
    pub(super) fn finish(&mut self, seq: u64) -> bool {
        let known = (self.name.first..self.end).contains(&seq);
        let fresh = known && self.done.set(seq - self.name.first);
        self.live -= u64::from(fresh);
        fresh
    }

    pub(super) fn is_done(&self, seq: u64) -> bool {
        self.done.get(seq.wrapping_sub(self.name.first))
    }

    /// The first record that is not done.
    pub(super) fn oldest_live(&self) -> Option<u64> {
        (self.live > 0).then(|| self.name.first + self.done.first_clear())
    }
}

/// One step of a [`Scanner`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A sound frame at `offset`.
    Frame { offset: u64, head: FrameHead, spool: Vec<SpoolId>, body: Bytes },
    /// Bytes that hold no sound frame.
    Damage { offset: u64, bytes: u64 },
}

/// Walks the frames of a file between two places.
pub(super) struct Scanner<'a> {
    file: &'a dyn JournalFile,
    salt: u64,
    end: u64,
    window: Bytes,
    window_at: u64,
    /// Where the next frame is expected.
    pub(super) offset: u64,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(file: &'a dyn JournalFile, salt: u64, offset: u64, end: u64) -> Self {
        Self { file, salt, end, window: Bytes::new(), window_at: offset, offset }
    }

    /// The next frame or damaged stretch; `None` at the end.
    pub(super) fn step(&mut self) -> io::Result<Option<Step>> {
        let offset = self.offset;
        loop {
            if self.offset >= self.end {
                return Ok(None);
            }
            self.hold(FRAME_HEADER)?;
            match format::read_frame(self.at_offset(), self.salt) {
                Found::Frame { head, spool, body } => {
                    let base = (offset - self.window_at) as usize;
                    let body = self.window.slice(base + body.start..base + body.end);
                    self.offset += head.frame_len() as u64;
                    return Ok(Some(Step::Frame { offset, head, spool, body }));
                }
                Found::Short { need } if need as u64 <= self.end - offset => self.hold(need)?,
                Found::BadBody { len } => {
                    self.offset += len as u64;
                    return Ok(Some(Step::Damage { offset, bytes: len as u64 }));
                }
                Found::Short { .. } | Found::Nothing => {
                    self.resync()?;
                    return Ok(Some(Step::Damage { offset, bytes: self.offset - offset }));
                }
            }
        }
    }

    /// Moves to the next place that holds a frame with a sound header, or to the end.
    fn resync(&mut self) -> io::Result<()> {
        while self.offset < self.end {
            self.hold(FRAME_HEADER)?;
            let Some(skip) = format::next_salt(self.at_offset(), self.salt) else {
                // The salt may straddle the window's end: keep its last seven bytes.
                let held = self.at_offset().len() as u64;
                self.offset = if self.offset + held >= self.end { self.end } else { self.offset + held.saturating_sub(7).max(1) };
                continue;
            };
            self.offset += skip as u64;
            self.hold(FRAME_HEADER)?;
            match format::read_frame(self.at_offset(), self.salt) {
                Found::Nothing => {}
                Found::Short { need } if need as u64 > self.end - self.offset => {}
                Found::Frame { .. } | Found::Short { .. } | Found::BadBody { .. } => return Ok(()),
            }
        }
        Ok(())
    }

    /// The window from the current place on.
    fn at_offset(&self) -> &[u8] {
        let start = (self.offset - self.window_at) as usize;
        self.window.get(start..).unwrap_or(&[])
    }

    /// Reads so that the window holds `need` bytes from the current place on, or all there are.
    fn hold(&mut self, need: usize) -> io::Result<()> {
        let left = (self.end - self.offset) as usize;
        if self.at_offset().len() < need.min(left) {
            let window = read_up_to(self.file, need.max(WINDOW).min(left), self.offset)?;
            if window.len() < need.min(left) {
                self.end = self.offset + window.len() as u64; // shorter than promised: somebody cut the file
            }
            self.window = window.into();
            self.window_at = self.offset;
        }
        Ok(())
    }
}

/// What a start found in one segment file.
pub(super) struct Recovered {
    pub(super) segment: Segment,
    /// Sequence number, time and spool files of each record not done.
    pub(super) live: Vec<(u64, i64, Vec<SpoolId>)>,
    pub(super) done: u64,
    pub(super) damage: Vec<(u64, u64)>,
    pub(super) torn: bool,
}

/// Why a segment cannot be used.
pub(super) enum Unusable {
    /// It has a format this version does not know.
    Version(u16),
    /// The disk refused to read it.
    Io(io::Error),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a whole segment and its done marks. A torn tail is cut off; damage is reported and left. `limit` is where the next segment
/// begins: records from there on were refused when this one's disk failed, and are left out.
pub(super) fn recover(files: &dyn Files, dir: &Path, name: SegmentName, limit: u64) -> Result<Recovered, Unusable> {
    let file = files.open(&dir.join(name.file_name()))?;
    let len = file.size()?;
    let header = read_up_to(&*file, SEGMENT_HEADER, 0)?;
    let mut found =
        Recovered { segment: Segment::empty(name, Arc::clone(&file)), live: Vec::new(), done: 0, damage: Vec::new(), torn: false };
    if len <= SEGMENT_HEADER as u64 {
        found.torn = format::read_segment_header(&header).is_none();
        return Ok(found);
    }
    match format::read_segment_header(&header) {
        Some(format::VERSION) => {}
        Some(version) => return Err(Unusable::Version(version)),
        None => found.damage.push((0, SEGMENT_HEADER as u64)),
    }
    let marked = read_done(files, &dir.join(SegmentName::marks_name(name.first)), name.first)?;
    let mut scanner = Scanner::new(&*file, name.salt, SEGMENT_HEADER as u64, len);
    while let Some(step) = scanner.step()? {
        match step {
            Step::Frame { head, spool, offset, .. }
                if (found.segment.end..limit.min(name.first.saturating_add(MAX_SPAN))).contains(&head.seq) =>
            {
                for gap in found.segment.end..head.seq {
                    found.segment.done.set(gap - name.first);
                }
                found.segment.end = head.seq + 1;
                found.segment.len = offset + head.frame_len() as u64;
                if marked.get(head.seq - name.first) {
                    found.segment.done.set(head.seq - name.first);
                    found.done += 1;
                } else {
                    found.live.push((head.seq, head.at_micros, spool));
                }
            }
            Step::Frame { .. } => {} // refused, or left over from before the file was emptied
            Step::Damage { offset, bytes } => found.damage.push((offset, bytes)),
        }
    }
    found.segment.live = found.live.len() as u64;
    if found.segment.len < len {
        // Everything after the last sound frame: an unfinished write. It was never acknowledged, so cutting it loses nothing.
        found.torn = true;
        found.damage.retain(|(offset, _)| *offset < found.segment.len);
        let _ = file.set_len(found.segment.len).and_then(|()| file.sync_data());
    }
    Ok(found)
}

/// The done marks of a segment that starts at `first`.
fn read_done(files: &dyn Files, path: &Path, first: u64) -> io::Result<DoneBits> {
    let mut bits = DoneBits::default();
    let bytes = match files.open(path) {
        Ok(file) => read_up_to(&*file, file.size()? as usize, 0)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(bits),
        Err(error) => return Err(error),
    };
    for (from, count) in format::read_marks(&bytes) {
        let end = from.saturating_add(u64::from(count)).min(first.saturating_add(MAX_SPAN));
        for seq in from.max(first)..end {
            bits.set(seq - first);
        }
    }
    Ok(bits)
}
