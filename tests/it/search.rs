//! The search of the issue list: what finds what, and what is said when it makes no sense.

use chrono::TimeDelta;
use serde_json::json;
use vedette::web::urls::{self, IssueQuery};

use crate::harness::{Person, Project, TestApp, app_test, error};

/// The short ids that a search finds, the newest first.
async fn found(person: &Person, q: &str) -> String {
    let page = person.page(&IssueQuery { q: q.to_owned(), ..IssueQuery::default() }.url()).await;
    assert!(!page.html().contains("data-test=\"mistake\""), "{q}: {}", page.html());
    let select = page.html().split("aria-label=\"Select ").skip(1).filter_map(|rest| rest.split('"').next());
    select.filter(|id| id.starts_with("SHOP-")).collect::<Vec<_>>().join(" ")
}

async fn finds(person: &Person, cases: &[(&str, &str)]) {
    for (q, expected) in cases {
        assert_eq!(found(person, q).await, *expected, "{q}");
    }
}

/// SHOP-1 to SHOP-3, a minute apart, with what searches look at.
async fn three(app: &TestApp) -> (Project, Person) {
    let shop = app.project("shop").await;
    let ana = app.member("ana", &shop).await;
    let frame = |function: &str, file: &str| json!({"frames": [{"function": function, "filename": file, "in_app": true, "lineno": 1}]});
    let exception = |kind: &str, value: &str, stack| json!({"values": [{"type": kind, "value": value, "stacktrace": stack}]});
    let events = [
        error("x")
            .with("exception", exception("PaymentError", "card declined", frame("charge", "pay.py")))
            .with("user", json!({"id": "7", "email": "mira@example.org"}))
            .with("environment", "production".into())
            .with("transaction", "/checkout".into())
            .tag("plan", "free")
            .release("1.4.1"),
        error("x")
            .with("exception", exception("KeyError", "'basket'", frame("show", "std::io")))
            .with("level", "fatal".into())
            .with("environment", "staging".into())
            .tag("plan", "Big Business")
            .release("1.4.2"),
        error("x").with("exception", exception("Warned", "100% sure_", frame("main()", "C:\\app.py"))).with("level", "warning".into()),
    ];
    for event in events {
        app.sdk(&shop).capture(event).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        app.clock.advance(TimeDelta::minutes(1));
    }
    (shop, ana)
}

#[test]
fn words_find_titles_exceptions_files_functions_and_transactions() {
    app_test(async |app| {
        let (_, ana) = three(app).await;
        finds(
            &ana,
            &[
                ("", "SHOP-3 SHOP-2 SHOP-1"),
                ("declined", "SHOP-1"),
                ("\"card declined\"", "SHOP-1"),
                ("\"declined card\"", ""),
                ("declined card", "SHOP-1"),
                ("CHARGE", "SHOP-1"),
                ("pay.py", "SHOP-1"),
                ("/checkout", "SHOP-1"),
                ("std::io", "SHOP-2"),
                ("100%", "SHOP-3"),
                ("sure_", "SHOP-3"),
                ("su_e", ""),
                ("C:\\app", "SHOP-3"),
                ("main()", "SHOP-3"),
                ("pay*error", "SHOP-1"),
                ("!declined", "SHOP-3 SHOP-2"),
                ("nothing", ""),
            ],
        )
        .await;
    });
}

#[test]
fn tags_users_and_columns_find_their_issues() {
    app_test(async |app| {
        let (_, ana) = three(app).await;
        finds(
            &ana,
            &[
                ("plan:free", "SHOP-1"),
                ("plan:\"Big Business\"", "SHOP-2"),
                ("!plan:free", "SHOP-3 SHOP-2"),
                ("has:plan", "SHOP-2 SHOP-1"),
                ("!has:plan", "SHOP-3"),
                ("user.email:mira@example.org", "SHOP-1"),
                ("user.id:7", "SHOP-1"),
                ("user.id:8", ""),
                ("level:fatal", "SHOP-2"),
                ("level:fatal OR plan:free", "SHOP-2 SHOP-1"),
                ("level:fatal plan:free", ""),
                ("(level:fatal OR level:warning) !std::io", "SHOP-3"),
                ("environment:production", "SHOP-1"),
                ("environment:*ing", "SHOP-2"),
                ("release:1.4.1", "SHOP-1"),
                ("release:1.4.*", "SHOP-2 SHOP-1"),
                ("title:basket", "SHOP-2"),
                ("times-seen:>1", ""),
                ("times-seen:1", "SHOP-3 SHOP-2 SHOP-1"),
                ("users:1", "SHOP-1"),
                ("first-seen:-2m", "SHOP-3 SHOP-2"),
                ("last-seen:+2m", "SHOP-1"),
                ("is:new", "SHOP-3 SHOP-2 SHOP-1"),
                ("is:regressed", ""),
                ("is:spiking", ""),
                ("is:resolved", ""),
            ],
        )
        .await;
    });
}

#[test]
fn ids_lead_straight_to_their_issue_and_event() {
    app_test(async |app| {
        let (shop, ana) = three(app).await;
        let stranger = app.stranger("ben").await;
        let (issue, event): (i64, uuid::Uuid) =
            sqlx::query_as("select issue_id, event_id from events order by received limit 1").fetch_one(app.db()).await.unwrap();
        let list = |q: String| IssueQuery { q, ..IssueQuery::default() }.url();
        for q in [event.simple().to_string(), event.to_string()] {
            ana.get(&list(q.clone())).await.assert_redirect(&urls::event(issue, event.simple()));
            stranger.get(&list(q)).await.assert_status(200);
        }
        ana.get(&list("shop-1".to_owned())).await.assert_redirect(&urls::issue(app.issues(&shop).await[0]));
    });
}

#[test]
fn what_makes_no_sense_is_pointed_at() {
    app_test(async |app| {
        let (_, ana) = three(app).await;
        let page = ana.page(&IssueQuery { q: "boom times-seen:>many".to_owned(), ..IssueQuery::default() }.url()).await;
        assert!(
            page.html().contains("boom times-seen:<mark>&gt;many</mark>") || page.html().contains("<mark>&#62;many</mark>"),
            "{}",
            page.html()
        );
        page.assert_reads("“many” is no number");
    });
}

#[test]
fn an_issue_is_found_by_what_was_merged_into_it() {
    app_test(async |app| {
        let (shop, ana) = three(app).await;
        let issues = app.issues(&shop).await;
        ana.post(&urls::issue_action(issues[2], "merge"), &[("with", "SHOP-1")]).await.assert_status(303);
        crate::regroup::work(app).await;
        let into = found(&ana, "plan:free").await;
        assert!(!into.is_empty() && found(&ana, "charge").await == into, "{into}");
        assert_eq!(found(&ana, "user.email:mira@example.org").await, into);
    });
}
