//! Issues merged, split and regrouped by rules, with all that was counted, and undone.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::Row as _;
use uuid::Uuid;
use vedette::accounts::IssueId;
use vedette::issues::regroup::{self, Act, Refused};
use vedette::web::urls;

use crate::harness::events::event_id;
use crate::harness::http::Answer;
use crate::harness::{Project, TestApp, app_test, error};

/// Works until no correction has work left; how many batches.
pub(crate) async fn work(app: &TestApp) {
    let ids: Vec<i64> = sqlx::query_scalar("select regrouping_id from regroupings order by 1").fetch_all(app.db()).await.unwrap();
    for id in ids {
        regroup::run_to_end(app.db(), &app.app.clock, id, |_| {}).await.unwrap();
    }
}

pub(crate) fn act(app: &TestApp) -> Act {
    Act { by: None, now: app.app.clock.now() }
}

pub(crate) async fn merge(app: &TestApp, into: i64, from: &[i64]) -> i64 {
    let mut tx = app.db().begin().await.unwrap();
    let from: Vec<IssueId> = from.iter().copied().map(IssueId).collect();
    let id = regroup::merge(&mut tx, IssueId(into), &from, act(app)).await.unwrap();
    tx.commit().await.unwrap();
    work(app).await;
    id
}

pub(crate) async fn undo(app: &TestApp, project: &Project, id: i64) {
    let mut tx = app.db().begin().await.unwrap();
    regroup::undo(&mut tx, project.id, id, act(app)).await.unwrap();
    tx.commit().await.unwrap();
    work(app).await;
}

/// Title, status, events, users, first and last release, tag `plan`, events stored, hours, minutes: of every issue that holds anything.
pub(crate) async fn told(app: &TestApp) -> Vec<String> {
    let sql = "select i.issue_id & 4294967295 as number, title, status, event_count, user_count, first_release, last_release,
        (select count(*) from events e where e.project_id = i.project_id and e.issue_id = i.issue_id) as stored,
        (select coalesce(sum(events), 0)::bigint from issue_hours h where h.project_id = i.project_id and h.issue_id = i.issue_id) as hours,
        (select coalesce(sum(events), 0)::bigint from issue_minutes h where h.project_id = i.project_id and h.issue_id = i.issue_id) as minutes,
        (select packed from issue_tags t where t.project_id = i.project_id and t.issue_id = i.issue_id and t.key = 'plan') as plan,
        first_seen, last_seen
        from issues i order by i.issue_id";
    let rows = sqlx::query(sql).fetch_all(app.db()).await.unwrap();
    let line = |row: &sqlx::postgres::PgRow| {
        let number = |name: &str| row.get::<i64, _>(name);
        let text = |name: &str| row.get::<String, _>(name);
        let plan = row.get::<Option<Vec<u8>>, _>("plan").map(|packed| vedette::events::tag_stats::TagValues::decode(&packed));
        let mut plan = plan.map(|plan| plan.values).unwrap_or_default();
        plan.sort();
        let plan = plan.iter().map(|(value, n)| format!("{value}:{n}")).collect::<Vec<_>>().join(",");
        let minute = |name: &str| (row.get::<chrono::DateTime<chrono::Utc>, _>(name) - crate::harness::start()).num_minutes();
        format!(
            "{} {} {} {}e {}u {}-{} {}/{}/{} {plan} {}..{}",
            number("number"),
            text("title"),
            text("status"),
            number("event_count"),
            number("user_count"),
            text("first_release"),
            text("last_release"),
            number("stored"),
            number("hours"),
            number("minutes"),
            minute("first_seen"),
            minute("last_seen")
        )
    };
    rows.iter().map(line).collect()
}

pub(crate) async fn issue_of(app: &TestApp, number: u128) -> i64 {
    let of = sqlx::query_scalar("select issue_id from events where event_id = $1").bind(event_id(number));
    of.fetch_one(app.db()).await.unwrap()
}

/// The message that the next page shows, in its cookie.
pub(crate) fn assert_told(answer: &Answer, text: &str) {
    let cookie = answer.header("set-cookie").replace("%20", " ").replace('+', " ");
    assert!(cookie.contains(text), "{text}: {cookie}");
}

