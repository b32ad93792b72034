//! The SQL of `troubles`, and of mails that do not go out.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::found::Found;
use crate::platform::trouble::Trouble;

/// A mail that was tried and waits for so long is stuck.
const STUCK: TimeDelta = TimeDelta::minutes(30);

/// A trouble that is on.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) journal: Uuid,
    pub(super) words: String,
    pub(super) since: DateTime<Utc>,
    pub(super) told_at: Option<DateTime<Utc>>,
}

/// Those of a process and those of all, locked.
pub(super) async fn known(db: &mut PgConnection, journal: Uuid) -> sqlx::Result<Vec<Known>> {
    sqlx::query_as!(
        Known,
        "select name, journal, words, since, told_at from troubles where journal in ($1, $2) order by name, journal for update",
        journal,
        Uuid::nil()
    )
    .fetch_all(db)
    .await
}

/// Writes one that is on; false: another process has just written it.
pub(super) async fn put(
    db: &mut PgConnection,
    (journal, found): (Uuid, &Found),
    (since, now, told_at): (DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>),
) -> sqlx::Result<bool> {
    // One that is new here and known there was written by another process since this one looked.
    let put = sqlx::query!(
        "insert into troubles as t (name, journal, words, since, seen_at, told_at) values ($1, $2, $3, $4, $5, $6)
        on conflict (name, journal) do update set words = excluded.words, seen_at = excluded.seen_at, told_at = excluded.told_at
        where t.since = excluded.since",
        found.name,
        journal,
        found.words,
        since,
        now,
        told_at
    );
    Ok(put.execute(db).await?.rows_affected() > 0)
}

/// It is over; false: somebody else has seen that.
pub(super) async fn delete(db: &mut PgConnection, known: &Known) -> sqlx::Result<bool> {
    let gone = sqlx::query!("delete from troubles where name = $1 and journal = $2", known.name, known.journal);
    Ok(gone.execute(db).await?.rows_affected() > 0)
}

/// Forgets those of processes that are gone.
pub(super) async fn forget(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("delete from troubles where seen_at < $1", before).execute(db).await.map(|_| ())
}

/// All that are on.
pub(super) async fn all(db: &mut PgConnection) -> sqlx::Result<Vec<Trouble>> {
    sqlx::query_as!(Trouble, "select name, words from troubles order by since, name limit 20").fetch_all(db).await
}

/// Mails that do not go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stuck {
    pub(super) mails: i64,
    /// What was said to the last attempt.
    pub(super) said: String,
}

/// Mails that were tried and have waited for long; nothing: there are none.
pub(super) async fn stuck_mails(db: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Option<Stuck>> {
    // joins: mails, mail_attempts
    let row = sqlx::query!(
        r#"select count(*) as "mails!", max(m.reason) as said from mails m
        where m.status = 'queued' and m.created_at < $1 and exists (select from mail_attempts a where a.mail_id = m.mail_id and a.at < $1)"#,
        now - STUCK
    );
    let row = row.fetch_one(db).await?;
    Ok((row.mails > 0).then(|| Stuck { mails: row.mails, said: row.said.unwrap_or_default() }))
}
