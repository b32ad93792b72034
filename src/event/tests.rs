//! Normalising as a whole: a table of small events per interface, and properties over arbitrary JSON.

use std::path::Path as FilePath;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{NormaliseParams, json, normalise};

fn received() -> DateTime<Utc> {
    "2025-11-22T08:26:40Z".parse().unwrap()
}

fn params() -> NormaliseParams {
    NormaliseParams { client_ip: Some("198.51.100.7".parse().unwrap()), ..NormaliseParams::new(received()) }
}

fn with(event: &Value, params: &NormaliseParams) -> Value {
    normalise(event.clone(), params).unwrap()
}

/// Each row: what is sent, a pointer into the answer, what stands there (null: nothing).
fn table(rows: &[(Value, &str, Value)]) {
    for (sent, pointer, expected) in rows {
        let stored = with(sent, &params());
        assert_eq!(stored.pointer(pointer).unwrap_or(&Value::Null), expected, "{pointer} of {sent}\nstored {stored}");
    }
}

#[test]
fn defaults() {
    table(&[
        (json!({}), "/level", json!("error")),
        (json!({}), "/type", json!("default")),
        (json!({}), "/platform", json!("other")),
        (json!({}), "/logger", json!("")),
        (json!({}), "/timestamp", json!(1_763_800_000.0)),
        (json!({"event_id": "0123456789ABCDEF0123456789ABCDEF"}), "/contexts/trace/span_id", json!("0123456789abcdef")),
        (json!({"event_id": "01234567-89ab-cdef-0123-456789abcdef"}), "/event_id", json!("0123456789abcdef0123456789abcdef")),
        (json!({"type": "transaction"}), "/level", json!("info")),
        (json!({"platform": "dart"}), "/_meta/platform//val", json!("dart")),
        (json!({"colour": "red"}), "/errors/0", json!({"type": "invalid_attribute", "name": "colour"})),
        (json!({"device": 1, "hashes": ["x"]}), "/errors", json!(null)),
    ]);
}

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

#[test]
fn levels_are_read_generously() {
    let rows = [("WARN", "warning"), ("Info", "info"), ("critical", "fatal"), ("log", "info")];
    table(&rows.map(|(sent, stored)| (json!({"level": sent}), "/level", json!(stored))));
    table(&[
        (json!({"level": 30}), "/level", json!("warning")),
        (json!({"level": "loud"}), "/errors/0/reason", json!("invalid level")),
        (json!({"level": 45}), "/level", json!("error")),
    ]);
}

#[test]
fn times_of_every_form() {
    let at = json!(1_763_799_999.5);
    for form in [
        json!(1_763_799_999.5),
        json!("2025-11-22T08:26:39.5Z"),
        json!("2025-11-22T08:26:39.500000"),
        json!("2025-11-22T10:26:39.5+02:00"),
        json!("2025-11-22 08:26:39.5 UTC"),
        json!("2025-11-22 08:26:39.5"),
        json!("1763799999.5"),
        json!(1_763_799_999_500_i64),
        json!(1_763_799_999_500_000_i64),
        json!(1_763_799_999_500_000_000_i64),
    ] {
        table(&[(json!({"timestamp": form}), "/timestamp", at.clone()), (json!({"timestamp": form}), "/errors", json!(null))]);
    }
    for bad in
        [json!("yesterday"), json!(""), json!("2025-11-22"), json!(true), json!({"a": 1}), json!(1e300), json!("2025-02-30T00:00:00Z")]
    {
        let stored = with(&json!({"timestamp": bad}), &params());
        assert_eq!(stored["timestamp"], json!(1_763_800_000.0), "{bad}");
        assert_eq!(stored["errors"][0]["name"], "timestamp");
    }
}

