//! Normalising as a whole: a table of small events per interface. Beside it what stands around an event (`around`), what always holds (`properties`) and what
//! reviews found (`found`).

mod around;
mod found;
mod properties;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{NormaliseParams, normalise};

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
        (event(json!([{"pre_context": ["a", null]}])), at, json!({"pre_context": ["a", ""], "context_line": ""})),
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
