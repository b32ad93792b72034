//! The `vedette` binary: see the library for everything.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match vedette::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<vedette::cli::Closed>() => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the command's last words")]
fn complain(error: &anyhow::Error) {
    eprintln!("vedette: {}", vedette::platform::telemetry::chain(error));
}
