//! What mails carry besides their text: the conversation they belong to, links that act, one click that stops them.

use chrono::TimeDelta;
use vedette::web::urls;

use crate::harness::fake_smtp::Received;
use crate::harness::{Person, Project, TestApp, URL, app_test, app_test_with_smtp, error};

/// A header's value, its lines joined.
fn header(mail: &Received, name: &str) -> String {
    let head = mail.text.split("\n\n").next().unwrap_or_default().replace("\n ", " ");
    let lines: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
    assert!(lines.len() <= 1, "{name} stands there once: {head}");
    lines.first().unwrap_or(&"").to_string()
}

/// The plain text, decoded.
fn plain(mail: &Received) -> String {
    let part = mail.text.split("text/plain").nth(1).and_then(|rest| rest.split_once("\n\n")).map_or("", |(_, body)| body);
    part.replace("=\n", "").replace("=3D", "=")
}

/// The path of the link after these words.
fn link(mail: &Received, words: &str) -> String {
    let text = plain(mail);
    let line = text.lines().find_map(|line| line.strip_prefix(words)).unwrap_or_else(|| panic!("no {words:?} in {text}"));
    line.trim().strip_prefix(URL).unwrap().to_owned()
}

async fn one_mail(app: &TestApp) -> (Project, Person, i64, Received) {
    let shop = app.project("shop").await;
    let ana = app.member("ana", &shop).await;
    app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
    app.digest_all().await;
    app.run_jobs().await;
    let issue = app.only_issue(&shop).await;
    let mail = app.smtp.as_ref().unwrap().mails().remove(0);
    (shop, ana, issue, mail)
}

async fn status(app: &TestApp, issue: i64) -> String {
    sqlx::query_scalar("select status from issues where issue_id = $1").bind(issue).fetch_one(app.db()).await.unwrap()
}

