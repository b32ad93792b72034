//! `vedette spikes`: the spike detector on a file of series, by the code that the server runs.

use std::io::{BufRead, BufReader, Read};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::print::line;
use crate::alerts::spikes::{Detector, Spike};

/// Minutes of the longest series that is read: ten years.
const LONGEST: i64 = 5_256_000;

/// `vedette spikes …`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Series, one JSON object a line, gzipped or not; or - for standard input
    file: String,
}

/// One issue's counts.
#[derive(Debug, serde::Deserialize)]
struct Series {
    #[serde(rename = "series")]
    name: String,
    start: DateTime<Utc>,
    step_s: u32,
    /// Events of each minute; `-n` stands for `n` minutes without.
    counts: Vec<i64>,
    /// Minutes `[from, to)` in which the server knows that it was not receiving.
    #[serde(default)]
    gaps: Vec<(i64, i64)>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let input: Box<dyn Read> = match args.file.as_str() {
        "-" => Box::new(std::io::stdin().lock()),
        file => Box::new(std::fs::File::open(file).with_context(|| format!("{file} cannot be read"))?),
    };
    for (number, text) in lines(input)?.lines().enumerate() {
        let place = || format!("{}: line {}", args.file, number + 1);
        let text = text.with_context(place)?;
        if !text.trim().is_empty() {
            let series: Series = serde_json::from_str(&text).with_context(place)?;
            series.watch(line).with_context(place)?;
        }
    }
    Ok(())
}

/// The text, unpacked where it is packed.
fn lines(input: Box<dyn Read>) -> anyhow::Result<Box<dyn BufRead>> {
    let mut input = BufReader::new(input);
    let gzipped = input.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if gzipped { Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(input))) } else { Box::new(input) })
}

impl Series {
    /// Hands every minute from the first event on to a detector, and its alerts to `tell` as lines of JSON.
    fn watch(&self, mut tell: impl FnMut(String) -> anyhow::Result<()>) -> anyhow::Result<()> {
        ensure!(self.step_s == 60, "{}: step_s is {}; only minutes (60) can be read", self.name, self.step_s);
        let start = self.start.timestamp().div_euclid(60);
        let (mut at, mut gaps, mut detector) = (0, self.gaps.iter().peekable(), None);
        for count in &self.counts {
            let (minutes, events) = if *count < 0 { (count.saturating_neg(), 0) } else { (1, u32::try_from(*count).unwrap_or(u32::MAX)) };
            ensure!(minutes <= LONGEST - at, "{}: longer than ten years", self.name);
            for minute in at..at + minutes {
                if events > 0 && detector.is_none() {
                    detector = Some(Detector::new(start + minute));
                }
                let Some(detector) = &mut detector else { continue };
                while gaps.next_if(|(_, to)| *to <= minute).is_some() {}
                let deaf = gaps.peek().is_some_and(|(from, _)| *from <= minute);
                let answer = detector.minute(events, deaf);
                if let Some(spike) = answer.spike {
                    tell(self.told(minute, start, &spike))?;
                }
            }
            at += minutes;
        }
        Ok(())
    }

    fn told(&self, minute: i64, start: i64, spike: &Spike) -> String {
        let figures = spike.figures;
        json!({
            "series": self.name,
            "minute": minute,
            "since": spike.since - start,
            "window": figures.window,
            "count": figures.count,
            "usual": figures.usual,
            "peak": spike.peak,
            "surprise": figures.surprise,
            "threshold": figures.threshold,
            "text": figures.to_string(),
        })
        .to_string()
    }
}
