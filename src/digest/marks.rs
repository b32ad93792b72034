//! # Marks: which journal records are committed
//! **Promise.** A record whose batch was committed is not digested again, though the journal may hand it out again after a crash, and though a
//! connection may have died in the middle of `commit`: its outcome would be counted twice. **How.** Each batch writes the runs of its records'
//! numbers in its own transaction; a start reads the newest ones.
//! **When it breaks.** Without marks (they were deleted) a record meets its own event and counts as a duplicate: events stay exact.
//! **Not here.** Repeats by clients (`write`).

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::db::Db;
use crate::platform::journal::{Entry, Seq};

/// Batches remembered. The journal's own marks reach the disk within seconds; these cover minutes at full speed.
const KEPT: i64 = 1000;

/// Numbers from first to last, with the times of receipt they span.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u64,
    last: u64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
}

/// The marks of one journal.
#[derive(Debug)]
pub(super) struct Marks {
    journal: Uuid,
    batch: i64,
    before: Vec<Run>,
    /// The highest number in `before`: records beyond it, soon all, need no look.
    newest: u64,
}

impl Marks {
    /// Reads what was committed before this start.
    pub(super) async fn load(db: &Db, journal: Uuid) -> sqlx::Result<Self> {
        let rows =
            sqlx::query!("select batch, firsts, lasts, first_at, last_at from digest_marks where journal = $1 order by batch", journal);
        let rows = rows.fetch_all(db).await?;
        let batch = rows.last().map_or(0, |row| row.batch);
        let runs = rows.iter().flat_map(|row| {
            let run = |(first, last): (&i64, &i64)| Run {
                first: *first as u64,
                last: *last as u64,
                first_at: row.first_at,
                last_at: row.last_at,
            };
            row.firsts.iter().zip(&row.lasts).map(run)
        });
        let before: Vec<Run> = runs.collect();
        let newest = before.iter().map(|run| run.last).max().unwrap_or(0);
        Ok(Self { journal, batch, before, newest })
    }

    /// Whether the record was committed before this start.
    pub(super) fn contains(&self, entry: &Entry) -> bool {
        let seq = entry.seq.get();
        seq <= self.newest
            && self.before.iter().any(|run| run.first <= seq && seq <= run.last && run.first_at <= entry.at && entry.at <= run.last_at)
    }

    /// A number for the next batch.
    pub(super) fn next(&mut self) -> i64 {
        self.batch += 1;
        self.batch
    }

    /// Marks a batch in its transaction.
    pub(super) async fn write(&self, db: &mut PgConnection, batch: i64, records: &[(Seq, DateTime<Utc>)]) -> sqlx::Result<()> {
        let mut seqs: Vec<i64> = records.iter().map(|(seq, _)| seq.get() as i64).collect();
        seqs.sort_unstable();
        let (mut firsts, mut lasts) = (Vec::<i64>::new(), Vec::<i64>::new());
        for seq in seqs {
            match lasts.last_mut() {
                Some(last) if *last + 1 == seq => *last = seq,
                _ => {
                    firsts.push(seq);
                    lasts.push(seq);
                }
            }
        }
        let times = || records.iter().map(|(_, at)| *at);
        let (Some(first_at), Some(last_at)) = (times().min(), times().max()) else { return Ok(()) };
        sqlx::query!("insert into digest_marks values ($1, $2, $3, $4, $5, $6)", self.journal, batch, &firsts, &lasts, first_at, last_at)
            .execute(&mut *db)
            .await?;
        sqlx::query!("delete from digest_marks where journal = $1 and batch <= $2", self.journal, batch - KEPT).execute(db).await?;
        Ok(())
    }

    /// Whether a batch was committed although nobody heard of it.
    pub(super) async fn is_committed(&self, db: &Db, batch: i64) -> sqlx::Result<bool> {
        let row = sqlx::query_scalar!(r#"select true as "is!" from digest_marks where journal = $1 and batch = $2"#, self.journal, batch);
        Ok(row.fetch_optional(db).await?.is_some())
    }
}
