//! What the request and the envelope say, what a response said, and what clients spell their own way.

use serde_json::{Value, json};

use super::{NormaliseParams, params, table, with};

#[test]
fn the_envelope_names_sdk_and_trace_where_the_event_does_not() {
    let sdk = json!({"name": "sentry.python", "version": "2.0", "settings": {"infer_ip": "auto"}});
    let trace = "4C79F60C11214EB38604F4AE0781BFB2".to_ascii_lowercase();
    let told = NormaliseParams {
        sdk: Some(sdk.clone()),
        trace_id: Some(trace.clone()),
        client: Some("raven-js/3".to_owned()),
        event_id: Some("0123456789abcdef0123456789abcdef".to_owned()),
        ..params()
    };
    for none in [json!({}), json!({"sdk": null}), json!({"sdk": {}}), json!({"contexts": {"trace": {"trace_id": "0"}}})] {
        let stored = with(&none, &told);
        assert_eq!(stored["sdk"], sdk, "{none}");
        assert_eq!(stored["contexts"]["trace"]["trace_id"], json!(trace), "{none}");
        assert_eq!(stored["contexts"]["trace"]["span_id"], "0123456789abcdef", "{none}");
        // What the SDK wants done about addresses counts wherever it stands.
        assert_eq!(stored["user"]["ip_address"], "198.51.100.7", "{none}");
        assert_eq!(with(&stored, &told), stored);
    }
    let own =
        json!({"sdk": {"name": "own", "version": "1"}, "contexts": {"trace": {"trace_id": "1".repeat(32), "span_id": "2".repeat(16)}}});
    let stored = with(&own, &told);
    assert_eq!(stored["sdk"]["name"], "own");
    assert_eq!(stored["contexts"]["trace"]["trace_id"], json!("1".repeat(32)));
    for nothing in [json!({}), json!({"version": "2"}), json!({"name": 5})] {
        let told = NormaliseParams { sdk: Some(nothing), trace_id: Some("0".repeat(32)), ..told.clone() };
        let stored = with(&json!({}), &told);
        assert_eq!(stored["sdk"], json!({"name": "raven-js", "version": "3"}));
        assert_eq!(stored["contexts"]["trace"]["trace_id"], "0123456789abcdef0123456789abcdef");
    }
}

#[test]
fn only_security_reports_take_what_the_request_says_of_the_browser() {
    let hints = [("SEC-CH-UA-Platform", "Android"), ("SEC-CH-UA", "\"Google Chrome\";v=\"109\""), ("SEC-CH-UA-Model", "SM-S901B")];
    let told = NormaliseParams {
        user_agent: Some("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0".to_owned()),
        hints: hints.map(|(name, value)| (name, value.to_owned())).to_vec(),
        ..params()
    };
    let stored = with(&json!({"csp": {"effective_directive": "script-src", "blocked_uri": "http://evil.test/"}}), &told);
    assert_eq!(stored["contexts"]["browser"]["browser"], "Chrome 109");
    assert_eq!(stored["contexts"]["client_os"]["name"], "Android");
    assert_eq!(stored["contexts"]["device"]["name"], "Galaxy S22");
    assert_eq!(with(&stored, &told), stored);
    let stored = with(&json!({"platform": "javascript", "message": "x"}), &told);
    assert_eq!((stored.get("request"), stored["contexts"].get("browser")), (None, None));
}

#[test]
fn escaped_nuls_are_left_out_like_others() {
    let request = |request: Value| json!({"request": request});
    table(&[
        (request(json!({"url": "http://a.example/?b%00=%00c"})), "/request/query_string", json!([["b", "c"]])),
        (request(json!({"query_string": "a=%%0000"})), "/request/query_string", json!([["a", "%00"]])),
        (request(json!({"cookies": "a=%00b"})), "/request/cookies", json!([["a", "b"]])),
        (request(json!({"data": "a=%00b&c=d"})), "/request/data", json!({"a": "b", "c": "d"})),
        (request(json!({"data": "{\"a\\u0000\":[\"\\u0000b\"]}"})), "/request/data", json!({"a": ["b"]})),
    ]);
}

#[test]
fn cookies_of_a_response_are_moved() {
    let response = |response: Value| json!({"contexts": {"response": response}});
    let at = |part: &str| format!("/contexts/response/{part}");
    let (cookies, headers) = (at("cookies"), at("headers"));
    table(&[
        (response(json!({"headers": {"set-cookie": "a=b", "x": "1"}})), &cookies, json!([["a", "b"]])),
        (response(json!({"headers": {"set-cookie": "a=b", "x": "1"}})), &headers, json!([["X", "1"]])),
        (
            response(json!({"headers": [["Set-Cookie", "a=b"], ["Set-Cookie", "c=d; Path=/"]]})),
            &cookies,
            json!([["a", "b"], ["c", "d"], ["Path", "/"]]),
        ),
        (response(json!({"headers": {"Set-Cookie": "a=b"}, "cookies": {"z": "1"}})), &cookies, json!([["z", "1"]])),
        (response(json!({"headers": {"Set-Cookie": "a=b; HttpOnly"}})), &headers, json!([["Set-Cookie", "a=b; HttpOnly"]])),
        (
            response(json!({"headers": [["Set-Cookie", "a=b"], ["X", {}]]})),
            "/_meta/contexts/response/headers/0/1//err/0/0",
            json!("invalid_data"),
        ),
    ]);
    let sent = response(json!({"headers": [["Set-Cookie", "a=b"], ["Set-Cookie", "c=d"], ["X", {}]], "cookies": {}}));
    let once = with(&sent, &params());
    assert_eq!(with(&once, &params()), once);
}

/// What Go, Java and .NET clients spell their own way; the corpus has its turn in `normalising_real_events_again_changes_nothing`.
#[test]
fn nothing_that_can_be_read_is_refused() {
    for odd in [
        json!({"exception": [{"type": "T", "value": "v"}]}),
        json!({"exception": {"type": "T"}, "breadcrumbs": [{"message": "m"}, null, "text", 5]}),
        json!({"breadcrumbs": [{"message": "m", "data": [1]}]}),
        json!({"request": {"headers": {"Accept": ["a", "b"], "Content-Length": 17, "X": null, "Y": {"z": 1}}}}),
        json!({"request": {"headers": [["Accept", ["a"]], ["Content-Length", 17.5], ["odd"], 5]}}),
        json!({"tags": [["a", 1], {"key": "b", "value": "c"}, "d"], "modules": [], "sdk": {"packages": {}, "integrations": {}}}),
        json!({"user": {}, "fingerprint": [], "message": {}, "release": 5, "dist": {}, "timestamp": "never", "event_id": "none"}),
        json!({"type": "transaction"}),
        json!({"exception": "text", "threads": 1, "breadcrumbs": true, "user": [], "request": "", "contexts": [], "extra": 0, "level": []}),
    ] {
        let stored = with(&odd, &params());
        assert!(stored["type"].is_string() && stored["level"].is_string() && stored["timestamp"].is_number(), "{odd}");
    }
    let stored = with(&json!({"request": {"headers": {"Accept": ["a", "b"], "Content-Length": 17}}}), &params());
    assert_eq!(stored["request"]["headers"], json!([["Accept", "a,b"], ["Content-Length", "17"]]));
    let stored = with(&json!({"breadcrumbs": [{"message": "m"}]}), &params());
    assert_eq!(stored["breadcrumbs"]["values"][0]["message"], "m");
}
