//! The tables of corrections.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Kind, Regrouping, State};
use super::plan::Part;
use crate::accounts::{IssueId, ProjectId, UserId};
use crate::events::moving::Cursor;
use crate::issues::moving::{Before, IssueHash};
use crate::issues::spikes;

struct Row {
    project_id: i32,
    regrouping_id: i64,
    kind: String,
    issue_id: Option<i64>,
    state: String,
    made_by: Option<i64>,
    made_at: DateTime<Utc>,
    rules: Value,
    at_day: Option<NaiveDate>,
    at_received: Option<DateTime<Utc>>,
    at_event: Option<Uuid>,
    until: Option<DateTime<Utc>>,
    looked_at: i64,
    moved: i64,
}

impl Row {
    fn read(self) -> Regrouping {
        let cursor = self.at_day.zip(self.at_received).zip(self.at_event);
        Regrouping {
            project: ProjectId(self.project_id),
            id: self.regrouping_id,
            kind: Kind::parse(&self.kind),
            issue: self.issue_id.map(IssueId),
            state: State::parse(&self.state),
            made_by: self.made_by,
            made_at: self.made_at,
            rules: self.rules,
            cursor: cursor.map(|((day, received), event)| Cursor { day, received, event }),
            until: self.until,
            looked_at: self.looked_at,
            moved: self.moved,
        }
    }
}

/// A new correction, as [`insert`] takes it.
#[derive(Debug)]
pub(super) struct New<'a> {
    pub(super) project: ProjectId,
    pub(super) kind: Kind,
    pub(super) issue: Option<IssueId>,
    pub(super) state: State,
    pub(super) by: Option<UserId>,
    pub(super) rules: &'a Value,
    pub(super) now: DateTime<Utc>,
}

/// Corrections, with the statement from its `join` or `where` on.
macro_rules! correction {
    ($rest:tt, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            "select r.project_id, r.regrouping_id, r.kind, r.issue_id, r.state, r.made_by, r.made_at, r.rules, r.at_day, r.at_received, r.at_event,
                r.until, r.looked_at, r.moved
            from regroupings r " + $rest,
            $($argument),+
        )
    };
}

/// Notes a correction; nothing when another one of the project is not finished.
pub(super) async fn insert(db: &mut PgConnection, new: &New<'_>) -> sqlx::Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "insert into regroupings (project_id, kind, issue_id, state, made_by, made_at, changed_at, until, rules)
        values ($1, $2, $3, $4, $5, $6, $6, $6, $7)
        on conflict (project_id) where state in ('planning', 'moving', 'settling', 'undoing', 'unsettling') do nothing
        returning regrouping_id",
        new.project.0,
        new.kind.name(),
        new.issue.map(|issue| issue.0),
        new.state.name(),
        new.by.map(|by| by.0),
        new.now,
        new.rules
    );
    id.fetch_optional(db).await
}

/// A correction with work left, locked, unless another process works on it.
pub(super) async fn claim(db: &mut PgConnection, only: Option<i64>) -> sqlx::Result<Option<Regrouping>> {
    let row = correction!(
        "where state in ('planning', 'moving', 'settling', 'undoing', 'unsettling') and ($1::bigint is null or regrouping_id = $1)
        order by changed_at limit 1 for update skip locked",
        only
    );
    Ok(row.fetch_optional(db).await?.map(Row::read))
}

/// A correction, locked.
pub(super) async fn locked(db: &mut PgConnection, project: ProjectId, id: i64) -> sqlx::Result<Option<Regrouping>> {
    let row = correction!("where project_id = $1 and regrouping_id = $2 for update", project.0, id);
    Ok(row.fetch_optional(db).await?.map(Row::read))
}

/// The newest corrections of a project by rules.
pub async fn latest(db: &mut PgConnection, project: ProjectId, limit: i64) -> sqlx::Result<Vec<Regrouping>> {
    let rows = correction!("where project_id = $1 and kind = 'rules' order by regrouping_id desc limit $2", project.0, limit);
    Ok(rows.fetch_all(db).await?.into_iter().map(Row::read).collect())
}

