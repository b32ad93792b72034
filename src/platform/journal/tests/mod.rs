//! The journal's promises, over a disk whose power can be cut (`disk`).

mod bounds;
mod crash;
mod damage;
mod dead_letters;
mod disk;
mod queueing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::*;
use disk::Disk;

const DIR: &str = "/journal";
const ALL: BatchLimits = BatchLimits { records: usize::MAX, bytes: usize::MAX };

/// Small segments, so that a handful of records already fills several; no waiting.
fn options() -> JournalOptions {
    JournalOptions { segment_bytes: 400, sync_interval: Duration::ZERO, ..JournalOptions::default() }
}

fn open_with(disk: &Disk, options: JournalOptions) -> (Journal, RecoveryReport) {
    Journal::open(Path::new(DIR), options, Arc::new(disk.clone())).unwrap()
}

fn open(disk: &Disk) -> Journal {
    open_with(disk, options()).0
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

fn record(body: impl Into<Vec<u8>>) -> Record {
    Record::new(at(0), body.into())
}

/// Runs async test code on this thread; the journal's own thread is beside it.
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

async fn append(journal: &Journal, body: &str) -> Seq {
    journal.append(record(body)).await.unwrap()
}

async fn batch(journal: &Journal) -> Vec<Entry> {
    journal.next_batch(ALL).await.unwrap()
}

fn bodies(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.body).into_owned()).collect()
}

fn seqs(entries: &[Entry]) -> Vec<Seq> {
    entries.iter().map(|entry| entry.seq).collect()
}

/// A finished spool file.
async fn spooled(journal: &Journal, content: &'static str) -> Spooled {
    let mut writer = journal.spool().await.unwrap();
    writer.write(Bytes::from_static(content.as_bytes())).await.unwrap();
    writer.finish().await.unwrap()
}

/// The segment files, oldest first.
fn segments(disk: &Disk) -> Vec<PathBuf> {
    disk.names(".seg")
}
