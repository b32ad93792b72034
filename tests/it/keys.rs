//! Keys, and help for people whose events do not arrive.

use chrono::TimeDelta;
use serde_json::json;
use vedette::platform::lifecycle::Tasks;
use vedette::web::urls;

use crate::harness::events::envelope;
use crate::harness::{Project, TestApp, app_test, error};
use crate::projects::part;

/// The project's newest key.
async fn newest_key(app: &TestApp, project: &Project) -> (i32, Project) {
    let newest = "select key_id, replace(public_key::text, '-', '') from project_keys where project_id = $1 order by key_id desc limit 1";
    let (id, key): (i32, String) = sqlx::query_as(newest).bind(project.id.0).fetch_one(app.db()).await.unwrap();
    (id, Project { key, ..project.clone() })
}

#[test]
fn a_rotated_key_keeps_its_rules_and_the_old_one_works_until_it_is_switched_off() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (root, ana) = (app.admin("root").await, app.member("ana", &shop).await);
        let old = app.key_id(&shop).await;
        let rules = [("label", "Web shop"), ("domains", "*.shop.example\r\nhttps://admin.example"), ("events_hour", "50")];
        root.post(&urls::key("shop", old), &rules).await.assert_redirect(&urls::key("shop", old));
        let answer = root.post(&urls::key_rotate("shop", old), &[]).await;
        let (new, with_new) = newest_key(app, &shop).await;
        answer.assert_redirect(&urls::key("shop", new));
        app.registry.refresh(app.db()).await.unwrap();
        for key in [&shop, &with_new] {
            app.sdk(key).with("origin", "https://www.shop.example").capture(error("Boom")).await.assert_ok();
            app.sdk(key).with("origin", "https://evil.example").capture(error("Boom")).await.assert_status(403);
        }
        let settings = ana.page(&urls::project_settings("shop")).await;
        assert_eq!(part(&settings, "keys").matches("newest").count(), 1, "{}", settings.text());
        // Pressed twice, on a page that still says so.
        for _ in 0..2 {
            root.post(&urls::key_switch("shop", old), &[("to", "off")]).await.assert_redirect(&urls::project_settings("shop"));
        }
        root.post(&urls::key_switch("shop", old), &[("to", "away")]).await.assert_status(422);
        app.registry.refresh(app.db()).await.unwrap();
        let refused = app.sdk(&shop).capture(error("Boom")).await.assert_status(403);
        assert_eq!(refused.json()["causes"], json!(["the key is switched off"]));
        app.sdk(&with_new).capture(error("Boom")).await.assert_ok();
        let page = ana.page(&urls::key("shop", new)).await;
        page.assert_reads("*.shop.example https://admin.example");
        assert!(page.html().contains("value=\"50\"") && page.html().contains("value=\"Web shop\"") && !page.html().contains(">Rotate<"));
        let settings = ana.page(&urls::project_settings("shop")).await;
        assert!(part(&settings, "keys").contains("1 limit, 2 allowed domains"), "{}", settings.text());
        app.digest_refused().await;
        app.expected.add(2);
        app.run_jobs().await;
    });
}

#[test]
fn a_domain_that_lets_nothing_through_is_refused_by_its_line() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let path = urls::key("shop", app.key_id(&shop).await);
        let wrong = [("label", "Web"), ("domains", "shop.example\r\n\r\nhttps://shop.example/cart\r\na b")];
        let refused = root.post(&path, &wrong).await.assert_status(422);
        refused.assert_reads("Line 3, `https://shop.example/cart`: a path says nothing here");
        refused.assert_reads("Line 4, `a b`: one entry a line, without blanks");
        let stored: Vec<String> = sqlx::query_scalar("select unnest(allowed_domains) from project_keys").fetch_all(app.db()).await.unwrap();
        assert!(stored.is_empty(), "{stored:?}");
        root.post(&path, &[("label", "Web")]).await.assert_status(422);
    });
}

#[test]
fn every_process_notices_a_switched_off_key_by_itself() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let other = app.another_server();
        let tasks = Tasks::new();
        other.registry.run(app.app.clone(), &tasks);
        other.sdk(&shop).capture(error("Boom")).await.assert_ok();
        root.post(&urls::key_switch("shop", app.key_id(&shop).await), &[("to", "off")]).await.assert_status(303);
        // The page was another process's; the notification is on its way. A registry that waits for its timer is too late for the test.
        while other.sdk(&shop).capture(error("Boom")).await.status == 200 {}
        root.post(&urls::key_switch("shop", app.key_id(&shop).await), &[("to", "on")]).await.assert_status(303);
        while other.sdk(&shop).capture(error("Boom")).await.status != 200 {}
        tasks.shut_down(std::time::Duration::from_secs(20)).await;
        other.digest_all().await;
        app.run_jobs().await;
    });
}

#[test]
fn refusals_name_the_dsn_as_understood_and_nothing_of_others() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let foreign = Project { key: blog.key.clone(), ..shop.clone() };
        let refused = app.sdk(&foreign).with("host", "errors.example").capture(error("Boom")).await.assert_status(403);
        let dsn = format!("{}...@errors.example/{}", &blog.key[..8], shop.dsn_id);
        assert_eq!(refused.json()["dsn"], dsn);
        assert_eq!(refused.json()["causes"], json!(["the key is not one of this project number"]));
        assert!(refused.header("x-sentry-error").ends_with(&format!("[DSN {dsn}]")));
        assert!(!refused.html().contains(&blog.key) && !refused.html().contains("blog"));
        let unknown = Project { key: "f".repeat(32), ..shop.clone() };
        let refused = app.sdk(&unknown).capture(error("Boom")).await.assert_status(403);
        assert_eq!(refused.json()["causes"], json!(["no such key on this server"]));
    });
}

