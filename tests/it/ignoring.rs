//! Issues that are ignored for a while: until a time, until so many more events or users.

use chrono::TimeDelta;
use vedette::issues::snoozes::Wake;
use vedette::platform::periodic::Periodic as _;
use vedette::web::urls::{self, IssueQuery};

use crate::harness::{Person, Project, TestApp, app_test, error};

async fn comes(app: &TestApp, shop: &Project, first: u32, many: u32) {
    for number in first..first + many {
        let event = error("Boom").id(u128::from(number)).user(&format!("user{number}"));
        app.sdk(shop).capture(event).await.assert_ok();
    }
    app.digest_all().await;
    app.run_jobs().await;
}

async fn status(app: &TestApp, issue: i64) -> String {
    sqlx::query_scalar("select status from issues where issue_id = $1").bind(issue).fetch_one(app.db()).await.unwrap()
}

async fn wake(app: &TestApp) {
    Wake.step(&app.app).await.unwrap();
    app.run_jobs().await;
}

async fn subjects(app: &TestApp) -> Vec<String> {
    app.mails().await.into_iter().map(|mail| mail.subject).collect()
}

async fn one_issue(app: &TestApp) -> (Project, Person, i64) {
    let shop = app.project("shop").await;
    let ana = app.member("ana", &shop).await;
    comes(app, &shop, 1, 1).await;
    let issue = app.only_issue(&shop).await;
    app.clock.advance(TimeDelta::hours(1));
    (shop, ana, issue)
}

#[test]
fn an_issue_ignored_for_a_day_is_open_again_after_it_and_its_members_are_told() {
    app_test(async |app| {
        let (shop, ana, issue) = one_issue(app).await;
        ana.post(&urls::issue_action(issue, "ignore"), &[("until", "1d")]).await.assert_redirect(&urls::issue(issue));
        let page = ana.page(&urls::issue(issue)).await;
        page.assert_reads("ignored by ana@example.test until 25 Nov 2026, 15:33 UTC");
        page.assert_reads("ana@example.test ignored it until 25 Nov 2026, 15:33 UTC");
        let list = IssueQuery { status: "ignored".to_owned(), ..IssueQuery::default() }.url();
        ana.page(&list).await.assert_reads("ignored until 25 Nov 2026, 15:33 UTC");
        comes(app, &shop, 2, 3).await;
        app.clock.advance(TimeDelta::hours(23));
        wake(app).await;
        assert_eq!((status(app, issue).await.as_str(), subjects(app).await.len()), ("ignored", 1), "not a minute too early");
        app.clock.advance(TimeDelta::hours(1));
        wake(app).await;
        assert_eq!(status(app, issue).await, "open");
        assert_eq!(subjects(app).await[1..], ["[shop] Ignored no more, its time was over: Boom: it broke"]);
        ana.page(&urls::issue(issue)).await.assert_reads("Open again after it was ignored: its time was over");
        ana.page(&urls::issue_told(issue)).await.assert_reads("Ignored no more");
        wake(app).await;
        assert_eq!(subjects(app).await.len(), 2, "once");
    });
}

#[test]
fn so_many_more_events_or_users_open_it_again_with_the_event_that_did_it() {
    app_test(async |app| {
        let (shop, ana, issue) = one_issue(app).await;
        ana.post(&urls::issue_action(issue, "ignore"), &[("until", "events"), ("count", "3")]).await.assert_redirect(&urls::issue(issue));
        comes(app, &shop, 2, 2).await;
        ana.page(&urls::issue(issue)).await.assert_reads("ignored by ana@example.test until 1 more event comes");
        // A repeat is no event more.
        comes(app, &shop, 3, 1).await;
        assert_eq!(status(app, issue).await, "ignored");
        comes(app, &shop, 4, 1).await;
        assert_eq!(status(app, issue).await, "open");
        assert_eq!(subjects(app).await[1..], ["[shop] Ignored no more, 3 more events came: Boom: it broke"]);

        app.clock.advance(TimeDelta::hours(1));
        ana.post(&urls::issue_action(issue, "ignore"), &[("until", "users"), ("count", "2")]).await.assert_redirect(&urls::issue(issue));
        // People who were affected before are none more.
        for number in 10..13 {
            app.sdk(&shop).capture(error("Boom").id(number).user("user1")).await.assert_ok();
        }
        comes(app, &shop, 20, 1).await;
        ana.page(&urls::issue(issue)).await.assert_reads("until 1 more user is affected");
        comes(app, &shop, 21, 1).await;
        assert_eq!(subjects(app).await[2..], ["[shop] Ignored no more, 2 more users are affected: Boom: it broke"]);
    });
}

#[test]
fn whoever_changes_the_state_ends_the_wait_and_what_a_form_cannot_mean_changes_nothing() {
    app_test(async |app| {
        let (shop, ana, issue) = one_issue(app).await;
        let ignore = urls::issue_action(issue, "ignore");
        for form in [&[("until", "soon")][..], &[("until", "events"), ("count", "0")], &[("until", "date"), ("date", "2020-01-01")]] {
            ana.post(&ignore, form).await.assert_status(422);
        }
        assert_eq!(status(app, issue).await, "open");
        let waits = async || -> i64 { sqlx::query_scalar("select count(*) from issue_snoozes").fetch_one(app.db()).await.unwrap() };
        ana.post(&ignore, &[("until", "1h")]).await.assert_redirect(&urls::issue(issue));
        // Longer, and then for good.
        ana.post(&ignore, &[("until", "1w")]).await.assert_redirect(&urls::issue(issue));
        ana.page(&urls::issue(issue)).await.assert_reads("until 1 Dec 2026, 15:33 UTC");
        ana.post(&ignore, &[]).await.assert_redirect(&urls::issue(issue));
        assert_eq!((waits().await, status(app, issue).await.as_str()), (0, "ignored"));
        ana.post(&ignore, &[("until", "1h")]).await.assert_redirect(&urls::issue(issue));
        ana.post(&urls::issue_action(issue, "resolve"), &[]).await.assert_redirect(&urls::issue(issue));
        assert_eq!(waits().await, 0);
        app.clock.advance(TimeDelta::hours(2));
        wake(app).await;
        assert_eq!((status(app, issue).await.as_str(), subjects(app).await.len()), ("resolved", 1));

        let bulk = [("action", "ignore"), ("until", "1d"), ("id", &*issue.to_string()), ("back", "/issues")];
        ana.post(&urls::issues_bulk(), &bulk).await.assert_redirect("/issues");
        assert_eq!((waits().await, status(app, issue).await.as_str()), (1, "ignored"));
        comes(app, &shop, 30, 1).await;
        assert_eq!(subjects(app).await.len(), 1, "ignored is ignored");
    });
}

#[test]
fn an_issue_that_is_ignored_again_before_anybody_was_told_is_told_to_nobody() {
    app_test(async |app| {
        let (_, ana, issue) = one_issue(app).await;
        ana.post(&urls::issue_action(issue, "ignore"), &[("until", "1h")]).await.assert_redirect(&urls::issue(issue));
        app.clock.advance(TimeDelta::hours(1));
        Wake.step(&app.app).await.unwrap();
        ana.post(&urls::issue_action(issue, "ignore"), &[]).await.assert_redirect(&urls::issue(issue));
        app.run_jobs().await;
        let log = app.mails().await;
        assert_eq!((log.len(), log[1].status.as_str()), (2, "skipped"));
        ana.page(&urls::issue_told(issue)).await.assert_reads("Meanwhile somebody ignored the issue again, so nobody was told.");
    });
}
