//! The rules as tables, and properties of scrubbing.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

fn settings(changes: &Value) -> ScrubSettings {
    serde_json::from_value(changes.clone()).unwrap()
}

fn scrubbed(mut event: Value, changes: &Value) -> Value {
    settings(changes).compile().unwrap().scrub(&mut event);
    event
}

/// What the defaults make of one text in `extra`.
fn text(text: &str) -> String {
    scrubbed(json!({"extra": {"x": text}}), &json!({}))["extra"]["x"].as_str().unwrap().to_owned()
}

#[test]
fn secret_keys_take_their_value_with_them() {
    for (key, secret) in [
        ("password", true),
        ("my_Secret_key", true),
        ("PASSWD", true),
        ("api_key", true),
        ("x-api-key", true),
        ("apikey", true),
        ("author", true),
        ("credentials", true),
        ("mysql_pwd", true),
        ("privatekey", true),
        ("private-key", true),
        ("max_tokens", true),
        ("otp", true),
        ("Two-Factor", true),
        ("otp_code", false),
        ("two_factor_code", false),
        ("pwd", false),
        ("ssn", false),
        ("cookie", false),
        ("session", false),
        ("credential", false),
        ("bearer", false),
        ("signature", false),
        ("jwt", false),
    ] {
        let event = scrubbed(json!({"extra": {key: "v", "inside": {key: [1]}, "pairs": [[key, 5], ["other", "v"]]}}), &json!({}));
        let (one, gone) = if secret { (json!("[Filtered]"), Value::Null) } else { (json!("v"), json!([1])) };
        assert_eq!(event["extra"][key], one, "{key}");
        assert_eq!(event["extra"]["inside"][key], gone, "{key}");
        assert_eq!(event["extra"]["pairs"], json!([[key, if secret { Value::Null } else { json!(5) }], ["other", "v"]]), "{key}");
    }
}

#[test]
fn numbers_and_containers_are_removed_booleans_and_nulls_stay() {
    let event = scrubbed(
        json!({"extra": {"token": {"a": 1}, "secret": [], "auth": 1.5, "password": true, "passwd": null, "apikey": ""}}),
        &json!({}),
    );
    assert_eq!(event["extra"], json!({"token": null, "secret": null, "auth": null, "password": true, "passwd": null, "apikey": ""}));
    let removed = json!({"": {"rem": [["@password:filter", "x"]]}});
    assert_eq!(event["_meta"], json!({"extra": {"token": removed, "secret": removed, "auth": removed}}));
}

#[test]
fn words_in_a_text_take_the_whole_text() {
    for (given, whole) in [
        ("a PASSWORD b", true),
        ("SECRET\nmore", true),
        ("access_token=abc&x=1", true),
        ("my-token-x: 5", true),
        ("token x=5", false),
        ("tokens", false),
        ("token\n=", false),
        ("otp", true),
        (" otp", false),
        ("two_factor x", false),
        ("author bob", true),
        ("credential", false),
        ("api key", false),
        ("pa\u{17f}\u{17f}word", true),
    ] {
        assert_eq!(text(given), if whole { "[Filtered]" } else { given });
    }
}

