//! The delivery log is looked through by project, recipient, state and issue, and shows nobody what is not theirs.

use chrono::TimeDelta;
use vedette::web::urls::{self, MailQuery};

use crate::harness::{Person, TestApp, app_test, error};

/// What is found, as recipient, subject and state, sorted.
async fn found(app: &TestApp, by: &Person, query: &MailQuery) -> Vec<String> {
    let page = by.page(&query.url()).await;
    let all = app.mails().await;
    let mut found: Vec<String> = all
        .iter()
        .filter(|mail| page.html().contains(&format!("href=\"{}\"", urls::mail(mail.id))))
        .map(|mail| format!("{} {}", mail.recipient.split('@').next().unwrap(), mail.subject))
        .collect();
    assert_eq!(page.html().matches("data-test=\"mail\"").count(), found.len());
    found.sort();
    found
}

fn query(set: impl FnOnce(&mut MailQuery)) -> MailQuery {
    let mut query = MailQuery::default();
    set(&mut query);
    query
}

#[test]
fn the_log_is_found_through_by_project_recipient_state_and_issue() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let (ana, ben) = (app.member("ana", &shop).await, app.member("ben", &shop).await);
        let cleo = app.member("cleo", &blog).await;
        for (project, kind) in [(&shop, "Boom"), (&blog, "Crash")] {
            app.sdk(project).capture(error(kind)).await.assert_ok();
        }
        app.digest_all().await;
        app.run_jobs().await;
        let [boom] = app.issues(&shop).await[..] else { panic!("issues") };
        ana.post(&urls::issue_action(boom, "ignore"), &[]).await.assert_status(303);
        let (of_ana, of_ben) = ("ana [shop] New: Boom: it broke", "ben [shop] New: Boom: it broke");
        for (asked, answer) in [
            (query(|_| ()), vec![of_ana, of_ben]),
            (query(|q| q.project = "shop".to_owned()), vec![of_ana, of_ben]),
            (query(|q| q.project = "blog".to_owned()), vec![]),
            (query(|q| q.to = " BEN@example ".to_owned()), vec![of_ben]),
            (query(|q| q.to = "%".to_owned()), vec![]),
            (query(|q| q.state = "kept".to_owned()), vec![of_ana, of_ben]),
            (query(|q| q.state = "failed".to_owned()), vec![]),
            (query(|q| q.issue = "shop-1".to_owned()), vec![of_ana, of_ben]),
            (query(|q| q.issue = boom.to_string()), vec![of_ana, of_ben]),
            (query(|q| q.issue = "SHOP-2".to_owned()), vec![]),
            (query(|q| q.issue = "BLOG-1".to_owned()), vec![]),
            (query(|q| q.issue = "99999999999-'".to_owned()), vec![]),
            (query(|q| (q.to, q.issue) = ("ana".to_owned(), "SHOP-1".to_owned())), vec![of_ana]),
        ] {
            assert_eq!(found(app, &ana, &asked).await, answer, "{asked:?}");
        }
        ana.page(&query(|q| q.state = "failed".to_owned()).url()).await.assert_reads("No such mail");
        assert_eq!(found(app, &cleo, &query(|q| q.to = "a".to_owned())).await, ["cleo [blog] New: Crash: it broke"]);
        // From the issue, and from one's own account.
        assert!(ben.page(&urls::issue_told(boom)).await.html().contains("/mails?issue=SHOP-1"));
        assert!(ben.page(&urls::account_told()).await.html().contains("/mails?to=ben%40example.test"));
    });
}

#[test]
fn what_is_looked_for_goes_along_to_the_next_page() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        app.member("ben", &shop).await;
        for number in 0..55 {
            app.sdk(&shop).capture(error(&format!("Kind{number}"))).await.assert_ok();
            app.digest_all().await;
            app.run_jobs().await;
            app.clock.advance(TimeDelta::hours(1));
        }
        let mine = query(|q| q.to = "ana".to_owned());
        let first = ana.page(&mine.url()).await;
        assert_eq!(first.html().matches("data-test=\"mail\"").count(), 50);
        let (_, next) = first.html().split_once("/mails?to=ana&#38;after=").expect("a next page");
        let next = mine.after(next.split('"').next().unwrap());
        assert_eq!(found(app, &ana, &next).await.len(), 5);
        assert!(ana.page(&next.url()).await.html().contains("href=\"/mails?to=ana\""), "and back to the newest");
        let hostile = query(|q| (q.to, q.issue) = ("\"><script>alert(1)</script>".to_owned(), "x".repeat(5_000)));
        let page = ana.page(&hostile.url()).await;
        assert!(!page.html().contains("<script>alert") && !page.html().contains(&"x".repeat(300)), "{}", page.html());
    });
}

/// The lines of a page of what was told, and where the older ones are.
async fn told(by: &Person, path: &str) -> (usize, Option<String>) {
    let page = by.page(path).await;
    let older = page.html().split("rel=\"next\"").next().filter(|before| before.len() < page.html().len());
    let href = older.and_then(|before| before.rsplit("href=\"").next()).and_then(|rest| rest.split('"').next());
    (page.html().matches("data-test=\"told\"").count(), href.map(str::to_owned))
}

#[test]
fn what_somebody_was_told_goes_on_beyond_a_page() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let ana = app.member("ana", &shop).await;
        for bug in 0..203 {
            app.sdk(&shop).capture(error(&format!("Bug{bug}"))).await.assert_ok();
        }
        app.digest_all().await;
        app.run_jobs().await;
        let (lines, older) = told(&ana, &urls::account_told()).await;
        assert_eq!(lines, 200);
        let (lines, end) = told(&ana, &older.expect("there are more")).await;
        assert_eq!((lines, end), (3, None), "each stands on one page");
        assert_eq!(told(&ana, &urls::after(&urls::account_told(), "nonsense")).await.0, 200, "a cursor of nobody begins anew");
        let issue = app.issues(&shop).await[0];
        assert_eq!(told(&ana, &urls::after(&urls::issue_told(issue), "1.0.0")).await.0, 0);
        assert_eq!(told(&ana, &urls::issue_told(issue)).await, (1, None));
    });
}
