//! Mails: who is told, when it is tried again, what the log says.

use chrono::TimeDelta;
use vedette::alerts::{MAILS_PER_PROJECT, Retention};
use vedette::platform::outbox::MAX_ATTEMPTS;
use vedette::platform::periodic::{Periodic as _, Step};
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
        let mail = app.mails().await.remove(0);
        assert_eq!(mail.recipient, "root@example.test");
        // Not "as a member", which they are not.
        for body in [&mail.text_body, &mail.html_body] {
            assert!(body.contains("as an administrator of Vedette, because shop has no members"), "{body}");
        }
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

/// Lets every attempt of what is queued happen.
pub(crate) async fn use_up_all_attempts(app: &TestApp) {
    for _ in 0..MAX_ATTEMPTS {
        app.run_jobs().await;
        app.clock.advance(TimeDelta::hours(7));
    }
    assert_eq!(app.run_jobs().await, 0);
}

#[test]
fn a_mail_that_could_not_even_be_written_is_in_the_log_and_can_be_tried_again() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let (ana, eve) = (app.member("ana", &shop).await, app.member("eve", &blog).await);
        one_issue(app, &shop).await;
        let column = async |from: &str, to: &str| {
            let rename = format!("alter table issues rename column {from} to {to}");
            vedette::platform::db::run_script(&mut app.db().acquire().await.unwrap(), rename).await.unwrap();
        };
        column("culprit", "gone").await;
        use_up_all_attempts(app).await;
        column("gone", "culprit").await;
        let failed = app.mails().await.remove(0);
        assert_eq!((failed.status.as_str(), failed.recipient.as_str(), failed.kind.as_str()), ("failed", "", "new_issue"));
        ana.page(&urls::mails()).await.assert_reads("No mail could be written");
        ana.page(&urls::mail(failed.id)).await.assert_reads("Try again");

        eve.post(&urls::mail_again(failed.id), &[]).await.assert_status(404);
        assert_eq!(app.run_jobs().await, 0);
        ana.post(&urls::mail_again(failed.id), &[]).await.assert_redirect(&urls::mail(failed.id));
        assert_eq!(app.run_jobs().await, 2, "one makes the mail, one keeps it");
        let mails = app.mails().await;
        assert_eq!(mails.iter().map(|mail| mail.status.as_str()).collect::<Vec<_>>(), ["replaced", "kept"]);
        assert_eq!(mails[1].recipient, "ana@example.test");
        // Once is enough.
        ana.post(&urls::mail_again(failed.id), &[]).await.assert_redirect(&urls::mail(failed.id));
        assert_eq!(app.run_jobs().await, 0);
    });
}

#[test]
fn a_failed_mail_is_sent_again_on_request_under_the_same_name() {
    app_test_with_smtp(async |app| {
        let (smtp, shop) = (app.smtp.as_ref().unwrap(), app.project("shop").await);
        let ana = app.member("ana", &shop).await;
        one_issue(app, &shop).await;
        smtp.behave(Behaviour::Refuse(Stage::Rcpt, "550 5.1.1 nobody of that name"));
        app.run_jobs().await;
        let mail = app.mails().await.remove(0);
        assert_eq!(mail.status, "failed");
        ana.page(&urls::mail(mail.id)).await.assert_reads("Send again");
        smtp.behave(Behaviour::Accept);
        ana.post(&urls::mail_again(mail.id), &[]).await.assert_redirect(&urls::mail(mail.id));
        ana.post(&urls::mail_again(mail.id), &[]).await.assert_redirect(&urls::mail(mail.id));
        assert_eq!(app.run_jobs().await, 1, "asked twice, sent once");
        assert_eq!(app.mails().await[0].status, "sent");
        assert!(smtp.mails()[0].text.contains(&mail.message_id));
        // The log forgets neither the refusal nor who asked.
        let page = ana.page(&urls::mail(mail.id)).await;
        for line in ["nobody of that name", "ana@example.test asked to try again", "queued as 1"] {
            page.assert_reads(line);
        }
        assert!(!ana.page(&urls::mail(mail.id)).await.text().contains("Send again"));
    });
}