#[test]
fn an_event_with_a_wrong_clock_moves_as_a_whole() {
    let event = json!({"timestamp": 1_700_000_000, "breadcrumbs": [{"timestamp": 1_699_999_990}]});
    let stored = with(&event, &params());
    assert_eq!(stored["timestamp"], json!(1_763_800_000.0));
    assert_eq!(stored["breadcrumbs"]["values"][0]["timestamp"], json!(1_763_799_990.0));
    assert_eq!(stored["errors"][0]["type"], "past_timestamp");

    let event = json!({"timestamp": 1_763_790_000});
    let drifted = NormaliseParams { sent_at: Some("2025-11-22T07:26:40Z".parse().unwrap()), ..params() };
    let stored = with(&event, &drifted);
    assert_eq!(stored["timestamp"], json!(1_763_793_600.0));
    assert_eq!(stored["errors"][0]["type"], "clock_drift");
    let delayed = NormaliseParams { sent_at: Some("2025-11-22T07:31:41Z".parse().unwrap()), ..params() };
    assert_eq!(with(&event, &delayed)["timestamp"], json!(1_763_790_000.0));
}

#[test]
fn release_dist_and_environment_are_removed_when_invalid() {
    table(&[
        (json!({"release": " web@1.0 "}), "/release", json!("web@1.0")),
        (json!({"release": 3}), "/release", json!("3")),
        (json!({"release": "latest"}), "/release", json!(null)),
        (json!({"release": "feature/x"}), "/_meta/release//val", json!("feature/x")),
        (json!({"release": "r".repeat(201)}), "/release", json!(null)),
        (json!({"dist": "a b"}), "/errors/0/reason", json!("invalid character ' '")),
        (json!({"environment": "None"}), "/environment", json!(null)),
        (json!({"environment": "ü".repeat(33)}), "/environment", json!(null)),
        (json!({"tags": {"environment": "qa"}}), "/environment", json!("qa")),
    ]);
}

#[test]
fn tags_become_pairs() {
    table(&[
        (json!({"tags": {"b": true, "a": 1.9}}), "/tags", json!([["a", "1"], ["b", "True"]])),
        (json!({"tags": [["a", "1"], ["a", "2"]]}), "/tags", json!([["a", "1"]])),
        (json!({"tags": [{"key": "a", "value": "1"}]}), "/tags", json!([["a", "1"]])),
        (json!({"tags": {"a b": " x "}}), "/tags", json!([["a-b", "x"]])),
        (json!({"tags": [["site", "tag"]], "site": "field"}), "/tags", json!([["site", "field"]])),
        (json!({"tags": {"a": "x\ny"}}), "/tags", json!([["a", null]])),
        (json!({"tags": {"a": "v".repeat(201)}}), "/_meta/tags/0/1//len", json!(201)),
        (json!({"tags": {"release": "r", "user": "u"}}), "/tags", json!(null)),
        (json!({"server_name": "web-1"}), "/tags", json!([["server_name", "web-1"]])),
        (json!({"tags": 5}), "/errors/0/reason", json!("expected an array")),
    ]);
    let many: Map<String, Value> = (0..10_000).map(|i| (format!("key{i}"), json!(i))).collect();
    let stored = with(&json!({"tags": many}), &params());
    assert_eq!(stored["tags"].as_array().unwrap().len(), super::tags::MAX_TAGS);
    assert_eq!(stored["_meta"]["tags"][""]["len"], 10_000);
}

#[test]
fn messages_are_formatted() {
    let entry = |message: &str, params: Value| json!({"logentry": {"message": message, "params": params}});
    let rows = [
        (entry("%s of %d", json!(["a", 2])), json!("a of 2")),
        (entry("%(who)s did %(what)r", json!({"who": "bo", "what": "x"})), json!("bo did \"x\"")),
        (entry("100% done %s", json!(["ok"])), json!("100% done ok")),
        (entry("100%% of %.2f", json!([2.5])), json!("100% of 2.5")),
        (entry("{} and {}", json!(["a", "b"])), json!("a and b")),
        (entry("{1} {0}", json!(["a", "b"])), json!("b a")),
        (entry("{name}", json!({"name": "n"})), json!("n")),
        (entry("%s %s", json!(["one"])), json!("%s %s")),
        (entry("{missing}", json!({"other": 1})), json!("{missing}")),
        (entry("%s", json!([null])), json!("%s")),
        (json!({"message": "plain"}), json!("plain")),
        (json!({"message": 42}), json!("42")),
        (json!({"message": {"formatted": "f"}}), json!("f")),
        (json!({"message": "lost", "logentry": "wins"}), json!("wins")),
        (json!({"sentry.interfaces.Message": {"message": "old %s", "params": ["style"]}}), json!("old style")),
    ];
    table(&rows.map(|(sent, formatted)| (sent, "/logentry/formatted", formatted)));
    table(&[
        (json!({"logentry": {"message": {"a": 1}}}), "/errors/0/reason", json!("no message present")),
        (json!({"message": "x".repeat(8_393)}), "/_meta/logentry/formatted//len", json!(8_393)),
        (json!({"message": "x".repeat(8_392)}), "/_meta", json!(null)),
    ]);
}

