//! Events with files, and a server that is killed while it stores them.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::http::Connection;
use super::load::path;
use super::program::Program;
use super::{a_moment, settle, size};
use crate::attachments::{file, noise, with_files};
use crate::harness::error;

/// Files go to the spool from 128 KiB on, and into a blob from 32 KiB on.
const SIZES: [usize; 4] = [100, 60_000, 200_000, 700_000];

/// An attachment.
#[derive(Debug, sqlx::FromRow)]
struct Row {
    event_id: Uuid,
    sha256: Vec<u8>,
    content: Option<Vec<u8>>,
    blob: Option<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_while_it_stores_files_loses_none_and_keeps_each_once() {
    let (kills, events) = size((3, 12), (60, 30));
    let mut program = Program::new(None, &[]);
    program.start().await;
    program.says("ok").await;
    let target = program.project().await;
    for kill in 0..kills {
        let mut connection = Connection::open(&program.address().borrow()).await.unwrap();
        for number in kill * events..(kill + 1) * events {
            let files = [file("core", noise(number as u32, SIZES[number % SIZES.len()]))];
            let envelope = with_files(Some(error("Error")), number as u128, &files);
            assert_eq!(connection.post(&path(&target), &envelope).await.unwrap().status, 200);
        }
        a_moment(Duration::from_millis(400)).await;
        program.kill().await;
        program.start().await;
    }
    program.digested().await;
    let mut db = PgConnection::connect(&program.database_url()).await.unwrap();
    let rows: Vec<Row> = sqlx::query_as("select event_id, sha256, content, blob from attachments").fetch_all(&mut db).await.unwrap();
    let events_with: HashSet<Uuid> = rows.iter().map(|row| row.event_id).collect();
    assert_eq!((rows.len(), events_with.len()), (kills * events, kills * events), "a file for each event, and no second");
    for Row { event_id, sha256, content, blob } in rows {
        let bytes = content.unwrap_or_else(|| fs::read(program.data_dir().join("blobs").join(blob.unwrap())).unwrap());
        assert_eq!(Sha256::digest(bytes).to_vec(), sha256, "{event_id}");
    }
    db.close().await.unwrap();
    settle(program, kills * events).await;
}
