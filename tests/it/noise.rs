//! One place that makes a new issue for every event: one mail for the lot, a suggestion whose rule helps, and nothing else changed.

use chrono::TimeDelta;
use serde_json::json;
use vedette::platform::db::run_script;
use vedette::web::urls::{self, IssueQuery};

use crate::alerts::use_up_all_attempts;
use crate::harness::events::Event;
use crate::harness::{Mail, Person, Project, TestApp, app_test, error};

/// A word without a number: grouping takes it for a part of the message.
fn word(number: u32) -> String {
    let letter = |n: u32| char::from(b'g' + (n % 16) as u8);
    format!("zebra{}{}{}", letter(number / 256), letter(number / 16), letter(number))
}

/// What an audit log says, which is another message each time.
fn said(logger: &str, number: u128) -> Event {
    let message = format!("Login of {} was refused", word(number as u32));
    Event(json!({"platform": "python", "level": "error", "logger": logger, "message": message})).id(number)
}

/// Sends and digests one by one, as they come in.
async fn one_by_one(app: &TestApp, project: &Project, events: impl IntoIterator<Item = Event>) {
    for event in events {
        app.sdk(project).capture(event).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
    }
}

async fn kinds(app: &TestApp, kind: &str) -> Vec<Mail> {
    app.run_jobs().await;
    app.mails().await.into_iter().filter(|mail| mail.kind == kind).collect()
}

/// New issues that people are told of, one by one or with others.
async fn new_issues(app: &TestApp) -> i64 {
    app.run_jobs().await;
    sqlx::query_scalar("select count(*) from alert_facts where kind = 'new_issue'").fetch_one(app.db()).await.unwrap()
}

/// The one noisy place.
async fn place(app: &TestApp) -> uuid::Uuid {
    sqlx::query_scalar("select place from noisy_places where told_at is not null").fetch_one(app.db()).await.unwrap()
}

fn list(slug: &str) -> String {
    IssueQuery { project: slug.to_owned(), ..IssueQuery::default() }.url()
}

async fn suggests(by: &Person, path: &str) -> bool {
    by.page(path).await.html().contains("data-test=\"noise\"")
}

#[test]
fn thirty_new_issues_from_one_place_are_one_mail_and_a_rule_that_helps() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        one_by_one(app, &shop, (1..=19).map(|n| said("shop.audit", n))).await;
        assert_eq!(new_issues(app).await, 19);
        assert!(!suggests(&ana, &list("shop")).await);
        one_by_one(app, &shop, (20..=30).map(|n| said("shop.audit", n))).await;
        assert_eq!((app.issues(&shop).await.len(), new_issues(app).await), (30, 19), "all are kept and listed");
        let mails = kinds(app, "noisy_place").await;
        assert_eq!(mails.len(), 1);
        assert_eq!((mails[0].recipient.as_str(), mails[0].status.as_str()), ("ana@example.test", "kept"));
        assert_eq!(mails[0].subject, "[shop] 20 new issues within an hour: Messages of shop.audit");
        let rule = "logger:\"shop.audit\" message:\"Login of * was refused*\" -> \"Messages of shop.audit: Login of ? was refused\"";
        assert!(mails[0].text_body.contains(rule) && mails[0].text_body.contains("/settings/grouping"), "{}", mails[0].text_body);
        // The log says why there were no others, once the hour is over.
        assert_eq!(kinds(app, "untold_issues").await.len(), 0);
        app.clock.advance(TimeDelta::hours(1));
        let untold = kinds(app, "untold_issues").await;
        assert_eq!((untold.len(), untold[0].status.as_str()), (1, "skipped"));
        assert!(untold[0].reason.contains("11 new issues got no mail of their own"), "{}", untold[0].reason);
        ana.page(&urls::mails()).await.assert_reads("one mail told of all of them");
        // The suggestion, for members and for administrators.
        for path in [list("shop"), urls::project_grouping("shop")] {
            let page = ana.page(&path).await;
            page.assert_reads("30 new issues");
            page.assert_reads(rule);
            assert!(!page.html().contains("Add the rule"), "{path}");
            assert!(root.page(&path).await.html().contains("Add the rule"), "{path}");
        }
        assert!(!suggests(&ana, &urls::project_settings("shop")).await);
        let apply = urls::noise_apply("shop", place(app).await);
        ana.post(&apply, &[]).await.assert_status(403);
        app.set(&shop, json!({"grouping": {"fingerprint_rules": "logger:shop.* -> {{ message }}"}})).await;
        root.post(&apply, &[]).await.assert_redirect(&urls::project_grouping("shop"));
        app.registry.refresh(app.db()).await.unwrap();
        let settings: serde_json::Value = sqlx::query_scalar("select settings from projects").fetch_one(app.db()).await.unwrap();
        assert_eq!(settings["grouping"]["fingerprint_rules"], format!("{rule}\nlogger:shop.* -> {{{{ message }}}}"), "before the others");
        assert!(!suggests(&root, &list("shop")).await, "it is followed");
        one_by_one(app, &shop, (31..=60).map(|n| said("shop.audit", n))).await;
        assert_eq!(app.issues(&shop).await.len(), 31, "all of them are one issue");
        // Followed twice, by two administrators at once, it still stands there once.
        root.post(&apply, &[]).await.assert_redirect(&urls::project_grouping("shop"));
        let again: serde_json::Value = sqlx::query_scalar("select settings from projects").fetch_one(app.db()).await.unwrap();
        assert_eq!(again, settings);
    });
}

