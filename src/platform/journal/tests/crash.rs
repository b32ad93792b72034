//! The main promise: whatever is done, whenever the power goes, whatever luck the unsynced bytes had, what was acknowledged is there.
//! A schedule of verbs runs against the journal and a model of what must, may and must not be found afterwards; then it is opened again.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use futures_util::future::join_all;
use proptest::prelude::*;

use super::disk::Luck;
use super::*;

/// What a caller does.
#[derive(Debug, Clone, Copy)]
enum Verb {
    /// So many appends at once.
    Append(usize),
    /// One with an attachment.
    AppendSpooled,
    /// Takes at most so many records.
    Take(usize),
    /// Forgets one of the records that are out.
    Forget(usize),
    ForgetAll,
    ReleaseAll,
    /// Buries one of the records that are out.
    Bury(usize),
    RetryDeadLetter,
    Settle,
}

/// What is known of one body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Not acknowledged: may be there or not.
    Refused,
    /// Must be in the queue or among the dead letters.
    Acknowledged,
    /// May come back (the mark needs no sync), need not.
    Forgotten,
}

/// The caller's memory.
#[derive(Default)]
struct Model {
    fates: BTreeMap<String, Fate>,
    out: Vec<Entry>,
    last_seq: Option<Seq>,
    retried: Vec<String>,
}

impl Model {
    async fn run(&mut self, journal: &Journal, verb: Verb) {
        match verb {
            Verb::Append(count) => {
                let names: Vec<_> = (0..count).map(|_| self.name("plain")).collect();
                let answers = join_all(names.iter().map(|name| journal.append(record(name.as_bytes())))).await;
                names.into_iter().zip(answers).for_each(|(name, answer)| self.note_append(name, &answer));
            }
            Verb::AppendSpooled => {
                let name = self.name("spooled");
                let Ok(mut writer) = journal.spool().await else { return };
                if writer.write(Bytes::from(format!("file of {name}"))).await.is_err() {
                    return;
                }
                let Ok(file) = writer.finish().await else { return };
                let answer = journal.append(record(name.as_bytes()).with_spool(vec![file])).await;
                self.note_append(name, &answer);
            }
            Verb::Take(count) => {
                let entries = journal.next_batch(BatchLimits { records: count, bytes: usize::MAX }).await.unwrap_or_default();
                for entry in &entries {
                    let fate = self.fates[&body(entry)];
                    // A letter that could not be deleted after its retry may be retried once more.
                    let twice = self.retried.contains(&body(entry));
                    assert!(fate == Fate::Acknowledged || twice, "{} was handed out", body(entry));
                    assert!(!self.out.iter().any(|out| out.seq == entry.seq), "{} was handed out twice", body(entry));
                }
                self.out.extend(entries);
            }
            Verb::Forget(index) if !self.out.is_empty() => {
                let entry = self.out.remove(index % self.out.len());
                self.fates.insert(body(&entry), Fate::Forgotten);
                journal.forget(&[entry.seq]);
            }
            Verb::ForgetAll => {
                journal.forget(&seqs(&self.out));
                for entry in std::mem::take(&mut self.out) {
                    self.fates.insert(body(&entry), Fate::Forgotten);
                }
            }
            Verb::ReleaseAll => journal.release(&seqs(&std::mem::take(&mut self.out))),
            Verb::Bury(index) if !self.out.is_empty() => {
                let index = index % self.out.len();
                if journal.bury(self.out[index].seq, "poison", at(9)).await.is_ok() {
                    journal.forget_buried(self.out[index].seq);
                    self.out.remove(index);
                }
            }
            Verb::RetryDeadLetter => {
                if let Some(letter) = journal.dead_letters().first()
                    && let Ok(Some(bytes)) = journal.read_dead_letter(letter.seq).await
                {
                    self.retried.extend(String::from_utf8(bytes.to_vec()));
                    let _ = journal.retry_dead_letter(letter.seq, |body| body).await;
                }
            }
            Verb::Settle => journal.settle().await,
            Verb::Forget(_) | Verb::Bury(_) => {}
        }
    }

    fn name(&mut self, kind: &str) -> String {
        let name = format!("{kind} {} {}", self.fates.len(), "x".repeat(self.fates.len() * 37 % 90));
        self.fates.insert(name.clone(), Fate::Refused);
        name
    }

    fn note_append(&mut self, name: String, answer: &Result<Seq, AppendError>) {
        if let Ok(seq) = *answer {
            self.fates.insert(name, Fate::Acknowledged);
            self.last_seq = self.last_seq.max(Some(seq));
        }
    }

    /// Opens the disk after the cut and compares.
    async fn check(&self, disk: &Disk) {
        let (journal, report) = open_with(disk, options());
        assert_eq!(report.unreadable, Vec::<PathBuf>::new());
        let entries = batch(&journal).await;
        let mut seen: Vec<Seq> = seqs(&entries);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), entries.len(), "one number twice");
        let mut found: Vec<String> = bodies(&entries);
        for entry in &entries {
            assert_eq!(entry.at, at(0));
            // A refused record that comes back after all may have lost its files; one that was acknowledged has them.
            for id in entry.spool.iter().filter(|_| self.fates[&body(entry)] != Fate::Refused) {
                assert_eq!(String::from_utf8(disk.content(&journal.spool_path(*id))).unwrap(), format!("file of {}", body(entry)));
            }
            assert_eq!(entry.spool.len(), usize::from(body(entry).starts_with("spooled")));
        }
        for letter in journal.dead_letters() {
            let name = String::from_utf8(journal.read_dead_letter(letter.seq).await.unwrap().unwrap().to_vec()).unwrap();
            // A failed burial can leave a letter although its record was then digested; its files may be gone with the record.
            for id in letter.spool.iter().filter(|_| self.fates[&name] == Fate::Acknowledged) {
                assert_eq!(String::from_utf8(disk.content(&journal.spool_path(*id))).unwrap(), format!("file of {name}"));
            }
            found.push(name);
        }
        for name in &found {
            assert!(self.fates.contains_key(name), "{name} was never appended");
        }
        for (name, fate) in &self.fates {
            assert!(*fate != Fate::Acknowledged || found.contains(name), "{name} was acknowledged and is lost: {report:?} {found:?}");
        }
        let next = append(&journal, "next").await;
        assert!(Some(next) > self.last_seq, "a number was given twice");
        assert_eq!(bodies(&batch(&journal).await), ["next"]);
        let (queued, dead) = (journal.stats().records, journal.stats().dead_letters);
        journal.forget(&seqs(&entries));
        journal.settle().await;
        assert_eq!((journal.stats().records, journal.stats().dead_letters), (queued - entries.len() as u64, dead));
    }
}

