//! # The reading side: which record is next, which are out, which are done
//! **Promise.** Every acknowledged record is handed out in order, once until it is released; a done mark belongs to one record and never
//! covers another.
//! **How.** A cursor walks the segments up to what is known to be on disk; only records that are out are remembered one by one, so a long
//! queue costs no memory. Bodies are read from the files (the page cache, mostly), never kept.
//! **When it breaks.** A damaged record is counted, logged and stepped over. A segment that fails to be read three times in a row is
//! left for the next start and the ones behind it go on.
//! **Not here.** Writing; the queue only says what became done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

use super::files::JournalFile;
use super::format::SEGMENT_HEADER;
use super::segment::{Scanner, Segment, SegmentName, Step};
use super::spool::SpoolId;
use super::types::{BatchLimits, Entry, Seq, micros_to_time};

/// Read failures in a row after which a segment is left alone.
const READ_ATTEMPTS: u32 = 3;

/// A record's times are remembered when they are this far apart, in microseconds: the oldest age is exact to a second and costs nothing.
const AGE_STEP: i64 = 1_000_000;

/// Where a record that is out can be read again.
#[derive(Debug, Clone)]
pub(super) struct Place {
    first: u64,
    offset: u64,
    len: u64,
    spool: Vec<SpoolId>,
}

/// Where the next unread record starts.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    first: u64,
    offset: u64,
    /// The sequence number expected there.
    seq: u64,
}

/// What became done, for the writer to put on disk: per segment.
pub(super) type Forgotten = BTreeMap<u64, Marks>;

/// What became done in one segment.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Runs of records: the first, and how many.
    pub(super) runs: Vec<(u64, u32)>,
    /// Spool files that nothing names any more once the marks are on disk.
    pub(super) spool: Vec<SpoolId>,
    /// Whether the marks must survive a power cut before anything else happens to the records' spool files. Without any, a lost mark
    /// only repeats a record.
    pub(super) sync: bool,
}

/// All that is known about the records.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) segments: BTreeMap<u64, Segment>,
    cursor: Cursor,
    out: BTreeMap<u64, Place>,
    returned: BTreeSet<u64>,
    ages: VecDeque<(u64, i64)>,
    pub(super) damaged_records: u64,
    pub(super) unreadable_segments: u64,
}

/// What a reader needs to read without holding the queue's lock.
pub(super) struct Stretch {
    first: u64,
    salt: u64,
    file: Arc<dyn JournalFile>,
    offset: u64,
    end: u64,
}

impl Queue {
    /// Adds a segment behind all others.
    pub(super) fn add_segment(&mut self, segment: Segment) {
        self.segments.insert(segment.name.first, segment);
    }

    /// Records are on disk: `len` and `end` are the segment's new trusted ends.
    pub(super) fn publish(&mut self, first: u64, (len, end): (u64, u64), ages: impl Iterator<Item = (u64, i64)>) {
        if let Some(segment) = self.segments.get_mut(&first) {
            segment.live += end - segment.end;
            (segment.len, segment.end) = (len, end);
        }
        ages.for_each(|(seq, at)| self.note_age(seq, at));
    }

    /// Remembers when a record was received.
    pub(super) fn note_age(&mut self, seq: u64, at: i64) {
        if self.ages.back().is_none_or(|(_, last)| (at - last).abs() >= AGE_STEP) {
            self.ages.push_back((seq, at));
        }
    }

    /// When the oldest record that is not done was received.
    pub(super) fn oldest_at(&mut self) -> Option<i64> {
        let oldest = self.segments.values().find_map(Segment::oldest_live);
        while self.ages.len() > 1 && oldest.is_none_or(|oldest| self.ages[1].0 <= oldest) {
            self.ages.pop_front();
        }
        oldest.and(self.ages.front().map(|(_, at)| *at))
    }

    /// Records that are not done, and those of them that are out.
    pub(super) fn depth(&self) -> (u64, u64) {
        (self.segments.values().map(|segment| segment.live).sum(), (self.out.len() - self.returned.len()) as u64)
    }

