//! # The report
//! A table for people, JSON for programs: the machine, then every measure with its median, over several runs with its extremes.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::machine::Machine;
use super::measures::Measure;
use super::numbers::Spread;

/// All runs.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    /// How it was called, as text.
    pub(super) command: String,
    pub(super) runs: Vec<Vec<Measure>>,
}

/// A measure over all runs.
struct Line<'a> {
    measure: &'a Measure,
    values: Vec<f64>,
}

impl Report {
    /// The measures in the order of the first run; what some runs lack is taken from the others.
    fn lines(&self) -> Vec<Line<'_>> {
        let mut lines: Vec<Line<'_>> = Vec::new();
        for measure in self.runs.iter().flatten() {
            if lines.iter().any(|line| line.measure.key == measure.key) {
                continue;
            }
            let values = self.runs.iter().flatten().filter(|other| other.key == measure.key).map(|other| other.value).collect();
            let after = lines.iter().rposition(|line| line.measure.group == measure.group).map_or(lines.len(), |at| at + 1);
            lines.insert(after, Line { measure, values });
        }
        lines
    }

    /// The table.
    pub(super) fn table(&self) -> String {
        let Machine { vedette, optimised, cores, processor, memory_mib, kernel, postgres, load_before } = &self.machine;
        let build = if *optimised { "" } else { " (DEBUG BUILD: these numbers mean nothing)" };
        let mut out = format!(
            "vedette {vedette}{build}, PostgreSQL {postgres}\n{cores} cores ({processor}), {memory_mib} MiB, Linux {kernel}, load before {load_before}\n{}\n",
            self.command
        );
        let mut group = "";
        for Line { measure, values } in self.lines() {
            if measure.group != group {
                group = measure.group;
                let runs = if self.runs.len() > 1 { "least … most" } else { "" };
                let _ = write!(out, "\n{group:<52} {:>12} {:<5} {runs:<20} budget\n", "", "");
            }
            let spread = Spread::of(&values);
            let range = if self.runs.len() > 1 { format!("{} … {}", number(spread.least), number(spread.most)) } else { String::new() };
            let line = format!("  {:<50} {:>12} {:<5} {range:<20} {}", measure.label, number(spread.median), measure.unit, measure.budget);
            out += line.trim_end();
            out.push('\n');
        }
        out
    }

    /// The same for programs, with every run's values.
    pub(super) fn json(&self) -> Value {
        let summary = self.lines().into_iter().map(|Line { measure, values }| {
            let Spread { median, least, most } = Spread::of(&values);
            let Measure { group, unit, budget, label, .. } = measure;
            let entry = json!({
                "group": group, "label": label.trim(), "unit": unit, "budget": budget,
                "median": median, "least": least, "most": most, "values": values,
            });
            (measure.key.clone(), entry)
        });
        json!({ "machine": self.machine, "command": self.command, "runs": self.runs.len(), "measures": summary.collect::<serde_json::Map<_, _>>() })
    }
}

/// Three digits are enough, in thousands all that are before the point.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        below if below < 0.1 => 4,
        below if below < 10.0 => 2,
        below if below < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + &rest
}

#[cfg(test)]
mod tests {
    use super::super::measures::tests::run;
    use super::*;

    fn report(runs: usize) -> Report {
        let runs = (0..runs)
            .map(|number| {
                let mut run = run();
                run.copy_rate *= (number + 1) as f64;
                run.measures()
            })
            .collect();
        Report { machine: Machine { postgres: "15.9".into(), ..Machine::look() }, command: "vedette bench ingest".into(), runs }
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.0234, "0.0234"),
            (0.444, "0.44"),
            (12.34, "12.3"),
            (999.0, "999"),
            (1_234_567.8, "1,234,568"),
            (-123_456.0, "-123,456"),
            (100_000.0, "100,000"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn one_run_is_a_plain_table() {
        let table = report(1).table();
        assert!(table.contains("PostgreSQL 15.9") && table.contains("DEBUG BUILD"), "{table}");
        let line = table.lines().find(|line| line.contains("  acknowledged and visible ")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["acknowledged", "and", "visible", "400", "/s", "≥", "3,000"]);
        assert!(!table.contains('…'));
    }

    #[test]
    fn several_runs_have_a_median_and_extremes() {
        let report = report(3);
        let table = report.table();
        let line = table.lines().find(|line| line.contains("raw COPY")).unwrap();
        assert!(line.contains("20,000 /s") && line.contains("10,000 … 30,000"), "{line}");
        let json = report.json();
        let copy = &json["measures"]["copy_per_s"];
        assert_eq!((&copy["median"], &copy["least"], &copy["most"]), (&json!(20_000.0), &json!(10_000.0), &json!(30_000.0)));
        assert_eq!(copy["values"], json!([10_000.0, 20_000.0, 30_000.0]));
        assert_eq!(json["runs"], 3);
    }

    #[test]
    fn what_only_a_later_run_has_stands_in_its_group() {
        let mut report = report(2);
        report.runs[0].retain(|measure| measure.key != "stored_bytes_new");
        let groups: Vec<_> = report.lines().iter().map(|line| line.measure.group).collect();
        let mut once = groups.clone();
        once.dedup();
        assert_eq!(once, ["full speed", "fixed rate", "idle, before the first event", "memory", "disk"]);
        assert_eq!(groups.len(), report.runs[1].len());
    }
}
