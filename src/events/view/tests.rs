//! What the issue page shows of an event, from events as clients send them.

use std::collections::BTreeSet;

use super::value::Row;
use super::*;
use crate::web::page::sample_now;
use proptest::prelude::*;
use serde_json::json;

fn view(event: &Value) -> EventView {
    EventView::new(event, sample_now())
}

#[test]
fn the_exception_raised_last_stands_first_and_says_what_it_was_raised_in() {
    let event = view(&samples::python());
    let kinds: Vec<&str> = event.exceptions.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["PaymentDeclined", "HTTPStatusError"]);
    let link = &event.exceptions[0].chain[0];
    assert_eq!(
        (link.words, link.name.as_str(), link.anchor.as_str(), link.side),
        ("raised while handling", "HTTPStatusError", "exc-0", "below")
    );
    assert_eq!(event.exceptions[0].facts, ["unhandled", "mechanism django"]);
    assert_eq!(event.frames_label(), "18 frames");
}

#[test]
fn library_frames_fold_and_the_newest_own_frame_is_open() {
    let event = view(&samples::python());
    let outline: Vec<String> = event.exceptions[0]
        .segments
        .iter()
        .map(|s| match s {
            Segment::Frame(f) => format!("{} {} {}{}", f.file, f.function, f.place, if f.open { " open" } else { "" }),
            Segment::Fold { label, .. } => label.clone(),
        })
        .collect();
    assert_eq!(
        outline,
        [
            "checkout/payment.py charge_card line 87 open",
            "checkout/views.py submit line 41",
            "12 frames from django, 2 from middleware.auth",
            "shop/wsgi.py application line 12"
        ]
    );
    let Segment::Frame(top) = &event.exceptions[0].segments[0] else { panic!("a frame first") };
    let numbers: Vec<&str> = top.source.iter().map(|l| l.number.as_str()).collect();
    assert_eq!(numbers, ["83", "84", "85", "86", "87", "88", "89"]);
    assert!(top.source[4].current);
    let card = top.locals.iter().find(|r| r.key == "card").unwrap();
    assert_eq!(card.value.note.as_deref(), Some("filtered by rule “credit card numbers”"));
}

