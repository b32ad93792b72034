//! Order, batches, marks, the life of a segment, the spool.

use futures_util::future::join_all;
use futures_util::poll;

use super::*;

#[test]
fn records_come_out_in_order_once_with_all_they_had() {
    run(async {
        let journal = open(&Disk::new());
        for number in 0..20 {
            journal.append(Record::new(at(number), format!("record {number}"))).await.unwrap();
        }
        let first = journal.next_batch(BatchLimits { records: 7, bytes: usize::MAX }).await.unwrap();
        let second = batch(&journal).await;
        assert_eq!((first.len(), second.len()), (7, 13));
        for (number, entry) in (0..).zip(first.iter().chain(&second)) {
            assert_eq!(entry.body, format!("record {number}"));
            assert_eq!(entry.at, at(number));
        }
        assert!(batch(&journal).await.is_empty());
        let mut numbers: Vec<_> = seqs(&first).into_iter().chain(seqs(&second)).collect();
        assert!(numbers.is_sorted());
        numbers.dedup();
        assert_eq!(numbers.len(), 20);
    });
}

#[test]
fn a_batch_holds_what_its_limits_allow_and_at_least_one() {
    run(async {
        let journal = open(&Disk::new());
        for len in [100, 50, 60, 1] {
            journal.append(record(vec![b'x'; len])).await.unwrap();
        }
        let mut lens = Vec::new();
        for _ in 0..3 {
            let entries = journal.next_batch(BatchLimits { records: 9, bytes: 70 }).await.unwrap();
            lens.push(entries.iter().map(|entry| entry.body.len()).collect::<Vec<_>>());
        }
        assert_eq!(lens, [vec![100], vec![50], vec![60, 1]]);
    });
}

#[test]
fn those_who_wait_share_one_sync_and_nobody_is_answered_before_it() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        append(&journal, "makes the segment").await;
        disk.hold_syncs(true);
        let mut first = Box::pin(journal.append(record("first")));
        assert!(poll!(&mut first).is_pending());
        disk.wait_for_held_sync();
        let mut others: Vec<_> = (0..5).map(|_| Box::pin(journal.append(record("o")))).collect();
        for other in &mut others {
            assert!(poll!(other).is_pending());
        }
        assert!(poll!(&mut first).is_pending());
        assert_eq!(bodies(&batch(&journal).await), ["makes the segment"], "what is not synced is not handed out");
        disk.hold_syncs(false);
        first.await.unwrap();
        assert!(join_all(others).await.into_iter().all(|answer| answer.is_ok()));
        assert_eq!(journal.stats().syncs, 3);
        assert_eq!(journal.stats().sync_histogram.iter().sum::<u64>(), 3);
    });
}

#[test]
fn a_failed_record_stays_while_later_ones_are_forgotten() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        for name in ["a", "b", "c", "d"] {
            append(&journal, name).await;
        }
        let entries = batch(&journal).await;
        journal.forget(&[entries[0].seq, entries[2].seq, entries[3].seq]);
        journal.release(&[entries[1].seq]);
        assert_eq!(bodies(&batch(&journal).await), ["b"]);
        assert_eq!(journal.stats().records, 1);
        journal.close().await;
        assert_eq!(bodies(&batch(&open(&disk.copy())).await), ["b"]);
    });
}

#[test]
fn forgetting_twice_or_what_is_unknown_changes_nothing() {
    run(async {
        let journal = open(&Disk::new());
        for name in ["a", "b"] {
            append(&journal, name).await;
        }
        let a = journal.next_batch(BatchLimits { records: 1, bytes: usize::MAX }).await.unwrap()[0].seq;
        journal.forget(&[a, a, Seq(u64::MAX)]);
        journal.forget(&[a]);
        journal.release(&[a]);
        assert_eq!(journal.stats().records, 1);
        assert_eq!(bodies(&batch(&journal).await), ["b"]);
    });
}

#[test]
fn drained_segments_are_deleted_and_the_last_is_emptied() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        let secret = "unscrubbed secret ".repeat(4);
        for _ in 0..20 {
            append(&journal, &secret).await;
        }
        assert!(segments(&disk).len() > 4);
        let entries = batch(&journal).await;
        let (last, rest) = entries.split_last().unwrap();
        journal.forget(&seqs(rest));
        journal.settle().await;
        assert_eq!(segments(&disk).len(), 1);
        journal.forget(&[last.seq]);
        journal.settle().await;
        let left: Vec<_> = disk.names("").iter().map(|path| disk.content(path)).collect();
        assert!(left.iter().all(|content| !String::from_utf8_lossy(content).contains("secret")), "{left:?}");
        assert_eq!(journal.stats().bytes, 32, "one header");
        let next = append(&journal, "next").await;
        assert!(next > last.seq);
        assert_eq!(bodies(&batch(&journal).await), ["next"]);
        journal.close().await;
        let (journal, report) = open_with(&disk.copy(), options());
        assert_eq!((report.records, report.damaged, report.torn_tails), (1, vec![], 0));
        assert_eq!(bodies(&batch(&journal).await), ["next"]);
    });
}

