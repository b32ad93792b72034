//! What each person wants to hear of, when, and what the log says of the rest.

use chrono::TimeDelta;
use vedette::web::urls;

use crate::harness::{Mail, Person, Project, TestApp, app_test, error};

async fn happens(app: &TestApp, shop: &Project, kind: &str, id: u128) {
    app.sdk(shop).capture(error(kind).id(id)).await.assert_ok();
    app.digest_all().await;
    app.run_jobs().await;
}

async fn subjects(app: &TestApp, who: &str) -> Vec<String> {
    let mine = |mail: &Mail| mail.recipient == format!("{who}@example.test") && mail.status != "skipped";
    app.mails().await.into_iter().filter(mine).map(|mail| mail.subject).collect()
}

/// Saves the page with everything wanted but `unwanted`, and these fields.
async fn wishes(person: &Person, projects: &[&Project], unwanted: &[&str], fields: &[(&str, &str)]) {
    let kinds = ["new_issue", "regression", "spike", "unignored", "feedback", "limit", "noise", "silence"];
    let ids: Vec<String> = projects.iter().map(|project| project.id.0.to_string()).collect();
    let wanted: Vec<String> = ids.iter().flat_map(|id| kinds.iter().map(move |kind| format!("{id}.{kind}"))).collect();
    let mut form = vec![("pace", "instant"), ("digest_hour", "9"), ("quiet_from", ""), ("quiet_until", ""), ("time_zone", "UTC")];
    form.retain(|(name, _)| !fields.iter().any(|(set, _)| set == name));
    form.extend(fields);
    form.extend(ids.iter().map(|id| ("project", id.as_str())));
    form.extend(wanted.iter().map(|want| ("want", want.as_str())).filter(|(_, want)| !unwanted.contains(want)));
    person.post(&urls::account_notifications(), &form).await.assert_redirect(&urls::account_notifications());
}

async fn reason(app: &TestApp, person: &Person) -> String {
    let reason = "select reason from alert_decisions where user_id = $1 order by fact_id desc limit 1";
    sqlx::query_scalar(reason).bind(person.id.0).fetch_one(app.db()).await.unwrap()
}

#[test]
fn quiet_hours_hold_what_happens_until_the_persons_morning() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.member("ben", &shop).await;
        // It is 14:33 UTC, 20:18 in Kathmandu.
        wishes(&ana, &[&shop], &[], &[("quiet_from", "20:00"), ("quiet_until", "07:00"), ("time_zone", "Asia/Kathmandu")]).await;
        happens(app, &shop, "One", 1).await;
        assert_eq!((subjects(app, "ana").await.len(), subjects(app, "ben").await.len()), (0, 1));
        assert_eq!(reason(app, &ana).await, "Held by your quiet hours until 07:00 (Asia/Kathmandu).");
        ana.page(&urls::account_told()).await.assert_reads("waits");
        app.clock.advance(TimeDelta::hours(6));
        happens(app, &shop, "Two", 2).await;
        // 06:59 there.
        app.clock.advance(TimeDelta::hours(4) + TimeDelta::minutes(40));
        app.run_jobs().await;
        assert_eq!(subjects(app, "ana").await.len(), 0);
        app.clock.advance(TimeDelta::minutes(2));
        app.run_jobs().await;
        let mine = subjects(app, "ana").await;
        assert!(mine.len() == 1 && mine[0].starts_with("[shop] 2 new issues"), "{mine:?}");
        app.clock.advance(TimeDelta::hours(1));
        happens(app, &shop, "Three", 3).await;
        assert_eq!(subjects(app, "ana").await[1..], ["[shop] New: Three: it broke"], "by day at once");
    });
}

#[test]
fn what_was_gathered_in_the_evening_does_not_come_at_night() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        wishes(&ana, &[&shop], &[], &[("quiet_from", "14:35"), ("quiet_until", "16:00")]).await;
        happens(app, &shop, "One", 1).await;
        happens(app, &shop, "Two", 2).await;
        assert_eq!(subjects(app, "ana").await.len(), 1);
        app.clock.advance(TimeDelta::minutes(10));
        app.run_jobs().await;
        assert_eq!(subjects(app, "ana").await.len(), 1, "its mail was due at 14:38, when it was quiet");
        app.clock.advance(TimeDelta::hours(2));
        app.run_jobs().await;
        assert_eq!(subjects(app, "ana").await.len(), 2);
    });
}