#[test]
fn recent_requests_show_members_what_was_refused_or_left_out_and_nobody_else() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let (ana, eve, root) = (app.member("ana", &shop).await, app.member("eve", &blog).await, app.admin("root").await);
        let path = urls::project_requests("shop");
        ana.page(&path).await.assert_reads("Nothing was refused");
        let sdk = || app.sdk(&shop).with("user-agent", "ua/1");
        for _ in 0..3 {
            sdk().envelope("no envelope").await.assert_status(400);
        }
        let two = [("event", error("Boom").0.to_string()), ("event", error("Bang").0.to_string())];
        let two: Vec<(&str, &[u8])> = two.iter().map(|(kind, payload)| (*kind, payload.as_bytes())).collect();
        sdk().envelope(envelope(&two)).await.assert_ok();
        let unknown = Project { key: "f".repeat(32), ..shop.clone() };
        app.sdk(&unknown).capture(error("<script>")).await.assert_status(403);
        app.exchange().await;
        app.exchange().await;
        let page = ana.page(&path).await;
        page.assert_reads("3 times since");
        page.assert_reads("The body is no envelope.");
        page.assert_reads("Errors (1): More of a kind than one request may hold");
        page.assert_reads("test/1");
        page.assert_reads(&format!("{}...@", &shop.key[..8]));
        assert!(!page.html().contains(&shop.key) && !page.html().contains("no envelope\""), "no key, no body");
        assert!(!page.text().contains("ffffffff"));
        eve.get(&path).await.assert_status(404);
        assert!(!eve.page(&urls::project_requests("blog")).await.text().contains("no envelope"));
        root.page(&urls::requests()).await.assert_reads("ffffffff...@");
        ana.get(&urls::requests()).await.assert_status(403);
        app.digest_refused().await;
        app.expected.add(3);
        app.run_jobs().await;
        // After a fortnight they are gone from the page, and with the next write from the table.
        app.clock.advance(TimeDelta::days(15));
        let late = app.member("late", &shop).await;
        late.page(&path).await.assert_reads("Nothing was refused");
        app.sdk(&unknown).capture(error("Boom")).await.assert_status(403);
        app.exchange().await;
        let left: i64 = sqlx::query_scalar("select count(*) from recent_requests").fetch_one(app.db()).await.unwrap();
        assert_eq!(left, 1);
    });
}

#[test]
fn a_flood_of_refusals_keeps_a_bounded_number_of_lines() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        for round in 0..4 {
            for number in 0..60 {
                let key = format!("{:032x}", 0xffff_0000_0000_0000_0000_0000_0000_0000_u128 + ((round * 60 + number) << 96));
                app.sdk(&Project { key, ..shop.clone() }).capture(error("Boom")).await.assert_status(403);
            }
            app.clock.advance(TimeDelta::seconds(5));
            app.exchange().await;
        }
        let kept: i64 = sqlx::query_scalar("select count(*) from recent_requests").fetch_one(app.db()).await.unwrap();
        assert_eq!(kept, 100);
    });
}

#[test]
fn recent_requests_tell_what_digest_did_not_store_or_trimmed() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.set(&shop, json!({"filters": {"releases": ["old@*"]}})).await;
        let sdk = app.sdk(&shop);
        // A flood that a filter takes, with files of all sizes, is one line.
        for number in 0..300_usize {
            let event = error(&format!("Boom{number}")).release(&format!("old@{number}")).0.to_string();
            let file = "x".repeat(number);
            sdk.envelope(envelope(&[("event", event.as_bytes()), ("attachment", file.as_bytes())])).await.assert_ok();
        }
        for number in 0..20 {
            let body = format!("{}no json", " ".repeat(number));
            sdk.envelope(envelope(&[("event", body.as_bytes())])).await.assert_ok();
        }
        let crumbs: Vec<_> = (0..250).map(|n| json!({"message": n.to_string()})).collect();
        sdk.capture(error("Long").with("breadcrumbs", json!(crumbs))).await.assert_ok();
        sdk.capture(error("Short")).await.assert_ok();
        app.digest_all().await;
        app.exchange().await;
        // Another process met the same.
        let other = app.another_server();
        other.registry.refresh(app.db()).await.unwrap();
        let event = error("Boom").release("old@9").0.to_string();
        other.sdk(&shop).envelope(envelope(&[("event", event.as_bytes()), ("attachment", b"x")])).await.assert_ok();
        other.digest_all().await;
        other.exchange().await;
        let lines: Vec<(String, String, i64)> =
            sqlx::query_as("select refusal, detail, repeats from recent_requests order by refusal, repeats")
                .fetch_all(app.db())
                .await
                .unwrap();
        let shown: Vec<_> = lines.iter().map(|(refusal, detail, repeats)| format!("{refusal} {detail} {repeats}")).collect();
        assert_eq!(shown[..], ["not_stored no JSON: expected a value 20", "not_stored  301", "trimmed breadcrumbs 1"]);
        let page = ana.page(&urls::project_requests("shop")).await;
        for text in [
            "not stored",
            "301 times since",
            "Errors (1): Not JSON, or not an event",
            "trimmed",
            "Stored without some entries",
            "“breadcrumbs”",
            "test/1",
            &format!("{}.../{}", &shop.key[..8], shop.dsn_id),
        ] {
            page.assert_reads(text);
        }
        app.run_jobs().await;
    });
}
