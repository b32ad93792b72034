//! Trouble of Vedette itself: administrators see it, and hear of it when it lasts.

use chrono::TimeDelta;
use vedette::alerts::LookForTrouble;
use vedette::platform::periodic::Periodic as _;
use vedette::web::urls;

use crate::harness::{Mail, Server, TestApp, app_test, error};

async fn look(app: &TestApp, server: &Server) {
    LookForTrouble { journal: server.journal.clone(), id: server.journal_id }.step(&server.app).await.unwrap();
    app.run_jobs().await;
}

async fn mails(app: &TestApp) -> Vec<Mail> {
    app.mails().await.into_iter().filter(|mail| mail.kind == "trouble").collect()
}

async fn told(app: &TestApp) -> Vec<String> {
    mails(app).await.into_iter().map(|mail| format!("{}: {}", mail.recipient, mail.subject)).collect()
}

#[test]
fn events_that_appear_late_are_told_to_administrators_once_and_when_it_is_over() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        let second = app.another_server();
        app.sdk(&shop).capture(error("Boom")).await.assert_ok();
        app.clock.advance(TimeDelta::minutes(9));
        look(app, app).await;
        assert!(!root.page(&urls::mails()).await.html().contains("data-test=\"trouble\""));
        app.clock.advance(TimeDelta::minutes(2));
        look(app, app).await;
        root.page(&urls::mails()).await.assert_reads("Events appear late: 1 request waits");
        assert!(!ana.page(&urls::mails()).await.html().contains("data-test=\"trouble\""), "it is nothing that members can change");
        assert_eq!(told(app).await, Vec::<String>::new(), "it may pass");
        app.clock.advance(TimeDelta::minutes(5));
        for _ in 0..2 {
            look(app, app).await;
            look(app, &second).await;
        }
        let late = "root@example.test: [Vedette] Trouble: Events appear late: 1 request waits in the journal, the oldest for 16 minutes";
        assert_eq!(told(app).await, [late]);
        let mail = &mails(app).await[0];
        assert!(mail.text_body.contains("Nothing is lost.") && !mail.text_body.contains("Project settings"), "{}", mail.text_body);
        root.page(&urls::mails()).await.assert_reads("Vedette itself is in trouble.");
        root.page(&urls::mail(mail.id)).await.assert_reads("Events appear late");
        ana.get(&urls::mail(mail.id)).await.assert_status(404);
        app.digest_all().await;
        look(app, app).await;
        look(app, app).await;
        let told = told(app).await;
        assert_eq!(told.len(), 2);
        assert!(told[1].starts_with("root@example.test: [Vedette] Over: Events appear late"), "{told:?}");
        assert!(!root.page(&urls::mails()).await.html().contains("data-test=\"trouble\""));
    });
}

#[test]
fn background_work_that_fails_is_told_again_each_day_and_goes_with_its_process() {
    app_test(async |app| {
        app.admin("root").await;
        let (second, fail) =
            (app.another_server(), || app.app.board().failed("events.retention", app.app.clock.now(), "permission denied"));
        fail();
        app.clock.advance(TimeDelta::minutes(16));
        look(app, app).await;
        app.clock.advance(TimeDelta::minutes(6));
        fail();
        look(app, app).await;
        let expected = "root@example.test: [Vedette] Trouble: The background task events.retention fails: permission denied";
        assert_eq!(told(app).await, [expected]);
        app.clock.advance(TimeDelta::hours(24));
        look(app, app).await;
        assert_eq!(told(app).await, [expected, expected]);
        // Its process dies, and another one lives on.
        app.app.board().worked("events.retention");
        app.clock.advance(TimeDelta::minutes(61));
        look(app, &second).await;
        let left: i64 = sqlx::query_scalar("select count(*) from troubles").fetch_one(app.db()).await.unwrap();
        assert_eq!((left, told(app).await.len()), (0, 2));
    });
}

#[test]
fn mails_that_do_not_go_out_are_shown_and_not_mailed() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (_, root) = (app.member("ana", &shop).await, app.admin("root").await);
        app.sdk(&shop).capture(error("Boom")).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let mail = app.mails().await.remove(0).id;
        let stuck = sqlx::query("update mails set status = 'queued', reason = 'connection refused' where mail_id = $1").bind(mail);
        stuck.execute(app.db()).await.unwrap();
        app.clock.advance(TimeDelta::minutes(31));
        look(app, app).await;
        app.clock.advance(TimeDelta::minutes(31));
        look(app, app).await;
        root.page(&urls::mails()).await.assert_reads("1 mail could not be sent for half an hour and more: connection refused");
        assert_eq!(told(app).await, Vec::<String>::new());
    });
}