#[test]
fn all_mails_about_an_issue_are_one_conversation_and_have_the_headers_of_a_list() {
    app_test_with_smtp(async |app| {
        let (shop, ana, issue, first) = one_mail(app).await;
        app.clock.advance(TimeDelta::hours(1));
        ana.post(&urls::issue_action(issue, "resolve"), &[]).await.assert_redirect(&urls::issue(issue));
        app.clock.advance(TimeDelta::hours(1));
        app.sdk(&shop).capture(error("Boom").id(2)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let second = app.smtp.as_ref().unwrap().mails().remove(1);
        let root = format!("<issue-{issue}@errors.example>");
        for mail in [&first, &second] {
            assert_eq!((header(mail, "In-Reply-To"), header(mail, "References")), (root.clone(), root.clone()));
            assert_eq!(header(mail, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
            let stop = header(mail, "List-Unsubscribe");
            assert!(stop.starts_with("<https://errors.example/mail-links/stop.") && stop.ends_with('>') && !stop.contains(' '), "{stop}");
            assert!(header(mail, "Message-ID").ends_with("@errors.example>"));
            assert!(header(mail, "Date").starts_with("Tue, 24 Nov 2026 "), "{}", header(mail, "Date"));
        }
        assert_ne!(header(&first, "Message-ID"), header(&second, "Message-ID"));
        let log = app.mails().await;
        assert!(
            log.iter().all(|mail| !mail.text_body.contains("/mail-links/") && !mail.html_body.contains("/mail-links/")),
            "the log has no such link"
        );
    });
}

#[test]
fn event_fields_make_no_headers_and_load_nothing() {
    app_test_with_smtp(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let hostile = "Boom\r\nBcc: eve@example.test\r\nList-Unsubscribe: <https://evil.example>\r\n\r\n<img src=https://evil.example/x.png> exe\u{202e}gpj";
        app.sdk(&shop).capture(error(hostile).id(1).release("1.0\nX-Evil: yes")).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let mail = app.smtp.as_ref().unwrap().mails().remove(0);
        let head = mail.text.split("\n\n").next().unwrap_or_default().to_owned();
        let names: Vec<&str> = head.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(':').next()).collect();
        let ours = [
            "From",
            "To",
            "Date",
            "Subject",
            "Message-ID",
            "In-Reply-To",
            "References",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ];
        assert_eq!(names, ours);
        assert!(header(&mail, "List-Unsubscribe").starts_with("<https://errors.example/mail-links/stop."));
        assert_eq!(mail.to, ["<ana@example.test>"]);
        assert!(plain(&mail).contains("exe[U+202E]gpj"), "nothing turns the text around: {}", plain(&mail));
        let html = &app.mails().await[0].html_body;
        assert!(!html.contains("<img") && !html.contains("src=\"") && !html.contains("url("), "{html}");
    });
}

#[test]
fn a_link_asks_first_and_then_resolves_or_ignores_as_the_person_it_was_made_for() {
    app_test_with_smtp(async |app| {
        let (_, ana, issue, mail) = one_mail(app).await;
        let anonymous = Person::anonymous(app);
        let ignore = link(&mail, "Ignore for a day: ");
        anonymous.page(&ignore).await.assert_reads("Ignore SHOP-1 for a day?");
        assert_eq!(status(app, issue).await, "open", "looking changes nothing");
        anonymous.post(&ignore, &[]).await.assert_ok().assert_reads("SHOP-1 ignored until 25 Nov 2026, 14:33 UTC.");
        ana.page(&urls::issue(issue)).await.assert_reads("ana@example.test ignored it until 25 Nov 2026, 14:33 UTC");
        let resolve = link(&mail, "Resolve: ");
        ana.page(&resolve).await.assert_reads("Resolve SHOP-1?");
        ana.post(&resolve, &[]).await.assert_ok().assert_reads("SHOP-1 resolved.");
        ana.post(&resolve, &[]).await.assert_ok().assert_reads("SHOP-1 was resolved already.");
        assert_eq!(status(app, issue).await, "resolved");
    });
}

#[test]
fn a_link_works_for_nobody_else_not_after_a_week_not_changed_and_not_after_one_left() {
    app_test_with_smtp(async |app| {
        let (shop, ana, issue, mail) = one_mail(app).await;
        let resolve = link(&mail, "Resolve: ");
        let anonymous = Person::anonymous(app);
        let ben = app.member("ben", &shop).await;
        ben.get(&resolve).await.assert_status(403).assert_reads("made for somebody else");
        ben.post(&resolve, &[]).await.assert_status(403);
        for changed in
            [resolve.replace("resolve.", "ignore."), format!("{resolve}x"), resolve.replace(&issue.to_string(), &(issue + 1).to_string())]
        {
            anonymous.get(&changed).await.assert_status(404);
            anonymous.post(&changed, &[]).await.assert_status(404);
        }
        // From a page of somebody else's.
        let evil = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        assert_eq!(ana.post_from(&resolve, &[], &evil).await.status, 403);
        app.clock.advance(TimeDelta::days(7));
        anonymous.post(&resolve, &[]).await.assert_status(410).assert_reads("This link is too old to act");
        assert_eq!(status(app, issue).await, "open");

        app.clock.advance(TimeDelta::hours(1));
        app.sdk(&shop).capture(error("Other").id(5)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let mails = app.smtp.as_ref().unwrap().mails();
        let mine = mails.iter().skip(1).find(|mail| mail.to == ["<ana@example.test>"]).unwrap();
        let resolve = link(mine, "Resolve: ");
        sqlx::query("delete from project_members where user_id = $1").bind(ana.id.0).execute(app.db()).await.unwrap();
        anonymous.post(&resolve, &[]).await.assert_status(403).assert_reads("not told of this project any more");
    });
}

#[test]
fn one_click_stops_what_the_mail_was_about_for_that_person_and_project() {
    app_test_with_smtp(async |app| {
        let (shop, ana, _, mail) = one_mail(app).await;
        let blog = app.project("blog").await;
        for person in [("ben", &shop), ("cleo", &blog)] {
            app.member(person.0, person.1).await;
        }
        let stop = header(&mail, "List-Unsubscribe");
        let stop = stop.trim_matches(['<', '>']).strip_prefix(URL).unwrap();
        let anonymous = Person::anonymous(app);
        anonymous.page(stop).await.assert_reads("No more mails about new issues of shop?");
        // As mail providers post: no session, no origin.
        anonymous.post_from(stop, &[("List-Unsubscribe", "One-Click")], &[]).await.assert_ok();
        anonymous.post_from(stop, &[("List-Unsubscribe", "One-Click")], &[]).await.assert_ok();
        app.clock.advance(TimeDelta::hours(1));
        app.sdk(&shop).capture(error("Other").id(2)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let to: Vec<String> = app.smtp.as_ref().unwrap().mails().into_iter().skip(1).flat_map(|mail| mail.to).collect();
        assert_eq!(to, ["<ben@example.test>"]);
        ana.page(&urls::account_told()).await.assert_reads("You switched this off: new issues.");
        // What it was not about still comes.
        ana.post(&urls::issue_action(app.issues(&shop).await[0], "resolve"), &[]).await;
        app.clock.advance(TimeDelta::hours(1));
        app.sdk(&shop).capture(error("Boom").id(3)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let mut to: Vec<String> = app.smtp.as_ref().unwrap().mails().into_iter().skip(2).flat_map(|mail| mail.to).collect();
        to.sort();
        assert_eq!(to, ["<ana@example.test>", "<ben@example.test>"]);
    });
}

#[test]
fn processes_share_the_key_of_links() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let other = app.another_server();
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let key = async || -> Vec<Vec<u8>> { sqlx::query_scalar("select key from server_keys").fetch_all(app.db()).await.unwrap() };
        let before = key().await;
        assert_eq!((before.len(), before[0].len()), (1, 32));
        drop(other);
        app.clock.advance(TimeDelta::hours(1));
        app.sdk(&shop).capture(error("Other").id(2)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(key().await, before);
    });
}
