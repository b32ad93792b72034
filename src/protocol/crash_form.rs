//! # What crash reporters send beside a dump
//!
//! **Promise.** The fields of a minidump upload, and the files of Sentry's crash handler, become one event in JSON (`protocol.md` 2.5):
//! a native, fatal one with a placeholder exception.
//!
//! **How.** [`Form`] takes the pieces in any order. The handler's own event goes before the form's; `sentry` and its chunks are JSON,
//! `sentry[a][b]` a path into it, and whatever has another name is an annotation and goes to `extra`.
//!
//! **When it breaks.** JSON that cannot be read is kept as text in `extra`. What is too long is cut, with a note in the event.
//!
//! **Not here.** The dump; what the handler's files hold ([`super::handler_files`]).

use serde_json::{Map, Value, json};

use self::fit::Notes;
use super::handler_files::{HandlerFiles, MAX_DEPTH, add_missing};
use crate::event::json;
use crate::event::meta::Path;

mod fit;

/// What has come so far.
#[derive(Debug, Default)]
pub struct Form {
    event: Map<String, Value>,
    /// Chunks of an event in JSON, by their numbers.
    chunks: Vec<(u32, String)>,
    extra: Map<String, Value>,
    /// What the crash handler wrote.
    pub files: HandlerFiles,
    notes: Notes,
}

impl Form {
    /// A field of the form, of which so many characters were left out at its end.
    pub fn field(&mut self, name: &str, mut value: String, left_out: usize) {
        if left_out > 0 {
            // What is left of a document is none: it stands with the annotations.
            let extra = Path::Root.key("extra");
            if value.is_empty() {
                self.notes.left_out(left_out, &extra.key(name));
                return;
            }
            self.notes.cut_before(&mut value, left_out, &extra.key(name));
            self.extra.insert(name.to_owned(), Value::String(value));
        } else if name == "sentry" {
            self.document(name, &value);
        } else if let Some(number) = name.strip_prefix("sentry__").and_then(|number| number.parse().ok()) {
            self.chunks.push((number, value));
        } else if let Some(path) = path(name) {
            set(&mut self.event, &path, value);
        } else if !name.is_empty() {
            self.extra.insert(name.to_owned(), Value::String(value));
        }
    }

    /// There was a field that is not here, not even by its name.
    pub fn lost_field(&mut self) {
        self.notes.lost_member();
    }

    fn document(&mut self, name: &str, text: &str) {
        match json::parse(text.as_bytes()) {
            Ok((Value::Object(document), _)) => merge(&mut self.event, document),
            _ => drop(self.extra.insert(name.to_owned(), Value::String(text.to_owned()))),
        }
    }

    /// The event, of at most `max` bytes in JSON with an id added: see [`fit`].
    pub fn into_event(mut self, max: usize) -> Map<String, Value> {
        self.chunks.sort_by_key(|(number, _)| *number);
        if !self.chunks.is_empty() {
            let text: String = std::mem::take(&mut self.chunks).into_iter().map(|(_, chunk)| chunk).collect();
            self.document("sentry", &text);
        }
        let mut event = self.event;
        // An annotation comes last of all.
        let annotations = self.extra;
        self.files.apply(&mut event);
        if !annotations.is_empty() {
            match event.get_mut("extra") {
                Some(Value::Object(extra)) => add_missing(extra, annotations),
                _ => drop(event.insert("extra".to_owned(), Value::Object(annotations))),
            }
        }
        event.remove("exception");
        fit::fit(&mut event, &mut self.notes, max);
        let notes = self.notes.into_meta(&event, max);
        if !notes.is_empty() {
            match event.get_mut("_meta") {
                Some(Value::Object(meta)) => merge(meta, notes),
                _ => drop(event.insert("_meta".to_owned(), Value::Object(notes))),
            }
        }
        Crash::Minidump.stand_in(&mut event);
        event
    }
}

/// Bytes of a minidump's header up to the time in it.
pub const DUMP_HEAD: usize = 24;

/// When a minidump was written, in seconds since 1970, by the machine that crashed: its header says so. Uploads often come at the next start.
pub fn dump_time(head: &[u8]) -> Option<u32> {
    let (magic, time) = (head.get(..4)?, head.get(DUMP_HEAD - 4..DUMP_HEAD)?.try_into().ok()?);
    let time = if magic == b"PMDM" { u32::from_be_bytes(time) } else { u32::from_le_bytes(time) };
    (time != 0).then_some(time)
}

/// The time of the dump is the event's where that has none of its own.
pub fn date(event: &mut Map<String, Value>, time: Option<u32>) {
    if let Some(time) = time.filter(|_| event.get("timestamp").is_none_or(Value::is_null)) {
        event.insert("timestamp".to_owned(), json!(time));
    }
}