/// The newest corrections that touched an issue and are not undone.
pub async fn of_issue(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Vec<Regrouping>> {
    let rows = correction!(
        "join regrouping_issues i on i.project_id = r.project_id and i.regrouping_id = r.regrouping_id
        where r.project_id = $1 and i.project_id = $1 and i.issue_id = $2 and r.kind <> 'rules' and r.state not in ('undone', 'failed')
        order by r.regrouping_id desc limit 50",
        issue.project().0,
        issue.0
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(Row::read).collect())
}

/// Keeps the place and the counts of a correction.
pub(super) async fn keep_place(db: &mut PgConnection, run: &Regrouping, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update regroupings set state = $3, at_day = $4, at_received = $5, at_event = $6, looked_at = $7, moved = $8, changed_at = $9, until = $10
        where project_id = $1 and regrouping_id = $2",
        run.project.0,
        run.id,
        run.state.name(),
        run.cursor.map(|cursor| cursor.day),
        run.cursor.map(|cursor| cursor.received),
        run.cursor.map(|cursor| cursor.event),
        run.looked_at,
        run.moved,
        now,
        run.until
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Adds to what the stored events would become.
pub(super) async fn add_parts(db: &mut PgConnection, run: &Regrouping, parts: &[Part]) -> sqlx::Result<()> {
    for part in parts {
        sqlx::query!(
            "insert into regrouping_parts as p (project_id, regrouping_id, issue_id, hashes, events, first_at, sample, title)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (project_id, regrouping_id, issue_id, hashes)
            do update set events = p.events + excluded.events, first_at = least(p.first_at, excluded.first_at)",
            run.project.0,
            run.id,
            part.issue.0,
            &part.hashes,
            part.events,
            part.first_at,
            part.sample,
            part.title
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// What the stored events would become.
pub(super) async fn parts(db: &mut PgConnection, run: &Regrouping) -> sqlx::Result<Vec<Part>> {
    let rows = sqlx::query_as!(
        Part,
        r#"select issue_id as "issue: IssueId", hashes, events, first_at, sample, title from regrouping_parts
        where project_id = $1 and regrouping_id = $2"#,
        run.project.0,
        run.id
    );
    rows.fetch_all(db).await
}

/// Notes where hashes led until now; `None`: nowhere. What was noted before stays.
pub(super) async fn note_hashes(db: &mut PgConnection, run: (ProjectId, i64), hashes: &[(Uuid, Option<IssueHash>)]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into regrouping_hashes (project_id, regrouping_id, hash, before, before_decided)
        select $1, $2, * from unnest($3::uuid[], $4::bigint[], $5::bool[]) on conflict do nothing",
        run.0.0,
        run.1,
        &hashes.iter().map(|hash| hash.0).collect::<Vec<_>>(),
        &hashes.iter().map(|hash| hash.1.as_ref().map(|before| before.issue.0)).collect::<Vec<_>>() as &[Option<i64>],
        &hashes.iter().map(|hash| hash.1.as_ref().is_some_and(|before| before.decided)).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Where hashes led before.
pub(super) async fn hashes_before(db: &mut PgConnection, run: &Regrouping) -> sqlx::Result<Vec<IssueHash>> {
    let rows = sqlx::query_as!(
        IssueHash,
        r#"select hash, before as "issue!: IssueId", before_decided as decided from regrouping_hashes
        where project_id = $1 and regrouping_id = $2 and before is not null"#,
        run.project.0,
        run.id
    );
    rows.fetch_all(db).await
}

/// Notes issues as they are before they are changed. What was noted before stays. What the spike detector knows of them is not true any more.
pub(super) async fn note_issues(db: &mut PgConnection, run: (ProjectId, i64), issues: &[(Before, i64)], is_made: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into regrouping_issues (project_id, regrouping_id, is_made, issue_id, status, status_changed_at, status_changed_by, event_count, hour_count)
        select $1, $2, $3, * from unnest($4::bigint[], $5::text[], $6::timestamptz[], $7::bigint[], $8::bigint[], $9::bigint[]) on conflict do nothing",
        run.0.0,
        run.1,
        is_made,
        &issues.iter().map(|(before, _)| before.issue.0).collect::<Vec<_>>(),
        &issues.iter().map(|(before, _)| before.status.clone()).collect::<Vec<_>>(),
        &issues.iter().map(|(before, _)| before.status_changed_at).collect::<Vec<_>>(),
        &issues.iter().map(|(before, _)| before.status_changed_by).collect::<Vec<_>>() as &[Option<i64>],
        &issues.iter().map(|(before, _)| before.event_count).collect::<Vec<_>>(),
        &issues.iter().map(|(_, hours)| *hours).collect::<Vec<_>>()
    )
    .execute(&mut *db)
    .await?;
    spikes::forget(db, &issues.iter().map(|(before, _)| before.issue).collect::<Vec<_>>()).await
}

/// An issue that a correction touched.
#[derive(Debug, Clone)]
pub(super) struct Touched {
    /// As it was.
    pub(super) before: Before,
    /// Counted in hours.
    pub(super) hour_count: i64,
    /// Made by the correction.
    pub(super) is_made: bool,
    /// To be settled.
    pub(super) lost_events: bool,
    /// Being settled.
    pub(super) users_taken: bool,
}

/// The issues a correction touched, by number.
pub(super) async fn touched(db: &mut PgConnection, run: &Regrouping) -> sqlx::Result<Vec<Touched>> {
    let rows = sqlx::query!(
        r#"select issue_id as "issue: IssueId", status, status_changed_at, status_changed_by, event_count, hour_count, is_made, lost_events, users_taken
        from regrouping_issues where project_id = $1 and regrouping_id = $2 order by issue_id"#,
        run.project.0,
        run.id
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| Touched {
        before: Before {
            issue: row.issue,
            status: row.status,
            status_changed_at: row.status_changed_at,
            status_changed_by: row.status_changed_by,
            event_count: row.event_count,
            title: String::new(),
        },
        hour_count: row.hour_count,
        is_made: row.is_made,
        lost_events: row.lost_events,
        users_taken: row.users_taken,
    });
    Ok(rows.collect())
}

/// Marks issues as to be settled, as being settled, or as settled.
pub(super) async fn mark(db: &mut PgConnection, run: &Regrouping, issues: &[IssueId], (lost, taken): (bool, bool)) -> sqlx::Result<()> {
    sqlx::query!(
        "update regrouping_issues set lost_events = $4, users_taken = $5 where project_id = $1 and regrouping_id = $2 and issue_id = any($3)",
        run.project.0,
        run.id,
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>(),
        lost,
        taken
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Lets hashes that led nowhere before lead nowhere again, but for those under which events came meanwhile, and what somebody decided.
pub(super) async fn release(db: &mut PgConnection, run: &Regrouping) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from issue_hashes h using regrouping_hashes r
        where r.project_id = $1 and r.regrouping_id = $2 and r.before is null and h.project_id = $1 and h.hash = r.hash and not h.decided
            and not exists (select 1 from issue_hours c where c.project_id = $1 and c.issue_id = h.issue_id and c.hash = h.hash and c.events > 0)",
        run.project.0,
        run.id
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// A later correction that is in force and touched the same issues: whether it can be undone itself.
pub(super) async fn later(db: &mut PgConnection, run: &Regrouping) -> sqlx::Result<Option<bool>> {
    let states = sqlx::query_scalar!(
        "select state from regroupings r where r.project_id = $1 and r.regrouping_id > $2 and r.state not in ('undone', 'failed')
            and exists (select 1 from regrouping_issues a join regrouping_issues b on a.issue_id = b.issue_id
                where a.project_id = $1 and a.regrouping_id = $2 and b.project_id = $1 and b.regrouping_id = r.regrouping_id)",
        run.project.0,
        run.id
    );
    let states = states.fetch_all(db).await?;
    Ok((!states.is_empty()).then(|| states.iter().all(|state| state != "confirmed")))
}

/// Lets earlier corrections by rules stay: one that changes anything takes the place of what undoing them needs.
pub(super) async fn confirm_earlier(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<()> {
    sqlx::query!(
        "with done as (update regroupings set state = 'confirmed' where project_id = $1 and kind = 'rules' and state = 'done' returning regrouping_id)
        delete from regrouping_parts p using done where p.project_id = $1 and p.regrouping_id = done.regrouping_id",
        project.0
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// The issues that corrections of one project touched, by correction, but for those they are named by; ten of each.
pub async fn others(db: &mut PgConnection, project: ProjectId, runs: &[Regrouping]) -> sqlx::Result<HashMap<i64, Vec<IssueId>>> {
    let ids: Vec<i64> = runs.iter().map(|run| run.id).collect();
    let rows = sqlx::query!(
        r#"select o.regrouping_id, o.issue_id as "issue: IssueId" from regroupings r
        cross join lateral (
            select i.regrouping_id, i.issue_id from regrouping_issues i
            where i.project_id = r.project_id and i.regrouping_id = r.regrouping_id and i.issue_id is distinct from r.issue_id
            order by i.issue_id limit 10
        ) o
        where r.project_id = $1 and r.regrouping_id = any($2) order by o.regrouping_id, o.issue_id"#,
        project.0,
        &ids
    );
    let mut others = HashMap::<i64, Vec<IssueId>>::new();
    for row in rows.fetch_all(db).await? {
        others.entry(row.regrouping_id).or_default().push(row.issue);
    }
    Ok(others)
}

/// What stands for a finished correction only while it can be undone, or was needed to plan it.
pub(super) async fn forget_plan(db: &mut PgConnection, run: &Regrouping) -> sqlx::Result<()> {
    sqlx::query!("delete from regrouping_parts where project_id = $1 and regrouping_id = $2", run.project.0, run.id)
        .execute(db)
        .await
        .map(|_| ())
}
