//! # The outbox: side effects that commit with their facts
//! **Promise.** A job that was enqueued in a transaction runs if and only if that transaction commits; it is tried until it succeeds, fails for
//! good, or has used its attempts, and then stays as a dead job with its reason, which its room is told ([`Handlers::when_dead`]).
//! **How.** Rows of `outbox`, claimed by `for update skip locked`, so that any number of processes may run them. A process has [`PLACES`]; each
//! claims the next job as soon as it is free, so a job that hangs holds its own place and no other. The attempt is counted and a lease set
//! *before* the work begins, a panic is a failure like others, and a job that has used its attempts is buried unrun: one that kills the process
//! cannot loop for ever. Retries wait by [`backoff`].
//! **When it breaks.** A process that dies leaves its lease to expire after [`LEASE`]: the job runs again, so handlers must bear a repeat. A
//! handler whose effect is in the database calls [`complete`] in its own transaction, and then cannot repeat.
//! **Not here.** What jobs do ([`Handler`]s come from the rooms).

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::App;
use super::lifecycle::{Tasks, panic_text};
use super::telemetry::chain;

/// How long a claimed job may take.
pub const LEASE: TimeDelta = TimeDelta::minutes(5);
/// When an attempt is given up, so that it has ended before its lease does and the job is never run twice at once.
const PATIENCE: Duration = Duration::from_mins(4);
/// Attempts before a job is dead: with [`backoff`] about two days.
pub const MAX_ATTEMPTS: i32 = 14;
/// Jobs that run side by side in one process.
pub const PLACES: usize = 16;
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

/// The future of a last word.
pub type Burying<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + 'a>>;
/// Writes down, in the transaction that makes a job dead, that it is and why.
pub type LastWord = Box<dyn for<'a> Fn(&'a App, &'a mut PgConnection, &'a Dead<'a>) -> Burying<'a> + Send + Sync>;

/// A job that will not run again unless somebody revives it.
#[derive(Debug, Clone, Copy)]
pub struct Dead<'a> {
    /// The job.
    pub job: &'a Job,
    /// Why its last attempt failed.
    pub reason: &'a str,
}

/// Which handler does which kind, and who is told when it cannot.
#[derive(Default)]
pub struct Handlers {
    handlers: HashMap<&'static str, Handler>,
    last_words: HashMap<&'static str, LastWord>,
}

impl Handlers {
    /// Adds the handler of a kind.
    #[must_use]
    pub fn with(mut self, kind: &'static str, handler: Handler) -> Self {
        self.handlers.insert(kind, handler);
        self
    }

    /// Adds what is written down when a job of this kind is given up.
    #[must_use]
    pub fn when_dead(mut self, kind: &'static str, last_word: LastWord) -> Self {
        self.last_words.insert(kind, last_word);
        self
    }
}

/// Enqueues a job in the caller's transaction, to be run at once.
pub async fn enqueue(db: &mut PgConnection, kind: &str, payload: &impl Serialize, now: DateTime<Utc>) -> anyhow::Result<i64> {
    enqueue_at(db, kind, payload, (now, now)).await
}

/// Enqueues a job in the caller's transaction, to be run at a time of its own.
pub async fn enqueue_at(
    db: &mut PgConnection,
    kind: &str,
    payload: &impl Serialize,
    (now, run_at): (DateTime<Utc>, DateTime<Utc>),
) -> anyhow::Result<i64> {
    let payload = serde_json::to_value(payload)?;
    let id = sqlx::query_scalar!(
        "insert into outbox (kind, payload, created_at, run_at) values ($1, $2, $3, $4) returning job_id",
        kind,
        payload,
        now,
        run_at
    );
    Ok(id.fetch_one(db).await?)
}

/// Ends a job in the handler's own transaction.
pub async fn complete(db: &mut PgConnection, job: i64) -> sqlx::Result<()> {
    sqlx::query!("delete from outbox where job_id = $1", job).execute(db).await.map(|_| ())
}

/// Lets a dead job run again, with all its attempts. False: it is not dead, or gone.
pub async fn revive(db: &mut PgConnection, job: i64, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let revived = sqlx::query!(
        "update outbox set state = 'waiting', attempts = 0, run_at = $2, leased_until = null where job_id = $1 and state = 'dead'",
        job,
        now
    );
    Ok(revived.execute(db).await?.rows_affected() > 0)
}

