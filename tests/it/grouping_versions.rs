//! A project moves to another version of grouping: old issues go on, for a while.

use std::io::Write as _;
use std::process::{Command, Stdio};

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;
use vedette::web::urls;

use crate::harness::{Answer, Event, Person, Project, TestApp, app_test, error};

const OLD: &str = "newstyle:2023-01-11";
const NEW: &str = "newstyle:2026-01-20";

async fn choose(app: &TestApp, person: &Person, version: &str) -> Answer {
    let answer = person.post(&urls::project_grouping("shop"), &[("version", version)]).await;
    app.registry.refresh(app.db()).await.unwrap();
    answer
}

async fn grouping(app: &TestApp, project: &Project) -> Value {
    let settings = "select settings -> 'grouping' from projects where project_id = $1";
    sqlx::query_scalar(settings).bind(project.id.0).fetch_one(app.db()).await.unwrap()
}

/// Sends events and digests them as one batch.
async fn send(app: &TestApp, project: &Project, events: &[Event]) {
    for event in events {
        app.sdk(project).capture(event.clone()).await.assert_ok();
    }
    app.digest_all().await;
    app.run_jobs().await;
}

/// Events of each issue, the oldest issue first.
async fn events_by_issue(app: &TestApp) -> Vec<i64> {
    sqlx::query_scalar("select event_count from issues order by issue_id").fetch_all(app.db()).await.unwrap()
}

/// The hashes that lead to each issue, the oldest issue first.
async fn hashes_by_issue(app: &TestApp) -> Vec<i64> {
    let counts =
        "select count(h.hash) from issues i join issue_hashes h on h.issue_id = i.issue_id group by i.issue_id order by i.issue_id";
    sqlx::query_scalar(counts).fetch_all(app.db()).await.unwrap()
}

#[test]
fn an_old_issue_goes_on_when_the_version_changes_but_not_for_ever() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        choose(app, &root, OLD).await.assert_status(303);
        send(app, &shop, &[error("Boom"), error("Bang"), error("Crash")]).await;
        assert_eq!(events_by_issue(app).await, [1, 1, 1]);
        assert_eq!(hashes_by_issue(app).await, [1, 1, 1]);
        choose(app, &root, NEW).await.assert_status(303);
        send(app, &shop, &[error("Boom")]).await;
        assert_eq!(events_by_issue(app).await, [2, 1, 1], "the same bug under a new hash");
        assert_eq!(hashes_by_issue(app).await, [2, 1, 1], "which leads there from now on");
        app.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
        send(app, &shop, &[error("Bang")]).await;
        assert_eq!(events_by_issue(app).await, [2, 2, 1]);
        app.clock.advance(TimeDelta::seconds(1));
        send(app, &shop, &[error("Boom"), error("Bang"), error("Crash")]).await;
        assert_eq!(events_by_issue(app).await, [3, 3, 1, 1], "what was not seen meanwhile is new");
    });
}

#[test]
fn two_old_issues_that_the_new_version_holds_for_one_do_not_share_its_hash() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        choose(app, &root, OLD).await.assert_status(303);
        // A lone nameless frame that is not at an address: it counted then and does not now.
        let lone = |line: &str| {
            let frame = json!({"abs_path": "app:///main.js", "filename": "app:///main.js", "in_app": true, "context_line": line});
            let exception = json!({"type": "TypeError", "value": "it broke", "stacktrace": {"frames": [frame]}});
            error("x").with("platform", json!("javascript")).with("exception", json!({"values": [exception]}))
        };
        let both = [lone("pay()"), lone("ship()")];
        send(app, &shop, &both).await;
        assert_eq!(events_by_issue(app).await, [1, 1]);
        choose(app, &root, NEW).await.assert_status(303);
        send(app, &shop, &both).await;
        let mut counts = events_by_issue(app).await;
        counts.sort_unstable();
        assert_eq!(counts, [1, 3], "in one batch as one after the other: who comes first takes the hash");
        send(app, &shop, &both).await;
        let strays = "select count(*) from events e join issue_hashes h on h.project_id = e.project_id and h.hash = e.hash
            where h.issue_id <> e.issue_id";
        let strays: i64 = sqlx::query_scalar(strays).fetch_one(app.db()).await.unwrap();
        assert_eq!(strays, 0, "every event is where its hash leads");
    });
}

