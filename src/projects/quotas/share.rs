//! Sharing: what this process took and dropped goes into `quota_states`, what all took comes back; limits that begin and end are facts.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::bucket::{Bucket, Size};
use super::{Cell, CellId, Quotas};
use crate::accounts::ProjectId;
use crate::platform::App;
use crate::platform::outbox;
use crate::projects::Registry;
use crate::protocol::quota::{Class, LimitName, Period};
use crate::protocol::rate_limits::Scope;

/// How often numbers are shared.
pub const EVERY: Duration = Duration::from_secs(5);
/// The kind of job: a limit begins to drop something.
pub const LIMIT_REACHED: &str = "quota.reached";
/// The kind of job: a limit drops nothing any more.
pub const LIMIT_ENDED: &str = "quota.ended";
/// Rows read at the start, and limits looked at for their end: as many as administrators made.
const MAX_ROWS: i64 = 100_000;

/// What there is to tell about a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitFact {
    /// The internal project number.
    pub project: i32,
    /// The key, if the limit is a key's; else 0.
    pub key: i32,
    /// [`LimitName::code`].
    pub code: String,
    /// The limit.
    pub max: i64,
    /// When it first dropped something.
    pub since: DateTime<Utc>,
    /// When it took again, once it has ended.
    pub until: Option<DateTime<Utc>>,
    /// What it dropped, as far as it is known.
    pub dropped: i64,
    /// It ended because somebody changed it.
    pub is_changed: bool,
}

/// A row of `quota_states`.
#[derive(Debug, Clone)]
struct Row {
    project_id: i32,
    key_id: i32,
    class: String,
    period: String,
    level: f64,
    level_at: DateTime<Utc>,
    max_count: i64,
    limited_since: Option<DateTime<Utc>>,
    limited_until: Option<DateTime<Utc>>,
    dropped: i64,
}

impl Row {
    /// Nothing for names that a newer program wrote.
    fn id(&self) -> Option<CellId> {
        let class = Class::ALL.into_iter().find(|class| class.name() == self.class)?;
        let period = Period::ALL.into_iter().find(|period| period.name() == self.period)?;
        Some(CellId { project_id: self.project_id, key_id: self.key_id, class, period })
    }

    fn fact(&self) -> Option<LimitFact> {
        let CellId { project_id, key_id, class, period } = self.id()?;
        let scope = if key_id == 0 { Scope::Project } else { Scope::Key };
        Some(LimitFact {
            project: project_id,
            key: key_id,
            code: LimitName { scope, class, period }.code(),
            max: self.max_count,
            since: self.limited_since?,
            until: None,
            dropped: self.dropped,
            is_changed: false,
        })
    }

    /// Adds what one process took and dropped.
    fn add(&mut self, cell: &Cell, size: Size, now: DateTime<Utc>) {
        // What was taken has drained since the first of it: SDKs that come back when they were told to find that place free. No less is used
        // than this process knows by itself.
        let (shared_at, now) = (self.level_at.timestamp_micros(), now.timestamp_micros());
        let mut bucket = Bucket { level: self.level, at: shared_at }.at(cell.first_taken, size);
        bucket.level += cell.taken as f64;
        bucket = bucket.at(now, size);
        self.level = bucket.level.max(cell.bucket.at(now, size).level);
        self.level_at = micros(bucket.at);
        if cell.dropped > 0 {
            self.max_count = size.max.cast_signed();
            self.limited_since = Some(self.limited_since.unwrap_or_else(|| micros(cell.first_dropped)));
            self.limited_until = self.limited_until.max(Some(micros(cell.closed_until)));
            self.dropped += cell.dropped.cast_signed();
        }
    }
}

fn micros(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at).unwrap_or_default()
}

/// How long a limit must have dropped nothing before it has ended: one that is reached again and again is one story.
const fn quiet(period: Period) -> TimeDelta {
    match period {
        Period::Minute => TimeDelta::minutes(10),
        Period::Hour => TimeDelta::hours(1),
        Period::Month => TimeDelta::zero(),
    }
}

/// One exchange with the database; how many facts came of it.
pub async fn share(quotas: &Quotas, registry: &Registry, app: &App) -> anyhow::Result<usize> {
    let now = app.clock.now();
    let (changes, is_loaded) = quotas.changes();
    let mut tx = app.db.begin().await?;
    let (mut shared, mut facts) = (Vec::new(), Vec::new());
    if !is_loaded {
        // What this process has used already comes below, with what it adds.
        shared = all(&mut tx).await?.into_iter().filter(|row| row.id().is_none_or(|id| !changes.contains_key(&id))).collect();
    }
    if !changes.is_empty() {
        let before = lock(&mut tx, &changes).await?;
        let rows: Vec<Row> = before.iter().cloned().map(|row| added(row, &changes, now)).collect();
        let begun = before.iter().zip(&rows).filter(|(before, after)| before.limited_since.is_none() && after.limited_since.is_some());
        facts.extend(begun.filter_map(|(_, after)| Some((LIMIT_REACHED, after.fact()?))));
        write(&mut tx, &rows).await?;
        shared.extend(rows);
    }
    let (over, told) = ended(limited(&mut tx).await?, registry, now);
    write(&mut tx, &over).await?;
    facts.extend(told.into_iter().map(|fact| (LIMIT_ENDED, fact)));
    for (kind, fact) in &facts {
        outbox::enqueue(&mut tx, kind, fact, now).await?;
    }
    tx.commit().await?;
    quotas.adopt(&shared, &changes);
    if !facts.is_empty() {
        app.outbox.wake();
    }
    Ok(facts.len())
}

