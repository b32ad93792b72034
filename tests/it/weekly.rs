//! The week in one mail: for who asks, on their Monday morning, once.

use chrono::{DateTime, TimeDelta, Utc};
use vedette::web::urls::{self, MailQuery};

use crate::harness::fake_smtp::Received;
use crate::harness::{Mail, Person, Project, TestApp, app_test, app_test_with_smtp, error};

/// Saves the page with everything wanted, and these fields.
async fn wishes(person: &Person, fields: &[(&str, &str)]) {
    let mut form = vec![("pace", "instant"), ("digest_hour", "9"), ("quiet_from", ""), ("quiet_until", ""), ("time_zone", "UTC")];
    form.retain(|(name, _)| !fields.iter().any(|(set, _)| set == name));
    form.extend(fields);
    person.post(&urls::account_notifications(), &form).await.assert_redirect(&urls::account_notifications());
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Turns the clock to then, and lets the server do what is due.
async fn until(app: &TestApp, then: &str) {
    app.clock.advance(at(then) - app.app.clock.now());
    app.weekly().await;
    app.run_jobs().await;
}

async fn weeks(app: &TestApp) -> Vec<Mail> {
    app.mails().await.into_iter().filter(|mail| mail.kind == "weekly").collect()
}

async fn happen(app: &TestApp, project: &Project, kind: &str, times: u32) {
    for _ in 0..times {
        app.sdk(project).capture(error(kind)).await.assert_ok();
    }
    app.digest_all().await;
    app.run_jobs().await;
}

#[test]
fn who_asks_is_told_of_their_week_on_monday_morning_and_nobody_else_is() {
    app_test(async |app| {
        let (shop, blog, other) = (app.project("shop").await, app.project("blog").await, app.project("other").await);
        let (ana, ben) = (app.member("ana", &shop).await, app.member("ben", &shop).await);
        app.add_member(&blog, ana.id).await;
        // It is Tuesday, 24 November.
        happen(app, &shop, "Old", 10).await;
        let old = app.only_issue(&shop).await;
        ana.post(&urls::issue_action(old, "resolve"), &[]).await.assert_status(303);
        until(app, "2026-12-01T10:00:00Z").await;
        wishes(&ana, &[("weekly", "1"), ("time_zone", "Europe/Berlin")]).await;
        assert!(ana.page(&urls::account_notifications()).await.html().contains("name=\"weekly\" value=\"1\" checked"));
        happen(app, &shop, "Old", 1).await;
        happen(app, &shop, "Boom", 5).await;
        happen(app, &other, "Secret", 3).await;
        until(app, "2026-12-07T07:59:59Z").await;
        assert_eq!(weeks(app).await.len(), 0, "it is not nine in Berlin");
        // Two processes, both of which look at once.
        let second = app.another_server();
        app.clock.advance(TimeDelta::seconds(1));
        tokio::join!(app.weekly(), second.weekly());
        // What comes after midnight is the next week's.
        happen(app, &shop, "Late", 2).await;
        until(app, "2026-12-07T12:00:00Z").await;
        let [mail] = &weeks(app).await[..] else { panic!("{:?}", weeks(app).await) };
        assert_eq!(mail.recipient, "ana@example.test");
        assert_eq!(mail.subject, "Your week, 30 Nov to 6 Dec 2026: 6 events, 40 % fewer than the week before");
        for body in [&mail.text_body, &mail.html_body] {
            assert!(body.contains("1 new issue, 1 came back, 6 events, 40 % fewer than the week before"), "{body}");
            assert!(body.contains("SHOP-2") && body.contains("5 events, new") && body.contains("SHOP-1"), "{body}");
            assert!(body.contains("Nothing happened in blog."), "{body}");
            assert!(!body.contains("Late") && !body.contains("Secret") && !body.contains("other"), "{body}");
        }
        let most = mail.text_body.find("Boom").unwrap();
        assert!(most < mail.text_body.find("Old").unwrap(), "the most frequent first");
        // It is in the log, for whom it was made and for administrators.
        let root = app.admin("root").await;
        for (who, sees) in [(&ana, true), (&root, true), (&ben, false)] {
            assert_eq!(who.page(&urls::mails()).await.html().contains("Your week"), sees);
            who.get(&urls::mail(mail.id)).await.assert_status(if sees { 200 } else { 404 });
        }
        let mine = MailQuery { to: "ana".to_owned(), ..MailQuery::default() };
        ana.page(&mine.url()).await.assert_reads("Your week, 30 Nov to 6 Dec 2026");
        until(app, "2026-12-14T08:00:00Z").await;
        assert_eq!(weeks(app).await[1].subject, "Your week, 7 to 13 Dec 2026: 2 events, 67 % fewer than the week before");
    });
}

#[test]
fn a_server_that_was_away_tells_the_last_week_once() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        wishes(&ana, &[("weekly", "1")]).await;
        until(app, "2026-12-23T10:00:00Z").await;
        until(app, "2026-12-23T11:00:00Z").await;
        let subjects: Vec<String> = weeks(app).await.into_iter().map(|mail| mail.subject).collect();
        assert_eq!(subjects, ["Your week, 14 to 20 Dec 2026: no events, as in the week before"]);
        // Whatever is changed on such a day, it is not told again.
        wishes(&ana, &[]).await;
        wishes(&ana, &[("weekly", "1"), ("time_zone", "Pacific/Honolulu"), ("digest_hour", "23")]).await;
        until(app, "2026-12-27T20:00:00Z").await;
        assert_eq!(weeks(app).await.len(), 1);
        until(app, "2026-12-29T09:00:00Z").await;
        assert_eq!(weeks(app).await.len(), 2, "23:00 in Honolulu");
        assert!(weeks(app).await[1].subject.starts_with("Your week, 21 to 27 Dec 2026"));
    });
}

