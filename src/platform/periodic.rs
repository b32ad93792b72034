//! # Periodic work: reconcilers
//! **Promise.** A [`Periodic`] looks at the database, does one bounded, repeatable step, and says whether there is more; it is called again and
//! again for as long as the process lives. **How.** One owned task each; after a step that did nothing or failed it waits [`Periodic::EVERY`].
//! **When it breaks.** An error is logged once where it happened first, and again after it changed; the next step tries again; what fails stands
//! on the [`Board`](super::trouble::Board).
//! **Not here.** Work with an input ([`super::outbox`]).

use std::time::Duration;

use super::App;
use super::lifecycle::Tasks;
use crate::platform::telemetry::chain;

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// There was nothing (more) to do.
    Idle,
    /// Something was done, and there may be more.
    More(String),
}

/// A reconciler.
pub trait Periodic: Send + Sync + 'static {
    /// `room.what`.
    const NAME: &'static str;
    /// The pause after an idle step.
    const EVERY: Duration;
    /// One bounded step. It may be repeated, and run in two processes at once.
    fn step(&self, app: &App) -> impl Future<Output = anyhow::Result<Step>> + Send;
}

/// Runs `work` until the process ends.
pub fn run<P: Periodic>(work: P, app: App, tasks: &Tasks) {
    let soft = tasks.soft().clone();
    tasks.spawn(P::NAME, async move {
        let mut last_error = String::new();
        while !soft.is_cancelled() {
            let done = work.step(&app).await;
            match &done {
                Ok(_) => app.board().worked(P::NAME),
                Err(error) => app.board().failed(P::NAME, app.clock.now(), &chain(error)),
            }
            let pause = match done {
                Ok(Step::Idle) => P::EVERY,
                Ok(Step::More(note)) => {
                    tracing::info!(task = P::NAME, "{}: {note}", P::NAME);
                    Duration::ZERO
                }
                Err(error) => {
                    let error = chain(&error);
                    if error != last_error {
                        tracing::warn!(task = P::NAME, "{} failed and will be tried again: {error}", P::NAME);
                        last_error = error;
                    }
                    P::EVERY
                }
            };
            tokio::select! {
                () = soft.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    });
}