#[test]
fn fingerprints_of_an_sdk_that_differ_each_time_are_noise_too_and_in_one_batch() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        let boom = |n: u128| error("Boom").with("fingerprint", json!([word(n as u32)])).id(n);
        for n in 1..=30 {
            app.sdk(&shop).capture(boom(n)).await.assert_ok();
        }
        app.digest_all().await;
        assert_eq!(new_issues(app).await, 19);
        let mail = kinds(app, "noisy_place").await.remove(0);
        assert_eq!(mail.subject, "[shop] 30 new issues within an hour: Boom in shop.pay", "all that came with the twentieth");
        ana.page(&list("shop")).await.assert_reads("Boom in shop.pay");
        root.post(&urls::noise_apply("shop", place(app).await), &[]).await.assert_redirect(&urls::project_grouping("shop"));
        app.registry.refresh(app.db()).await.unwrap();
        one_by_one(app, &shop, (31..=33).map(boom)).await;
        assert_eq!(app.issues(&shop).await.len(), 31);
        let other = error("Other").with("fingerprint", json!(["x"])).id(34);
        one_by_one(app, &shop, [other]).await;
        assert_eq!(app.issues(&shop).await.len(), 32, "others stay what they are");
        assert_eq!(new_issues(app).await, 20, "and are mailed as ever");
    });
}

#[test]
fn a_bad_release_a_slow_trickle_and_other_projects_are_no_noise() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let (ana, ben) = (app.member("ana", &shop).await, app.member("ben", &blog).await);
        // Five new bugs of one place, and thirty of as many.
        one_by_one(app, &shop, (1..=5).map(|n| said("shop.audit", n))).await;
        one_by_one(app, &shop, (6..=35).map(|n| error(&word(n)).id(u128::from(n)))).await;
        assert_eq!(new_issues(app).await, 35);
        // Fifteen here and twelve there.
        one_by_one(app, &shop, (36..=45).map(|n| said("shop.audit", n))).await;
        one_by_one(app, &blog, (1..=12).map(|n| said("shop.audit", n))).await;
        // One every ten minutes.
        for n in 13..=27 {
            app.clock.advance(TimeDelta::minutes(10));
            one_by_one(app, &blog, [said("shop.audit", n)]).await;
        }
        assert_eq!(new_issues(app).await, 72);
        assert!(app.mails().await.iter().all(|mail| matches!(mail.kind.as_str(), "new_issue" | "digest")));
        assert!(!suggests(&ana, &list("shop")).await && !suggests(&ben, &list("blog")).await);
        // What is noise in one project is none in the other, and nobody else's business.
        one_by_one(app, &blog, (31..=60).map(|n| said("shop.audit", n))).await;
        assert!(suggests(&ben, &list("blog")).await && !suggests(&ana, &list("shop")).await);
        ana.post(&urls::noise_dismiss("blog", place(app).await), &[]).await.assert_status(404);
        ana.post(&urls::noise_dismiss("shop", place(app).await), &[]).await.assert_redirect(&list("shop"));
        assert!(suggests(&ben, &list("blog")).await);
        one_by_one(app, &shop, [said("shop.audit", 61)]).await;
        let newest = app.mails().await.pop().unwrap();
        assert_eq!((newest.kind.as_str(), newest.recipient.as_str()), ("new_issue", "ana@example.test"));
    });
}