    /// Whether a read would move on.
    pub(super) fn waiting(&self) -> bool {
        !self.returned.is_empty() || self.next_unread().is_some()
    }

    fn next_unread(&self) -> Option<(&Segment, u64)> {
        self.segments
            .range(self.cursor.first..)
            .map(|(_, segment)| segment)
            .filter(|segment| segment.read_failures < READ_ATTEMPTS)
            .find_map(|segment| {
                let offset = if segment.name.first == self.cursor.first { self.cursor.offset } else { SEGMENT_HEADER as u64 };
                (offset < segment.len).then_some((segment, offset))
            })
    }

    /// The next stretch to scan.
    pub(super) fn stretch(&mut self) -> Option<Stretch> {
        let (segment, offset) = self.next_unread()?;
        let name = segment.name;
        let stretch = Stretch { first: name.first, salt: name.salt, file: Arc::clone(&segment.file), offset, end: segment.len };
        if name.first != self.cursor.first {
            self.cursor = Cursor { first: name.first, offset, seq: name.first };
        }
        Some(stretch)
    }

    /// Takes over what a scan found; returns the records to hand out.
    pub(super) fn advance(&mut self, stretch: &Stretch, scan: Scan, failed: bool) -> Vec<Entry> {
        let Some(segment) = self.segments.get_mut(&stretch.first) else {
            return Vec::new();
        };
        segment.read_failures = if failed { segment.read_failures + 1 } else { 0 };
        if segment.read_failures == READ_ATTEMPTS {
            self.unreadable_segments += 1;
            tracing::error!(segment = %segment.name.file_name(), "the journal segment cannot be read; it is left for the next start");
        }
        let mut entries = Vec::with_capacity(scan.frames.len());
        let mut lost = 0;
        for (entry, place) in scan.frames {
            let seq = entry.seq.0;
            if seq < self.cursor.seq || seq >= segment.end {
                continue; // left over from before the file was emptied
            }
            lost += (self.cursor.seq..seq).filter(|gap| segment.finish(*gap)).count();
            self.cursor.seq = seq + 1;
            if !segment.is_done(seq) {
                self.out.insert(seq, place);
                entries.push(entry);
            }
        }
        self.cursor.offset = scan.offset;
        if scan.offset >= stretch.end && !failed && segment.len == stretch.end {
            lost += (self.cursor.seq..segment.end).filter(|gap| segment.finish(*gap)).count();
            self.cursor.seq = segment.end;
        }
        if lost > 0 {
            self.damaged_records += lost as u64;
            tracing::error!(segment = %segment.name.file_name(), records = lost, "journal records were damaged on disk and are lost");
        }
        entries
    }

    /// Where to read a record that is out.
    pub(super) fn find(&self, seq: Seq) -> Option<Stretch> {
        let place = self.out.get(&seq.0)?;
        let segment = self.segments.get(&place.first)?;
        let (offset, end) = (place.offset, place.offset + place.len);
        Some(Stretch { first: place.first, salt: segment.name.salt, file: Arc::clone(&segment.file), offset, end })
    }

