//! What goes wrong between a client and the blob store: nothing is lost, nothing is doubled, nothing is left.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use vedette::digest::{Digest, Hook};
use vedette::events::blobs::Sweep;
use vedette::events::partitions::{self, Retention};
use vedette::platform::journal::{BatchLimits, Record};
use vedette::platform::lifecycle::Tasks;
use vedette::platform::periodic::{Periodic, Step};
use vedette::platform::{App, Parts};
use vedette::web::urls;

use super::{file, files_below, noise, with_files};
use crate::harness::events::event_id;
use crate::harness::{TestApp, app_test, error};

const STORED: [&str; 3] = ["attachment stored 300000", "attachment_item stored 2", "error stored 1"];

/// An event with a spooled file and one from memory, both of them blobs.
fn crash() -> bytes::Bytes {
    with_files(Some(error("Boom")), 1, &[file("core", noise(1, 200_000)), file("log", noise(2, 100_000))])
}

async fn pending(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from pending_blobs").fetch_one(app.db()).await.unwrap()
}

/// Sweeps until there is nothing to do.
async fn sweep(app: &TestApp) {
    while Sweep.step(&app.app).await.unwrap() != Step::Idle {}
}

#[test]
fn a_blob_store_that_is_away_only_delays() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        fs::write(app.blobs_dir(), "in the way").unwrap();
        app.sdk(&shop).envelope(crash()).await.assert_ok();
        let mend = async {
            // Blobs are noted, then tried.
            while pending(app).await < 2 {}
            assert_eq!(app.stored().await, 0);
            fs::remove_file(app.blobs_dir()).unwrap();
        };
        tokio::join!(app.digest_all(), mend);
        app.run_jobs().await;
        assert_eq!(app.outcomes().await, STORED);
        assert_eq!((files_below(app.blobs_dir()).len(), pending(app).await), (2, 0));
    });
}

#[test]
fn events_do_not_wait_for_the_files_of_others() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        fs::write(app.blobs_dir(), "in the way").unwrap();
        let digest = Digest::new(app.app.clone(), Arc::clone(&app.journal), app.journal_id, app.registry.clone());
        let tasks = Tasks::new();
        Arc::new(digest).run(&tasks);
        for number in 1..=5 {
            let files = [file("core", noise(number as u32, 200_000))];
            app.sdk(&shop).envelope(with_files(Some(error("Boom")), number, &files)).await.assert_ok();
            app.sdk(&shop).capture(error("Boom").id(100 + number)).await.assert_ok();
            while app.stored().await < number as i64 {}
        }
        assert_eq!(app.outcomes().await, ["error stored 5"], "those without files");
        assert_eq!(app.journal.stats().records, 5);
        fs::remove_file(app.blobs_dir()).unwrap();
        while app.journal.stats().records > 0 {
            tokio::task::yield_now().await;
        }
        tasks.shut_down(std::time::Duration::from_secs(10)).await;
        assert_eq!(app.outcomes().await, ["attachment stored 1000000", "attachment_item stored 5", "error stored 10"]);
        app.run_jobs().await;
    });
}

#[test]
fn a_record_that_fails_alone_keeps_its_files_for_another_try() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.poison.lock().insert(event_id(1));
        app.sdk(&shop).envelope(crash()).await.assert_ok();
        app.sdk(&shop).capture(error("Boom").id(2)).await.assert_ok();
        app.digest_all().await;
        assert_eq!(
            app.outcomes().await,
            ["attachment invalid internal 300000", "attachment_item invalid internal 2", "error invalid internal 1", "error stored 1"]
        );
        // Its blobs were stored for nothing.
        assert_eq!((files_below(app.blobs_dir()).len(), pending(app).await), (2, 2));
        sweep(app).await;
        assert_eq!(files_below(app.blobs_dir()).len(), 2, "not so soon");
        app.clock.advance(TimeDelta::hours(2));
        sweep(app).await;
        assert_eq!((files_below(app.blobs_dir()), pending(app).await), (Vec::<PathBuf>::new(), 0));
        app.poison.lock().clear();
        let letter = app.journal.dead_letters().remove(0);
        let admin = app.admin("root").await;
        admin.post(&urls::dead_letter_retry(letter.seq.get()), &[]).await.assert_redirect(&urls::dead_letters());
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(app.outcomes().await, [STORED[0], STORED[1], "error stored 2"]);
        assert_eq!((files_below(app.blobs_dir()).len(), pending(app).await), (2, 0));
    });
}

#[test]
fn blobs_that_are_swept_before_their_rows_are_written_are_stored_again() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.sdk(&shop).envelope(crash()).await.assert_ok();
        // In the first transaction, between store and commit, hours pass and another process sweeps.
        let (calls, swept, inner) = (Arc::new(AtomicU32::new(0)), app.blobs_dir(), app.app.clone());
        let count = Arc::clone(&calls);
        let hook: Hook = Arc::new(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                assert_eq!(files_below(swept.clone()).len(), 2);
                inner.clock.advance(TimeDelta::hours(3));
                block_in_place(|| Handle::current().block_on(Sweep.step(&inner))).unwrap();
                assert_eq!(files_below(swept.clone()).len(), 0);
            }
            Ok(())
        });
        let digest = Digest::new(app.app.clone(), Arc::clone(&app.journal), app.journal_id, app.registry.clone()).with_hook(hook);
        assert_eq!(digest.drain().await.unwrap(), 1);
        app.run_jobs().await;
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        assert_eq!(app.outcomes().await, STORED);
        assert_eq!((files_below(app.blobs_dir()).len(), pending(app).await), (2, 0));
    });
}

