//! A project as a whole: many issues at once, and none any more.

use chrono::TimeDelta;
use vedette::web::urls;

use crate::harness::{Mail, Project, TestApp, app_test, error};

/// Bugs that a project has.
const BUGS: usize = 8;

/// Each of these bugs at once, so many times.
async fn all_at_once(app: &TestApp, shop: &Project, bugs: usize, times: usize) {
    app.hear();
    for bug in 0..bugs {
        for _ in 0..times {
            app.sdk(shop).capture(error(&format!("Bug{bug}"))).await.assert_ok();
        }
    }
    app.digest_all().await;
}

/// Lets minutes pass in which somebody listens.
fn pass(app: &TestApp, minutes: i64) {
    for _ in 0..minutes {
        app.hear();
        app.clock.advance(TimeDelta::minutes(1));
    }
    app.hear();
}

/// Lets a minute pass.
async fn minute(app: &TestApp) {
    app.clock.advance(TimeDelta::minutes(1));
    app.watch().await;
    app.run_jobs().await;
}

/// An event of one bug after another, every ten minutes for so many days until now.
async fn live(app: &TestApp, shop: &Project, days: i64) {
    for n in 0..days * 144 {
        pass(app, 10);
        app.sdk(shop).capture(error(&format!("Bug{}", n as usize % BUGS))).await.assert_ok();
        if n % 72 == 0 {
            app.digest_all().await;
            app.watch().await;
            app.run_jobs().await;
        }
    }
    app.digest_all().await;
    app.watch().await;
    app.run_jobs().await;
}

async fn mails(app: &TestApp, kind: &str) -> Vec<Mail> {
    app.mails().await.into_iter().filter(|mail| mail.kind == kind).collect()
}

async fn facts(app: &TestApp) -> Vec<String> {
    let kinds = sqlx::query_scalar("select kind from alert_facts where kind not in ('new_issue', 'spike', 'spike_over') order by fact_id");
    kinds.fetch_all(app.db()).await.unwrap()
}

#[test]
fn many_issues_at_once_are_a_surge_and_its_end_a_line() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        live(app, &shop, 2).await;
        assert_eq!(facts(app).await, Vec::<String>::new());
        for _ in 0..8 {
            all_at_once(app, &shop, BUGS, 2).await;
            minute(app).await;
        }
        assert_eq!(facts(app).await, ["surge"]);
        let told = mails(app, "surge").await;
        assert_eq!(told.len(), 1, "{told:?}");
        let mail = &told[0];
        assert_eq!((mail.recipient.as_str(), mail.status.as_str()), ("ana@example.test", "kept"));
        assert!(mail.subject.starts_with("[shop] Surge: ") && mail.subject.ends_with("across 8 issues"), "{}", mail.subject);
        assert!(mail.text_body.contains("SHOP-8 Bug7: it broke"), "{}", mail.text_body);
        for _ in 0..90 {
            minute(app).await;
        }
        assert_eq!(facts(app).await, ["surge", "surge_over"]);
        assert_eq!(mails(app, "surge").await.len(), 1);
        ana.page("/account/told").await.assert_reads("Surge");
    });
}

#[test]
fn one_issue_that_spikes_is_no_surge_until_others_join_it() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        live(app, &shop, 2).await;
        for _ in 0..8 {
            all_at_once(app, &shop, 1, 16).await;
            minute(app).await;
        }
        assert_eq!(facts(app).await, Vec::<String>::new(), "its own spike says it");
        for _ in 0..8 {
            all_at_once(app, &shop, BUGS, 16).await;
            minute(app).await;
        }
        assert_eq!(facts(app).await, ["surge"]);
    });
}

#[test]
fn silence_of_a_project_that_never_stops_is_told_where_it_was_asked_for() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        app.member("ben", &blog).await;
        let switches = ["new_issues", "regressions", "spikes", "feedback", "limits", "noisy_places", "silence"].map(|name| (name, "1"));
        root.post(&urls::project_mails("shop"), &switches).await.assert_status(303);
        for _ in 0..7 * 24 * 2 {
            pass(app, 30);
            for project in [&shop, &blog] {
                app.sdk(project).capture(error("Bug")).await.assert_ok();
            }
            app.digest_all().await;
        }
        app.watch().await;
        app.run_jobs().await;
        // While nobody listens nothing is silent.
        app.clock.advance(TimeDelta::hours(20));
        app.watch().await;
        pass(app, 85);
        app.watch().await;
        assert_eq!(facts(app).await, Vec::<String>::new());
        pass(app, 10);
        app.watch().await;
        app.run_jobs().await;
        assert_eq!(facts(app).await, ["events_stopped", "events_stopped"]);
        ana.page("/account/told").await.assert_reads("Events stopped");
        let told = mails(app, "events_stopped").await;
        let subjects: Vec<_> = told.iter().filter(|mail| mail.status == "kept").map(|mail| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["[shop] Silence: nothing for 95 minutes, which never happens"], "blog did not ask for it");
        assert!(told[0].text_body.contains("Longest silence: 29 minutes, in the week before"), "{}", told[0].text_body);
        // Once, and again when they are back.
        pass(app, 300);
        app.watch().await;
        app.sdk(&shop).capture(error("Bug")).await.assert_ok();
        app.digest_all().await;
        pass(app, 1);
        app.watch().await;
        app.run_jobs().await;
        assert_eq!(facts(app).await, ["events_stopped", "events_stopped", "events_back"]);
    });
}

#[test]
fn what_is_refused_has_arrived() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        for _ in 0..7 * 24 {
            pass(app, 60);
            app.sdk(&shop).capture(error("Bug")).await.assert_ok();
            app.digest_all().await;
        }
        app.watch().await;
        pass(app, 170);
        app.sdk(&shop).envelope("{}\n{\"type\":\"event\"}\nnot json\n").await;
        app.digest_all().await;
        pass(app, 30);
        app.watch().await;
        assert_eq!(facts(app).await, Vec::<String>::new());
        pass(app, 240);
        app.watch().await;
        app.run_jobs().await;
        assert_eq!(facts(app).await, ["events_stopped"]);
    });
}