#[test]
fn numbers_are_never_given_twice_also_over_restarts_of_an_empty_queue() {
    run(async {
        let mut disk = Disk::new();
        let mut last = Seq(0);
        for _ in 0..5 {
            let journal = open(&disk);
            let seq = append(&journal, "x").await;
            assert!(seq > last);
            last = seq;
            let entries = batch(&journal).await;
            journal.forget(&seqs(&entries));
            journal.close().await;
            disk = disk.copy();
        }
    });
}

#[test]
fn a_waiting_reader_learns_of_new_and_of_released_records() {
    run(async {
        let journal = open(&Disk::new());
        let mut waiting = Box::pin(journal.wait_for_records());
        assert!(poll!(&mut waiting).is_pending());
        append(&journal, "a").await;
        waiting.await;
        let entries = batch(&journal).await;
        let mut waiting = Box::pin(journal.wait_for_records());
        assert!(poll!(&mut waiting).is_pending());
        journal.release(&seqs(&entries));
        waiting.await;
        assert_eq!(bodies(&batch(&journal).await), ["a"]);
    });
}

#[test]
fn a_directory_belongs_to_one_journal() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        let error = Journal::open(Path::new(DIR), options(), Arc::new(disk.clone())).unwrap_err();
        assert_eq!(error.to_string(), "the journal directory /journal is in use by another vedette process");
        journal.close().await;
        assert!(matches!(journal.append(record("late")).await, Err(AppendError::Closed)));
        open(&disk);
    });
}

#[test]
fn a_spool_file_lives_as_long_as_its_record() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        let file = spooled(&journal, "minidump").await;
        let path = journal.spool_path(file.id());
        journal.append(record("crash").with_spool(vec![file])).await.unwrap();
        drop(spooled(&journal, "nobody wants me").await);
        assert_eq!(disk.names("/spool/"), std::slice::from_ref(&path));
        let disk = disk.after_power_cut(disk::Luck::Nothing);
        let (journal, report) = open_with(&disk, options());
        assert_eq!(report.orphans, 1, "deleted before the power went, but the deletion was not synced");
        let entries = batch(&journal).await;
        assert_eq!(journal.spool_path(entries[0].spool[0]), path);
        assert_eq!(disk.content(&path), b"minidump");
        journal.forget(&seqs(&entries));
        journal.settle().await;
        assert!(disk.names("/spool/").is_empty());
        assert_eq!(journal.stats().bytes, 32);
    });
}

#[test]
fn spool_files_without_a_record_are_swept_at_start() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        let orphan = spooled(&journal, "the process dies now").await;
        let disk = disk.copy();
        let (journal, report) = open_with(&disk, options());
        assert_eq!(report.orphans, 1);
        assert!(disk.names("/spool/").is_empty());
        let id = spooled(&journal, "fresh").await.id();
        assert_eq!(journal.spool_path(id), Path::new("/journal/spool").join(id.to_string()));
        drop(orphan);
    });
}

#[test]
fn the_oldest_age_follows_the_oldest_record_that_is_not_done() {
    run(async {
        let journal = open(&Disk::new());
        assert_eq!(journal.stats().oldest_at, None);
        for second in [10, 20, 30] {
            journal.append(Record::new(at(second), "x")).await.unwrap();
        }
        assert_eq!(journal.stats().oldest_at, Some(at(10)));
        let entries = batch(&journal).await;
        journal.forget(&[entries[1].seq]);
        assert_eq!(journal.stats().oldest_at, Some(at(10)));
        journal.forget(&[entries[0].seq]);
        assert_eq!(journal.stats().oldest_at, Some(at(30)));
        assert_eq!((journal.stats().records, journal.stats().in_flight), (1, 1));
        journal.forget(&[entries[2].seq]);
        assert_eq!(journal.stats().oldest_at, None);
    });
}

#[test]
fn over_the_real_file_system_it_is_the_same_and_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    run(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let open = || Journal::open(&path, options(), Arc::new(OsFiles));
        let (journal, report) = open().unwrap();
        assert_eq!(report, RecoveryReport::default());
        let file = spooled(&journal, "minidump").await;
        journal.append(record("crash").with_spool(vec![file])).await.unwrap();
        let poison = append(&journal, "poison").await;
        append(&journal, "waits").await;
        let entries = batch(&journal).await;
        journal.bury(poison, "why", at(0)).await.unwrap();
        journal.forget_buried(poison);
        journal.settle().await;
        assert!(matches!(open(), Err(OpenError::Locked { .. })));
        let mut files = 0;
        for folder in ["", "spool", "dead"] {
            for entry in std::fs::read_dir(path.join(folder)).unwrap() {
                let meta = entry.unwrap().metadata().unwrap();
                assert_eq!(meta.permissions().mode() & 0o077, 0);
                files += usize::from(meta.is_file());
            }
        }
        assert_eq!(files, 5, "lock, segment, marks, letter, spool file");
        assert_eq!(std::fs::read(journal.spool_path(entries[0].spool[0])).unwrap(), b"minidump");
        journal.forget(&[entries[0].seq]);
        journal.close().await;
        let (journal, report) = open().unwrap();
        assert_eq!((report.records, report.done), (1, 2));
        assert_eq!(bodies(&batch(&journal).await), ["waits"]);
    });
}
