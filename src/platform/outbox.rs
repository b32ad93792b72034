//! # The outbox: side effects that commit with their facts
//! **Promise.** A job that was enqueued in a transaction runs if and only if that transaction commits; it is tried until it succeeds, fails for
//! good, or has used its attempts, and then stays as a dead job with its reason.
//! **How.** Rows of `outbox`, claimed by `for update skip locked`, so that any number of processes may run them. The attempt is counted and a
//! lease set *before* the work begins: a job that kills the process cannot loop for ever. Retries wait by [`backoff`].
//! **When it breaks.** A process that dies leaves its lease to expire after [`LEASE`]: the job runs again, so handlers must bear a repeat. A
//! handler whose effect is in the database calls [`complete`] in its own transaction, and then cannot repeat.
//! **Not here.** What jobs do ([`Handler`]s come from the rooms).

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::App;
use super::lifecycle::Tasks;
use crate::platform::telemetry::chain;

/// How long a claimed job may take.
pub const LEASE: TimeDelta = TimeDelta::minutes(5);
/// Attempts before a job is dead: with [`backoff`] about two days.
pub const MAX_ATTEMPTS: i32 = 14;
/// Jobs that run side by side.
const CLAIM: i64 = 8;
/// How often the table is looked at without a wake-up.
const POLL: Duration = Duration::from_secs(5);

/// The pause after the nth failed attempt: 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, then 6 h each.
pub fn backoff(attempts: i32) -> TimeDelta {
    const SECONDS: [i64; 8] = [5, 15, 45, 120, 420, 1200, 3600, 21_600];
    let index = usize::try_from(attempts - 1).unwrap_or(0).min(SECONDS.len() - 1);
    TimeDelta::seconds(SECONDS[index])
}

/// Tells the runner that a job was committed. Only a hurry-up: it also looks by itself.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Call it after the commit.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// A job being worked on.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its row.
    pub id: i64,
    /// Which handler.
    pub kind: String,
    /// What the handler needs.
    pub payload: Value,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// This attempt's number, from 1.
    pub attempt: i32,
}

/// Why a job did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// Worth another attempt later.
    Retry(anyhow::Error),
    /// Never going to succeed.
    Fail(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Retry(error.into())
    }
}

/// The future of a handler.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;
/// Does the work of one kind of job.
pub type Handler = Box<dyn for<'a> Fn(&'a App, &'a Job) -> Running<'a> + Send + Sync>;

/// Which handler does which kind.
#[derive(Default)]
pub struct Handlers(HashMap<&'static str, Handler>);

impl Handlers {
    /// Adds the handler of a kind.
    #[must_use]
    pub fn with(mut self, kind: &'static str, handler: Handler) -> Self {
        self.0.insert(kind, handler);
        self
    }
}

/// Enqueues a job in the caller's transaction.
pub async fn enqueue(db: &mut PgConnection, kind: &str, payload: &impl Serialize, now: DateTime<Utc>) -> anyhow::Result<i64> {
    let payload = serde_json::to_value(payload)?;
    let id = sqlx::query_scalar!(
        "insert into outbox (kind, payload, created_at, run_at) values ($1, $2, $3, $3) returning job_id",
        kind,
        payload,
        now
    );
    Ok(id.fetch_one(db).await?)
}

/// Ends a job in the handler's own transaction.
pub async fn complete(db: &mut PgConnection, job: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from outbox where job_id = $1", job).execute(db).await.map(|_| ())
}

/// Runs the jobs that are due, some at a time, until none is; how many attempts that took.
pub async fn run_due(app: &App, handlers: &Handlers) -> anyhow::Result<usize> {
    let mut ran = 0;
    loop {
        let jobs = claim(app).await?;
        if jobs.is_empty() {
            return Ok(ran);
        }
        ran += jobs.len();
        for result in join_all(jobs.iter().map(|job| attempt(app, handlers, job))).await {
            result?;
        }
    }
}

async fn claim(app: &App) -> sqlx::Result<Vec<Job>> {
    let now = app.clock.now();
    sqlx::query_as!(
        Job,
        r#"update outbox set attempts = attempts + 1, leased_until = $2
        where job_id in (
            select job_id from outbox
            where state = 'waiting' and run_at <= $1 and (leased_until is null or leased_until <= $1)
            order by run_at, job_id
            limit $3
            for update skip locked)
        returning job_id as id, kind, payload, created_at, attempts as attempt"#,
        now,
        now + LEASE,
        CLAIM
    )
    .fetch_all(&app.db)
    .await
}

async fn attempt(app: &App, handlers: &Handlers, job: &Job) -> anyhow::Result<()> {
    let result = match handlers.0.get(job.kind.as_str()) {
        Some(handler) => handler(app, job).await,
        None => Err(Failure::Retry(anyhow::anyhow!("this version of the program does not know jobs of the kind {}", job.kind))),
    };
    let (error, is_dead) = match result {
        Ok(()) => {
            complete(&mut *app.db.acquire().await?, job.id).await?;
            return Ok(());
        }
        Err(Failure::Retry(error)) => (error, job.attempt >= MAX_ATTEMPTS),
        Err(Failure::Fail(error)) => (error, true),
    };
    let text: String = chain(&error).chars().take(500).collect();
    tracing::warn!(job.id, job.kind, job.attempt, is_dead, "a job failed: {text}");
    let spread = TimeDelta::milliseconds(app.ids.below(1000) as i64);
    sqlx::query!(
        "update outbox set leased_until = null, run_at = $2, last_error = $3, state = case when $4 then 'dead' else 'waiting' end where job_id = $1",
        job.id,
        app.clock.now() + backoff(job.attempt) + spread,
        text,
        is_dead
    )
    .execute(&app.db)
    .await?;
    Ok(())
}

/// Runs jobs until the process ends.
pub fn run(app: App, handlers: Arc<Handlers>, tasks: &Tasks) {
    let soft = tasks.soft().clone();
    tasks.spawn("outbox", async move {
        let mut was_away = false;
        while !soft.is_cancelled() {
            match run_due(&app, &handlers).await {
                Ok(_) => was_away = false,
                Err(error) if !was_away => {
                    was_away = true;
                    tracing::warn!("jobs wait: {}", chain(&error));
                }
                Err(_) => {}
            }
            tokio::select! {
                () = soft.cancelled() => {}
                () = app.outbox.0.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        Ok(())
    });
}
