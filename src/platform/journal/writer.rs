//! # The writing side: one thread, one sync for everybody who waits
//! **Promise.** A record is acknowledged only after its bytes and its file's name survive a power cut.
//! **How.** The thread takes all waiting records, writes them behind one another, syncs once, answers all. Under load it starts a sync
//! at most every `sync_interval`; idle it sleeps without a timer. It also writes done marks (unsynced: a lost mark only repeats a record)
//! and deletes drained segments. The newest segment is never deleted but emptied, because its name remembers the counter.
//! **When it breaks.** After a failed write or sync the file is not trusted with anything more (the kernel may have dropped the pages and
//! forgotten the error): everything in the group gets the error, the file is cut back to its known end, the next group starts a new one.
//! **Not here.** What may be taken at all (`space`), reading (`queue`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Shared;
use super::files::{JournalFile, write_all_at};
use super::format::{self, MARK, SEGMENT_HEADER};
use super::pending::{Append, Work};
use super::queue::{Forgotten, Marks};
use super::segment::{Segment, SegmentName};
use super::spool::{SpoolId, Spooled};
use super::types::{AppendError, JournalOptions, SYNC_BUCKETS_US, Seq};

/// Bytes handed to one write call; bounds the buffer.
const WRITE_BYTES: usize = 1024 * 1024;

/// The segment being written.
struct Active {
    name: SegmentName,
    file: Arc<dyn JournalFile>,
    len: u64,
}

/// What the writer counts.
#[derive(Debug, Clone, Default)]
pub(super) struct WriteFigures {
    pub(super) appended: u64,
    pub(super) syncs: u64,
    pub(super) histogram: [u64; SYNC_BUCKETS_US.len() + 1],
    pub(super) sync_time: Duration,
    pub(super) failures: u64,
}