/// Two bugs, three events each, users 1 to 3 and 3 to 5.
pub(crate) async fn two_bugs(app: &TestApp, shop: &Project) -> (i64, i64) {
    for n in 0..6_u128 {
        let (kind, plan) = if n % 2 == 0 { ("Boom", "gold") } else { ("Crash", "free") };
        let user = if n % 2 == 0 { n / 2 + 1 } else { n / 2 + 3 };
        let event = error(kind)
            .id(n + 1)
            .release(&format!("1.{n}"))
            .user(&user.to_string())
            .tag("plan", plan)
            .tag("zone", if n < 3 { "a" } else { "b" });
        app.sdk(shop).capture(event).await.assert_ok();
        app.digest_all().await;
        app.clock.advance(TimeDelta::minutes(10));
    }
    let issues = app.issues(shop).await;
    assert_eq!(issues.len(), 2);
    let base = i64::from(shop.id.0) << 32;
    (base + 1, base + 2)
}

#[test]
fn merged_issues_are_one_for_ever_and_undoing_parts_them_again() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (boom, crash) = two_bugs(app, &shop).await;
        let before = told(app).await;
        assert_eq!(
            before,
            ["1 Boom: it broke open 3e 3u 1.0-1.4 3/3/3 gold:3 0..40", "2 Crash: it broke open 3e 3u 1.1-1.5 3/3/3 free:3 10..50",]
        );
        let id = merge(app, boom, &[crash]).await;
        let merged = told(app).await;
        assert_eq!(merged[0], "1 Crash: it broke open 6e 5u 1.0-1.5 6/6/6 free:3,gold:3 0..50");
        assert!(merged[1].starts_with("2 Crash: it broke merged 0e 0u"), "{merged:?}");
        // Later events follow, and come back with the others.
        app.sdk(&shop).capture(error("Crash").id(7).release("1.6").user("9").tag("plan", "free")).await.assert_ok();
        app.digest_all().await;
        assert_eq!(told(app).await[0], "1 Crash: it broke open 7e 6u 1.0-1.6 7/7/7 free:4,gold:3 0..60");
        undo(app, &shop, id).await;
        assert_eq!(
            told(app).await,
            ["1 Boom: it broke open 3e 3u 1.0-1.4 3/3/3 gold:3 0..40", "2 Crash: it broke open 4e 4u 1.1-1.6 4/4/4 free:4 10..60",]
        );
        app.sdk(&shop).capture(error("Crash").id(8).user("9")).await.assert_ok();
        app.digest_all().await;
        assert!(told(app).await[1].starts_with("2 Crash: it broke open 5e 4u"));
        let mut tx = app.db().begin().await.unwrap();
        let again = regroup::undo(&mut tx, shop.id, id, act(app)).await;
        assert!(matches!(again, Err(Refused::TooLate)), "{again:?}");
        drop(tx);
        app.run_jobs().await;
    });
}

#[test]
fn a_hash_that_is_split_out_takes_its_events_along_and_undoing_brings_them_back() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (boom, crash) = two_bugs(app, &shop).await;
        let hash: Uuid =
            sqlx::query_scalar("select hash from events where issue_id = $1 limit 1").bind(crash).fetch_one(app.db()).await.unwrap();
        merge(app, boom, &[crash]).await;
        let before = told(app).await;
        let mut tx = app.db().begin().await.unwrap();
        let (made, id) = regroup::split(&mut tx, IssueId(boom), &[hash], act(app)).await.unwrap();
        tx.commit().await.unwrap();
        work(app).await;
        let split = told(app).await;
        assert_eq!(split[0], "1 Boom: it broke open 3e 3u 1.0-1.4 3/3/3 gold:3 0..40");
        assert_eq!(split[2], "3 Crash: it broke open 3e 3u 1.1-1.5 3/3/3 free:3 10..50");
        app.sdk(&shop).capture(error("Crash").id(7).release("1.6").user("5").tag("plan", "free")).await.assert_ok();
        app.digest_all().await;
        assert_eq!(issue_of(app, 7).await, made.0, "later events follow the decision");
        undo(app, &shop, id).await;
        let after = told(app).await;
        assert_eq!(after[0], "1 Crash: it broke open 7e 5u 1.0-1.6 7/7/7 free:4,gold:3 0..60");
        assert_eq!((before.len(), after.len()), (2, 3));
        app.run_jobs().await;
    });
}

