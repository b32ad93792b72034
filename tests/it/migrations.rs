//! Every migration meets the rows that people have by then.

use std::fs;
use std::path::Path;

use sqlx::migrate::Migrator;
use vedette::platform::db::{MIGRATOR, migrate, run_script};

use crate::harness::database::TestDb;
use crate::harness::run_test;

/// Rows inserted right after a migration stand in a file of its name.
fn rows_after(version: i64, description: &str) -> String {
    let name = format!("{version:04}_{}.sql", description.replace(' ', "_"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/migrations").join(&name);
    fs::read_to_string(&file)
        .unwrap_or_else(|_| panic!("tests/migrations/{name} is missing: rows that the migrations after this one will meet"))
}

#[test]
fn migrations_run_in_order_over_the_rows_of_those_before() {
    run_test(async || {
        let database = TestDb::empty().await;
        let pool = database.pool();
        let all: Vec<_> = MIGRATOR.iter().cloned().collect();
        for count in 1..=all.len() {
            let until = Migrator { migrations: all[..count].to_vec().into(), ..Migrator::DEFAULT };
            until.run(&pool).await.unwrap();
            let last = &all[count - 1];
            let mut db = pool.acquire().await.unwrap();
            run_script(&mut db, rows_after(last.version, &last.description))
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", last.description));
        }
        migrate(&pool).await.unwrap();
        let events: i64 = sqlx::query_scalar("select count(*) from events").fetch_one(&pool).await.unwrap();
        assert!(events > 0, "the rows are still there");
        pool.close().await;
        database.drop_now().await;
    });
}

#[test]
fn two_processes_may_migrate_at_once() {
    run_test(async || {
        let database = TestDb::empty().await;
        let (first, second) = (database.pool(), database.pool());
        let (one, other) = tokio::join!(migrate(&first), migrate(&second));
        one.unwrap();
        other.unwrap();
        for pool in [first, second] {
            pool.close().await;
        }
        database.drop_now().await;
    });
}

#[test]
fn file_names_are_numbers_without_gaps() {
    for (index, migration) in MIGRATOR.iter().enumerate() {
        assert_eq!(migration.version, index as i64 + 1, "{}", migration.description);
    }
}
