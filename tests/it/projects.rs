//! What administrators choose for a project, and what became of what was sent.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vedette::events::payload;
use vedette::web::urls;

use crate::harness::events::{envelope, event_id};
use crate::harness::{Answer, Person, Project, TestApp, app_test, error};

/// The text areas of the scrubbing form, and its switches as they are at first.
const SCRUB: [(&str, &str); 4] = [("scrub_data", "1"), ("scrub_defaults", "1"), ("sensitive", ""), ("safe", "")];
const LISTS: [(&str, &str); 4] = [("error_messages", ""), ("releases", ""), ("client_ips", ""), ("csp_disallowed_sources", "")];

/// A form with some fields changed or added.
pub(crate) fn form<'f>(base: &[(&'f str, &'f str)], changes: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes).copied().collect()
}

async fn save(app: &TestApp, person: &Person, path: &str, form: &[(&str, &str)]) -> Answer {
    let answer = person.post(path, form).await;
    app.registry.refresh(app.db()).await.unwrap();
    answer
}

async fn settings(app: &TestApp, project: &Project) -> Value {
    sqlx::query_scalar("select settings from projects where project_id = $1").bind(project.id.0).fetch_one(app.db()).await.unwrap()
}

/// The newest stored event.
async fn stored_event(app: &TestApp) -> Value {
    let payload: Vec<u8> =
        sqlx::query_scalar("select payload from events order by received desc limit 1").fetch_one(app.db()).await.unwrap();
    payload::decode(&payload).unwrap()
}

/// The part of a page with this `data-test`, as people read it.
pub(crate) fn part(page: &Answer, name: &str) -> String {
    let marked = format!("data-test=\"{name}\"");
    let rest = page.html().split_once(&marked).unwrap_or_else(|| panic!("no {name}: {}", page.text())).1;
    let end = rest.find("data-test=").unwrap_or(rest.len());
    crate::harness::http::text_of(&format!("<{}", &rest[..end]))
}

#[test]
fn a_sensitive_field_and_an_own_rule_scrub_the_next_event_and_keep_the_salt() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let path = urls::project_scrubbing("shop");
        let before = settings(app, &shop).await["scrub"]["hashSalt"].clone();
        let changes = [
            ("sensitive", "loyalty\r\n\r\n"),
            ("safe", "extra.author"),
            ("rule_path", "tags.customer"),
            ("rule_pattern", r"K-(\d+)"),
            ("rule_action", "mask"),
            ("rule_text", ""),
            ("rule_name", ""),
            ("rule_path", ""),
            ("rule_pattern", ""),
            ("rule_action", "mask"),
            ("rule_text", ""),
            ("rule_name", ""),
        ];
        save(app, &root, &path, &form(&SCRUB, &changes)).await.assert_redirect(&path);
        let stored = settings(app, &shop).await;
        assert_eq!(stored["scrub"]["hashSalt"], before);
        assert_eq!(stored["scrub"]["sensitiveFields"], json!(["loyalty"]));
        assert_eq!(stored["scrub"]["rules"].as_array().unwrap().len(), 1, "the empty row is no rule");
        let event = error("Boom").tag("customer", "K-1234").with("extra", json!({"loyalty_no": "77", "author": "bob", "plain": "kept"}));
        app.sdk(&shop).capture(event).await.assert_ok();
        app.digest_all().await;
        let event = stored_event(app).await;
        assert_eq!(event["extra"], json!({"loyalty_no": "[Filtered]", "author": "bob", "plain": "kept"}));
        assert!(event["tags"].to_string().contains("K-****"), "{}", event["tags"]);
        let page = root.page(&path).await;
        assert!(page.html().contains("mask tags.customer"), "a rule without a name is called by what it does");
        app.run_jobs().await;
    });
}

#[test]
fn a_bad_scrubbing_rule_is_refused_by_its_number_and_the_old_ones_stay() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let path = urls::project_scrubbing("shop");
        save(app, &root, &path, &form(&SCRUB, &[("sensitive", "loyalty")])).await.assert_redirect(&path);
        let before = settings(app, &shop).await;
        let rules = [
            ("rule_path", "extra.**"),
            ("rule_pattern", "@email"),
            ("rule_action", "hash"),
            ("rule_path", "$nothing"),
            ("rule_action", "mask"),
        ];
        let refused = save(app, &root, &path, &form(&SCRUB, &rules)).await.assert_status(422);
        refused.assert_reads("Rule 2: path: `$nothing` is no known kind of value");
        assert!(!refused.text().contains("Rule 1:"));
        assert_eq!(settings(app, &shop).await, before);
        root.post(&path, &[("scrub_data", "1")]).await.assert_status(422);
        assert_eq!(settings(app, &shop).await, before, "a form that is no form of ours switches nothing off");
    });
}

