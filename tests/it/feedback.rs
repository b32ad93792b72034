//! What people say: user reports and feedback, before and after their events, repeated, hostile; who may read and sort it.

mod screenshots;

use std::fs;
use std::path::Path;

use chrono::TimeDelta;
use serde_json::{Value, json};
use vedette::platform::periodic::{Periodic as _, Step};
use vedette::web::urls;

use crate::harness::events::{envelope, event_id};
use crate::harness::{Project, TestApp, app_test, error};

pub(crate) fn id(number: u128) -> String {
    event_id(number).simple().to_string()
}

/// A user report about an event.
pub(crate) fn report(event: &str, comments: &str) -> Value {
    json!({"event_id": event, "name": "Ana", "email": "ana@example.test", "comments": comments})
}

/// Feedback with its own id, perhaps about an event.
pub(crate) fn feedback(own: &str, message: &str, about: Option<&str>) -> Value {
    json!({"event_id": own, "platform": "javascript", "release": "1.4.2", "environment": "production", "contexts": {"feedback": {
        "message": message, "name": "Ben", "contact_email": "ben@example.test", "url": "https://shop.example/cart", "source": "widget",
        "associated_event_id": about,
    }}})
}

pub(crate) async fn send(app: &TestApp, project: &Project, kind: &str, payload: &Value) {
    let header = json!({"event_id": payload["event_id"]});
    let items = envelope(&[(kind, payload.to_string().as_bytes())]);
    let body = [header.to_string().as_bytes(), &items[2..]].concat();
    app.sdk(project).envelope(body).await.assert_ok();
}

pub(crate) async fn say(app: &TestApp, project: &Project, kind: &str, payload: &Value) {
    send(app, project, kind, payload).await;
    app.digest_all().await;
}

/// Message and issue of every row, oldest first.
async fn said(app: &TestApp) -> Vec<(String, Option<i64>)> {
    sqlx::query_as("select message, issue_id from feedback order by feedback_id").fetch_all(app.db()).await.unwrap()
}

fn list(status: &str) -> String {
    urls::project_feedback("shop", status, "", "")
}

#[test]
fn a_report_finds_its_issue_whichever_comes_first() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        // After its event, before it, and in the same batch on either side; hyphens and capitals are the same id.
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        app.digest_all().await;
        say(app, &shop, "user_report", &report(&event_id(1).to_string().to_uppercase(), "after")).await;
        say(app, &shop, "user_report", &report(&id(2), "before")).await;
        say(app, &shop, "feedback", &feedback(&id(92), "feedback before", Some(&id(2)))).await;
        let issue = app.only_issue(&shop).await;
        let waiting = vec![("after".to_owned(), Some(issue)), ("before".to_owned(), None), ("feedback before".to_owned(), None)];
        assert_eq!(said(app).await, waiting);
        ana.page(&list("")).await.assert_reads(&id(2));
        app.sdk(&shop).capture(error("Boom").id(2)).await.assert_ok();
        send(app, &shop, "user_report", &report(&id(3), "beside")).await;
        app.sdk(&shop).capture(error("Boom").id(3)).await.assert_ok();
        send(app, &shop, "feedback", &feedback(&id(93), "feedback beside", Some(&id(3)))).await;
        app.digest_all().await;
        assert_eq!(said(app).await.iter().filter(|(_, of)| *of == Some(issue)).count(), 5, "{:?}", said(app).await);
        let page = ana.page(&urls::event(issue, id(3))).await;
        page.assert_reads("User feedback 5");
        assert_eq!(page.text().matches("this event").count(), 2, "{}", page.text());
        let page = ana.page(&urls::project_feedback("shop", "", &issue.to_string(), "")).await;
        assert_eq!(page.html().matches("data-test=\"words\"").count(), 5);
        app.run_jobs().await;
    });
}

/// Waits until so many of the database's sessions wait for another's lock.
pub(crate) async fn until_waiting(app: &TestApp, sessions: i64) {
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(app.db()).await.unwrap() < sessions {}
}

#[test]
fn two_processes_cannot_miss_each_others_half() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let other = app.another_server();
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        app.digest_all().await;
        // One process has written its event and looked for what was said about it; before it commits, somebody says something in another.
        let mut holder = app.db().begin().await.unwrap();
        sqlx::query("select from outcomes where category = 1 for update").fetch_all(&mut *holder).await.unwrap();
        // It happened just now, so that no repeat is looked for on other days, which would exclude the other process by itself.
        app.sdk(&shop).capture(error("Boom").id(2).at(app.clock.now() - TimeDelta::seconds(1))).await.assert_ok();
        other.sdk(&shop).envelope(envelope(&[("user_report", report(&id(2), "x").to_string().as_bytes())])).await.assert_ok();
        let later = async {
            until_waiting(app, 1).await;
            let mut reporting = std::pin::pin!(other.digest_all());
            // It has to wait; were it done, it would have found no event.
            let is_done = tokio::select! {
                () = until_waiting(app, 2) => false,
                _ = &mut reporting => true,
            };
            holder.rollback().await.unwrap();
            if !is_done {
                reporting.await;
            }
        };
        tokio::join!(app.digest_all(), later);
        assert_eq!(said(app).await, [("x".to_owned(), Some(app.only_issue(&shop).await))]);
        app.run_jobs().await;
    });
}