/// Deletes up to `batch` dead jobs that were given up before `before`, or that are not among the newest `keep`; how many.
pub async fn sweep_dead(db: &mut PgConnection, before: DateTime<Utc>, (keep, batch): (i64, i64)) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "delete from outbox where job_id = any(array(
            select job_id from outbox where state = 'dead' and (run_at < $1
                or job_id <= (select job_id from outbox where state = 'dead' order by job_id desc offset $2 limit 1))
            order by job_id limit $3))",
        before,
        keep,
        batch
    );
    Ok(swept.execute(db).await?.rows_affected())
}

/// Runs the jobs that are due until none is; how many attempts that took.
pub async fn run_due(app: &App, handlers: &Handlers) -> anyhow::Result<usize> {
    Runner::new(app, handlers).until_idle(&CancellationToken::new()).await
}

/// What the runner waits for.
enum Ended {
    Claim(sqlx::Result<Vec<Job>>),
    Attempt(anyhow::Result<()>),
}

/// The places of one process. Claims run beside the jobs, not before them: jobs may hold the connections that a claim waits for.
struct Runner<'a> {
    app: &'a App,
    handlers: &'a Handlers,
    under_way: FuturesUnordered<Pin<Box<dyn Future<Output = Ended> + Send + 'a>>>,
    is_claiming: bool,
    ran: usize,
    error: Option<anyhow::Error>,
}

impl<'a> Runner<'a> {
    fn new(app: &'a App, handlers: &'a Handlers) -> Self {
        Self { app, handlers, under_way: FuturesUnordered::new(), is_claiming: false, ran: 0, error: None }
    }

    /// Works until nothing is due and nothing runs, or, once `soft` is cancelled, until what runs has ended. A wake-up, and a job that ends,
    /// let it look for more at once, whatever else is still running.
    async fn until_idle(mut self, soft: &CancellationToken) -> anyhow::Result<usize> {
        let mut look = true;
        loop {
            let free = PLACES.saturating_sub(self.under_way.len());
            if look && !self.is_claiming && free > 0 && !soft.is_cancelled() {
                (look, self.is_claiming) = (false, true);
                let app = self.app;
                self.under_way.push(Box::pin(async move { Ended::Claim(claim(app, free).await) }));
            }
            if self.under_way.is_empty() {
                return self.error.map_or(Ok(self.ran), Err);
            }
            let may_claim = !soft.is_cancelled();
            tokio::select! {
                Some(ended) = self.under_way.next() => look |= self.ended(ended, !may_claim),
                () = soft.cancelled(), if may_claim => {}
                () = self.app.outbox.0.notified(), if may_claim => look = true,
                () = tokio::time::sleep(POLL), if may_claim => look = true,
            }
        }
    }

    /// Starts what was claimed, or gives it back at the end of the process. True: there may be more to claim.
    fn ended(&mut self, ended: Ended, is_end: bool) -> bool {
        match ended {
            Ended::Claim(Ok(jobs)) if is_end => {
                self.is_claiming = false;
                let app = self.app;
                self.under_way.push(Box::pin(async move { Ended::Attempt(give_back(app, &jobs).await.map_err(Into::into)) }));
                false
            }
            Ended::Claim(Ok(jobs)) => {
                self.is_claiming = false;
                self.ran += jobs.len();
                let is_more = !jobs.is_empty();
                for job in jobs {
                    let (app, handlers) = (self.app, self.handlers);
                    self.under_way.push(Box::pin(async move { Ended::Attempt(attempt(app, handlers, &job).await) }));
                }
                is_more
            }
            // The next job that ends, or the timer, tries again.
            Ended::Claim(Err(error)) => {
                self.is_claiming = false;
                self.error = Some(error.into());
                false
            }
            Ended::Attempt(result) => {
                self.error = self.error.take().or(result.err());
                true
            }
        }
    }
}

async fn claim(app: &App, places: usize) -> sqlx::Result<Vec<Job>> {
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
        places as i64
    )
    .fetch_all(&app.db)
    .await
}

