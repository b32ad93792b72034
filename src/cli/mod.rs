//! # The command line
//! **Promise.** Names and outputs of commands are a contract: scripts read them. Commands that need the database work while the server runs, and
//! start the managed PostgreSQL themselves when it does not. **How.** One file per command; results go to standard output, everything else to
//! standard error. **When it breaks.** One line that names the thing, the reason and the next step; exit code 1.

mod bench;
mod dev;
mod explain;
mod print;
mod project;
mod send_test;
mod serve;
mod user;

use clap::{Parser, Subcommand};

use crate::config::{Common, Options};
use crate::platform::telemetry;

/// Vedette: an error tracker that any Sentry SDK can report to.
#[derive(Debug, Parser)]
#[command(name = "vedette", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Options,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (also without a command)
    Serve(Options),
    /// Make and list projects
    #[command(subcommand)]
    Project(project::Command),
    /// Make accounts
    #[command(subcommand)]
    User(user::Command),
    /// Send one event to a DSN and say what the server answered
    SendTest(send_test::Args),
    /// Show what becomes of one event: normalised, grouped, titled; needs no database
    Explain(explain::Args),
    /// Measure
    Bench(bench::Args),
    /// For developers of Vedette
    #[command(subcommand, hide = true)]
    Dev(dev::Command),
}

/// Reads the command line and does what it says.
pub async fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(&cli.common.log, cli.common.log_format());
    match cli.command {
        None => serve::run(&cli.serve, &cli.common).await,
        Some(Command::Serve(options)) => serve::run(&options, &cli.common).await,
        Some(Command::Project(command)) => project::run(command, &cli.common).await,
        Some(Command::User(command)) => user::run(command, &cli.common).await,
        Some(Command::SendTest(args)) => tokio::task::spawn_blocking(move || send_test::run(&args)).await?,
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Bench(args)) => bench::run(args).await,
        Some(Command::Dev(command)) => dev::run(command).await,
    }
}
