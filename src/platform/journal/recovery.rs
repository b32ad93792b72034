//! What a start does before anything is read or written: walk the segments, apply the done marks, put half-done burials and retries
//! right, sweep the spool.
//!
//! Not here: reading one segment (`segment::recover`).

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::dead_letters::DeadLetters;
use super::files::Files;
use super::queue::Queue;
use super::segment::{self, MAX_SEGMENT_BYTES, SegmentName, Unusable};
use super::space::Space;
use super::spool::{Spool, SpoolId};
use super::types::{Damage, JournalOptions, OpenError, RecoveryReport, Seq};

/// Numbers skipped behind a segment that could not be read: more than any segment holds.
const UNKNOWN_SPAN: u64 = MAX_SEGMENT_BYTES;

/// Everything a start found.
pub(super) struct Found {
    pub(super) queue: Queue,
    pub(super) next_seq: u64,
    pub(super) spool: Arc<Spool>,
    pub(super) dead: DeadLetters,
    pub(super) report: RecoveryReport,
}

/// Reads the directory `dir`, which this process has locked.
pub(super) fn recover(dir: &Path, options: &JournalOptions, files: &Arc<dyn Files>, space: &Arc<Space>) -> Result<Found, OpenError> {
    let failed = |source| OpenError::Io { dir: dir.to_owned(), source };
    let names = segment_names(&**files, dir).map_err(failed)?;
    let mut walk = Walk::default();
    for (index, name) in names.iter().enumerate() {
        let limit = names.get(index + 1).map_or(u64::MAX, |next| next.first);
        walk.take_segment(&**files, dir, (*name, limit))?;
    }
    walk.queue.segments.values().for_each(|segment| space.add(segment.len));
    let next_seq = walk.next_seq.max(1);
    let spool = Arc::new(Spool::open(Arc::clone(files), dir.join("spool"), Arc::clone(space), next_seq).map_err(failed)?);
    let dead = DeadLetters::open(Arc::clone(files), dir.join("dead"), Arc::clone(&spool), *options).map_err(failed)?;
    walk.finish_burials(&dead).map_err(failed)?;
    let mut report = walk.report;
    if report.unreadable.is_empty() {
        let named: HashSet<SpoolId> =
            walk.spooled.into_iter().map(|(_, id)| id).chain(dead.list().into_iter().flat_map(|letter| letter.spool)).collect();
        report.orphans = spool.sweep(&named);
    }
    report.records = walk.queue.depth().0;
    Ok(Found { queue: walk.queue, next_seq, spool, dead, report })
}

/// The segments in order; files of done marks whose segment is gone are deleted.
fn segment_names(files: &dyn Files, dir: &Path) -> io::Result<Vec<SegmentName>> {
    let listed = files.list(dir)?;
    let mut names: Vec<_> = listed.iter().filter_map(|name| SegmentName::parse(name)).collect();
    names.sort_by_key(|name| name.first);
    names.dedup_by_key(|name| name.first);
    for name in &listed {
        if SegmentName::parse_marks(name).is_some_and(|first| names.binary_search_by_key(&first, |name| name.first).is_err()) {
            files.remove(&dir.join(name))?;
        }
    }
    Ok(names)
}

#[derive(Default)]
struct Walk {
    queue: Queue,
    next_seq: u64,
    report: RecoveryReport,
    /// Records not done and the spool files they own.
    spooled: Vec<(Seq, SpoolId)>,
}

impl Walk {
    fn take_segment(&mut self, files: &dyn Files, dir: &Path, (name, limit): (SegmentName, u64)) -> Result<(), OpenError> {
        let path = dir.join(name.file_name());
        let found = match segment::recover(files, dir, name, limit) {
            Ok(found) => found,
            Err(Unusable::Version(version)) => return Err(OpenError::Version { file: path, version }),
            Err(Unusable::Io(error)) => {
                tracing::error!(file = %path.display(), %error, "a journal segment cannot be read; it is left for the next start");
                self.next_seq = limit.min(name.first.saturating_add(UNKNOWN_SPAN));
                self.report.unreadable.push(path);
                return Ok(());
            }
        };
        self.next_seq = found.segment.end.max(name.first + 1);
        self.report.segments += 1;
        self.report.done += found.done;
        self.report.torn_tails += usize::from(found.torn);
        self.report.damaged.extend(found.damage.into_iter().map(|(offset, bytes)| Damage { file: path.clone(), offset, bytes }));
        for (seq, at, spool) in found.live {
            self.queue.note_age(seq, at);
            self.spooled.extend(spool.into_iter().map(|id| (Seq(seq), id)));
        }
        self.queue.add_segment(found.segment);
        Ok(())
    }

    /// A crash may have come between a burial and its done mark: the mark is made up for. Or between a dead letter's way back into the
    /// queue and its deletion, which shows when both own the same spool file: the letter goes.
    fn finish_burials(&mut self, dead: &DeadLetters) -> io::Result<()> {
        for letter in dead.list() {
            if self.queue.finish_unread(letter.seq) {
                self.spooled.retain(|(seq, _)| *seq != letter.seq);
            }
        }
        let owned: HashSet<SpoolId> = self.spooled.iter().map(|(_, id)| *id).collect();
        for letter in dead.list() {
            if letter.spool.iter().any(|id| owned.contains(id)) {
                dead.delete(letter.seq, true)?;
            }
        }
        Ok(())
    }
}