fn body(entry: &Entry) -> String {
    String::from_utf8_lossy(&entry.body).into_owned()
}

/// Every verb, several segments, a drained queue in the middle.
const SCENARIO: [Verb; 19] = [
    Verb::Append(3),
    Verb::AppendSpooled,
    Verb::Take(3),
    Verb::Forget(1),
    Verb::Settle,
    Verb::Append(4),
    Verb::Bury(0),
    Verb::ReleaseAll,
    Verb::Take(9),
    Verb::Bury(1),
    Verb::ForgetAll,
    Verb::Settle,
    Verb::Append(1),
    Verb::RetryDeadLetter,
    Verb::Take(9),
    Verb::ForgetAll,
    Verb::Settle,
    Verb::AppendSpooled,
    Verb::Append(2),
];

/// Runs a schedule on a disk; the caller's memory at the end.
fn act(disk: &Disk, verbs: &[Verb]) -> Model {
    run(async {
        let mut model = Model::default();
        if let Ok((journal, _)) = Journal::open(Path::new(DIR), options(), Arc::new(disk.clone())) {
            for verb in verbs {
                model.run(&journal, *verb).await;
            }
        }
        model
    })
}

fn lucks() -> impl Iterator<Item = Luck> {
    [Luck::Nothing, Luck::Everything].into_iter().chain((0..6).map(Luck::Some))
}

#[test]
fn nothing_acknowledged_is_lost_at_a_power_cut_at_any_moment() {
    let whole = Disk::new();
    let model = act(&whole, &SCENARIO);
    assert!(model.fates.values().any(|fate| *fate == Fate::Acknowledged));
    let operations = whole.operations();
    assert!(operations > 60, "{operations}");
    for cut in 1..=operations + 1 {
        let disk = Disk::new();
        disk.cut_at(cut);
        let model = act(&disk, &SCENARIO);
        for luck in lucks() {
            eprintln!("cut at {cut} of {operations}, {luck:?}");
            run(model.check(&disk.after_power_cut(luck)));
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_at_a_second_power_cut_while_starting() {
    let operations = Disk::new();
    act(&operations, &SCENARIO);
    for cut in (1..=operations.operations()).step_by(3) {
        let first = Disk::new();
        first.cut_at(cut);
        let model = act(&first, &SCENARIO);
        for second_cut in 1..8 {
            let second = first.after_power_cut(Luck::Some(cut));
            second.cut_at(second_cut);
            // The start may fail, or live a little; nothing is taken out, so everything must still be there.
            if let Ok((journal, _)) = Journal::open(Path::new(DIR), options(), Arc::new(second.clone())) {
                run(async {
                    let _ = journal.append(record("plain 0 ")).await;
                    journal.settle().await;
                });
            }
            run(model.check(&second.after_power_cut(Luck::Some(second_cut))));
        }
    }
}

fn verbs() -> impl Strategy<Value = Vec<Verb>> {
    let verb = prop_oneof![
        4 => (1..6usize).prop_map(Verb::Append),
        1 => Just(Verb::AppendSpooled),
        3 => (1..8usize).prop_map(Verb::Take),
        2 => (0..9usize).prop_map(Verb::Forget),
        1 => Just(Verb::ForgetAll),
        1 => Just(Verb::ReleaseAll),
        1 => (0..9usize).prop_map(Verb::Bury),
        1 => Just(Verb::RetryDeadLetter),
        1 => Just(Verb::Settle),
    ];
    prop::collection::vec(verb, 1..40)
}

fn faults() -> impl Strategy<Value = Option<(u64, ErrorKind)>> {
    prop::option::of((1..200u64, prop_oneof![Just(ErrorKind::StorageFull), Just(ErrorKind::Other)]))
}

proptest! {
    // `PROPTEST_CASES` makes it longer; the default 256 take about three seconds.
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn nothing_acknowledged_is_lost_in_any_schedule(
        verbs in verbs(),
        cut in prop::option::of(1..300u64),
        fault in faults(),
        failing_syncs in 0..3u32,
        short in prop::option::of(1..100usize),
        seed: u64,
    ) {
        let disk = Disk::new();
        if let Some(cut) = cut {
            disk.cut_at(cut);
        }
        if let Some((at, kind)) = fault {
            disk.fail_at(at, kind);
        }
        if let Some(short) = short {
            disk.set_short_writes(short);
        }
        disk.fail_syncs(failing_syncs);
        let model = act(&disk, &verbs);
        for luck in [Luck::Nothing, Luck::Everything, Luck::Some(seed)] {
            run(model.check(&disk.after_power_cut(luck)));
        }
    }
}
