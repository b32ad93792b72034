//! Stored events regrouped by new rules while events come in, and a server that is killed in the middle.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::time::sleep;
use vedette::accounts::ProjectId;
use vedette::grouping::Config;
use vedette::issues::regroup::{self, Act, Sample};

use super::load::Load;
use super::program::Program;
use super::{a_moment, settle, size};

/// How often the load is let on while stored events are regrouped.
const BEAT: Duration = Duration::from_millis(10);

/// Lets events in at a steady pace until the regrouping is done; the events let in so far, and those looked at and moved.
async fn until_done(load: &Load, db: &mut PgConnection, (mut allowed, beat, most): (usize, usize, usize)) -> (usize, i64, i64) {
    let begun = Instant::now();
    loop {
        let sql = "select state, looked_at, moved from regroupings";
        let (state, looked, moved): (String, i64, i64) = sqlx::query_as(sql).fetch_one(&mut *db).await.unwrap();
        if state == "done" {
            println!("regrouped in another {:.1} s; {moved} events moved", begun.elapsed().as_secs_f64());
            return (allowed, looked, moved);
        }
        assert!(begun.elapsed() < size(Duration::from_mins(3), Duration::from_hours(1)), "{state} {looked} {moved}");
        for _ in 0..20 {
            allowed = most.min(allowed + beat);
            load.allow(allowed);
            sleep(BEAT).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_events_are_regrouped_while_others_come_in_and_a_kill_in_the_middle_loses_none() {
    let (stored, meanwhile, kills) = size((3_000, 600, 2), (1_000_000, 200_000, 5));
    // At most half of what the budget asks for.
    let beat = size(1, 15);
    let mut program = Program::new(None, &[]);
    program.start().await;
    program.says("ok").await;
    let target = program.project().await;
    let load = Load::new(&program, &target, stored + meanwhile, 32);
    for part in 1..=100 {
        load.allow(stored * part / 100);
        load.acknowledged(stored * part / 100).await;
    }
    program.digested().await;
    load.told("before");
    let mut db = PgConnection::connect(&program.database_url()).await.unwrap();
    let project = ProjectId(sqlx::query_scalar("select project_id from projects").fetch_one(&mut db).await.unwrap());
    let rules = json!({"fingerprint_rules": "error.type:Error1* -> together\nerror.type:Error2 -> {{ default }}, {{ tags.shard }}"});
    let preview = Instant::now();
    let sample = Sample { project, issue: None, newest: None };
    let changes = regroup::dry_run(&mut db, sample, &Config::from_json(&rules).unwrap(), |_| true).await.unwrap();
    println!("planned in {:.1} s: {} issues would become {}", preview.elapsed().as_secs_f64(), changes.issues_before, changes.issues_after);
    // Error1 and Error10 to Error19 come together, Error2 comes apart into seven.
    assert_eq!((changes.issues_before, changes.issues_after), (20, 20 - 10 + 6));

    sqlx::query("update projects set settings = jsonb_build_object('grouping', $1::jsonb)").bind(&rules).execute(&mut db).await.unwrap();
    let now = sqlx::query_scalar("select now()").fetch_one(&mut db).await.unwrap();
    let act = Act { by: None, now };
    regroup::apply_rules(&mut db, (project, None), &rules, act).await.unwrap();
    let mut allowed = stored;
    for _ in 0..kills {
        for _ in 0..size(20, 200) {
            allowed = (stored + meanwhile).min(allowed + beat);
            load.allow(allowed);
            sleep(BEAT).await;
        }
        a_moment(Duration::from_millis(400)).await;
        program.kill().await;
        program.start().await;
        program.says("ok").await;
    }
    let mut db = PgConnection::connect(&program.database_url()).await.unwrap();
    load.told("while it was killed");
    let (.., moved) = until_done(&load, &mut db, (allowed, beat, stored + meanwhile)).await;
    load.told("meanwhile");
    assert!(moved >= changes.moved, "{moved} of {}", changes.moved);
    let issues = "select count(*) from issues where status <> 'merged'";
    load.finish().await;
    program.digested().await;
    let left: i64 = sqlx::query_scalar(issues).fetch_one(&mut db).await.unwrap();
    assert_eq!(left, changes.issues_after as i64, "as the preview said");
    db.close().await.unwrap();
    settle(program, stored + meanwhile).await;
}
