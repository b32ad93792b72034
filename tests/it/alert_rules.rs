//! Who is told of what: rules, mutes, settings, and what a rule would have done.

use chrono::TimeDelta;
use vedette::web::urls;

use crate::harness::events::{envelope, event_id};
use crate::harness::fake_hook::FakeHook;
use crate::harness::{Event, Mail, Person, Project, TestApp, app_test, error};

/// Events, and everything that follows from them.
async fn happens(app: &TestApp, shop: &Project, events: &[Event]) {
    for event in events {
        app.sdk(shop).capture(event.clone()).await.assert_ok();
    }
    app.digest_all().await;
    app.run_jobs().await;
    // The next mail of anybody comes at once.
    app.clock.advance(TimeDelta::hours(1));
    app.run_jobs().await;
}

async fn subjects(app: &TestApp, who: &str) -> Vec<String> {
    let mine = |mail: &Mail| mail.recipient == format!("{who}@example.test");
    app.mails().await.into_iter().filter(mine).map(|mail| mail.subject).collect()
}

/// The fields of a rule's form: name and whom it tells, and each group's conditions, all of which must hold.
fn form<'a>(name: &'a str, who: &'a str, groups: &[&[(&'a str, &'a str, &'a str)]]) -> Vec<(&'a str, &'a str)> {
    let names = [("1", "all1", "subject1", "op1", "value1"), ("2", "all2", "subject2", "op2", "value2")];
    let mut fields = vec![("name", name), ("on", "1"), ("who", who), ("minutes", "0"), ("all", "0")];
    for ((number, all, subject, op, value), rows) in names.into_iter().zip(groups) {
        fields.extend([("group", number), (all, "1")]);
        for (what, how, with) in *rows {
            fields.extend([(subject, *what), (op, *how), (value, *with)]);
        }
        // Browsers send the empty rows, too.
        fields.extend([(subject, "fact"), (op, "is"), (value, "")]);
    }
    fields
}

async fn add(root: &Person, form: &[(&str, &str)]) {
    root.post(&urls::alert_rule("shop", "new"), form).await.assert_redirect(&urls::project_alerts("shop"));
}

/// The project's rules by name, in their order.
async fn rules(app: &TestApp) -> Vec<(i64, String)> {
    sqlx::query_as("select rule_id, name from alert_rules order by position").fetch_all(app.db()).await.unwrap()
}

/// What became of facts: kind, person, status, reason, rule.
async fn log(app: &TestApp) -> Vec<(String, String, String, String)> {
    let rows = "select coalesce(split_part(u.email, '@', 1), ''), d.status, d.reason, f.rule from alert_decisions d
        join alert_facts f using (project_id, fact_id) left join users u using (user_id) order by fact_id, u.email";
    sqlx::query_as(rows).fetch_all(app.db()).await.unwrap()
}

#[test]
fn the_first_rule_that_matches_says_who_is_told() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, ben) = (app.member("ana", &shop).await, app.member("ben", &shop).await);
        let root = app.admin("root").await;
        let ben_id = ben.id.to_string();
        add(&root, &form("Staging is quiet", "nobody", &[&[("environment", "is", "staging, dev*")]])).await;
        let mut payments =
            form("Payments", "some", &[&[("title", "is", "payment*"), ("tag", "is", "tier=gold")], &[("level", "least", "fatal")]]);
        payments.push(("person", &ben_id));
        add(&root, &payments).await;
        for (event, ana_hears, ben_hears) in [
            (error("Boom").with("environment", "Dev-7".into()), false, false),
            (error("PaymentA").tag("tier", "gold").with("environment", "staging".into()), false, false),
            (error("PaymentB").tag("tier", "gold"), false, true),
            (error("PaymentC").tag("tier", "silver"), true, true),
            (error("Crash").with("level", "fatal".into()), false, true),
            (error("Other"), true, true),
        ] {
            let before = (subjects(app, "ana").await.len(), subjects(app, "ben").await.len());
            happens(app, &shop, std::slice::from_ref(&event)).await;
            let after = (subjects(app, "ana").await.len(), subjects(app, "ben").await.len());
            assert_eq!((after.0 - before.0, after.1 - before.1), (usize::from(ana_hears), usize::from(ben_hears)), "{event:?}");
        }
        let log = log(app).await;
        let line =
            |who: &str, status: &str, reason: &str, rule: &str| (who.to_owned(), status.to_owned(), reason.to_owned(), rule.to_owned());
        assert!(log.contains(&line("ana", "dropped", "The rule “Staging is quiet” tells nobody.", "Staging is quiet")), "{log:?}");
        assert!(log.contains(&line("ana", "dropped", "The rule “Payments” tells others.", "Payments")), "{log:?}");
        assert!(log.contains(&line("ben", "told", "", "Payments")) && log.contains(&line("ben", "told", "", "")), "{log:?}");
        assert_eq!(log.len(), 12, "each fact is decided for each member");
        ana.page(&urls::account_told()).await.assert_reads("ana@example.test The rule “Payments” tells others.");
        let [_, _, issue, ..] = app.issues(&shop).await[..] else { panic!("issues") };
        ben.page(&urls::issue_told(issue)).await.assert_reads("Rule “Payments”");
    });
}

