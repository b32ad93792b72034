//! With the PostgreSQL that is installed on this machine.

use std::os::unix::fs::PermissionsExt;

use sqlx::PgConnection;
use tempfile::TempDir;

use super::*;

/// As in the product, but without fsync.
fn lasting() -> Options {
    Options { durable: false, ..Options::lasting() }
}

async fn connect(postgres: &ManagedPostgres) -> PgConnection {
    PgConnection::connect(&postgres.url()).await.unwrap()
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(connection).await.unwrap()
}

/// A directory that ends with its cluster stopped, whatever the test did.
fn place() -> TempDir {
    let dir = tempfile::Builder::new().prefix("vedette pg ").tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// What `kill -9` of this process would leave behind.
fn abandon(postgres: ManagedPostgres) -> i32 {
    let pid = postgres.pid().unwrap();
    postgres.owned.get().unwrap().pid.store(0, Ordering::SeqCst);
    drop(postgres);
    pid
}

#[tokio::test]
async fn a_cluster_is_made_used_stopped_and_started_again() {
    let dir = place();
    // The path is too long for a socket, and has blanks and quotes.
    let home = dir.path().join("it's \"here\", ".repeat(8)).join("postgres");
    let postgres = ManagedPostgres::start(&home, lasting()).await.unwrap();
    let mut db = connect(&postgres).await;
    assert_eq!(setting(&mut db, "listen_addresses").await, "");
    assert_eq!(setting(&mut db, "synchronous_commit").await, "off", "a cluster without fsync");
    assert_eq!(setting(&mut db, "is_superuser").await, "off");
    let lower: String = sqlx::query_scalar("select lower('ÀÉ')").fetch_one(&mut db).await.unwrap();
    assert_eq!(lower, "àé", "characters beyond ASCII have case");
    sqlx::raw_sql("create table kept (n int); insert into kept values (7)").execute(&mut db).await.unwrap();
    drop(db);

    let first = postgres.pid();
    postgres.stop().await;
    assert_eq!(postgres.pid(), None);
    assert!(PgConnection::connect(&postgres.url()).await.is_err());
    postgres.start_again().await.unwrap();
    assert_ne!(postgres.pid(), first);
    let kept: i32 = sqlx::query_scalar("select n from kept").fetch_one(&mut connect(&postgres).await).await.unwrap();
    assert_eq!(kept, 7);
    postgres.stop().await;
    drop(postgres);

    // The number of another process, left by a machine that went down, does not stand in the way.
    let stale = home.join("data/postmaster.pid");
    std::fs::write(&stale, format!("{}\n/data\n1\n5432\n/run\n\n\n", std::process::id())).unwrap();
    let again = ManagedPostgres::start(&home, lasting()).await.unwrap();
    connect(&again).await;
    again.stop().await;
    drop(again);
    let kind = ManagedPostgres::start(&home, Options::throwaway()).await.unwrap_err().to_string();
    assert!(kind.contains("lasting"), "{kind}");
    assert!(home.exists());
}

#[tokio::test]
async fn a_server_left_by_a_killed_process_is_adopted_and_others_are_guests() {
    let dir = place();
    let pid = abandon(ManagedPostgres::start(dir.path(), lasting()).await.unwrap());
    let mut heir = ManagedPostgres::start(dir.path(), lasting()).await.unwrap();
    // A process that another test begins holds this one's lock between its fork and its exec: then the heir is a guest at first.
    for _ in 0..20 {
        if !heir.is_guest() {
            break;
        }
        heir.stop().await;
        heir = ManagedPostgres::start(dir.path(), lasting()).await.unwrap();
    }
    assert_eq!(heir.pid(), Some(pid), "the running server serves on");
    connect(&heir).await;

    let guest = ManagedPostgres::start(dir.path(), lasting()).await.unwrap();
    assert!(guest.is_guest() && !heir.is_guest());
    connect(&guest).await;
    guest.stop().await;
    drop(guest);
    connect(&heir).await;

    heir.stop().await;
    assert!(!process::is_alive(pid, &dir.path().canonicalize().unwrap().join("data")));
    assert!(PgConnection::connect(&heir.url()).await.is_err());
}

#[tokio::test]
async fn a_guest_takes_over_when_its_host_has_gone() {
    let dir = place();
    let command = ManagedPostgres::start(dir.path(), lasting()).await.unwrap();
    let server = ManagedPostgres::start(dir.path(), lasting()).await.unwrap();
    assert!(server.is_guest());
    let test = async {
        command.stop().await;
        drop(command);
        while PgConnection::connect(&server.url()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(!server.is_guest());
        server.stop().await;
    };
    tokio::join!(server.supervise(CancellationToken::new()), test);
}

#[tokio::test]
async fn a_server_that_dies_is_started_again() {
    let dir = place();
    let postgres = ManagedPostgres::start(dir.path(), lasting()).await.unwrap();
    let cancel = CancellationToken::new();
    let before = postgres.pid().unwrap();
    let test = async {
        process::signal(before, Signal::KILL);
        loop {
            if postgres.pid().is_some_and(|pid| pid != before) && PgConnection::connect(&postgres.url()).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        postgres.start_again().await.unwrap();
        // A stop is no death: the supervisor lets go.
        postgres.stop().await;
    };
    tokio::join!(postgres.supervise(cancel), test);
    assert_eq!(postgres.pid(), None);
}

#[tokio::test]
async fn a_throwaway_cluster_goes_with_its_process() {
    let dir = place();
    let home = dir.path().join("gone");
    let postgres = ManagedPostgres::start(&home, Options::throwaway()).await.unwrap();
    let pid = postgres.pid().unwrap();
    let mut db = connect(&postgres).await;
    assert_eq!(setting(&mut db, "fsync").await, "off");
    sqlx::raw_sql("create database another").execute(&mut db).await.unwrap();
    let data = home.canonicalize().unwrap().join("data");
    // Without the polite signal, as if we had been killed: the guard sees the pipe close.
    abandon(postgres);
    while home.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!process::is_alive(pid, &data));
}

#[tokio::test]
async fn root_may_keep_its_data_where_only_root_may_go() {
    let closed = tempfile::tempdir().unwrap();
    std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let postgres = ManagedPostgres::start(&closed.path().join("data/postgres"), lasting()).await.unwrap();
    connect(&postgres).await;
    postgres.stop().await;
    postgres.start_again().await.unwrap();
    connect(&postgres).await;
    postgres.stop().await;
}

#[tokio::test]
async fn what_is_missing_is_said_in_one_line() {
    let dir = place();
    let empty = dir.path().join("no binaries");
    std::fs::create_dir(&empty).unwrap();
    let options = Options { bin_dir: Some(empty), ..lasting() };
    let error = ManagedPostgres::start(&dir.path().join("cluster"), options).await.unwrap_err();
    assert!(matches!(error, PostgresError::NotInstalled), "{error}");

    // A setting of the user's that PostgreSQL refuses: its own words come through.
    let home = dir.path().join("other");
    let postgres = ManagedPostgres::start(&home, lasting()).await.unwrap();
    postgres.stop().await;
    std::fs::write(home.join("data/override.conf"), "shared_buffers = 'many'\n").unwrap();
    let error = postgres.start_again().await.unwrap_err().to_string();
    assert!(error.contains("shared_buffers") && !error.contains('\n'), "{error}");
}
