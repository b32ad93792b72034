//! # `vedette bench ingest`: how fast, at what cost, and is everything there afterwards
//! **Promise.** One command starts its own server and database, sends the mix of DESIGN §5 and prints what came of it. It ends in an error
//! if one acknowledged event is not stored exactly once, however good the numbers are.
//! **How.** `ingest` runs the phases; `mix` makes the events, `load` and `probe` send them, `database` and `process` look from outside at
//! what the server did, `report` prints. The server is this executable, started as anybody would start it: nothing is measured from within.
//! **When it breaks.** The server's folder is kept with its log, and the error says where.
//! **Not here.** Results worth keeping: `docs/benchmarks.md`.

mod baseline;
mod client;
mod database;
mod dice;
mod disk;
mod ingest;
mod load;
mod machine;
mod measures;
mod mix;
mod numbers;
mod probe;
mod process;
mod report;
mod server;
mod shapes;
mod spikes;
mod spinners;

use std::path::PathBuf;

/// `vedette bench …`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Measure the whole path from the HTTP request to the issue list, on a server and a database of its own.
    Ingest(IngestArgs),
    /// Measure the spike detector alone: one minute of many active issues.
    Spikes(spikes::SpikesArgs),
}

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
struct IngestArgs {
    /// Events sent at full speed.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(1..))]
    events: u64,
    /// Connections of the load generator, each with one request under way.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4_096))]
    connections: u64,
    /// Events a second in the second phase. [default: half of what became visible at full speed]
    #[arg(long)]
    rate: Option<f64>,
    /// Length of the second phase; 0 leaves it out.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How often to measure, each time on a new server; the report has the median and the extremes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
    runs: u64,
    /// The same seed sends the same events.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep both cores awake with two busy processes of the lowest priority: wake-ups are dear on virtual machines.
    #[arg(long)]
    spinners: bool,
    /// Where the server's folder is made, on the disk to be measured. [default: ./target, else here]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Do not delete the server's folder afterwards.
    #[arg(long)]
    keep: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark and prints its report.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match args.what {
        What::Ingest(args) => ingest::run(&args).await,
        What::Spikes(args) => tokio::task::spawn_blocking(move || spikes::run(&args)).await?,
    }
}
