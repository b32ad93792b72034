//! Spikes: who is told of what, once, whatever happens around it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use vedette::accounts::IssueId;
use vedette::alerts::spikes::Detector;
use vedette::issues::regroup::{self, Act};
use vedette::web::urls::{self, IssueQuery};

use crate::harness::{Mail, Project, Server, TestApp, app_test, error};
use crate::regroup::{act, merge, undo, work};

/// A bug that happens every half an hour, for so many hours until now.
async fn trickle(app: &TestApp, shop: &Project, kind: &str, hours: i64) -> i64 {
    let now = app.app.clock.now();
    for n in (1..=hours * 2).rev() {
        app.sdk(shop).capture(error(kind).at(now - TimeDelta::minutes(30 * n))).await.assert_ok();
    }
    app.digest_all().await;
    app.hear();
    app.watch().await;
    *app.issues(shop).await.last().unwrap()
}

/// Minutes with so many events each, one after another, watched by these processes.
async fn minutes(app: &TestApp, watchers: &[&Server], (shop, kind): (&Project, &str), counts: &[u32]) {
    for count in counts {
        app.hear();
        for _ in 0..*count {
            app.sdk(shop).capture(error(kind)).await.assert_ok();
        }
        app.digest_all().await;
        app.clock.advance(TimeDelta::minutes(1));
        for watcher in watchers {
            watcher.watch().await;
        }
        app.run_jobs().await;
    }
}

async fn spikes(app: &TestApp) -> Vec<Mail> {
    app.run_jobs().await;
    app.mails().await.into_iter().filter(|mail| mail.kind.starts_with("spike")).collect()
}

async fn history(app: &TestApp, issue: i64) -> Vec<String> {
    let kinds = sqlx::query_scalar("select kind from issue_activity where issue_id = $1 order by activity_id").bind(issue);
    kinds.fetch_all(app.db()).await.unwrap()
}

async fn state(app: &TestApp, issue: i64) -> Option<Vec<u8>> {
    sqlx::query_scalar("select state from issue_spikes where issue_id = $1").bind(issue).fetch_one(app.db()).await.unwrap()
}

fn list(slug: &str) -> String {
    IssueQuery { project: slug.to_owned(), ..IssueQuery::default() }.url()
}

#[test]
fn a_burst_after_a_trickle_is_one_mail_and_its_end_a_line() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let issue = trickle(app, &shop, "Boom", 30).await;
        assert_eq!(spikes(app).await.len(), 0);
        minutes(app, &[app], (&shop, "Boom"), &[9; 8]).await;
        let mails = spikes(app).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        let mail = &mails[0];
        assert_eq!((mail.kind.as_str(), mail.recipient.as_str(), mail.status.as_str()), ("spike", "ana@example.test", "kept"));
        assert!(
            mail.subject.starts_with("[shop] Spike: ") && mail.subject.ends_with("in 5 min, usually 2 per hour: Boom: it broke"),
            "{}",
            mail.subject
        );
        assert!(mail.text_body.contains("Since: 24 Nov 2026, 14:33:00 UTC"), "{}", mail.text_body);
        assert!(mail.text_body.contains("Largest: 9 events in a minute"), "{}", mail.text_body);
        let page = ana.page(&urls::issue(issue)).await;
        page.assert_reads("Spiking since 14:33: ");
        page.assert_reads("A spike was on already, and told.");
        ana.page(&list("shop")).await.assert_reads("spiking");
        // It ends, although nothing comes any more.
        for _ in 0..20 {
            minutes(app, &[], (&shop, "Boom"), &[0; 5]).await;
            app.watch().await;
        }
        assert_eq!(spikes(app).await.len(), 1, "its end waits for the next mail that gathers several things");
        let detail: serde_json::Value =
            sqlx::query_scalar("select detail from alert_facts where kind = 'spike_over'").fetch_one(app.db()).await.unwrap();
        assert_eq!(detail["issue"], issue, "{detail}");
        ana.page(&urls::issue_told(issue))
            .await
            .assert_reads("Spike over SHOP-1 ana@example.test The end of a spike gets no mail of its own");
        assert_eq!(history(app, issue).await, ["appeared", "spiked", "calmed"]);
        let page = ana.page(&urls::issue(issue)).await;
        assert!(!page.html().contains("Spiking since"));
        page.assert_reads("Spike over");
    });
}

