//! # Recent requests: what was refused, taken in part or not stored lately
//! **Promise.** Whoever looks for an event that did not arrive finds the request: when, from which client, what it was told, what was left out.
//! No body is kept, of a key only its beginning, and the sender's address not where the project stores none.
//! **How.** [`RequestLog::note`] costs a place in a bounded map; repeats are one line with a number. Every few seconds all processes write
//! theirs into `recent_requests`, which keeps [`KEPT`] lines per project for [`KEPT_DAYS`]. Requests of unknown keys are nobody's: project 0,
//! for administrators.
//! **When it breaks.** Beyond [`MAX_WAITING`] different lines per project between two writes the newest are forgotten: they are counted, all the
//! same, on the stats page. A crash forgets what was not written.
//! **Not here.** Who notes: ingest what it refuses or leaves out, digest what it does not store once that is written.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Registry;
use crate::accounts::ProjectId;
use crate::platform::App;
use crate::protocol::{Category, Outcome};

pub use crate::web::pages::requests::{NOT_STORED, TRIMMED};

/// Lines of a project that are kept.
pub(super) const KEPT: i64 = 100;
/// How long they are kept.
pub(super) const KEPT_DAYS: i64 = 14;
/// Different lines of one project between two writes.
const MAX_WAITING: usize = 50;
/// Projects with such lines.
const MAX_PROJECTS: usize = 1000;

/// What was left out of a request: of what, how it ended, how much.
pub type LeftOut = (Category, Outcome, u64);

/// A request that was refused or taken in part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Request {
    /// When it came.
    pub at: DateTime<Utc>,
    /// Whose; nothing when the key is not known.
    pub project_id: Option<i32>,
    /// "envelope".
    pub endpoint: String,
    /// The HTTP status.
    pub status: u16,
    /// The key's number, of a request whose `dsn` is not known: it is filled in before the line is written.
    pub key_id: i32,
    /// `Refusal::name`, [`NOT_STORED`], [`TRIMMED`]; empty when it was taken in part.
    pub refusal: &'static str,
    /// What the client was told, or why it is not stored, or what was trimmed.
    pub detail: String,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
    /// The DSN as it was understood, with the beginning of the key.
    pub dsn: String,
    /// Name and version of the client.
    pub client: String,
    /// The sender's address.
    pub address: Option<IpAddr>,
}

/// When the same came, first and last, and how often.
#[derive(Debug, Clone, Copy)]
struct Times {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    repeats: i64,
}

type Waiting = HashMap<i32, HashMap<Request, Times>>;

/// Lines that wait to be written. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct RequestLog(Arc<Mutex<Waiting>>);

impl RequestLog {
    /// Notes a request.
    pub fn note(&self, mut request: Request) {
        let at = std::mem::take(&mut request.at);
        self.add(request, Times { first: at, last: at, repeats: 1 });
    }

    /// Notes several.
    pub fn note_all(&self, requests: impl IntoIterator<Item = Request>) {
        requests.into_iter().for_each(|request| self.note(request));
    }

    fn add(&self, request: Request, times: Times) {
        let mut waiting = self.0.lock();
        let project = request.project_id.unwrap_or(0);
        if waiting.len() >= MAX_PROJECTS && !waiting.contains_key(&project) {
            return;
        }
        let lines = waiting.entry(project).or_default();
        if let Some(known) = lines.get_mut(&request) {
            *known =
                Times { first: known.first.min(times.first), last: known.last.max(times.last), repeats: known.repeats + times.repeats };
        } else if lines.len() < MAX_WAITING {
            lines.insert(request, times);
        }
    }
}