#[test]
fn exceptions_of_every_shape() {
    for shape in [
        json!([{"type": "T", "value": "v"}]),
        json!({"values": [{"type": "T", "value": "v"}]}),
        json!({"type": "T", "value": "v"}),
        json!([null, {"type": "T", "value": "v"}]),
        json!([{"value": "T: v"}]),
    ] {
        let stored = with(&json!({"exception": shape}), &params());
        assert_eq!(stored["exception"], json!({"values": [{"type": "T", "value": "v"}]}), "{shape}");
        assert_eq!(stored["type"], "error");
    }
    table(&[
        (json!({"exception": [{"type": "T", "value": ["x"]}]}), "/exception/values/0/value", json!("[\"x\"]")),
        (json!({"exception": [{"module": "m"}]}), "/errors/0/attribute", json!("type or value")),
        (json!({"exception": 5}), "/type", json!("default")),
        (
            json!({"exception": [{"type": "T"}], "stacktrace": {"frames": [{"function": "f"}]}}),
            "/exception/values/0/stacktrace/frames/0/function",
            json!("f"),
        ),
    ]);
}

#[test]
fn mechanisms_keep_what_matters() {
    let mechanism = |mechanism: Value| json!({"exception": [{"type": "T", "mechanism": mechanism}], "contexts": {"os": {"name": "iOS"}}});
    let at = "/exception/values/0/mechanism";
    table(&[
        (
            mechanism(json!({"handled": false, "x": 1})),
            at,
            json!({"type": "generic", "handled": false, "data": {"handled": false, "x": 1}}),
        ),
        (
            mechanism(json!({"type": "signal", "meta": {"signal": {"number": 11, "code": 1}}})),
            "/exception/values/0/mechanism/meta/signal",
            json!({"number": 11, "code": 1, "name": "SIGSEGV", "code_name": "SEGV_MAPERR"}),
        ),
        (mechanism(json!({})), at, json!(null)),
        (mechanism(json!({"type": "x", "handled": "no"})), at, json!({"type": "x"})),
        (mechanism(json!("text")), "/errors/0/reason", json!("expected exception mechanism")),
    ]);
}