#[test]
fn patterns_take_only_what_they_match() {
    let pem = "-----BEGIN EC PRIVATE KEY-----\nMIH\n-----END EC PRIVATE KEY-----";
    for (given, expected) in [
        ("a 4571234567890111 b", "a [Filtered] b"),
        ("5105-1051-0510-5100,6011000990139424", "[Filtered],[Filtered]"),
        ("3782 822463 10005", "[Filtered]"),
        ("4571.2345.6789.0111", "4571.2345.6789.0111"),
        ("4222222222222", "4222222222222"),
        ("45712345678901112", "45712345678901112"),
        ("x4571234567890111", "x4571234567890111"),
        ("DE89370400440532013000", "[Filtered]"),
        ("GB29NWBK60161331926819.", "[Filtered]."),
        ("DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"),
        ("US89370400440532013000", "US89370400440532013000"),
        ("078-05-1120", "[Filtered]"),
        ("078051120", "078051120"),
        ("1078-05-1120", "1078-05-1120"),
        ("x bearer  abc.def y", "x [Filtered] y"),
        ("Bearer ", "Bearer "),
        ("https://user:pw@host/p", "https://user:[Filtered]@host/p"),
        ("https://user@host", "https://user@host"),
        ("HTTPS://user:pw@host", "HTTPS://user:pw@host"),
        (pem, "-----BEGIN EC PRIVATE KEY-----\n[Filtered]\n-----END EC PRIVATE KEY-----"),
        ("-----BEGIN CERTIFICATE-----\nMIH\n-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nMIH\n-----END CERTIFICATE-----"),
        ("a@b.example 192.0.2.1", "a@b.example 192.0.2.1"),
    ] {
        assert_eq!(text(given), expected);
    }
}

#[test]
fn notes_say_which_rule_wrote_what_where() {
    let event = scrubbed(json!({"extra": {"x": "é 4571234567890111 Bearer q"}}), &json!({}));
    assert_eq!(event["extra"]["x"], "é [Filtered] [Filtered]");
    assert_eq!(
        event["_meta"]["extra"]["x"][""],
        json!({"rem": [["@creditcard:filter", "s", 3, 13], ["@bearer:filter", "s", 14, 24]], "len": 27}),
        "ranges in bytes, the old length in characters"
    );
}

#[test]
fn messages_keep_their_words_and_lose_their_secrets() {
    let event = json!({"logentry": {"formatted": "password of a.b@c.example 4571234567890111 DE89370400440532013000 078-05-1120 Bearer abc 1.2.3.4", "message": "secret %s", "params": ["secret", {"a": "otp"}]}});
    let event = scrubbed(event, &json!({"scrubIpAddresses": true, "excludeFields": ["formatted"]}));
    assert_eq!(event["logentry"]["formatted"], "password of [email] [creditcard] [iban] [us-ssn] Bearer [token] 1.2.3.4");
    assert_eq!(event["logentry"]["message"], "secret %s");
    assert_eq!(event["logentry"]["params"], json!(["[Filtered]", {"a": "[Filtered]"}]));
}

#[test]
fn session_cookies_go_by_name() {
    let event = json!({
        "request": {"cookies": [["PHPSESSID", "a"], ["csrftoken", "b"], ["theme", "dark"]]},
        "contexts": {"os": {"cookies": {"session": 5}}, "x": {"http.request.header.cookie.sudo": "c", "http.request.header.cookie.theme": "d"}},
        "tags": [["http.response.header.set-cookie.xsrf", "e"], ["session", "f"]],
    });
    let event = scrubbed(event, &json!({"excludeFields": ["PHPSESSID"]}));
    assert_eq!(event["request"]["cookies"], json!([["PHPSESSID", "[Filtered]"], ["csrftoken", "[Filtered]"], ["theme", "dark"]]));
    assert_eq!(event["contexts"]["os"]["cookies"]["session"], Value::Null);
    assert_eq!(event["contexts"]["x"], json!({"http.request.header.cookie.sudo": "[Filtered]", "http.request.header.cookie.theme": "d"}));
    assert_eq!(event["tags"], json!([["http.response.header.set-cookie.xsrf", "[Filtered]"], ["session", "f"]]));
}

