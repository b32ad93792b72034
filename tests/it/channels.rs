//! Channels: each is told what members are told, in its vendor's form; the log says what its server answered; its address stays secret.

mod failing;
mod vendors;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use vedette::web::urls;

use crate::harness::fake_hook::{FakeHook, Posted};
use crate::harness::{Mail, Person, Project, TestApp, app_test, error};

/// Every kind of channel, where it posts to, and what its vendor documents.
type Vendor = (&'static str, &'static str, &'static str, fn(&Value));
const VENDORS: [Vendor; 6] = [
    ("slack", "/services/T000/B000/s3cretXy9z", "/services/T000/B000/s3cretXy9z", vendors::slack),
    ("mattermost", "/hooks/s3cretmm01", "/hooks/s3cretmm01", vendors::mattermost),
    ("discord", "/api/webhooks/1/s3cretdc01", "/api/webhooks/1/s3cretdc01", vendors::discord),
    ("teams", "/workflows/s3crettm01/triggers", "/workflows/s3crettm01/triggers", vendors::teams),
    ("ntfy", "/shop-alerts", "/", vendors::ntfy),
    ("webhook", "/own/s3cretwh01", "/own/s3cretwh01", vendors::webhook),
];
/// What means something to one of them.
const HOSTILE: &str =
    "<!channel> @everyone @here <@U1> **b** `c` [x](https://evil.example) <https://evil.example|y> _i_ ~s~ # h\n> q\u{202e}";

async fn add(admin: &Person, kind: &str, label: &str, url: &str) {
    let form = [("kind", kind), ("label", label), ("url", url), ("token", if kind == "ntfy" { "tk_s3cret" } else { "" })];
    let answer = admin.post(&urls::project_channels("shop"), &form).await;
    assert!(matches!(answer.status.as_u16(), 200 | 303), "{}", answer.text());
}

/// The number of the first channel.
async fn first_channel(app: &TestApp) -> i64 {
    sqlx::query_scalar("select channel_id from channels order by channel_id limit 1").fetch_one(app.db()).await.unwrap()
}

/// So many new issues of as many places, numbered from `first` on.
async fn new_issues(app: &TestApp, shop: &Project, first: u32, many: u32) {
    for number in first..first + many {
        let event = error(&format!("Kind{number}")).id(u128::from(number)).release("2.1.0");
        app.sdk(shop).capture(event).await.assert_ok();
    }
    app.digest_all().await;
    app.run_jobs().await;
}

async fn posts(app: &TestApp) -> Vec<Mail> {
    sqlx::query_as("select * from mails where channel_id is not null order by mail_id").fetch_all(app.db()).await.unwrap()
}

fn check(posted: &[Posted]) {
    for post in posted {
        let (kind, .., validate) = VENDORS.into_iter().find(|vendor| vendor.2 == post.path).unwrap();
        assert_eq!(post.header("content-type"), "application/json", "{kind}");
        validate(&post.json());
    }
}

/// The form by its vendor's kind.
fn of(posted: &[Posted], kind: &str) -> Value {
    let path = VENDORS.into_iter().find(|vendor| vendor.0 == kind).unwrap().2;
    posted.iter().find(|post| post.path == path).unwrap().json()
}

#[test]
fn every_vendor_gets_what_it_documents_and_nothing_of_strangers_means_anything() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        for (kind, path, ..) in VENDORS {
            add(&root, kind, "Alerts", &hook.url(path)).await;
        }
        let event = error("Boom").id(1).release("2.1.0").with("environment", json!("production"));
        app.sdk(&shop).capture(event).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let posted = hook.take();
        assert_eq!(posted.len(), VENDORS.len());
        check(&posted);
        for (kind, ..) in VENDORS {
            let body = of(&posted, kind).to_string();
            for part in ["New: Boom: it broke", "SHOP-1", "https://errors.example/issues/", "production", "2.1.0"] {
                assert!(body.contains(part), "{kind} lacks {part}: {body}");
            }
        }
        // What previews show.
        assert_eq!(of(&posted, "slack")["text"], "[shop] New: Boom: it broke");
        assert_eq!(of(&posted, "mattermost")["text"], "`[shop] New: Boom: it broke`");
        assert_eq!(of(&posted, "discord")["content"], "`[shop] New: Boom: it broke`");
        assert_eq!(of(&posted, "teams")["summary"], "[shop] New: Boom: it broke");
        assert_eq!(of(&posted, "ntfy")["title"], "[shop] New: Boom: it broke");
        assert_eq!(posted.iter().find(|post| post.path == "/").unwrap().header("authorization"), "Bearer tk_s3cret");
        app.clock.advance(TimeDelta::hours(1));
        let event =
            error(&HOSTILE.repeat(5)).id(2).release(HOSTILE).with("environment", json!(HOSTILE)).with("transaction", json!(HOSTILE));
        app.sdk(&shop).capture(event.with("culprit", json!(HOSTILE))).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let posted = hook.take();
        assert_eq!(posted.len(), VENDORS.len());
        check(&posted);
    });
}

