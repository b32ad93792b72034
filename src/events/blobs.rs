//! # Blobs that no row has
//! **Promise.** A blob that a row names is never deleted; one that no row names is gone some time later, whatever crashed in between.
//! **How.** A blob is noted as pending before it is stored; the transaction that writes its row takes the note out ([`claim`]), the one that drops
//! the row puts it back ([`super::partitions`]). [`Sweep`] deletes what has been pending for long and is in no row, holding the note's row lock: a digest that
//! wants the blob meanwhile waits, finds no note and stores the blob again.
//! **When it breaks.** A store that does not delete is asked again. A database that was restored from an older dump does not know of younger
//! blobs: they stay.
//! **Not here.** The store (`platform::blobs`).

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::accounts::ProjectId;
use crate::platform::App;
use crate::platform::blobs::BlobName;
use crate::platform::db::Db;
use crate::platform::periodic::{Periodic, Step};

/// How long a blob may be pending: far longer than a batch takes from note to row when nothing is wrong.
const GRACE: TimeDelta = TimeDelta::hours(1);
/// Blobs deleted in one step: its transaction holds their notes.
const BATCH: i64 = 100;

/// Notes blobs that are about to be stored; commits by itself.
pub async fn note(db: &Db, blobs: &[(ProjectId, &BlobName)], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into pending_blobs (project_id, blob, since) select project_id, blob, $3 from unnest($1::int[], $2::text[]) as noted (project_id, blob)
        on conflict (project_id, blob) do update set since = excluded.since",
        &blobs.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &blobs.iter().map(|(_, name)| name.as_str().to_owned()).collect::<Vec<_>>(),
        now
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Takes out the notes of blobs whose rows this transaction writes. False: one was swept meanwhile, and has to be stored again.
pub async fn claim(db: &mut PgConnection, blobs: &[(ProjectId, &BlobName)]) -> sqlx::Result<bool> {
    let claimed = sqlx::query!(
        "delete from pending_blobs p using unnest($1::int[], $2::text[]) as wanted (project_id, blob)
        where p.project_id = wanted.project_id and p.blob = wanted.blob",
        &blobs.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &blobs.iter().map(|(_, name)| name.as_str().to_owned()).collect::<Vec<_>>()
    );
    Ok(claimed.execute(db).await?.rows_affected() == blobs.len() as u64)
}

/// Deletes blobs that have been pending for long. Several processes may: each holds the notes that it works on.
pub struct Sweep;

impl Periodic for Sweep {
    const NAME: &'static str = "events.blobs";
    const EVERY: Duration = Duration::from_mins(10);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let mut tx = app.db.begin().await?;
        let pending = sqlx::query!(
            "select project_id, blob from pending_blobs where since <= $1 order by since limit $2 for update skip locked",
            app.clock.now() - GRACE,
            BATCH
        );
        let pending = pending.fetch_all(&mut *tx).await?;
        if pending.is_empty() {
            return Ok(Step::Idle);
        }
        let names: Vec<_> = pending.into_iter().map(|row| (row.project_id, row.blob)).collect();
        let mut deleted = 0;
        for (project, blob) in &names {
            let Some(name) = BlobName::parse(blob) else {
                tracing::error!("`{blob}` is no name of a blob; its note is dropped");
                continue;
            };
            if !is_owned(&mut tx, *project, &name).await? {
                app.blobs.remove(&name).await.with_context(|| format!("the blob {name} cannot be deleted"))?;
                deleted += 1;
            }
        }
        sqlx::query!(
            "delete from pending_blobs p using unnest($1::int[], $2::text[]) as gone (project_id, blob)
            where p.project_id = gone.project_id and p.blob = gone.blob",
            &names.iter().map(|(project, _)| *project).collect::<Vec<_>>(),
            &names.iter().map(|(_, blob)| blob.clone()).collect::<Vec<_>>()
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Step::More(format!("deleted {deleted} blobs that nothing names")))
    }
}

/// Whether a row has the blob: a record that was digested twice notes it again, and meets its own row.
async fn is_owned(db: &mut PgConnection, project: i32, name: &BlobName) -> sqlx::Result<bool> {
    let row = sqlx::query_scalar!(
        r#"select true as "is!" from attachments where project_id = $1 and day = $2 and blob = $3"#,
        project,
        name.day(),
        name.as_str()
    );
    Ok(row.fetch_optional(db).await?.is_some())
}