/// Writes what waits; how many lines.
pub(super) async fn store(log: &RequestLog, registry: &Registry, app: &App) -> anyhow::Result<usize> {
    let waiting = completed(std::mem::take(&mut *log.0.lock()), registry);
    if waiting.is_empty() {
        return Ok(0);
    }
    let mut lines: Vec<_> = waiting.values().flatten().map(|(request, times)| (Line::new(request), request, times)).collect();
    // All processes lock in one order.
    lines.sort_unstable_by_key(|(line, _, _)| (line.project_id, line.fingerprint));
    let written = write(app, &lines).await;
    if let Err(error) = written {
        for (request, times) in waiting.values().flatten() {
            log.add(request.clone(), *times);
        }
        return Err(error.into());
    }
    Ok(lines.len())
}

/// The same with keys as people know them, and without the addresses that projects do not store; what differed in nothing else is one line
/// then.
fn completed(waiting: Waiting, registry: &Registry) -> Waiting {
    let kept = RequestLog::default();
    for (mut request, times) in waiting.into_values().flatten() {
        let project = request.project_id.map(ProjectId);
        if project.is_some_and(|project| registry.config(project).is_none_or(|config| !config.store_ips)) {
            request.address = None;
        }
        if request.dsn.is_empty()
            && let Some(project) = project
        {
            request.dsn = registry.key_in_words(project, request.key_id);
        }
        request.key_id = 0;
        kept.add(request, times);
    }
    std::mem::take(&mut *kept.0.lock())
}

/// What is stored beside the request's own texts.
struct Line {
    project_id: i32,
    fingerprint: Uuid,
    left_out: Value,
    address: String,
}

impl Line {
    fn new(request: &Request) -> Self {
        let address = request.address.map(|address| address.to_string()).unwrap_or_default();
        let left_out = request.left_out.iter().map(|(category, outcome, n)| json!([category.id(), outcome.name(), outcome.reason(), n]));
        let left_out = Value::Array(left_out.collect());
        let Request { endpoint, status, refusal, detail, dsn, client, .. } = request;
        let all = json!([endpoint, status, refusal, detail, left_out, dsn, client, address]).to_string();
        let hash: [u8; 32] = Sha256::digest(all).into();
        let fingerprint = Uuid::from_slice(&hash[..16]).unwrap_or_default();
        Self { project_id: request.project_id.unwrap_or(0), fingerprint, left_out, address }
    }
}

async fn write(app: &App, lines: &[(Line, &Request, &Times)]) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    sqlx::query!(
        "insert into recent_requests as r (project_id, fingerprint, first_at, last_at, repeats, endpoint, status, refusal, detail, left_out,
            dsn, client, address)
        select * from unnest($1::int[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::text[], $7::smallint[],
            $8::text[], $9::text[], $10::jsonb[], $11::text[], $12::text[], $13::text[])
        on conflict (project_id, fingerprint) do update
        set last_at = greatest(r.last_at, excluded.last_at), repeats = r.repeats + excluded.repeats",
        &lines.iter().map(|(line, _, _)| line.project_id).collect::<Vec<_>>(),
        &lines.iter().map(|(line, _, _)| line.fingerprint).collect::<Vec<_>>(),
        &lines.iter().map(|(_, _, times)| times.first).collect::<Vec<_>>(),
        &lines.iter().map(|(_, _, times)| times.last).collect::<Vec<_>>(),
        &lines.iter().map(|(_, _, times)| times.repeats).collect::<Vec<_>>(),
        &lines.iter().map(|(_, request, _)| request.endpoint.clone()).collect::<Vec<_>>(),
        &lines.iter().map(|(_, request, _)| request.status.cast_signed()).collect::<Vec<_>>(),
        &lines.iter().map(|(_, request, _)| request.refusal.to_owned()).collect::<Vec<_>>(),
        &lines.iter().map(|(_, request, _)| request.detail.clone()).collect::<Vec<_>>(),
        &lines.iter().map(|(line, _, _)| line.left_out.clone()).collect::<Vec<_>>(),
        &lines.iter().map(|(_, request, _)| request.dsn.clone()).collect::<Vec<_>>(),
        &lines.iter().map(|(_, request, _)| request.client.clone()).collect::<Vec<_>>(),
        &lines.iter().map(|(line, _, _)| line.address.clone()).collect::<Vec<_>>()
    )
    .execute(&mut *tx)
    .await?;
    trim(&mut tx, &lines.iter().map(|(line, _, _)| line.project_id).collect::<Vec<_>>(), app.clock.now()).await?;
    tx.commit().await
}

