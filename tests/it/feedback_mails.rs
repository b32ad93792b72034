//! Mails about feedback: the first at once, a burst in one more, none for what nobody need read, and why nobody was told.

use std::collections::HashSet;

use chrono::TimeDelta;
use serde_json::json;
use vedette::platform::db::run_script;
use vedette::web::urls;

use crate::alerts::use_up_all_attempts;
use crate::feedback::{feedback, id, report, say, send};
use crate::harness::{Mail, TestApp, app_test, app_test_with_smtp, error};

/// The mails about feedback, the oldest first.
async fn mails(app: &TestApp) -> Vec<Mail> {
    app.run_jobs().await;
    app.mails().await.into_iter().filter(|mail| mail.kind.starts_with("feedback")).collect()
}

async fn subjects(app: &TestApp) -> Vec<String> {
    mails(app).await.into_iter().map(|mail| mail.subject).collect()
}

/// Sorts the newest feedback with these words.
async fn sort(app: &TestApp, by: &crate::harness::Person, words: &str, action: &str) {
    let found = sqlx::query_scalar::<_, i64>("select feedback_id from feedback where message = $1").bind(words);
    let path = urls::feedback_act("shop", found.fetch_one(app.db()).await.unwrap());
    by.post(&path, &[("action", action)]).await.assert_redirect(&urls::project_feedback("shop", "", "", ""));
}

#[test]
fn members_read_at_once_what_somebody_wrote_and_about_which_issue() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.member("ben", &shop).await;
        app.stranger("eve").await;
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        app.digest_all().await;
        say(app, &shop, "feedback", &feedback(&id(9), "It broke\nwhen I paid.", Some(&id(1)))).await;
        let mails = mails(app).await;
        assert_eq!(mails.iter().map(|mail| mail.recipient.as_str()).collect::<Vec<_>>(), ["ana@example.test", "ben@example.test"]);
        assert_eq!(mails.iter().map(|mail| &mail.message_id).collect::<HashSet<_>>().len(), 2);
        let issue = app.only_issue(&shop).await;
        let row: i64 = sqlx::query_scalar("select feedback_id from feedback").fetch_one(app.db()).await.unwrap();
        for mail in &mails {
            assert_eq!((mail.kind.as_str(), mail.status.as_str()), ("feedback", "kept"));
            assert_eq!(mail.subject, "[shop] Feedback: It broke when I paid.");
            let (to_it, to_issue) = (format!("/projects/shop/feedback#said-{row}"), urls::issue(issue));
            for part in ["Ben", "ben@example.test", "Boom", "production", "1.4.2", "as a member of shop", &to_it, &to_issue] {
                assert!(mail.text_body.contains(part) && mail.html_body.contains(part), "{part}: {}", mail.text_body);
            }
            assert!(mail.text_body.contains("> It broke\n> when I paid."), "{}", mail.text_body);
        }
        assert!(ana.page(&urls::project_feedback("shop", "", "", "")).await.html().contains(&format!("id=\"said-{row}\"")));
        let log = ana.page(&urls::mails()).await;
        log.assert_reads("Somebody wrote.");
        // The same again, and newer words of the same person, tell nothing new.
        say(app, &shop, "feedback", &feedback(&id(9), "It broke\nwhen I paid.", Some(&id(1)))).await;
        app.clock.advance(TimeDelta::hours(1));
        assert_eq!(subjects(app).await.len(), 2);
    });
}

#[test]
fn a_burst_is_one_mail_more_when_ten_minutes_have_passed() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let ana = app.member("ana", &shop).await;
        app.member("ben", &blog).await;
        say(app, &shop, "user_report", &report(&id(1), "first")).await;
        assert_eq!(subjects(app).await, ["[shop] Feedback: first"]);
        for (number, words) in [(2, "second"), (3, "third"), (4, "cheap tea"), (5, "already answered"), (6, "fourth")] {
            app.clock.advance(TimeDelta::seconds(30));
            say(app, &shop, "user_report", &report(&id(number), words)).await;
            assert_eq!(subjects(app).await.len(), 1, "{words} waits");
        }
        say(app, &shop, "user_report", &report(&id(3), "third, corrected")).await;
        // Another project's are nobody's business here, and not held back.
        say(app, &blog, "user_report", &report(&id(1), "elsewhere")).await;
        assert_eq!(subjects(app).await, ["[shop] Feedback: first", "[blog] Feedback: elsewhere"]);
        sort(app, &ana, "cheap tea", "spam").await;
        sort(app, &ana, "already answered", "resolve").await;
        app.clock.advance(TimeDelta::minutes(7));
        assert_eq!(subjects(app).await.len(), 2, "9.5 minutes after the first");
        app.clock.advance(TimeDelta::seconds(30));
        let mail = mails(app).await.remove(2);
        assert_eq!((mail.subject.as_str(), mail.kind.as_str()), ("[shop] 3 feedback messages", "feedback_batch"));
        for words in ["> second", "> third, corrected", "> fourth"] {
            assert!(mail.text_body.contains(words), "{words}: {}", mail.text_body);
        }
        assert!(!mail.text_body.contains("tea") && !mail.text_body.contains("answered"), "{}", mail.text_body);
        // That, too, was a mail; after a quiet time the next is told at once.
        app.clock.advance(TimeDelta::minutes(11));
        assert_eq!(subjects(app).await.len(), 3);
        say(app, &shop, "user_report", &report(&id(7), "later")).await;
        assert_eq!(subjects(app).await.last().unwrap(), "[shop] Feedback: later");
    });
}

