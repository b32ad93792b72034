//! Limits: what is taken, what SDKs are told, who is told that something is dropped, and that restarts and further processes change little.

use chrono::TimeDelta;
use serde_json::json;
use vedette::protocol::quota::{Class, LimitName, Period};
use vedette::protocol::rate_limits::Scope;
use vedette::web::urls;

use crate::harness::events::envelope;
use crate::harness::{Answer, Project, Server, TestApp, app_test, error};
use crate::projects::{form, part};

/// The fields of a form of limits, all empty.
const NONE: [(&str, &str); 12] = [
    ("events_minute", ""),
    ("events_hour", ""),
    ("events_month", ""),
    ("attachments_minute", ""),
    ("attachments_hour", ""),
    ("attachments_month", ""),
    ("feedback_minute", ""),
    ("feedback_hour", ""),
    ("feedback_month", ""),
    ("all_minute", ""),
    ("all_hour", ""),
    ("all_month", ""),
];

async fn limit(app: &TestApp, project: &Project, limits: serde_json::Value) {
    app.set(project, json!({ "limits": limits })).await;
}

/// Sends so many events; how many were taken.
async fn send(server: &Server, project: &Project, number: usize) -> usize {
    let mut taken = 0;
    for _ in 0..number {
        let answer = server.sdk(project).capture(error("Boom")).await;
        assert!(matches!(answer.status.as_u16(), 200 | 429), "{}", answer.status);
        taken += usize::from(answer.status == 200);
    }
    taken
}

/// Digests everything, refused requests too; `refused` items are in the books although nobody was told that they are taken.
async fn settle(app: &TestApp, refused: i64) {
    app.digest_refused().await;
    app.expected.add(refused);
    app.run_jobs().await;
}

fn assert_limited(answer: &Answer, header: &str) {
    assert_eq!((answer.status.as_u16(), answer.header("x-sentry-rate-limits")), (429, header));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("Sentry dropped data due to a quota"), "{detail}");
}

#[test]
fn a_burst_is_taken_up_to_the_limit_and_the_rest_is_counted_by_key_and_reason() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        limit(app, &shop, json!({"events_minute": 20})).await;
        assert_eq!(send(app, &shop, 50).await, 20);
        let answer = app.sdk(&shop).capture(error("Boom")).await;
        assert_limited(&answer, "6:error;default;security:project:project_events_minute");
        assert_eq!(answer.header("retry-after"), "6");
        app.clock.advance(TimeDelta::seconds(6));
        assert_eq!(send(app, &shop, 5).await, 2, "a tenth is free again");
        app.clock.advance(TimeDelta::minutes(2));
        assert_eq!(send(app, &shop, 30).await, 20);
        settle(app, 30 + 1 + 3 + 10).await;
        assert_eq!(app.outcomes().await, ["error rate_limited project_events_minute 44", "error stored 42"]);
        let stats = ana.page(&urls::project_stats("shop")).await;
        assert!(part(&stats, "rate_limited").contains("44 The project's limit on events per minute was reached"), "{}", stats.text());
    });
}

#[test]
fn whoever_waits_as_long_as_told_is_taken_whenever_numbers_are_shared() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        limit(app, &shop, json!({"events_minute": 10})).await;
        for shared_after in [0, 3, 5, 6] {
            assert_eq!(send(app, &shop, 10).await, 10);
            assert_limited(&app.sdk(&shop).capture(error("Boom")).await, "6:error;default;security:project:project_events_minute");
            app.clock.advance(TimeDelta::seconds(shared_after));
            app.exchange().await;
            app.clock.advance(TimeDelta::seconds(6 - shared_after));
            assert_eq!(send(app, &shop, 2).await, 1, "shared after {shared_after} s");
            app.clock.advance(TimeDelta::minutes(2));
        }
        settle(app, 4 * 2).await;
    });
}

#[test]
fn a_month_begins_anew_with_the_calendar() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        limit(app, &shop, json!({"events_month": 3})).await;
        assert_eq!(send(app, &shop, 5).await, 3);
        // SDKs come back within the hour, lest a raised limit go unnoticed.
        assert_limited(&app.sdk(&shop).capture(error("Boom")).await, "3600:error;default;security:project:project_events_month");
        app.clock.advance(TimeDelta::days(6));
        assert_eq!(send(app, &shop, 1).await, 0, "30 November");
        app.clock.advance(TimeDelta::days(1));
        assert_eq!(send(app, &shop, 5).await, 3, "1 December");
        settle(app, 2 + 1 + 1 + 2).await;
    });
}