#[test]
fn the_same_words_twice_count_once_and_newer_words_correct_a_report_for_five_minutes() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        say(app, &shop, "user_report", &report(&id(1), "first")).await;
        send(app, &shop, "feedback", &feedback(&id(9), "once", None)).await;
        send(app, &shop, "feedback", &feedback(&id(9), "twice", None)).await;
        app.clock.advance(TimeDelta::minutes(4));
        say(app, &shop, "user_report", &report(&id(1), "corrected")).await;
        let now = || async { said(app).await.into_iter().map(|(message, _)| message).collect::<Vec<_>>() };
        assert_eq!(now().await, ["corrected", "once"]);
        app.clock.advance(TimeDelta::minutes(2));
        say(app, &shop, "user_report", &report(&id(1), "too late")).await;
        assert_eq!(now().await, ["corrected", "once"]);
        // The same id may be a report's and a feedback's, and another project's.
        say(app, &shop, "feedback", &feedback(&id(1), "not a report", None)).await;
        let blog = app.project("blog").await;
        say(app, &blog, "user_report", &report(&id(1), "elsewhere")).await;
        assert_eq!(now().await, ["corrected", "once", "not a report", "elsewhere"]);
        assert_eq!(app.outcomes().await, ["feedback duplicate 3", "feedback stored 4"]);
        app.run_jobs().await;
    });
}

#[test]
fn what_cannot_be_kept_ends_with_its_reason_and_costs_no_neighbour() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.set(&shop, json!({"filters": {"releases": ["bad-*"]}})).await;
        let ana = app.member("ana", &shop).await;
        for (kind, payload) in [
            ("feedback", feedback(&id(1), "  ", None)),
            ("feedback", json!({"event_id": id(2), "message": "no context"})),
            ("feedback", feedback(&id(3), &"x".repeat(4097), None)),
            ("user_report", json!({"event_id": id(4), "name": "Ana"})),
            ("user_report", json!({"event_id": id(5), "name": "n".repeat(129), "comments": "x"})),
            ("user_report", json!({"event_id": id(6), "email": "e".repeat(76), "comments": "x"})),
            ("user_report", report(&id(7), &"x".repeat(4097))),
        ] {
            send(app, &shop, kind, &payload).await;
        }
        let mut filtered = feedback(&id(8), "from a bad release", None);
        filtered["release"] = json!("bad-1");
        send(app, &shop, "feedback", &filtered).await;
        app.sdk(&shop).envelope(envelope(&[("user_report", b"{\"comments\":"), ("user_report", b"[]")])).await.assert_ok();
        app.sdk(&shop)
            .envelope(envelope(&[("feedback", b"no JSON"), ("user_report", report(&id(10), "kept").to_string().as_bytes())]))
            .await
            .assert_ok();
        app.digest_all().await;
        assert_eq!(
            app.outcomes().await,
            [
                "feedback filtered release-version 1",
                "feedback invalid empty_feedback 3",
                "feedback invalid invalid_json 3",
                "feedback invalid too_large:feedback 1",
                "feedback invalid too_large:user_report 3",
                "feedback stored 1",
            ]
        );
        assert_eq!(said(app).await, [("kept".to_owned(), None)]);
        ana.page(&urls::project_stats("shop")).await.assert_reads("Feedback that says nothing");
        app.run_jobs().await;
    });
}

#[test]
fn words_for_a_project_that_is_deleted_meanwhile_end_as_invalid() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        for (number, words) in [(1, "known"), (2, "late")] {
            app.digest_all().await;
            for project in [&shop, &blog] {
                send(app, project, "user_report", &report(&id(number), words)).await;
            }
        }
        // The registry does not know it yet.
        sqlx::query("delete from projects where project_id = $1").bind(shop.id.0).execute(app.db()).await.unwrap();
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["feedback invalid project_state 1", "feedback stored 3"]);
        app.run_jobs().await;
    });
}