#[test]
fn a_rule_may_tell_a_channel_and_no_person() {
    app_test(async |app| {
        let (shop, hook) = (app.project("shop").await, FakeHook::start().await);
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        for (label, path) in [("On call", "/on-call"), ("Chat", "/chat")] {
            let channel = [("kind", "webhook"), ("label", label), ("url", &*hook.url(path)), ("token", "")];
            root.post(&urls::project_channels("shop"), &channel).await.assert_ok();
        }
        let on_call: i64 = sqlx::query_scalar("select channel_id from channels where label = 'On call'").fetch_one(app.db()).await.unwrap();
        let on_call = on_call.to_string();
        let mut fatal = form("Fatal", "some", &[&[("level", "is", "fatal")]]);
        fatal.push(("channel", &on_call));
        add(&root, &fatal).await;
        root.page(&urls::project_alerts("shop")).await.assert_reads("On call");
        happens(app, &shop, &[error("Crash").with("level", "fatal".into())]).await;
        let told: Vec<String> = hook.take().into_iter().map(|posted| posted.path).collect();
        assert_eq!((told, subjects(app, "ana").await), (vec!["/on-call".to_owned()], Vec::new()));
        let rows = "select coalesce(u.email, c.label), d.status, d.reason from alert_decisions d
            left join users u using (user_id) left join channels c on c.channel_id = d.channel_id order by 1";
        let decided: Vec<(String, String, String)> = sqlx::query_as(rows).fetch_all(app.db()).await.unwrap();
        let decided: Vec<String> = decided.into_iter().map(|(who, status, reason)| format!("{who} {status} {reason}")).collect();
        let others = "dropped The rule “Fatal” tells others.";
        assert_eq!(decided, [format!("Chat {others}"), "On call told ".to_owned(), format!("ana@example.test {others}")]);
        ana.page(&urls::account_told()).await.assert_reads("The rule “Fatal” tells others.");
        // What no rule is about goes to all of them.
        happens(app, &shop, &[error("Boom")]).await;
        assert_eq!((hook.take().len(), subjects(app, "ana").await.len()), (2, 1));
    });
}

