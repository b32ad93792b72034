//! Mails: who is told, when it is tried again, what the log says.

use chrono::TimeDelta;
use vedette::platform::outbox::MAX_ATTEMPTS;
use vedette::web::urls;

use crate::harness::fake_smtp::{Behaviour, Stage};
use crate::harness::{Mail, TestApp, app_test, app_test_with_smtp, error};

async fn one_issue(app: &TestApp, project: &crate::harness::Project) -> i64 {
    app.sdk(project).capture(error("Boom").id(1)).await.assert_ok();
    app.digest_all().await;
    app.only_issue(project).await
}

fn recipients(mails: &[Mail]) -> Vec<&str> {
    let mut recipients: Vec<_> = mails.iter().map(|mail| mail.recipient.as_str()).collect();
    recipients.sort_unstable();
    recipients
}

#[test]
fn each_member_gets_one_mail_and_nobody_else_does() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        app.member("ana", &shop).await;
        app.member("ben", &shop).await;
        let eve = app.member("eve", &blog).await;
        app.admin("root").await;
        one_issue(app, &shop).await;
        for number in 2..5 {
            app.sdk(&shop).capture(error("Boom").id(number)).await.assert_ok();
        }
        app.digest_all().await;
        app.run_jobs().await;
        let mails = app.mails().await;
        assert_eq!(recipients(&mails), ["ana@example.test", "ben@example.test"]);
        assert!(mails.iter().all(|mail| mail.status == "kept" && mail.kind == "new_issue"));
        assert_ne!(mails[0].message_id, mails[1].message_id);
        // The log belongs to those who see the project.
        let log = eve.page(&urls::mails()).await.text();
        assert!(!log.contains("Boom"), "{log}");
        eve.get(&urls::mail(mails[0].id)).await.assert_status(404);
        eve.get(&urls::mail_html(mails[0].id)).await.assert_status(404);
    });
}

#[test]
fn administrators_are_told_while_a_project_has_no_members() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.admin("root").await;
        app.stranger("eve").await;
        one_issue(app, &shop).await;
        app.run_jobs().await;
        assert_eq!(recipients(&app.mails().await), ["root@example.test"]);
    });
}

#[test]
fn with_nobody_to_tell_the_log_says_that_the_mail_was_skipped() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        one_issue(app, &shop).await;
        app.run_jobs().await;
        let mails = app.mails().await;
        assert_eq!((mails.len(), mails[0].status.as_str()), (1, "skipped"));
        assert!(mails[0].reason.contains("no members"), "{}", mails[0].reason);
    });
}

#[test]
fn without_smtp_a_mail_is_kept_and_readable() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        one_issue(app, &shop).await;
        app.run_jobs().await;
        let mail = app.mails().await.remove(0);
        assert_eq!(mail.status, "kept");
        ana.page(&urls::mail(mail.id)).await.assert_reads("VEDETTE_SMTP_URL");
        ana.page(&urls::mail_html(mail.id)).await.assert_reads("Boom");
        assert!(mail.html_body.contains("/issues/"));
    });
}

#[test]
fn a_server_that_says_later_is_asked_later_and_gets_the_mail_once() {
    app_test_with_smtp(async |app| {
        let (smtp, shop) = (app.smtp.as_ref().unwrap(), app.project("shop").await);
        let ana = app.member("ana", &shop).await;
        one_issue(app, &shop).await;
        smtp.behave(Behaviour::Refuse(Stage::Rcpt, "451 4.3.0 try later"));
        assert_eq!(app.run_jobs().await, 2, "one makes the mail, one tries to deliver it");
        assert_eq!(app.run_jobs().await, 0, "not at once");
        let mail = app.mails().await.remove(0);
        assert_eq!(mail.status, "queued");
        app.clock.advance(TimeDelta::seconds(7));
        assert_eq!(app.run_jobs().await, 1);
        app.clock.advance(TimeDelta::seconds(7));
        assert_eq!(app.run_jobs().await, 0, "the second pause is longer");
        smtp.behave(Behaviour::Accept);
        app.clock.advance(TimeDelta::seconds(10));
        assert_eq!(app.run_jobs().await, 1);
        app.clock.advance(TimeDelta::days(1));
        assert_eq!(app.run_jobs().await, 0);
        let received = smtp.mails();
        assert_eq!(received.len(), 1);
        assert!(received[0].text.contains(&mail.message_id), "{}", received[0].text);
        assert_eq!(app.mails().await[0].status, "sent");
        ana.page(&urls::mail(mail.id)).await.assert_reads("try later");
    });
}

#[test]
fn a_mail_that_was_taken_without_a_word_goes_out_again_under_the_same_name() {
    app_test_with_smtp(async |app| {
        let (smtp, shop) = (app.smtp.as_ref().unwrap(), app.project("shop").await);
        app.member("ana", &shop).await;
        one_issue(app, &shop).await;
        smtp.behave(Behaviour::DropAfterText);
        app.run_jobs().await;
        smtp.behave(Behaviour::Accept);
        app.clock.advance(TimeDelta::seconds(7));
        app.run_jobs().await;
        let id = format!("Message-ID: {}", app.mails().await[0].message_id);
        let received = smtp.mails();
        assert_eq!(received.len(), 2);
        assert!(received.iter().all(|mail| mail.text.contains(&id)), "{id} in both: {received:?}");
    });
}

#[test]
fn a_server_that_says_never_is_not_asked_again_and_the_log_says_why() {
    app_test_with_smtp(async |app| {
        let (smtp, shop) = (app.smtp.as_ref().unwrap(), app.project("shop").await);
        let ana = app.member("ana", &shop).await;
        one_issue(app, &shop).await;
        smtp.behave(Behaviour::Refuse(Stage::Rcpt, "550 5.1.1 nobody of that name"));
        app.run_jobs().await;
        app.clock.advance(TimeDelta::days(7));
        assert_eq!(app.run_jobs().await, 0);
        let mail = app.mails().await.remove(0);
        assert_eq!(mail.status, "failed");
        ana.page(&urls::mails()).await.assert_reads("failed");
        ana.page(&urls::mail(mail.id)).await.assert_reads("nobody of that name");
    });
}

#[test]
fn a_server_that_never_answers_well_is_given_up_after_two_days() {
    app_test_with_smtp(async |app| {
        let (smtp, shop) = (app.smtp.as_ref().unwrap(), app.project("shop").await);
        app.member("ana", &shop).await;
        one_issue(app, &shop).await;
        smtp.behave(Behaviour::Refuse(Stage::Greeting, "421 busy"));
        let mut attempts = app.run_jobs().await - 1;
        while attempts < MAX_ATTEMPTS as usize {
            app.clock.advance(TimeDelta::hours(7));
            let ran = app.run_jobs().await;
            assert_eq!(ran, 1, "after {attempts} attempts");
            attempts += ran;
        }
        app.clock.advance(TimeDelta::days(7));
        assert_eq!(app.run_jobs().await, 0);
        assert_eq!(app.mails().await[0].status, "failed");
    });
}
