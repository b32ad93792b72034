//! # From what was seen to what is reported
//! Pure arithmetic over one run. Every measure has a name that stays (JSON), a label for people, and the budget of DESIGN §5 if it has one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::load::Acks;
use super::mix::Sizes;
use super::numbers::percentile;
use super::probe::Seen;
use super::process::Spent;

/// One number of the report.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Measure {
    pub(super) group: &'static str,
    pub(super) key: String,
    pub(super) label: String,
    pub(super) unit: &'static str,
    /// What DESIGN §5 allows; empty if it says nothing.
    pub(super) budget: &'static str,
    pub(super) value: f64,
}

/// The first phase.
pub(super) struct FullSpeed {
    pub(super) events: u64,
    /// From the first event sent to the last acknowledged.
    pub(super) acknowledged_in: Duration,
    /// From the first event sent to all visible.
    pub(super) visible_in: Duration,
    pub(super) acks: Acks,
    pub(super) spent: Spent,
}

impl FullSpeed {
    pub(super) fn visible_rate(&self) -> f64 {
        self.events as f64 / self.visible_in.as_secs_f64()
    }
}

/// The second phase.
pub(super) struct FixedRate {
    pub(super) rate: f64,
    pub(super) acks: Acks,
    pub(super) probes: Seen,
    /// Until all were visible.
    pub(super) took: Duration,
    pub(super) spent: Spent,
}

impl FixedRate {
    /// Acknowledged events, the probes with them.
    pub(super) fn events(&self) -> u64 {
        self.acks.times.len() as u64 + self.probes.acknowledged
    }
}

/// Resident memory in MiB.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    pub(super) idle: f64,
    pub(super) after: f64,
    pub(super) peak: f64,
    pub(super) postgres: f64,
}

/// What the disk takes and what lies on it.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Milliseconds per fdatasync before the server started.
    pub(super) syncs: Vec<f64>,
    /// Bytes per table before the first event and after the last.
    pub(super) before: BTreeMap<String, i64>,
    pub(super) after: BTreeMap<String, i64>,
    /// Write-ahead log written meanwhile.
    pub(super) log: i64,
    /// The server's own files, journal first of all, at the end.
    pub(super) files: u64,
    /// Events that came to be stored meanwhile.
    pub(super) stored: u64,
}

impl Disk {
    /// Bytes all tables grew by, per event.
    pub(super) fn bytes_per_event(&self) -> f64 {
        let sum = |tables: &BTreeMap<String, i64>| tables.values().sum::<i64>();
        per(growth(sum(&self.after), sum(&self.before)), self.stored)
    }

    /// The tables that grew most.
    fn largest(&self) -> Vec<(&str, f64)> {
        let grown = |(name, after): (&String, &i64)| growth(*after, self.before.get(name).copied().unwrap_or(0));
        let mut tables: Vec<(&str, f64)> =
            self.after.iter().map(|table| (table.0.as_str(), per(grown(table), self.stored))).filter(|table| table.1 >= 1.0).collect();
        tables.sort_by(|a, b| b.1.total_cmp(&a.1));
        tables.truncate(6);
        tables
    }
}

/// Everything one run found.
pub(super) struct Run {
    pub(super) sizes: Sizes,
    /// What was taken while nothing happened, and for how long.
    pub(super) idle: (Spent, Duration),
    pub(super) full: FullSpeed,
    pub(super) fixed: Option<FixedRate>,
    /// Rows a second of raw `COPY`.
    pub(super) copy_rate: f64,
    pub(super) memory: Memory,
    pub(super) disk: Disk,
    /// Issues at the end, those of the probes apart.
    pub(super) issues: i64,
}

fn growth(after: i64, before: i64) -> f64 {
    (after - before).max(0) as f64
}

fn per(value: f64, events: u64) -> f64 {
    value / events.max(1) as f64
}

/// Collects the measures of a group.
struct List {
    group: &'static str,
    measures: Vec<Measure>,
}

impl List {
    fn add(&mut self, (key, label): (&str, &str), value: f64, unit: &'static str, budget: &'static str) {
        self.measures.push(Measure { group: self.group, key: key.to_owned(), label: label.to_owned(), unit, budget, value });
    }