#[test]
fn a_filter_drops_the_next_event_and_is_counted_on_both_pages() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (root, ana) = (app.admin("root").await, app.member("ana", &shop).await);
        let path = urls::project_filters("shop");
        let changes = [("error_messages", "*it broke*"), ("browser", "ie"), ("web_crawlers", "1")];
        save(app, &root, &path, &form(&LISTS, &changes)).await.assert_redirect(&path);
        assert_eq!(settings(app, &shop).await["filters"]["legacyBrowsers"], json!(["ie"]));
        app.sdk(&shop).capture(error("Boom")).await.assert_ok();
        app.digest_all().await;
        assert_eq!(app.stored().await, 0);
        assert!(part(&ana.page(&path).await, "error_messages").contains("dropped 1 in 7 days, 1 in 30"));
        assert!(part(&ana.page(&urls::project_stats("shop")).await, "filtered").contains("Message is on the project's list"));
        // Ten days later it is only in the month.
        app.clock.advance(TimeDelta::days(10));
        let root = app.admin("late").await;
        assert!(part(&root.page(&path).await, "error_messages").contains("dropped 0 in 7 days, 1 in 30"));
        assert!(part(&root.page(&urls::project_stats_month("shop")).await, "filtered").contains("Message is on the project's list"));
        assert!(!root.page(&urls::project_stats("shop")).await.html().contains("data-test=\"filtered\""));
    });
}

#[test]
fn a_bad_filter_entry_is_refused_with_its_line_and_the_old_ones_stay() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let path = urls::project_filters("shop");
        let before = settings(app, &shop).await;
        let changes = [("releases", "ok@*\r\n\r\n[a"), ("client_ips", "10.0.0.0/99")];
        let refused = save(app, &root, &path, &form(&LISTS, &changes)).await.assert_status(422);
        refused.assert_reads("Line 3, `[a`: a `[` is not closed");
        refused.assert_reads("Line 1, `10.0.0.0/99`: it is no IP address and no CIDR block");
        assert_eq!(settings(app, &shop).await, before);
    });
}

#[test]
fn a_grouping_rule_changes_the_grouping_of_the_next_event_and_a_bad_one_is_refused_with_its_place() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let path = urls::project_grouping("shop");
        let rules = [("stack_trace_rules", "# ours\r\nmodule:shop.* +app"), ("fingerprint_rules", "type:B* -> together")];
        save(app, &root, &path, &rules).await.assert_redirect(&path);
        let before = settings(app, &shop).await;
        assert_eq!(before["grouping"]["stack_trace_rules"], "# ours\nmodule:shop.* +app");
        for kind in ["Boom", "Bang", "Crash"] {
            app.sdk(&shop).capture(error(kind)).await.assert_ok();
        }
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(app.issues(&shop).await.len(), 2, "Boom and Bang together, Crash alone");
        let bad = [("stack_trace_rules", "module:shop.* +app\r\nfoo:a +app"), ("fingerprint_rules", "type:B* ->")];
        let refused = save(app, &root, &path, &bad).await.assert_status(422);
        assert!(part(&refused, "stack-trace").contains("Line 2, column 1"), "{}", refused.text());
        assert!(part(&refused, "fingerprint").contains("Line 1, column 11"), "{}", refused.text());
        assert!(refused.html().contains("<mark>f</mark>oo:a +app"), "the place is shown");
        assert_eq!(settings(app, &shop).await, before);
    });
}

#[test]
fn what_a_fingerprint_rule_can_never_use_is_saved_with_a_warning_at_its_place() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let root = app.admin("root").await;
        let path = urls::project_grouping("shop");
        // As an editor of Windows saves it.
        let rules = [
            ("stack_trace_rules", "\u{feff}module:shop.* +app\r\n"),
            ("fingerprint_rules", "\u{feff}type:A -> a\r\nfamily:ruby -> {{ nope }}\r\n"),
        ];
        save(app, &root, &path, &rules).await.assert_redirect(&path);
        assert_eq!(settings(app, &shop).await["grouping"]["fingerprint_rules"], "type:A -> a\nfamily:ruby -> {{ nope }}\n");
        let page = root.page(&path).await;
        for told in ["Line 2, column 8 no such family", "Line 2, column 16 there is no variable “nope”"] {
            assert!(part(&page, "fingerprint").contains(told), "{told}: {}", page.text());
        }
        assert!(!part(&page, "stack-trace").contains("Line"), "{}", page.text());
    });
}

