//! Full queues, full disks, failing disks.

use std::io::ErrorKind;

use super::*;

#[test]
fn a_full_queue_says_so_before_taking_anything_and_recovers_by_itself() {
    run(async {
        let disk = Disk::new();
        let journal = open_with(&disk, JournalOptions { max_bytes: 4000, ..options() }).0;
        let mut taken = 0;
        let error = loop {
            match journal.append(record(vec![b'x'; 100])).await {
                Ok(_) => taken += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, AppendError::Full { retry_after } if retry_after == Duration::from_secs(10)));
        assert!(matches!(journal.admit(100), Err(AppendError::Full { .. })));
        assert!(taken > 20 && journal.stats().bytes <= 4000, "{taken}");
        let operations = disk.operations();
        assert!(journal.append(record(vec![b'x'; 100])).await.is_err());
        assert_eq!(disk.operations(), operations, "nothing was touched");
        let entries = batch(&journal).await;
        assert_eq!(entries.len(), taken);
        journal.forget(&seqs(&entries));
        journal.settle().await;
        append(&journal, "again").await;
    });
}

#[test]
fn a_low_disk_says_so_and_is_noticed_to_be_well_again() {
    run(async {
        let disk = Disk::new();
        let journal = open_with(&disk, JournalOptions { min_free_disk: 1000, ..options() }).0;
        append(&journal, "fine").await;
        disk.set_free(999);
        append(&journal, "the disk is looked at with each group").await;
        let operations = disk.operations();
        let error = journal.append(record("low")).await.unwrap_err();
        assert!(matches!(error, AppendError::DiskLow { free: 999, .. }), "{error}");
        assert!(matches!(journal.spool().await, Err(AppendError::DiskLow { .. })));
        assert_eq!(disk.operations(), operations);
        disk.set_free(100_000);
        append(&journal, "well").await;
        assert_eq!(bodies(&batch(&journal).await), ["fine", "the disk is looked at with each group", "well"]);
    });
}

#[test]
fn a_record_above_the_limit_is_refused() {
    run(async {
        let journal = open_with(&Disk::new(), JournalOptions { max_record_bytes: 1000, ..options() }).0;
        assert!(matches!(journal.append(record(vec![0; 1001])).await, Err(AppendError::TooLarge { bytes: 1001 })));
        let seq = journal.append(record(vec![0; 1000])).await.unwrap();
        assert_eq!(seqs(&batch(&journal).await), [seq], "larger than a segment, still taken");
    });
}

#[test]
fn a_disk_that_is_full_refuses_loses_nothing_and_is_used_again_when_there_is_room() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        append(&journal, "before").await;
        disk.set_full(true);
        for _ in 0..3 {
            let error = journal.append(record("refused")).await.unwrap_err();
            assert!(matches!(error, AppendError::Io { kind: ErrorKind::StorageFull, .. }), "{error}");
        }
        let entries = batch(&journal).await;
        assert_eq!(bodies(&entries), ["before"], "reading goes on");
        journal.forget(&seqs(&entries));
        journal.settle().await;
        assert!(String::from_utf8_lossy(&disk.content(&segments(&disk)[0])).find("before").is_none(), "space is freed on a full disk");
        disk.set_full(false);
        append(&journal, "after").await;
        assert_eq!(journal.stats().write_failures, 3);
        let disk = disk.after_power_cut(disk::Luck::Nothing);
        let journal = open(&disk);
        let left = bodies(&batch(&journal).await);
        assert!(left == ["after"] || left == ["before", "after"], "{left:?}");
    });
}

#[test]
fn a_start_on_a_full_disk_serves_what_is_there() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        append(&journal, "a").await;
        journal.close().await;
        let disk = disk.copy();
        disk.set_full(true);
        let journal = open(&disk);
        assert!(journal.append(record("b")).await.is_err());
        let entries = batch(&journal).await;
        assert_eq!(bodies(&entries), ["a"]);
        journal.forget(&seqs(&entries));
        journal.settle().await;
        assert_eq!(journal.stats().bytes, 32);
    });
}

#[test]
fn after_a_failed_sync_the_file_is_left_and_everyone_in_the_group_is_told() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        append(&journal, "before").await;
        disk.hold_syncs(true);
        let mut held = Box::pin(journal.append(record("held")));
        assert!(futures_util::poll!(&mut held).is_pending());
        disk.wait_for_held_sync();
        let mut others: Vec<_> = (0..10).map(|_| Box::pin(journal.append(record("x".repeat(100))))).collect();
        for other in &mut others {
            assert!(futures_util::poll!(other).is_pending());
        }
        disk.fail_syncs(2);
        disk.hold_syncs(false);
        assert!(held.await.is_err());
        // Their group spans several segments; only the first of its syncs fails, still nobody in it is acknowledged.
        for other in others {
            assert!(matches!(other.await, Err(AppendError::Io { .. })));
        }
        append(&journal, "after").await;
        assert_eq!(bodies(&batch(&journal).await), ["before", "after"], "what was refused is not handed out");
        let (journal, report) = open_with(&disk.after_power_cut(disk::Luck::Nothing), options());
        assert_eq!(bodies(&batch(&journal).await), ["before", "after"]);
        assert_eq!(report.damaged, []);
    });
}

#[test]
fn what_was_refused_does_not_come_back_although_it_reached_the_disk() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        append(&journal, "before").await;
        // The write gets through, the sync fails, and so does cutting the file back.
        disk.fail_at(disk.operations() + 3, ErrorKind::Other);
        disk.fail_syncs(1);
        assert!(journal.append(record("refused")).await.is_err());
        append(&journal, "after").await;
        let disk = disk.copy();
        assert!(segments(&disk).iter().any(|path| String::from_utf8_lossy(&disk.content(path)).contains("refused")));
        assert_eq!(bodies(&batch(&open(&disk)).await), ["before", "after"]);
    });
}

#[test]
fn short_writes_are_completed() {
    run(async {
        let disk = Disk::new();
        disk.set_short_writes(7);
        let journal = open(&disk);
        append(&journal, "longer than seven bytes").await;
        let disk = disk.after_power_cut(disk::Luck::Nothing);
        assert_eq!(bodies(&batch(&open(&disk)).await), ["longer than seven bytes"]);
    });
}
