//! The dashboard below a path of its host: `https://errors.example/vedette`.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, header};
use regex::Regex;
use vedette::alerts;
use vedette::platform::outbox::{self, Handlers};
use vedette::web::urls;

use crate::harness::http::{Answer, send};
use crate::harness::{PASSWORD, Server, app_test, error};

const PREFIX: &str = "/vedette";

/// A browser that only knows what the server tells it.
struct Browser {
    server: Server,
    cookie: String,
}

impl Browser {
    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, &self.cookie).header(header::HOST, "errors.example");
        send(&self.server.router, request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)], referer: &str) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::HOST, "errors.example")
            .header(header::ORIGIN, "https://errors.example")
            .header(header::REFERER, referer)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        send(&self.server.router, request.body(Body::from(body)).unwrap()).await
    }
}

/// The addresses on a page that lead to its own host.
fn addresses(page: &Answer) -> BTreeSet<String> {
    let attribute = Regex::new(r#"(?:href|src|action|formaction|data-[a-z]+)="(/[^"]*)""#).unwrap();
    let found = attribute.captures_iter(page.html()).map(|found| found[1].replace("&#38;", "&").replace("&amp;", "&"));
    found.filter(|address| !address.starts_with("//")).collect()
}

#[test]
fn every_address_begins_with_the_path_and_is_answered_with_and_without_it() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        sqlx::query("update users set is_admin = true").execute(app.db()).await.unwrap();
        let server = app.server_at("https://errors.example/vedette");
        let mut browser = Browser { server: server.clone(), cookie: String::new() };

        // Signing in leads to where one wanted to go.
        let away = browser.get("/vedette/projects?x=1").await.assert_status(303);
        let sign_in = away.header(header::LOCATION).to_owned();
        assert!(sign_in.starts_with("/vedette/sign-in?next="), "{sign_in}");
        let form = browser.get(&sign_in).await.assert_ok();
        assert!(addresses(&form).contains("/vedette/sign-in"));
        let next = form.html().split("name=\"next\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let fields = [("email", "ana@example.test"), ("password", PASSWORD), ("next", next.as_str())];
        let signed = browser.post("/vedette/sign-in", &fields, "https://errors.example/vedette/sign-in").await;
        let cookie = signed.header(header::SET_COOKIE).to_owned();
        assert!(cookie.starts_with("__Secure-vedette=") && cookie.contains("; Path=/vedette;"), "{cookie}");
        signed.assert_redirect("/vedette/projects?x=1");
        browser.cookie = cookie.split(';').next().unwrap().to_owned();

        // Events come in by the DSN that the page shows, whether the proxy leaves the path on or takes it off.
        let page = browser.get("/vedette/projects/shop").await.assert_ok();
        page.assert_reads(&format!("https://{}@errors.example/vedette/{}", shop.key, shop.dsn_id));
        for (number, path) in [(1, "/vedette/api"), (2, "/api")] {
            let uri = format!("{path}/{}/envelope/?sentry_key={}", shop.dsn_id, shop.key);
            let request = Request::post(uri).body(Body::from(error("Boom").id(number).envelope())).unwrap();
            send(&server.router, request).await.assert_ok();
        }
        app.expected.add(2);
        server.digest_all().await;
        outbox::run_due(&server.app, &alerts::handlers(Handlers::default())).await.unwrap();
        let issue = app.only_issue(&shop).await;
        let mail = &app.mails().await[0];
        let href = format!("https://errors.example{PREFIX}{}", urls::issue(issue));
        assert!(mail.text_body.contains(&href) && mail.html_body.contains(&href), "{}", mail.text_body);

        // Everything that can be reached from the front page.
        let (mut open, mut seen) = (vec!["/vedette/".to_owned()], BTreeSet::new());
        while let Some(path) = open.pop() {
            if !seen.insert(path.clone()) || seen.len() > 150 {
                continue;
            }
            let page = browser.get(&path).await;
            let stripped = browser.get(path.strip_prefix(PREFIX).unwrap()).await;
            // What is only posted to says so.
            assert!(page.status.is_success() || [303, 308, 405].contains(&page.status.as_u16()), "{path}: {}", page.status);
            assert_eq!((page.status, page.header(header::LOCATION)), (stripped.status, stripped.header(header::LOCATION)), "{path}");
            if page.status.is_redirection() {
                open.push(page.header(header::LOCATION).to_owned());
            }
            if page.header(header::CONTENT_TYPE).starts_with("text/html") {
                assert_eq!(addresses(&page), addresses(&stripped), "{path}");
                open.extend(addresses(&page).into_iter().map(|address| address.split('#').next().unwrap().to_owned()));
            }
            for address in &open {
                assert!(address.starts_with("/vedette/"), "{address} on {path}");
            }
        }
        assert!(seen.len() > 40, "{seen:?}");
        for reached in [urls::issue(issue), urls::mails(), urls::project_filters("shop"), urls::dead_letters(), urls::account()] {
            assert!(seen.contains(&format!("{PREFIX}{reached}")), "{reached}");
        }
        assert!(seen.iter().any(|path| path.ends_with("app.css")));

        // What is done leads back to the list it was done on, and says so there.
        let issue_text = issue.to_string();
        let form = [("action", "ignore"), ("id", issue_text.as_str()), ("back", "/vedette/issues?project=shop")];
        let done = browser.post("/vedette/issues/bulk", &form, "https://errors.example/vedette/issues").await;
        assert!(done.header(header::SET_COOKIE).contains("; Path=/vedette;"));
        done.assert_redirect("/vedette/issues?project=shop");
        let ended = Browser { server: server.clone(), cookie: String::new() };
        let told = ended.post("/vedette/issues/bulk", &form, "https://errors.example/vedette/issues?project=shop").await.assert_status(401);
        assert!(told.html().contains("/vedette/sign-in?next=%2Fvedette%2Fissues%3Fproject%3Dshop"), "{}", told.html());
    });
}
