//! The properties of a spike detector (docs/ARCHITECTURE.md, "Spikes").

use proptest::prelude::*;

use super::{Answer, Detector, Held};

/// Answers of a detector that is handed `counts` from the minute `born` on.
fn watch(born: i64, counts: impl IntoIterator<Item = u32>) -> Vec<Answer> {
    let mut detector = Detector::new(born);
    counts.into_iter().map(|count| detector.minute(count, false)).collect()
}

/// The minutes of alerts, counted from the first.
fn alerts(answers: &[Answer]) -> Vec<usize> {
    (0..answers.len()).filter(|at| answers[*at].spike.is_some()).collect()
}

/// `n` minutes with an event every `every`.
fn regular(n: usize, every: usize) -> Vec<u32> {
    (0..n).map(|at| u32::from(at % every == 0)).collect()
}

/// Random days of quiet, with bursts in them.
fn life() -> impl Strategy<Value = Vec<(u32, bool)>> {
    let piece = prop_oneof![
        4 => (1..300_usize).prop_map(|n| vec![(0, false); n]),
        3 => (1..200_usize, 1..40_usize).prop_map(|(n, every)| regular(n, every).into_iter().map(|count| (count, false)).collect()),
        2 => (1..40_usize, 1..200_u32).prop_map(|(n, count)| vec![(count, false); n]),
        1 => (1..90_usize).prop_map(|n| vec![(0, true); n]),
    ];
    prop::collection::vec(piece, 1..40).prop_map(|pieces| std::iter::once((1, false)).chain(pieces.into_iter().flatten()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn a_state_read_back_answers_as_the_unbroken_run_does(born in 0..10_000_i64, life in life(), every in 1..400_usize) {
        let (mut unbroken, mut resumed) = (Detector::new(born), Detector::new(born));
        for (at, (count, deaf)) in life.into_iter().enumerate() {
            if at % every == 0 {
                let bytes = resumed.pack();
                prop_assert!(bytes.len() < 4_000, "{} bytes", bytes.len());
                resumed = Detector::unpack(&bytes).unwrap();
                prop_assert_eq!(&resumed, &unbroken);
            }
            prop_assert_eq!(resumed.minute(count, deaf), unbroken.minute(count, deaf));
        }
    }

    #[test]
    fn bytes_that_are_no_state_are_refused_and_never_a_panic(life in life(), at in 0..4_000_usize, byte: u8, cut in 0..4_000_usize) {
        let mut detector = Detector::new(0);
        for (count, deaf) in life { detector.minute(count, deaf); }
        let mut bytes = detector.pack();
        prop_assert_eq!(Detector::unpack(&bytes[..cut.min(bytes.len() - 1)]), Err(super::Unreadable));
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(mut read) = Detector::unpack(&bytes) {
            for count in [0, 5, 1_000, u32::MAX] { read.minute(count, false); }
        }
    }

    #[test]
    fn alerts_need_an_event_and_end_once_before_the_next(born in 0..10_000_i64, life in life()) {
        let (mut detector, mut told) = (Detector::new(born), None);
        for (at, (count, deaf)) in (born..).zip(life) {
            let answer = detector.minute(count, deaf);
            if let Some(over) = answer.over {
                prop_assert_eq!(told.take(), Some(over.told), "over without an alert, or twice");
                prop_assert!(over.since <= over.told && over.since <= over.until && over.until <= at, "{:?}", over);
                prop_assert!(u64::from(over.peak) <= over.events);
            }
            if let Some(spike) = answer.spike {
                prop_assert!(count > 0 && !deaf, "an alert in a minute without events");
                prop_assert!(told.replace(at).is_none(), "two alerts for one spike");
                prop_assert!(spike.since <= at && spike.minute == at && at >= born + 60);
                prop_assert!(spike.figures.count - spike.figures.usual >= 20.0);
            }
        }
    }

    #[test]
    fn a_constant_rate_alerts_never(birth in 0..1_440_i64, rate in 1..=1_000_u32, every in 1..=1_500_usize, fast: bool) {
        let counts: Vec<u32> = if fast { vec![rate; 4_000] } else { regular(12_000, every) };
        prop_assert_eq!(alerts(&watch(birth, counts)), Vec::<usize>::new());
    }

    #[test]
    fn more_events_in_a_burst_never_alert_later(every in 1..200_usize, days in 1..4_usize, into in 0..20_usize, count in 1..60_u32, more in 1..400_u32) {
        // From the turn of an hour on, and looked at until the next.
        let quiet = days * 1_440 + into;
        let first = |count: u32| {
            let counts = regular(quiet, every).into_iter().chain([count; 39]);
            alerts(&watch(0, counts)).into_iter().find(|at| *at >= quiet).unwrap_or(usize::MAX)
        };
        prop_assert!(first(count + more) <= first(count));
    }
}

#[test]
fn a_burst_is_told_once_and_its_figures_are_those_of_people() {
    let mut counts = regular(3 * 1_440, 30);
    let burst = counts.len() + 60;
    counts.extend(regular(60, 30).into_iter().chain([8; 20]).chain(regular(300, 30)));
    let answers = watch(0, counts);
    let at = *alerts(&answers).first().unwrap();
    assert_eq!(alerts(&answers).len(), 1);
    assert!((burst + 2..burst + 8).contains(&at), "told {} minutes after the beginning", at - burst);
    let spike = answers[at].spike.unwrap();
    assert_eq!((spike.since, spike.peak, spike.figures.window), (burst as i64, 8, 5));
    assert_eq!(spike.figures.to_string(), format!("{} in 5 min, usually 2 per hour", spike.figures.count));
    let over: Vec<_> = answers.iter().filter_map(|answer| answer.over).collect();
    assert_eq!(over.len(), 1);
    assert_eq!((over[0].told, over[0].since, over[0].peak, over[0].settled), (at as i64, burst as i64, 8, false));
    assert!(over[0].until >= burst as i64 + 19 && (160..=165).contains(&over[0].events), "{:?}", over[0]);
}

#[test]
fn what_comes_later_changes_nothing_before() {
    let past = || regular(2 * 1_440, 20).into_iter().chain([9; 30]);
    let [quiet, loud] = [0, 500].map(|then| watch(77, past().chain([then; 600])));
    let known = past().count();
    assert_eq!(alerts(&quiet).len(), 1);
    assert_eq!(quiet[..known], loud[..known]);
}

#[test]
fn the_first_hour_is_the_new_issues_and_a_trickle_may_explode_hours_later() {
    let loud = watch(30, [40; 60]);
    assert_eq!(alerts(&loud), Vec::<usize>::new());
    assert!(loud.iter().any(|answer| matches!(answer.no, Some((_, Held::New | Held::Usual)))));
    let trickle = watch(30, regular(180, 20).into_iter().chain([15; 10]));
    assert_eq!(alerts(&trickle).len(), 1);
}

#[test]
fn a_job_of_every_hour_is_regular() {
    let answers = watch(0, (0..3 * 1_440).map(|at| if at % 60 < 2 { 40 } else { 0 }));
    assert!(alerts(&answers).iter().all(|at| *at < 1_440), "{:?}", alerts(&answers));
    assert!(answers[1_440..].iter().any(|answer| answer.no.is_some()));
}

#[test]
fn a_backlog_after_a_silence_of_ours_is_no_spike() {
    let rate = |at: usize| u32::from(at.is_multiple_of(2));
    let days = 2 * 1_440;
    let with = |deaf: bool, backlog: u32| {
        let mut detector = Detector::new(0);
        for at in 0..days {
            assert_eq!(detector.minute(rate(at), false).spike, None);
        }
        for _ in 0..90 {
            assert_eq!(detector.minute(0, deaf).spike, None);
        }
        (0..10).filter(|_| detector.minute(backlog, false).spike.is_some()).count()
    };
    // 45 events are missing.
    assert_eq!(with(true, 5), 0);
    assert_eq!(with(false, 5), 0, "an outage that nobody told us of");
    assert_eq!(with(true, 40), 1, "much more than was missing is news");
}

#[test]
fn a_new_level_is_told_once_and_a_spike_on_top_of_it_again() {
    let counts = regular(3 * 1_440, 10).into_iter().chain(std::iter::repeat_n(3, 3 * 1_440)).chain([40; 30]);
    let answers = watch(0, counts);
    let told = alerts(&answers);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0] < 3 * 1_440 + 30 && told[1] >= 6 * 1_440, "{told:?}");
    let over: Vec<_> = answers.iter().filter_map(|answer| answer.over).collect();
    assert!(over[0].settled && over[0].minute - over[0].told <= 1_500, "{:?}", over[0]);
}

#[test]
fn late_events_count_for_their_minute_and_are_judged_for_a_quarter_of_an_hour() {
    let mut detector = Detector::new(0);
    for count in regular(2 * 1_440, 30) {
        detector.minute(count, false);
    }
    let old = detector.next() - 16;
    assert_eq!(detector.clone().late(old, 200), Answer::default(), "too old to be judged");
    assert_eq!(detector.clone().late(detector.next(), 200), Answer::default(), "not taken yet");
    let ago = |minutes| detector.next() - minutes;
    let (mut late, mut timely) = (detector.clone(), detector.clone());
    for minutes in [4, 3, 2] {
        assert_eq!(late.clone().late(ago(minutes), 0), Answer::default(), "nothing came");
    }
    let told: Vec<Answer> = [5, 4, 3, 2, 1].map(|minutes| late.late(ago(minutes), 9)).to_vec();
    assert_eq!(alerts(&told).len(), 1);
    // For the history it is as if they had come in time.
    for _ in 0..300 {
        timely.minute(0, false);
    }
    let mut history = timely.clone();
    history.late(timely.next() - 200, 50);
    assert_eq!(history.past.0[1].iter().max(), Some(&50));
    assert_eq!(timely.past.0[1].iter().max(), Some(&1));
}
