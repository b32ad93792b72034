//! A disk in memory that forgets, at a power cut, everything that was not synced: bytes of files and names in directories each for
//! themselves. It can also fail on demand, write short, run full, and hold a sync until told.

mod operations;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

/// What happens to unsynced changes at the power cut.
#[derive(Debug, Clone, Copy)]
pub(super) enum Luck {
    /// None survives.
    Nothing,
    /// All survive: only the process died.
    Everything,
    /// Some survive, in any combination, also parts of one write.
    Some(u64),
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Debug, Clone)]
enum NameChange {
    Link(PathBuf, usize),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf, usize),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    unsynced_names: Vec<NameChange>,
    locks: BTreeSet<PathBuf>,
    operations: u64,
    cut_at: Option<u64>,
    fail_at: Option<(u64, io::ErrorKind)>,
    fail_syncs: u32,
    full: bool,
    unreadable: Option<String>,
    short_writes: Option<usize>,
    free: u64,
    hold_syncs: bool,
    held: usize,
}

/// The disk; clones share it.
#[derive(Clone)]
pub(super) struct Disk(Arc<(Mutex<State>, Condvar)>);

impl Disk {
    pub(super) fn new() -> Self {
        Self::with(State { free: u64::MAX, ..State::default() })
    }

    fn with(state: State) -> Self {
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock()
    }

    /// Changes made so far: each is a moment at which the power may go.
    pub(super) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The power goes at that change and does not come back on this disk.
    pub(super) fn cut_at(&self, operation: u64) {
        self.state().cut_at = Some(operation);
    }

    /// That change fails once.
    pub(super) fn fail_at(&self, operation: u64, kind: io::ErrorKind) {
        self.state().fail_at = Some((operation, kind));
    }

    /// So many syncs of files fail from now on, and what they should have written is never written (as Linux does).
    pub(super) fn fail_syncs(&self, count: u32) {
        self.state().fail_syncs = count;
    }

    /// While full, nothing can be created or written.
    pub(super) fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    pub(super) fn set_free(&self, free: u64) {
        self.state().free = free;
    }

    /// Files whose name contains this cannot be read.
    pub(super) fn set_unreadable(&self, part: Option<&str>) {
        self.state().unreadable = part.map(Into::into);
    }

    /// No write takes more bytes than this.
    pub(super) fn set_short_writes(&self, most: usize) {
        self.state().short_writes = Some(most);
    }

    /// While held, syncs of files do not return.
    pub(super) fn hold_syncs(&self, hold: bool) {
        self.state().hold_syncs = hold;
        self.0.1.notify_all();
    }

    /// Returns once a sync waits.
    pub(super) fn wait_for_held_sync(&self) {
        let mut state = self.state();
        while state.held == 0 {
            self.0.1.wait(&mut state);
        }
    }

    /// The names that contain `part`.
    pub(super) fn names(&self, part: &str) -> Vec<PathBuf> {
        self.state().names.keys().filter(|path| path.to_string_lossy().contains(part)).cloned().collect()
    }

    pub(super) fn content(&self, path: &Path) -> Vec<u8> {
        let state = self.state();
        state.inodes[state.names[path]].now.clone()
    }

    /// Changes bytes behind the journal's back, on the platter.
    pub(super) fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let inode = state.names[path];
        let inode = &mut state.inodes[inode];
        change(&mut inode.now);
        inode.durable.clone_from(&inode.now);
    }

    /// A disk with the same content, as after the process died without the power going.
    pub(super) fn copy(&self) -> Self {
        self.after_power_cut(Luck::Everything)
    }

    /// The disk as the next start finds it.
    pub(super) fn after_power_cut(&self, luck: Luck) -> Self {
        let state = self.state();
        let mut dice = Dice(match luck {
            Luck::Some(seed) => seed,
            Luck::Nothing | Luck::Everything => 0,
        });
        let survives = |dice: &mut Dice| match luck {
            Luck::Nothing => false,
            Luck::Everything => true,
            Luck::Some(_) => dice.roll().is_multiple_of(2),
        };
        let mut after = State { free: u64::MAX, names: state.durable_names.clone(), ..State::default() };
        for change in &state.unsynced_names {
            if survives(&mut dice) {
                rename(&mut after.names, change);
            }
        }
        for inode in &state.inodes {
            let mut bytes = inode.durable.clone();
            for change in &inode.unsynced {
                match change {
                    Change::Cut(len) if survives(&mut dice) => bytes.resize(*len, 0),
                    Change::Cut(_) => {}
                    Change::Write(at, data) => {
                        // Sector by sector: a write is not atomic, and what is missing reads as zeros.
                        for (index, sector) in data.chunks(if matches!(luck, Luck::Some(_)) { 64 } else { usize::MAX }).enumerate() {
                            if survives(&mut dice) {
                                overwrite(&mut bytes, at + index * 64, sector);
                            }
                        }
                    }
                }
            }
            after.inodes.push(Inode { now: bytes.clone(), durable: bytes, unsynced: Vec::new() });
        }
        if matches!(luck, Luck::Everything) {
            after.names.clone_from(&state.names);
            for (inode, old) in after.inodes.iter_mut().zip(&state.inodes) {
                inode.now.clone_from(&old.now);
                inode.durable.clone_from(&old.now);
            }
        }
        after.durable_names.clone_from(&after.names);
        Self::with(after)
    }

    /// Counts a change, or fails as planned.
    fn operation(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.check_power()?;
        state.operations += 1;
        let number = state.operations;
        if state.cut_at.is_some_and(|at| number >= at) {
            state.cut_at = Some(0);
            return Err(io::Error::other("the power is off"));
        }
        match state.fail_at {
            Some((at, kind)) if at == number => Err(kind.into()),
            _ => Ok(state),
        }
    }
}

/// A small generator: tests must be repeatable from their seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

fn overwrite(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    if bytes.len() < at + data.len() {
        bytes.resize(at + data.len(), 0);
    }
    bytes[at..at + data.len()].copy_from_slice(data);
}

fn rename(names: &mut BTreeMap<PathBuf, usize>, change: &NameChange) {
    match change {
        NameChange::Link(path, inode) => drop(names.insert(path.clone(), *inode)),
        NameChange::Unlink(path) => drop(names.remove(path)),
        NameChange::Rename(from, to, inode) => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
    }
}

impl State {
    fn check_power(&self) -> io::Result<()> {
        if self.cut_at == Some(0) { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn change_name(&mut self, change: NameChange) {
        rename(&mut self.names, &change);
        self.unsynced_names.push(change);
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