#[test]
fn rules_are_put_in_order_switched_changed_and_deleted() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        add(&root, &form("Nobody", "nobody", &[])).await;
        add(&root, &form("Everybody", "everybody", &[&[("fact", "is", "new issue")]])).await;
        let list = urls::project_alerts("shop");
        ana.page(&list).await.assert_reads("1 Nobody Always: nobody.");
        ana.page(&list).await.assert_reads("2 Everybody When fact is new issue: all members and channels.");
        happens(app, &shop, &[error("A")]).await;
        assert_eq!(subjects(app, "ana").await.len(), 0);
        let [(nobody, _), (everybody, _)] = rules(app).await[..] else { panic!("rules") };
        root.post(&urls::alert_rule_move("shop", everybody), &[("to", "up")]).await.assert_redirect(&list);
        assert_eq!(rules(app).await.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [everybody, nobody]);
        happens(app, &shop, &[error("B")]).await;
        assert_eq!(subjects(app, "ana").await.len(), 1);
        root.post(&urls::alert_rule_switch("shop", everybody), &[("to", "off")]).await.assert_redirect(&list);
        happens(app, &shop, &[error("C")]).await;
        assert_eq!(subjects(app, "ana").await.len(), 1, "it is passed over");
        let page = root.page(&urls::alert_rule("shop", nobody)).await;
        assert!(page.html().contains("value=\"Nobody\""));
        root.post(&urls::alert_rule("shop", nobody), &form("All of it", "everybody", &[])).await.assert_redirect(&list);
        happens(app, &shop, &[error("D")]).await;
        assert_eq!(subjects(app, "ana").await.len(), 2);
        for rule in [nobody, everybody, nobody] {
            root.post(&urls::alert_rule_delete("shop", rule), &[]).await.assert_redirect(&list);
        }
        assert!(rules(app).await.is_empty());
        root.get(&urls::alert_rule("shop", nobody)).await.assert_status(404);
        happens(app, &shop, &[error("E")]).await;
        assert_eq!(subjects(app, "ana").await.len(), 3, "the default is right without any rule");
    });
}

#[test]
fn a_rule_of_another_project_is_not_there() {
    app_test(async |app| {
        let (_, _) = (app.project("shop").await, app.project("blog").await);
        let root = app.admin("root").await;
        add(&root, &form("Mine", "nobody", &[])).await;
        let [(rule, _)] = rules(app).await[..] else { panic!("rules") };
        root.get(&urls::alert_rule("blog", rule)).await.assert_status(404);
        let list = urls::project_alerts("blog");
        root.post(&urls::alert_rule("blog", rule), &form("Theirs", "everybody", &[])).await.assert_redirect(&list);
        root.post(&urls::alert_rule_delete("blog", rule), &[]).await.assert_redirect(&list);
        root.post(&urls::alert_rule_switch("blog", rule), &[("to", "off")]).await.assert_redirect(&list);
        root.post(&urls::alert_rule_move("blog", rule), &[("to", "up")]).await.assert_redirect(&list);
        let kept: (String, bool) = sqlx::query_as("select name, is_on from alert_rules").fetch_one(app.db()).await.unwrap();
        assert_eq!(kept, ("Mine".to_owned(), true));
    });
}

#[test]
fn what_makes_no_sense_is_shown_again_and_nothing_is_saved() {
    app_test(async |app| {
        app.project("shop").await;
        let root = app.admin("root").await;
        let path = urls::alert_rule("shop", "new");
        let wrong = form("", "some", &[&[("fact", "is", "weather"), ("tag", "is", "browser")], &[("events", "is", "3")]]);
        let page = root.post(&path, &wrong).await.assert_status(422);
        for text in
            ["“weather” is none of", "key=value", "“at least” and “less than”", "A name has 1 to 60 characters", "Nobody is chosen below"]
        {
            page.assert_reads(text);
        }
        assert!(page.html().contains("value=\"weather\""), "what was typed is there still");
        let mut more = form("Half", "everybody", &[&[("title", "is", "x*")]]);
        more.push(("do", "more"));
        let page = root.post(&path, &more).await.assert_ok();
        assert_eq!(page.html().matches("name=\"value1\"").count(), 3, "the condition and two empty rows");
        assert!(rules(app).await.is_empty());
        let hostile = "\"><script>alert(1)</script>";
        let page = root.post(&path, &form(hostile, hostile, &[&[(hostile, hostile, hostile)]])).await.assert_status(422);
        assert!(!page.html().contains("<script>alert"), "{}", page.html());
    });
}

