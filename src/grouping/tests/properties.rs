//! What must hold for every event and every text of rules.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::{Config, Grouping, Version, explain_words, group};

/// Keys that grouping reads, so that arbitrary events reach every corner.
const KEYS: &[&str] = &[
    "exception",
    "values",
    "stacktrace",
    "frames",
    "threads",
    "type",
    "value",
    "mechanism",
    "meta",
    "ns_error",
    "domain",
    "code",
    "synthetic",
    "exception_id",
    "parent_id",
    "is_exception_group",
    "function",
    "raw_function",
    "module",
    "filename",
    "abs_path",
    "package",
    "context_line",
    "lineno",
    "in_app",
    "data",
    "orig_in_app",
    "sourcemap",
    "platform",
    "logentry",
    "formatted",
    "message",
    "fingerprint",
    "checksum",
    "csp",
    "effective_directive",
    "blocked_uri",
    "hpkp",
    "hostname",
    "template",
    "tags",
    "transaction",
    "culprit",
    "request",
    "url",
    "sdk",
    "name",
    "crashed",
    "current",
    "release",
    "contexts",
    "trace",
    "level",
    "logger",
];

const TEXTS: &[&str] = &[
    "native",
    "javascript",
    "java",
    "python",
    "php",
    "cocoa",
    "csharp",
    "",
    "a",
    "<unknown>",
    "void Foo<int>::bar(int) const",
    "<T as U>::x",
    "{{ default }}",
    "{{ message }}",
    "abort",
    "/usr/lib/x.so",
    "app/node_modules/x.js",
    "https://a.b/c.js?d",
    "user 42 at 10.0.0.1 12:30:00",
    "one\n\ntwo\u{2028}three",
    "é@ü.com",
    "Σ<",
    "::",
    "a='b' c=true",
    "class@anonymous\0::x",
    "data:",
    "-",
    "0x",
    "1.",
    "@",
    "transaction",
    "error",
];

fn event() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..4).prop_map(Value::from),
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        proptest::sample::select(TEXTS).prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
    ];
    leaf.prop_recursive(7, 96, 5, |inner| {
        prop_oneof![
            2 => proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            5 => proptest::collection::vec((proptest::sample::select(KEYS), inner), 0..7)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()),
        ]
    })
}

fn frame() -> impl Strategy<Value = Value> {
    (
        proptest::sample::select(TEXTS),
        proptest::option::of(proptest::sample::select(TEXTS)),
        proptest::option::of(proptest::sample::select(TEXTS)),
        proptest::option::of(any::<bool>()),
        proptest::sample::select(&["native", "javascript", "java", "python", "ruby"][..]),
    )
        .prop_map(|(function, module, path, in_app, platform)| {
            json!({"function": function, "module": module, "abs_path": path, "package": path, "in_app": in_app, "platform": platform})
        })
}

/// Events that have the shape of real ones.
fn plausible() -> impl Strategy<Value = Value> {
    let exception = (proptest::sample::select(TEXTS), "\\PC{0,40}", proptest::collection::vec(frame(), 0..6));
    (proptest::collection::vec(exception, 0..3), proptest::sample::select(TEXTS)).prop_map(|(exceptions, message)| {
        let exception =
            |(kind, value, frames): (&str, String, Vec<Value>)| json!({"type": kind, "value": value, "stacktrace": {"frames": frames}});
        let values: Vec<Value> = exceptions.into_iter().map(exception).collect();
        json!({"platform": "native", "exception": {"values": values}, "logentry": {"formatted": message}})
    })
}

static OTHER_RULES: LazyLock<Config> =
    LazyLock::new(|| Config::with_rules(Version::NEWEST, "function:* +app\nfamily:native -group", "").unwrap());

fn grouped(event: &Value) -> Grouping {
    group(&mut event.clone(), &Config::standard())
}

