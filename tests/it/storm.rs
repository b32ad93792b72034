//! Ten thousand new issues within a minute: a handful of mails, and each fact in the log for each recipient. Small by default; all of them with `VEDETTE_TEST_FULL`.

use std::time::Instant;

use chrono::TimeDelta;
use serde_json::json;
use vedette::web::urls;

use crate::harness::fake_hook::FakeHook;
use crate::harness::{Project, TestApp, app_test, error};

/// Parts of the minute: what comes in each is digested and told before the next.
const PARTS: u32 = 6;

fn storm() -> u32 {
    if std::env::var_os("VEDETTE_TEST_FULL").is_some_and(|value| !value.is_empty()) { 10_000 } else { 300 }
}

/// A minute with so many new issues of as many places; seconds that digest, the look for spikes, and the jobs took.
async fn minute(app: &TestApp, shop: &Project, issues: u32) -> [f64; 3] {
    let mut took = [0.0; 3];
    for part in 0..PARTS {
        app.hear();
        for number in (part * issues / PARTS)..((part + 1) * issues / PARTS) {
            app.sdk(shop).capture(error(&format!("Kind{number}")).release("2.1.0")).await.assert_ok();
        }
        let began = Instant::now();
        app.digest_all().await;
        let digested = Instant::now();
        app.clock.advance(TimeDelta::seconds(10));
        app.watch().await;
        let watched = Instant::now();
        app.run_jobs().await;
        for (sum, span) in took.iter_mut().zip([digested - began, watched - digested, watched.elapsed()]) {
            *sum += span.as_secs_f64();
        }
    }
    took
}

/// New issues that a subject tells of: "[shop] New: …" of one, "[shop] 49 new issues …" of so many.
fn told_by(subject: &str) -> u32 {
    let rest = subject.strip_prefix("[shop] ").unwrap_or_else(|| panic!("{subject}"));
    rest.strip_prefix("New: ").map_or_else(|| rest.split(' ').next().unwrap().replace(',', "").parse().unwrap(), |_| 1)
}

#[test]
fn ten_thousand_new_issues_within_a_minute_are_a_handful_of_mails_and_no_fact_is_lost() {
    app_test(async |app| {
        let (shop, hook, issues) = (app.project("shop").await, FakeHook::start().await, storm());
        for name in ["ana", "ben"] {
            app.member(name, &shop).await;
        }
        let root = app.admin("root").await;
        let channel = [("kind", "webhook"), ("label", "Own"), ("url", &*hook.url("/own")), ("token", "")];
        root.post(&urls::project_channels("shop"), &channel).await.assert_ok();
        let [digest, watch, jobs] = minute(app, &shop, issues).await;
        let began = Instant::now();
        for _ in 0..24 {
            app.clock.advance(TimeDelta::minutes(5));
            app.watch().await;
            app.run_jobs().await;
        }
        let after = began.elapsed().as_secs_f64();
        println!("{issues} new issues: digest {digest:.1} s, spikes {watch:.2} s, jobs {jobs:.1} s; the two hours after {after:.1} s");

        // A line per fact and recipient, all of them told, none twice.
        let wanted = i64::from(issues);
        let facts: i64 = sqlx::query_scalar("select count(distinct issue_id) from alert_facts").fetch_one(app.db()).await.unwrap();
        assert_eq!(facts, wanted);
        let rows = "select coalesce(u.email, 'channel'), d.status, count(*), count(distinct d.fact_id) from alert_decisions d
            left join users u using (user_id) group by 1, 2 order by 1";
        let decided: Vec<(String, String, i64, i64)> = sqlx::query_as(rows).fetch_all(app.db()).await.unwrap();
        let told = |who: &str| (who.to_owned(), "told".to_owned(), wanted, wanted);
        assert_eq!(decided, ["ana@example.test", "ben@example.test", "channel"].map(told));

        // And what people read adds up to it.
        let mails = app.mails().await;
        for who in ["ana@example.test", "ben@example.test"] {
            let subjects: Vec<&str> = mails.iter().filter(|mail| mail.recipient == who).map(|mail| mail.subject.as_str()).collect();
            assert!(subjects.len() <= 3, "a handful: {subjects:?}");
            assert_eq!(subjects.iter().map(|subject| told_by(subject)).sum::<u32>(), issues, "{subjects:?}");
        }
        assert!(hook.take().len() <= 3, "the channel, too");
        let longest = mails.iter().map(|mail| mail.html_body.len()).max().unwrap();
        assert!(longest < 50_000, "the mail names the most important, and counts the others: {longest} bytes");
    });
}

/// A word without a number: grouping takes it for a part of the fingerprint.
fn word(number: u32) -> String {
    let letter = |n: u32| char::from(b'g' + (n % 16) as u8);
    [4096, 256, 16, 1].map(|of| letter(number / of)).iter().collect()
}

#[test]
fn many_places_that_all_make_a_new_issue_for_every_event_are_a_handful_of_mails_too() {
    app_test(async |app| {
        let (shop, issues) = (app.project("shop").await, storm());
        app.member("ana", &shop).await;
        let places = issues / 25;
        for number in 0..issues {
            let event = error(&format!("Kind{}", number % places)).with("fingerprint", json!([word(number)]));
            app.sdk(&shop).capture(event).await.assert_ok();
        }
        app.digest_all().await;
        app.run_jobs().await;
        for _ in 0..24 {
            app.clock.advance(TimeDelta::minutes(5));
            app.run_jobs().await;
        }
        let rows = "select f.kind, d.status, count(*) from alert_decisions d join alert_facts f using (project_id, fact_id) group by 1, 2 order by 1";
        let decided: Vec<(String, String, i64)> = sqlx::query_as(rows).fetch_all(app.db()).await.unwrap();
        let told = |kind: &str, facts: u32| (kind.to_owned(), "told".to_owned(), i64::from(facts));
        assert_eq!(decided, [told("new_issue", places * 19), told("noisy_place", places)]);
        let mails = app.mails().await;
        let subjects: Vec<&str> = mails.iter().filter(|mail| mail.recipient == "ana@example.test").map(|mail| &*mail.subject).collect();
        assert!(subjects.len() <= 4, "{subjects:?}");
        let gathered = mails.iter().find(|mail| mail.kind == "digest").unwrap();
        for body in [&gathered.text_body, &gathered.html_body] {
            assert!(body.contains(&format!("{} noisy places", places - 1)), "{body}");
            assert!(body.contains("25 new issues within an hour: Kind"), "{body}");
        }
    });
}