fn added(mut row: Row, changes: &HashMap<CellId, Cell>, now: DateTime<Utc>) -> Row {
    if let Some((id, cell)) = row.id().and_then(|id| Some((id, changes.get(&id)?))) {
        row.add(cell, Size { max: cell.max, period: id.period }, now);
    }
    row
}

/// Of the limits that drop something those that are over: as rows without, and what is to be told of each.
fn ended(rows: Vec<Row>, registry: &Registry, now: DateTime<Utc>) -> (Vec<Row>, Vec<LimitFact>) {
    let (mut over, mut facts) = (Vec::new(), Vec::new());
    for mut row in rows {
        let (Some(id), Some(mut fact), Some(until)) = (row.id(), row.fact(), row.limited_until) else { continue };
        let current = registry.limit(ProjectId(id.project_id), id.key_id, (id.class, id.period));
        fact.is_changed = current.is_some_and(|max| max != Some(row.max_count.cast_unsigned()));
        if !fact.is_changed && now < until + quiet(id.period) {
            continue;
        }
        fact.until = Some(until.min(now));
        (row.limited_since, row.limited_until, row.dropped) = (None, None, 0);
        over.push(row);
        facts.push(fact);
    }
    (over, facts)
}

impl Quotas {
    /// What happened since the last share, and whether there was one.
    fn changes(&self) -> (HashMap<CellId, Cell>, bool) {
        let state = self.0.lock();
        let touched = state.cells.iter().filter(|(_, cell)| cell.taken > 0 || cell.dropped > 0);
        (touched.map(|(id, cell)| (*id, *cell)).collect(), state.is_loaded)
    }

    /// Takes over what all processes took. What happened while the share was on its way is kept for the next.
    fn adopt(&self, rows: &[Row], changes: &HashMap<CellId, Cell>) {
        let mut state = self.0.lock();
        state.is_loaded = true;
        for row in rows {
            let Some(id) = row.id() else { continue };
            let cell = state.cells.entry(id).or_insert_with(|| Cell::new(row.max_count.cast_unsigned()));
            if let Some(shared) = changes.get(&id) {
                cell.taken -= shared.taken;
                cell.dropped -= shared.dropped;
            }
            cell.bucket = Bucket { level: row.level + cell.taken as f64, at: row.level_at.timestamp_micros() };
            if row.max_count.cast_unsigned() == cell.max
                && let Some(until) = row.limited_until
            {
                cell.closed_until = cell.closed_until.max(until.timestamp_micros());
            }
        }
    }
}

/// What was used before this process started.
async fn all(db: &mut PgConnection) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        "select project_id, key_id, class, period, level, level_at, max_count, limited_since, limited_until, dropped
        from quota_states limit $1",
        MAX_ROWS
    )
    .fetch_all(db)
    .await
}

/// The rows of these cells, made where there are none, locked in one order.
async fn lock(db: &mut PgConnection, changes: &HashMap<CellId, Cell>) -> sqlx::Result<Vec<Row>> {
    let mut ids: Vec<&CellId> = changes.keys().collect();
    ids.sort_unstable();
    let projects: Vec<i32> = ids.iter().map(|id| id.project_id).collect();
    let keys: Vec<i32> = ids.iter().map(|id| id.key_id).collect();
    let classes: Vec<String> = ids.iter().map(|id| id.class.name().to_owned()).collect();
    let periods: Vec<String> = ids.iter().map(|id| id.period.name().to_owned()).collect();
    sqlx::query!(
        "insert into quota_states (project_id, key_id, class, period, level_at)
        select p, k, c, m, 'epoch' from unnest($1::int[], $2::int[], $3::text[], $4::text[]) as new (p, k, c, m)
        on conflict do nothing",
        &projects,
        &keys,
        &classes,
        &periods
    )
    .execute(&mut *db)
    .await?;
    sqlx::query_as!(
        Row,
        "select project_id, key_id, class, period, level, level_at, max_count, limited_since, limited_until, dropped
        from quota_states
        where (project_id, key_id, class, period) in (select * from unnest($1::int[], $2::int[], $3::text[], $4::text[]))
        order by project_id, key_id, class, period for update",
        &projects,
        &keys,
        &classes,
        &periods
    )
    .fetch_all(db)
    .await
}

/// The limits that drop something. One that another process is writing now is looked at the next time.
async fn limited(db: &mut PgConnection) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        "select project_id, key_id, class, period, level, level_at, max_count, limited_since, limited_until, dropped
        from quota_states where limited_since is not null
        order by project_id, key_id, class, period limit $1 for update skip locked",
        MAX_ROWS
    )
    .fetch_all(db)
    .await
}

async fn write(db: &mut PgConnection, rows: &[Row]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update quota_states q set level = n.level, level_at = n.level_at, max_count = n.max_count,
            limited_since = n.limited_since, limited_until = n.limited_until, dropped = n.dropped
        from unnest($1::int[], $2::int[], $3::text[], $4::text[], $5::float8[], $6::timestamptz[], $7::bigint[], $8::timestamptz[],
            $9::timestamptz[], $10::bigint[])
            as n (project_id, key_id, class, period, level, level_at, max_count, limited_since, limited_until, dropped)
        where q.project_id = n.project_id and q.key_id = n.key_id and q.class = n.class and q.period = n.period",
        &rows.iter().map(|row| row.project_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.key_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.class.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.period.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.level).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.level_at).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.max_count).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.limited_since).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &rows.iter().map(|row| row.limited_until).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &rows.iter().map(|row| row.dropped).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}
