//! Explanations in words.

use serde_json::{Value, json};

use super::super::{Config, Version, explain_changes, explain_words, group};

fn words(event: &Value) -> String {
    words_with(event, &Config::standard())
}

fn words_with(event: &Value, config: &Config) -> String {
    explain_words(&group(&mut event.clone(), config)).join(" ")
}

#[test]
fn a_stack_is_named_newest_call_first() {
    let frame = |module: &str, function: &str, in_app: bool| json!({"module": module, "function": function, "in_app": in_app});
    let frames = [
        frame("shop.wsgi", "application", true),
        frame("django.core", "inner", false),
        frame("shop.views", "submit", true),
        frame("shop.payment", "charge_card", true),
    ];
    let event = json!({"platform": "python", "exception": {"type": "PaymentDeclined", "value": "503 for merchant 40127", "stacktrace": {"frames": frames}}});
    assert_eq!(
        words(&event),
        "Same stack in app frames: charge_card ← submit ← application. The message does not count, nor do the numbers in it."
    );
    let out = json!({"platform": "python", "exception": {"type": "E", "stacktrace": {"frames": [frame("m", "f", false)]}}});
    assert_eq!(words(&out), "Same stack in all frames: f. No frame is marked as part of the app.");
}

#[test]
fn other_kinds_say_what_they_share() {
    let rules = Config::with_rules(Version::NEWEST, "", "type:E -> mine {{ value }}").unwrap();
    let table = [
        (
            json!({"exception": {"type": "E", "value": "no 5"}}),
            "Same type and message: E: no <int>. The numbers in the message do not count.",
        ),
        (json!({"exception": {"type": "E"}}), "Same type: E."),
        (json!({"message": "took 5s"}), "Same message: took <duration>. The durations in the message do not count."),
        (
            json!({"message": "at 12:30 on 10.0.0.1"}),
            "Same message: at <date> on <ip>. The dates and addresses in the message do not count.",
        ),
        (json!({}), "Nothing in the event says what it is, so all such events are together."),
        (json!({"checksum": "x"}), "Same checksum, which the client sent."),
        (json!({"fingerprint": ["a", "b"]}), "Same fingerprint, which the client sent: a, b."),
        (json!({"message": "m", "fingerprint": ["{{ default }}", "b"]}), "Same message: m. The fingerprint adds: b."),
    ];
    for (event, expected) in table {
        assert_eq!(words(&event), expected, "{event}");
    }
    assert_eq!(
        words_with(&json!({"exception": {"type": "E", "value": "v"}}), &rules),
        "Same fingerprint: mine, v. It was set by the project’s rule “type:E -> mine {{ value }}” (line 1)."
    );
}

#[test]
fn a_chain_names_all_its_exceptions_the_last_first() {
    let stack = |functions: &[&str]| {
        let frames = functions.iter().map(|function| json!({"module": "m", "function": function, "in_app": true}));
        json!({"frames": frames.collect::<Vec<_>>()})
    };
    let chain = |values: Value| json!({"platform": "python", "exception": {"values": values}});
    let bare = json!({"type": "OSError", "value": "no 5"});
    let with_stack = json!({"type": "Declined", "value": "for 40127", "stacktrace": stack(&["submit", "charge"])});
    let table = [
        (
            chain(json!([bare, with_stack])),
            "Same 2 exceptions and app frames: Declined in charge ← submit; OSError: no <int>. \
             The message counts only of exceptions without a stack trace, without the numbers in it.",
        ),
        (
            chain(json!([{"type": "A", "stacktrace": stack(&["f"])}, with_stack])),
            "Same 2 exceptions and app frames: Declined in charge ← submit; A in f. The message does not count, nor do the numbers in it.",
        ),
        (
            chain(json!([bare, {"type": "B", "value": "b"}])),
            "Same 2 exceptions: B: b; OSError: no <int>. The numbers in the message do not count.",
        ),
        (
            chain(json!((0..6).map(|i| json!({"type": format!("E{}", ["a", "b", "c", "d", "e", "f"][i])})).collect::<Vec<_>>())),
            "Same 6 exceptions: Ef; Ee; Ed; Ec; and 2 more.",
        ),
    ];
    for (event, expected) in table {
        assert_eq!(words(&event), expected, "{event}");
    }
    let said = changes(&chain(json!([{"type": "A", "stacktrace": stack(&["f"])}, with_stack])), &Config::standard());
    assert!(said.contains("one of the 3 frames that count"), "frames of all of them: {said}");
    assert!(said.contains("One exception more or one less"), "{said}");
}

