//! PostgreSQL's settings for this machine: pure arithmetic over its memory, cores and free disk, written to `vedette.conf` with the reasons.
//!
//! A person overrides any of them in `override.conf` beside it, which is read last and which we never write after making it.
//! What the product itself relies on (socket, no TCP) goes on the command line, where no file reaches it.

use std::fmt::Write as _;
use std::path::Path;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// What the settings are derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    /// Bytes of memory, or of the control group's limit when that is lower.
    pub(super) memory: u64,
    pub(super) cores: u64,
    /// Free bytes on the cluster's file system.
    pub(super) free_disk: u64,
}

impl Machine {
    /// Reads the machine. What cannot be read counts as small: 1 GiB, one core, 4 GiB of disk.
    pub(super) fn here(dir: &Path) -> Self {
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").unwrap_or_default();
        let total = memory_total(&meminfo).unwrap_or(GIB);
        let memory = limit.trim().parse().map_or(total, |limit: u64| limit.min(total));
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let free_disk = rustix::fs::statvfs(dir).map_or(4 * GIB, |fs| fs.f_bavail.saturating_mul(fs.f_frsize));
        Self { memory, cores, free_disk }
    }
}

fn memory_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// What else decides the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    /// False: fsync off, for tests whose data may vanish with the machine.
    pub(super) durable: bool,
    /// The server was built with LZ4, which costs a fraction of what `pglz` costs.
    pub(super) lz4: bool,
    /// A cluster that lasts keeps its log in files that rotate and serves one product; one for tests serves many small databases.
    pub(super) throwaway: bool,
}

/// The text of `vedette.conf`.
pub(super) fn render(machine: Machine, wish: Wish) -> String {
    let mut text = String::from(
        "# Written by Vedette at every start, from the memory, cores and disk of this machine. Changes here are lost:\n\
         # write your own settings into override.conf beside this file, which is read after it.\n",
    );
    for (name, value, reason) in derive(machine, wish) {
        let _ = write!(text, "\n# {reason}\n{name} = {value}\n");
    }
    text
}

fn derive(machine: Machine, wish: Wish) -> Vec<(&'static str, String, &'static str)> {
    let mib = |bytes: u64| format!("{}MB", bytes / MIB);
    let memory = machine.memory;
    let wal = (machine.free_disk / 10).clamp(256 * MIB, 2 * GIB);
    let connections = if wish.throwaway { 300 } else { 40 };
    let mut settings = vec![
        ("cluster_name", "'vedette'".to_owned(), "Shows in ps which PostgreSQL this is."),
        (
            "max_connections",
            connections.to_string(),
            "The server's pool, commands and a psql or two; tests open a pool for each of their databases.",
        ),
        (
            "shared_buffers",
            mib((memory / 8).clamp(64 * MIB, GIB)),
            "An eighth of the memory, at most 1 GiB: the page cache and the server need the rest.",
        ),
        ("effective_cache_size", mib(memory / 2), "What the planner may expect to find cached."),
        ("work_mem", mib((memory / 128).clamp(4 * MIB, 32 * MIB)), "Each sort or hash; several may run at once."),
        ("maintenance_work_mem", mib((memory / 16).clamp(32 * MIB, 256 * MIB)), "Index builds and vacuum."),
        (
            "max_wal_size",
            mib(wal),
            "Checkpoints far apart: after each, every page touched is written whole to the WAL once. At most a tenth of the free disk.",
        ),
        ("min_wal_size", mib((wal / 4).clamp(80 * MIB, 512 * MIB)), "Segments kept for re-use instead of being made anew."),
        ("checkpoint_timeout", "15min".to_owned(), "As above; recovery after a crash reads at most this much."),
        (
            "wal_compression",
            if wish.lz4 { "lz4" } else { "on" }.to_owned(),
            "Whole-page writes are most of the WAL of indexes over random ids.",
        ),
        ("random_page_cost", "1.1".to_owned(), "Solid state or cached: a random page costs about what the next one costs."),
        ("jit", "off".to_owned(), "Statements here take milliseconds; compiling one takes longer."),
        ("max_locks_per_transaction", "256".to_owned(), "A statement over all daily partitions locks each, with its indexes."),
        ("timezone", "'UTC'".to_owned(), "Days of partitions are UTC days."),
        ("log_timezone", "'UTC'".to_owned(), "The same clock as the server's own log."),
        ("lc_messages", "'C'".to_owned(), "Errors that the product and its readers can search for."),
        ("log_error_verbosity", "terse".to_owned(), "No detail lines: they repeat the rows, and rows hold what people sent."),
        ("log_parameter_max_length", "0".to_owned(), "The same, for statements."),
        ("log_parameter_max_length_on_error", "0".to_owned(), "The same, for failed statements."),
        ("log_checkpoints", "off".to_owned(), "Every quarter of an hour, and seldom news."),
    ];
    if machine.cores <= 2 {
        settings.push(("max_parallel_workers_per_gather", "0".to_owned(), "With two cores, parallel workers only take from ingest."));
    }
    if !wish.throwaway {
        settings.extend([
            ("logging_collector", "on".to_owned(), "Into log/ beside this file."),
            ("log_filename", "'postgresql-%a.log'".to_owned(), "One file a weekday,"),
            ("log_truncate_on_rotation", "on".to_owned(), "overwritten a week later,"),
            ("log_rotation_age", "1d".to_owned(), "so that the log stays bounded."),
            ("log_rotation_size", "0".to_owned(), "Rotation by size would append to the same file."),
        ]);
    }
    if !wish.durable {
        settings.extend([
            ("fsync", "off".to_owned(), "THROWAWAY: a crash of the machine ruins this cluster."),
            ("synchronous_commit", "off".to_owned(), "As above."),
            ("full_page_writes", "off".to_owned(), "As above."),
        ]);
    }
    settings
}