#[test]
fn new_rules_bring_stored_events_together_and_apart_and_undoing_restores_them() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        two_bugs(app, &shop).await;
        let before = told(app).await;
        let apply = async |rules: serde_json::Value| {
            app.set(&shop, json!({"grouping": rules})).await;
            let mut tx = app.db().begin().await.unwrap();
            let id = regroup::apply_rules(&mut tx, (shop.id, None), &rules, act(app)).await.unwrap();
            tx.commit().await.unwrap();
            work(app).await;
            id
        };
        let id = apply(json!({"fingerprint_rules": "error.value:\"it broke\" -> broken"})).await;
        let merged = told(app).await;
        assert_eq!(merged[0], "1 Crash: it broke open 6e 5u 1.0-1.5 6/6/6 free:3,gold:3 0..50");
        assert!(merged[1].contains("merged 0e"), "{merged:?}");
        undo(app, &shop, id).await;
        assert_eq!(told(app).await, before);
        let id = apply(json!({"fingerprint_rules": "error.type:Boom -> {{ default }}, {{ tags.nothing }}"})).await;
        assert_eq!(told(app).await, before, "only hashes changed");
        undo(app, &shop, id).await;
        assert_eq!(told(app).await, before);
        let id = apply(json!({"fingerprint_rules": "error.type:Boom -> {{ default }}, {{ tags.zone }}"})).await;
        let split = told(app).await;
        assert_eq!(split[0], "1 Boom: it broke open 2e 2u 1.0-1.2 2/2/2 gold:2 0..20");
        assert_eq!(split[1], before[1]);
        assert_eq!(split[2], "3 Boom: it broke open 1e 1u 1.4-1.4 1/1/1 gold:1 40..40");
        undo(app, &shop, id).await;
        let after = told(app).await;
        assert_eq!(after[..2], before);
        assert!(after[2].starts_with("3 Boom: it broke merged 0e 0u"), "{after:?}");
        app.run_jobs().await;
    });
}

#[test]
fn people_merge_split_and_undo_on_the_pages() {
    app_test(async |app| {
        let (shop, blog) = (app.project("shop").await, app.project("blog").await);
        let (boom, crash) = two_bugs(app, &shop).await;
        app.sdk(&blog).capture(error("Boom").id(50)).await.assert_ok();
        app.digest_all().await;
        let foreign = app.only_issue(&blog).await;
        let ana = app.member("ana", &shop).await;
        let ask = urls::issue_action(boom, "merge");
        let merge = async |with: &str| ana.post(&ask, &[("with", with)]).await;
        for (with, told) in
            [("", "Nothing was merged"), ("SHOP-99", "not there any more"), ("SHOP-1", "with itself"), ("nonsense", "Nothing was merged")]
        {
            assert_told(&merge(with).await.assert_redirect(&urls::issue(boom)), told);
        }
        assert_told(&merge(&foreign.to_string()).await.assert_redirect(&urls::issue(boom)), "Nothing was merged");
        assert_told(&merge(&format!("https://other.example/issues/{crash}")).await, "Nothing was merged");
        assert_told(&merge(&format!("https://errors.example/issues/{crash}?x=1")).await, "SHOP-2 was merged into SHOP-1");
        let page = ana.page(&urls::issue(boom)).await;
        for text in ["Merged SHOP-2 into SHOP-1, 24 Nov 2026", "merged into it: Crash: it broke"] {
            page.assert_reads(text);
        }
        ana.get(&urls::issue(crash)).await.assert_redirect(&urls::issue(boom));
        ana.get(&urls::issue_action(crash, "split-by")).await.assert_redirect(&urls::issue_action(boom, "split-by"));
        assert_eq!(ana.page(&urls::home()).await.html().matches("data-test=\"issue\"").count(), 1);
        let id: i64 = sqlx::query_scalar("select regrouping_id from regroupings").fetch_one(app.db()).await.unwrap();
        let stranger = app.stranger("sam").await;
        stranger.post(&urls::correction_undo(boom, id), &[]).await.assert_status(404);
        ana.post(&urls::correction_undo(boom, id), &[]).await.assert_redirect(&urls::issue(boom));
        work(app).await;
        ana.page(&urls::issue(crash)).await.assert_reads("SHOP-2");
        // From the list, and a hash split out again.
        let (a, b) = (boom.to_string(), crash.to_string());
        ana.post(&urls::issues_merge(), &[("id", &a), ("id", &b), ("back", "/issues")]).await.assert_redirect("/issues");
        work(app).await;
        let hash: Uuid =
            sqlx::query_scalar("select hash from events where event_id = $1").bind(event_id(2)).fetch_one(app.db()).await.unwrap();
        let hash = hash.simple().to_string();
        let split = ana.post(&urls::issue_action(boom, "split"), &[("hash", &hash)]).await;
        let made = IssueId::new(shop.id, 3);
        split.assert_redirect(&urls::issue(made));
        work(app).await;
        ana.page(&urls::issue(made)).await.assert_reads("split it out of SHOP-1");
        ana.page(&urls::issue(boom)).await.assert_reads("split SHOP-3 out of it");
        assert_eq!(issue_of(app, 2).await, made.0);
        // Old addresses of the event lead to where it is now: the issue it came to first, and the one that took that in.
        let event = event_id(2).simple().to_string();
        for old in [boom, crash] {
            let mut address = urls::event(IssueId(old), &event);
            for _ in 0..2 {
                let answer = ana.get(&address).await;
                if answer.status == 303 {
                    address = answer.header("location").to_owned();
                }
            }
            ana.page(&address).await.assert_reads("SHOP-3");
            ana.get(&urls::event_json(IssueId(old), &event)).await.assert_status(200);
            ana.page(&urls::event_grouping(IssueId(old), &event)).await.assert_reads("SHOP-3");
        }
        app.run_jobs().await;
    });
}

