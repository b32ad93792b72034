//! Every row of the URL table, asked by everybody.

use axum::http::{Method, header};
use chrono::TimeDelta;
use uuid::Uuid;
use vedette::accounts::Access;
use vedette::route_table;
use vedette::web::urls;

use crate::attachments::{file, with_files};
use crate::harness::events::{envelope, event_id};
use crate::harness::{Answer, Person, Project, TestApp, app_test, error};

/// What stands in the variable parts of paths.
pub(crate) struct Places {
    issue: String,
    mail: String,
    key: String,
    attachment: String,
    feedback: String,
    channel: String,
    rule: String,
}

impl Places {
    pub(crate) async fn make(app: &TestApp, project: &Project) -> Self {
        app.sdk(project).envelope(with_files(Some(error("Boom")), 1, &[file("note", "x")])).await.assert_ok();
        let report = format!(r#"{{"event_id":"{}","comments":"It broke."}}"#, event_id(1));
        app.sdk(project).envelope(envelope(&[("user_report", report.as_bytes())])).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let channel = "insert into channels (project_id, kind, label, hint, sealed, created_at) values ($1, 'slack', 'x', 'x', '', now()) returning channel_id";
        let channel: i64 = sqlx::query_scalar(channel).bind(project.id.0).fetch_one(app.db()).await.unwrap();
        let key: i32 = app.key_id(project).await;
        let attachment: Uuid = sqlx::query_scalar("select attachment_id from attachments").fetch_one(app.db()).await.unwrap();
        let feedback: i64 = sqlx::query_scalar("select feedback_id from feedback").fetch_one(app.db()).await.unwrap();
        let rule = "insert into alert_rules (project_id, position, name, definition, changed_at) values ($1, 1, 'All', $2, now()) returning rule_id";
        let says = serde_json::json!({"all": true, "groups": [], "actions": ["everybody"]});
        let rule: i64 = sqlx::query_scalar(rule).bind(project.id.0).bind(says).fetch_one(app.db()).await.unwrap();
        let (issue, mail) = (app.only_issue(project).await.to_string(), app.mails().await[0].id.to_string());
        Self {
            issue,
            mail,
            key: key.to_string(),
            attachment: attachment.simple().to_string(),
            feedback: feedback.to_string(),
            channel: channel.to_string(),
            rule: rule.to_string(),
        }
    }

    pub(crate) fn path(&self, route: &str) -> String {
        let parts = route.split('/').map(|part| match part {
            "{slug}" => "shop".to_owned(),
            "{issue}" => self.issue.clone(),
            "{event}" => event_id(1).simple().to_string(),
            "{attachment}" => self.attachment.clone(),
            "{feedback}" => self.feedback.clone(),
            "{place}" => Uuid::nil().to_string(),
            "{token}" => "0".repeat(64),
            "{id}" if route.starts_with("/mails") => self.mail.clone(),
            "{key}" => self.key.clone(),
            "{channel}" => self.channel.clone(),
            "{rule}" => self.rule.clone(),
            "{id}" | "{user}" | "{letter}" => "1".to_owned(),
            fixed if fixed.starts_with('{') => panic!("what stands in {fixed} of {route}?"),
            fixed => fixed.to_owned(),
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// Fields of all forms: a handler takes those that it knows.
const FORM: [(&str, &str); 6] = [
    ("name", "shop"),
    ("email", "nobody@example.test"),
    ("password", "no password of anybody"),
    ("current", "wrong"),
    ("action", "resolve"),
    ("next", ""),
];

async fn ask(person: &Person, method: &Method, path: &str) -> Answer {
    if *method == Method::GET { person.get(path).await } else { person.post(path, &FORM).await }
}

#[test]
fn every_route_lets_in_whom_it_should_and_tells_others_nothing() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let member = app.member("ana", &shop).await;
        let (stranger, admin, anonymous) = (app.stranger("eve").await, app.admin("root").await, Person::anonymous(app));
        let places = Places::make(app, &shop).await;
        for route in route_table() {
            // Tries of passwords come back with time.
            app.clock.advance(TimeDelta::minutes(10));
            let (path, method) = (places.path(route.path), &route.method);
            let name = format!("{method} {path} ({:?})", route.access);
            let status = async |person: &Person| ask(person, method, &path).await.status.as_u16();
            let fine = |status: u16| matches!(status, 200 | 303 | 422);
            let by_nobody = ask(&anonymous, method, &path).await;
            match route.access {
                Access::Public => {
                    assert!(by_nobody.status.as_u16() < 500, "{name}: {}", by_nobody.status);
                    continue;
                }
                _ if *method == Method::GET => {
                    by_nobody.assert_redirect(&urls::sign_in_then(&path));
                }
                _ => assert_eq!(by_nobody.status, 401, "{name}"),
            }
            let (by_stranger, by_member, by_admin) = (status(&stranger).await, status(&member).await, status(&admin).await);
            match route.access {
                Access::Public => {}
                Access::SignedIn => {
                    let mine = route.path.starts_with("/mails/");
                    assert!(if mine { by_stranger == 404 } else { fine(by_stranger) }, "{name} by a stranger: {by_stranger}");
                    assert!(fine(by_member), "{name} by a member: {by_member}");
                }
                Access::Member => {
                    assert_eq!(by_stranger, 404, "{name} by a stranger");
                    assert!(fine(by_member), "{name} by a member: {by_member}");
                }
                Access::Admin => {
                    assert!(matches!(by_stranger, 403 | 404), "{name} by a stranger: {by_stranger}");
                    assert_eq!(by_member, 403, "{name} by a member");
                }
            }
            assert!(fine(by_admin), "{name} by an administrator: {by_admin}");
        }
    });
}

#[test]
fn what_belongs_to_another_project_is_not_there() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let eve = app.member("eve", &blog).await;
        let root = app.admin("root").await;
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        app.sdk(&blog).capture(error("Boom").id(2)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let (theirs, mine) = (app.only_issue(&shop).await, app.only_issue(&blog).await);
        let foreign_event = event_id(1).simple().to_string();
        // An own issue with a foreign event, an issue that does not exist, numbers that are none.
        for path in [
            urls::event(mine, &foreign_event),
            urls::event_json(mine, &foreign_event),
            urls::event_grouping(mine, &foreign_event),
            urls::issue(mine + 1),
            urls::issue("x"),
            urls::issue(i64::MAX),
            urls::issue(-1),
            urls::project("shop"),
            urls::project_waiting("shop"),
        ] {
            eve.get(&path).await.assert_status(404);
        }
        let bulk = [("action", "resolve"), ("id", &*theirs.to_string()), ("id", &*mine.to_string()), ("back", "/issues")];
        eve.post(&urls::issues_bulk(), &bulk).await;
        let statuses: Vec<String> = sqlx::query_scalar("select status from issues order by project_id").fetch_all(app.db()).await.unwrap();
        assert_eq!(statuses, ["open", "resolved"], "only their own");
        let key = app.key_id(&shop).await;
        root.get(&urls::key("blog", key)).await.assert_status(404);
        for path in [urls::key("blog", key), urls::key_rotate("blog", key)] {
            root.post(&path, &[("domains", "")]).await.assert_status(404);
        }
        root.post(&urls::key_switch("blog", key), &[("to", "off")]).await.assert_status(404);
    });
}

#[test]
fn no_other_site_can_post_anything() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let admin = app.admin("root").await;
        app.member("ana", &shop).await;
        let places = Places::make(app, &shop).await;
        let origins: [&[(&str, &str)]; 4] = [
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
        ];
        for route in route_table().into_iter().filter(|route| route.method == Method::POST) {
            let path = places.path(route.path);
            for from in origins {
                let answer = admin.post_from(&path, &FORM, from).await;
                assert_eq!(answer.status, 403, "{path} from {from:?}");
                assert!(!answer.headers.contains_key(header::SET_COOKIE), "{path}");
            }
        }
        // A proxy may have changed Host: the public address is trusted.
        let from_ours =
            admin.post_from("/projects", &[("name", "blog")], &[("origin", "https://errors.example"), ("host", "10.0.0.7:8000")]);
        from_ours.await.assert_redirect("/projects/blog");
    });
}