#[test]
fn what_somebody_switched_off_or_left_is_not_told_and_without_projects_nothing_is() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let ana = app.member("ana", &shop).await;
        app.add_member(&blog, ana.id).await;
        happen(app, &shop, "Boom", 3).await;
        happen(app, &blog, "Crash", 2).await;
        // Of the blog nothing is wanted.
        let (id, wanted) = (blog.id.0.to_string(), format!("{}.new_issue", shop.id.0));
        wishes(&ana, &[("weekly", "1"), ("project", &id), ("want", &wanted)]).await;
        until(app, "2026-11-30T09:00:00Z").await;
        let mail = weeks(app).await.remove(0);
        assert!(mail.text_body.contains("Boom") && !mail.text_body.contains("blog"), "{}", mail.text_body);
        assert!(mail.subject.ends_with("3 events, none in the week before"), "{}", mail.subject);
        sqlx::query("delete from project_members").execute(app.db()).await.unwrap();
        until(app, "2026-12-07T09:00:00Z").await;
        assert_eq!(weeks(app).await.len(), 1);
    });
}

#[test]
fn one_click_ends_the_summaries_and_nothing_else() {
    app_test_with_smtp(async |app| {
        let shop = app.project("shop").await;
        let (ana, ben) = (app.member("ana", &shop).await, app.member("ben", &shop).await);
        for who in [&ana, &ben] {
            wishes(who, &[("weekly", "1")]).await;
        }
        until(app, "2026-11-30T09:00:00Z").await;
        let mails = app.smtp.as_ref().unwrap().mails();
        assert_eq!(mails.len(), 2);
        let stop = |mail: &Received| {
            let line = mail.text.lines().find_map(|line| line.strip_prefix("List-Unsubscribe: <https://errors.example")).unwrap();
            line.trim_end_matches('>').to_owned()
        };
        let of_ana = stop(mails.iter().find(|mail| mail.text.contains("To: ana@example.test")).unwrap());
        let anonymous = Person::anonymous(app);
        anonymous.page(&of_ana).await.assert_reads("No more mails about your week?");
        ben.get(&of_ana).await.assert_status(403);
        anonymous.post_from(&of_ana, &[("List-Unsubscribe", "One-Click")], &[]).await.assert_ok();
        assert!(!ana.page(&urls::account_notifications()).await.html().contains("name=\"weekly\" value=\"1\" checked"));
        happen(app, &shop, "Boom", 1).await;
        until(app, "2026-12-07T09:00:00Z").await;
        let all = app.mails().await;
        let of = |who: &str| all.iter().filter(|mail| mail.recipient.starts_with(who)).map(|mail| &*mail.kind).collect::<Vec<_>>();
        assert_eq!((of("ana"), of("ben")), (vec!["weekly", "new_issue"], vec!["weekly", "new_issue", "weekly"]));
    });
}
