//! A PostgreSQL that is there and does not serve: it refuses whoever connects, or it hangs.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _, PgConnection};

use super::load::Load;
use super::{SOON, beside_postgres, settle};

/// A connection that was there before: it may undo what keeps others out.
async fn administrator(url: &str) -> PgConnection {
    url.parse::<PgConnectOptions>().unwrap().database("postgres").connect().await.unwrap()
}

const END_OTHERS: &str = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = current_user";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_lets_nobody_in_any_more_is_waited_for() {
    let (postgres, program, target) = beside_postgres(&[]).await;
    let mut administrator = administrator(&postgres.url()).await;
    let load = Load::new(&program, &target, 200, 16);
    load.allow(100);
    load.acknowledged(50).await;
    administrator.execute("alter database vedette allow_connections false").await.unwrap();
    administrator.execute(END_OTHERS).await.unwrap();
    program.says("waiting").await;
    load.allow(200);
    load.finish().await;
    administrator.execute("alter database vedette allow_connections true").await.unwrap();
    // Nothing became a dead letter: `settle` looks.
    settle(program, 200).await;
    drop(administrator);
    postgres.stop().await;
}

/// The process that made this one.
fn parent(process: &str) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(1)?.parse().ok()
}

/// The processes of a PostgreSQL server.
fn processes(postmaster: i32) -> Vec<Pid> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let children = all.filter(|process| parent(process) == Some(postmaster)).filter_map(|process| process.parse().ok());
    std::iter::once(postmaster).chain(children).filter_map(Pid::from_raw).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_holds_up_neither_events_nor_the_end() {
    let (postgres, mut program, target) = beside_postgres(&[]).await;
    // The connection stays open: its process has to be there to be asked for its parent.
    let mut asked = administrator(&postgres.url()).await;
    let backend = sqlx::query_scalar::<_, i32>("select pg_backend_pid()").fetch_one(&mut asked).await.unwrap();
    let postmaster = parent(&backend.to_string()).unwrap();
    drop(asked);
    let signal = |signal| processes(postmaster).into_iter().for_each(|process| kill_process(process, signal).unwrap());
    let load = Load::new(&program, &target, 300, 16);
    load.allow(100);
    load.acknowledged(50).await;
    signal(Signal::STOP);
    program.says("waiting").await;
    load.allow(200);
    load.acknowledged(200).await;
    let status = program.terminate(3 * SOON).await.unwrap_or_else(|| panic!("the server does not end\n{}", program.log()));
    assert!(status.success(), "{status}\n{}", program.log());
    program.start().await;
    load.allow(300);
    load.finish().await;
    signal(Signal::CONT);
    settle(program, 300).await;
    postgres.stop().await;
}
