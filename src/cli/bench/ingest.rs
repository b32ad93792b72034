//! # The phases of `vedette bench ingest`
//! Idle → full speed → fixed rate → what lies on disk → the books → raw `COPY`. All of a run meets the same server and the same disk.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::database::{Clock, Database};
use super::load::Load;
use super::machine::Machine;
use super::measures::{Disk, FixedRate, FullSpeed, Memory, Run};
use super::mix::{Mix, Target};
use super::process::{Groups, parent};
use super::report::Report;
use super::server::{Server, explain};
use super::spinners::Spinners;
use super::{IngestArgs, baseline, disk, probe};
use crate::cli::print;

/// Bodies of the mix; each event is one of them with its own id, times and user.
const BODIES: usize = 4_000;
/// The server is left alone so long before the first event.
const SETTLE: Duration = Duration::from_secs(3);

/// Measures as often as asked and prints the report; an error if the books of any run do not balance.
pub(super) async fn run(args: &IngestArgs) -> anyhow::Result<()> {
    anyhow::ensure!(args.rate.is_none_or(|rate| rate.is_finite() && rate > 0.0), "--rate must be above 0");
    let program = std::env::current_exe().context("cannot find this executable")?;
    let base = args.dir.clone().unwrap_or_else(|| if Path::new("target").is_dir() { "target".into() } else { ".".into() });
    anyhow::ensure!(
        !disk::is_memory(&base).with_context(|| format!("cannot look at {}", base.display()))?,
        "{} is in memory, where fsync costs nothing: choose a --dir on a disk",
        base.display()
    );
    let mut report = Report { machine: Machine::look(), command: command(args), runs: Vec::new() };
    let mut balance = Ok(());
    for number in 1..=args.runs {
        let home = base.join(format!("vedette-bench-{}-{number}", std::process::id()));
        progress(&format!("run {number} of {}: starting a server in {}", args.runs, home.display()));
        let finished = one(args, &program, &home).await?;
        report.machine.postgres = finished.postgres;
        report.runs.push(finished.run.measures());
        if let Err(error) = finished.balance {
            balance = Err(error);
            break;
        }
    }
    let text = if args.json { format!("{:#}\n", report.json()) } else { report.table() };
    let printed = print::all(&text);
    balance?;
    printed?;
    progress("every acknowledged event is stored exactly once and counted");
    Ok(())
}

/// One run's results.
struct Finished {
    run: Run,
    postgres: String,
    /// Whether every acknowledged event is stored exactly once.
    balance: anyhow::Result<()>,
}

/// Starts a server, measures, stops it, and clears up unless something went wrong.
async fn one(args: &IngestArgs, program: &Path, home: &Path) -> anyhow::Result<Finished> {
    std::fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
    let _spinners = if args.spinners { Some(Spinners::start()?) } else { None };
    let syncs = {
        let home = home.to_owned();
        spawn_blocking(move || disk::sync_times(&home)).await?.context("cannot time fdatasync")?
    };
    let server = Server::start(program, home).await?;
    let finished = tokio::select! {
        finished = measure(args, &server, syncs) => finished,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    let log = server.log_end();
    let stopped = server.stop().await;
    let explain = |error| explain(&error, &log);
    let finished = finished.map_err(explain)?;
    stopped.map_err(explain)?;
    let finished = Finished { balance: finished.balance.map_err(explain), ..finished };
    if finished.balance.is_ok() && !args.keep {
        std::fs::remove_dir_all(home).with_context(|| format!("cannot delete {}", home.display()))?;
    }
    Ok(finished)
}

/// A server that is ready to be measured.
struct Bench<'a> {
    args: &'a IngestArgs,
    target: Target,
    database: Database,
    groups: Groups,
    load: Load,
}