/// An event with one text in every field that scrubbing has an opinion about: those that go, and those that stay.
fn everywhere(s: &str) -> (Value, Value) {
    let stacktrace = |vars: Value| json!({"frames": [{"function": s, "module": s, "filename": s, "abs_path": s, "context_line": s, "pre_context": [s], "vars": vars}]});
    let event = |g: Value, vars: Value| {
        json!({
            "breadcrumbs": {"values": [{"type": s, "category": s, "message": g, "data": {"a": g}}]},
            "contexts": {
                "app": {"app_name": s}, "custom": {"a": [g]}, "device": {"name": s, "device_unique_identifier": g}, "feedback": {"message": s},
                "response": {"headers": [["A", g]], "cookies": [["a", g]], "data": g, "x": s}, "trace": {"op": s, "data": {"a": g, "sentry.op": s}},
                "typed": {"type": "os", "name": s},
            },
            "csp": {"document_uri": g, "blocked_uri": g, "source_file": s, "script_sample": s},
            "culprit": s, "dist": s, "environment": s,
            "debug_meta": {"images": [{"code_file": s}]},
            "exception": {"values": [{"type": s, "value": s, "module": s, "mechanism": {"type": s, "description": g, "data": {"a": g}, "meta": {"errno": {"name": s}}}, "stacktrace": stacktrace(vars.clone())}]},
            "extra": {"a": g, "b": {"c": [g]}},
            "fingerprint": [s], "logger": s, "modules": {"a": s}, "release": s,
            "logentry": {"message": s, "params": [g]},
            "request": {"url": s, "method": s, "fragment": g, "query_string": [["a", g]], "headers": [["A", g], ["User-Agent", s]], "cookies": [["a", g]], "data": {"a": g}, "env": {"A": g}},
            "sdk": {"name": s},
            "server_name": g,
            "spans": [{"op": s, "description": s, "data": {"a": g}, "tags": {"a": s}, "sentry_tags": {"user.id": g, "action": s}}],
            "tags": [["a", s]],
            "template": {"filename": g, "abs_path": g, "context_line": s},
            "threads": {"values": [{"name": s, "stacktrace": stacktrace(vars)}]},
            "transaction": s,
            "user": {"id": g, "username": g, "email": g, "name": g, "data": {"a": g}, "geo": {"city": g}, "sentry_user": g},
        })
    };
    (event(json!(s), json!({"a": s})), event(json!("[Filtered]"), json!({"a": "[Filtered]"})))
}

#[test]
fn the_right_fields_are_examined() {
    let (event, expected) = everywhere("my secret");
    let mut got = scrubbed(event, &json!({}));
    got.as_object_mut().unwrap().remove("_meta").unwrap();
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(got[key], *value, "{key}");
    }
}

#[test]
fn sensitive_fields_act_on_keys_and_texts_whatever_their_case() {
    let changes = json!({"scrubDefaults": false, "sensitiveFields": ["Foo", " a.b ", ""]});
    let event = scrubbed(
        json!({"extra": {"foo": 1, "xFOOx": "v", "n": "has foo", "a.b": "v", "aXb": "v", "password": "p", "f": {"foo": true}}}),
        &changes,
    );
    assert_eq!(
        event["extra"],
        json!({"foo": null, "xFOOx": "[Filtered]", "n": "[Filtered]", "a.b": "[Filtered]", "aXb": "v", "password": "p", "f": {"foo": true}})
    );
    assert_eq!(event["_meta"]["extra"]["foo"], json!({"": {"rem": [["strip-fields", "x"]]}}));
}

#[test]
fn excluded_fields_are_keys_or_paths() {
    let extra = json!({"password": "0", "a": {"password": "1", "b": {"password": "2"}}, "list": [["password", "3"]], "my_password": "4", "a b": "secret"});
    for (path, kept) in [
        ("password", "0 1 2 3"),
        ("PassWord", "0 1 2 3"),
        ("extra.password", "0"),
        ("a.password", "1"),
        ("**.password", "0 1 2 3"),
        ("*.password", "0 1 2 3"),
        ("extra.**.password", "1 2 3"),
        ("**.a.password", "1"),
        ("a.**", "1 2"),
        ("a.**.password", "2"),
        ("list.*", "3"),
        ("extra.list.password", "3"),
        ("a b", "secret"),
        ("'a b'", "secret"),
        ("$string", "0 1 2 3 4 secret"),
        ("extra", ""),
        ("$user.password", ""),
        ("nothing*", ""),
        ("", ""),
    ] {
        let event = scrubbed(json!({"extra": extra}), &json!({"excludeFields": [path]}));
        let mut found = Vec::new();
        leaves(&event["extra"], &mut found);
        found.retain(|leaf| leaf != "[Filtered]" && leaf != "password");
        found.sort();
        assert_eq!(found.join(" "), kept, "{path}");
    }
}

