//! Corrections after corrections: what can be undone, in which order, and what stays true of counts and users.

use serde_json::json;
use vedette::accounts::IssueId;
use vedette::issues::regroup::{self, Refused};
use vedette::web::urls;

use crate::harness::events::event_id;
use crate::harness::{Project, TestApp, app_test, error};
use crate::regroup::{act, assert_told, issue_of, merge, told, two_bugs, undo, work};

/// Saves rules and applies them to all stored events.
async fn apply(app: &TestApp, shop: &Project, rules: &str) -> i64 {
    let rules = json!({"fingerprint_rules": rules});
    app.set(shop, json!({"grouping": rules})).await;
    let mut tx = app.db().begin().await.unwrap();
    let id = regroup::apply_rules(&mut tx, (shop.id, None), &rules, act(app)).await.unwrap();
    tx.commit().await.unwrap();
    work(app).await;
    id
}

async fn refused_undo(app: &TestApp, project: &Project, id: i64) -> Refused {
    let mut tx = app.db().begin().await.unwrap();
    regroup::undo(&mut tx, project.id, id, act(app)).await.unwrap_err()
}

const BY_ZONE: &str = "error.type:Boom -> {{ default }}, {{ tags.zone }}";

#[test]
fn rules_that_were_undone_can_be_applied_again() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        two_bugs(app, &shop).await;
        let id = apply(app, &shop, BY_ZONE).await;
        let split = told(app).await;
        undo(app, &shop, id).await;
        apply(app, &shop, BY_ZONE).await;
        let again: Vec<String> = told(app).await.into_iter().filter(|line| !line.contains(" merged ")).collect();
        let apart = |lines: &[String]| lines.iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>();
        assert_eq!(apart(&again), apart(&split));
        app.sdk(&shop).capture(error("Boom").id(20).tag("zone", "b")).await.assert_ok();
        app.digest_all().await;
        assert_eq!(issue_of(app, 20).await, issue_of(app, 5).await, "later ones, too");
        app.run_jobs().await;
    });
}

#[test]
fn rules_that_change_nothing_leave_what_was_applied_before_to_be_undone() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        two_bugs(app, &shop).await;
        let before = told(app).await;
        let split = apply(app, &shop, BY_ZONE).await;
        let after = told(app).await;
        apply(app, &shop, BY_ZONE).await;
        assert_eq!(told(app).await, after, "once more changes nothing");
        undo(app, &shop, split).await;
        let left: Vec<String> = told(app).await.into_iter().filter(|line| !line.contains(" merged ")).collect();
        assert_eq!(left, before);
        app.run_jobs().await;
    });
}

#[test]
fn nothing_is_undone_while_another_correction_is_at_work() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let (boom, crash) = two_bugs(app, &shop).await;
        let merged = merge(app, boom, &[crash]).await;
        root.post(&urls::regroup_do("shop", "apply"), &[]).await.assert_redirect(&urls::project_regroup("shop"));
        assert_told(&root.post(&urls::correction_undo(IssueId(boom), merged), &[]).await, "still at work");
        work(app).await;
        assert_told(&root.post(&urls::correction_undo(IssueId(boom), merged), &[]).await, "Undone");
        work(app).await;
        assert_eq!(app.issues(&shop).await.len(), 2);
        app.run_jobs().await;
    });
}

#[test]
fn only_the_newest_correction_of_an_issue_can_be_undone() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (boom, crash) = two_bugs(app, &shop).await;
        let merged = merge(app, boom, &[crash]).await;
        let first = apply(app, &shop, BY_ZONE).await;
        let error = refused_undo(app, &shop, merged).await;
        assert!(matches!(error, Refused::Later), "{error:?}");
        let second = apply(app, &shop, "error.type:Boom -> {{ default }}, {{ release }}").await;
        let error = refused_undo(app, &shop, first).await;
        assert!(matches!(error, Refused::TooLate), "the second took its place: {error:?}");
        let error = refused_undo(app, &shop, merged).await;
        assert!(matches!(error, Refused::Covered), "the first stays: {error:?}");
        // A person merges what the second made: that has to be undone before.
        let again = merge(app, boom, &[issue_of(app, 5).await]).await;
        let error = refused_undo(app, &shop, second).await;
        assert!(matches!(error, Refused::Later), "{error:?}");
        undo(app, &shop, again).await;
        undo(app, &shop, second).await;
        let ghosts: i64 = sqlx::query_scalar("select count(*) from issues where status <> 'merged' and event_count = 0")
            .fetch_one(app.db())
            .await
            .unwrap();
        assert_eq!(ghosts, 0, "{:?}", told(app).await);
        app.run_jobs().await;
    });
}

