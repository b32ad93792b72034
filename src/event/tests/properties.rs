//! What holds for arbitrary JSON and for every event of the conformance corpus.

use std::path::Path as FilePath;

use proptest::prelude::*;
use serde_json::Value;

use super::{params, with};
use crate::event::json;

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
        crate::event::fields::EVENT
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
