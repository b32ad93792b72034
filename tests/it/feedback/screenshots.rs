//! Files that come with what people say: seen beside the words, handed out to members alone, gone with their day.

use axum::http::header;
use chrono::TimeDelta;
use serde_json::Value;
use vedette::events::blobs::Sweep;
use vedette::events::partitions::Retention;

use super::*;
use crate::attachments::{File, file, files_below, noise, with_files};
use crate::harness::markup::{assert_page, read};
use crate::harness::{Answer, Person};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

/// Words and files in one envelope, as an SDK's widget sends them.
async fn say_with(app: &TestApp, shop: &Project, number: u128, (kind, words): (&str, &Value), files: &[File<'_>]) {
    let mut bytes = with_files(None, number, files).to_vec();
    let words = words.to_string();
    bytes.extend_from_slice(format!("\n{}\n{words}", json!({"type": kind, "length": words.len()})).as_bytes());
    app.sdk(shop).envelope(bytes).await.assert_ok();
    app.digest_all().await;
}

/// Where a page's files of feedback are.
fn links(page: &Answer) -> Vec<String> {
    let tags = read(page.html()).unwrap();
    let hrefs = tags.iter().filter(|tag| tag.get("class") == Some("link")).filter_map(|tag| tag.get("href"));
    hrefs.filter(|href| href.contains("/feedback/") && href.contains("/attachments/")).map(str::to_owned).collect()
}

async fn download(person: &Person, link: &str, bytes: &[u8], kind: &str) {
    let answer = person.get(link).await.assert_ok();
    assert!(answer.body == bytes, "{link}");
    assert_eq!(answer.header(header::CONTENT_TYPE), kind);
    assert!(answer.header(header::CONTENT_DISPOSITION).starts_with("attachment; "));
    assert!(answer.header(header::CONTENT_SECURITY_POLICY).contains("sandbox"));
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
}

#[test]
fn screenshots_are_seen_beside_the_words() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        let page = "<html><script>alert(1)</script>";
        let files = [file("screenshot.png", PNG), file("<b>.png", page), file("log", noise(1, 50_000))];
        say_with(app, &shop, 9, ("feedback", &feedback(&id(9), "look", Some(&id(1)))), &files).await;
        // Words about an event that never came.
        say_with(app, &shop, 8, ("user_report", &report(&id(8), "lost")), &[file("alone.png", PNG)]).await;
        // Words about no event, and none of the files.
        say(app, &shop, "feedback", &feedback(&id(7), "bare", None)).await;
        let page_of_all = ana.page(&list("")).await;
        assert_page(page_of_all.html(), "feedback with files");
        assert_eq!(page_of_all.html().matches("<li class=\"picture\">").count(), 2, "pictures by what they are, not by their names");
        assert_eq!(page_of_all.html().matches("data-test=\"files\"").count(), 2);
        let all = links(&page_of_all);
        assert_eq!(all.len(), 4);
        download(&ana, &all[0], PNG, "image/png").await;
        download(&ana, &all[1], PNG, "image/png").await;
        download(&ana, &all[2], page.as_bytes(), "application/octet-stream").await;
        download(&ana, &all[3], &noise(1, 50_000), "application/octet-stream").await;
        let issue = ana.page(&urls::issue(app.only_issue(&shop).await)).await;
        assert_page(issue.html(), "an issue whose feedback has files");
        assert_eq!(links(&issue), all[1..]);
        app.run_jobs().await;
    });
}

#[test]
fn files_of_the_shown_event_stand_once_on_its_page() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.sdk(&shop).envelope(with_files(Some(error("Boom")), 1, &[file("view.png", PNG)])).await.assert_ok();
        say(app, &shop, "user_report", &report(&id(1), "it broke")).await;
        let page = ana.page(&urls::issue(app.only_issue(&shop).await)).await;
        assert_eq!((page.html().matches("view.png</a>").count(), links(&page).len()), (1, 0));
        assert_eq!(links(&ana.page(&list("")).await).len(), 1, "and beside the words");
        app.run_jobs().await;
    });
}

#[test]
fn nobody_else_reads_what_came_with_somebodys_words() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let (ana, eve) = (app.member("ana", &shop).await, app.member("eve", &blog).await);
        say_with(app, &shop, 9, ("feedback", &feedback(&id(9), "look", None)), &[file("secret.png", PNG)]).await;
        // Her own project's feedback has the same id.
        say(app, &blog, "feedback", &feedback(&id(9), "mine", None)).await;
        let link = links(&ana.page(&list("")).await).remove(0);
        ana.get(&link).await.assert_ok();
        let mine: i64 = sqlx::query_scalar("select feedback_id from feedback where message = 'mine'").fetch_one(app.db()).await.unwrap();
        let file = link.rsplit('/').next().unwrap();
        for path in [link.clone(), link.replace("/shop/", "/blog/"), urls::feedback_attachment("blog", mine, file)] {
            eve.get(&path).await.assert_status(404);
        }
        assert!(links(&eve.page(&urls::project_feedback("blog", "", "", "")).await).is_empty());
        for wrong in [urls::feedback_attachment("shop", mine, file), format!("{link}0"), link.replace("/attachments/", "/attachments/x")] {
            ana.get(&wrong).await.assert_status(404);
        }
        app.run_jobs().await;
    });
}

#[test]
fn screenshots_go_with_the_files_of_their_day() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let large = [PNG, &noise(2, 300_000)].concat();
        say_with(app, &shop, 9, ("feedback", &feedback(&id(9), "look", None)), &[file("screenshot.png", large.clone())]).await;
        let link = links(&ana.page(&list("")).await).remove(0);
        app.clock.advance(TimeDelta::hours(2));
        while Sweep.step(&app.app).await.unwrap() != Step::Idle {}
        download(&ana, &link, &large, "image/png").await;
        app.clock.advance(TimeDelta::days(100));
        while (Retention { days: 90 }).step(&app.app).await.unwrap() != Step::Idle {}
        // Their outcomes went too.
        app.expected.add(-(large.len() as i64 + 2));
        let ben = app.member("ben", &shop).await;
        ben.get(&link).await.assert_status(404);
        let page = ben.page(&list("")).await;
        page.assert_reads("look");
        assert!(links(&page).is_empty());
        app.clock.advance(TimeDelta::hours(2));
        while Sweep.step(&app.app).await.unwrap() != Step::Idle {}
        assert_eq!(files_below(app.blobs_dir()).len(), 0);
        vedette::feedback::Retention { days: 90 }.step(&app.app).await.unwrap();
        app.run_jobs().await;
    });
}

#[test]
fn files_of_refused_feedback_end_with_it_and_an_events_files_do_not() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.set(&shop, json!({"filters": {"releases": ["bad-*"]}})).await;
        let mut bad = feedback(&id(1), "from a bad release", None);
        bad["release"] = json!("bad-1");
        say_with(app, &shop, 1, ("feedback", &bad), &[file("screenshot.png", PNG)]).await;
        // An empty report costs nothing that its event brought.
        say_with(app, &shop, 2, ("user_report", &report(&id(2), "")), &[file("screenshot.png", PNG)]).await;
        assert_eq!(
            app.outcomes().await,
            [
                "attachment filtered release-version 12",
                "attachment stored 12",
                "attachment_item filtered release-version 1",
                "attachment_item stored 1",
                "feedback filtered release-version 1",
                "feedback invalid empty_feedback 1",
            ]
        );
        app.run_jobs().await;
    });
}