#[test]
fn a_split_joins_the_issue_that_new_events_have_made_already() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        for n in 0..10_u128 {
            app.sdk(&shop).capture(error("Boom").id(n + 1).tag("zone", if n < 6 { "a" } else { "b" })).await.assert_ok();
        }
        app.digest_all().await;
        let rules = json!({"fingerprint_rules": BY_ZONE});
        app.set(&shop, json!({"grouping": rules})).await;
        app.sdk(&shop).capture(error("Boom").id(11).tag("zone", "a")).await.assert_ok();
        app.digest_all().await;
        let made = issue_of(app, 11).await;
        let mut tx = app.db().begin().await.unwrap();
        regroup::apply_rules(&mut tx, (shop.id, Some(IssueId(issue_of(app, 1).await))), &rules, act(app)).await.unwrap();
        tx.commit().await.unwrap();
        work(app).await;
        assert_eq!((issue_of(app, 1).await, issue_of(app, 11).await), (made, made), "one bug is one issue");
        let events: Vec<String> = told(app).await.iter().map(|line| line.split(' ').nth(5).unwrap().to_owned()).collect();
        assert_eq!(events, ["4e", "7e"], "and the rest keeps the number");
        app.run_jobs().await;
    });
}

#[test]
fn users_go_where_their_events_go_and_come_back() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        for n in 0..10_u128 {
            let transaction = if n % 2 == 0 { "/pay" } else { "/ship" };
            let zone = if n < 6 { "a" } else { "b" };
            let event = error("Boom").id(n + 1).user(&format!("u{n}")).tag("zone", zone).with("transaction", json!(transaction));
            app.sdk(&shop).capture(event).await.assert_ok();
        }
        app.digest_all().await;
        apply(app, &shop, "error.type:Boom -> {{ default }}, {{ transaction }}").await;
        let wrong = "select issue_id, event_count, user_count from issues where event_count <> user_count";
        let wrong = async || sqlx::query_as::<_, (i64, i64, i64)>(wrong).fetch_all(app.db()).await.unwrap();
        assert_eq!(wrong().await, [], "each event has a user of its own");
        let id = apply(app, &shop, BY_ZONE).await;
        assert_eq!(wrong().await, []);
        undo(app, &shop, id).await;
        assert_eq!(wrong().await, []);
        app.run_jobs().await;
    });
}

#[test]
fn what_is_refused_changes_nothing_and_merged_issues_are_changed_where_they_went() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (boom, crash) = two_bugs(app, &shop).await;
        let (root, ana) = (app.admin("root").await, app.member("ana", &shop).await);
        // Rules are at work: the split is refused, and its rule is not saved.
        root.post(&urls::regroup_do("shop", "apply"), &[]).await.assert_redirect(&urls::project_regroup("shop"));
        let id: i64 = sqlx::query_scalar("select regrouping_id from regroupings").fetch_one(app.db()).await.unwrap();
        let answer = root.post(&urls::issue_action(boom, "split-by"), &[("rule", BY_ZONE)]).await;
        assert_told(&answer, "still at work");
        assert!(!root.page(&urls::project_grouping("shop")).await.text().contains("tags.zone"));
        work(app).await;
        assert_told(&ana.post(&urls::correction_undo(boom, id), &[]).await.assert_status(303), "Nothing was undone");
        merge(app, boom, &[crash]).await;
        let event = event_id(2).simple().to_string();
        ana.get(&urls::event(crash, &event)).await.assert_redirect(&urls::event(boom, &event));
        ana.post(&urls::issue_action(crash, "resolve"), &[]).await.assert_status(303);
        let resolved: Vec<i64> =
            sqlx::query_scalar("select issue_id from issues where status = 'resolved'").fetch_all(app.db()).await.unwrap();
        assert_eq!(resolved, [boom]);
        app.run_jobs().await;
    });
}

#[test]
fn rules_can_be_stopped_while_events_are_moved() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        two_bugs(app, &shop).await;
        let before = told(app).await;
        for (rules, batches) in [
            // After the plan and before the first event, and with all of them moved.
            ("error.value:\"it broke\" -> broken", 2),
            ("error.value:\"it broke\" -> broken", 3),
            ("error.type:Boom -> {{ default }}, {{ tags.zone }}", 3),
        ] {
            let mut tx = app.db().begin().await.unwrap();
            let rules = json!({ "fingerprint_rules": rules });
            let id = regroup::apply_rules(&mut tx, (shop.id, None), &rules, act(app)).await.unwrap();
            tx.commit().await.unwrap();
            let mut state = None;
            for _ in 0..batches {
                state = regroup::one_batch(app.db(), &app.app.clock, id).await.unwrap().map(|run| (run.state, run.moved > 0));
            }
            assert_eq!(state, Some((regroup::State::Moving, batches > 2)));
            undo(app, &shop, id).await;
            let after = told(app).await;
            assert_eq!(after[..2], before);
            assert!(after[2..].iter().all(|made| made.contains("merged 0e 0u")), "{after:?}");
        }
        app.run_jobs().await;
    });
}