#[test]
fn a_reports_longest_texts_are_kept_whole() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (name, email, comments) = ("é".repeat(128), format!("{}@example.test", "e".repeat(62)), "w".repeat(4096));
        assert_eq!(email.len(), 75);
        let longest = json!({"event_id": id(1), "name": name, "email": email, "comments": comments});
        say(app, &shop, "user_report", &longest).await;
        let row: (String, String, String, String) =
            sqlx::query_as("select name, email, message, source from feedback").fetch_one(app.db()).await.unwrap();
        assert_eq!(row, (name, email, comments, "user report".to_owned()));
        app.run_jobs().await;
    });
}

#[test]
fn feedback_keeps_what_is_known_and_a_projects_rules_hold() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let rule = json!({"name": "card", "path": "contexts.feedback.message", "pattern": r"CARD-\d+", "action": "remove"});
        app.set(&shop, json!({"scrub": {"rules": [rule]}})).await;
        let ana = app.member("ana", &shop).await;
        let mut from_user = feedback(&id(1), "line one\nline \u{0}two CARD-4711", None);
        from_user["contexts"]["feedback"].as_object_mut().unwrap().retain(|key, _| !["name", "contact_email"].contains(&key.as_str()));
        from_user["user"] = json!({"email": "user@example.test", "username": "user"});
        say(app, &shop, "feedback", &from_user).await;
        let row: (String, String, String, String, String, String) =
            sqlx::query_as("select name, email, url, source, release, environment from feedback").fetch_one(app.db()).await.unwrap();
        let texts = ["user", "user@example.test", "https://shop.example/cart", "widget", "1.4.2", "production"].map(str::to_owned);
        assert_eq!([row.0, row.1, row.2, row.3, row.4, row.5], texts);
        let page = ana.page(&list("open")).await;
        assert!(page.html().contains("href=\"mailto:user@example.test\"") && page.html().contains("line one\nline "), "{}", page.html());
        say(app, &shop, "user_report", &report(&id(2), "my CARD-4712 was refused")).await;
        let held: i64 = sqlx::query_scalar("select count(*) from feedback where message like '%CARD-%'").fetch_one(app.db()).await.unwrap();
        assert_eq!(held, 0, "{:?}", said(app).await);
        ana.page(&list("open")).await.assert_reads("was refused");
        app.run_jobs().await;
    });
}

#[test]
fn hostile_words_are_only_words() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let live = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}\u{202e}";
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        let mut hostile = feedback(&id(2), live, Some(&id(1)));
        for key in ["name", "source", "replay_id"] {
            hostile["contexts"]["feedback"][key] = json!(live);
        }
        hostile["contexts"]["feedback"]["contact_email"] = json!("x@y.test?bcc=all@y.test\"><script>");
        hostile["contexts"]["feedback"]["url"] = json!("javascript:alert(1)");
        hostile["release"] = json!(live);
        hostile["environment"] = json!("<b>");
        send(app, &shop, "feedback", &hostile).await;
        // A lone surrogate, which no strict parser takes.
        let raw = format!(r#"{{"event_id":"{}","comments":"a\ud800\u0000b","name":{}}}"#, id(1), json!(live));
        app.sdk(&shop).envelope(envelope(&[("user_report", raw.as_bytes())])).await.assert_ok();
        app.digest_all().await;
        let issue = app.only_issue(&shop).await;
        for path in [list(""), urls::issue(issue), urls::project_feedback("shop", "", &issue.to_string(), "")] {
            let page = ana.page(&path).await;
            crate::harness::markup::assert_page(page.html(), &path);
            page.assert_reads("<script>alert(1)</script>");
            assert!(!page.html().contains("mailto:x@y.test"), "{path}");
        }
        app.run_jobs().await;
    });
}

#[test]
fn people_sort_what_was_said() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, eve) = (app.member("ana", &shop).await, app.stranger("eve").await);
        say(app, &shop, "user_report", &report(&id(1), "please help")).await;
        let number: i64 = sqlx::query_scalar("select feedback_id from feedback").fetch_one(app.db()).await.unwrap();
        let act = urls::feedback_act("shop", number);
        let back = list("open");
        ana.post(&act, &[("action", "resolve"), ("back", &back)]).await.assert_redirect(&back);
        assert!(!ana.page(&list("open")).await.text().contains("please help"));
        ana.page(&list("resolved")).await.assert_reads("please help");
        ana.post(&act, &[("action", "spam"), ("back", "//evil.example")]).await.assert_redirect(&list(""));
        ana.page(&list("spam")).await.assert_reads("please help");
        ana.post(&act, &[("action", "reopen")]).await.assert_redirect(&list(""));
        ana.page(&list("")).await.assert_reads("please help");
        ana.post(&act, &[("action", "explode")]).await.assert_status(422);
        // Others may neither read nor sort it, and nobody what is not there.
        eve.get(&list("")).await.assert_status(404);
        eve.post(&act, &[("action", "spam")]).await.assert_status(404);
        let blog = app.project("blog").await;
        let ben = app.member("ben", &blog).await;
        ben.post(&urls::feedback_act("blog", number), &[("action", "spam")]).await.assert_status(404);
        ben.get(&urls::project_feedback("blog", "", &((i64::from(shop.id.0) << 32) + 1).to_string(), "")).await.assert_status(404);
        ana.post(&urls::feedback_act("shop", number + 1), &[("action", "spam")]).await.assert_status(404);
        let row: (String, i64) = sqlx::query_as("select status, status_changed_by from feedback").fetch_one(app.db()).await.unwrap();
        assert_eq!(row, ("open".to_owned(), ana.id.0));
        app.run_jobs().await;
    });
}