#[test]
fn a_partly_limited_envelope_keeps_its_other_items() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        limit(app, &shop, json!({"events_hour": 1})).await;
        assert_eq!(send(app, &shop, 1).await, 1);
        let report = json!({"discarded_events": [{"reason": "ratelimit_backoff", "category": "error", "quantity": 9}]}).to_string();
        let event = error("Boom").0.to_string();
        let answer = app.sdk(&shop).envelope(envelope(&[("event", event.as_bytes()), ("client_report", report.as_bytes())])).await;
        assert_eq!(answer.assert_ok().header("x-sentry-rate-limits"), "3600:error;default;security:project:project_events_hour");
        // Reports and sessions alone pass, whatever errors are.
        app.sdk(&shop).envelope(envelope(&[("client_report", report.as_bytes())])).await.assert_ok();
        app.sdk(&shop).envelope(envelope(&[("session", b"{}")])).await.assert_ok();
        settle(app, 0).await;
        let books = app.outcomes().await;
        assert!(books.contains(&"error rate_limited project_events_hour 1".to_owned()), "{books:?}");
        assert!(books.contains(&"error discarded ratelimit_backoff 18".to_owned()), "{books:?}");
    });
}

#[test]
fn keys_have_limits_of_their_own_and_all_active_ones_are_named() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let path = urls::key("shop", app.key_id(&shop).await);
        let fields = form(&NONE, &[("events_minute", "2"), ("all_month", "3"), ("label", "Web"), ("domains", "")]);
        root.post(&path, &fields).await.assert_redirect(&path);
        app.registry.refresh(app.db()).await.unwrap();
        assert_eq!(send(app, &shop, 3).await, 2);
        app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(send(app, &shop, 3).await, 1);
        let answer = app.sdk(&shop).capture(error("Boom")).await;
        assert_limited(&answer, "3600::key:key_all_month");
        settle(app, 1 + 2 + 1).await;
        let fields = form(&NONE, &[("label", "Web"), ("domains", "")]);
        root.post(&path, &fields).await.assert_redirect(&path);
        app.registry.refresh(app.db()).await.unwrap();
        assert_eq!(send(app, &shop, 5).await, 5, "without limits everything is taken at once");
        settle(app, 0).await;
    });
}

#[test]
fn a_restart_and_a_second_process_know_what_was_used() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        limit(app, &shop, json!({"events_month": 10})).await;
        assert_eq!(send(app, &shop, 4).await, 4);
        app.exchange().await;
        // Another process, or this one after a restart: an empty memory.
        let other = app.another_server();
        other.registry.refresh(app.db()).await.unwrap();
        other.exchange().await;
        assert_eq!(send(&other, &shop, 8).await, 6);
        // The first has not heard of it: it takes too much, by no more than what was free.
        assert_eq!(send(app, &shop, 8).await, 6);
        other.exchange().await;
        app.exchange().await;
        other.exchange().await;
        assert_eq!((send(app, &shop, 1).await, send(&other, &shop, 1).await), (0, 0));
        let level: f64 = sqlx::query_scalar("select level from quota_states").fetch_one(app.db()).await.unwrap();
        assert!((level - 16.0).abs() < 1e-9, "all of both is counted once: {level}");
        other.digest_refused().await;
        settle(app, 2 + 2 + 2).await;
    });
}