#[test]
fn paths_know_interfaces() {
    let event = json!({"user": {"name": "secret"}, "request": {"headers": [["Authorization", "b"]]}, "exception": {"values": [{"stacktrace": {"frames": [{"vars": {"password": "p"}}]}}]}});
    for (path, pointer) in [
        ("$user.name", "/user/name"),
        ("$http.headers.authorization", "/request/headers/0/1"),
        ("request.headers.*", "/request/headers/0/1"),
        ("$frame.vars.password", "/exception/values/0/stacktrace/frames/0/vars/password"),
        ("$stack.**", "/exception/values/0/stacktrace/frames/0/vars/password"),
        ("exception.values.0.stacktrace.frames.0.vars.password", "/exception/values/0/stacktrace/frames/0/vars/password"),
    ] {
        let got = scrubbed(event.clone(), &json!({"excludeFields": [path]}));
        assert_eq!(got.pointer(pointer), event.pointer(pointer), "{path}");
        let kept = ["/user/name", "/request/headers/0/1"].iter().filter(|p| got.pointer(p) == event.pointer(p)).count();
        assert!(kept <= 1, "{path} exempts no others");
    }
}

#[test]
fn addresses_are_taken_out_on_request() {
    let event = json!({
        "user": {"ip_address": "192.0.2.1", "sentry_user": "ip:192.0.2.1"}, "sdk": {"client_ip": "192.0.2.1"}, "tags": [["a", "192.0.2.1"]],
        "request": {"env": {"REMOTE_ADDR": "192.0.2.1", "X": "192.0.2.3"}}, "extra": {"a": "from 192.0.2.1 to ::1", "b": "256.0.0.1 1.2.3 12:34:56 std::vec"},
    });
    for defaults in [true, false] {
        let got = scrubbed(event.clone(), &json!({"scrubIpAddresses": true, "scrubDefaults": defaults, "scrubData": defaults}));
        assert_eq!(got["user"], json!({"ip_address": null, "sentry_user": "ip:[ip]"}));
        assert_eq!(got["sdk"]["client_ip"], Value::Null);
        assert_eq!(got["request"]["env"], json!({"REMOTE_ADDR": null, "X": "[ip]"}));
        assert_eq!(got["extra"], json!({"a": "from [ip] to [ip]", "b": "256.0.0.1 1.2.3 12:34:56 std::vec"}));
        assert_eq!(got["tags"], event["tags"]);
        assert_eq!(
            got["_meta"]["user"]["ip_address"][""],
            json!({"rem": [["@ip:replace", "s", 0, 4], ["@anything:remove", "x"]], "len": 9})
        );
    }
    assert_eq!(scrubbed(event.clone(), &json!({})), event);
}

#[test]
fn off_is_off() {
    let (event, _) = everywhere("my secret");
    assert_eq!(scrubbed(event.clone(), &json!({"scrubData": false, "sensitiveFields": ["secret"]})), event);
    assert!(settings(&json!({"scrubData": false})).compile().unwrap().is_idle());
    assert_eq!(settings(&json!({})), ScrubSettings::default());
}

#[test]
fn what_trimming_wrote_is_not_read_again() {
    let note = |rem: Value, len: u32| json!({"extra": {"x": {"": {"rem": rem, "len": len}}}});
    let event = json!({"extra": {"x": "n 4571234567890111..."}, "_meta": note(json!([["!limit", "s", 18, 21]]), 100)});
    let got = scrubbed(event, &json!({}));
    assert_eq!(got["extra"]["x"], "n [Filtered]...");
    assert_eq!(got["_meta"], note(json!([["@creditcard:filter", "s", 2, 12], ["!limit", "s", 12, 15]]), 100));
    let removed = json!({"extra": {"password": {"a": "b"}}, "_meta": {"extra": {"password": {"a": {"": {"len": 5}}}}}});
    assert_eq!(scrubbed(removed, &json!({}))["_meta"], json!({"extra": {"password": {"": {"rem": [["@password:filter", "x"]]}}}}));
}