/// The same JSON text with the keys of every object in reverse order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs: Vec<_> = map.iter().rev().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), reversed(value))).collect();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(reversed).collect::<Vec<_>>().join(",")),
        leaf => leaf.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_gets_hashes_and_a_title(event in event()) {
        let grouping = grouped(&event);
        prop_assert!(!grouping.hashes.is_empty());
        prop_assert!(!grouping.title.is_empty());
        prop_assert!(grouping.variants.iter().any(|variant| variant.contributes));
        prop_assert!(!explain_words(&grouping).is_empty());
        prop_assert!(grouping.culprit.chars().count() <= 200);
        let hashes = grouping.hashes.len();
        prop_assert!((1..=2).contains(&hashes));
    }

    #[test]
    fn the_order_of_keys_does_not_matter(event in prop_oneof![event(), plausible()]) {
        let other: Value = serde_json::from_str(&reversed(&event)).unwrap();
        prop_assert_eq!(grouped(&event), grouped(&other));
    }

    #[test]
    fn a_grouped_event_groups_again_the_same_way(event in prop_oneof![event(), plausible()]) {
        let mut stored = event.clone();
        let first = group(&mut stored, &Config::standard());
        let mut again = stored.clone();
        prop_assert_eq!(&first, &group(&mut again, &Config::standard()));
        prop_assert_eq!(&stored, &again);
        group(&mut again, &OTHER_RULES);
        prop_assert_eq!(&first, &group(&mut again, &Config::standard()), "other rules in between leave no trace");
    }

    #[test]
    fn what_must_not_matter_does_not(
        numbers in proptest::collection::vec(0u32..999_999, 8),
        release in "[a-z0-9.@+-]{1,20}",
        id in "[0-9a-f]{32}",
        hashed in "[0-9a-f]{8}",
    ) {
        let event = |n: &[u32], release: &str, id: &str, hashed: &str| json!({
            "event_id": id, "timestamp": n[0], "release": release, "environment": release, "platform": "javascript",
            "breadcrumbs": {"values": [{"message": id, "timestamp": n[1]}]},
            "user": {"id": id}, "contexts": {"trace": {"trace_id": id}}, "server_name": id, "extra": {"n": n[2]},
            "exception": {"values": [
                {"type": "Cause", "value": format!("request {} of user {id} failed after {}ms", n[3], n[4]),
                 "thread_id": n[5], "mechanism": {"type": "generic", "handled": n[6] > 5}},
                {"type": "Error", "value": id, "stacktrace": {"frames": [
                    {"function": "start", "abs_path": format!("https://cdn.x/assets/vendor.{hashed}.js"), "filename": format!("/assets/vendor.{hashed}.js"),
                     "lineno": n[5], "colno": n[6], "in_app": false},
                    {"function": "Shop.pay", "abs_path": format!("https://x/assets/main.{hashed}.js"), "filename": format!("/assets/main.{hashed}.js"),
                     "lineno": n[7], "colno": n[0], "in_app": true, "vars": {"x": n[1]}, "instruction_addr": format!("0x{:x}", n[2])},
                ]}},
            ]},
        });
        let plain = event(&[1, 2, 3, 4, 5, 6, 7, 8], "1.0", &"0123456789abcdef".repeat(2), "00c0ffee");
        prop_assert_eq!(grouped(&plain).hashes, grouped(&event(&numbers, &release, &id, &hashed)).hashes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_rules_or_errors(stack in "(([a-z.]{0,9}:|[!|v^+-]|app|group|\\[|\\]|=| |\\PC){0,12}\n){0,3}", fingerprint in "\\PC{0,40}(->| |:|\"|\\{){0,6}\\PC{0,20}") {
        if let Err(errors) = Config::with_rules(Version::NEWEST, &stack, &fingerprint) {
            prop_assert!(!errors.is_empty());
            prop_assert!(errors.stack_trace_rules.iter().all(|error| error.line >= 1 && error.column >= 1));
        }
    }

    #[test]
    fn any_glob_can_be_tried(pattern in "[\\[\\]{}*?!,/a-c\\\\-]{1,14}", function in "[a-c/\n]{0,6}") {
        let rule = format!("function:\"{pattern}\" path:\"{pattern}\" -app");
        let fingerprint = format!("function:\"{}\" -> x", pattern.replace('\\', ""));
        if let Ok(config) = Config::with_rules(Version::NEWEST, &rule, &fingerprint) {
            group(&mut json!({"platform": "native", "stacktrace": {"frames": [{"function": function, "abs_path": function}]}}), &config);
        }
    }
}
