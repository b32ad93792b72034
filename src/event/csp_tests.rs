//! Reports in all their spellings, and the events they become.

use proptest::prelude::*;

use super::*;

fn of(report: &Value) -> Value {
    event(&json!({"csp-report": report}), Around::default()).unwrap()
}

fn said(directive: &str, blocked: &str) -> String {
    let event = of(&json!({"effective-directive": directive, "blocked-uri": blocked}));
    event["logentry"]["formatted"].as_str().unwrap().to_owned()
}

#[test]
fn messages_follow_the_table() {
    let url = "https://evil.example:8443/a?b#c";
    for (directive, local, other) in [
        ("child-src", "Blocked inline 'child'", "Blocked 'child' from 'evil.example:8443'"),
        ("connect-src", "Blocked inline 'connect'", "Blocked 'connect' from 'evil.example:8443'"),
        ("font-src", "Blocked inline 'font'", "Blocked 'font' from 'evil.example:8443'"),
        ("form-action", "Blocked inline 'form-action'", "Blocked 'form' action to 'evil.example:8443'"),
        ("img-src", "Blocked inline 'image'", "Blocked 'image' from 'evil.example:8443'"),
        ("manifest-src", "Blocked inline 'manifest'", "Blocked 'manifest' from 'evil.example:8443'"),
        ("media-src", "Blocked inline 'media'", "Blocked 'media' from 'evil.example:8443'"),
        ("object-src", "Blocked inline 'object'", "Blocked 'object' from 'evil.example:8443'"),
        ("script-src", "Blocked unsafe (eval() or inline) 'script'", "Blocked 'script' from 'evil.example:8443'"),
        ("script-src-elem", "Blocked inline script attribute", "Blocked 'script' from 'evil.example:8443'"),
        ("script-src-attr", "Blocked unsafe 'script' element", "Blocked inline script attribute from 'evil.example:8443'"),
        ("style-src", "Blocked inline 'style'", "Blocked 'style' from 'evil.example:8443'"),
        ("style-src-elem", "Blocked 'style' or 'link' element", "Blocked 'style' from 'evil.example:8443'"),
        ("style-src-attr", "Blocked style attribute", "Blocked style attribute from 'evil.example:8443'"),
        ("frame-src", "Blocked inline 'frame-src'", "Blocked 'frame-src' from 'evil.example:8443'"),
    ] {
        for here in ["", "self", "'self'"] {
            assert_eq!(said(directive, here), local, "{here}");
        }
        assert_eq!(said(directive, url), other);
    }
    assert_eq!(said("script-src", "inline"), "Blocked unsafe inline 'script'");
    assert_eq!(said("script-src", "eval"), "Blocked unsafe eval() 'script'");
    assert_eq!(said("img-src", "data"), "Blocked 'image' from 'data:'");
    assert_eq!(said("img-src", "http"), "Blocked 'image' from 'http://'");
    assert_eq!(said("img-src", "blob:https://a.b/c"), "Blocked 'image' from 'blob:'");
    assert_eq!(said("img-src", "ftp://a.b/c"), "Blocked 'image' from 'ftp://a.b'");
}

#[test]
fn a_report_becomes_an_event() {
    let report = json!({"csp-report": {
        "document-uri": "https://shop.example/cart?x=1", "referrer": "https://search.example/", "violated-directive": "img-src cdn.example https://shop.example 'none'",
        "effective-directive": "img-src", "original-policy": "img-src cdn.example", "disposition": "enforce", "blocked-uri": "https://evil.example/a.png",
        "status-code": "200", "line-number": 7, "script-sample": "", "something": {"new": 1}
    }});
    let around = Around { release: Some("shop@1.4"), environment: Some("production"), origin: Some("https://shop.example") };
    assert_eq!(
        event(&report, around).unwrap(),
        json!({
            "type": "csp", "logger": "csp", "logentry": {"formatted": "Blocked 'image' from 'evil.example'"},
            "culprit": "img-src cdn.example 'self' 'none'", "release": "shop@1.4", "environment": "production",
            "tags": [["effective-directive", "img-src"], ["blocked-uri", "https://evil.example/a.png"], ["blocked-host", "evil.example"]],
            "request": {"url": "https://shop.example/cart?x=1", "headers": [["Referer", "https://search.example/"], ["Origin", "https://shop.example"]]},
            "csp": {
                "document_uri": "https://shop.example/cart?x=1", "referrer": "https://search.example/", "violated_directive": "img-src cdn.example https://shop.example 'none'",
                "effective_directive": "img-src", "original_policy": "img-src cdn.example", "disposition": "enforce", "blocked_uri": "https://evil.example/a.png",
                "status_code": "200", "line_number": 7, "script_sample": "", "something": {"new": 1}
            }
        })
    );
}