async fn measure(args: &IngestArgs, server: &Server, syncs: Vec<f64>) -> anyhow::Result<Finished> {
    let mut bench = Bench::prepare(args, server).await?;
    let mut disk = Disk { syncs, before: bench.database.sizes().await?, ..Disk::default() };
    let log_before = bench.database.log_written().await?;
    let (before, start) = (bench.groups.sample(), Instant::now());
    sleep(SETTLE).await;
    let nothing = (bench.groups.sample().since(&before), start.elapsed());
    let (idle, _) = bench.groups.server_memory();

    let full = bench.full_speed().await?;
    let fixed = if args.seconds > 0 { Some(bench.fixed_rate(full.visible_rate() / 2.0, args.events).await?) } else { None };

    let (after, peak) = bench.groups.server_memory();
    let memory = Memory { idle, after, peak, postgres: bench.groups.postgres_memory() };
    disk.stored = args.events + fixed.as_ref().map_or(0, FixedRate::events);
    disk.log = bench.database.log_written().await? - log_before;
    disk.after = bench.database.sizes().await?;
    disk.files = disk::used(server.home(), &bench.database.folder().await?)?;
    let books = bench.database.books(disk.stored).await?;
    let probes = fixed.as_ref().map_or(0, |fixed| fixed.probes.acknowledged as i64);
    let issues = bench.database.issues().await? - probes;
    progress("raw COPY");
    let copy_rate = baseline::copy_rate(&mut bench.database.connection, args.events, disk.bytes_per_event()).await?;
    let postgres = bench.database.version().await?;
    bench.database.close().await?;
    let run = Run { sizes: bench.load.mix.sizes(), idle: nothing, full, fixed, copy_rate, memory, disk, issues };
    Ok(Finished { run, postgres, balance: books.check() })
}

impl<'a> Bench<'a> {
    async fn prepare(args: &'a IngestArgs, server: &Server) -> anyhow::Result<Self> {
        let target = server.create_project().await?;
        let mut database =
            Database::connect(&server.database_url, target.project.parse().context("the DSN's project is no number")?).await?;
        let own_backend = database.backend().await?;
        let groups = Groups {
            server: server.pid().context("the server ended")?,
            postmaster: parent(own_backend).context("the database does not run on this machine")?,
            own_backend,
        };
        let clock: Clock = database.clock().await?;
        let (seed, to) = (args.seed, target.clone());
        let mix = spawn_blocking(move || Mix::render(seed, BODIES, &to)).await?.context("cannot make the mix")?;
        let load = Load { mix: Arc::new(mix), address: target.host.clone(), connections: args.connections, clock };
        Ok(Self { args, target, database, groups, load })
    }

    async fn full_speed(&mut self) -> anyhow::Result<FullSpeed> {
        let events = self.args.events;
        progress(&format!("{events} events at full speed"));
        let before = self.groups.sample();
        let start = Instant::now();
        let (acks, visible) = tokio::try_join!(self.load.full_speed(events), self.database.wait_visible(events as i64))?;
        let spent = self.groups.sample().since(&before);
        let acknowledged_in = acks.last.unwrap_or(start) - start;
        Ok(FullSpeed { events, acknowledged_in, visible_in: visible - start, acks, spent })
    }

    /// `half` is the rate if none was asked for; `so_far` events are visible already.
    async fn fixed_rate(&mut self, half: f64, so_far: u64) -> anyhow::Result<FixedRate> {
        let rate = self.args.rate.unwrap_or(half);
        let events = (rate * self.args.seconds as f64).ceil() as u64;
        progress(&format!("{events} events at {rate:.0}/s, with probes"));
        let before = self.groups.sample();
        let start = Instant::now();
        let end = start + Duration::from_secs(self.args.seconds);
        let probing = probe::watch(&mut self.database, &self.target, self.load.clock, end);
        let (acks, probes) = tokio::try_join!(self.load.fixed_rate(events, rate, start), probing)?;
        let visible = self.database.wait_visible((so_far + events + probes.acknowledged) as i64).await?;
        let spent = self.groups.sample().since(&before);
        Ok(FixedRate { rate, acks, probes, took: visible - start, spent })
    }
}

/// The command that would do the same again.
fn command(args: &IngestArgs) -> String {
    let IngestArgs { events, connections, rate, seconds, runs, seed, spinners, .. } = args;
    let rate = rate.map_or_else(String::new, |rate| format!(" --rate {rate}"));
    let spinners = if *spinners { " --spinners" } else { "" };
    format!(
        "vedette bench ingest --events {events} --connections {connections}{rate} --seconds {seconds} --runs {runs} --seed {seed}{spinners}"
    )
}

/// A line for whoever waits.
fn progress(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