#[test]
fn a_preview_of_rules_that_cannot_be_read_shows_the_place_and_keeps_the_text() {
    app_test(async |app| {
        app.project("shop").await;
        let root = app.admin("root").await;
        let bad = [("stack_trace_rules", "function:mine +app"), ("fingerprint_rules", "# ours\nnonsense")];
        let refused = root.post(&urls::regroup_do("shop", "preview"), &bad).await.assert_status(422);
        refused.assert_reads("Line 2, column 1");
        assert!(refused.html().contains("function:mine +app</textarea>"), "{}", refused.html());
        assert!(
            refused.html().contains(&format!("<form method=\"post\" action=\"{}\"", urls::project_grouping("shop"))),
            "it saves from there, too"
        );
        let long = "type:x -> y\n".repeat(6_000);
        let long = [("stack_trace_rules", ""), ("fingerprint_rules", long.as_str())];
        root.post(&urls::regroup_do("shop", "preview"), &long).await.assert_status(422).assert_reads("64 KB are allowed");
        root.post(&urls::regroup_do("shop", "preview"), &[("fingerprint_rules", "")]).await.assert_status(422).assert_reads("incomplete");
    });
}

#[test]
fn a_stored_events_frames_are_marked_as_todays_rules_say() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (root, ana) = (app.admin("root").await, app.member("ana", &shop).await);
        let frame =
            |module: &str| json!({"module": module, "function": "f", "in_app": module == "shop", "context_line": "f()", "lineno": 3});
        let thrown = json!({"values": [{"type": "Boom", "value": "no 5", "stacktrace": {"frames": [frame("shop"), frame("library")]}}]});
        app.sdk(&shop).capture(error("Boom").id(1).with("exception", thrown)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let issue = urls::issue(app.only_issue(&shop).await);
        let marks = async || {
            let html = ana.page(&issue).await.html().to_owned();
            html.matches("<details class=\"frame").count() - html.matches("<details class=\"frame lib\"").count()
        };
        assert_eq!(marks().await, 1, "as the SDK said");
        let rules = [("stack_trace_rules", "module:library +app"), ("fingerprint_rules", "")];
        save(app, &root, &urls::project_grouping("shop"), &rules).await.assert_status(303);
        assert_eq!(marks().await, 2);
        ana.page(&issue).await.assert_reads("This event came here under earlier rules");
        let stored = ana.page(&urls::event_json(app.only_issue(&shop).await, event_id(1).simple())).await;
        assert!(stored.html().contains("\"in_app\": false"), "what is stored stays: {}", stored.html());
        save(app, &root, &urls::project_grouping("shop"), &[("stack_trace_rules", ""), ("fingerprint_rules", "")]).await.assert_status(303);
        assert_eq!(marks().await, 1);
    });
}

#[test]
fn the_explanation_of_an_event_links_each_rule_to_its_line() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (root, ana) = (app.admin("root").await, app.member("ana", &shop).await);
        let rules =
            [("stack_trace_rules", "# ours\nfunction:retry_* -group\n\nmodule:shop.* +app"), ("fingerprint_rules", "type:Other -> other")];
        save(app, &root, &urls::project_grouping("shop"), &rules).await.assert_status(303);
        let frame = |module: &str, function: &str| json!({"module": module, "function": function});
        let frames = [frame("shop.views", "retry_order"), frame("shop.pay", "charge"), frame("library", "call")];
        let thrown = json!({"values": [{"type": "Boom", "value": "no 5", "stacktrace": {"frames": frames}}]});
        app.sdk(&shop).capture(error("Boom").id(1).with("exception", thrown)).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        let issue = app.only_issue(&shop).await;
        let page = ana.page(&urls::event_grouping(issue, event_id(1).simple())).await;
        for anchor in ["stack-trace-2", "stack-trace-4"] {
            let link = urls::project_rule("shop", anchor);
            assert!(page.html().contains(&format!("href=\"{link}\"")), "{link}: {}", page.html());
            let rules = ana.page(&urls::project_rules("shop")).await;
            assert_eq!(rules.html().matches(&format!("id=\"{anchor}\"")).count(), 1, "{anchor}");
        }
        assert!(part(&page, "hashes").contains("led here"), "{}", page.text());
        assert!(part(&page, "changes").contains("A fingerprint, from the client or by a rule"), "{}", page.text());
        let rules = ana.page(&urls::project_rules("shop")).await;
        assert!(rules.html().contains("path:**/node_modules/** -app") && rules.html().contains("id=\"built-in-fingerprint-2\""));
    });
}