#[test]
fn a_flood_is_cut_and_says_how_much_it_was() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        for number in 1..=25 {
            send(app, &shop, "user_report", &report(&id(number), &format!("words {number}."))).await;
            // Facts of several batches at once are told once.
            if number % 5 == 0 {
                app.digest_all().await;
            }
        }
        let mail = mails(app).await.remove(0);
        assert_eq!(mail.subject, "[shop] 25 feedback messages");
        assert!(
            mail.text_body.contains("> words 20.") && !mail.text_body.contains("> words 21.") && mail.text_body.contains("And 5 more.")
        );
        app.clock.advance(TimeDelta::hours(1));
        assert_eq!(mails(app).await.len(), 1);
    });
}

#[test]
fn spam_and_what_a_limit_refused_make_no_mail() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.set(&shop, json!({"limits": {"feedback_hour": 2}})).await;
        say(app, &shop, "feedback", &feedback(&id(1), "first", None)).await;
        assert_eq!(subjects(app).await.len(), 1);
        say(app, &shop, "feedback", &feedback(&id(2), "cheap tea", None)).await;
        sort(app, &ana, "cheap tea", "spam").await;
        let payload = feedback(&id(3), "refused", None).to_string();
        let items = crate::harness::events::envelope(&[("feedback", payload.as_bytes())]);
        assert_eq!(app.sdk(&shop).envelope(items).await.status, 429);
        app.digest_refused().await;
        app.expected.add(1);
        app.clock.advance(TimeDelta::minutes(10));
        let mails = mails(app).await;
        assert_eq!(mails.len(), 2);
        assert_eq!((mails[1].status.as_str(), mails[1].recipient.as_str()), ("skipped", ""));
        assert!(
            mails[1].reason.contains("sorted before the mail was due") && !mails[1].text_body.contains("tea"),
            "{}",
            mails[1].text_body
        );
    });
}

#[test]
fn administrators_switch_these_mails_off_and_the_log_says_so() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        let (path, settings) = (urls::project_mails("shop"), urls::project_alerts("shop"));
        let is_on = async || ana.page(&settings).await.html().contains("name=\"feedback\" value=\"1\" checked");
        assert!(is_on().await);
        ana.post(&path, &[]).await.assert_status(403);
        root.post(&path, &[]).await.assert_redirect(&settings);
        assert!(!is_on().await);
        say(app, &shop, "feedback", &feedback(&id(1), "unheard", None)).await;
        let mail = mails(app).await.remove(0);
        assert_eq!((mail.status.as_str(), mail.recipient.as_str()), ("skipped", ""));
        ana.page(&urls::mails()).await.assert_reads("No rule matched, and for what no rule matches “feedback” is switched off");
        root.post(&path, &[("feedback", "1")]).await.assert_redirect(&settings);
        assert!(is_on().await);
        app.clock.advance(TimeDelta::minutes(10));
        say(app, &shop, "feedback", &feedback(&id(2), "heard", None)).await;
        assert_eq!(mails(app).await[1].subject, "[shop] Feedback: heard");
    });
}

#[test]
fn what_a_stranger_types_makes_no_header_and_no_markup() {
    app_test_with_smtp(async |app| {
        let (smtp, shop) = (app.smtp.as_ref().unwrap(), app.project("shop").await);
        app.member("ana", &shop).await;
        let forged = "x@evil.example\r\nBcc: all@example.test\r\nReply-To: x@evil.example\r\n\r\n<script>alert(1)</script>";
        let words = json!({"event_id": id(1), "contexts": {"feedback": {"message": forged, "name": forged, "contact_email": forged, "url": forged}}});
        say(app, &shop, "feedback", &words).await;
        let mail = mails(app).await.remove(0);
        assert!(!mail.html_body.contains("<script") && !mail.html_body.contains("mailto:"), "{}", mail.html_body);
        let received = smtp.mails();
        assert_eq!((received.len(), received[0].to.len()), (1, 1), "{received:?}");
        let headers = received[0].text.split("\n\n").next().unwrap();
        for name in ["bcc", "reply-to", "cc", "sender"] {
            assert!(!headers.lines().any(|line| line.to_lowercase().starts_with(&format!("{name}:"))), "{headers}");
        }
        assert!(headers.contains(&format!("Message-ID: {}", mail.message_id)), "{headers}");
    });
}

#[test]
fn what_could_not_be_told_is_in_the_log_and_can_be_tried_again() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let column = async |from: &str, to: &str| {
            let rename = format!("alter table feedback rename column {from} to {to}");
            run_script(&mut app.db().acquire().await.unwrap(), rename).await.unwrap();
        };
        say(app, &shop, "feedback", &feedback(&id(1), "lost?", None)).await;
        column("url", "gone").await;
        use_up_all_attempts(app).await;
        column("gone", "url").await;
        let failed = app.mails().await.remove(0);
        assert_eq!((failed.status.as_str(), failed.kind.as_str()), ("failed", "feedback"));
        assert!(failed.reason.contains("nobody was told"), "{}", failed.reason);
        ana.post(&urls::mail_again(failed.id), &[]).await.assert_redirect(&urls::mail(failed.id));
        let mails = mails(app).await;
        assert_eq!(mails.iter().map(|mail| mail.status.as_str()).collect::<Vec<_>>(), ["replaced", "kept"]);
        assert_eq!(mails[1].subject, "[shop] Feedback: lost?");
    });
}