#[test]
fn the_furniture_of_a_python_module_stands_behind_its_variables_and_is_all_there() {
    let vars = json!({"__name__": "'__main__'", "__builtins__": "{}", "os": "<module 'os' from '/usr/lib/os.py'>", "run": "<function run at 0x7f>",
        "total": "3", "__x": "1", "note": "<class 'is late'"});
    let frames = json!({"frames": [{"filename": "main.py", "in_app": true, "vars": vars}]});
    let event = view(&json!({"platform": "python", "exception": [{"type": "E", "stacktrace": frames}]}));
    let Segment::Frame(frame) = &event.exceptions[0].segments[0] else { panic!("a frame") };
    let keys = |rows: &[Row]| rows.iter().map(|row| row.key.clone()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    assert_eq!(keys(&frame.locals), ["__x", "note", "total"]);
    assert_eq!(keys(&frame.machinery), ["__builtins__", "__name__", "os", "run"]);
    assert_eq!(frame.machinery_label(), "4 more: modules, functions, classes, __names__");
}

#[test]
fn a_stack_without_own_frames_shows_its_newest() {
    let frames: Vec<Value> = (0..20).map(|n| json!({"function": format!("f{n}"), "filename": "lib.js"})).collect();
    let event = view(&json!({"platform": "javascript", "exception": [{"type": "E", "stacktrace": {"frames": frames}}]}));
    assert!(matches!(&event.exceptions[0].segments[0], Segment::Frame(f) if f.function == "f19"));
    assert!(matches!(&event.exceptions[0].segments[6], Segment::Fold { frames, .. } if frames.len() == 14));
}

#[test]
fn chains_without_numbers_and_groups_are_told_in_words() {
    let words = |event: &Value| -> Vec<String> {
        view(event)
            .exceptions
            .iter()
            .flat_map(|e| e.chain.iter().map(move |l| format!("{} {} {} {}", e.kind, l.words, l.name, l.side)))
            .collect()
    };
    assert_eq!(words(&json!({"exception": {"values": [{"type": "Inner"}, null, {"type": "Outer"}]}})), ["Outer caused by Inner below"]);
    let group = json!({"exception": {"values": [
        {"type": "B", "mechanism": {"exception_id": 2, "parent_id": 0, "source": "errors[1]"}}, {"type": "A", "mechanism": {"exception_id": 1, "parent_id": 0, "source": "errors[0]"}},
        {"type": "Group", "mechanism": {"exception_id": 0, "is_exception_group": true}}]}});
    assert_eq!(words(&group), ["Group holds A below", "Group holds B below"]);
}

#[test]
fn each_platform_prints_its_stack_as_it_does_itself() {
    let with = |platform: &str| {
        let frames = json!([{"filename": "a.x", "abs_path": "/s/a.x", "module": "m.A", "function": "old", "lineno": 1}, {"filename": "b.x", "abs_path": "/s/b.x", "module": "m.B", "function": "new", "lineno": 2, "colno": 3, "context_line": "  boom()"}]);
        view(&json!({"platform": platform, "exception": {"values": [{"type": "E", "value": "v", "module": "m", "stacktrace": {"frames": frames}}]}})).raw_stack
    };
    for (platform, text) in [
        (
            "python",
            "Traceback (most recent call last):\n  File \"/s/a.x\", line 1, in old\n  File \"/s/b.x\", line 2, in new\n    boom()\nE: v",
        ),
        ("javascript", "E: v\n    at new (/s/b.x:2:3)\n    at old (/s/a.x:1)"),
        ("java", "m.E: v\n\tat m.B.new(b.x:2)\n\tat m.A.old(a.x:1)"),
        ("csharp", "m.E: v\n   at m.B.new in /s/b.x:line 2\n   at m.A.old in /s/a.x:line 1"),
        ("ruby", "E: v\n\tfrom /s/b.x:2:in `new'\n\tfrom /s/a.x:1:in `old'"),
        ("go", "E: v\nm.B.new(...)\n\t/s/b.x:2\nm.A.old(...)\n\t/s/a.x:1"),
        ("php", "E: v\n#0 /s/b.x(2): new()\n#1 /s/a.x(1): old()"),
        ("native", "E: v\n0   m.B.new (b.x:2)\n1   m.A.old (a.x:1)"),
    ] {
        assert_eq!(with(platform), text, "{platform}");
    }
}

#[test]
fn breadcrumbs_are_sentences_newest_first() {
    let event = view(&samples::python());
    let lines: Vec<String> = event.crumbs.iter().map(|c| format!("{} {} {}", c.kind, c.css, c.text)).collect();
    assert_eq!(
        lines,
        [
            "exception bad PaymentDeclined: card processor answered 503",
            "http 503 bad POST https://api.processor.example/v2/charges",
            "query  SELECT … FROM cart_items WHERE cart_id = %s",
            "navigation  /cart → /checkout",
            "cart  3 items",
        ]
    );
}

#[test]
fn request_user_and_contexts_have_names() {
    let event = view(&samples::python());
    let request = event.request.unwrap();
    assert_eq!(request.url, "https://shop.example/checkout?step=pay&token=[Filtered]");
    assert_eq!(request.href.as_deref(), Some("https://shop.example/checkout"));
    assert_eq!(event.user_name, "ana@example.org");
    let titles: Vec<&str> = event.contexts.iter().map(|c| c.title.as_str()).collect();
    assert!(titles.contains(&"Operating system") && titles.contains(&"Browser"), "{titles:?}");
    let notes: Vec<&str> = event.notes.iter().map(|n| n.key.as_str()).collect();
    assert_eq!(notes, ["exception.1.stacktrace.frames.16.vars.card", "extra.payload", "request.data.card.number"]);
    assert_eq!(event.tags.iter().find(|t| t.key == "docs").unwrap().href.as_deref(), Some("https://wiki.example/payments"));
}

#[test]
fn hostile_text_never_becomes_a_link() {
    let event = view(&samples::hostile());
    assert_eq!(event.request.unwrap().href, None);
    assert!(event.tags.iter().all(|t| t.href.is_none()));
    assert_eq!(event.exceptions.len(), 2);
}

#[test]
fn old_shapes_and_odd_values_still_open() {
    for event in [
        json!(null),
        json!([]),
        json!("x"),
        json!(7),
        json!({"exception": 3, "breadcrumbs": "x", "request": [], "user": [1], "tags": {"a": null}, "contexts": [1], "sdk": 3, "_meta": []}),
    ] {
        assert!(view(&event).exceptions.is_empty());
    }
    let view = view(&json!({"exception": {"type": "lonely"}, "breadcrumbs": [null, 3, {}], "timestamp": "soon", "event_id": 7}));
    assert_eq!((view.crumb_count, view.id.as_str(), view.at), (1, "7", When::unknown()));
}

/// Any JSON, biased to the names an event has.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        proptest::sample::select(vec![
            "exception",
            "values",
            "stacktrace",
            "frames",
            "type",
            "value",
            "mechanism",
            "source",
            "vars",
            "lineno",
            "colno",
            "in_app",
            "context_line",
            "pre_context",
            "breadcrumbs",
            "data",
            "timestamp",
            "request",
            "url",
            "headers",
            "query_string",
            "tags",
            "contexts",
            "user",
            "_meta",
            "",
            "rem",
            "err",
            "len",
            "threads",
            "sdk",
            "exception_id",
            "parent_id",
            "thread_id",
            "id",
            "platform",
            "abs_path",
            "module",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(7, 120, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
        ]
    })
}

proptest! {
    #[test]
    fn any_json_has_a_view(event in any_json(), frame in any_json(), meta in any_json()) {
        view(&event);
        view(&json!({"exception": {"values": [event.clone(), {"type": "E", "stacktrace": {"frames": [frame.clone(), event.clone()]}, "mechanism": event.clone()}]}, "_meta": meta.clone(),
            "breadcrumbs": {"values": [frame.clone()]}, "request": frame.clone(), "threads": [frame.clone()], "user": frame.clone(), "contexts": {"x": frame.clone()}, "tags": frame, "extra": event.clone(), "logentry": event}));
        notes::note(&meta, &Value::Null);
    }
}
