//! What every process tells the others by a timer: how far limits are used up, and what was refused lately.

use std::time::Duration;

use super::quotas::{self, Quotas, share};
use super::recent::{self, RequestLog};
use super::registry::Registry;
use crate::platform::App;
use crate::platform::periodic::{Periodic, Step};

/// One exchange after the other.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// How far limits are used up.
    pub quotas: Quotas,
    /// What was refused lately.
    pub requests: RequestLog,
    /// Which limits there are.
    pub registry: Registry,
}

impl Periodic for Exchange {
    const NAME: &'static str = "projects.exchange";
    const EVERY: Duration = quotas::EVERY;

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        share(&self.quotas, &self.registry, app).await?;
        recent::store(&self.requests, &self.registry, app).await?;
        Ok(Step::Idle)
    }
}