#[test]
fn a_storm_is_one_message_at_once_and_one_for_the_rest_within_every_vendors_limits() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        for (kind, path, ..) in VENDORS {
            add(&root, kind, "Alerts", &hook.url(path)).await;
        }
        for number in 1..=50 {
            let event = error(&format!("Kind{number}😀{}", HOSTILE.repeat(9))).id(number).release("2.1.0");
            app.sdk(&shop).capture(event).await.assert_ok();
        }
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(hook.take().len(), VENDORS.len(), "the first at once");
        app.clock.advance(TimeDelta::minutes(5));
        app.run_jobs().await;
        let posted = hook.take();
        assert_eq!(posted.len(), VENDORS.len(), "one message for the rest");
        check(&posted);
        for (kind, ..) in VENDORS {
            let body = of(&posted, kind).to_string();
            assert!(body.contains("49 new issues in 2.1.0") && body.contains("SHOP-"), "{kind}: {body}");
        }
        let own = of(&posted, "webhook");
        assert_eq!((own["kind"].as_str(), own["release"].as_str()), (Some("digest"), Some("2.1.0")));
        assert_eq!(own["issues"].as_array().unwrap().len() as i64 + own["more"].as_i64().unwrap(), 49);
        let slack = of(&posted, "slack").to_string();
        assert!(slack.contains(" more\""), "what is left out is counted: {slack}");
        let told: Vec<(String, i64)> = sqlx::query_as("select status, count(*) from alert_decisions where channel_id <> 0 group by 1")
            .fetch_all(app.db())
            .await
            .unwrap();
        assert_eq!(told, [("told".to_owned(), 50 * VENDORS.len() as i64)], "no fact is lost");
    });
}

#[test]
fn a_webhook_of_ones_own_is_signed_and_its_secret_is_shown_once() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        let form = [("kind", "webhook"), ("label", "Pager"), ("url", &*hook.url("/own/s3cretwh01")), ("token", "")];
        let page = root.post(&urls::project_channels("shop"), &form).await.assert_ok();
        let text = page.text();
        let secret = text.split_whitespace().find(|word| word.starts_with("whsec_")).unwrap().to_owned();
        assert!(!root.page(&urls::project_channels("shop")).await.html().contains("whsec_"), "never again");
        new_issues(app, &shop, 1, 1).await;
        let [post] = hook.take().try_into().unwrap();
        let (id, seconds) = (post.header("webhook-id"), post.header("webhook-timestamp"));
        assert_eq!(seconds, app.clock.now().timestamp().to_string());
        assert_eq!(post.json()["id"], id);
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(&post.body);
        assert_eq!(post.header("webhook-signature"), format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())));
    });
}