#[test]
fn the_stats_page_shows_every_outcome_with_its_reason_and_each_key() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (root, ana) = (app.admin("root").await, app.member("ana", &shop).await);
        app.set(&shop, json!({"filters": {"releases": ["old"]}})).await;
        let report = json!({"discarded_events": [{"reason": "before_send", "category": "error", "quantity": 1234}]}).to_string();
        let sdk = app.sdk(&shop);
        for event in [error("Boom").id(1), error("Boom").id(1), error("Boom").id(2).release("old")] {
            sdk.capture(event).await.assert_ok();
        }
        sdk.envelope(envelope(&[("event", b"no json")])).await.assert_ok();
        let session = br#"{"started":"2026-11-24T14:00:00Z","attrs":{"release":"shop@1"}}"#;
        sdk.envelope(envelope(&[("client_report", report.as_bytes()), ("session", session)])).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        // A limit, which nothing in a test reaches.
        let limit = "insert into outcomes select project_id, key_id, hour, category, 'rate_limited', 'journal_full', 5 from outcomes
            where outcome = 'stored' returning quantity";
        let limited: i64 = sqlx::query_scalar(limit).fetch_one(app.db()).await.unwrap();
        app.expected.add(limited);
        let path = urls::project_stats("shop");
        let page = ana.page(&path).await;
        for (outcome, words) in [
            ("stored", "1"),
            ("duplicate", "stored once"),
            ("filtered", "Release is on the project's list"),
            ("rate_limited", "waiting room was full"),
            ("invalid", "Not JSON, or not an event"),
            ("discarded", "1,234 The program's before-send hook dropped it"),
        ] {
            assert!(part(&page, outcome).contains(words), "{outcome}: {}", part(&page, outcome));
        }
        let sessions = page.html().split_once("data-test=\"kind-session\"").expect("sessions").1;
        assert!(sessions.contains("data-test=\"unsupported\""));
        assert!(!page.html().contains("data-test=\"keys\""), "one key needs no table");
        root.post(&urls::key_new("shop"), &[("label", "web")]).await.assert_status(303);
        let keys = part(&ana.page(&urls::project_stats_month("shop")).await, "keys");
        assert!(keys.contains(&shop.key[..8]) && keys.contains("1,234"), "{keys}");
    });
}

#[test]
fn members_look_and_cannot_change() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (root, ana) = (app.admin("root").await, app.member("ana", &shop).await);
        for path in [urls::project_scrubbing("shop"), urls::project_filters("shop"), urls::project_grouping("shop")] {
            let page = ana.page(&path).await;
            assert!(page.html().contains("<fieldset disabled>") && !page.html().contains(">Save<"), "{path}");
            assert!(root.page(&path).await.html().contains(">Save<"), "{path}");
            ana.post(&path, &SCRUB).await.assert_status(403);
        }
    });
}

#[test]
fn projects_that_are_made_at_the_same_moment_find_names_of_their_own() {
    app_test(async |app| {
        // Another process has written its project and commits it while ours, whose address differs, waits for the same prefix.
        let mut other = app.db().begin().await.unwrap();
        let insert = "insert into projects (project_id, dsn_id, slug, name, short_prefix, platform, settings, created_at)
            overriding system value values (900001, 900001, 'shop-1', 'Shop 1', 'SHOP', '', '{}', now())";
        sqlx::query(insert).execute(&mut *other).await.unwrap();
        let commit = async {
            crate::feedback::until_waiting(app, 1).await;
            other.commit().await.unwrap();
        };
        let (shop, ()) = tokio::join!(app.project("Shop 2"), commit);
        let prefix: String = sqlx::query_scalar("select short_prefix from projects where project_id = $1")
            .bind(shop.id.0)
            .fetch_one(app.db())
            .await
            .unwrap();
        assert_eq!((shop.slug.as_str(), prefix.as_str()), ("shop-2", "SHOP2"));
    });
}
