//! The issue page's company: texts to hand on, the list of events, comments, links to source and to other issues.

use chrono::TimeDelta;
use serde_json::json;
use vedette::accounts::IssueId;
use vedette::web::page::HOSTILE;
use vedette::web::urls;

use crate::harness::events::{Event, event_id};
use crate::harness::markup::{assert_page, read};
use crate::harness::{Person, Project, TestApp, app_test, error};

async fn capture(app: &TestApp, project: &Project, events: Vec<Event>) -> IssueId {
    for event in events {
        app.sdk(project).capture(event).await.assert_ok();
        app.clock.advance(TimeDelta::seconds(1));
    }
    app.digest_all().await;
    app.run_jobs().await;
    IssueId(app.only_issue(project).await)
}

fn full(number: u128) -> Event {
    error("Boom")
        .id(number)
        .release("1.4.2")
        .with("environment", json!("prod"))
        .with("user", json!({"id": "7", "email": "mira@example.org", "ip_address": "203.0.113.9"}))
        .with("request", json!({"method": "POST", "url": "https://shop.example/pay", "query_string": "step=2", "headers": {"X-Shop": "it's", "Authorization": "Bearer abc"}}))
        .with("breadcrumbs", json!([{"category": "cart", "message": "3 items", "timestamp": 1_795_530_650}]))
        .tag("browser", "Chrome 131")
}

#[test]
fn an_issue_and_its_events_are_there_as_markdown_and_json() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let issue = capture(app, &shop, vec![full(1), full(2).tag("fence", "```\n# Do as I say\n````")]).await;
        let page = ana.page(&urls::issue(issue)).await;
        assert!(page.html().contains(&urls::event_markdown(issue, event_id(2).simple())), "a link for those without scripts");
        for path in [urls::issue_markdown(issue), urls::event_markdown(issue, "latest"), urls::event_markdown(issue, event_id(2).simple())]
        {
            let answer = ana.page(&path).await;
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
            let text = answer.text();
            for part in [
                "# `SHOP-1`: `Boom: it broke`",
                "- Seen: 2 events of 1 user",
                "- Link: https://errors.example/issues/",
                "- Release: `1.4.2`",
                "shop.py in pay, line 42",
                "charge(card)",
                "[cart] 3 items",
                "`POST https://shop.example/pay?step=2`",
                "- `browser`: `Chrome 131`",
                "- `email`: `mira@example.org`",
            ] {
                assert!(text.contains(part), "{path}: {part}\n{text}");
            }
            assert!(!text.contains("203.0.113.9") && !text.contains("Bearer abc"), "{text}");
            assert!(!text.lines().any(|line| line.starts_with("# Do")), "{text}");
        }
        let known = ana.page(&urls::issue_json(issue)).await.json();
        assert_eq!((&known["short_id"], &known["events"], &known["users"]), (&json!("SHOP-1"), &json!(2), &json!(1)));
        assert_eq!(known["tags"]["browser"], json!({"events": 2, "values": [{"value": "Chrome 131", "events": 2}]}));
        let latest = known["latest_event_url"].as_str().unwrap().replace("https://errors.example", "");
        assert_eq!(ana.page(&latest).await.json()["event_id"], json!(event_id(2).simple().to_string()));
        ana.get(&urls::event_markdown(issue, event_id(9).simple())).await.assert_status(404);
    });
}

#[test]
fn a_request_stands_there_as_a_command_with_filtered_headers_as_they_are() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let issue = capture(app, &shop, vec![full(1)]).await;
        let page = ana.page(&urls::issue(issue)).await;
        page.assert_reads("curl -X 'POST' 'https://shop.example/pay?step=2'");
        page.assert_reads("-H 'Authorization: [Filtered]'");
        page.assert_reads(r"-H 'X-Shop: it'\''s'");
    });
}

/// Ids of the events on a page, and the address of the next one.
async fn listed(person: &Person, path: &str) -> (Vec<String>, Option<String>) {
    let page = person.page(path).await;
    assert_page(page.html(), path);
    let tags = read(page.html()).unwrap();
    let ids = tags.iter().filter(|tag| tag.name == "a" && tag.get("class") == Some("link mono")).filter_map(|tag| tag.get("title"));
    let next = tags.iter().find(|tag| tag.get("rel") == Some("next")).and_then(|tag| tag.get("href"));
    (ids.map(str::to_owned).collect(), next.map(|href| href.replace("&amp;", "&")))
}

#[test]
fn all_events_are_listed_once_newest_first_over_days() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        capture(app, &shop, (1..=40).map(full).collect()).await;
        app.clock.advance(TimeDelta::days(1));
        let issue = capture(app, &shop, (41..=80).map(full).collect()).await;
        assert!(ana.page(&urls::issue(issue)).await.html().contains(&urls::issue_events(issue)));
        let (mut found, mut next) = listed(&ana, &urls::issue_events(issue)).await;
        assert_eq!(found.len(), 50);
        while let Some(path) = next {
            let (more, after) = listed(&ana, &path).await;
            found.extend(more);
            next = after;
        }
        let all: Vec<_> = (1..=80).rev().map(|number| event_id(number).simple().to_string()).collect();
        assert_eq!(found, all);
        let page = ana.page(&urls::issue_events(issue)).await;
        for text in ["1.4.2", "prod", "mira@example.org", "Boom: it broke"] {
            page.assert_reads(text);
        }
        assert_eq!(listed(&ana, &urls::after(&urls::issue_events(issue), "nonsense")).await.0.len(), 50, "a cursor of nobody begins anew");
        let csv = ana.page(&urls::issue_csv(issue)).await.html().to_owned();
        assert_eq!(csv.lines().count(), 81);
        assert!(
            csv.lines().nth(1).unwrap().contains(&format!("\"{}\",\"1.4.2\",\"prod\",\"mira@example.org\",\"Boom: it broke\"", all[0])),
            "{csv}"
        );
    });
}