#[test]
fn two_processes_tell_once_and_a_new_process_goes_on_where_another_stopped() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let now = app.app.clock.now().timestamp() / 60;
        let issue = trickle(app, &shop, "Boom", 30).await;
        app.run_jobs().await;
        let (second, third) = (app.another_server(), app.another_server());
        let counts = [9, 9, 9, 0, 9, 9, 2];
        for (at, count) in counts.into_iter().enumerate() {
            app.hear();
            for _ in 0..count {
                app.sdk(&shop).capture(error("Boom")).await.assert_ok();
            }
            app.digest_all().await;
            app.clock.advance(TimeDelta::minutes(1));
            // Another process every minute, beside one more.
            let turns = [app as &Server, &second, &third];
            tokio::join!(turns[at % 3].watch(), turns[(at + 1) % 3].watch());
            app.clock.advance(TimeDelta::seconds(5));
            turns[at % 3].watch().await;
        }
        assert_eq!(spikes(app).await.len(), 1);
        // What one process would know that had never stopped.
        let mut unbroken = Detector::new(now - 1_800);
        for minute in now - 1_800..now {
            unbroken.minute(u32::from((now - minute) % 30 == 0), false);
        }
        for count in counts {
            unbroken.minute(count, false);
        }
        assert_eq!(state(app, issue).await, Some(unbroken.pack()));
        assert_eq!(history(app, issue).await, ["appeared", "spiked"]);
    });
}

#[test]
fn an_ignored_issue_is_told_to_nobody_and_the_log_says_why() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let issue = trickle(app, &shop, "Boom", 30).await;
        ana.post(&urls::issue_action(issue, "ignore"), &[]).await;
        minutes(app, &[app], (&shop, "Boom"), &[9; 8]).await;
        let mails = spikes(app).await;
        assert_eq!((mails.len(), mails[0].status.as_str()), (1, "skipped"));
        assert!(mails[0].reason.contains("The issue is ignored"), "{}", mails[0].reason);
    });
}

#[test]
fn what_comes_late_is_history_unless_it_is_hardly_late() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let issue = trickle(app, &shop, "Boom", 30).await;
        let send = async |ago: i64, count: u32| {
            let at: DateTime<Utc> = app.app.clock.now() - TimeDelta::minutes(ago);
            for _ in 0..count {
                app.sdk(&shop).capture(error("Boom").at(at)).await.assert_ok();
            }
            app.digest_all().await;
            app.hear();
            app.watch().await;
        };
        minutes(app, &[app], (&shop, "Boom"), &[1]).await;
        let before = state(app, issue).await;
        for ago in 200..210 {
            send(ago, 9).await;
        }
        assert_eq!(spikes(app).await.len(), 0, "an offline client");
        assert_ne!(state(app, issue).await, before, "but it is remembered");
        minutes(app, &[app], (&shop, "Boom"), &[0, 0, 0, 0, 0, 0, 1]).await;
        for ago in [6, 5, 4, 3, 2] {
            send(ago, 20).await;
        }
        assert_eq!(spikes(app).await.len(), 1);
    });
}

#[test]
fn what_was_held_back_while_nobody_listened_is_no_spike() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let now = app.app.clock.now();
        for n in (1..=1_500).rev() {
            app.sdk(&shop).capture(error("Boom").at(now - TimeDelta::minutes(n))).await.assert_ok();
        }
        app.digest_all().await;
        app.watch().await;
        // An hour without a server; then everything at once, dated to now by a proxy.
        app.clock.advance(TimeDelta::minutes(61));
        minutes(app, &[app], (&shop, "Boom"), &[30, 30, 1, 1, 1]).await;
        assert_eq!(spikes(app).await.len(), 0);
        let gaps: i64 =
            sqlx::query_scalar("select max(minute) - min(minute) - count(*) + 1 from heard_minutes").fetch_one(app.db()).await.unwrap();
        assert_eq!(gaps, 60);
    });
}