#[test]
fn long_lists_are_read_page_by_page() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        for number in 0..60 {
            send(app, &shop, "feedback", &feedback(&id(number), &format!("word-{number:02}."), None)).await;
            // Many of the same moment.
            app.clock.advance(TimeDelta::microseconds((number as i64 % 20) / 19));
        }
        app.digest_all().await;
        let (mut path, mut words) = (list("open"), Vec::new());
        loop {
            let page = ana.page(&path).await;
            let text = page.text();
            words.extend(text.split_whitespace().filter(|word| word.starts_with("word-")).map(str::to_owned));
            let Some(next) = crate::harness::markup::read(page.html()).unwrap().into_iter().find(|tag| tag.get("rel") == Some("next"))
            else {
                break;
            };
            path = next.get("href").unwrap().replace("&#38;", "&").replace("&amp;", "&");
        }
        assert_eq!((words.len(), words.iter().collect::<std::collections::BTreeSet<_>>().len()), (60, 60));
        assert_eq!(words[0], "word-59.");
        app.run_jobs().await;
    });
}

#[test]
fn feedback_goes_when_the_events_of_its_time_go() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        say(app, &shop, "user_report", &report(&id(1), "old")).await;
        app.clock.advance(TimeDelta::days(20));
        say(app, &shop, "user_report", &report(&id(2), "new")).await;
        app.clock.advance(TimeDelta::days(11));
        let retention = vedette::feedback::Retention { days: 30 };
        assert_eq!(retention.step(&app.app).await.unwrap(), Step::Idle);
        assert_eq!(said(app).await, [("new".to_owned(), None)]);
        // The books keep what was counted.
        sqlx::query("delete from outcomes where hour = (select min(hour) from outcomes)").execute(app.db()).await.unwrap();
        app.expected.add(-1);
        app.run_jobs().await;
    });
}

#[test]
fn what_real_clients_sent_is_heard() {
    let captured = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/requests");
    let Ok(index) = fs::read(captured.join("index.json")) else {
        println!("skipped: {} is not here", captured.display());
        return;
    };
    let index: Value = serde_json::from_slice(&index).unwrap();
    app_test(async |app| {
        let shop = app.project("shop").await;
        let mut heard = 0;
        for entry in index["entries"].as_array().unwrap() {
            let items = entry["items"].as_array().map_or(&[][..], Vec::as_slice);
            let Some(item) = items.iter().find(|item| item["type"] == "feedback" || item["type"] == "user_report") else { continue };
            let file = entry["file"].as_str().unwrap();
            let body = fs::read(captured.join("requests").join(format!("{file}.bin"))).unwrap();
            let sdk = app.sdk(&shop).with("content-encoding", entry["content_encoding"].as_str().unwrap_or_default());
            sdk.post("envelope", body).await.assert_ok();
            app.digest_all().await;
            let (message, release, environment): (String, String, String) =
                sqlx::query_as("select message, release, environment from feedback order by feedback_id desc limit 1")
                    .fetch_one(app.db())
                    .await
                    .unwrap();
            heard += 1;
            let rows: i64 = sqlx::query_scalar("select count(*) from feedback").fetch_one(app.db()).await.unwrap();
            assert_eq!(rows, heard, "{file}");
            if item["type"] == "feedback" {
                let must = ["message", "release", "environment"].map(|key| item["must"][key].as_str().unwrap_or_default());
                assert_eq!([message.as_str(), &release, &environment], must, "{file}");
            }
        }
        assert!(heard >= 10, "{heard}");
        let counted = "select coalesce(sum(quantity), 0)::bigint from outcomes where outcome <> 'discarded'";
        app.expected.add(sqlx::query_scalar(counted).fetch_one(app.db()).await.unwrap());
        app.run_jobs().await;
    });
}
