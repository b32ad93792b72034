//! Users that are kept beside an issue while its own are found again.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use sqlx::PgConnection;

use super::model::Regrouping;
use crate::accounts::IssueId;
use crate::events::moving::{Bitmaps, pack};

/// Adds to the bitmaps that are kept beside an issue.
pub(super) async fn keep_users(
    db: &mut PgConnection,
    run: &Regrouping,
    (issue, kind): (IssueId, &str),
    more: &Bitmaps,
) -> anyhow::Result<()> {
    let mut all = kept_users(db, run, (issue, kind)).await?;
    for (chunk, bits) in more {
        *all.entry(*chunk).or_default() |= bits;
    }
    let packed = all.values().map(pack).collect::<anyhow::Result<Vec<_>>>()?;
    sqlx::query!(
        "insert into regrouping_users (project_id, regrouping_id, issue_id, kind, chunk, bitmap)
        select $1, $2, $3, $4, * from unnest($5::int[], $6::bytea[])
        on conflict (project_id, regrouping_id, issue_id, kind, chunk) do update set bitmap = excluded.bitmap",
        run.project.0,
        run.id,
        issue.0,
        kind,
        &all.keys().copied().collect::<Vec<_>>(),
        &packed
    )
    .execute(db)
    .await
    .map(|_| ())
    .map_err(Into::into)
}

/// The bitmaps that are kept beside an issue: `before`, `left` or `found`.
pub(super) async fn kept_users(db: &mut PgConnection, run: &Regrouping, (issue, kind): (IssueId, &str)) -> anyhow::Result<Bitmaps> {
    let rows = sqlx::query!(
        "select chunk, bitmap from regrouping_users where project_id = $1 and regrouping_id = $2 and issue_id = $3 and kind = $4",
        run.project.0,
        run.id,
        issue.0,
        kind
    );
    let rows = rows.fetch_all(db).await?;
    let rows = rows.into_iter().map(|row| Ok((row.chunk, RoaringBitmap::deserialize_from(row.bitmap.as_slice())?)));
    rows.collect::<anyhow::Result<BTreeMap<_, _>>>()
}

/// Forgets those bitmaps.
pub(super) async fn forget_users(db: &mut PgConnection, run: &Regrouping, issue: IssueId) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from regrouping_users where project_id = $1 and regrouping_id = $2 and issue_id = $3",
        run.project.0,
        run.id,
        issue.0
    )
    .execute(db)
    .await
    .map(|_| ())
}