#[test]
fn quotes_in_notes_and_errors_are_scrubbed() {
    let note = |quote: Value| json!({"": {"err": ["invalid_data"], "val": quote}});
    let event = json!({
        "breadcrumbs": {"values": [{"data": null}]}, "extra": {"password": null}, "user": null, "tags": [["a", null]], "request": {"headers": [["Authorization", null]]},
        "errors": [
            {"type": "invalid_data", "name": "breadcrumbs.values.0.data", "value": "my secret"}, {"type": "invalid_data", "name": "user", "value": ["otp", {"token": 5}]},
            {"type": "invalid_data", "name": "tags.0.1", "value": "secret"}, {"type": "invalid_data", "name": "request.headers.0.1", "value": 7}, {"type": "clock_drift"},
        ],
        "_meta": {
            "breadcrumbs": {"values": {"0": {"data": note(json!("my secret"))}}}, "extra": {"password": note(json!("p"))}, "user": note(json!(["otp"])),
            "tags": {"0": {"1": note(json!("secret"))}},
        },
    });
    let got = scrubbed(event, &json!({}));
    assert_eq!(got["_meta"]["breadcrumbs"]["values"]["0"]["data"], note(json!("[Filtered]")));
    assert_eq!(got["_meta"]["extra"]["password"], note(json!("[Filtered]")));
    assert_eq!(got["_meta"]["user"], note(json!(["[Filtered]"])));
    assert_eq!(got["_meta"]["tags"]["0"]["1"], note(json!("secret")), "tags are not examined");
    let quoted: Vec<_> = got["errors"].as_array().unwrap().iter().map(|error| error.get("value").cloned()).collect();
    assert_eq!(
        quoted,
        [Some(json!("[Filtered]")), Some(json!(["[Filtered]", {"token": null}])), Some(json!("secret")), Some(Value::Null), None]
    );
}