#[test]
fn members_are_told_once_when_a_limit_begins_and_once_when_it_ends() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        limit(app, &shop, json!({"events_minute": 10})).await;
        let other = app.another_server();
        other.registry.refresh(app.db()).await.unwrap();
        let refused = 15 - send(app, &shop, 15).await + 15 - send(&other, &shop, 15).await;
        for _ in 0..2 {
            app.exchange().await;
            other.exchange().await;
        }
        settle(app, 0).await;
        let told = async |kind: &str| app.mails().await.iter().filter(|mail| mail.kind == kind).count();
        assert_eq!((told("limit_reached").await, told("limit_ended").await), (1, 0), "two processes tell once");
        for path in [urls::project("shop"), urls::project_stats("shop"), "/issues?project=shop".to_owned()] {
            let notice = part(&ana.page(&path).await, "limited");
            assert!(
                notice.contains("was reached") && notice.contains("10 items were dropped so far") && notice.contains("See the limits"),
                "{path}: {notice}"
            );
        }
        assert!(!ana.page("/issues").await.html().contains("data-test=\"limited\""), "of no project in particular");
        // It is reached again within ten minutes: one story.
        app.clock.advance(TimeDelta::minutes(8));
        let refused = refused + 12 - send(app, &shop, 12).await;
        app.exchange().await;
        app.clock.advance(TimeDelta::minutes(9));
        app.exchange().await;
        settle(app, 0).await;
        assert_eq!((told("limit_reached").await, told("limit_ended").await), (1, 0));
        app.clock.advance(TimeDelta::minutes(2));
        other.exchange().await;
        app.exchange().await;
        settle(app, refused as i64).await;
        other.digest_refused().await;
        let mails = app.mails().await;
        assert_eq!((told("limit_reached").await, told("limit_ended").await), (1, 1));
        let ended = mails.iter().find(|mail| mail.kind == "limit_ended").unwrap();
        assert_eq!(ended.subject, "[shop] Limit ended: The project's limit on events per minute");
        assert!(
            ended.text_body.contains("Dropped: 12") && ended.text_body.contains("/projects/shop/settings/limits"),
            "{}",
            ended.text_body
        );
        assert!(!ana.page(&urls::project("shop")).await.html().contains("data-test=\"limited\""));
        ana.page(&urls::mails()).await.assert_reads("A limit drops nothing any more.");
    });
}

#[test]
fn a_limit_that_is_raised_has_ended() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        limit(app, &shop, json!({"events_month": 2})).await;
        send(app, &shop, 3).await;
        app.exchange().await;
        limit(app, &shop, json!({"events_month": 4})).await;
        app.exchange().await;
        assert_eq!(send(app, &shop, 3).await, 2, "what was used stays used");
        settle(app, 1 + 1).await;
        let mails = app.mails().await;
        let mut kinds: Vec<&str> = mails.iter().map(|mail| mail.kind.as_str()).filter(|kind| kind.starts_with("limit")).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["limit_ended", "limit_reached"]);
        let ended = mails.iter().find(|mail| mail.kind == "limit_ended").unwrap();
        assert!(ended.text_body.contains("The limit was changed"), "{}", ended.text_body);
    });
}

#[test]
fn administrators_set_limits_and_see_what_they_would_have_meant() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (root, ana) = (app.admin("root").await, app.member("ana", &shop).await);
        send(app, &shop, 7).await;
        settle(app, 0).await;
        let path = urls::project_limits("shop");
        root.post(&path, &form(&NONE, &[("events_month", "1,00"), ("events_hour", "5")])).await.assert_redirect(&path);
        let page = ana.page(&path).await;
        let events = part(&page, "limit-events");
        assert!(events.contains("7 came in the last 24 hours, 7 in the busiest"), "{events}");
        assert!(events.contains("5 at once, then one every 12 min. The busiest hour of the last day had 7: over the limit."), "{events}");
        assert!(events.contains("30 days bring 210: over the limit, which is reached on day 15 of a month."), "{events}");
        assert!(page.html().contains("<fieldset disabled>") && !page.html().contains(">Save<"));
        let refused = root.post(&path, &form(&NONE, &[("events_month", "many"), ("all_hour", "0")])).await.assert_status(422);
        refused.assert_reads("per month: “many” is no whole number.");
        refused.assert_reads("per hour: 0 would take nothing: switch the key off instead.");
        ana.post(&path, &NONE).await.assert_status(403);
        app.registry.refresh(app.db()).await.unwrap();
        let name = LimitName { scope: Scope::Project, class: Class::Events, period: Period::Month };
        assert_eq!(app.registry.limit(shop.id, 0, (name.class, name.period)), Some(Some(100)), "what was refused changed nothing");
    });
}