    /// The released records that fit the limits, oldest first; they are out again.
    pub(super) fn take_returned(&mut self, limits: BatchLimits) -> Vec<Seq> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(seq) = self.returned.first().copied() {
            bytes += self.out.get(&seq).map_or(0, |place| place.len as usize);
            if !taken.is_empty() && (taken.len() >= limits.records || bytes > limits.bytes) {
                break;
            }
            self.returned.remove(&seq);
            taken.push(Seq(seq));
        }
        taken
    }

    /// Puts records back to be handed out again. Those that are not out are left alone.
    pub(super) fn release(&mut self, seqs: &[Seq]) {
        let out = &self.out;
        self.returned.extend(seqs.iter().map(|seq| seq.0).filter(|seq| out.contains_key(seq)));
    }

    /// Marks records done. Those that are not out are left alone.
    pub(super) fn forget(&mut self, seqs: &[Seq], keep_spool: bool) -> Forgotten {
        let mut forgotten = Forgotten::default();
        let mut sorted: Vec<u64> = seqs.iter().map(|seq| seq.0).collect();
        sorted.sort_unstable();
        for seq in sorted {
            let Some(place) = self.out.remove(&seq) else { continue };
            self.returned.remove(&seq);
            let Some(segment) = self.segments.get_mut(&place.first) else { continue };
            if !segment.finish(seq) {
                continue;
            }
            let marks = forgotten.entry(place.first).or_default();
            marks.sync |= !place.spool.is_empty();
            if !keep_spool {
                marks.spool.extend(place.spool);
            }
            match marks.runs.last_mut() {
                Some((from, count)) if *from + u64::from(*count) == seq => *count += 1,
                _ => marks.runs.push((seq, 1)),
            }
        }
        forgotten
    }

    /// Marks a record done before anything was read; false when there is none to mark.
    pub(super) fn finish_unread(&mut self, seq: Seq) -> bool {
        self.segments.range_mut(..=seq.0).next_back().is_some_and(|(_, segment)| segment.finish(seq.0))
    }

    /// Segments with no live record that may be deleted: all such but the newest, whose name remembers the counter.
    pub(super) fn take_drained(&mut self) -> Vec<Segment> {
        let newest = self.segments.keys().next_back().copied();
        self.segments.extract_if(.., |first, segment| segment.live == 0 && Some(*first) != newest).map(|(_, segment)| segment).collect()
    }

    /// The newest segment when it holds records and all are done.
    pub(super) fn drained_newest(&self) -> Option<&Segment> {
        self.segments.values().next_back().filter(|segment| segment.live == 0 && segment.len > SEGMENT_HEADER as u64)
    }

    /// The newest segment was emptied and renamed to begin with `name.first`.
    pub(super) fn restart_newest(&mut self, name: SegmentName) {
        if let Some((_, segment)) = self.segments.pop_last() {
            self.add_segment(Segment::empty(name, segment.file));
        }
    }
}

/// What one scan of a stretch found.
#[derive(Default)]
pub(super) struct Scan {
    frames: Vec<(Entry, Place)>,
    /// Where the next scan starts.
    offset: u64,
    /// Body bytes found.
    pub(super) bytes: usize,
    /// Why it ended early.
    pub(super) error: Option<io::Error>,
}

impl Scan {
    /// Whether all of the stretch was looked at.
    pub(super) fn reached(&self, stretch: &Stretch) -> bool {
        self.offset >= stretch.end
    }

    /// The entries alone.
    pub(super) fn into_entries(self) -> io::Result<Vec<Entry>> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.frames.into_iter().map(|(entry, _)| entry).collect()),
        }
    }
}

/// Reads frames of a stretch until a limit. Blocking; call it without the queue's lock.
pub(super) fn scan(stretch: &Stretch, limits: BatchLimits, take_first: bool) -> Scan {
    let mut scanner = Scanner::new(&*stretch.file, stretch.salt, stretch.offset, stretch.end);
    let mut found = Scan { offset: stretch.offset, ..Scan::default() };
    while found.frames.len() < limits.records {
        match scanner.step() {
            Ok(Some(Step::Frame { offset, head, spool, body })) => {
                if found.bytes + body.len() > limits.bytes && !(take_first && found.frames.is_empty()) {
                    return Scan { offset, ..found };
                }
                found.bytes += body.len();
                let place = Place { first: stretch.first, offset, len: head.frame_len() as u64, spool: spool.clone() };
                found.frames.push((Entry { seq: Seq(head.seq), at: micros_to_time(head.at_micros), body, spool }, place));
            }
            Ok(Some(Step::Damage { .. })) => {}
            Ok(None) => break,
            Err(error) => {
                found.error = Some(error);
                break;
            }
        }
        found.offset = scanner.offset;
    }
    found.offset = scanner.offset.max(found.offset);
    found
}