#[test]
fn a_preview_says_what_the_rules_would_do_and_applying_them_does_it() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        two_bugs(app, &shop).await;
        let root = app.admin("root").await;
        let rules = [("stack_trace_rules", ""), ("fingerprint_rules", "error.value:\"it broke\" -> broken")];
        let preview = root.post(&urls::regroup_do("shop", "preview"), &rules).await.assert_ok();
        for text in
            ["6 events of the newest 10,000 looked at", "2 issues before, 1 after; 3 events would move", "Become SHOP-1", "Crash: it broke"]
        {
            preview.assert_reads(text);
        }
        assert!(preview.html().ends_with("</html>") || preview.html().trim_end().ends_with("</html>"), "the page is whole");
        let saved = format!("name=\"fingerprint_rules\" value=\"{}\"", "error.value:&#34;it broke&#34; -&#62; broken");
        assert!(preview.html().contains(&saved), "what was looked at can be saved from there: {}", preview.html());
        root.post(&urls::project_grouping("shop"), &rules).await.assert_status(303);
        root.post(&urls::regroup_do("shop", "apply"), &[]).await.assert_redirect(&urls::project_regroup("shop"));
        assert_told(&root.post(&urls::regroup_do("shop", "apply"), &[]).await, "still at work");
        work(app).await;
        root.page(&urls::project_regroup("shop")).await.assert_reads("Done: 3 events moved");
        assert!(told(app).await[0].contains(" 6e 5u "));
        let id: i64 = sqlx::query_scalar("select regrouping_id from regroupings").fetch_one(app.db()).await.unwrap();
        root.post(&urls::regroup_act("shop", id, "confirm"), &[]).await.assert_status(303);
        assert_told(&root.post(&urls::regroup_act("shop", id, "undo"), &[]).await, "cannot be undone");
        let ana = app.member("ana", &shop).await;
        ana.post(&urls::regroup_do("shop", "apply"), &[]).await.assert_status(403);
        app.run_jobs().await;
    });
}