/// A file that tells of a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// A minidump.
    Minidump,
    /// A crash report of an Apple system.
    Apple,
}

impl Crash {
    /// What an attachment of this type tells of.
    pub fn of(attachment_type: Option<&str>) -> Option<Self> {
        match attachment_type {
            Some("event.minidump") => Some(Self::Minidump),
            Some("event.applecrashreport") => Some(Self::Apple),
            _ => None,
        }
    }

    /// Makes an event one of a crash whose file nobody has read. An exception that the client sent says more, and stays.
    pub fn stand_in(self, event: &mut Map<String, Value>) {
        event.insert("platform".to_owned(), json!("native"));
        if event.get("level").is_none_or(Value::is_null) {
            event.insert("level".to_owned(), json!("fatal"));
        }
        if event.get("exception").is_none_or(Value::is_null) {
            let (kind, value, mechanism) = match self {
                Self::Minidump => ("Minidump", "Invalid Minidump", "minidump"),
                Self::Apple => ("AppleCrashReport", "Invalid Apple Crash Report", "applecrashreport"),
            };
            let mechanism = json!({"type": mechanism, "handled": false, "synthetic": true});
            event.insert("exception".to_owned(), json!({"values": [{"type": kind, "value": value, "mechanism": mechanism}]}));
        }
    }
}

/// Whether a field is a part of the event, and no annotation.
pub fn is_of_event(name: &str) -> bool {
    name == "sentry" || name.strip_prefix("sentry__").is_some_and(|number| number.parse::<u32>().is_ok()) || path(name).is_some()
}

/// The keys in `sentry[a][b]`.
fn path(name: &str) -> Option<Vec<&str>> {
    let inside = name.strip_prefix("sentry[")?.strip_suffix(']')?;
    let keys: Vec<_> = inside.split("][").collect();
    (keys.len() <= MAX_DEPTH && keys.iter().all(|key| !key.is_empty())).then_some(keys)
}

fn set(map: &mut Map<String, Value>, path: &[&str], value: String) {
    let Some((key, below)) = path.split_first() else { return };
    if below.is_empty() {
        map.insert((*key).to_owned(), Value::String(value));
        return;
    }
    let inner = map.entry(*key).or_insert_with(|| json!({}));
    if !inner.is_object() {
        *inner = json!({});
    }
    if let Value::Object(inner) = inner {
        set(inner, below, value);
    }
}