#[test]
fn a_crash_between_commit_and_forgetting_doubles_nothing_and_loses_no_blob() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.sdk(&shop).envelope(crash()).await.assert_ok();
        app.sdk(&shop).envelope(with_files(None, 2, &[file("alone", noise(3, 200_000))])).await.assert_ok();
        let waiting = app.journal.next_batch(BatchLimits { records: 10, bytes: usize::MAX }).await.unwrap();
        assert_eq!(waiting.len(), 2);
        // A twin of the journal, with its files, digests them and dies.
        let twin = app.another_server();
        for entry in &waiting {
            let mut files = Vec::new();
            for id in &entry.spool {
                let mut copy = twin.journal.spool().await.unwrap();
                copy.write(fs::read(app.journal.spool_path(*id)).unwrap().into()).await.unwrap();
                files.push(copy.finish().await.unwrap());
            }
            let copy = Record::new(entry.at, entry.body.clone()).with_spool(files);
            assert_eq!(twin.journal.append(copy).await.unwrap(), entry.seq, "a copy of the journal");
        }
        let under_its_name = Digest::new(app.app.clone(), Arc::clone(&twin.journal), app.journal_id, app.registry.clone());
        assert_eq!(under_its_name.drain().await.unwrap(), 2);
        let stored = ["attachment stored 500000", "attachment_item stored 3", "error stored 1"];
        assert_eq!(app.outcomes().await, stored);
        // The worst case: the marks are gone too.
        sqlx::query("delete from digest_marks").execute(app.db()).await.unwrap();
        app.journal.release(&waiting.iter().map(|entry| entry.seq).collect::<Vec<_>>());
        assert_eq!(app.digest_all().await, 2);
        app.expected.add(500_004);
        app.run_jobs().await;
        let both = ["attachment duplicate 500000", "attachment stored 500000", "attachment_item duplicate 3", "attachment_item stored 3"];
        assert_eq!(app.outcomes().await[..4], both);
        // The same blobs were noted again; they have their rows.
        app.clock.advance(TimeDelta::hours(2));
        sweep(app).await;
        assert_eq!((files_below(app.blobs_dir()).len(), pending(app).await), (3, 0));
    });
}

#[test]
fn a_repeat_leaves_no_blob_behind() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        for _ in 0..2 {
            app.sdk(&shop).envelope(crash()).await.assert_ok();
            app.digest_all().await;
            app.clock.advance(TimeDelta::minutes(1));
        }
        app.run_jobs().await;
        assert_eq!(files_below(app.blobs_dir()).len(), 4, "stored before it was known as a repeat");
        app.clock.advance(TimeDelta::hours(2));
        sweep(app).await;
        assert_eq!((files_below(app.blobs_dir()).len(), pending(app).await), (2, 0));
    });
}

#[test]
fn a_record_without_its_spool_file_stops_nobody() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.sdk(&shop).envelope(crash()).await.assert_ok();
        let spooled = files_below(app.dir.path().join("journal/spool"));
        fs::remove_file(&spooled[0]).unwrap();
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(
            app.outcomes().await,
            [
                "attachment invalid no_data 200000",
                "attachment stored 100000",
                "attachment_item invalid no_data 1",
                "attachment_item stored 1",
                "error stored 1"
            ]
        );
    });
}

#[test]
fn files_go_with_their_day() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.sdk(&shop).envelope(with_files(None, 1, &[file("old", noise(1, 200_000)), file("small", "x")])).await.assert_ok();
        app.digest_all().await;
        app.clock.advance(TimeDelta::days(60));
        app.sdk(&shop).envelope(with_files(None, 2, &[file("new", noise(2, 200_000))])).await.assert_ok();
        app.digest_all().await;
        app.clock.advance(TimeDelta::days(40));
        while (Retention { days: 90 }).step(&app.app).await.unwrap() != Step::Idle {}
        // Their outcomes went too.
        app.expected.add(-200_003);
        let names: Vec<String> = sqlx::query_scalar("select filename from attachments").fetch_all(app.db()).await.unwrap();
        assert_eq!((names, pending(app).await), (vec!["new".to_owned()], 1));
        app.clock.advance(TimeDelta::hours(2));
        sweep(app).await;
        assert_eq!((files_below(app.blobs_dir()).len(), pending(app).await), (1, 0));
    });
}

#[test]
fn a_day_that_was_made_before_there_were_attachments_takes_them() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        partitions::make_ahead(app.db(), app.clock.now()).await.unwrap();
        sqlx::query("drop table attachments_20261124").execute(app.db()).await.unwrap();
        app.sdk(&shop).envelope(crash()).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(app.outcomes().await, STORED);
    });
}

/// The same parts with other blobs.
pub(super) fn with_blobs(app: &TestApp, blobs: vedette::platform::blobs::Blobs) -> App {
    let Parts { db, clock, ids, mailer, fetch, seal, outbox, url, .. } = &*app.app;
    let (db, clock, ids, outbox, url) = (db.clone(), clock.clone(), ids.clone(), outbox.clone(), url.clone());
    App::new(Parts { db, clock, ids, blobs, mailer: mailer.clone(), fetch: fetch.clone(), seal: seal.clone(), outbox, url })
}
