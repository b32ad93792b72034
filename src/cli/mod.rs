//! # The command line
//! **Promise.** Names and outputs of commands are a contract: scripts read them. Commands that need the database work while the server runs, and
//! start the managed PostgreSQL themselves when it does not. **How.** One file per command; results go to standard output, everything else to
//! standard error. **When it breaks.** One line that names the thing, the reason and the next step; exit code 1.
//! A reader of the output that closes it ([`Closed`]) ends the command quietly.

mod bench;
mod dev;
mod explain;
mod print;
mod project;
mod regroup;
mod send_test;
mod serve;
mod spikes;
mod user;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{Common, Options};
use crate::platform::telemetry;

pub use print::Closed;

/// Vedette: an error tracker that any Sentry SDK can report to.
#[derive(Debug, Parser)]
#[command(name = "vedette", version)]
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
    /// Find the spikes in files of minute counts; needs no database
    Spikes(spikes::Args),
    /// Apply a project's saved grouping rules to its stored events
    Regroup(regroup::Args),
    /// Measure
    Bench(bench::Args),
    /// For developers of Vedette
    #[command(subcommand, hide = true)]
    Dev(dev::Command),
}

/// The command line. Options of the server before another command would do nothing, and are an error.
fn parsed() -> Cli {
    let mut command = Cli::command();
    let matches = command.get_matches_mut();
    if let Some((name, _)) = matches.subcommand() {
        let serve = Options::augment_args(clap::Command::new("serve"));
        let given = serve.get_arguments().find(|arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine));
        if let Some(flag) = given.and_then(|arg| arg.get_long()) {
            let hint =
                if name == "serve" { format!("write `vedette serve --{flag} …`") } else { "it belongs to `vedette serve`".to_owned() };
            command.error(ErrorKind::ArgumentConflict, format!("--{flag} stands before the command `{name}`: {hint}")).exit();
        }
    }
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Reads the command line and does what it says.
pub async fn run() -> anyhow::Result<()> {
    let cli = parsed();
    telemetry::init(cli.common.log(), cli.common.log_format());
    match cli.command {
        None => serve::run(&cli.serve, &cli.common).await,
        Some(Command::Serve(options)) => serve::run(&options, &cli.common).await,
        Some(Command::Project(command)) => project::run(command, &cli.common).await,
        Some(Command::Regroup(args)) => regroup::run(args, &cli.common).await,
        Some(Command::User(command)) => user::run(command, &cli.common).await,
        Some(Command::SendTest(args)) => tokio::task::spawn_blocking(move || send_test::run(&args)).await?,
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Spikes(args)) => spikes::run(&args),
        Some(Command::Bench(args)) => bench::run(args).await,
        Some(Command::Dev(command)) => dev::run(command).await,
    }
}
