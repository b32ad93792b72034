//! Channels whose servers are away, refuse or must not be asked, and channels that are off.

use chrono::TimeDelta;
use serde_json::Value;
use vedette::web::urls;

use super::{add, first_channel, new_issues, posts};
use crate::harness::fake_hook::FakeHook;
use crate::harness::{Mail, app_test};

#[test]
fn a_server_that_is_away_is_tried_again_and_the_log_says_when() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        let ana = app.member("ana", &shop).await;
        add(&root, "slack", "Alerts", &hook.url("/services/T000/B000/s3cretXy9z")).await;
        hook.answer(503, "try later");
        new_issues(app, &shop, 1, 1).await;
        let post = posts(app).await.remove(0);
        assert_eq!((post.status.as_str(), post.recipient.as_str()), ("queued", "Slack: Alerts"));
        assert_eq!(post.reason, "503 Service Unavailable: try later. Next try at about 14:33:12 UTC.");
        app.clock.advance(TimeDelta::seconds(7));
        app.run_jobs().await;
        hook.answer(429, "rate limited");
        app.clock.advance(TimeDelta::seconds(17));
        app.run_jobs().await;
        hook.answer(200, "ok");
        app.clock.advance(TimeDelta::seconds(47));
        app.run_jobs().await;
        let ids: Vec<Value> = hook.take().iter().map(|post| post.json()["text"].clone()).collect();
        assert_eq!(ids.len(), 4, "three attempts that failed, and one that did not");
        let post = posts(app).await.remove(0);
        assert_eq!((post.status.as_str(), post.reason.as_str()), ("sent", "200 OK: ok"));
        let page = ana.page(&urls::mail(post.id)).await;
        for said in ["503 Service Unavailable", "429 Too Many Requests", "200 OK: ok", "[shop] New: Kind1: it broke", "Slack: Alerts"] {
            page.assert_reads(said);
        }
        assert!(!page.html().contains("<iframe"), "it has no HTML");
        let told = ana.page(&urls::issue_told(app.only_issue(&shop).await)).await;
        told.assert_reads("Slack: Alerts 200 OK: ok");
        told.assert_reads("ana@example.test");
        assert_eq!(app.mails().await.iter().filter(|mail| mail.kind == "channel_failed").count(), 0);
    });
}

#[test]
fn a_channel_that_refuses_is_red_and_administrators_get_one_mail_until_it_works_again() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        let ana = app.member("ana", &shop).await;
        add(&root, "discord", "On call", &hook.url("/api/webhooks/1/s3cretdc01")).await;
        hook.answer(410, "gone");
        for number in 1..=3 {
            new_issues(app, &shop, number, 1).await;
            app.clock.advance(TimeDelta::hours(1));
            app.run_jobs().await;
        }
        assert_eq!(hook.take().len(), 3, "one attempt each");
        let failed: Vec<Mail> = app.mails().await.into_iter().filter(|mail| mail.kind == "channel_failed").collect();
        let [mail] = failed.as_slice() else { panic!("{failed:?}") };
        assert_eq!(
            (mail.recipient.as_str(), mail.subject.as_str()),
            ("root@example.test", "[shop] Nothing gets through to Discord: On call")
        );
        assert!(mail.text_body.contains("410 Gone: gone") && mail.text_body.contains("/projects/shop/channels"), "{}", mail.text_body);
        let hint = "Nothing gets through to a channel of shop.";
        for path in ["/issues".to_owned(), "/issues?project=shop".to_owned(), urls::project_settings("shop")] {
            root.page(&path).await.assert_reads(hint);
            assert!(!ana.page(&path).await.text().contains(hint), "{path}: members cannot help");
        }
        ana.page(&urls::project_channels("shop")).await.assert_reads("410 Gone: gone");
        hook.answer(204, "");
        new_issues(app, &shop, 4, 1).await;
        assert!(!root.page("/issues").await.text().contains(hint));
        hook.answer(404, "");
        app.clock.advance(TimeDelta::hours(1));
        new_issues(app, &shop, 5, 1).await;
        assert_eq!(app.mails().await.iter().filter(|mail| mail.kind == "channel_failed").count(), 2, "a new fault, a new mail");
    });
}

