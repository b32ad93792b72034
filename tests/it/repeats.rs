//! The same event twice is one event: within a day, across midnight, through two processes, after a crash.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use vedette::digest::Digest;
use vedette::platform::journal::BatchLimits;

use crate::harness::{Event, TestApp, app_test, error};

const ONCE: [&str; 2] = ["error duplicate 1", "error stored 1"];

fn boom() -> Event {
    error("Boom").id(1)
}

#[test]
fn the_same_envelope_twice_counts_once() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        for _ in 0..2 {
            app.sdk(&shop).capture(boom()).await.assert_ok();
        }
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ONCE);
        app.sdk(&shop).capture(boom()).await.assert_ok();
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error duplicate 2", "error stored 1"]);
        app.run_jobs().await;
    });
}

/// A repeat that comes the next morning, once the first was digested.
async fn repeated_next_morning(app: &TestApp, event: Event) {
    let shop = app.project("shop").await;
    app.sdk(&shop).capture(event.clone()).await.assert_ok();
    app.digest_all().await;
    app.clock.advance(TimeDelta::hours(14));
    app.sdk(&shop).capture(event).await.assert_ok();
    app.digest_all().await;
    app.run_jobs().await;
    assert_eq!(app.outcomes().await, ONCE);
}

fn at(app: &TestApp, offset: TimeDelta) -> DateTime<Utc> {
    app.clock.now() + offset
}

#[test]
fn across_midnight_too() {
    app_test(async |app| repeated_next_morning(app, boom().at(app.clock.now())).await);
}

#[test]
fn across_midnight_when_the_event_does_not_say_when_it_happened() {
    app_test(async |app| repeated_next_morning(app, boom()).await);
}

#[test]
fn across_midnight_when_the_event_waited_for_days_before_it_was_first_sent() {
    app_test(async |app| {
        for days in [1, 6, 29, 400] {
            let event = error("Boom").id(days as u128).at(at(app, TimeDelta::days(-days)));
            let shop = app.project("shop").await;
            app.sdk(&shop).capture(event.clone()).await.assert_ok();
            app.digest_all().await;
            app.clock.advance(TimeDelta::hours(14));
            app.sdk(&shop).capture(event).await.assert_ok();
            app.digest_all().await;
            app.clock.advance(TimeDelta::hours(10));
        }
        app.run_jobs().await;
        assert_eq!(app.outcomes().await, ["error duplicate 4", "error stored 4"]);
    });
}

#[test]
fn across_midnight_when_the_clients_clock_is_ahead() {
    app_test(async |app| repeated_next_morning(app, boom().at(at(app, TimeDelta::minutes(50)))).await);
}

#[test]
fn across_midnight_with_the_time_of_sending_of_the_first_try() {
    // The times of an event are moved by the difference between the time of sending and that of receipt: a repeat's are moved further.
    app_test(async |app| {
        let shop = app.project("shop").await;
        let event = boom().at(app.clock.now());
        let header = serde_json::json!({"sent_at": app.clock.now().to_rfc3339()}).to_string();
        let envelope = format!("{header}\n{{\"type\":\"event\"}}\n{}\n", event.0);
        app.sdk(&shop).envelope(envelope.clone()).await.assert_ok();
        app.digest_all().await;
        app.clock.advance(TimeDelta::hours(14));
        app.sdk(&shop).envelope(envelope).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(app.outcomes().await, ONCE);
    });
}

#[test]
fn across_midnight_in_one_batch() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let event = boom().at(app.clock.now());
        app.sdk(&shop).capture(event.clone()).await.assert_ok();
        app.clock.advance(TimeDelta::hours(14));
        app.sdk(&shop).capture(event).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(app.outcomes().await, ONCE);
    });
}

/// Two processes have one event each, received on two days; `later_first` says whose is digested first.
async fn through_two_processes(app: &TestApp, later_first: bool) {
    let shop = app.project("shop").await;
    let other = app.another_server();
    let event = boom().at(app.clock.now());
    app.sdk(&shop).capture(event.clone()).await.assert_ok();
    app.clock.advance(TimeDelta::hours(14));
    other.sdk(&shop).capture(event).await.assert_ok();
    if later_first {
        other.digest_all().await;
        app.digest_all().await;
    } else {
        app.digest_all().await;
        other.digest_all().await;
    }
    app.run_jobs().await;
    assert_eq!(app.outcomes().await, ONCE);
}

#[test]
fn across_midnight_through_two_processes_of_which_the_late_one_holds_the_newer_record() {
    app_test(async |app| through_two_processes(app, false).await);
}

#[test]
fn across_midnight_through_two_processes_of_which_the_late_one_holds_the_older_record() {
    app_test(async |app| through_two_processes(app, true).await);
}

#[test]
fn two_processes_at_the_same_moment() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let other = app.another_server();
        for number in 0..40 {
            let event = error(["Boom", "Crash", "Clash"][number % 3]).id(number as u128).user(&number.to_string()).at(app.clock.now());
            app.sdk(&shop).capture(event.clone()).await.assert_ok();
            other.sdk(&shop).capture(event).await.assert_ok();
        }
        let (first, second) = tokio::join!(app.digest_all(), other.digest_all());
        assert_eq!(first + second, 80);
        app.run_jobs().await;
        assert_eq!(app.issues(&shop).await.len(), 3);
        assert_eq!(app.outcomes().await, ["error duplicate 40", "error stored 40"]);
    });
}

#[test]
fn a_crash_between_commit_and_forgetting_repeats_nothing() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        // One record is read by a process that digests it into a journal of its own and dies: here it is still waiting.
        let twin = app.another_server();
        for number in 0..3 {
            app.sdk(&shop).capture(error("Boom").id(number)).await.assert_ok();
        }
        let waiting = app.journal.next_batch(BatchLimits { records: 10, bytes: usize::MAX }).await.unwrap();
        for entry in &waiting {
            let copy = vedette::platform::journal::Record::new(entry.at, entry.body.clone());
            assert_eq!(twin.journal.append(copy).await.unwrap(), entry.seq, "a copy of the journal");
        }
        let under_its_name = Digest::new(app.app.clone(), Arc::clone(&twin.journal), app.journal_id, app.registry.clone());
        assert_eq!(under_its_name.drain().await.unwrap(), 3);
        let before = app.outcomes().await;
        app.journal.release(&waiting.iter().map(|entry| entry.seq).collect::<Vec<_>>());
        assert_eq!(app.digest_all().await, 0, "they are marked as committed");
        assert_eq!((app.outcomes().await, before), (vec!["error stored 3".to_owned()], vec!["error stored 3".to_owned()]));
        app.run_jobs().await;
    });
}
