//! The program itself, killed, cut off from its database and filled up: what was acknowledged is stored exactly once, and counters equal rows.
//!
//! The real binary, ended by signals, and a real PostgreSQL. Small by default; with `VEDETTE_TEST_FULL` as often and as long as it takes to
//! meet rare moments. That a killed process loses nothing does not prove fsync: the journal's own tests do, over a disk that forgets.

mod books;
mod files;
mod http;
mod load;
mod outages;
mod program;
mod regroup;

use std::hash::BuildHasher as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::time::{Instant, sleep};
use vedette::platform::postgres::{ManagedPostgres, Options};

use crate::harness::error;
use http::{Connection, Reply};
use load::{Load, path};
use program::{PATIENCE, Program, Target};

/// A shutdown that takes longer waits for something that does not come.
const SOON: Duration = Duration::from_secs(10);

/// `full` when the environment asks for full sizes.
fn size<T>(small: T, full: T) -> T {
    if std::env::var_os("VEDETTE_TEST_FULL").is_some_and(|value| !value.is_empty()) { full } else { small }
}

/// A moment at random, at most this far away.
async fn a_moment(at_most: Duration) {
    let random = std::hash::RandomState::new().hash_one(0) as u32;
    sleep(at_most.mul_f64(f64::from(random) / f64::from(u32::MAX))).await;
}

/// Text of so many bytes that nothing makes much smaller.
fn noise(bytes: usize) -> String {
    let hasher = std::hash::RandomState::new();
    let random: Vec<u8> = (0..bytes * 6 / 64).flat_map(|number| hasher.hash_one(number).to_le_bytes()).collect();
    STANDARD_NO_PAD.encode(random)
}

/// A PostgreSQL that tests may stop, a server that runs on it, and a project.
async fn beside_postgres(settings: &[(&'static str, &'static str)]) -> (ManagedPostgres, Program, Target) {
    let home = tempfile::Builder::new().prefix("vedette-crash-pg-").tempdir().unwrap().keep();
    let postgres = ManagedPostgres::start(&home, Options::throwaway()).await.unwrap();
    let mut program = Program::new(Some(postgres.url()), settings);
    program.start().await;
    program.says("ok").await;
    let target = program.project().await;
    (postgres, program, target)
}

/// The end of most tests: nothing was dropped, all is digested, the books are right, the server ends in good order.
async fn settle(program: Program, events: usize) {
    program.digested().await;
    books::check(&program, 0..events).await;
    assert!(books::dropped(&program).await.is_empty(), "{:?}", books::dropped(&program).await);
    program.stop().await;
}