#[test]
fn what_never_gets_through_is_given_up_and_can_be_tried_again_from_the_log() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        add(&root, "teams", "Alerts", &hook.url("/workflows/s3crettm01/triggers")).await;
        hook.answer(500, "oops");
        new_issues(app, &shop, 1, 1).await;
        for _ in 0..14 {
            app.clock.advance(TimeDelta::hours(7));
            app.run_jobs().await;
        }
        assert_eq!(hook.take().len(), 14);
        let post = posts(app).await.remove(0);
        assert_eq!((post.status.as_str(), post.reason.as_str()), ("failed", "500 Internal Server Error: oops"));
        root.page(&urls::project_channels("shop")).await.assert_reads("500 Internal Server Error: oops");
        hook.answer(202, "");
        root.post(&urls::mail_again(post.id), &[]).await.assert_redirect(&urls::mail(post.id));
        app.run_jobs().await;
        assert_eq!(posts(app).await[0].status, "sent");
        assert!(!root.page("/issues").await.text().contains("Nothing gets through"));
    });
}

#[test]
fn addresses_of_this_network_are_refused_when_typed_and_after_a_redirect() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        let page = urls::project_channels("shop");
        for (url, said) in [
            ("http://10.0.0.1/hook", "10.0.0.1 is private"),
            ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is link-local"),
            ("http://[::ffff:192.168.0.1]/", "is private"),
            ("ftp://example.org/", "A web address"),
            ("hooks.shop.example", "A web address"),
        ] {
            let answer = root.post(&page, &[("kind", "webhook"), ("label", "x"), ("url", url)]).await.assert_status(422);
            answer.assert_reads(said);
            assert!(!answer.html().contains(url), "the address is not repeated");
        }
        root.post(&page, &[("kind", "ntfy"), ("label", "x"), ("url", "https://ntfy.sh/")]).await.assert_status(422);
        root.post(&page, &[("kind", "pigeon"), ("label", ""), ("url", "https://x.example/")]).await.assert_status(422);
        add(&root, "webhook", "Away", &hook.url("/own/s3cretwh01")).await;
        hook.answer(307, "http://169.254.169.254/latest");
        new_issues(app, &shop, 1, 1).await;
        let post = posts(app).await.remove(0);
        assert_eq!(post.status, "failed");
        assert_eq!(post.reason, "Not asked: 169.254.169.254 is link-local, and VEDETTE_OUTBOUND_ALLOW does not name it.");
    });
}

#[test]
fn a_channel_that_is_off_or_gone_is_told_nothing_and_the_log_says_why() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        let ana = app.member("ana", &shop).await;
        add(&root, "slack", "Alerts", &hook.url("/services/T000/B000/s3cretXy9z")).await;
        let id = first_channel(app).await;
        new_issues(app, &shop, 1, 3).await;
        assert_eq!(hook.take().len(), 1);
        let (page, switch) = (urls::project_channels("shop"), urls::channel_do("shop", id, "switch"));
        ana.post(&switch, &[("to", "off")]).await.assert_status(403);
        root.post(&switch, &[("to", "off")]).await.assert_redirect(&page);
        app.clock.advance(TimeDelta::minutes(5));
        app.run_jobs().await;
        assert!(hook.take().is_empty());
        let reason = "Before the message was due, the channel was switched off or deleted, or the project was.";
        let dropped: i64 =
            sqlx::query_scalar("select count(*) from alert_decisions where channel_id <> 0 and status = 'dropped' and reason = $1")
                .bind(reason)
                .fetch_one(app.db())
                .await
                .unwrap();
        assert_eq!(dropped, 2);
        app.clock.advance(TimeDelta::hours(1));
        new_issues(app, &shop, 4, 1).await;
        assert!(hook.take().is_empty(), "nothing while it is off");
        root.post(&switch, &[("to", "on")]).await.assert_redirect(&page);
        hook.answer(503, "");
        app.clock.advance(TimeDelta::hours(1));
        new_issues(app, &shop, 5, 1).await;
        let blog = app.project("blog").await;
        root.post(&urls::channel_do(&blog.slug, id, "delete"), &[]).await.assert_status(404);
        root.post(&urls::channel_do("shop", id, "delete"), &[]).await.assert_redirect(&page);
        app.clock.advance(TimeDelta::minutes(1));
        app.run_jobs().await;
        let last = posts(app).await.pop().unwrap();
        assert_eq!(last.status, "skipped");
        assert_eq!(last.reason, "The channel was switched off or deleted before this could be told.");
        let issue = *app.issues(&shop).await.last().unwrap();
        ana.page(&urls::issue_told(issue)).await.assert_reads("Slack: Alerts");
    });
}