#[test]
fn what_clients_send_is_no_formula_and_no_markup_in_lists() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        let evil = full(1).with("user", json!({"id": "=HYPERLINK(\"https://evil.example\")"})).with("environment", json!("-1+1"));
        let hostile = full(2).with("user", json!({"username": HOSTILE})).tag("key", HOSTILE);
        let issue = capture(app, &shop, vec![evil, hostile]).await;
        for path in [urls::issue(issue), urls::issue_events(issue)] {
            assert_page(ana.page(&path).await.html(), &path);
        }
        let answer = ana.page(&urls::issue_csv(issue)).await;
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        assert!(answer.header("content-disposition").starts_with("attachment"));
        let csv = answer.text();
        assert!(csv.contains("\"'-1+1\",\"'=HYPERLINK(\"\"https://evil.example\"\")\""), "{csv}");
    });
}

#[test]
fn members_comment_and_delete_what_they_said() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, ben) = (app.member("ana", &shop).await, app.member("ben", &shop).await);
        let issue = capture(app, &shop, vec![full(1)]).await;
        let comments = urls::issue_comments(issue);
        let there = format!("{}#activity", urls::issue(issue));
        ana.post(&comments, &[("text", "Since the deploy.\r\n**See** https://wiki.example <b>x</b>")]).await.assert_redirect(&there);
        let page = ana.page(&urls::issue(issue)).await;
        page.assert_reads("ana@example.test");
        page.assert_reads("**See** https://wiki.example <b>x</b>");
        assert!(!page.html().contains("href=\"https://wiki.example"), "text is only text");
        for (text, why) in
            [("  \r\n ".to_owned(), "A comment needs some words."), ("x".repeat(4_001), "up to 4,000 characters; this has 4,001")]
        {
            let answer = ana.post(&comments, &[("text", &text)]).await.assert_status(422);
            answer.assert_reads(why);
            assert!(answer.html().contains(&text[..text.trim().len()]), "what was written is not lost");
            assert_page(answer.html(), why);
        }
        ben.post(&comments, &[("text", HOSTILE)]).await.assert_redirect(&there);
        let id = "select activity_id from issue_activity where kind = 'commented' order by activity_id limit 1";
        let first: i64 = sqlx::query_scalar(id).fetch_one(app.db()).await.unwrap();
        let delete = urls::comment_delete(issue, first);
        let bens = ben.page(&urls::issue(issue)).await;
        assert_page(bens.html(), "a hostile comment");
        assert!(!bens.html().contains(&delete), "somebody else's");
        ben.post(&delete, &[]).await.assert_redirect(&there);
        ana.page(&urls::issue(issue)).await.assert_reads("Since the deploy.");
        ana.post(&delete, &[]).await.assert_redirect(&there);
        let page = ana.page(&urls::issue(issue)).await;
        assert!(!page.text().contains("Since the deploy."));
        let left = "select count(*) from issue_activity where kind = 'commented'";
        assert_eq!(sqlx::query_scalar::<_, i64>(left).fetch_one(app.db()).await.unwrap(), 1);
    });
}

#[test]
fn frames_and_tag_values_lead_on() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        let issue = capture(app, &shop, vec![full(1)]).await;
        let page = ana.page(&urls::issue(issue)).await;
        assert!(!page.html().contains(">source</a>"), "nobody said where source is");
        assert!(page.html().contains("q=browser%3A%22Chrome%20131%22"), "a tag's value leads to the issues with it");
        let template = "https://git.example/shop/blob/{release}/{path}#L{line}";
        ana.post(&urls::project_source("shop"), &[("template", template)]).await.assert_status(403);
        let answer = root.post(&urls::project_source("shop"), &[("template", "javascript:alert('{path}')")]).await.assert_status(422);
        answer.assert_reads("It must begin with https:// or http://.");
        assert_page(answer.html(), "a wrong template");
        root.post(&urls::project_source("shop"), &[("template", template), ("cut", "/srv/")])
            .await
            .assert_redirect(&urls::project_settings("shop"));
        root.page(&urls::project_settings("shop")).await.assert_reads("Source links");
        let page = ana.page(&urls::issue(issue)).await;
        let tags = read(page.html()).unwrap();
        let link = tags.iter().find(|tag| tag.get("href") == Some("https://git.example/shop/blob/1.4.2/shop.py#L42")).expect("a link");
        assert_eq!(link.get("rel"), Some("noreferrer noopener nofollow"));
    });
}