/// Claimed, and not begun: as if it had not been claimed.
async fn give_back(app: &App, jobs: &[Job]) -> sqlx::Result<()> {
    let ids: Vec<i64> = jobs.iter().map(|job| job.id).collect();
    let back = sqlx::query!("update outbox set attempts = attempts - 1, leased_until = null where job_id = any($1)", &ids);
    back.execute(&app.db).await.map(|_| ())
}

/// One attempt, whose every end is written down; an error is the database's.
async fn attempt(app: &App, handlers: &Handlers, job: &Job) -> anyhow::Result<()> {
    let (error, is_dead) = match outcome(app, handlers, job).await {
        Ok(()) => {
            complete(&mut *app.db.acquire().await?, job.id).await?;
            return Ok(());
        }
        Err(Failure::Retry(error)) => (error, job.attempt >= MAX_ATTEMPTS),
        Err(Failure::Fail(error)) => (error, true),
    };
    let reason: String = chain(&error).chars().take(500).collect();
    tracing::warn!(job.id, job.kind, job.attempt, is_dead, "a job failed: {reason}");
    let mut tx = app.db.begin().await?;
    let is_ours = put_back(&mut tx, app, (job, &reason), is_dead).await?;
    if let Some(last_word) = handlers.last_words.get(job.kind.as_str()).filter(|_| is_dead && is_ours) {
        // What cannot be written down must not keep the job alive.
        let mut inner = sqlx::Connection::begin(&mut *tx).await?;
        let said = unwound(last_word(app, &mut inner, &Dead { job, reason: &reason })).await;
        match said {
            Ok(()) => inner.commit().await?,
            Err(error) => {
                tracing::error!(job.id, job.kind, "a dead job is not in its log: {}", chain(&error));
                inner.rollback().await?;
            }
        }
    }
    Ok(tx.commit().await?)
}

/// What the handler makes of it: a panic, or no end in sight, is a failure of this job alone.
async fn outcome(app: &App, handlers: &Handlers, job: &Job) -> Result<(), Failure> {
    // The attempt was counted, and then neither success nor failure was written: the process ended, every time.
    if job.attempt > MAX_ATTEMPTS {
        return Err(Failure::Fail(anyhow::anyhow!("the server ended during each of {MAX_ATTEMPTS} attempts")));
    }
    let Some(handler) = handlers.handlers.get(job.kind.as_str()) else {
        return Err(Failure::Retry(anyhow::anyhow!("this version of the program does not know jobs of the kind {}", job.kind)));
    };
    // Called inside of the future, so that a handler that panics before its first await is caught as well.
    let work = AssertUnwindSafe(async { handler(app, job).await }).catch_unwind();
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(panic)) => Err(Failure::Retry(anyhow::anyhow!("a defect of Vedette: {}", panic_text(&*panic)))),
        Err(_) => Err(Failure::Retry(anyhow::anyhow!("it did not end within {} s", PATIENCE.as_secs()))),
    }
}

async fn unwound(work: Burying<'_>) -> anyhow::Result<()> {
    let ended = AssertUnwindSafe(work).catch_unwind().await;
    ended.unwrap_or_else(|panic| Err(anyhow::anyhow!("panicked: {}", panic_text(&*panic))))
}

/// Ends an attempt that failed. False: the lease had expired and the job is another's, or done.
async fn put_back(db: &mut PgConnection, app: &App, (job, reason): (&Job, &str), is_dead: bool) -> sqlx::Result<bool> {
    let spread = TimeDelta::milliseconds(app.ids.below(1000) as i64);
    let put = sqlx::query!(
        "update outbox set leased_until = null, run_at = $3, last_error = $4, state = case when $5 then 'dead' else 'waiting' end
        where job_id = $1 and attempts = $2 and state = 'waiting'",
        job.id,
        job.attempt,
        app.clock.now() + backoff(job.attempt) + spread,
        reason,
        is_dead
    );
    Ok(put.execute(db).await?.rows_affected() > 0)
}

/// Runs jobs until the process ends.
pub fn run(app: App, handlers: Arc<Handlers>, tasks: &Tasks) {
    let soft = tasks.soft().clone();
    tasks.spawn("outbox", async move {
        let mut was_away = false;
        while !soft.is_cancelled() {
            match Runner::new(&app, &handlers).until_idle(&soft).await {
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
