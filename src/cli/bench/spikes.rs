//! `vedette bench spikes`: what one minute of many active issues costs the detector, apart from the database.

use std::time::Instant;

use crate::alerts::spikes::Detector;
use crate::cli::print::line;

/// How many.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SpikesArgs {
    /// Issues that have events in that minute.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    issues: u64,
}

/// Issues whose histories differ; the others are copies of theirs.
const KINDS: u64 = 97;
/// Length of a history, in minutes: a bit more than eight days, so that all memories are full.
const HISTORY: i64 = 12_007;

/// An issue of two events an hour to a few a minute, with its birth at any minute.
fn issue(kind: u64) -> Detector {
    let mut detector = Detector::new(kind as i64);
    let mut dice = kind.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while detector.next() < HISTORY {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let often = 1 + kind % 30;
        detector.minute(if (dice >> 33).is_multiple_of(often) { (dice >> 60) as u32 % 4 } else { 0 }, false);
    }
    detector
}

/// Measures and prints.
pub(super) fn run(args: &SpikesArgs) -> anyhow::Result<()> {
    let kinds: Vec<Vec<u8>> = (0..KINDS.min(args.issues)).map(|kind| issue(kind).pack()).collect();
    let states: Vec<&Vec<u8>> = kinds.iter().cycle().take(args.issues as usize).collect();
    let bytes: usize = states.iter().map(|state| state.len()).sum();
    let begun = Instant::now();
    let mut detectors = states.iter().map(|state| Detector::unpack(state)).collect::<Result<Vec<_>, _>>()?;
    let read = begun.elapsed();
    let begun = Instant::now();
    let told = detectors.iter_mut().filter_map(|detector| detector.minute(3, false).spike).count();
    let judged = begun.elapsed();
    let begun = Instant::now();
    let written: usize = detectors.iter().map(|detector| detector.pack().len()).sum();
    let packed = begun.elapsed();
    let each = |took: std::time::Duration| took.as_secs_f64() * 1e6 / args.issues as f64;
    line(format!("{} issues, one minute, one thread; {told} spikes", args.issues))?;
    line(format!("read the state   {:8.2} µs an issue {:8.0} ms in all", each(read), read.as_secs_f64() * 1e3))?;
    line(format!("take the minute  {:8.2} µs an issue {:8.0} ms in all", each(judged), judged.as_secs_f64() * 1e3))?;
    line(format!("write the state  {:8.2} µs an issue {:8.0} ms in all", each(packed), packed.as_secs_f64() * 1e3))?;
    let issues = args.issues as usize;
    line(format!("state            {} bytes packed ({} after), {} in memory", bytes / issues, written / issues, size_of::<Detector>()))
}
