//! Flipped bits, lost pages, torn tails, bad sectors, forged frames.

use super::*;

/// Five records in one segment, closed; the disk and the segment's path.
fn five() -> (Disk, PathBuf) {
    let disk = Disk::new();
    run(async {
        let journal = open_with(&disk, JournalOptions { segment_bytes: 10_000, ..options() }).0;
        for name in ["one", "two", "three", "four", "five"] {
            append(&journal, name).await;
        }
        journal.close().await;
    });
    let path = segments(&disk)[0].clone();
    (disk, path)
}

#[test]
fn a_flipped_bit_costs_at_most_the_record_it_is_in() {
    let (disk, path) = five();
    let content = disk.content(&path);
    let starts: Vec<usize> =
        ["one", "two", "three", "four", "five"].iter().scan(32, |at, name| Some(std::mem::replace(at, *at + 40 + name.len()))).collect();
    for byte in 0..content.len() {
        let disk = disk.copy();
        disk.tamper(&path, |bytes| bytes[byte] ^= 1 << (byte % 8));
        let (journal, report) = open_with(&disk, options());
        let hit = starts.iter().rposition(|start| *start <= byte);
        let expected: Vec<_> = ["one", "two", "three", "four", "five"]
            .into_iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != hit)
            .map(|(_, name)| name)
            .collect();
        assert_eq!(bodies(&run(batch(&journal))), expected, "byte {byte}");
        assert_eq!(report.damaged.len() + report.torn_tails, 1, "byte {byte}: {report:?}");
        assert_eq!(report.torn_tails, usize::from(hit == Some(4)), "byte {byte}");
        let seq = run(append(&journal, "six"));
        assert_eq!(seqs(&run(batch(&journal))), [seq]);
    }
}

#[test]
fn a_lost_page_costs_the_records_in_it_and_no_others() {
    let (disk, path) = five();
    let len = disk.content(&path).len();
    for start in 0..len {
        for end in [1, 8, 39, 40, 44, 90, len].map(|size| (start + size).min(len)) {
            let disk = disk.copy();
            disk.tamper(&path, |bytes| bytes[start..end].fill(0));
            let journal = open(&disk);
            let left = bodies(&run(batch(&journal)));
            let mut at = 32;
            for name in ["one", "two", "three", "four", "five"] {
                let own = at..at + 40 + name.len();
                let touched = start < own.end && own.start < end;
                assert!(touched || left.contains(&name.to_owned()), "{start}..{end} lost {name}: {left:?}");
                at = own.end;
            }
        }
    }
}

#[test]
fn a_torn_tail_is_cut_off_once() {
    let (disk, path) = five();
    let whole = disk.content(&path);
    let last = whole.len() - 44;
    for cut in last + 1..whole.len() {
        let disk = disk.copy();
        disk.tamper(&path, |bytes| bytes.truncate(cut));
        let (journal, report) = open_with(&disk, options());
        assert_eq!((report.torn_tails, report.records), (1, 4));
        assert_eq!(bodies(&run(batch(&journal))), ["one", "two", "three", "four"]);
        let (_, again) = open_with(&disk.after_power_cut(disk::Luck::Nothing), options());
        assert_eq!((again.torn_tails, again.records), (0, 4));
    }
}

#[test]
fn rot_between_the_write_and_the_read_is_counted_and_stepped_over() {
    run(async {
        let disk = Disk::new();
        let journal = open_with(&disk, JournalOptions { segment_bytes: 10_000, ..options() }).0;
        for name in ["one", "two", "three", "four", "last"] {
            append(&journal, name).await;
        }
        disk.tamper(&segments(&disk)[0], |bytes| {
            bytes[32 + 43 + 40] ^= 1; // the body of "two"
            bytes[32 + 43 + 43 + 5] ^= 1; // the header of "three"
            *bytes.last_mut().unwrap() ^= 1; // the body of "last"
        });
        let entries = batch(&journal).await;
        assert_eq!(bodies(&entries), ["one", "four"]);
        assert_eq!(journal.stats().damaged_records, 3);
        journal.forget(&seqs(&entries));
        journal.settle().await;
        assert_eq!((journal.stats().records, journal.stats().bytes), (0, 32), "damage does not keep the segment");
    });
}

#[test]
fn a_frame_inside_a_hostile_body_is_never_taken_for_a_record() {
    // The attacker knows the format and even another segment's frames, but not this segment's salt.
    let (other, path) = five();
    run(async {
        let stolen = other.content(&path)[32..].to_vec();
        let disk = Disk::new();
        let journal = open_with(&disk, JournalOptions { segment_bytes: 10_000, ..options() }).0;
        journal.append(record(stolen)).await.unwrap();
        append(&journal, "neighbour").await;
        journal.close().await;
        let disk = disk.copy();
        disk.tamper(&segments(&disk)[0], |bytes| bytes[33] ^= 1); // the outer header goes, the search begins
        assert_eq!(bodies(&batch(&open(&disk)).await), ["neighbour"]);
    });
}

#[test]
fn a_segment_that_cannot_be_read_is_left_while_the_others_go_on() {
    run(async {
        let disk = Disk::new();
        let journal = open(&disk);
        for number in 0..8 {
            append(&journal, &format!("{number}{}", "x".repeat(140))).await;
        }
        let files = segments(&disk);
        let bad = files[1].to_str().unwrap();
        disk.set_unreadable(Some(bad));
        let first = batch(&journal).await;
        assert_eq!(first.len(), 2);
        assert!(journal.next_batch(ALL).await.is_err());
        let rest = loop {
            match journal.next_batch(ALL).await {
                Ok(entries) => break entries,
                Err(_) => assert!(journal.stats().unreadable_segments < 2),
            }
        };
        assert_eq!(rest.len(), 4);
        assert_eq!(journal.stats().unreadable_segments, 1);
        journal.forget(&seqs(&first));
        journal.forget(&seqs(&rest));
        journal.settle().await;
        // The next start cannot read it either, the one after can.
        let disk = disk.copy();
        disk.set_unreadable(Some(bad));
        let (journal, report) = open_with(&disk, options());
        assert_eq!((report.unreadable.len(), report.records), (1, 0));
        let seq = append(&journal, "new").await;
        assert!(seq > rest[3].seq);
        journal.close().await;
        let left = batch(&open(&disk.copy())).await;
        assert_eq!(left.len(), 3);
        assert!(bodies(&left)[0].starts_with('2') && bodies(&left)[1].starts_with('3'));
    });
}

#[test]
fn a_later_format_is_refused_by_name() {
    let (disk, path) = five();
    let disk = disk.copy();
    disk.tamper(&path, |bytes| {
        bytes[6] = 2;
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[..28]);
        bytes[28..32].copy_from_slice(&crc.sum().to_le_bytes());
    });
    let error = Journal::open(Path::new(DIR), options(), Arc::new(disk)).unwrap_err();
    assert!(matches!(error, OpenError::Version { version: 2, .. }), "{error}");
}