#[test]
fn a_test_mail_goes_out_at_once_and_the_page_says_in_whose_words() {
    app_test_with_smtp(async |app| {
        let smtp = app.smtp.as_ref().unwrap();
        let (root, eve) = (app.admin("root").await, app.stranger("eve").await);
        assert!(!eve.page(&urls::mails()).await.text().contains("Send a test mail"));
        root.page(&urls::mails()).await.assert_reads("Send a test mail");
        let said = async || {
            let answer = root.post(&urls::mail_test(), &[]).await.assert_redirect(&urls::mails());
            let cookie = answer.header("set-cookie").to_owned();
            let text = cookie.split(';').next().unwrap_or_default().split_once('=').map_or("", |(_, text)| text).to_owned();
            url::form_urlencoded::parse(text.as_bytes()).next().unwrap().0.into_owned()
        };
        assert_eq!(said().await, "dThe SMTP server took the test mail to root@example.test: 2.0.0 queued as 1");
        assert_eq!(smtp.mails()[0].to, ["<root@example.test>"]);
        assert!(said().await.starts_with("wOne test mail in 30 seconds"));
        assert_eq!(smtp.mails().len(), 1);
        app.clock.advance(TimeDelta::seconds(30));
        smtp.behave(Behaviour::Refuse(Stage::Rcpt, "554 5.7.1 relaying denied"));
        assert!(said().await.contains("was not sent") && smtp.mails().len() == 1);
        app.clock.advance(TimeDelta::seconds(30));
        smtp.behave(Behaviour::Refuse(Stage::Greeting, "421 4.3.2 closed for the night"));
        assert!(said().await.contains("closed for the night"));
    });
}

#[test]
fn without_smtp_the_test_mail_says_so() {
    app_test(async |app| {
        let root = app.admin("root").await;
        let answer = root.post(&urls::mail_test(), &[]).await.assert_redirect(&urls::mails());
        assert!(answer.header("set-cookie").contains("VEDETTE_SMTP_URL"));
    });
}

#[test]
fn old_mails_and_dead_jobs_go_and_a_project_keeps_a_bounded_number() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let step = async || {
            while let Step::More(_) = (Retention { days: 90 }).step(&app.app).await.unwrap() {}
        };
        let fill = async |project: &crate::harness::Project, count: i64, status: &str| {
            let insert = sqlx::query(
                "insert into mails (project_id, recipient, kind, subject, text_body, html_body, message_id, status, created_at)
                select $1, 'ana@example.test', 'new_issue', n::text, '', '', '<' || $1 || '.' || $3 || n || '@x>', $3, $4 from generate_series(1, $2) n",
            );
            insert.bind(project.id.0).bind(count).bind(status).bind(app.clock.now()).execute(app.db()).await.unwrap();
        };
        fill(&shop, MAILS_PER_PROJECT + 1500, "sent").await;
        fill(&blog, 2, "sent").await;
        fill(&blog, 1, "queued").await;
        sqlx::query("insert into mail_attempts select mail_id, 1, created_at, 'ok' from mails").execute(app.db()).await.unwrap();
        let dead = sqlx::query(
            "insert into outbox (kind, payload, created_at, run_at, attempts, state) values ('mail.send', '0', $1, $1, 14, 'dead')",
        );
        dead.bind(app.clock.now()).execute(app.db()).await.unwrap();
        step().await;
        let count = async |project: &crate::harness::Project| -> i64 {
            let count = sqlx::query_scalar("select count(*) from mails where project_id = $1").bind(project.id.0);
            count.fetch_one(app.db()).await.unwrap()
        };
        assert_eq!((count(&shop).await, count(&blog).await), (MAILS_PER_PROJECT, 3));
        let oldest: String = sqlx::query_scalar("select subject from mails order by mail_id limit 1").fetch_one(app.db()).await.unwrap();
        assert_eq!(oldest, "1501", "the oldest went");

        app.clock.advance(TimeDelta::days(91));
        fill(&shop, 1, "kept").await;
        step().await;
        assert_eq!((count(&shop).await, count(&blog).await), (1, 1), "what is still to be delivered waits");
        let attempts: i64 = sqlx::query_scalar("select count(*) from mail_attempts").fetch_one(app.db()).await.unwrap();
        let dead: i64 = sqlx::query_scalar("select count(*) from outbox").fetch_one(app.db()).await.unwrap();
        assert_eq!((attempts, dead), (1, 0));
        app.clock.advance(TimeDelta::days(7));
        step().await;
        assert_eq!(count(&blog).await, 0);
    });
}