#[test]
fn of_one_issue_a_rule_tells_no_more_often_than_it_says() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        let mut often = form("Now and then", "everybody", &[]);
        often.retain(|(name, _)| *name != "minutes");
        often.push(("minutes", "1440"));
        add(&root, &often).await;
        happens(app, &shop, &[error("Boom"), error("Other")]).await;
        assert_eq!(subjects(app, "ana").await.len(), 2, "two issues");
        let issue = app.issues(&shop).await[0];
        let comes_back = async || {
            ana.post(&urls::issue_action(issue, "resolve"), &[]).await;
            app.clock.advance(TimeDelta::minutes(1));
            happens(app, &shop, &[error("Boom")]).await;
        };
        comes_back().await;
        assert_eq!(subjects(app, "ana").await.len(), 2);
        ana.page(&urls::issue_told(issue))
            .await
            .assert_reads("The rule “Now and then” tells of an issue once in a day, and last did at 24 Nov 2026, 14:33 UTC.");
        app.clock.advance(TimeDelta::days(1));
        comes_back().await;
        assert_eq!(subjects(app, "ana").await[2], "[shop] Back: Boom: it broke");
    });
}

#[test]
fn a_muted_project_is_quiet_for_as_long_as_it_was_asked_to() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        add(&root, &form("Everything", "everybody", &[])).await;
        let list = urls::project_alerts("shop");
        ana.post(&urls::project_mute("shop"), &[("for", "240")]).await.assert_redirect(&list);
        ana.page(&list)
            .await
            .assert_reads("Muted by ana@example.test since 24 Nov 2026, 14:33 UTC, until 24 Nov 2026, 18:33 UTC: 0 facts so far");
        for page in [urls::project("shop"), urls::project_settings("shop"), format!("{}?project=shop", urls::home())] {
            ana.page(&page).await.assert_reads("Alerts of this project are muted until 24 Nov 2026, 18:33 UTC");
        }
        happens(app, &shop, &[error("Load")]).await;
        let feedback = format!(r#"{{"event_id":"{}","comments":"It broke."}}"#, event_id(1));
        app.sdk(&shop).envelope(envelope(&[("user_report", feedback.as_bytes())])).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        assert!(subjects(app, "ana").await.is_empty());
        ana.page(&list).await.assert_reads("2 facts so far, told to nobody");
        let issue = app.only_issue(&shop).await;
        let said = "ana@example.test muted the project at 24 Nov 2026, 14:33 UTC, until 24 Nov 2026, 18:33 UTC, so nobody was told.";
        ana.page(&urls::issue_told(issue)).await.assert_reads(said);
        ana.page(&urls::account_told()).await.assert_reads(said);
        // It ends by itself …
        app.clock.advance(TimeDelta::hours(3));
        happens(app, &shop, &[error("Boom")]).await;
        assert_eq!(subjects(app, "ana").await, ["[shop] New: Boom: it broke"], "and nothing of before comes afterwards");
        assert!(!ana.page(&urls::project("shop")).await.text().contains("muted"));
        // … or when somebody says so.
        ana.post(&urls::project_mute("shop"), &[("for", "ever")]).await.assert_redirect(&list);
        app.clock.advance(TimeDelta::days(20));
        happens(app, &shop, &[error("Second")]).await;
        assert_eq!(subjects(app, "ana").await.len(), 1);
        root.page(&urls::project("shop")).await.assert_reads("muted until somebody ends it");
        ana.post(&urls::project_unmute("shop"), &[]).await.assert_redirect(&list);
        happens(app, &shop, &[error("Third")]).await;
        assert_eq!(subjects(app, "ana").await.len(), 2);
        for never in ["", "-5", "x", "99999999999999999999"] {
            ana.post(&urls::project_mute("shop"), &[("for", never)]).await.assert_status(422);
        }
    });
}

#[test]
fn a_kind_that_is_switched_off_is_told_to_nobody_unless_a_rule_says_so() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let (ana, root) = (app.member("ana", &shop).await, app.admin("root").await);
        let on = [("regressions", "1"), ("spikes", "1"), ("feedback", "1"), ("limits", "1"), ("noisy_places", "1")];
        ana.post(&urls::project_mails("shop"), &on).await.assert_status(403);
        root.post(&urls::project_mails("shop"), &on).await.assert_redirect(&urls::project_alerts("shop"));
        let page = ana.page(&urls::project_alerts("shop")).await;
        assert!(page.html().contains("name=\"spikes\" value=\"1\" checked") && page.html().contains("name=\"new_issues\" value=\"1\"><"));
        happens(app, &shop, &[error("Boom")]).await;
        let issue = app.only_issue(&shop).await;
        ana.page(&urls::issue_told(issue)).await.assert_reads("No rule matched, and for what no rule matches “new issue” is switched off");
        add(&root, &form("Fatal", "everybody", &[&[("level", "is", "fatal")]])).await;
        happens(app, &shop, &[error("Crash").with("level", "fatal".into()), error("Bang")]).await;
        assert_eq!(subjects(app, "ana").await, ["[shop] New: Crash: it broke"]);
    });
}