#[test]
fn frames_are_completed_and_bounded() {
    let event = |frames: Value| json!({"exception": [{"type": "T", "stacktrace": {"frames": frames}}]});
    let at = "/exception/values/0/stacktrace/frames/0";
    table(&[
        (
            event(json!([{"abs_path": "http://x.test/js/app.js?x=1#f"}])),
            "/exception/values/0/stacktrace/frames/0/filename",
            json!("/js/app.js"),
        ),
        (event(json!([{"filename": "a.py"}])), at, json!({"filename": "a.py", "abs_path": "a.py"})),
        (event(json!([{"function": "?", "lineno": 1.5}])), at, json!({"lineno": 1})),
        (event(json!([{"function": "f", "lineno": -1}])), "/errors/0/reason", json!("expected an unsigned integer")),
        (
            event(json!([{"instruction_addr": 4096, "symbol_addr": "0xAB"}])),
            at,
            json!({"instruction_addr": "0x1000", "symbol_addr": "0xab"}),
        ),
        (event(json!([{"vars": ["a"]}])), at, json!({"vars": {"0": "a"}})),
        (event(json!([{"pre_context": ["a", null]}])), at, json!({"pre_context": ["a", ""]})),
        (event(json!([])), "/exception/values/0", json!({"type": "T"})),
    ]);
    let many: Vec<Value> = (0..5_000).map(|i| json!({"function": format!("f{i}"), "vars": {"i": i}, "in_app": i % 100 == 0})).collect();
    let stored = with(&event(json!(many)), &params());
    let frames = stored["exception"]["values"][0]["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!((frames.len(), &frames[49]["function"], &frames[50]["function"]), (250, &json!("f49"), &json!("f4800")));
    assert_eq!(frames.iter().filter(|frame| frame.get("vars").is_some()).count(), 48);
}

#[test]
fn structures_are_cut_to_their_budgets() {
    let mut deep = json!("x");
    for level in (1..10).rev() {
        deep = json!({format!("d{level}"): deep});
    }
    table(&[
        (json!({"extra": deep}), "/extra/d1/d2/d3/d4/d5/d6", json!("{\"d7\":{\"d8\":{\"d9\":\"x\"}}}")),
        (
            json!({"breadcrumbs": [{"data": deep}]}),
            "/breadcrumbs/values/0/data/d1/d2/d3/d4",
            json!("{\"d5\":{\"d6\":{\"d7\":{\"d8\":{\"d9\":\"x\"}}}}}"),
        ),
        (json!({"extra": {"a": "x".repeat(20_000)}}), "/_meta/extra/a//len", json!(20_000)),
        (json!({"contexts": {"c": {"text": "x".repeat(9_000)}}}), "/contexts/c/type", json!("c")),
    ]);
    let long: Map<String, Value> = (0..1_000).map(|i| (format!("k{i:04}"), json!("v".repeat(997)))).collect();
    let stored = with(&json!({"extra": long}), &params());
    assert_eq!(stored["extra"].as_object().unwrap().len(), 263);
    assert_eq!(stored["_meta"]["extra"][""]["len"], 1_000);
}

#[test]
fn counts_are_capped_where_relay_has_no_limit() {
    let crumbs: Vec<Value> = (0..5_000).map(|i| json!({"message": format!("m{i}")})).collect();
    let stored = with(&json!({"breadcrumbs": crumbs}), &params());
    assert_eq!(stored["breadcrumbs"]["values"][0]["message"], "m4800");
    assert_eq!(stored["_meta"]["breadcrumbs"]["values"][""]["len"], 5_000);
    let exceptions: Vec<Value> = (0..150).map(|i| json!({"type": format!("T{i}")})).collect();
    let stored = with(&json!({"exception": exceptions}), &params());
    assert_eq!(stored["exception"]["values"][0]["type"], "T50");
}

#[test]
fn requests_are_taken_apart() {
    let request = |request: Value| json!({"request": request});
    table(&[
        (
            request(json!({"url": "http://a.test?q=1+2&flag#top"})),
            "/request",
            json!({"url": "http://a.test/", "query_string": [["q", "1 2"], ["flag", ""]], "fragment": "top"}),
        ),
        (request(json!({"url": "/relative?z=1"})), "/request/url", json!("/relative")),
        (request(json!({"query_string": {"b": [1], "a": null}})), "/request/query_string", json!([["a", null], ["b", "[1]"]])),
        (
            request(json!({"headers": {"Cookie": "c=1; d=2", "x-foo": ["a", "b"]}})),
            "/request",
            json!({"cookies": [["c", "1"], ["d", "2"]], "headers": [["X-Foo", "a,b"]]}),
        ),
        (request(json!({"headers": {"n": 5}})), "/request/headers", json!([["N", "5"]])),
        (request(json!({"cookies": "a=1;b"})), "/errors/0/reason", json!("the cookie is missing a name/value pair")),
        (request(json!({"method": "post"})), "/request/method", json!("POST")),
        (request(json!({"method": "P"})), "/_meta/request/method//val", json!("P")),
        (request(json!({"data": "{\"a\":1}"})), "/request", json!({"data": {"a": 1}, "inferred_content_type": "application/json"})),
        (request(json!({"data": "a=1&b=2"})), "/request/data", json!({"a": "1", "b": "2"})),
        (request(json!({"data": "novalue="})), "/request/data", json!("novalue=")),
        (request(json!([1])), "/errors/0/reason", json!("expected request")),
    ]);
}

#[test]
fn users_and_addresses() {
    let auto = json!({"ip_address": "{{auto}}"});
    let infer = |how: &str| json!({"user": {"ip_address": "{{auto}}", "id": 1}, "sdk": {"name": "n", "version": "1", "settings": {"infer_ip": how}}});
    table(&[
        (json!({"user": auto}), "/user", json!({"ip_address": "198.51.100.7", "sentry_user": "ip:198.51.100.7"})),
        (infer("never"), "/user", json!({"id": "1", "sentry_user": "id:1"})),
        (infer("auto"), "/user/ip_address", json!("198.51.100.7")),
        (json!({"platform": "javascript"}), "/user/ip_address", json!("198.51.100.7")),
        (json!({"platform": "python"}), "/user", json!(null)),
        (json!({"request": {"env": {"REMOTE_ADDR": "203.0.113.9"}}}), "/user/ip_address", json!("203.0.113.9")),
        (json!({"user": {"id": 5, "plan": "gold"}}), "/user", json!({"id": "5", "data": {"plan": "gold"}, "sentry_user": "id:5"})),
        (json!({"user": {"id": "", "email": "a@b.test"}}), "/user/sentry_user", json!("email:a@b.test")),
        (json!({"user": {"ip_address": "nonsense"}}), "/errors/0/reason", json!("expected an ip address")),
        (json!({"user": "text"}), "/errors/0/reason", json!("expected user")),
    ]);
    let private = NormaliseParams { store_ips: false, ..params() };
    let stored = with(&json!({"platform": "javascript", "user": {"ip_address": "{{auto}}", "id": "1"}}), &private);
    assert_eq!(stored["user"], json!({"id": "1", "sentry_user": "id:1"}));
    let unknown = NormaliseParams { client_ip: None, ..params() };
    assert_eq!(with(&json!({"user": auto}), &unknown).get("user"), None);
}

#[test]
fn contexts_are_typed_and_completed() {
    let os = |raw: &str| json!({"contexts": {"os": {"raw_description": raw}}});
    let runtime = |raw: &str| json!({"contexts": {"runtime": {"raw_description": raw}}});
    table(&[
        (json!({"contexts": {"os": {"name": "Linux", "version": "6"}}}), "/contexts/os/os", json!("Linux 6")),
        (json!({"contexts": {"device": {"charging": "yes"}}}), "/errors/0/reason", json!("expected a boolean")),
        (json!({"contexts": {"own": {"a": null}}}), "/contexts/own", json!({"a": null, "type": "own"})),
        (json!({"contexts": {"reprocessing": {"a": 1}}}), "/contexts/reprocessing", json!(null)),
        (json!({"contexts": {"device": {"model": "SM-S901B"}}}), "/contexts/device/name", json!("Galaxy S22")),
        (json!({"contexts": {"trace": {"status": 5}}}), "/contexts/trace/status", json!("not_found")),
        (os("Microsoft Windows NT 10.0.19045.0"), "/contexts/os/os", json!("Windows 10.0.19045")),
        (os("iOS 17.1"), "/contexts/os/os", json!("iOS 17.1")),
        (os("Linux 4.4.0 #1 SMP"), "/contexts/os/kernel_version", json!("4.4.0")),
        (runtime(".NET Core 2.0"), "/contexts/runtime/runtime", json!(".NET Core 2.0")),
        (runtime("Mono 5.10.1 (branch)"), "/contexts/runtime/version", json!("5.10.1")),
        (json!({"contexts": {"runtime": {"name": ".NET Framework", "build": "461814"}}}), "/contexts/runtime/version", json!("4.7.2")),
    ]);
}

#[test]
fn browsers_are_recognised() {
    let seen = |agent: &str| json!({"platform": "javascript", "request": {"headers": {"User-Agent": agent}}});
    let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
    let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1.2 Mobile/15E148 Safari/604.1";
    table(&[
        (seen(chrome), "/contexts/browser/browser", json!("Chrome 120.0.0")),
        (seen(chrome), "/contexts/os/os", json!("Windows >=10")),
        (seen(chrome), "/contexts/device", json!(null)),
        (seen(iphone), "/contexts/browser/browser", json!("Mobile Safari 17.1.2")),
        (seen(iphone), "/contexts/device", json!({"family": "iPhone", "brand": "Apple", "model": "iPhone", "type": "device"})),
        (seen("curl/8.4.0"), "/contexts/browser/browser", json!("curl 8.4.0")),
        (seen("nobody knows"), "/contexts/browser", json!(null)),
        (
            json!({"request": {"headers": {"Sec-CH-UA": "\"Chromium\";v=\"116\", \"Not)A;Brand\";v=\"24\", \"Google Chrome\";v=\"116\""}}}),
            "/contexts/browser/browser",
            json!("Chrome 116"),
        ),
    ]);
}

#[test]
fn clients_notes_follow_their_values() {
    let event = json!({
        "tags": {"b": "2", "a": "1"},
        "request": {"cookies": {"sid": "x", "a": "y"}},
        "_meta": {"tags": {"b": {"": {"len": 9}}}, "request": {"cookies": {"sid": {"": {"rem": [["!config", "s"]]}}}}},
    });
    let meta = with(&event, &params())["_meta"].clone();
    assert_eq!(
        meta,
        json!({"tags": {"1": {"1": {"": {"len": 9}}}}, "request": {"cookies": {"1": {"1": {"": {"rem": [["!config", "s"]]}}}}}})
    );
}

#[test]
fn what_is_no_object_is_refused() {
    for event in [json!(null), json!(1), json!("x"), json!([1]), json!(true)] {
        assert!(normalise(event, &params()).is_err());
    }
}

/// Keys that mean something to some rule.
const KEYS: &[&str] = &[
    "values",
    "type",
    "value",
    "stacktrace",
    "frames",
    "mechanism",
    "meta",
    "signal",
    "number",
    "data",
    "vars",
    "tags",
    "key",
    "headers",
    "url",
    "cookies",
    "query_string",
    "env",
    "REMOTE_ADDR",
    "user",
    "id",
    "email",
    "ip_address",
    "geo",
    "sdk",
    "settings",
    "infer_ip",
    "contexts",
    "os",
    "name",
    "raw_description",
    "trace",
    "trace_id",
    "status",
    "timestamp",
    "level",
    "message",
    "params",
    "formatted",
    "filename",
    "abs_path",
    "function",
    "in_app",
    "lineno",
    "",
    "image",
    "images",
    "pre_context",
    "packages",
    "Cookie",
    "User-Agent",
];

/// Arbitrary JSON, with keys and texts that mean something to some rule.
fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        ".{0,12}",
        Just("{{auto}}".to_owned()),
        Just("%s {0} %(a)s".to_owned()),
        Just("a=1&b=2".to_owned()),
        Just("{\"a\": [1]}".to_owned()),
        Just("T: v".to_owned()),
        Just("http://x.test/a?b=c#d".to_owned()),
        Just("2025-11-22T08:26:40Z".to_owned()),
        Just("transaction".to_owned()),
        Just("x".repeat(9_000)),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1_000_000_i32..1_000_000).prop_map(|n| Value::from(f64::from(n) / 64.0)),
        text.prop_map(Value::from),
    ];
    let key = prop_oneof![prop::sample::select(KEYS).prop_map(str::to_owned), "[a-z]{1,3}",];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_event() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(
        super::fields::EVENT
            .fields
            .iter()
            .map(|field| field.key)
            .chain(["message", "sentry.interfaces.Http", "sentry.interfaces.Exception", "_meta", "colour", "server_name"])
            .collect::<Vec<_>>(),
    );
    prop::collection::btree_map(key, any_json(), 0..8)
        .prop_map(|map| Value::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}

proptest! {
    #[test]
    fn normalising_never_panics_and_is_idempotent(event in any_event()) {
        let once = with(&event, &params());
        let twice = with(&once, &params());
        prop_assert_eq!(&twice, &once);
    }
}

/// Every event of the conformance corpus, where it is at hand.
#[test]
fn normalising_real_events_again_changes_nothing() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/normalise/cases");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return;
    };
    for file in files {
        let path = file.unwrap().path();
        let (case, _) = json::parse(&std::fs::read(&path).unwrap()).unwrap();
        // Read from its bytes, as digest does: what Relay keeps is kept.
        let (input, _) = json::parse(case["input"].to_string().as_bytes()).unwrap();
        let once = with(&input, &params());
        assert_eq!(with(&once, &params()), once, "{}", path.display());
    }
}