    fn spent(&mut self, prefix: &str, spent: &Spent, events: u64) {
        let key = |name: &str| format!("{prefix}_{name}");
        self.add((&key("cpu_ms"), "CPU per event, server and PostgreSQL"), per(spent.server_ms + spent.postgres_ms, events), "ms", "≤ 0.5");
        self.add((&key("cpu_server_ms"), "  of it the server"), per(spent.server_ms, events), "ms", "");
        self.add((&key("cpu_postgres_ms"), "  of it PostgreSQL"), per(spent.postgres_ms, events), "ms", "");
        self.add((&key("cpu_generator_ms"), "  apart: the load generator"), per(spent.generator_ms, events), "ms", "");
        let switches = spent.server_switches + spent.postgres_switches;
        self.add((&key("switches"), "context switches per event, server and PostgreSQL"), per(switches, events), "", "");
        self.add((&key("switches_server"), "  of it the server"), per(spent.server_switches, events), "", "");
    }
}

impl Run {
    /// All measures, in the order they are read.
    pub(super) fn measures(&self) -> Vec<Measure> {
        let mut list = List { group: "full speed", measures: Vec::new() };
        self.full_speed(&mut list);
        if let Some(fixed) = &self.fixed {
            list.group = "fixed rate";
            fixed_rate(fixed, &mut list);
        }
        list.group = "idle, before the first event";
        let (idle, seconds) = (&self.idle.0, self.idle.1.as_secs_f64());
        list.add(("idle_cpu_ms_per_s", "CPU, server and PostgreSQL"), (idle.server_ms + idle.postgres_ms) / seconds, "ms/s", "");
        list.add(("idle_switches_per_s", "context switches of the server"), idle.server_switches / seconds, "/s", "");
        list.add(("idle_switches_postgres_per_s", "context switches of PostgreSQL"), idle.postgres_switches / seconds, "/s", "");
        list.group = "memory";
        list.add(("rss_idle_mib", "server, resident, idle before the first event"), self.memory.idle, "MiB", "≤ 30");
        list.add(("rss_peak_mib", "server, resident, at most"), self.memory.peak, "MiB", "≤ 120");
        list.add(("rss_after_mib", "server, resident, after the last event"), self.memory.after, "MiB", "");
        list.add(("postgres_pss_mib", "PostgreSQL, shared pages once, after the last event"), self.memory.postgres, "MiB", "");
        list.group = "disk";
        self.on_disk(&mut list);
        list.measures
    }

    fn full_speed(&self, list: &mut List) {
        let full = &self.full;
        list.add(("acknowledged_per_s", "acknowledged"), full.events as f64 / full.acknowledged_in.as_secs_f64(), "/s", "");
        list.add(("visible_per_s", "acknowledged and visible"), full.visible_rate(), "/s", "≥ 3,000");
        list.add(("copy_per_s", "raw COPY of as many rows as large"), self.copy_rate, "/s", "");
        list.add(("visible_to_copy", "visible / COPY"), full.visible_rate() / self.copy_rate, "", "≥ 0.02");
        list.add(("full_ack_p50_ms", "acknowledge latency p50"), percentile(&full.acks.times, 0.5), "ms", "");
        list.add(("full_ack_p99_ms", "acknowledge latency p99"), percentile(&full.acks.times, 0.99), "ms", "");
        list.add(("full_refused", "refusals (429), waited out"), full.acks.refused as f64, "", "");
        list.add(("issues", "issues at the end, probes apart (300 were meant)"), self.issues as f64, "", "");
        list.spent("full", &full.spent, full.events);
    }

    fn on_disk(&self, list: &mut List) {
        let disk = &self.disk;
        list.add(("fdatasync_p50_ms", "fdatasync of 4 KiB p50, before the start"), percentile(&disk.syncs, 0.5), "ms", "");
        list.add(("fdatasync_p99_ms", "fdatasync of 4 KiB p99, before the start"), percentile(&disk.syncs, 0.99), "ms", "");
        list.add(("event_json_bytes", "sent: JSON per event"), self.sizes.json, "B", "");
        list.add(("event_gzip_bytes", "sent: compressed envelope per event"), self.sizes.gzip, "B", "");
        list.add(("stored_bytes", "stored: all tables and indexes per event"), disk.bytes_per_event(), "B", "≤ 1,200");
        for (table, bytes) in disk.largest() {
            list.add((&format!("stored_bytes_{table}"), &format!("  of it {table}")), bytes, "B", "");
        }
        list.add(("wal_bytes", "write-ahead log written per event"), per(disk.log as f64, disk.stored), "B", "");
        list.add(("server_files_mib", "journal and other files of the server, at the end"), disk.files as f64 / 1_048_576.0, "MiB", "");
    }
}