#[test]
fn a_test_says_what_a_rule_would_have_sent_and_sends_nothing() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let root = app.admin("root").await;
        happens(app, &shop, &[error("Old").with("environment", "prod".into())]).await;
        app.clock.advance(TimeDelta::days(8));
        happens(app, &shop, &[error("Boom").with("environment", "prod".into()), error("Bang").with("environment", "dev".into())]).await;
        happens(app, &shop, &[error("Crash").with("environment", "prod".into()).with("level", "fatal".into())]).await;
        let mails = app.mails().await.len();
        add(&root, &form("Fatal", "nobody", &[&[("level", "is", "fatal")]])).await;
        let test = |who, rows| {
            let mut fields = form("", who, &[rows]);
            fields.push(("do", "test"));
            fields
        };
        let path = urls::alert_rule("shop", "new");
        let page = root.post(&path, &test("everybody", &[("environment", "is", "prod")])).await.assert_ok();
        page.assert_reads("Of 3 facts of the last 7 days it would have decided 1: 1 message, and 0 facts told to nobody.");
        page.assert_reads("1 more would match, but a rule above decides.");
        page.assert_reads("New issue SHOP-2 Boom: it broke ana@example.test");
        let page = root.post(&path, &test("nobody", &[("level", "least", "error")])).await.assert_ok();
        page.assert_reads("it would have decided 2: 0 messages, and 2 facts told to nobody.");
        page.assert_reads("nobody The rule “this rule” tells nobody.");
        // The change of a rule is tested in the place where it stands.
        let [(fatal, _)] = rules(app).await[..] else { panic!("rules") };
        let page = root.post(&urls::alert_rule("shop", fatal), &test("everybody", &[("level", "is", "fatal, error")])).await.assert_ok();
        page.assert_reads("it would have decided 3: 3 messages");
        assert_eq!((app.mails().await.len(), rules(app).await.len()), (mails, 1), "nothing was sent or saved");
        let kept: serde_json::Value = sqlx::query_scalar("select definition from alert_rules").fetch_one(app.db()).await.unwrap();
        assert_eq!(kept["actions"], serde_json::json!([]));
    });
}

#[test]
fn a_test_counts_what_was_known_when_it_happened() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let root = app.admin("root").await;
        happens(app, &shop, &[error("Boom").user("1")]).await;
        happens(app, &shop, &[error("Boom").user("2"), error("Boom").user("3")]).await;
        let tested = async |subject, least| {
            let mut fields = form("", "everybody", &[&[(subject, "least", least)]]);
            fields.push(("do", "test"));
            root.post(&urls::alert_rule("shop", "new"), &fields).await.assert_ok().text()
        };
        for (subject, least, decided) in [("events", "1", 1), ("events", "2", 0), ("users", "2", 0), ("age", "1 minute", 0)] {
            let text = tested(subject, least).await;
            assert!(text.contains(&format!("it would have decided {decided}:")), "{subject} {least}: {text}");
        }
    });
}

#[test]
fn a_rule_that_cannot_be_read_is_passed_over() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.member("ana", &shop).await;
        let rule =
            "insert into alert_rules (project_id, position, name, definition, changed_at) values ($1, 1, 'From tomorrow', $2, now())";
        let says = serde_json::json!({"all": true, "groups": [{"all": true, "conditions": [{"not": false, "test": {"weather": "fine"}}]}], "actions": []});
        sqlx::query(rule).bind(shop.id.0).bind(says).execute(app.db()).await.unwrap();
        happens(app, &shop, &[error("Boom")]).await;
        assert_eq!(subjects(app, "ana").await, ["[shop] New: Boom: it broke"]);
    });
}