/// Kills the server at moments that may fall into anything: a request, a batch, a commit, a start.
async fn kill_under_load(events: usize, connections: usize, kills: usize) {
    let mut program = Program::new(None, &[]);
    program.start().await;
    program.says("ok").await;
    let target = program.project().await;
    let load = Load::new(&program, &target, events, connections);
    for kill in 1..=kills {
        load.allow(events * kill / (kills + 1));
        a_moment(Duration::from_millis(600)).await;
        program.kill().await;
        if kill % 4 == 3 {
            program.launch();
            a_moment(Duration::from_millis(200)).await;
            program.kill().await;
        }
        program.start().await;
    }
    load.finish().await;
    settle(program, events).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_again_and_again_loses_nothing_and_counts_nothing_twice() {
    let (events, connections, kills) = size((400, 32, 3), (20_000, 256, 200));
    kill_under_load(events, connections, kills).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_with_every_client_waiting_loses_nothing() {
    // As many requests under way as there are events.
    let events = size(200, 2000);
    kill_under_load(2 * events, events, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_taken_while_postgres_is_away() {
    let (postgres, program, target) = beside_postgres(&[]).await;
    let events = size(600, 4000);
    let load = Load::new(&program, &target, events, 32);
    load.allow(events / 3);
    // In the middle of the first third.
    load.acknowledged(events / 6).await;
    postgres.stop().await;
    program.says("waiting").await;
    load.allow(events * 2 / 3);
    load.acknowledged(events * 2 / 3).await;
    sleep(Duration::from_secs(size(3, 20))).await;
    let back = postgres.start_again();
    load.allow(events);
    back.await.unwrap();
    load.finish().await;
    settle(program, events).await;
    postgres.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_while_postgres_is_away_takes_events_of_the_keys_it_knew() {
    let (postgres, mut program, target) = beside_postgres(&[]).await;
    let events = 400;
    let load = Load::new(&program, &target, events, 32);
    load.allow(100);
    load.acknowledged(50).await;
    postgres.stop().await;
    load.allow(200);
    load.acknowledged(200).await;
    program.kill().await;
    program.start().await;
    load.allow(300);
    load.acknowledged(300).await;
    let mut connection = Connection::open(&program.address().borrow()).await.unwrap();
    let stranger = Target { key: "0123456789abcdef0123456789abcdef".to_owned(), ..target };
    let refused = connection.post(&path(&stranger), &error("Error").id(9_000).envelope()).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after").is_empty()), (429, false), "{refused:?}");
    program.says("waiting").await;
    sleep(Duration::from_secs(size(0, 20))).await;
    postgres.start_again().await.unwrap();
    program.says("ok").await;
    load.finish().await;
    settle(program, events).await;
    postgres.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_its_database_ends_soon_when_asked_and_keeps_what_it_took() {
    let (postgres, mut program, target) = beside_postgres(&[]).await;
    let events = 300;
    let load = Load::new(&program, &target, events, 16);
    load.allow(100);
    load.acknowledged(50).await;
    postgres.stop().await;
    load.allow(200);
    load.acknowledged(200).await;
    // Once of a server that had the database, once of one that never saw it.
    for _ in 0..2 {
        let status = program.terminate(SOON).await.unwrap_or_else(|| panic!("the server does not end\n{}", program.log()));
        assert!(status.success(), "{status}\n{}", program.log());
        program.start().await;
    }
    postgres.start_again().await.unwrap();
    load.finish().await;
    settle(program, events).await;
    postgres.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_journal_refuses_before_it_takes_anything_and_keeps_what_it_took() {
    let (postgres, program, target) = beside_postgres(&[("VEDETTE_JOURNAL_MIB", "64")]).await;
    postgres.stop().await;
    let mut connection = Connection::open(&program.address().borrow()).await.unwrap();
    // The journal packs what it holds.
    let padding = noise(950_000);
    let mut sent = 0;
    let full = loop {
        let event = error("Error").id(sent as u128).with("extra", serde_json::json!({"padding": padding}));
        let answer: Reply = connection.post(&path(&target), &event.envelope()).await.unwrap();
        if answer.status != 200 {
            break answer;
        }
        sent += 1;
        assert!(sent < 200, "a journal of 64 MiB holds no 200 events of almost a MiB");
    };
    assert!(sent > 30, "refused after {sent} events of almost a MiB");
    assert_eq!(full.status, 429, "{full:?}");
    assert!(full.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{full:?}");
    assert!(!full.header("x-sentry-rate-limits").is_empty(), "{full:?}");
    let journal = &program.health().await["journal"];
    // The count of what was refused is small, and may have found room by now.
    let is_all = (0..=1).any(|counts| journal["records"].as_u64() == Some(sent as u64 + counts));
    assert!(journal["bytes"].as_u64() <= journal["max_bytes"].as_u64() && is_all, "{journal}");

    postgres.start_again().await.unwrap();
    program.says("ok").await;
    program.digested().await;
    // There is room again, also for what was refused.
    let mut connection = Connection::open(&program.address().borrow()).await.unwrap();
    let again = connection.post(&path(&target), &error("Error").id(sent as u128).envelope()).await.unwrap();
    assert_eq!(again.status, 200, "{again:?}");
    program.digested().await;
    books::check(&program, 0..=sent).await;
    // What was refused is counted too, a little later.
    let deadline = Instant::now() + PATIENCE;
    while books::dropped(&program).await != ["rate_limited journal_full 1"] {
        assert!(Instant::now() < deadline, "{:?}", books::dropped(&program).await);
        sleep(Duration::from_millis(50)).await;
    }
    program.stop().await;
    postgres.stop().await;
}
