//! Feedback goes when the events of its time go.

use std::time::Duration;

use chrono::TimeDelta;

use super::queries;
use crate::platform::App;
use crate::platform::periodic::{Periodic, Step};

/// Deletes feedback past retention, a bounded number a step.
pub struct Retention {
    /// Days that are kept.
    pub days: u32,
}

/// Rows deleted in one step.
const BATCH: i64 = 5_000;

impl Periodic for Retention {
    const NAME: &'static str = "feedback.retention";
    const EVERY: Duration = Duration::from_hours(1);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let before = app.clock.now() - TimeDelta::days(i64::from(self.days.max(1)));
        let deleted = queries::delete_before(&mut *app.db.acquire().await?, before, BATCH).await?;
        Ok(if deleted >= BATCH as u64 { Step::More(format!("deleted {deleted} rows")) } else { Step::Idle })
    }
}