/// The text of `override.conf` when it is made.
pub(super) const OVERRIDE: &str = "# Your own PostgreSQL settings: read after vedette.conf, never changed by Vedette. Restart Vedette after a change.\n\
     # For example: shared_buffers = 2GB\n";

/// Who may connect: anyone who reaches the socket, whose directory only its owner may enter.
pub(super) const HBA: &str =
    "# Written by Vedette. The socket's directory is open to its owner only; there is no TCP.\nlocal all all trust\n";

#[cfg(test)]
mod tests {
    use super::*;

    const DURABLE: Wish = Wish { durable: true, lz4: true, throwaway: false };

    fn value(machine: Machine, wish: Wish, name: &str) -> Option<String> {
        let of: Vec<_> = derive(machine, wish).into_iter().filter(|(n, ..)| *n == name).map(|(_, value, _)| value).collect();
        assert!(of.len() <= 1, "{name} is set twice");
        of.into_iter().next()
    }

    #[test]
    fn settings_follow_the_machine_within_bounds() {
        let machine = |memory, cores, free_disk| Machine { memory, cores, free_disk };
        for (machine, buffers, wal, parallel) in [
            (machine(GIB, 2, 20 * GIB), "128MB", "2048MB", Some("0")),
            (machine(24 * GIB, 2, 500 * GIB), "1024MB", "2048MB", Some("0")),
            (machine(256 * MIB, 1, GIB), "64MB", "256MB", Some("0")),
            (machine(8 * GIB, 8, 100 * GIB), "1024MB", "2048MB", None),
        ] {
            assert_eq!(value(machine, DURABLE, "shared_buffers").as_deref(), Some(buffers), "{machine:?}");
            assert_eq!(value(machine, DURABLE, "max_wal_size").as_deref(), Some(wal), "{machine:?}");
            assert_eq!(value(machine, DURABLE, "max_parallel_workers_per_gather").as_deref(), parallel, "{machine:?}");
        }
    }

    #[test]
    fn only_a_throwaway_cluster_gives_up_durability() {
        let machine = Machine { memory: GIB, cores: 2, free_disk: 20 * GIB };
        let throwaway = Wish { durable: false, ..DURABLE };
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            assert_eq!(value(machine, DURABLE, name), None, "{name} keeps PostgreSQL's default, on");
            assert_eq!(value(machine, throwaway, name).as_deref(), Some("off"), "{name}");
        }
        assert_eq!(value(machine, Wish { lz4: false, ..DURABLE }, "wal_compression").as_deref(), Some("on"));
    }

    #[test]
    fn memory_is_read_from_meminfo() {
        assert_eq!(memory_total("MemTotal:       24683656 kB\nMemFree: 1 kB\n"), Some(24_683_656 * 1024));
        assert_eq!(memory_total(""), None);
    }
}
