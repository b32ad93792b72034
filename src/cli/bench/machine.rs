//! Where it was measured: a number without its machine says nothing.

use std::fs;

use serde::Serialize;

/// The head of the report.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    pub(super) vedette: &'static str,
    /// Of an executable built without optimisation, no number means anything.
    pub(super) optimised: bool,
    pub(super) cores: usize,
    pub(super) processor: String,
    pub(super) memory_mib: u64,
    pub(super) kernel: String,
    pub(super) postgres: String,
    /// Processes that ran or wanted to before the benchmark began, over the last minute.
    pub(super) load_before: String,
}

impl Machine {
    pub(super) fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            vedette: env!("CARGO_PKG_VERSION"),
            optimised: !cfg!(debug_assertions),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: value(&read("/proc/cpuinfo"), "model name").unwrap_or("unknown").to_owned(),
            memory_mib: kibibytes(&read("/proc/meminfo"), "MemTotal").unwrap_or(0) / 1_024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            postgres: String::new(),
            load_before: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

/// A `name: value` line of a file in `/proc`.
pub(super) fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim()))
}

/// A `name: 12 kB` line of a file in `/proc`.
pub(super) fn kibibytes(text: &str, name: &str) -> Option<u64> {
    value(text, name)?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_kernel_and_memory() {
        let machine = Machine::look();
        assert!(machine.cores > 0 && machine.memory_mib > 100 && !machine.kernel.is_empty(), "{machine:?}");
    }

    #[test]
    fn lines_are_found_by_their_whole_name() {
        let text = "VmRSSX:\t 1 kB\nVmRSS:\t  5120 kB\nmodel name\t: Fast: very\n";
        assert_eq!(kibibytes(text, "VmRSS"), Some(5_120));
        assert_eq!(value(text, "model name"), Some("Fast: very"));
        assert_eq!(value(text, "VmHWM"), None);
    }
}
