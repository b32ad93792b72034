//! # What the processes took
//! **Promise.** CPU time, context switches and memory of the server and of PostgreSQL, seen from outside (`/proc`), the load generator and
//! the benchmark's own database connection apart.
//! **How.** A sample is the sum over a tree of processes. A child that ended has left its time with the parent that waited for it, so the
//! sum of a tree never loses time. Switches are kept per thread and leave with it: of threads that ended in between they are missing.
//! **Not here.** Deciding when to look.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use super::machine::{kibibytes, value};

/// Milliseconds in a tick of `/proc/PID/stat`: Linux shows user space 100 a second on every architecture.
const TICK_MS: f64 = 10.0;

/// The processes that are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups {
    pub(super) server: u32,
    /// PostgreSQL's first process; it is no part of the server's sum even when the server started it.
    pub(super) postmaster: u32,
    /// The benchmark's own connection, which counts for neither.
    pub(super) own_backend: u32,
}

/// CPU time and switches so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    server: Taken,
    postgres: Taken,
    generator: Taken,
}

#[derive(Debug, Clone, Default)]
struct Taken {
    ms: f64,
    /// By process and thread.
    switches: BTreeMap<(u32, u32), u64>,
}

/// What was taken between two samples.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Spent {
    pub(super) server_ms: f64,
    pub(super) postgres_ms: f64,
    pub(super) generator_ms: f64,
    pub(super) server_switches: f64,
    pub(super) postgres_switches: f64,
}

impl Groups {
    fn members(self) -> (Vec<u32>, Vec<u32>) {
        let parents = parents();
        let mut postgres = tree(&parents, self.postmaster);
        let server = tree(&parents, self.server).into_iter().filter(|pid| !postgres.contains(pid)).collect();
        postgres.retain(|pid| *pid != self.own_backend);
        (server, postgres)
    }

    pub(super) fn sample(self) -> Sample {
        let (server, postgres) = self.members();
        // Spinners are our children, but only what has been waited for counts with the parent: they are not, before the end.
        Sample { server: taken(&server), postgres: taken(&postgres), generator: taken(&[std::process::id()]) }
    }

    /// Resident memory of the server in MiB: now and at most so far.
    pub(super) fn server_memory(self) -> (f64, f64) {
        let (server, _) = self.members();
        let sum = |name| server.iter().filter_map(|pid| kibibytes(&read(*pid, "status"), name)).sum::<u64>() as f64 / 1_024.0;
        (sum("VmRSS"), sum("VmHWM"))
    }

    /// PostgreSQL's memory in MiB; what its processes share is counted once.
    pub(super) fn postgres_memory(self) -> f64 {
        let (_, postgres) = self.members();
        postgres.iter().filter_map(|pid| kibibytes(&read(*pid, "smaps_rollup"), "Pss")).sum::<u64>() as f64 / 1_024.0
    }
}

impl Sample {
    pub(super) fn since(&self, earlier: &Self) -> Spent {
        let switches = |now: &Taken, then: &Taken| {
            let between = |(thread, count): (&(u32, u32), &u64)| count.saturating_sub(then.switches.get(thread).copied().unwrap_or(0));
            now.switches.iter().map(between).sum::<u64>() as f64
        };
        Spent {
            server_ms: self.server.ms - earlier.server.ms,
            postgres_ms: self.postgres.ms - earlier.postgres.ms,
            generator_ms: self.generator.ms - earlier.generator.ms,
            server_switches: switches(&self.server, &earlier.server),
            postgres_switches: switches(&self.postgres, &earlier.postgres),
        }
    }
}

/// The process that started another.
pub(super) fn parent(pid: u32) -> Option<u32> {
    Some(stat(&read(pid, "stat"))?.parent)
}

fn read(pid: u32, name: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default()
}

fn parents() -> HashMap<u32, u32> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, parent(pid)?))).collect()
}

/// A process and all that descend from it.
fn tree(parents: &HashMap<u32, u32>, root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(of) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, parent)| **parent == of).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

struct Stat {
    parent: u32,
    ticks: u64,
}

/// The name stands in brackets and may hold anything; the fields are counted from the last bracket.
fn stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // Of the process itself: user, system; of the children it waited for: user, system.
    Some(Stat { parent: number(1)? as u32, ticks: number(11)? + number(12)? + number(13)? + number(14)? })
}

fn taken(pids: &[u32]) -> Taken {
    let mut taken = Taken::default();
    for pid in pids {
        taken.ms += stat(&read(*pid, "stat")).map_or(0, |stat| stat.ticks) as f64 * TICK_MS;
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for thread in threads.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
            let status = read(*pid, &format!("task/{thread}/status"));
            let count = |name| value(&status, name).and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
            taken.switches.insert((*pid, thread), count("voluntary_ctxt_switches") + count("nonvoluntary_ctxt_switches"));
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = stat("42 (a) (b c) S 7 42 42 0 -1 4194560 100 0 3 0 11 22 33 44 20 0 1 0").unwrap();
        assert_eq!((stat.parent, stat.ticks), (7, 110));
        assert!(super::stat("").is_none());
    }

    #[test]
    fn a_tree_holds_grandchildren_and_nobody_else() {
        let parents = HashMap::from([(2, 1), (3, 2), (4, 3), (5, 1), (6, 5)]);
        let mut found = tree(&parents, 2);
        found.sort_unstable();
        assert_eq!(found, [2, 3, 4]);
    }

    #[test]
    fn what_a_child_burnt_is_counted_once_and_survives_its_end() {
        let groups = Groups { server: std::process::id(), postmaster: u32::MAX, own_backend: u32::MAX };
        let before = groups.sample();
        let burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let status = Command::new("sh").args(["-c", burn]).stdin(Stdio::null()).status().unwrap();
        assert!(status.success());
        let spent = groups.sample().since(&before);
        assert!(spent.server_ms >= 50.0, "{spent:?}");
        assert!(spent.postgres_ms < 1.0, "{spent:?}");
        assert_eq!(parent(std::process::id()), Some(std::os::unix::process::parent_id()));
    }

    #[test]
    fn this_process_has_memory() {
        let groups = Groups { server: std::process::id(), postmaster: u32::MAX, own_backend: u32::MAX };
        let (now, most) = groups.server_memory();
        assert!(now > 1.0 && most >= now * 0.9, "{now} {most}");
    }

    #[test]
    fn switches_of_new_threads_count_from_nothing() {
        let taken = |list: &[((u32, u32), u64)]| Taken { ms: 0.0, switches: list.iter().copied().collect() };
        let then = Sample { server: taken(&[((1, 1), 10), ((1, 2), 50)]), ..Sample::default() };
        let now = Sample { server: taken(&[((1, 1), 14), ((1, 3), 6)]), ..Sample::default() };
        assert_eq!(now.since(&then).server_switches as u64, 10);
    }
}
