//! What the journal may do to the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Change, Disk, Inode, NameChange, overwrite, rename};
use crate::platform::journal::files::{Files, JournalFile, LockGuard};

struct DiskFile {
    disk: Disk,
    inode: usize,
    path: PathBuf,
}

impl JournalFile for DiskFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        state.check_power()?;
        if state.unreadable.as_ref().is_some_and(|part| self.path.to_string_lossy().contains(part.as_str())) {
            return Err(io::Error::other("bad sector"));
        }
        let rest = state.inodes[self.inode].now.get(offset as usize..).unwrap_or(&[]);
        let len = rest.len().min(buf.len());
        buf[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let (mut state, buf, result) = match self.disk.operation() {
            Ok(state) if state.full => (state, &buf[..buf.len() / 2], Err(io::ErrorKind::StorageFull.into())),
            Ok(state) => {
                let len = state.short_writes.map_or(buf.len(), |most| most.min(buf.len()));
                (state, &buf[..len], Ok(len))
            }
            // What interrupts a write leaves a part of it.
            Err(error) => (self.disk.state(), &buf[..buf.len() / 2], Err(error)),
        };
        let inode = &mut state.inodes[self.inode];
        overwrite(&mut inode.now, offset as usize, buf);
        inode.unsynced.push(Change::Write(offset as usize, buf.to_vec()));
        result
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.operation()?;
        let inode = &mut state.inodes[self.inode];
        inode.now.resize(len as usize, 0);
        inode.unsynced.push(Change::Cut(len as usize));
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.check_power()?;
        Ok(state.inodes[self.inode].now.len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.operation()?;
        while state.hold_syncs {
            state.held += 1;
            self.disk.0.1.notify_all();
            self.disk.0.1.wait(&mut state);
            state.held -= 1;
        }
        let failed = state.fail_syncs > 0;
        state.fail_syncs = state.fail_syncs.saturating_sub(1);
        let inode = &mut state.inodes[self.inode];
        if failed {
            inode.unsynced.clear(); // the pages count as clean now: no later sync writes them
            return Err(io::Error::other("sync failed"));
        }
        for change in std::mem::take(&mut inode.unsynced) {
            match change {
                Change::Write(at, data) => overwrite(&mut inode.durable, at, &data),
                Change::Cut(len) => inode.durable.resize(len, 0),
            }
        }
        Ok(())
    }
}

impl Files for Disk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        self.state().check_power()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn JournalFile>> {
        let mut state = self.operation()?;
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let inode = if let Some(inode) = state.names.get(path).copied() {
            state.inodes[inode].now.clear();
            state.inodes[inode].unsynced.push(Change::Cut(0));
            inode
        } else {
            state.inodes.push(Inode::default());
            let inode = state.inodes.len() - 1;
            state.change_name(NameChange::Link(path.to_owned(), inode));
            inode
        };
        Ok(Arc::new(DiskFile { disk: self.clone(), inode, path: path.to_owned() }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn JournalFile>> {
        let state = self.state();
        state.check_power()?;
        Ok(Arc::new(DiskFile { disk: self.clone(), inode: state.find(path)?, path: path.to_owned() }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        state.check_power()?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.operation()?;
        let inode = state.find(from)?;
        state.change_name(NameChange::Rename(from.to_owned(), to.to_owned(), inode));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.operation()?;
        if state.names.contains_key(path) {
            state.change_name(NameChange::Unlink(path.to_owned()));
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.operation()?;
        let in_dir = |change: &NameChange| match change {
            NameChange::Link(path, _) | NameChange::Unlink(path) | NameChange::Rename(path, _, _) => path.parent() == Some(dir),
        };
        let (synced, rest) = std::mem::take(&mut state.unsynced_names).into_iter().partition(in_dir);
        state.unsynced_names = rest;
        for change in &synced {
            rename(&mut state.durable_names, change);
        }
        Ok(())
    }

    fn free_space(&self, _dir: &Path) -> io::Result<u64> {
        let state = self.state();
        state.check_power()?;
        Ok(state.free)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<LockGuard>> {
        let mut state = self.state();
        state.check_power()?;
        Ok(state.locks.insert(path.to_owned()).then(|| Box::new(Lock { disk: self.clone(), path: path.to_owned() }) as LockGuard))
    }
}

struct Lock {
    disk: Disk,
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}
