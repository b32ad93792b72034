//! `vedette [serve]`: runs until a signal.

use tokio::signal::unix::{SignalKind, signal};

use crate::app::{self, Server};
use crate::config::{Common, Options};

pub(super) async fn run(options: &Options, common: &Common) -> anyhow::Result<()> {
    let settings = options.parse(common, app::checks())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::start(settings).await?;
    tracing::info!("Vedette {} listens on http://{}; open {}", env!("CARGO_PKG_VERSION"), server.address, server.app.url);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = server.failed() => {}
    }
    tracing::info!("shutting down; events that were taken are safe");
    tokio::select! {
        stopped = server.stop() => stopped,
        _ = interrupt.recv() => anyhow::bail!("stopped at once by a second signal; the next start recovers"),
    }
}
