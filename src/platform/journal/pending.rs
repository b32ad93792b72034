//! What waits for the writer: records to append, marks to write, files to delete. One lock, one condition variable; the writer is woken
//! only when it sleeps, so that under load an append costs no system call.

use std::time::Instant;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::queue::Forgotten;
use super::spool::Spooled;
use super::types::{AppendError, Seq};

/// One record waiting, with whoever waits for it.
pub(super) struct Append {
    pub(super) at_micros: i64,
    pub(super) body: Bytes,
    pub(super) spool: Vec<Spooled>,
    pub(super) reply: oneshot::Sender<Result<Seq, AppendError>>,
}

/// All that waits.
#[derive(Default)]
pub(super) struct Work {
    pub(super) appends: Vec<Append>,
    pub(super) forgotten: Vec<Forgotten>,
    pub(super) settled: Vec<oneshot::Sender<()>>,
    pub(super) closing: bool,
}

impl Work {
    fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.is_only_appends() && !self.closing
    }

    fn is_only_appends(&self) -> bool {
        self.forgotten.is_empty() && self.settled.is_empty()
    }
}

/// The hand-over to the writer thread.
#[derive(Default)]
pub(super) struct Pending {
    work: Mutex<(Work, bool)>,
    wake: Condvar,
}

impl Pending {
    /// Adds work; false when the journal is closing.
    pub(super) fn push(&self, add: impl FnOnce(&mut Work)) -> bool {
        let mut guard = self.work.lock();
        let (work, asleep) = &mut *guard;
        if work.closing {
            return false;
        }
        add(work);
        if std::mem::take(asleep) {
            drop(guard);
            self.wake.notify_one();
        }
        true
    }

    /// The writer is gone: whoever waits learns it, nobody can wait any more.
    pub(super) fn abandon(&self) {
        self.work.lock().0 = Work { closing: true, ..Work::default() };
    }

    /// Waits for work and takes all of it. Appends alone wait until `not_before`, to make larger groups.
    pub(super) fn take(&self, not_before: Option<Instant>) -> Work {
        let mut guard = self.work.lock();
        loop {
            if guard.0.is_empty() {
                guard.1 = true;
                self.wake.wait(&mut guard);
                continue;
            }
            let hurry = !guard.0.is_only_appends() || guard.0.closing;
            match not_before {
                // Nobody wakes the writer here: the time has its own end, and more appends are what it waits for.
                Some(until) if !hurry && Instant::now() < until => drop(self.wake.wait_until(&mut guard, until)),
                _ => break,
            }
        }
        let closing = guard.0.closing;
        guard.1 = false;
        std::mem::replace(&mut guard.0, Work { closing, ..Work::default() })
    }
}