/// Puts `from` over `into`, object by object.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::handler_files::tests::msgpack;

    const MAX: usize = 1 << 20;

    fn event(fields: &[(&str, &str)]) -> Value {
        let mut form = Form::default();
        for (name, value) in fields {
            form.field(name, (*value).to_owned(), 0);
        }
        Value::Object(form.into_event(MAX))
    }

    #[test]
    fn a_form_becomes_a_native_fatal_event() {
        let found = event(&[
            ("sentry", r#"{"release":"game@1","tags":{"a":"1"},"platform":"cocoa"}"#),
            ("sentry[tags][b]", "2"),
            ("sentry[user][id]", "7"),
            ("guid", "abc"),
            ("prod", "Crashpad"),
            ("sentry___global", "{}"),
            ("sentry[]", "x"),
            ("", "nameless"),
        ]);
        let expected = json!({
            "release": "game@1", "tags": {"a": "1", "b": "2"}, "user": {"id": "7"}, "platform": "native", "level": "fatal",
            "extra": {"guid": "abc", "prod": "Crashpad", "sentry___global": "{}", "sentry[]": "x"},
            "exception": {"values": [{"type": "Minidump", "value": "Invalid Minidump", "mechanism": {"type": "minidump", "handled": false, "synthetic": true}}]},
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_crash_stands_in_for_an_exception_only_where_there_is_none() {
        let mut event = json!({"level": "error", "message": "dying"}).as_object().unwrap().clone();
        Crash::of(Some("event.applecrashreport")).unwrap().stand_in(&mut event);
        assert_eq!((&event["level"], &event["exception"]["values"][0]["type"]), (&json!("error"), &json!("AppleCrashReport")));
        let mut event = json!({"exception": {"values": [{"type": "SIGSEGV"}]}}).as_object().unwrap().clone();
        Crash::of(Some("event.minidump")).unwrap().stand_in(&mut event);
        assert_eq!((&event["level"], &event["exception"]["values"][0]["type"]), (&json!("fatal"), &json!("SIGSEGV")));
        assert_eq!([Crash::of(None), Crash::of(Some("event.attachment"))], [None, None]);
    }

    #[test]
    fn a_dump_says_when_it_was_written() {
        let head = |magic: &[u8], time: [u8; 4]| [magic, &[7; 16], &time, b"flags"].concat();
        assert_eq!(dump_time(&head(b"MDMP", [0x10, 0x32, 0x54, 0x69])), Some(0x6954_3210));
        assert_eq!(dump_time(&head(b"PMDM", [0x69, 0x54, 0x32, 0x10])), Some(0x6954_3210));
        assert_eq!((dump_time(&head(b"MDMP", [0; 4])), dump_time(b"MDMP and more")), (None, None));
        let dated = |event: Value, time| {
            let mut event = event.as_object().unwrap().clone();
            date(&mut event, time);
            event.get("timestamp").cloned()
        };
        assert_eq!(dated(json!({"timestamp": null}), Some(5)), Some(json!(5)));
        assert_eq!((dated(json!({"timestamp": 3}), Some(5)), dated(json!({}), None)), (Some(json!(3)), None));
    }

    #[test]
    fn chunks_are_joined_by_their_numbers() {
        let found =
            event(&[("sentry__10", "}}"), ("sentry__2", r#"{"a":"#), ("sentry__1", r#"{"level":"error","extra":"#), ("sentry__3", "1")]);
        assert_eq!((&found["level"], &found["extra"]), (&json!("error"), &json!({"a": 1})));
    }

    #[test]
    fn json_that_cannot_be_read_is_not_lost() {
        assert_eq!(event(&[("sentry", "{oops")])["extra"], json!({"sentry": "{oops"}));
        assert_eq!(event(&[("sentry", r#"{"extra":5}"#), ("a", "b")])["extra"], json!({"a": "b"}));
        assert_eq!(event(&[("sentry[a]", "1"), ("sentry[a][b]", "2")])["a"], json!({"b": "2"}));
    }

    #[test]
    fn the_handlers_event_goes_before_the_form() {
        let mut form = Form::default();
        form.field("sentry", r#"{"release":"form","dist":"9","extra":{"a":"form"}}"#.to_owned(), 0);
        form.field("a", "annotation".to_owned(), 0);
        form.field("b", "annotation".to_owned(), 0);
        form.files.own_event(&msgpack(&json!({"release": "own", "extra": {"n": 1.5, "list": [null, true, -3]}}))).unwrap();
        let event = form.into_event(MAX);
        assert_eq!((&event["release"], &event["dist"]), (&json!("own"), &json!("9")));
        assert_eq!(event["extra"], json!({"n": 1.5, "list": [null, true, -3], "a": "form", "b": "annotation"}));
    }

    #[test]
    fn what_was_cut_on_the_way_is_said_so() {
        let mut form = Form::default();
        form.field("log", "last words".to_owned(), 990);
        form.field("sentry", "{\"release\":\"1".to_owned(), 5000);
        form.field("huge", String::new(), 70_000);
        form.field("guid", "abc".to_owned(), 0);
        let event = Value::Object(form.into_event(MAX));
        assert_eq!(event["extra"], json!({"guid": "abc", "log": "last w...", "sentry": "{\"release..."}));
        let meta = &event["_meta"]["extra"];
        assert_eq!((&meta["log"][""]["len"], &meta["sentry"][""]["len"]), (&json!(1000), &json!(5013)));
        assert_eq!((&meta["huge"], &meta[""]), (&json!({"": {"len": 70_000}}), &json!({"len": 4})));
    }

    #[test]
    fn a_clients_own_notes_stay_beside_ours() {
        let mut form = Form::default();
        form.field("sentry", r#"{"_meta":{"extra":{"a":{"":{"len":9}}},"user":{"":{"len":1}}}}"#.to_owned(), 0);
        form.field("log", "last words".to_owned(), 990);
        let meta = form.into_event(MAX)["_meta"].clone();
        assert_eq!(
            (&meta["extra"]["a"][""]["len"], &meta["extra"]["log"][""]["len"], &meta["user"][""]["len"]),
            (&json!(9), &json!(1000), &json!(1))
        );
    }

    proptest! {
        #[test]
        fn no_field_and_no_file_is_too_odd(name in "(sentry|sentry__|\\[|\\]|[0-9a-z]|.){0,12}", value in ".{0,30}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut form = Form::default();
            form.field(&name, value.clone(), 0);
            form.field(&format!("sentry[{name}]"), value.clone(), 0);
            form.field(&name, value, 5);
            let _ = form.files.own_event(&bytes);
            let _ = form.files.breadcrumbs(&bytes);
            let event = form.into_event(MAX);
            prop_assert_eq!(&event["platform"], "native");
        }
    }
}