#[test]
fn a_daily_digest_is_one_mail_a_day_and_going_back_to_instant_brings_what_waits() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        wishes(&ana, &[&shop], &[], &[("pace", "daily"), ("digest_hour", "8")]).await;
        for number in 1..=3 {
            happens(app, &shop, &format!("Kind{number}"), number).await;
            app.clock.advance(TimeDelta::hours(1));
        }
        assert_eq!(reason(app, &ana).await, "Comes with your daily digest at 08:00 (UTC).");
        assert_eq!(subjects(app, "ana").await.len(), 0);
        app.clock.advance(TimeDelta::hours(15));
        app.run_jobs().await;
        let mine = subjects(app, "ana").await;
        assert!(mine.len() == 1 && mine[0].starts_with("[shop] 3 new issues"), "{mine:?}");
        happens(app, &shop, "Kind4", 4).await;
        assert_eq!(subjects(app, "ana").await.len(), 1);
        wishes(&ana, &[&shop], &[], &[]).await;
        app.run_jobs().await;
        assert_eq!(subjects(app, "ana").await[1..], ["[shop] New: Kind4: it broke"]);
        wishes(&ana, &[&shop], &[], &[("pace", "hourly")]).await;
        app.clock.advance(TimeDelta::hours(3));
        happens(app, &shop, "Kind5", 5).await;
        assert!(reason(app, &ana).await.starts_with("Comes with your hourly digest at "));
        app.clock.advance(TimeDelta::hours(1));
        app.run_jobs().await;
        assert_eq!(subjects(app, "ana").await.len(), 3);
    });
}

#[test]
fn everybody_switches_off_for_themselves_by_project_and_kind() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let ana = app.member("ana", &shop).await;
        sqlx::query("insert into project_members (project_id, user_id, created_at) values ($1, $2, now())")
            .bind(blog.id.0)
            .bind(ana.id.0)
            .execute(app.db())
            .await
            .unwrap();
        app.member("ben", &shop).await;
        let off = format!("{}.new_issue", shop.id.0);
        wishes(&ana, &[&shop, &blog], &[&off], &[]).await;
        let page = ana.page(&urls::account_notifications()).await;
        assert!(
            !page.html().contains(&format!("value=\"{off}\" checked"))
                && page.html().contains(&format!("value=\"{}.new_issue\" checked", blog.id.0))
        );
        happens(app, &shop, "One", 1).await;
        happens(app, &blog, "Two", 2).await;
        assert_eq!(subjects(app, "ana").await, ["[blog] New: Two: it broke"]);
        assert_eq!(subjects(app, "ben").await, ["[shop] New: One: it broke"]);
        ana.page(&urls::account_told()).await.assert_reads("You switched this off: new issues.");
        // All of a project, which a later save that knows nothing of it leaves alone.
        let all = ["new_issue", "regression", "spike", "unignored", "feedback", "limit", "noise", "silence"]
            .map(|kind| format!("{}.{kind}", blog.id.0));
        wishes(&ana, &[&blog], &all.each_ref().map(String::as_str), &[]).await;
        wishes(&ana, &[], &[], &[]).await;
        app.clock.advance(TimeDelta::hours(1));
        happens(app, &blog, "Three", 3).await;
        assert_eq!(subjects(app, "ana").await.len(), 1);
        assert_eq!(reason(app, &ana).await, "You switched this project off.");
        // Nobody sets anything for a project that is not theirs.
        let eve = app.stranger("eve").await;
        wishes(&eve, &[&shop], &[&off], &[]).await;
        let rows: i64 =
            sqlx::query_scalar("select count(*) from personal_off where user_id = $1").bind(eve.id.0).fetch_one(app.db()).await.unwrap();
        assert_eq!(rows, 0);
    });
}

#[test]
fn an_issue_that_one_muted_is_told_to_the_others() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let ben = app.member("ben", &shop).await;
        happens(app, &shop, "Boom", 1).await;
        let issue = app.only_issue(&shop).await;
        ana.post(&urls::issue_action(issue, "mute"), &[]).await.assert_redirect(&urls::issue(issue));
        ana.page(&urls::issue(issue)).await.assert_reads("muted by you");
        assert!(!ben.page(&urls::issue(issue)).await.text().contains("muted by you"));
        ana.page(&urls::account_notifications()).await.assert_reads("SHOP-1 Boom: it broke");
        ben.post(&urls::issue_action(issue, "resolve"), &[]).await.assert_redirect(&urls::issue(issue));
        app.clock.advance(TimeDelta::hours(1));
        happens(app, &shop, "Boom", 2).await;
        assert_eq!((subjects(app, "ana").await.len(), subjects(app, "ben").await.len()), (1, 2));
        ben.page(&urls::issue_told(issue)).await.assert_reads("You muted this issue.");
        ana.post(&urls::issue_action(issue, "unmute"), &[]).await.assert_redirect(&urls::issue(issue));
        ben.post(&urls::issue_action(issue, "resolve"), &[]).await.assert_redirect(&urls::issue(issue));
        app.clock.advance(TimeDelta::hours(1));
        happens(app, &shop, "Boom", 3).await;
        assert_eq!((subjects(app, "ana").await.len(), subjects(app, "ben").await.len()), (2, 3));
    });
}

#[test]
fn what_cannot_be_meant_is_shown_again_with_what_was_typed() {
    app_test(async |app| {
        let ana = app.stranger("ana").await;
        let form = [("pace", "daily"), ("digest_hour", "9"), ("quiet_from", "22:00"), ("quiet_until", ""), ("time_zone", "Middle/Earth")];
        let page = ana.post(&urls::account_notifications(), &form).await.assert_status(422);
        page.assert_reads("Two different times of day, or none.");
        page.assert_reads("No such time zone is known.");
        assert!(page.html().contains("value=\"Middle/Earth\""));
        ana.page(&urls::account_notifications()).await.assert_reads("You are told of no project");
    });
}