#[test]
fn addresses_and_secrets_are_nowhere_in_the_database_and_on_no_page() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        let ana = app.member("ana", &shop).await;
        for (kind, path, ..) in VENDORS {
            add(&root, kind, "Alerts", &hook.url(path)).await;
        }
        // A server that repeats what it was asked.
        hook.answer(404, "Cannot POST /services/T000/B000/s3cretXy9z");
        root.post(&urls::channel_do("shop", first_channel(app).await, "test"), &[]).await.assert_redirect(&urls::project_channels("shop"));
        assert_eq!(posts(app).await[0].reason, "404 Not Found: Cannot POST /…/T000/B000/…");
        hook.answer(404, "no such hook");
        new_issues(app, &shop, 1, 1).await;
        let tables: Vec<String> =
            sqlx::query_scalar("select table_name::text from information_schema.tables where table_schema = 'public'")
                .fetch_all(app.db())
                .await
                .unwrap();
        for table in tables {
            let text = format!(
                "select coalesce(string_agg(t::text, ' '), '') from {table} t where t::text like '%http%' or t::text like '%s3cret%' or t::text like '%whsec%'"
            );
            let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_one(app.db()).await.unwrap();
            assert!(!["whsec_", "127.0.0.1:", "s3cret"].iter().any(|secret| rows.contains(secret)), "{table}: {rows}");
        }
        for who in [&ana, &root] {
            let page = who.page(&urls::project_channels("shop")).await;
            assert!(!page.html().contains("whsec_") && page.text().contains("127.0.0.1/…Xy9z"), "{}", page.text());
        }
    });
}

#[test]
fn the_test_button_says_what_the_server_answered() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        let ana = app.member("ana", &shop).await;
        add(&root, "slack", "Alerts", &hook.url("/services/T000/B000/s3cretXy9z")).await;
        let id = first_channel(app).await;
        let (page, test) = (urls::project_channels("shop"), urls::channel_do("shop", id, "test"));
        ana.post(&test, &[]).await.assert_status(403);
        root.post(&test, &[]).await.assert_redirect(&page);
        check(&hook.take());
        root.post(&test, &[]).await.assert_redirect(&page);
        assert!(hook.take().is_empty(), "one at a time");
        app.clock.advance(TimeDelta::seconds(6));
        hook.answer(403, "invalid_token");
        let answer = root.post(&test, &[]).await;
        assert!(answer.header("set-cookie").contains("did+not+take+the+test%3A+403+Forbidden%3A+invalid_token"), "{:?}", answer.headers);
        let log: Vec<(String, String)> = posts(app).await.into_iter().map(|post| (post.status, post.reason)).collect();
        let line = |status: &str, said: &str| (status.to_owned(), said.to_owned());
        assert_eq!(log, [line("sent", "200 OK: ok"), line("failed", "403 Forbidden: invalid_token")]);
        assert_eq!(app.mails().await.iter().filter(|mail| mail.kind == "channel_failed").count(), 0, "whoever pressed it knows");
    });
}

#[test]
fn limits_and_feedback_are_told_there_too_and_twenty_channels_are_the_most() {
    app_test(async |app| {
        let (shop, root, hook) = (app.project("shop").await, app.admin("root").await, FakeHook::start().await);
        for number in 1..=21 {
            add(&root, "webhook", &format!("Number {number}"), &hook.url("/own/s3cretwh01")).await;
        }
        let channels: i64 = sqlx::query_scalar("select count(*) from channels").fetch_one(app.db()).await.unwrap();
        assert_eq!(channels, 20);
        let report = format!(r#"{{"event_id":"{}","comments":"It {HOSTILE}","name":"Eve"}}"#, "1".repeat(32)).replace('\n', "\\n");
        app.sdk(&shop).envelope(crate::harness::events::envelope(&[("user_report", report.as_bytes())])).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let posted = hook.take();
        assert_eq!(posted.len(), 20);
        check(&posted);
        let body = posted[0].json();
        assert_eq!(body["kind"], "feedback");
        assert!(body["notes"][0].as_str().unwrap().starts_with("Eve: It <!channel>"), "{body}");
    });
}