#[test]
fn own_rules_mask_remove_hash_and_replace_anywhere() {
    let rules = json!([
        {"name": "customer", "path": "tags.customer", "action": "hash"},
        {"name": "order", "path": "**", "pattern": "ORD-([0-9]+)", "action": "mask"},
        {"name": "mail", "path": "$error.value", "pattern": "@email", "action": "replace", "text": "<mail>"},
        {"name": "url", "path": "request.url", "pattern": "[?].*", "action": "remove"},
        {"name": "coordinates", "path": "extra.geo", "action": "remove"},
        {"name": "everything", "path": "event_id", "action": "remove"},
    ]);
    let event = json!({
        "event_id": "ORD-1", "tags": [["customer", "c-17"], ["other", "c-17"]], "exception": {"values": [{"value": "ORD-123 of a@b.example"}]},
        "request": {"url": "https://a.example/x?t=1"}, "extra": {"geo": [1, 2], "n": {"a": "ORD-é ORD-42!"}},
    });
    let got = scrubbed(event, &json!({"scrubData": false, "hashSalt": "s", "rules": rules}));
    assert_eq!(got["event_id"], "ORD-1", "what an event is known by is not touched");
    let hash = got["tags"][0][1].as_str().unwrap();
    assert!(hash.len() == 32 && hash.chars().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(got["tags"][1], json!(["other", "c-17"]));
    assert_eq!(got["exception"]["values"][0]["value"], "ORD-*** of <mail>");
    assert_eq!(got["request"]["url"], "https://a.example/x");
    assert_eq!(got["extra"], json!({"geo": null, "n": {"a": "ORD-é ORD-**!"}}));
    assert_eq!(got["_meta"]["tags"]["0"]["1"][""], json!({"rem": [["customer", "p", 0, 32]], "len": 4}));
    assert_eq!(
        got["_meta"]["exception"]["values"]["0"]["value"][""],
        json!({"rem": [["order", "m", 4, 7], ["mail", "s", 11, 17]], "len": 22})
    );
    assert_eq!(got["_meta"]["extra"]["geo"][""], json!({"rem": [["coordinates", "x"]]}));
    let other = scrubbed(
        json!({"tags": [["customer", "c-17"]]}),
        &json!({"hashSalt": "t", "rules": [{"name": "c", "path": "customer", "action": "hash"}]}),
    );
    assert_ne!(other["tags"][0][1], json!(hash), "another project, another hash");
}

#[test]
fn rules_that_make_no_sense_are_named() {
    for (rule, error) in [
        (json!({"path": "a", "action": "mask"}), "rule 2 (unnamed): it needs a name"),
        (json!({"name": "r", "action": "mask"}), "rule 2 (r): it needs a path (`**` is every field)"),
        (json!({"name": "r", "path": "a..b", "action": "mask"}), "rule 2 (r): path: a part of the path is empty"),
        (json!({"name": "r", "path": "a b", "action": "mask"}), "rule 2 (r): path: `a b` needs quotes: write it as 'a b'"),
        (json!({"name": "r", "path": "'a", "action": "mask"}), "rule 2 (r): path: a quote is not closed"),
        (json!({"name": "r", "path": "'a'b", "action": "mask"}), "rule 2 (r): path: expected `.` before `b`"),
        (json!({"name": "r", "path": "$x.a", "action": "mask"}), "rule 2 (r): path: `$x` is no known kind of value"),
        (json!({"name": "r", "path": "a"}), "rule 2 (r): it needs an action: mask, remove, hash or replace"),
        (json!({"name": "r", "path": "a", "action": "burn"}), "rule 2 (r): `burn` is no action: use mask, remove, hash or replace"),
        (json!({"name": "r", "path": "a", "action": "mask", "text": "x"}), "rule 2 (r): only `replace` takes a text"),
        (json!({"name": "r", "path": "a", "action": "mask", "pattern": "(a"}), "rule 2 (r): pattern: unclosed group"),
        (
            json!({"name": "r", "path": "a", "action": "mask", "pattern": "a*"}),
            "rule 2 (r): pattern: it matches the empty text, so it would match everywhere",
        ),
        (json!({"name": "r", "path": "a", "action": "mask", "pattern": "a{1000}{1000}"}), "rule 2 (r): pattern: it is too large"),
        (
            json!({"name": "r", "path": "a", "action": "mask", "pattern": "@phone"}),
            "rule 2 (r): `@phone` is no known pattern: there are @creditcard, @iban, @usssn, @bearer, @pemkey, @urlauth, @email, @ip",
        ),
    ] {
        let changes = json!({"rules": [{"name": "fine", "path": "a.*", "action": "remove"}, rule]});
        assert_eq!(settings(&changes).compile().unwrap_err().to_string(), error);
    }
    let many: Vec<_> = (0..=RULES_LIMIT).map(|n| json!({"name": format!("r{n}"), "path": "a", "action": "mask"})).collect();
    assert_eq!(settings(&json!({"rules": many})).compile().unwrap_err().to_string(), "rule 51 (r50): a project can have 50 rules");
    let words = vec!["w"; NAMES_LIMIT + 1];
    assert_eq!(
        settings(&json!({"sensitiveFields": words})).compile().unwrap_err().to_string(),
        "sensitiveFields has 501 entries; 500 are allowed"
    );
}

/// All texts in a value.
fn leaves(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, into)),
        Value::Object(map) => map.values().for_each(|item| leaves(item, into)),
        _ => {}
    }
}

