//! The first fact at once, what follows soon in one mail more, and the log says what became of each.

use chrono::TimeDelta;
use vedette::web::urls;

use crate::harness::events::envelope;
use crate::harness::{Mail, Project, TestApp, app_test, error};

/// So many new issues of as many places, numbered from `first` on.
async fn new_issues(app: &TestApp, shop: &Project, first: u32, many: u32) {
    for number in first..first + many {
        let event = error(&format!("Kind{number}")).id(u128::from(number)).release("2.1.0");
        app.sdk(shop).capture(event).await.assert_ok();
    }
    app.digest_all().await;
    app.run_jobs().await;
}

async fn subjects(app: &TestApp, who: &str) -> Vec<String> {
    let mine = |mail: &Mail| mail.recipient == format!("{who}@example.test");
    app.mails().await.into_iter().filter(mine).map(|mail| mail.subject).collect()
}

/// Facts by what became of them.
async fn decisions(app: &TestApp) -> Vec<(String, i64)> {
    sqlx::query_as("select status, count(*) from alert_decisions group by 1 order by 1").fetch_all(app.db()).await.unwrap()
}

#[test]
fn a_deploy_that_makes_many_new_issues_is_one_mail_at_once_and_one_for_the_rest() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.member("ben", &shop).await;
        new_issues(app, &shop, 1, 15).await;
        let first = subjects(app, "ana").await;
        assert!(first.len() == 1 && first[0].starts_with("[shop] New: Kind"), "the first at once: {first:?}");
        assert_eq!(decisions(app).await, [("gathered".to_owned(), 28), ("told".to_owned(), 2)]);
        let waits = "select f.issue_id from alert_facts f join alert_decisions d using (project_id, fact_id) where d.status = 'gathered' order by 1 limit 1";
        let issue: i64 = sqlx::query_scalar(waits).fetch_one(app.db()).await.unwrap();
        let short_id = format!("SHOP-{}", issue & 0xffff_ffff);
        ana.page(&urls::issue_told(issue)).await.assert_reads("Another mail had just gone out; this one comes with others at 14:38 UTC.");
        app.clock.advance(TimeDelta::minutes(5));
        app.run_jobs().await;
        for who in ["ana", "ben"] {
            let subjects = subjects(app, who).await;
            assert_eq!(subjects.len(), 2, "{subjects:?}");
            assert!(subjects[1].starts_with("[shop] 14 new issues in 2.1.0, most often Kind"), "{subjects:?}");
        }
        assert_eq!(decisions(app).await, [("told".to_owned(), 30)], "no fact is lost");
        let mail = app.mails().await.into_iter().find(|mail| mail.kind == "digest").unwrap();
        for body in [&mail.text_body, &mail.html_body] {
            assert!(body.contains("14 new issues") && body.contains(&short_id) && body.contains("new, 1 event"), "{body}");
        }
        ana.page(&urls::account_told()).await.assert_reads(&format!("New issue {short_id}"));
        let eve = app.stranger("eve").await;
        eve.get(&urls::issue_told(issue)).await.assert_status(404);
        assert!(!eve.page(&urls::account_told()).await.text().contains("SHOP-"));
    });
}

#[test]
fn a_storm_that_goes_on_is_told_ever_more_rarely_and_after_a_quiet_while_at_once_again() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let mut told = Vec::new();
        for minute in 0..100 {
            new_issues(app, &shop, minute + 1, 1).await;
            if subjects(app, "ana").await.len() > told.len() {
                told.push(minute);
            }
            app.clock.advance(TimeDelta::minutes(1));
        }
        assert_eq!(told, [0, 5, 15, 35, 65, 95]);
        app.clock.advance(TimeDelta::hours(1));
        app.run_jobs().await;
        let before = subjects(app, "ana").await.len();
        assert_eq!(before, told.len() + 1, "what waited came");
        app.clock.advance(TimeDelta::hours(1));
        new_issues(app, &shop, 500, 1).await;
        assert_eq!(subjects(app, "ana").await[before..], ["[shop] New: Kind500: it broke"]);
        assert!(decisions(app).await.iter().all(|(status, _)| status == "told"));
    });
}

#[test]
fn one_fact_that_waited_alone_gets_its_own_mail() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        new_issues(app, &shop, 1, 2).await;
        app.clock.advance(TimeDelta::minutes(5));
        app.run_jobs().await;
        let mut subjects = subjects(app, "ana").await;
        subjects.sort();
        assert_eq!(subjects, ["[shop] New: Kind1: it broke", "[shop] New: Kind2: it broke"]);
    });
}

#[test]
fn nobody_gets_more_than_thirty_mails_an_hour_and_the_rest_is_told_afterwards() {
    app_test(async |app| {
        // Projects without members are the administrators'.
        app.admin("ana").await;
        for number in 1..=33 {
            let shop = app.project(&format!("shop{number}")).await;
            new_issues(app, &shop, number, 1).await;
        }
        assert_eq!(subjects(app, "ana").await.len(), 30);
        let waits: Vec<String> =
            sqlx::query_scalar("select distinct reason from alert_decisions where status = 'gathered'").fetch_all(app.db()).await.unwrap();
        let [wait] = waits.as_slice() else { panic!("{waits:?}") };
        assert!(wait.starts_with("30 mails went out within the hour, which is the most; this one comes with others after 15:3"), "{wait}");
        app.clock.advance(TimeDelta::hours(1));
        app.run_jobs().await;
        assert_eq!(subjects(app, "ana").await.len(), 33);
    });
}

#[test]
fn mails_that_keep_a_pace_of_their_own_count_among_the_thirty() {
    app_test(async |app| {
        app.admin("ana").await;
        for number in 1..=32_u32 {
            let shop = app.project(&format!("shop{number}")).await;
            let said = format!(r#"{{"event_id":"{:032x}","comments":"It broke."}}"#, number + 1);
            app.sdk(&shop).envelope(envelope(&[("user_report", said.as_bytes())])).await.assert_ok();
            app.digest_all().await;
            app.run_jobs().await;
        }
        assert_eq!(subjects(app, "ana").await.len(), 30);
        assert_eq!(decisions(app).await, [("gathered".to_owned(), 2), ("told".to_owned(), 30)]);
        app.clock.advance(TimeDelta::hours(1));
        app.run_jobs().await;
        let mut mails = subjects(app, "ana").await.split_off(30);
        mails.sort();
        assert_eq!(mails, ["[shop31] feedback", "[shop32] feedback"]);
        let last = app.mails().await.pop().unwrap();
        assert!(last.text_body.contains("1 message of users"), "{}", last.text_body);
    });
}

#[test]
fn who_left_the_project_is_not_told_of_what_waited() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        app.member("ben", &shop).await;
        new_issues(app, &shop, 1, 3).await;
        sqlx::query("delete from project_members where user_id = (select user_id from users where email = 'ana@example.test')")
            .execute(app.db())
            .await
            .unwrap();
        app.clock.advance(TimeDelta::minutes(5));
        app.run_jobs().await;
        assert_eq!((subjects(app, "ana").await.len(), subjects(app, "ben").await.len()), (1, 2));
        assert_eq!(decisions(app).await, [("dropped".to_owned(), 2), ("told".to_owned(), 4)]);
    });
}