#[test]
fn all_spellings_are_one() {
    let kebab = of(
        &json!({"effective-directive": "style-src-elem", "blocked-uri": "inline", "document-uri": "http://a.b/", "status-code": 200, "script-sample": "x"}),
    );
    let body = json!({"effectiveDirective": "style-src-elem", "blockedURL": "inline", "documentURL": "http://a.b/", "statusCode": 200, "sample": "x"});
    let reported = json!({"type": "csp-violation", "age": 3, "url": "http://a.b/", "body": body});
    assert_eq!(event(&reported, Around::default()).unwrap(), kebab);
}

#[test]
fn the_directive_is_the_first_known_word() {
    let directive = |report: Value| of(&report)["csp"]["effective_directive"].clone();
    assert_eq!(directive(json!({"effective-directive": "img-src https:"})), "img-src");
    assert_eq!(directive(json!({"effective-directive": "nonsense", "violated-directive": "worker-src 'self'"})), "worker-src");
    for report in [json!({}), json!({"effective-directive": 5}), json!({"violated-directive": "nonsense"}), json!([]), Value::Null] {
        assert_eq!(event(&json!({"csp-report": report}), Around::default()), Err(NotAReport), "{report}");
    }
}

#[test]
fn stripes_tokens_do_not_become_tags() {
    let event = of(&json!({"effective-directive": "connect-src", "blocked-uri": "https://api.stripe.com/v1/tokens?card=4242#x"}));
    assert_eq!(event["tags"][1], json!(["blocked-uri", "https://api.stripe.com/v1/tokens"]));
    let event = of(&json!({"effective-directive": "connect-src"}));
    assert_eq!((&event["tags"][1][1], event["tags"].as_array().unwrap().len()), (&json!("self"), 2));
}

#[test]
fn culprits_name_the_policy() {
    for (violated, document, expected) in [
        ("", "https://a.b/", ""),
        ("style-src cdn.x", "https://a.b/", "style-src cdn.x"),
        ("style-src cdn.x http://a.b:80 'unsafe-eval'", "app://a.b/c", "style-src app://cdn.x http://a.b:80 'unsafe-eval'"),
        ("style-src https://a.b  data:", "https://a.b/c/d", "style-src 'self' data:"),
    ] {
        assert_eq!(culprit(violated, document), expected, "{violated}");
    }
}

#[test]
fn forms_are_told_apart() {
    for (element, expected) in [
        (json!({"csp-report": {}}), Form::Csp),
        (json!({"type": "csp-violation", "body": {}}), Form::Csp),
        (json!({"type": "csp-violation"}), Form::Unknown),
        (json!({"type": "deprecation", "body": {}}), Form::Other),
        (json!({"expect-ct-report": {}}), Form::Other),
        (json!({"expect-staple-report": {}}), Form::Other),
        (json!({"hostname": "a", "known-pins": []}), Form::Other),
        (json!({"type": 5}), Form::Unknown),
        (json!({}), Form::Unknown),
        (json!([]), Form::Unknown),
        (json!("csp-report"), Form::Unknown),
    ] {
        assert_eq!(form(&element), expected, "{element}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        let key = prop_oneof!["effective-directive|blocked-uri|violated-directive|document-uri|body|type|csp-report", ".{0,8}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_report_has_an_end(report in any_json(), violated in "(img-src|script-src|.{0,9})( .{0,12}){0,3}", blocked in ".{0,30}") {
        let _ = event(&report, Around::default());
        let known = json!({"csp-report": {"effective-directive": "img-src", "violated-directive": violated, "blocked-uri": blocked, "document-uri": report}});
        let event = event(&known, Around::default()).unwrap();
        prop_assert!(event["logentry"]["formatted"].as_str().unwrap().starts_with("Blocked "));
        prop_assert!(event["csp"]["effective_directive"] == "img-src");
    }
}

#[test]
fn a_policy_of_half_a_million_words_costs_no_more_than_to_read_it() {
    // Copied once for each word, this would be 250 GB.
    let violated = "a ".repeat(500_000);
    assert_eq!(culprit(&violated, "https://b.example/").len(), violated.len() - 1);
}