/// The writer thread's own state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    dir: PathBuf,
    segment_bytes: u64,
    sync_interval: Duration,
    salt: u64,
    next_seq: u64,
    active: Option<Active>,
    marks: HashMap<u64, (Arc<dyn JournalFile>, u64)>,
    unwritten: Forgotten,
    buffer: Vec<u8>,
    last_sync: Option<Instant>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, dir: PathBuf, options: &JournalOptions, (salt, next_seq): (u64, u64)) -> Self {
        let &JournalOptions { segment_bytes, sync_interval, .. } = options;
        Self {
            shared,
            dir,
            segment_bytes,
            sync_interval,
            salt,
            next_seq,
            active: None,
            marks: HashMap::new(),
            unwritten: Forgotten::new(),
            buffer: Vec::new(),
            last_sync: None,
        }
    }

    /// Works until the journal closes.
    pub(super) fn run(mut self) {
        self.delete_drained();
        self.empty_newest();
        loop {
            let Work { appends, forgotten, settled, closing } = self.shared.pending.take(self.last_sync.map(|at| at + self.sync_interval));
            self.write_group(appends);
            self.write_forgotten(forgotten);
            for settled in settled {
                let _ = settled.send(()); // nobody waits any more: fine
            }
            if closing {
                return;
            }
        }
    }

    /// Writes all records given, one sync per segment they touch. After a failure all the rest get the error too.
    fn write_group(&mut self, appends: Vec<Append>) {
        if appends.is_empty() {
            return;
        }
        self.shared.space.look(); // before anybody is answered, so that what comes next meets the new figure
        self.last_sync = (!self.sync_interval.is_zero()).then(Instant::now);
        let mut rest = appends.into_iter().peekable();
        let mut failure = None;
        while rest.peek().is_some() {
            let mut room = self.segment_bytes.saturating_sub(self.active.as_ref().map_or(SEGMENT_HEADER as u64, |active| active.len));
            let mut run = Vec::new();
            while let Some(append) = rest.next_if(|append| run.is_empty() || append.frame_bytes() <= room) {
                if run.is_empty() && append.frame_bytes() > room {
                    self.active = None; // full: the next record opens a new one
                    room = self.segment_bytes - SEGMENT_HEADER as u64;
                }
                room = room.saturating_sub(append.frame_bytes());
                run.push(append);
            }
            let result = match &failure {
                Some(error) => Err(AppendError::clone(error)),
                None => self.write_run(&run).map_err(|error| self.distrust(&error)),
            };
            failure = result.as_ref().err().cloned();
            self.answer(run, result);
        }
    }

    /// Writes and syncs records that fit one segment; returns the first one's sequence number.
    fn write_run(&mut self, run: &[Append]) -> io::Result<u64> {
        let first_seq = self.open_active()?;
        let Some(active) = &mut self.active else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mut at = active.len;
        for (seq, append) in (first_seq..).zip(run) {
            let ids: Vec<SpoolId> = append.spool.iter().map(Spooled::id).collect();
            format::write_frame(&mut self.buffer, active.name.salt, (seq, append.at_micros), &ids, &append.body);
            if self.buffer.len() >= WRITE_BYTES {
                write_all_at(&*active.file, &self.buffer, at)?;
                at += self.buffer.len() as u64;
                self.buffer.clear();
            }
        }
        write_all_at(&*active.file, &self.buffer, at)?;
        at += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(WRITE_BYTES);
        let started = Instant::now();
        active.file.sync_data()?;
        self.shared.figures.lock().note_sync(started.elapsed());
        active.len = at;
        let end = first_seq + run.len() as u64;
        self.next_seq = end;
        let ages = (first_seq..).zip(run).map(|(seq, append)| (seq, append.at_micros));
        self.shared.queue.lock().publish(active.name.first, (at, end), ages);
        self.shared.readers.notify_waiters();
        Ok(first_seq)
    }

    /// Makes sure there is a file to write to; returns the next sequence number.
    fn open_active(&mut self) -> io::Result<u64> {
        if self.active.is_none() {
            // A new name each time, also after a failed try: two files never share one, and the counter only grows.
            let newest = self.shared.queue.lock().segments.keys().next_back().copied();
            self.next_seq = self.next_seq.max(newest.map_or(0, |first| first + 1));
            let name = SegmentName { first: self.next_seq, salt: self.salt };
            let path = self.dir.join(name.file_name());
            let file = self.shared.files.create(&path)?;
            let made = write_all_at(&*file, &format::segment_header(self.salt), 0).and_then(|()| self.shared.files.sync_dir(&self.dir));
            if let Err(error) = made {
                let _ = self.shared.files.remove(&path);
                self.next_seq += 1;
                return Err(error);
            }
            self.shared.space.add(SEGMENT_HEADER as u64);
            self.shared.queue.lock().add_segment(Segment::empty(name, Arc::clone(&file)));
            self.active = Some(Active { name, file, len: SEGMENT_HEADER as u64 });
            self.delete_drained();
        }
        Ok(self.next_seq)
    }

    /// A write or sync failed: never again into that file.
    fn distrust(&mut self, error: &io::Error) -> AppendError {
        self.buffer.clear();
        self.shared.figures.lock().failures += 1;
        tracing::error!(%error, "the journal cannot write; what waited was refused");
        if let Some(active) = self.active.take() {
            // Best effort: a start also leaves out what stands past the number the next segment begins with.
            let _ = active.file.set_len(active.len);
        }
        AppendError::io(error)
    }

    fn answer(&self, run: Vec<Append>, result: Result<u64, AppendError>) {
        match result {
            Ok(first) => {
                self.shared.figures.lock().appended += run.len() as u64;
                for (seq, append) in (first..).zip(run) {
                    append.spool.into_iter().for_each(Spooled::keep);
                    let _ = append.reply.send(Ok(Seq(seq))); // a client that hung up does not take its record back
                }
            }
            Err(error) => {
                for append in run {
                    self.shared.space.release(append.frame_bytes());
                    let _ = append.reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Puts done marks on disk and deletes what is not needed any more. What cannot be written waits for the next time: meanwhile a crash
    /// would repeat its records, so their spool files stay.
    fn write_forgotten(&mut self, forgotten: Vec<Forgotten>) {
        for (segment, marks) in forgotten.into_iter().flatten() {
            let waiting = self.unwritten.entry(segment).or_default();
            waiting.runs.extend(marks.runs);
            waiting.spool.extend(marks.spool);
            waiting.sync |= marks.sync;
        }
        if self.unwritten.is_empty() {
            return;
        }
        self.delete_drained();
        self.empty_newest();
        for (segment, marks) in std::mem::take(&mut self.unwritten) {
            match self.write_marks(segment, &marks) {
                Ok(()) => marks.spool.iter().for_each(|id| self.shared.spool.remove(*id)),
                Err(error) => {
                    tracing::warn!(%error, "done marks could not be written; a crash now would repeat their records");
                    self.unwritten.insert(segment, marks);
                }
            }
        }
    }

    fn write_marks(&mut self, segment: u64, marks: &Marks) -> io::Result<()> {
        let files = &self.shared.files;
        if !self.shared.queue.lock().segments.contains_key(&segment) {
            // Deleted just now, with everything in it; marks to be synced need that to last.
            return if marks.sync { files.sync_dir(&self.dir) } else { Ok(()) };
        }
        let path = self.dir.join(SegmentName::marks_name(segment));
        let (file, len) = match self.marks.entry(segment) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(vacant) => {
                let file = match files.open(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => files.create(&path)?,
                    other => other?,
                };
                let len = file.size()?.next_multiple_of(MARK as u64);
                vacant.insert((file, len))
            }
        };
        let mut bytes = Vec::with_capacity(marks.runs.len() * MARK);
        marks.runs.iter().for_each(|(from, count)| format::write_mark(&mut bytes, *from, *count));
        write_all_at(&**file, &bytes, *len)?;
        *len += bytes.len() as u64;
        if marks.sync {
            file.sync_data()?;
            files.sync_dir(&self.dir)?;
        }
        Ok(())
    }

    /// Deletes all drained segments but the newest.
    fn delete_drained(&mut self) {
        let drained = self.shared.queue.lock().take_drained();
        let mut deleted = Vec::new();
        for segment in drained {
            if let Err(error) = self.shared.files.remove(&self.dir.join(segment.name.file_name())) {
                // It stays known, so that its marks are written and the next drained segment brings another try.
                tracing::warn!(%error, segment = %segment.name.file_name(), "a journal segment could not be deleted");
                self.shared.queue.lock().add_segment(segment);
                continue;
            }
            self.shared.space.release(segment.len);
            deleted.push(segment.name.first);
        }
        // The marks go after the segment is gone for good: if it came back without them, its records would be repeated although their
        // spool files are deleted. Marks left behind by an error here are swept at the next start.
        if !deleted.is_empty() && self.shared.files.sync_dir(&self.dir).is_ok() {
            for first in deleted {
                self.remove_marks(first);
            }
        }
    }

    fn remove_marks(&mut self, first: u64) {
        self.marks.remove(&first);
        if let Err(error) = self.shared.files.remove(&self.dir.join(SegmentName::marks_name(first))) {
            tracing::warn!(%error, "a file of done marks could not be deleted");
        }
    }

    /// Empties the newest segment when all its records are done: renamed to begin with the next record, then cut. Needs no disk space.
    fn empty_newest(&mut self) {
        let Some((old, len, file)) =
            self.shared.queue.lock().drained_newest().map(|segment| (segment.name, segment.len, Arc::clone(&segment.file)))
        else {
            return;
        };
        let name = SegmentName { first: self.next_seq, salt: old.salt };
        let files = &self.shared.files;
        let renamed =
            files.rename(&self.dir.join(old.file_name()), &self.dir.join(name.file_name())).and_then(|()| files.sync_dir(&self.dir));
        if let Err(error) = renamed {
            tracing::warn!(%error, "a drained journal segment could not be emptied");
            self.active = None; // whichever name it has now, it keeps its content and gets no more
            return;
        }
        let cut = file.set_len(SEGMENT_HEADER as u64);
        self.shared.queue.lock().restart_newest(name);
        self.remove_marks(old.first);
        self.active = match (self.active.take(), cut) {
            (Some(active), Ok(())) if active.name == old => Some(Active { name, len: SEGMENT_HEADER as u64, ..active }),
            _ => None,
        };
        self.shared.space.release(len - SEGMENT_HEADER as u64);
    }
}

impl Append {
    /// Its size on disk.
    pub(super) fn frame_bytes(&self) -> u64 {
        format::frame_len(self.spool.len(), self.body.len()) as u64
    }
}

impl WriteFigures {
    fn note_sync(&mut self, took: Duration) {
        let micros = took.as_micros() as u64;
        self.histogram[SYNC_BUCKETS_US.partition_point(|bound| *bound < micros)] += 1;
        self.syncs += 1;
        self.sync_time += took;
    }
}
