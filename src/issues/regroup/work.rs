//! The work: one batch after another, each in a transaction of its own.

use std::time::Duration;

use anyhow::Context as _;

use super::model::{Regrouping, State};
use super::queries;
use super::step::{Compiled, Worker};
use crate::platform::App;
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::platform::periodic::{Periodic, Step};

/// Batches of one step.
const BATCHES: usize = 20;

/// Works on corrections.
pub struct Regroup;

impl Periodic for Regroup {
    const NAME: &'static str = "regroup";
    const EVERY: Duration = Duration::from_secs(3);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let (mut last, mut compiled) = (None, None);
        for _ in 0..BATCHES {
            match batch(&app.db, &app.clock, None, &mut compiled).await? {
                Some(run) => last = Some(run),
                None => break,
            }
        }
        Ok(last.map_or(Step::Idle, |run| {
            Step::More(format!(
                "{} {} of project {}: {}, {} events looked at",
                run.kind.name(),
                run.id,
                run.project.0,
                run.state.name(),
                run.looked_at
            ))
        }))
    }
}

/// Works on one correction until it is finished; also beside a server, which takes turns.
pub async fn run_to_end(db: &Db, clock: &Clock, id: i64, mut told: impl FnMut(&Regrouping)) -> anyhow::Result<()> {
    let mut compiled = None;
    while let Some(run) = batch(db, clock, Some(id), &mut compiled).await? {
        told(&run);
    }
    Ok(())
}

/// One batch of a correction.
pub async fn one_batch(db: &Db, clock: &Clock, id: i64) -> anyhow::Result<Option<Regrouping>> {
    batch(db, clock, Some(id), &mut None).await
}

/// One batch; the correction as it is afterwards. Nothing: there is no work, or others do it.
async fn batch(db: &Db, clock: &Clock, only: Option<i64>, compiled: &mut Option<Compiled>) -> anyhow::Result<Option<Regrouping>> {
    let mut tx = db.begin().await?;
    let Some(mut run) = queries::claim(&mut tx, only).await? else { return Ok(None) };
    let now = clock.now();
    let state = run.state;
    let next = Worker { db: &mut tx, run: &mut run, now, compiled }
        .batch()
        .await
        .with_context(|| format!("regrouping {} of project {}", run.id, run.project.0))?;
    if let Some(next) = next {
        run.state = next;
        run.cursor = None;
        run.until = Some(clock.now());
        if matches!((state, next), (State::Planning, State::Moving)) {
            run.looked_at = 0;
        }
    }
    queries::keep_place(&mut tx, &run, now).await?;
    tx.commit().await?;
    Ok(Some(run))
}