fn some_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[a-z@.:/ -]{0,12}(4571234567890111|DE89370400440532013000|078-05-1120|Bearer x|//u:p@h|secret|token=|a@b.de)[a-z0-9é .]{0,8}",
        prop::sample::select(vec!["password", "otp", "x", "session", "cookies", "[Filtered]", "values", "type", "1.2.3.4", "ip_address"])
            .prop_map(str::to_owned),
    ]
}

/// Any JSON that may stand where an event is expected.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![
        3 => prop::sample::select(vec![
            "breadcrumbs", "contexts", "exception", "extra", "logentry", "request", "user", "values", "data", "headers", "cookies", "env", "vars", "stacktrace",
            "frames", "formatted", "value", "type", "message", "params", "spans", "tags", "errors", "name", "_meta", "", "0", "1", "rem", "val", "trace", "csp",
        ]).prop_map(str::to_owned),
        1 => some_text(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        some_text().prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let pair = (some_text(), inner.clone()).prop_map(|(key, value)| json!([key, value]));
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(pair, 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn some_settings() -> impl Strategy<Value = ScrubSettings> {
    let lists = (prop::collection::vec(some_text(), 0..3), prop::collection::vec(some_text(), 0..3));
    (any::<bool>(), any::<bool>(), lists, any::<bool>()).prop_map(|(data, defaults, (sensitive_fields, exclude_fields), own)| {
        let rule = |name: &str, path: &str, pattern: Option<&str>, action: &str| Rule {
            name: name.to_owned(),
            path: path.to_owned(),
            pattern: pattern.map(str::to_owned),
            action: action.to_owned(),
            text: None,
        };
        let rules = vec![
            rule("hash", "**", Some("[0-9]{3}"), "hash"),
            rule("mask", "$string", Some("@email"), "mask"),
            rule("gone", "extra.*", None, "remove"),
        ];
        ScrubSettings {
            scrub_data: data,
            scrub_defaults: defaults,
            sensitive_fields,
            exclude_fields,
            rules: if own { rules } else { Vec::new() },
            ..ScrubSettings::default()
        }
    })
}

proptest! {
    #[test]
    fn scrubbing_twice_is_scrubbing_once(event in any_json(), settings in some_settings()) {
        // Empty keys cannot be told from the note on the value itself (`_meta` has "" for that), so what was done there is forgotten.
        let settings = ScrubSettings { rules: Vec::new(), ..settings };
        let scrubber = settings.compile().unwrap();
        let mut notes = MetaTree::default();
        let mut event = event;
        scrubber.scrub_with(&mut event, &mut notes);
        let (once, once_notes) = (event.clone(), notes.clone());
        scrubber.scrub_with(&mut event, &mut notes);
        prop_assert_eq!(event, once);
        prop_assert_eq!(notes, once_notes);
    }

    #[test]
    fn no_event_and_no_settings_make_it_panic(event in any_json(), settings in some_settings(), addresses in any::<bool>()) {
        let scrubber = ScrubSettings { scrub_ip_addresses: addresses, ..settings }.compile().unwrap();
        let was_object = event.is_object();
        let mut event = event;
        scrubber.scrub(&mut event);
        prop_assert_eq!(event.is_object(), was_object);
    }

    #[test]
    fn a_secret_leaves_every_examined_field(before in "[ a-z,.]{0,10}", after in "[ a-z,.]{0,10}", secret in "4[0-9]{15}") {
        let given = format!("{before} {secret} {after}");
        let (event, _) = everywhere(&given);
        let got = scrubbed(event, &json!({}));
        let (_, expected) = everywhere(&given);
        for pointer in ["/extra/b/c/0", "/user/id", "/breadcrumbs/values/0/data/a", "/request/headers/0/1", "/exception/values/0/stacktrace/frames/0/vars/a", "/server_name"] {
            prop_assert!(expected.pointer(pointer).is_some());
            let text = got.pointer(pointer).and_then(Value::as_str).unwrap();
            prop_assert!(!text.contains(&secret), "{}: {}", pointer, text);
        }
    }
}
