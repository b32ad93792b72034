//! What was found by people who had not written this: each stands for a rule.

use super::*;

#[test]
fn short_templates_cannot_take_all_memory() {
    let message = |sent: &Value| with(sent, &params())["logentry"]["formatted"].as_str().map(str::len);
    let long = "a".repeat(500_000);
    for template in ["{0}", "{}", "%s", "%(a)s", "{a}"] {
        for params in [json!([long]), json!({"a": long})] {
            let sent = json!({"logentry": {"message": template.repeat(100_000), "params": params}});
            assert!(message(&sent).is_some_and(|length| length <= 8192), "{template}");
        }
    }
    // As long as it is sensible it is formatted.
    let sent = json!({"logentry": {"message": "{0} and {0}", "params": ["a".repeat(4_000)]}});
    assert_eq!(message(&sent), Some(2 * 4_000 + 5));
    // Nothing but beginnings: no square of it, whatever the machine.
    let sent = json!({"logentry": {"message": "%(".repeat(200_000), "params": {"a": 1}}});
    assert_eq!(message(&sent), Some(8192));
}

#[test]
fn what_another_reading_of_relay_found() {
    let body = r#"{"otp":"123456","name":"x"}"#;
    table(&[
        (json!({"contexts": {"response": {"data": body}}}), "/contexts/response/data/otp", json!("123456")),
        (json!({"contexts": {"response": {"data": body}}}), "/contexts/response/inferred_content_type", json!("application/json")),
        (json!({"request": {"headers": {"Cookie": "[Filtered]"}}}), "/request/headers/0/1", json!("[Filtered]")),
        (json!({"request": {"headers": {"Cookie": "a; b=c"}}}), "/request/headers/0/1", json!("a; b=c")),
        (json!({"request": {"headers": {"Cookie": "a; b=c"}}}), "/request/cookies", Value::Null),
        (json!({"request": {"headers": {"Cookie": "foo"}, "cookies": "a=b"}}), "/request/headers", Value::Null),
        (json!({"contexts": {"os": {"name": "Windows", "build": 19045}}}), "/contexts/os/build", json!("19045")),
        (json!({"breadcrumbs": {"message": "a"}}), "/breadcrumbs/values/0/message", json!("a")),
        (json!({"user": {"id": "1", "data": 5, "first_name": "B"}}), "/user/data/first_name", json!("B")),
        (json!({"tags": [["environment", "prod"]], "environment": ""}), "/environment", json!("prod")),
        (json!({"tags": {"environment": "x".repeat(70)}}), "/environment", json!(format!("{}...", "x".repeat(61)))),
        (
            json!({"exception": [{"type": "E", "stacktrace": {"frames": [{"function": "f", "pre_context": ["a"]}]}}]}),
            "/exception/values/0/stacktrace/frames/0/context_line",
            json!(""),
        ),
        (json!({"server_name": "\u{b}"}), "/tags", Value::Null),
        (json!({"server_name": " web\n2 "}), "/tags/0/1", json!("web 2")),
        (json!({"fingerprint": vec!["{{ value }}"; 5000]}), "/_meta/fingerprint//len", json!(5000)),
        (json!({"foo": 1, "_meta": {"foo": {"": {"val": "password=x"}}}}), "/_meta/foo//val", Value::Null),
        (json!({"_meta": {"foo": {"": {"val": "password=x"}, "a": {"": {"val": "password=x"}}}}}), "/_meta/foo", Value::Null),
    ]);
    let many = with(&json!({"fingerprint": vec!["{{ value }}"; 5000]}), &params());
    assert_eq!(many["fingerprint"].as_array().map(Vec::len), Some(100));
}

#[test]
fn a_pair_that_is_cut_stays_a_pair() {
    let long = "x".repeat(9_000);
    for event in [
        json!({"request": {"query_string": [[long, "1"], ["b", "2"]]}}),
        json!({"request": {"cookies": [[long, "1"], ["b", "2"]]}}),
        json!({"request": {"headers": [[long, "1"], ["B", "2"]]}}),
        json!({"request": {"headers": {"A": "1", "B": long, "C": "3"}}}),
        json!({"contexts": {"response": {"headers": [[long, "1"], ["B", "2"]]}}}),
        json!({"contexts": {"r": {"type": "response", "cookies": [[long, "1"], ["b", "2"]]}}}),
        json!({"tags": [["a", long], ["b", "2"]]}),
    ] {
        let once = with(&event, &params());
        let lists =
            ["/request/query_string", "/request/cookies", "/request/headers", "/contexts/response/headers", "/contexts/r/cookies", "/tags"];
        let pairs: Vec<&Value> = lists.iter().filter_map(|at| once.pointer(at)?.as_array()).flatten().collect();
        assert!(!pairs.is_empty(), "{once}");
        for pair in pairs {
            assert!(pair.is_null() || pair.as_array().is_some_and(|pair| pair.len() == 2), "{pair}");
        }
        assert!(once.get("errors").is_none(), "{once}");
        assert_eq!(with(&once, &params()), once);
    }
}
