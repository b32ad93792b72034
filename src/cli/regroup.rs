//! `vedette regroup --project P [--dry-run]`.

use anyhow::Context as _;
use serde_json::json;

use super::print::line;
use super::project::with_database;
use crate::config::Common;
use crate::grouping::Config;
use crate::issues::regroup::plan::Changes;
use crate::issues::regroup::{self, Act, Sample};
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::projects;

/// `vedette regroup …`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The project: its slug, as in addresses
    #[arg(long, value_name = "SLUG")]
    project: String,
    /// Show what would change, as JSON, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: Args, common: &Common) -> anyhow::Result<()> {
    with_database(common, async |db| work(&args, db).await).await
}

async fn work(args: &Args, db: &Db) -> anyhow::Result<()> {
    let known = projects::by_slug(&mut *db.acquire().await?, &args.project).await?;
    let project = known.with_context(|| format!("--project: there is no project `{}`; `vedette project list` names them", args.project))?;
    let rules = projects::grouping_rules(&mut *db.acquire().await?, project).await?.unwrap_or_else(|| json!({}));
    let clock = Clock::real();
    if args.dry_run {
        let config = Config::from_json(&rules).map_err(|errors| anyhow::anyhow!("the saved rules do not compile: {errors}"))?;
        let sample = Sample { project, issue: None, newest: None };
        let changes: Changes = regroup::dry_run(&mut *db.acquire().await?, sample, &config, |looked| {
            tracing::info!("{looked} events looked at");
            true
        })
        .await?;
        line(serde_json::to_string_pretty(&changes)?)?;
        return Ok(());
    }
    let mut tx = db.begin().await?;
    let id = regroup::apply_rules(&mut tx, (project, None), &rules, Act { by: None, now: clock.now() }).await?;
    tx.commit().await?;
    regroup::run_to_end(db, &clock, id, |run| {
        tracing::info!("{}: {} events looked at, {} moved", run.state.name(), run.looked_at, run.moved);
    })
    .await?;
    let done = regroup::latest(&mut *db.acquire().await?, project, 1).await?;
    let done = done.first().context("the regrouping is gone")?;
    line(format!("{}: {} events moved. Undo or confirm it on the project's page of stored events.", done.state.name(), done.moved))
}
