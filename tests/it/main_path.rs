//! From an SDK's event to the issue, its page and the mail; and what happens to an issue's state.

use chrono::TimeDelta;
use vedette::platform::db::Db;
use vedette::web::urls;

use crate::harness::{app_test, app_test_with_smtp, error};

#[test]
fn an_event_becomes_an_issue_a_page_and_a_mail() {
    app_test_with_smtp(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        ana.page(&urls::project("shop")).await.assert_reads(&shop.key);
        assert_eq!(ana.page(&urls::project_waiting("shop")).await.json()["waiting"], true);
        let event = error("CardDeclined").id(1).release("1.0").user("7").tag("plan", "gold");
        app.sdk(&shop).capture(event).await.assert_ok();
        app.digest_all().await;
        assert_eq!(ana.page(&urls::project_waiting("shop")).await.json()["waiting"], false);
        let issue = app.only_issue(&shop).await;
        ana.page(&urls::home()).await.assert_reads("CardDeclined");
        let page = ana.page(&urls::issue(issue)).await;
        for text in ["CardDeclined", "it broke", "charge(card)", "SHOP-1", "gold", "1.0"] {
            page.assert_reads(text);
        }
        app.run_jobs().await;
        let mails = app.smtp.as_ref().unwrap().wait_for(1).await;
        assert_eq!(mails[0].to, ["<ana@example.test>"]);
        assert!(mails[0].text.contains("CardDeclined"), "{}", mails[0].text);
        let logged = app.mails().await;
        assert_eq!((logged.len(), logged[0].status.as_str()), (1, "sent"));
        assert!(logged[0].text_body.contains(&format!("https://errors.example/issues/{issue}")), "{}", logged[0].text_body);
        ana.page(&urls::mails()).await.assert_reads(&logged[0].subject);
        assert_eq!(app.outcomes().await, ["error stored 1"]);
    });
}

#[test]
fn events_of_two_projects_with_one_id_are_two_events() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        for project in [&shop, &blog] {
            app.sdk(project).capture(error("Boom").id(1)).await.assert_ok();
        }
        app.digest_all().await;
        assert_ne!(app.only_issue(&shop).await, app.only_issue(&blog).await);
        assert_eq!(app.outcomes().await, ["error stored 2"]);
        app.run_jobs().await;
    });
}

async fn status(db: &Db, issue: i64) -> String {
    sqlx::query_scalar("select status from issues where issue_id = $1").bind(issue).fetch_one(db).await.unwrap()
}

#[test]
fn a_resolved_issue_comes_back_with_the_next_event_and_says_so() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.sdk(&shop).capture(error("Boom").id(1).release("1.0")).await.assert_ok();
        app.digest_all().await;
        let issue = app.only_issue(&shop).await;
        // Received before somebody resolves it, digested after.
        app.sdk(&shop).capture(error("Boom").id(2).release("1.0")).await.assert_ok();
        app.clock.advance(TimeDelta::seconds(1));
        ana.post(&urls::issue_action(issue, "resolve"), &[]).await.assert_status(303);
        app.digest_all().await;
        assert_eq!(status(app.db(), issue).await, "resolved");
        app.run_jobs().await;
        app.clock.advance(TimeDelta::days(1));
        app.sdk(&shop).capture(error("Boom").id(3).release("1.1")).await.assert_ok();
        app.digest_all().await;
        assert_eq!(status(app.db(), issue).await, "open");
        app.run_jobs().await;
        let kinds: Vec<_> = app.mails().await.into_iter().map(|mail| mail.kind).collect();
        assert_eq!(kinds, ["new_issue", "regression"]);
        let last = app.mails().await.pop().unwrap();
        assert!(last.text_body.contains("1.1") && last.text_body.contains("ana@example.test"), "{}", last.text_body);
        ana.page(&urls::issue(issue)).await.assert_reads("1.1");
    });
}

#[test]
fn an_ignored_issue_stays_ignored_and_quiet() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let issue = app.only_issue(&shop).await;
        ana.post(&urls::issue_action(issue, "ignore"), &[]).await.assert_status(303);
        app.clock.advance(TimeDelta::days(1));
        app.sdk(&shop).capture(error("Boom").id(2).release("2.0")).await.assert_ok();
        app.digest_all().await;
        assert_eq!(app.run_jobs().await, 0);
        assert_eq!(status(app.db(), issue).await, "ignored");
        assert_eq!(app.mails().await.len(), 1);
        let open = ana.page(&urls::home()).await.text();
        assert!(!open.contains("Boom"), "{open}");
    });
}