#[test]
fn the_version_is_chosen_on_the_page_of_the_rules_and_saving_rules_keeps_it() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (root, ana) = (app.admin("root").await, app.member("ana", &shop).await);
        let path = urls::project_grouping("shop");
        assert_eq!(grouping(app, &shop).await, json!({"version": NEW}), "new projects start with the newest");
        assert!(!root.page(&path).await.html().contains("data-test=\"moving\""));
        choose(app, &ana, OLD).await.assert_status(403);
        choose(app, &root, "newstyle:2031-01-01").await.assert_status(422);
        choose(app, &root, NEW).await.assert_redirect(&path);
        assert_eq!(grouping(app, &shop).await["transition"], Value::Null, "it is there already");
        choose(app, &root, OLD).await.assert_redirect(&path);
        let moved = grouping(app, &shop).await;
        let until = app.clock.now() + TimeDelta::days(30);
        assert_eq!((&moved["version"], &moved["transition"]["from"]), (&json!(OLD), &json!(NEW)));
        assert_eq!(moved["transition"]["until"], json!(until));
        for person in [&root, &ana] {
            let page = person.page(&path).await;
            page.assert_reads(&format!("Moving from {NEW}: until {}", until.format("%-d %b %Y, %H:%M:%S UTC")));
            assert!(page.html().contains(&format!("<option value=\"{OLD}\" selected>")));
        }
        let rules = [("stack_trace_rules", "module:shop.* +app"), ("fingerprint_rules", "")];
        root.post(&path, &rules).await.assert_redirect(&path);
        let saved = grouping(app, &shop).await;
        assert_eq!(saved["stack_trace_rules"], "module:shop.* +app");
        assert_eq!((&saved["version"], &saved["transition"]), (&moved["version"], &moved["transition"]));
        app.clock.advance(TimeDelta::days(30));
        let late = app.admin("late").await;
        assert!(!late.page(&path).await.html().contains("data-test=\"moving\""));
    });
}

#[test]
fn a_project_that_says_nothing_of_a_version_has_the_one_it_was_made_with() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        send(app, &shop, &[error("Boom")]).await;
        sqlx::query("update projects set settings = settings - 'grouping'").execute(app.db()).await.unwrap();
        app.registry.refresh(app.db()).await.unwrap();
        send(app, &shop, &[error("Boom")]).await;
        assert_eq!(events_by_issue(app).await, [2]);
        let root = app.admin("root").await;
        assert!(root.page(&urls::project_grouping("shop")).await.html().contains(&format!("<option value=\"{NEW}\" selected>")));
    });
}

#[test]
fn explain_takes_a_version() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        choose(app, &root, OLD).await.assert_status(303);
        send(app, &shop, &[error("Boom")]).await;
        let stored: Uuid = sqlx::query_scalar("select hash from events").fetch_one(app.db()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let explain = |version: &str| {
            let config = folder.path().join("config.json");
            std::fs::write(&config, json!({"version": version}).to_string()).unwrap();
            let arguments = ["explain", "--config", config.to_str().unwrap(), "-"];
            let mut child = Command::new(env!("CARGO_BIN_EXE_vedette"));
            let child = child.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = child.spawn().unwrap();
            child.stdin.take().unwrap().write_all(error("Boom").0.to_string().as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        };
        let hash = |version: &str| {
            let explained: Value = serde_json::from_slice(&explain(version).stdout).unwrap();
            explained["grouping"]["hashes"][0].as_str().unwrap().parse::<Uuid>().unwrap()
        };
        assert_eq!(hash(OLD), stored);
        assert_ne!(hash(NEW), stored);
        let refused = explain("newest");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("there is no grouping version “newest”"), "{said}");
    });
}
