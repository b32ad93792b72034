//! Burying, retrying, expiring.

use super::*;

async fn bury(journal: &Journal, body: &str, now: DateTime<Utc>) -> Seq {
    let file = spooled(journal, "attachment").await;
    let seq = journal.append(record(body).with_spool(vec![file])).await.unwrap();
    batch(journal).await;
    journal.bury(seq, &format!("poison: {body}"), now).await.unwrap();
    journal.forget_buried(seq);
    journal.settle().await;
    seq
}

#[test]
fn a_buried_record_is_kept_with_its_reason_and_leaves_the_queue() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        let seq = bury(&journal, "bad", at(5)).await;
        assert_eq!(journal.stats().records, 0);
        let disk = disk.after_power_cut(disk::Luck::Nothing);
        let (journal, report) = open_with(&disk, options());
        assert_eq!((report.records, report.orphans), (0, 0));
        let letters = journal.dead_letters();
        assert_eq!((letters.len(), letters[0].seq, letters[0].at, letters[0].buried_at), (1, seq, at(0), at(5)));
        assert_eq!(letters[0].reason, "poison: bad");
        assert_eq!(journal.read_dead_letter(seq).await.unwrap().unwrap(), "bad");
        assert_eq!(disk.names("/spool/").len(), 1, "its attachment stays with it");
        assert_eq!(journal.stats().dead_letter_bytes, letters[0].bytes);
        assert!(journal.delete_dead_letter(seq).await.unwrap());
        assert!(!journal.delete_dead_letter(seq).await.unwrap());
        assert!(disk.names("/spool/").is_empty() && disk.names(".dead").is_empty());
        assert_eq!(journal.read_dead_letter(seq).await.unwrap(), None);
    });
}

#[test]
fn a_retried_letter_comes_back_as_it_was() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        let seq = bury(&journal, "bad", at(5)).await;
        let new = journal.retry_dead_letter(seq, |body| body).await.unwrap().unwrap();
        assert!(new > seq);
        assert_eq!(journal.retry_dead_letter(seq, |body| body).await.unwrap(), None);
        let disk = disk.after_power_cut(disk::Luck::Nothing);
        let journal = open(&disk);
        assert!(journal.dead_letters().is_empty());
        let entries = batch(&journal).await;
        assert_eq!((bodies(&entries), entries[0].at), (vec!["bad".into()], at(0)));
        assert_eq!(disk.content(&journal.spool_path(entries[0].spool[0])), b"attachment");
    });
}

#[test]
fn a_burial_whose_mark_was_lost_is_finished_at_the_next_start() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        let bad = append(&journal, "bad").await;
        append(&journal, "neighbour, which keeps the segment").await;
        batch(&journal).await;
        journal.bury(bad, "why", at(0)).await.unwrap();
        journal.forget_buried(bad);
        journal.settle().await;
        let journal = open(&disk.after_power_cut(disk::Luck::Nothing));
        assert_eq!(bodies(&batch(&journal).await), ["neighbour, which keeps the segment"]);
        assert_eq!(journal.dead_letters().len(), 1);
    });
}

#[test]
fn a_retry_that_the_crash_cut_in_half_is_finished_at_the_next_start() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        let seq = bury(&journal, "bad", at(0)).await;
        disk.fail_at(disk.operations() + 3, io::ErrorKind::Other); // appended and synced, but not deleted
        journal.retry_dead_letter(seq, |body| body).await.unwrap().unwrap();
        assert_eq!(disk.names(".dead").len(), 1);
        let disk = disk.copy();
        let journal = open(&disk);
        assert!(journal.dead_letters().is_empty());
        let entries = batch(&journal).await;
        assert_eq!(bodies(&entries), ["bad"]);
        assert_eq!(disk.content(&journal.spool_path(entries[0].spool[0])), b"attachment");
    });
}

#[test]
fn only_a_record_that_is_out_can_be_buried() {
    run(async {
        let journal = open(&Disk::new());
        let seq = append(&journal, "unread").await;
        assert!(journal.bury(seq, "why", at(0)).await.is_err());
        assert_eq!(bodies(&batch(&journal).await), ["unread"]);
    });
}

#[test]
fn a_burial_that_the_disk_refuses_leaves_the_record_out() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        let seq = append(&journal, "bad").await;
        batch(&journal).await;
        disk.set_full(true);
        assert!(journal.bury(seq, "why", at(0)).await.is_err());
        journal.release(&[seq]);
        assert_eq!(bodies(&batch(&journal).await), ["bad"]);
        assert!(journal.dead_letters().is_empty());
    });
}

#[test]
fn letters_are_bounded_in_age_number_and_bytes_oldest_first() {
    run(async {
        let bounds = JournalOptions {
            dead_letter_max_age: Duration::from_secs(100),
            dead_letter_max_count: 3,
            dead_letter_max_bytes: 450,
            ..options()
        };
        let journal = open_with(&Disk::new(), bounds).0;
        for second in 0..5 {
            bury(&journal, &format!("{second}"), at(second)).await;
        }
        let kept = |journal: &Journal| journal.dead_letters().iter().map(|letter| letter.reason.clone()).collect::<Vec<_>>();
        assert_eq!(kept(&journal), ["poison: 2", "poison: 3", "poison: 4"]);
        bury(&journal, &"x".repeat(100), at(5)).await;
        assert_eq!(kept(&journal).len(), 2, "bytes");
        assert_eq!(journal.expire_dead_letters(at(104)).await.unwrap(), 0);
        assert_eq!(journal.expire_dead_letters(at(105)).await.unwrap(), 1);
        assert_eq!(journal.expire_dead_letters(at(106)).await.unwrap(), 1);
        assert_eq!((journal.stats().dead_letters, journal.stats().dead_letter_bytes), (0, 0));
        assert_eq!(journal.stats().bytes, 32, "attachments of expired letters are gone");
    });
}

#[test]
fn a_long_reason_is_cut_at_a_character() {
    run(async {
        let journal = open(&Disk::new());
        let seq = append(&journal, "bad").await;
        batch(&journal).await;
        journal.bury(seq, &"ä".repeat(5000), at(0)).await.unwrap();
        journal.forget_buried(seq);
        assert_eq!(journal.dead_letters()[0].reason, "ä".repeat(500));
    });
}