#[test]
fn an_issue_that_takes_in_a_louder_one_does_not_spike() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let quiet = trickle(app, &shop, "Boom", 30).await;
        minutes(app, &[app], (&shop, "Crash"), &[8; 75]).await;
        let loud = *app.issues(&shop).await.last().unwrap();
        assert_ne!(quiet, loud);
        let mut tx = app.db().begin().await.unwrap();
        regroup::merge(&mut tx, IssueId(quiet), &[IssueId(loud)], Act { by: None, now: app.app.clock.now() }).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(state(app, quiet).await, None, "it is made anew");
        minutes(app, &[app], (&shop, "Crash"), &[8; 20]).await;
        assert!(state(app, quiet).await.is_some());
        assert_eq!(spikes(app).await.len(), 0);
    });
}

#[test]
fn what_is_split_out_and_comes_back_does_not_spike() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        minutes(app, &[app], (&shop, "Crash"), &[8; 75]).await;
        let one = app.only_issue(&shop).await;
        minutes(app, &[app], (&shop, "Boom"), &[1; 20]).await;
        let other = *app.issues(&shop).await.last().unwrap();
        let hash = sqlx::query_scalar("select hash from issue_hashes where issue_id = $1").bind(one);
        let hash = hash.fetch_one(app.db()).await.unwrap();
        merge(app, other, &[one]).await;
        minutes(app, &[app], (&shop, "Crash"), &[8; 10]).await;
        let mut tx = app.db().begin().await.unwrap();
        let (made, id) = regroup::split(&mut tx, IssueId(other), &[hash], act(app)).await.unwrap();
        tx.commit().await.unwrap();
        // Events come, and are watched, while others still move.
        minutes(app, &[app], (&shop, "Crash"), &[8; 3]).await;
        work(app).await;
        assert_eq!(state(app, made.0).await, None, "it is made anew");
        minutes(app, &[app], (&shop, "Crash"), &[8; 20]).await;
        assert!(state(app, made.0).await.is_some());
        undo(app, &shop, id).await;
        minutes(app, &[app], (&shop, "Crash"), &[8; 20]).await;
        assert_eq!(spikes(app).await.len(), 0);
    });
}

#[test]
fn an_issue_to_which_rules_bring_louder_ones_does_not_spike() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        minutes(app, &[app], (&shop, "Boom"), &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0].repeat(4)).await;
        let quiet = app.only_issue(&shop).await;
        minutes(app, &[app], (&shop, "Crash"), &[8; 75]).await;
        let rules = json!({"fingerprint_rules": "error.value:\"it broke\" -> broken"});
        app.set(&shop, json!({"grouping": rules})).await;
        let mut tx = app.db().begin().await.unwrap();
        let id = regroup::apply_rules(&mut tx, (shop.id, None), &rules, act(app)).await.unwrap();
        tx.commit().await.unwrap();
        minutes(app, &[app], (&shop, "Crash"), &[8; 3]).await;
        work(app).await;
        minutes(app, &[app], (&shop, "Crash"), &[8; 20]).await;
        assert_eq!(spikes(app).await.len(), 0, "what moved came long ago");
        app.set(&shop, json!({})).await;
        undo(app, &shop, id).await;
        minutes(app, &[app], (&shop, "Crash"), &[8; 20]).await;
        assert_eq!(spikes(app).await.len(), 0);
        assert_eq!(state(app, quiet).await, None, "nothing came since");
    });
}

#[test]
fn a_minute_waits_for_its_digest() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let issue = trickle(app, &shop, "Boom", 30).await;
        let before = state(app, issue).await;
        app.sdk(&shop).capture(error("Boom")).await.assert_ok();
        app.digest_all().await;
        app.sdk(&shop).capture(error("Boom")).await.assert_ok();
        app.clock.advance(TimeDelta::minutes(2));
        app.watch().await;
        assert_eq!(state(app, issue).await, before, "one of its events is not digested");
        app.digest_all().await;
        app.watch().await;
        assert_ne!(state(app, issue).await, before);
        app.run_jobs().await;
    });
}
