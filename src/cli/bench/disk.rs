//! What the disk itself takes, and what lies on it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

/// Synced writes that are timed.
const SYNCS: usize = 300;
/// `f_type` of a tmpfs (linux/magic.h).
const TMPFS: i64 = 0x0102_1994;

/// Whether a folder lies in memory, where a sync costs nothing.
pub(super) fn is_memory(folder: &Path) -> io::Result<bool> {
    Ok(rustix::fs::statfs(folder)?.f_type as i64 == TMPFS)
}

/// Milliseconds that each of some appends of 4 KiB with an fdatasync took. Blocks.
pub(super) fn sync_times(folder: &Path) -> io::Result<Vec<f64>> {
    let path = folder.join("fdatasync.probe");
    let mut file = fs::File::create(&path)?;
    let page = [0x5a; 4_096];
    let times = (0..SYNCS).map(|_| {
        let start = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    });
    let times = times.collect();
    fs::remove_file(&path)?;
    times
}

/// Bytes allocated to all files under `folder` except those under `apart`. Files that vanish meanwhile count nothing.
pub(super) fn used(folder: &Path, apart: &Path) -> io::Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        let Ok(meta) = entry.metadata() else { continue };
        if path == apart {
            continue;
        }
        total += if meta.is_dir() { used(&path, apart).unwrap_or(0) } else { meta.blocks() * 512 };
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_apart_is_not_counted() {
        let home = tempfile::tempdir().unwrap();
        for folder in ["journal/deep", "cluster/base"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
            fs::write(home.path().join(folder).join("file"), vec![1; 100_000]).unwrap();
        }
        let one = used(home.path(), &home.path().join("cluster")).unwrap();
        assert!((98_304..200_000).contains(&one), "{one}");
        assert!(used(home.path(), Path::new("/nowhere")).unwrap() > one);
    }

    #[test]
    fn syncs_are_timed_and_leave_nothing() {
        let home = tempfile::tempdir().unwrap();
        let times = sync_times(home.path()).unwrap();
        assert_eq!(times.len(), SYNCS);
        assert!(times.iter().all(|time| *time > 0.0));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