#[test]
fn a_dismissed_suggestion_comes_back_with_the_next_mail_a_day_later() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let mut number = 0;
        let mut hour = async || {
            one_by_one(app, &shop, (0..25).map(|n| said("shop.audit", number + n))).await;
            number += 25;
            app.clock.advance(TimeDelta::hours(1));
        };
        hour().await;
        let dismiss = urls::noise_dismiss("shop", place(app).await);
        ana.post(&dismiss, &[]).await.assert_redirect(&list("shop"));
        assert!(!suggests(&ana, &list("shop")).await);
        for _ in 0..5 {
            hour().await;
        }
        assert_eq!((new_issues(app).await, kinds(app, "noisy_place").await.len()), (19, 1), "it goes on, and is told already");
        assert!(!suggests(&ana, &list("shop")).await);
        app.clock.advance(TimeDelta::hours(20));
        hour().await;
        assert_eq!((new_issues(app).await, kinds(app, "noisy_place").await.len()), (38, 2), "a quiet time ended it");
        assert!(suggests(&ana, &list("shop")).await);
        let untold: i64 = kinds(app, "untold_issues")
            .await
            .iter()
            .map(|mail| {
                let reason = mail.reason.split(" on ").nth(1).unwrap();
                reason.split(' ').next().unwrap().parse::<i64>().unwrap()
            })
            .sum();
        assert_eq!(untold, 7 * 25 - 38, "the log accounts for each");
        app.clock.advance(TimeDelta::days(15));
        assert!(!suggests(&ana, &list("shop")).await, "old news");
    });
}

#[test]
fn hostile_places_are_only_text_and_a_mail_that_failed_can_be_tried_again() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let hostile = "<script>alert(1)</script>\"\\*{{ x }}\u{0}\r\nBcc: x@y";
        for n in 1..=20 {
            app.sdk(&shop)
                .capture(said(hostile, n).with("message", json!(format!("{hostile} {} {hostile}", word(n as u32)))))
                .await
                .assert_ok();
        }
        app.digest_all().await;
        let rename = async |from: &str, to: &str| {
            let rename = format!("alter table noisy_places rename column {from} to {to}");
            run_script(&mut app.db().acquire().await.unwrap(), rename).await.unwrap();
        };
        rename("rule", "gone").await;
        use_up_all_attempts(app).await;
        rename("gone", "rule").await;
        let failed = kinds(app, "noisy_place").await.remove(0);
        assert_eq!(failed.status, "failed");
        assert!(failed.reason.contains("nobody was told"), "{}", failed.reason);
        ana.post(&urls::mail_again(failed.id), &[]).await.assert_redirect(&urls::mail(failed.id));
        let mails = kinds(app, "noisy_place").await;
        assert_eq!(mails.iter().map(|mail| mail.status.as_str()).collect::<Vec<_>>(), ["replaced", "kept"]);
        assert!(!mails[1].html_body.contains("<script") && !mails[1].subject.contains(['\r', '\n']), "{}", mails[1].html_body);
        for path in [list("shop"), urls::project_grouping("shop")] {
            let page = ana.page(&path).await;
            assert!(page.html().contains("data-test=\"noise\"") && !page.html().contains("<script>alert"), "{path}");
        }
    });
}

#[test]
fn places_that_were_silent_for_a_month_are_forgotten() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let places = async || sqlx::query_scalar::<_, i64>("select count(*) from noisy_places").fetch_one(app.db()).await.unwrap();
        one_by_one(app, &shop, (1..=3).map(|n| error(&word(n)).id(u128::from(n)))).await;
        assert_eq!(places().await, 3);
        app.clock.advance(TimeDelta::days(31));
        one_by_one(app, &shop, [error("New").id(4)]).await;
        assert_eq!(places().await, 1);
    });
}