#[test]
fn an_issue_with_two_bugs_is_parted_by_a_property() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        for n in 0..6_u128 {
            app.sdk(&shop).capture(error("Boom").id(n + 1).tag("zone", if n < 4 { "a" } else { "b" })).await.assert_ok();
        }
        app.sdk(&shop).capture(error("Crash").id(7).tag("zone", "b")).await.assert_ok();
        app.digest_all().await;
        let root = app.admin("root").await;
        let boom = issue_of(app, 1).await;
        let form = urls::issue_action(boom, "split-by");
        root.page(&urls::issue(boom)).await.assert_reads("Split by a property");
        let page = root.page(&form).await;
        for text in ["By tag zone", "2 parts: 4 + 2 events", "Those with zone b"] {
            page.assert_reads(text);
        }
        let rule = page
            .html()
            .split("name=\"rule\" value=\"")
            .filter_map(|part| part.split('"').next())
            .find(|rule| rule.contains("{{ tags.zone }}"));
        let rule = rule.unwrap().replace("&quot;", "\"").replace("&#34;", "\"").replace("&gt;", ">").replace("&#62;", ">");
        root.post(&urls::regroup_do("shop", "preview"), &[("rule", &rule)]).await.assert_ok().assert_reads("SHOP-1 comes apart");
        root.post(&form, &[("rule", "nonsense")]).await.assert_status(422);
        root.post(&form, &[]).await.assert_status(422);
        root.post(&form, &[("rule", &rule)]).await.assert_redirect(&urls::issue(boom));
        work(app).await;
        let after = told(app).await;
        let events: Vec<&str> = after.iter().map(|line| line.split(' ').nth(5).unwrap()).collect();
        assert_eq!(events, ["4e", "1e", "2e"], "{after:?}");
        app.registry.refresh(app.db()).await.unwrap();
        app.sdk(&shop).capture(error("Boom").id(8).tag("zone", "b")).await.assert_ok();
        app.digest_all().await;
        assert_eq!(issue_of(app, 8).await, issue_of(app, 6).await, "later events follow the rule");
        root.page(&urls::project_regroup("shop")).await.assert_reads("Events of SHOP-1. Done: 2 events moved");
        // Undoing takes the rule away, too; what came meanwhile under it stays where it is.
        let id: i64 = sqlx::query_scalar("select regrouping_id from regroupings").fetch_one(app.db()).await.unwrap();
        root.post(&urls::regroup_act("shop", id, "undo"), &[]).await.assert_redirect(&urls::project_regroup("shop"));
        work(app).await;
        app.registry.refresh(app.db()).await.unwrap();
        let undone = told(app).await;
        let events: Vec<&str> = undone.iter().map(|line| line.split(' ').nth(5).unwrap()).collect();
        assert_eq!(events, ["6e", "1e", "1e"], "{undone:?}");
        app.sdk(&shop).capture(error("Boom").id(9).tag("zone", "b")).await.assert_ok();
        app.digest_all().await;
        assert_eq!(issue_of(app, 9).await, boom, "the rule is gone");
        app.member("ana", &shop).await.post(&form, &[("rule", &rule)]).await.assert_status(403);
        app.run_jobs().await;
    });
}

/// Sends so many events of three kinds and seven users after the first `sent`; how many there are then.
async fn send(app: &TestApp, shop: &Project, sent: i64, many: i64) -> i64 {
    for n in sent + 1..=sent + many {
        let kind = ["Boom", "Crash", "Bang"][usize::try_from(n % 3).unwrap()];
        app.sdk(shop).capture(error(kind).id(n.unsigned_abs().into()).user(&(n % 7).to_string())).await.assert_ok();
    }
    app.digest_all().await;
    sent + many
}

#[test]
fn a_regrouping_ends_while_events_come_in_and_loses_none_wherever_it_is_stopped() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let mut sent = 0;
        sent = send(app, &shop, sent, 60).await;
        let rules = json!({"fingerprint_rules": "error.value:\"it broke\" -> broken"});
        app.set(&shop, json!({"grouping": rules})).await;
        let mut tx = app.db().begin().await.unwrap();
        let id = regroup::apply_rules(&mut tx, (shop.id, None), &rules, act(app)).await.unwrap();
        tx.commit().await.unwrap();
        let mut batches = 0;
        // Each batch is a transaction of its own: where one ended, any other process goes on.
        while regroup::one_batch(app.db(), &app.app.clock, id).await.unwrap().is_some() {
            batches += 1;
            assert!(batches < 60, "it does not end");
            app.clock.advance(TimeDelta::seconds(1));
            sent = send(app, &shop, sent, 3).await;
            let counts = "select (select count(*) from events), (select sum(events)::bigint from issue_hours), (select sum(event_count)::bigint from issues)";
            let counts: (i64, i64, i64) = sqlx::query_as(counts).fetch_one(app.db()).await.unwrap();
            assert_eq!(counts, (sent, sent, sent), "after batch {batches}");
        }
        assert!(batches > 5, "{batches}");
        let issues: Vec<(i64, i64)> =
            sqlx::query_as("select event_count, user_count from issues where status <> 'merged'").fetch_all(app.db()).await.unwrap();
        assert_eq!(issues, [(sent, 7)], "one issue for all");
        app.run_jobs().await;
    });
}