/// Deletes what is too old, and what is too much of these projects; lines that another process has in its hands stay until the next time.
async fn trim(db: &mut PgConnection, projects: &[i32], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from recent_requests where (project_id, fingerprint) in (
            select project_id, fingerprint from recent_requests
            where last_at < $2 or (project_id, fingerprint) in (
                select project_id, fingerprint from (
                    select project_id, fingerprint, row_number() over (partition by project_id order by last_at desc, fingerprint) as place
                    from recent_requests where project_id = any($1)) placed
                where place > $3)
            order by project_id, fingerprint for update skip locked)",
        projects,
        now - TimeDelta::days(KEPT_DAYS),
        KEPT
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// A line of the list.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) first_at: DateTime<Utc>,
    pub(super) last_at: DateTime<Utc>,
    pub(super) repeats: i64,
    pub(super) endpoint: String,
    pub(super) status: i16,
    pub(super) refusal: String,
    pub(super) detail: String,
    pub(super) left_out: Value,
    pub(super) dsn: String,
    pub(super) client: String,
    pub(super) address: String,
}

/// The lines of a project, or nobody's, the newest first.
pub(super) async fn list(db: &mut PgConnection, project: Option<ProjectId>, now: DateTime<Utc>) -> sqlx::Result<Vec<Shown>> {
    sqlx::query_as!(
        Shown,
        "select first_at, last_at, repeats, endpoint, status, refusal, detail, left_out, dsn, client, address
        from recent_requests where project_id = $1 and last_at >= $2
        order by last_at desc, fingerprint limit $3",
        project.map_or(0, |project| project.0),
        now - TimeDelta::days(KEPT_DAYS),
        KEPT
    )
    .fetch_all(db)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(project_id: Option<i32>, detail: &str, second: i64) -> Request {
        let at = DateTime::from_timestamp(1_795_530_000 + second, 0).unwrap();
        Request { at, project_id, detail: detail.to_owned(), address: "192.0.2.7".parse().ok(), ..Request::default() }
    }

    #[test]
    fn repeats_are_one_line_and_a_flood_takes_bounded_memory() {
        let log = RequestLog::default();
        for second in [5, 3, 9] {
            log.note(request(Some(1), "x", second));
        }
        for n in 0..1000 {
            log.note(request(None, &n.to_string(), 0));
        }
        for project in 0..3000 {
            log.note(request(Some(project), "y", 0));
        }
        let waiting = log.0.lock();
        let times = waiting[&1].iter().find(|(request, _)| request.detail == "x").unwrap().1;
        assert_eq!((times.repeats, (times.last - times.first).num_seconds()), (3, 6));
        assert_eq!((waiting[&0].len(), waiting.len()), (MAX_WAITING, MAX_PROJECTS));
    }

    #[test]
    fn addresses_of_projects_that_store_none_are_gone_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        // It knows no project: then nothing says that addresses may be stored.
        let registry = Registry::open(dir.path());
        let log = RequestLog::default();
        for address in ["192.0.2.7", "192.0.2.8"] {
            log.note(Request { address: address.parse().ok(), ..request(Some(1), "x", 0) });
            log.note(Request { address: address.parse().ok(), ..request(None, "x", 0) });
        }
        let waiting = completed(std::mem::take(&mut *log.0.lock()), &registry);
        let (request, times) = waiting[&1].iter().next().unwrap();
        assert_eq!((waiting[&1].len(), request.address, times.repeats), (1, None, 2));
        assert_eq!(waiting[&0].len(), 2, "administrators see who knocks");
    }
}