#[test]
fn the_tree_says_which_rule_left_a_frame_out() {
    let frames = json!([{"function": "f", "abs_path": "/x/node_modules/y.js", "in_app": true}, {"function": "g", "abs_path": "/x/y.js", "in_app": true}]);
    let mut event = json!({"platform": "node", "stacktrace": {"frames": frames}});
    let grouping = group(&mut event, &Config::standard());
    let tree = grouping.variants[0].component.as_ref().unwrap().to_json();
    let frame = &tree["parts"][0]["parts"][0];
    assert_eq!(frame["contributes"], false);
    assert_eq!(frame["hint"], "taken out of the app by the built-in rule “path:**/node_modules/** -app”");
    assert_eq!(event["stacktrace"]["frames"][0]["in_app"], false);
    assert_eq!(event["stacktrace"]["frames"][0]["data"]["orig_in_app"], 1);
}

fn changes(event: &Value, config: &Config) -> String {
    explain_changes(&group(&mut event.clone(), config)).join(" ")
}

#[test]
fn what_would_change_it_follows_from_what_decided() {
    let frame = |function: &str, in_app: bool| json!({"module": "m", "function": function, "in_app": in_app});
    let stack = |frames: &[Value]| json!({"platform": "python", "exception": {"type": "E", "stacktrace": {"frames": frames}}});
    let rules = Config::with_rules(Version::NEWEST, "", "type:E -> mine").unwrap();
    let standard = Config::standard();
    let table = [
        (stack(&[frame("f", true), frame("g", true)]), &standard, "one of the 2 frames that count"),
        (stack(&[frame("f", true)]), &standard, "a second frame that counts"),
        (stack(&[frame("f", true)]), &standard, "(+app, -app)"),
        (stack(&[frame("f", false)]), &standard, "A frame that is in the app"),
        (stack(&[frame("f", true)]), &standard, "Another type of exception."),
        (json!({"exception": {"type": "E", "value": "v"}}), &standard, "Another type or message, or a stack trace."),
        (json!({"message": "m"}), &standard, "Other words in the message"),
        (json!({"message": "m"}), &standard, "A fingerprint, from the client or by a rule"),
        (json!({"message": "m", "fingerprint": ["{{ default }}", "b"]}), &standard, "Another fingerprint from the client"),
        (json!({"message": "m", "fingerprint": ["b"]}), &standard, "Without the fingerprint, the message would decide."),
        (json!({"message": "m", "checksum": "b"}), &standard, "Without the checksum, the message would decide."),
        (json!({}), &standard, "An event that says what happened"),
        (stack(&[frame("f", true)]), &rules, "A change to this rule, or a fingerprint rule above it"),
        (stack(&[frame("f", true)]), &rules, "Without the fingerprint, the exception stack trace in app frames would decide."),
    ];
    for (event, config, expected) in table {
        let said = changes(&event, config);
        assert!(said.contains(expected), "{event}: {said}");
    }
}

#[test]
fn a_frame_that_a_rule_put_into_the_app_names_it_and_as_json_its_place() {
    let mut event = json!({"platform": "python", "stacktrace": {"frames": [{"module": "shop.x", "function": "f", "in_app": false}]}});
    let config = Config::with_rules(Version::NEWEST, "# ours\nstack.module:shop.* +app", "").unwrap();
    let json = group(&mut event, &config).to_json();
    let frame = &json["variants"][0]["tree"]["parts"][0]["parts"][0];
    assert_eq!(frame["contributes"], true);
    assert_eq!(frame["hint"], "put into the app by the project’s rule “stack.module:shop.* +app” (line 2)");
    assert_eq!(frame["rule"], json!({"origin": "project", "kind": "stack-trace", "line": 2, "text": "stack.module:shop.* +app"}));
    assert_eq!(json["why"][0], "Same stack in app frames: f.");
    assert!(json["changes"].as_array().is_some_and(|changes| changes.len() > 1));
}

#[test]
fn rules_that_would_have_cost_too_much_are_told_of() {
    let rules: Vec<String> = (0..400).map(|i| format!("message:*a{}{i} -> x", "?".repeat(40))).collect();
    let config = Config::with_rules(Version::NEWEST, "", &rules.join("\n")).unwrap();
    let event = |length| json!({"logentry": {"formatted": "a".repeat(length)}});
    assert!(!words_with(&event(300), &config).contains("not all tried"));
    let words = words_with(&event(30_000), &config);
    assert!(words.contains("The project's fingerprint rules were not all tried"), "{words}");
}
