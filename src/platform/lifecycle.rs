//! # Lifecycle: tasks that are owned
//! **Promise.** Every background task is known by name; one that dies takes the process down with an error instead of leaving it half alive;
//! shutdown waits for all of them. **How.** A [`Tasks`] holds a tracker and two tokens: *soft* (finish what you are at and end) and *hard*
//! (end now), as on a first and a second signal.
//! **When it breaks.** A panic is caught, logged, remembered as the first failure, and turns into the soft token.
//! **Not here.** What runs, and in which order it ends (`app`).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::telemetry::chain;

/// The process's background tasks. Clones are the same set.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    soft: CancellationToken,
    hard: CancellationToken,
    failure: Arc<Mutex<Option<String>>>,
}

impl Tasks {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` until it ends, which it may only do once the soft token is cancelled.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        let tasks = self.clone();
        let hard = self.hard.clone();
        self.tracker.spawn(async move {
            let ended = tokio::select! {
                ended = AssertUnwindSafe(work).catch_unwind() => ended,
                () = hard.cancelled() => return,
            };
            let failure = match ended {
                Ok(Ok(())) if tasks.soft.is_cancelled() => return,
                Ok(Ok(())) => "ended early".to_owned(),
                Ok(Err(error)) => chain(&error),
                Err(panic) => format!("panicked: {}", panic_text(&*panic)),
            };
            tracing::error!(task = name, "the task {name} {failure}: shutting down");
            tasks.failure.lock().get_or_insert(format!("the task {name} {failure}"));
            tasks.soft.cancel();
        });
    }

    /// Cancelled when the process should end.
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Asks every task to end, waits up to `patience`, then ends those that are left.
    pub async fn shut_down(&self, patience: Duration) {
        self.soft.cancel();
        self.tracker.close();
        if tokio::time::timeout(patience, self.tracker.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in {} s", patience.as_secs());
            self.hard.cancel();
            self.tracker.wait().await;
        }
    }

    /// Why the process has to end, when a task died.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_dies_ends_the_others_and_is_named() {
        let tasks = Tasks::new();
        let soft = tasks.soft().clone();
        tasks.spawn("good", async move {
            soft.cancelled().await;
            Ok(())
        });
        tasks.spawn("bad", async { panic!("no more {}", "disk") });
        tasks.soft().cancelled().await;
        tasks.shut_down(Duration::from_secs(5)).await;
        assert_eq!(tasks.failure().unwrap(), "the task bad panicked: no more disk");
    }

    #[tokio::test]
    async fn tasks_that_end_when_asked_are_no_failure() {
        let tasks = Tasks::new();
        let soft = tasks.soft().clone();
        tasks.spawn("good", async move {
            soft.cancelled().await;
            Ok(())
        });
        tasks.shut_down(Duration::from_secs(5)).await;
        assert_eq!(tasks.failure(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_is_ended() {
        let tasks = Tasks::new();
        tasks.spawn("stuck", std::future::pending());
        tasks.shut_down(Duration::from_secs(5)).await;
        assert_eq!(tasks.failure(), None);
    }
}
