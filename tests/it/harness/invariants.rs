//! What holds at the end of every test, whatever it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use roaring::RoaringBitmap;
use vedette::platform::db::Db;

use super::Server;

/// What a test says about its end. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    items: AtomicI64,
    waiting_jobs: AtomicI64,
    merged_bytes: AtomicI64,
    merged_files: AtomicI64,
}

impl Expected {
    /// So many more items were accepted (or counted although refused).
    pub(crate) fn add(&self, items: i64) {
        self.0.items.fetch_add(items, Ordering::SeqCst);
    }

    /// An attachment of so many bytes is stored as a part of its event.
    pub(crate) fn merged(&self, bytes: usize) {
        self.0.merged_bytes.fetch_add(bytes as i64, Ordering::SeqCst);
        self.0.merged_files.fetch_add(1, Ordering::SeqCst);
    }

    /// So many jobs that are due remain.
    pub(crate) fn waiting_jobs(&self, number: i64) {
        self.0.waiting_jobs.store(number, Ordering::SeqCst);
    }
}

async fn number(db: &Db, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

/// Checks the journals, the jobs, the outcomes and the counters.
pub(crate) async fn check(db: &Db, expected: &Expected, servers: &[Server], now: DateTime<Utc>) {
    let numbers = &expected.0;
    let waiting: u64 = servers.iter().map(|server| server.journal.stats().records).sum();
    assert_eq!(waiting, 0, "records that were not digested");
    let dead: usize = servers.iter().map(|server| server.journal.dead_letters().len()).sum();
    assert_eq!(dead, 0, "dead letters");
    let due = sqlx::query_scalar::<_, i64>("select count(*) from outbox where state = 'waiting' and run_at <= $1").bind(now);
    assert_eq!(due.fetch_one(db).await.unwrap(), numbers.waiting_jobs.load(Ordering::SeqCst), "jobs that are due");
    let dead_jobs = number(db, "select count(*) from outbox where state = 'dead'").await;
    assert_eq!(dead_jobs, 0, "dead jobs");
    let ended = number(db, "select coalesce(sum(quantity), 0)::bigint from outcomes where outcome <> 'discarded'").await;
    assert_eq!(ended, numbers.items.load(Ordering::SeqCst), "every accepted item has one outcome");
    check_counters(db, numbers).await;
    check_users(db).await;
}

async fn check_counters(db: &Db, numbers: &Numbers) {
    // Categories 4 and 22 are attachments, in bytes and in pieces; 14 is feedback.
    let stored =
        number(db, "select coalesce(sum(quantity), 0)::bigint from outcomes where outcome = 'stored' and category not in (4, 14, 22)")
            .await;
    assert_eq!(stored, number(db, "select count(*) from events").await, "stored outcomes and events");
    for (category, rows, merged) in [
        (4, "select coalesce(sum(greatest(size, 1)), 0)::bigint from attachments", &numbers.merged_bytes),
        (22, "select count(*) from attachments", &numbers.merged_files),
    ] {
        let stored = sqlx::query_scalar::<_, i64>(
            "select coalesce(sum(quantity), 0)::bigint from outcomes where outcome = 'stored' and category = $1",
        );
        let stored = stored.bind(category).fetch_one(db).await.unwrap();
        assert_eq!(stored, number(db, rows).await + merged.load(Ordering::SeqCst), "stored outcomes and attachments, category {category}");
    }
    let said = number(db, "select coalesce(sum(quantity), 0)::bigint from outcomes where outcome = 'stored' and category = 14").await;
    assert_eq!(said, number(db, "select count(*) from feedback").await, "stored outcomes and feedback");
    let wrong: Vec<(i32, i64, i64, i64, i64, i64)> = sqlx::query_as(
        "select * from (select i.project_id, i.issue_id, i.event_count,
            (select count(*) from events e where e.project_id = i.project_id and e.issue_id = i.issue_id) as rows,
            (select coalesce(sum(events), 0)::bigint from issue_hours h where h.project_id = i.project_id and h.issue_id = i.issue_id) as hours,
            (select coalesce(sum(events), 0)::bigint from issue_minutes m where m.project_id = i.project_id and m.issue_id = i.issue_id) as minutes
        from issues i) counts where event_count <> rows or rows <> hours or hours <> minutes",
    )
    .fetch_all(db)
    .await
    .unwrap();
    assert_eq!(wrong, [], "issue: event_count, rows, hours, minutes");
    let wrong: Vec<(i32, i64, i64, i64)> = sqlx::query_as(
        "select * from (select p.project_id,
            (select count(*) from events e where e.project_id = p.project_id) as rows,
            (select coalesce(sum(events), 0)::bigint from project_hours h where h.project_id = p.project_id) as hours,
            (select coalesce(sum(events), 0)::bigint from project_minutes m where m.project_id = p.project_id) as minutes
        from projects p) counts where rows <> hours or hours <> minutes",
    )
    .fetch_all(db)
    .await
    .unwrap();
    assert_eq!(wrong, [], "project: rows, hours, minutes");
    let strays = number(
        db,
        "select count(*) from events e where not exists (select 1 from issues i where i.project_id = e.project_id and i.issue_id = e.issue_id)",
    );
    assert_eq!(strays.await, 0, "events without issue");
    let unmapped = number(
        db,
        "select count(*) from events e where not exists (select 1 from issue_hashes h where h.project_id = e.project_id and h.hash = e.hash)",
    );
    assert_eq!(unmapped.await, 0, "events whose hash leads nowhere");
}

async fn check_users(db: &Db) {
    let bitmaps: Vec<(i64, Vec<u8>)> = sqlx::query_as("select issue_id, bitmap from issue_users").fetch_all(db).await.unwrap();
    let counts: Vec<(i64, i64)> = sqlx::query_as("select issue_id, user_count from issues").fetch_all(db).await.unwrap();
    for (issue, user_count) in counts {
        let bits = bitmaps
            .iter()
            .filter(|(id, _)| *id == issue)
            .map(|(_, bitmap)| RoaringBitmap::deserialize_from(bitmap.as_slice()).unwrap().len());
        assert_eq!(bits.sum::<u64>() as i64, user_count, "users of issue {issue}");
    }
}
