//! Documents as odd as clients make them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(text: &[u8]) -> Value {
    parse(text).unwrap().0
}

#[test]
fn what_serialisers_get_wrong_is_understood() {
    let cases: [(&[u8], Value); 16] = [
        (br#"{"a": "half \ud83d pair"}"#, json!({"a": "half \u{fffd} pair"})),
        (br#"{"\udc00k": "\ud83d\ude00\ud800\u0041"}"#, json!({"\u{fffd}k": "\u{1f600}\u{fffd}A"})),
        (b"{\"a\": \"\xff\xfe ok\"}", json!({"a": "\u{fffd}\u{fffd} ok"})),
        (b"{\"a\": NaN, \"b\": [Infinity, -Infinity, nan]}", json!({"a": null, "b": [null, null, null]})),
        (b"[1e400, -1e400, 1e-400]", json!([null, null, 0.0])),
        (b"[18446744073709551616, 1]", json!([18_446_744_073_709_551_616.0, 1])),
        (b"[NaN, 18446744073709551615, -9223372036854775808, 1.5]", json!([null, u64::MAX, i64::MIN, 1.5])),
        (br#"{"a": 1, "a": 2}"#, json!({"a": 2})),
        (br#"{"a": NaN, "a": 2}"#, json!({"a": 2})),
        (br#"{"a\u0000b": "x\u0000y"}"#, json!({"ab": "xy"})),
        (b"{\"a\": \"x\0y\"}", json!({"a": "xy"})),
        (b"{\"a\": \"line\nbreak\"}", json!({"a": "line\nbreak"})),
        (b"\xef\xbb\xbf{}", json!({})),
        (b" [ { } , [ ] , NaN ] ", json!([{}, [], null])),
        (br#"["\"\\\/\b\f\n\r\t\u00e9", NaN]"#, json!(["\"\\/\u{8}\u{c}\n\r\t\u{e9}", null])),
        (b"NaN", Value::Null),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), expected, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn what_nobody_can_read_is_an_error_with_its_place() {
    let cases: [(&[u8], usize, &str); 9] = [
        (b"", 0, "unexpected end"),
        (b"{\"a\": 1", 8, "unexpected end"),
        (b"{\"a\" 1}", 5, "expected :"),
        (b"{a: 1}", 1, "expected a key"),
        (b"[1 2]", 4, "expected , or ]"),
        (b"\"abc", 4, "unexpected end of a string"),
        (b"[wat]", 1, "expected a value"),
        (b"{} x", 3, "trailing characters"),
        (br#"["\x"]"#, 4, "unknown escape"),
    ];
    for (text, position, reason) in cases {
        assert_eq!(parse(text), Err(JsonError { position, reason }), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn nesting_past_the_limit_becomes_text_with_a_note() {
    for depth in [DEPTH_LIMIT + 1, 127, 1_000, 200_000] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let (mut value, notes) = parse(text.as_bytes()).unwrap();
        let inner = depth - DEPTH_LIMIT;
        assert!(!notes.is_empty());
        let mut levels = 0;
        while let Value::Array(mut items) = value {
            levels += 1;
            value = items.remove(0);
        }
        assert_eq!(levels, DEPTH_LIMIT);
        assert_eq!(value, json!(format!("{}{}", "[".repeat(inner), "]".repeat(inner))));
    }
    let limit = format!("{}1{}", "[".repeat(DEPTH_LIMIT), "]".repeat(DEPTH_LIMIT));
    assert!(parse(limit.as_bytes()).unwrap().1.is_empty());
}

#[test]
fn the_note_stands_at_the_place_in_the_event() {
    let deep = format!(r#"{{"_meta": {{"x": {{"": {{"len": 1}}}}}}, "extra": {{"a": [0, {}"]{{"{}]}}}}"#, "[".repeat(150), "]".repeat(150));
    let (mut event, notes) = parse(deep.as_bytes()).unwrap();
    notes.attach(&mut event);
    let meta = MetaTree::from_value(&event["_meta"]);
    assert_eq!(meta.children["x"].own.original_length, Some(1));
    let mut node = &meta.children["extra"].children["a"].children["1"];
    let mut levels = 3;
    while let Some(child) = node.children.get("0") {
        node = child;
        levels += 1;
    }
    assert_eq!((levels, node.own.remarks.len()), (DEPTH_LIMIT, 1));
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok((value, _)) = parse(&bytes) {
            prop_assert!(serde_json::from_str::<Value>(&value.to_string()).is_ok());
        }
    }

    #[test]
    fn json_like_text_gives_an_answer(text in r#"[\[\]{}:,"\\ud80-9eENaInfity. \n-]{0,80}"#) {
        if let Ok((value, _)) = parse(text.as_bytes()) {
            prop_assert!(serde_json::from_str::<Value>(&value.to_string()).is_ok());
        }
    }

    #[test]
    fn both_readers_agree(depth in 0_usize..40, number in -1_000_000_i32..1_000_000, text in ".{0,20}") {
        let mut value = json!({"n": f64::from(number) / 64.0, "t": text, "l": [1, -1, true, null, {}]});
        for _ in 0..depth {
            value = json!([value, {"k": 1}]);
        }
        // NaN makes the other reader run.
        let slow = format!("[{value}, NaN]");
        let fast = format!("[{value}, null]");
        prop_assert_eq!(read(slow.as_bytes()), read(fast.as_bytes()));
    }
}
