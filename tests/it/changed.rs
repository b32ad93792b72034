//! What is unusual about an issue's newest events: on its page and in mails.

use std::ops::Range;

use chrono::TimeDelta;
use vedette::web::urls;

use crate::harness::{Event, Project, TestApp, app_test, error};

/// The numbers of the events that an issue had at first.
const BEFORE: Range<u128> = 1..41;

/// Sends an event per number, each of a person of its own, and has them told.
async fn send(app: &TestApp, project: &Project, numbers: Range<u128>, event: impl Fn(Event, u128) -> Event) {
    for number in numbers {
        let plain = error("Boom").id(number).user(&number.to_string());
        app.sdk(project).capture(event(plain, number)).await.assert_ok();
    }
    app.digest_all().await;
    app.run_jobs().await;
}

/// The panel's words; nothing where there is none.
async fn panel(person: &crate::harness::Person, issue: i64) -> Option<String> {
    let page = person.page(&urls::issue(issue)).await.text();
    let (_, panel) = page.split_once("What is unusual")?;
    Some(panel.split("Tags").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn a_new_release_that_most_events_come_from_stands_on_the_issues_page_with_its_counts() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        send(app, &shop, BEFORE, |event, _| event.release("1.4.1").tag("plan", "pro")).await;
        app.clock.advance(TimeDelta::days(3));
        send(app, &shop, 100..131, |event, n| event.release(if n == 100 { "1.4.1" } else { "1.4.2" }).tag("plan", "pro")).await;
        let panel = panel(&ana, app.only_issue(&shop).await).await.expect("something stands out");
        assert!(panel.starts_with("97 % from release 1.4.2 30 of 31 events; before: never 31 events since"), "{panel}");
        assert!(!panel.contains("pro"), "what all have had before is not unusual: {panel}");
    });
}

#[test]
fn nothing_is_said_where_nothing_stands_out() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let browser = |event: Event, n: u128| event.release("1.4.1").tag("browser", if n.is_multiple_of(3) { "Chrome" } else { "Safari" });
        send(app, &shop, BEFORE, browser).await;
        app.clock.advance(TimeDelta::days(3));
        let issue = app.only_issue(&shop).await;
        assert_eq!(panel(&ana, issue).await, None, "no event of late");
        send(app, &shop, 100..140, browser).await;
        assert_eq!(panel(&ana, issue).await, None);
    });
}

#[test]
fn one_person_who_causes_most_events_is_told_and_what_they_use_is_not() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        send(app, &shop, BEFORE, |event, _| event.tag("browser", "Chrome")).await;
        app.clock.advance(TimeDelta::days(3));
        send(app, &shop, 100..150, |event, n| if n < 106 { event } else { event.user("7").tag("browser", "Safari") }).await;
        let panel = panel(&ana, app.only_issue(&shop).await).await.expect("something stands out");
        assert!(panel.starts_with("One user causes 88 % 44 of 50 events; before: 2 % id:7 50 events since"), "{panel}");
    });
}

#[test]
fn of_a_flood_the_newest_events_are_compared_with_some_from_before_it() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        send(app, &shop, BEFORE, |event, n| event.release(if n < 3 { "1.4.2" } else { "1.4.1" })).await;
        app.clock.advance(TimeDelta::days(3));
        send(app, &shop, 100..320, |event, _| event.release("1.4.2")).await;
        let panel = panel(&ana, app.only_issue(&shop).await).await.expect("something stands out");
        assert!(panel.starts_with("Only release 1.4.2 200 of 200 events; before: 5 % newest 200 events since"), "{panel}");
    });
}

#[test]
fn a_new_issue_is_compared_with_the_others_of_its_project() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let ana = app.member("ana", &shop).await;
        for number in 1..41 {
            // Another project's events are no measure.
            app.sdk(&blog).capture(error("Else").id(number).tag("os", "iOS")).await.assert_ok();
            let other = error(&format!("Other{}", number % 10)).id(1000 + number).tag("os", if number == 1 { "iOS" } else { "Android" });
            app.sdk(&shop).capture(other.tag("plan", "pro")).await.assert_ok();
        }
        app.digest_all().await;
        app.run_jobs().await;
        // Long enough that the next new issue is told by itself.
        app.clock.advance(TimeDelta::hours(2));
        app.run_jobs().await;
        app.clock.advance(TimeDelta::hours(2));
        send(app, &shop, 100..130, |event, _| event.tag("os", "iOS").tag("plan", "free")).await;
        let newest = app.issues(&shop).await.into_iter().max().unwrap();
        let panel = panel(&ana, newest).await.expect("something stands out");
        assert!(panel.starts_with("Only iOS 30 of 30 events; other issues: 2 % 30 events since"), "{panel}");
        assert!(!panel.contains("free"), "issues differ in what programs put into their tags: {panel}");
        let mails = app.mails().await;
        let mail = mails.iter().find(|mail| mail.text_body.contains("Boom")).expect("a mail about the new issue");
        for body in [&mail.text_body, &mail.html_body] {
            assert!(body.contains("What is unusual") && body.contains("only iOS (30 of 30 events; other issues: 2 %)"), "{body}");
        }
        let other = mails.iter().find(|mail| mail.text_body.contains("Other1")).expect("a mail about another");
        assert!(!other.text_body.contains("unusual"), "{}", other.text_body);
    });
}

#[test]
fn the_mail_about_a_regression_says_what_is_new_about_it() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        send(app, &shop, BEFORE, |event, _| event.release("1.4.1")).await;
        let issue = app.only_issue(&shop).await;
        app.clock.advance(TimeDelta::days(3));
        ana.post(&urls::issue_action(issue, "resolve"), &[]).await.assert_status(303);
        app.clock.advance(TimeDelta::hours(1));
        send(app, &shop, 100..130, |event, _| event.release("1.4.2")).await;
        let mails = app.mails().await;
        let mail = mails.iter().find(|mail| mail.kind == "regression").expect("a mail about the regression");
        assert!(mail.text_body.contains("What is unusual\n- only release 1.4.2 (30 of 30 events; before: never)"), "{}", mail.text_body);
        assert!(panel(&ana, issue).await.is_some_and(|panel| panel.starts_with("Only release 1.4.2")));
        app.clock.advance(TimeDelta::days(6));
        assert!(panel(&ana, issue).await.is_some(), "for a week, what came since it was back is what is looked at");
        app.clock.advance(TimeDelta::days(2));
        assert_eq!(panel(&ana, issue).await, None);
    });
}

#[test]
fn payloads_that_cannot_be_read_and_hostile_values_leave_a_page() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        send(app, &shop, BEFORE, |event, _| event.tag("plan", "pro")).await;
        app.clock.advance(TimeDelta::days(3));
        let hostile = "\"><script>alert(1)</script>\u{202e}";
        send(app, &shop, 100..140, |event, _| event.tag("plan", hostile)).await;
        let issue = app.only_issue(&shop).await;
        let page = ana.page(&urls::issue(issue)).await;
        assert!(page.text().contains("What is unusual") && !page.html().contains("<script>alert"), "{}", page.html());
        sqlx::query("update events set payload = '\\x00'").execute(app.db()).await.unwrap();
        assert_eq!(panel(&ana, issue).await, None);
    });
}