fn fixed_rate(fixed: &FixedRate, list: &mut List) {
    list.add(("rate_per_s", "sent"), fixed.rate, "/s", "");
    list.add(("kept_per_s", "acknowledged and visible"), fixed.events() as f64 / fixed.took.as_secs_f64(), "/s", "");
    list.add(("ack_p50_ms", "acknowledge latency p50"), percentile(&fixed.acks.times, 0.5), "ms", "≤ 5");
    list.add(("ack_p99_ms", "acknowledge latency p99"), percentile(&fixed.acks.times, 0.99), "ms", "≤ 25");
    list.add(("ack_max_ms", "acknowledge latency, the longest"), percentile(&fixed.acks.times, 1.0), "ms", "");
    list.add(("seen_p50_ms", "send → visible p50"), percentile(&fixed.probes.times, 0.5), "ms", "");
    list.add(("seen_p99_ms", "send → visible p99"), percentile(&fixed.probes.times, 0.99), "ms", "≤ 1,000");
    list.add(("refused", "refusals (429), waited out"), (fixed.acks.refused + fixed.probes.refused) as f64, "", "");
    list.spent("fixed", &fixed.spent, fixed.events());
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn run() -> Run {
        let tables = |list: &[(&str, i64)]| list.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect::<BTreeMap<_, _>>();
        let spent = Spent { server_ms: 20.0, postgres_ms: 10.0, generator_ms: 5.0, server_switches: 300.0, postgres_switches: 100.0 };
        Run {
            sizes: Sizes { json: 6_000.0, gzip: 1_200.0 },
            idle: (spent, Duration::from_secs(3)),
            full: FullSpeed {
                events: 100,
                acknowledged_in: Duration::from_millis(200),
                visible_in: Duration::from_millis(250),
                acks: Acks { times: vec![1.0, 2.0, 3.0], refused: 4, last: None },
                spent,
            },
            fixed: Some(FixedRate {
                rate: 50.0,
                acks: Acks { times: vec![1.0; 90], refused: 0, last: None },
                probes: Seen { times: vec![30.0; 10], acknowledged: 10, refused: 1 },
                took: Duration::from_secs(2),
                spent,
            }),
            copy_rate: 10_000.0,
            memory: Memory { idle: 20.0, after: 50.0, peak: 60.0, postgres: 100.0 },
            disk: Disk {
                syncs: vec![0.5],
                before: tables(&[("events", 8_192), ("issues", 16_384), ("users", 1_000)]),
                after: tables(&[("events", 208_192), ("issues", 17_384), ("users", 1_000), ("new", 2_000)]),
                log: 50_000,
                files: 2 << 20,
                stored: 200,
            },
            issues: 300,
        }
    }

    #[test]
    fn rates_ratios_and_shares_are_of_the_right_whole() {
        let measures = run().measures();
        let value = |key: &str| measures.iter().find(|measure| measure.key == key).unwrap_or_else(|| panic!("{key}")).value.to_string();
        assert_eq!(value("acknowledged_per_s"), "500");
        assert_eq!(value("visible_per_s"), "400");
        assert_eq!(value("visible_to_copy"), "0.04");
        assert_eq!(value("full_ack_p50_ms"), "2");
        assert_eq!(value("full_cpu_ms"), "0.3");
        assert_eq!(value("full_cpu_generator_ms"), "0.05");
        assert_eq!(value("full_switches"), "4");
        assert_eq!(value("fixed_cpu_ms"), "0.3", "probes are events too");
        assert_eq!(value("idle_cpu_ms_per_s"), "10");
        assert_eq!(value("kept_per_s"), "50");
        assert_eq!(value("refused"), "1");
        assert_eq!(value("stored_bytes"), "1015");
        assert_eq!(value("stored_bytes_events"), "1000");
        assert_eq!(value("stored_bytes_new"), "10");
        assert_eq!(value("wal_bytes"), "250");
        assert!(!measures.iter().any(|measure| measure.key == "stored_bytes_users"), "tables that did not grow are left out");
    }

    #[test]
    fn keys_are_unique_and_the_second_phase_may_be_left_out() {
        let mut run = run();
        let all = run.measures().len();
        run.fixed = None;
        let mut keys: Vec<String> = run.measures().into_iter().map(|measure| measure.key).collect();
        assert!(keys.len() < all);
        keys.sort();
        let count = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
