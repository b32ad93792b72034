//! # Preparing an event for grouping
//!
//! **Promise.** Rewrites in the event what grouping.md 2.4 to 2.6 says is rewritten: null frames go, function names are trimmed (the original moves
//! to `raw_function`), the client's `in_app` is restored where an earlier run noted it. Preparing twice changes nothing more.
//! **How.** One walk over all stack traces. [`settle_in_app`] is the other end: it writes the settled flag into each frame and keeps the client's
//! own in `data.orig_in_app` when the two differ, so that a stored event can be grouped again under other rules.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::function_name;
use super::shape::{self, Object};
use super::version::Version;

/// Calls `visit` with the owner of each stack trace: exceptions, the event itself, threads; in this order always.
fn owners_mut(event: &mut Object, mut visit: impl FnMut(&mut Object)) {
    for key in ["exception", "threads"] {
        if key == "threads" {
            visit(event);
        }
        for owner in shape::entries_mut(event, key) {
            visit(owner);
        }
    }
}

fn frames_mut(owner: &mut Object) -> Option<&mut Vec<Value>> {
    owner.get_mut("stacktrace")?.get_mut("frames")?.as_array_mut()
}

/// Rewrites the frames of all stack traces.
pub(super) fn prepare(event: &mut Object, version: Version) {
    let platform = shape::platform(event).to_owned();
    owners_mut(event, |owner| {
        let Some(frames) = frames_mut(owner) else { return };
        frames.retain(Value::is_object);
        for frame in frames.iter_mut().filter_map(Value::as_object_mut) {
            prepare_frame(frame, &platform, version);
        }
    });
}

fn prepare_frame(frame: &mut Object, event_platform: &str, version: Version) {
    restore_in_app(frame);
    if shape::text(frame, "raw_function").is_none()
        && let Some(function) = shape::text(frame, "function")
    {
        let platform = shape::text(frame, "platform").unwrap_or(event_platform);
        let trimmed = function_name::trim(function, platform);
        if trimmed != function {
            let (trimmed, raw) = (trimmed.into_owned(), function.to_owned());
            frame.insert("function".to_owned(), Value::String(trimmed));
            frame.insert("raw_function".to_owned(), Value::String(raw));
        }
    }
    if event_platform == "javascript"
        && let Some(Value::String(filename)) = frame.get_mut("filename")
        && let Some(query) = filename.find('?')
    {
        filename.truncate(query);
    }
    if event_platform == "python" && version.traits().hides_process_numbers {
        hide_process_numbers(frame);
    }
}

fn restore_in_app(frame: &mut Object) {
    let Some(original) = shape::object(frame, "data").and_then(|data| data.get("orig_in_app")).cloned() else { return };
    match original.as_i64() {
        Some(-1) => {
            frame.remove("in_app");
        }
        Some(flag) => {
            frame.insert("in_app".to_owned(), Value::Bool(flag == 1));
        }
        None => return,
    }
    if let Some(Value::Object(data)) = frame.get_mut("data") {
        data.remove("orig_in_app");
        if data.is_empty() {
            frame.remove("data");
        }
    }
}

/// The line by which Python's multiprocessing starts a child.
static SPAWN_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\A\s*from multiprocessing\.spawn import spawn_main; spawn_main\((?:tracker_fd|parent_pid)=\d+, pipe_handle=\d+\)\s*\z")
        .ok()
});

static NUMBER_ARGUMENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"=\d+").ok());

fn hide_process_numbers(frame: &mut Object) {
    let is = |key, expected| shape::text(frame, key) == Some(expected);
    if !(is("module", "__main__") && is("filename", "<string>") && is("function", "<module>")) {
        return;
    }
    let (Some(spawn), Some(number)) = (SPAWN_LINE.as_ref(), NUMBER_ARGUMENT.as_ref()) else { return };
    if let Some(Value::String(line)) = frame.get_mut("context_line")
        && spawn.is_match(line)
    {
        *line = number.replace_all(line, "=<int>").into_owned();
    }
}

/// Writes the settled flags into the frames; `settled` has one list per stack trace, in the order of [`super::traces`].
pub(super) fn settle_in_app(event: &mut Object, settled: &[Vec<bool>]) {
    let mut settled = settled.iter();
    owners_mut(event, |owner| {
        if shape::frames(owner).is_none() {
            return;
        }
        let (Some(frames), Some(flags)) = (frames_mut(owner), settled.next()) else { return };
        for (frame, flag) in frames.iter_mut().filter_map(Value::as_object_mut).zip(flags) {
            let sent = frame.get("in_app").and_then(Value::as_bool);
            if sent == Some(*flag) {
                continue;
            }
            frame.insert("in_app".to_owned(), Value::Bool(*flag));
            let data = frame.entry("data").or_insert_with(|| json!({}));
            if !data.is_object() {
                *data = json!({});
            }
            data["orig_in_app"] = json!(sent.map_or(-1, i64::from));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(event: Value) -> Value {
        prepared_in(Version::NEWEST, event)
    }

    fn prepared_in(version: Version, mut event: Value) -> Value {
        prepare(event.as_object_mut().unwrap(), version);
        event
    }

    #[test]
    fn frames_are_rewritten() {
        let event = prepared(json!({
            "platform": "javascript",
            "stacktrace": {"frames": [null, {"filename": "a.js?v=3", "function": "x"}]},
            "threads": {"values": [{"stacktrace": {"frames": [{"platform": "native", "function": "foo(int)"}]}}]},
            "exception": {"values": [{"stacktrace": {"frames": [{"platform": "native", "function": "foo(int)", "raw_function": "foo"}]}}]},
        }));
        assert_eq!(event["stacktrace"]["frames"], json!([{"filename": "a.js", "function": "x"}]));
        assert_eq!(
            event["threads"]["values"][0]["stacktrace"]["frames"],
            json!([{"platform": "native", "function": "foo", "raw_function": "foo(int)"}])
        );
        assert_eq!(
            event["exception"]["values"][0]["stacktrace"]["frames"][0]["function"], "foo(int)",
            "the client’s raw_function is trusted"
        );
    }

    #[test]
    fn the_start_of_python_children_loses_its_numbers() {
        let line = "from multiprocessing.spawn import spawn_main; spawn_main(parent_pid=12, pipe_handle=340)";
        let frame = json!({"module": "__main__", "filename": "<string>", "function": "<module>", "context_line": line});
        let sent = json!({"platform": "python", "stacktrace": {"frames": [frame]}});
        assert_eq!(prepared_in(Version::V2023_01_11, sent.clone()), sent, "not yet in 2023");
        let event = prepared(sent);
        assert_eq!(
            event["stacktrace"]["frames"][0]["context_line"],
            "from multiprocessing.spawn import spawn_main; spawn_main(parent_pid=<int>, pipe_handle=<int>)"
        );
    }

    #[test]
    fn settled_flags_can_be_taken_back() {
        let sent =
            json!({"stacktrace": {"frames": [{"function": "a"}, {"function": "b", "in_app": true}, {"function": "c", "in_app": false}]}});
        let mut event = sent.clone();
        settle_in_app(event.as_object_mut().unwrap(), &[vec![false, false, false]]);
        let flags: Vec<_> = event["stacktrace"]["frames"].as_array().unwrap().iter().map(|f| f["in_app"].clone()).collect();
        assert_eq!(flags, [json!(false), json!(false), json!(false)]);
        assert_eq!(prepared(event), sent);
    }
}
