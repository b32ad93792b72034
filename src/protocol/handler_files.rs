//! # What Sentry's crash handler writes beside a dump
//!
//! **Promise.** Its event and its two lists of breadcrumbs, in msgpack, are merged into the event that they belong to: in a form
//! (`protocol.md` 2.5) as in an envelope (4.6).
//!
//! **How.** [`HandlerFiles`] takes the files in any order and [`HandlerFiles::apply`] puts them over an event: what the handler wrote goes before
//! what the event says. The lists are rings: together they hold what the longer one can, the newest last; an event's own breadcrumbs join them.
//!
//! **When it breaks.** msgpack that cannot be read is left out; the caller is told, and the event says so in `_meta`, where `errors` and its page have it from.
//!
//! **Not here.** How large a file may be (`ingest`).

use rmpv::Value as Msgpack;
use serde_json::{Map, Number, Value, json};

use crate::event::json;

/// Levels of msgpack, and of a form's nested keys.
pub(super) const MAX_DEPTH: usize = 50;
/// Breadcrumbs that are kept: the handler's files are rings of this many.
const MAX_BREADCRUMBS: usize = 100;

/// msgpack that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid msgpack")]
pub struct InvalidMsgpack;

/// Which of the handler's files one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandlerFile {
    /// Its event.
    Event,
    /// A list of breadcrumbs.
    Breadcrumbs,
}

impl HandlerFile {
    /// What an attachment of this type is; nothing for ordinary files.
    pub fn of(attachment_type: Option<&str>) -> Option<Self> {
        match attachment_type {
            Some("event.payload") => Some(Self::Event),
            Some("event.breadcrumbs") => Some(Self::Breadcrumbs),
            _ => None,
        }
    }

    /// How many an event can have: the handler goes back and forth between two lists.
    pub const fn most(self) -> usize {
        match self {
            Self::Event => 1,
            Self::Breadcrumbs => 2,
        }
    }

    const fn attachment_type(self) -> &'static str {
        match self {
            Self::Event => "event.payload",
            Self::Breadcrumbs => "event.breadcrumbs",
        }
    }
}

/// What has come so far.
#[derive(Debug, Default)]
pub struct HandlerFiles {
    own: Option<Map<String, Value>>,
    breadcrumbs: Vec<Vec<Value>>,
    broken: Vec<HandlerFile>,
}

impl HandlerFiles {
    /// Takes a file.
    pub fn add(&mut self, file: HandlerFile, bytes: &[u8]) -> Result<(), InvalidMsgpack> {
        match file {
            HandlerFile::Event => self.own_event(bytes),
            HandlerFile::Breadcrumbs => self.breadcrumbs(bytes),
        }
    }

    /// The crash handler's own event.
    pub fn own_event(&mut self, bytes: &[u8]) -> Result<(), InvalidMsgpack> {
        let mut rest = bytes;
        let Ok(Value::Object(event)) = read_msgpack(&mut rest) else { return Err(self.broken(HandlerFile::Event)) };
        self.own = Some(event);
        Ok(())
    }

    /// One of the crash handler's two files of breadcrumbs: one after the other.
    pub fn breadcrumbs(&mut self, bytes: &[u8]) -> Result<(), InvalidMsgpack> {
        let (mut rest, mut crumbs) = (bytes, Vec::new());
        let mut read = Ok(());
        while !rest.is_empty() && read.is_ok() {
            read = read_msgpack(&mut rest).map(|crumb| crumbs.extend(Some(crumb).filter(Value::is_object)));
        }
        // The program may have died while it wrote the last one.
        keep_newest(&mut crumbs, MAX_BREADCRUMBS);
        let is_empty = crumbs.is_empty();
        self.breadcrumbs.push(crumbs);
        if is_empty && read.is_err() { Err(self.broken(HandlerFile::Breadcrumbs)) } else { Ok(()) }
    }

    fn broken(&mut self, file: HandlerFile) -> InvalidMsgpack {
        if !self.broken.contains(&file) {
            self.broken.push(file);
        }
        InvalidMsgpack
    }

    /// The id that the handler's event names.
    pub fn event_id(&self) -> Option<&str> {
        self.own.as_ref()?.get("event_id")?.as_str()
    }

    /// Merges all into an event.
    pub fn apply(self, event: &mut Map<String, Value>) {
        if let Some(own) = self.own {
            // What the handler wrote goes before what others say.
            let other = std::mem::replace(event, own);
            add_missing(event, other);
        }
        let mut crumbs = in_order(self.breadcrumbs);
        if !crumbs.is_empty() {
            let own = own_breadcrumbs(event, &crumbs);
            if !own.is_empty() {
                crumbs = by_age(vec![own, crumbs]);
                keep_newest(&mut crumbs, MAX_BREADCRUMBS);
            }
            event.insert("breadcrumbs".to_owned(), json!({"values": crumbs}));
        }
        self.broken.into_iter().for_each(|file| note(file, event));
    }
}

/// The event says that a file could not be read.
fn note(file: HandlerFile, event: &mut Map<String, Value>) {
    let meta = event.entry("_meta").or_insert_with(|| json!({}));
    if !meta.is_object() {
        *meta = json!({});
    }
    let what = json!({"reason": "the attachment could not be read and is left out"});
    meta[file.attachment_type()] = json!({"": {"err": [["invalid_msgpack", what]]}});
}

/// The breadcrumbs in an event that are not also in these.
fn own_breadcrumbs(event: &mut Map<String, Value>, others: &[Value]) -> Vec<Value> {
    let own = match event.remove("breadcrumbs") {
        Some(Value::Object(mut wrapped)) => wrapped.remove("values"),
        list => list,
    };
    let Some(Value::Array(mut own)) = own else { return Vec::new() };
    keep_newest(&mut own, MAX_BREADCRUMBS);
    own.retain(|crumb| !others.contains(crumb));
    own
}

fn keep_newest(crumbs: &mut Vec<Value>, most: usize) {
    let surplus = crumbs.len().saturating_sub(most);
    crumbs.drain(..surplus);
}

/// The files' breadcrumbs with the newer file's at the end; no more than the longer file had, for they are rings.
fn in_order(files: Vec<Vec<Value>>) -> Vec<Value> {
    let most = files.iter().map(Vec::len).max().unwrap_or(0);
    let mut crumbs = by_age(files);
    keep_newest(&mut crumbs, most);
    crumbs
}

/// Lists one after the other, that with the newest end last.
fn by_age(mut lists: Vec<Vec<Value>>) -> Vec<Value> {
    lists.sort_by_key(|crumbs| crumbs.last().map_or_else(String::new, newest));
    lists.into_iter().flatten().collect()
}

/// A breadcrumb's time, such that later ones sort behind.
fn newest(crumb: &Value) -> String {
    match crumb.get("timestamp") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(seconds)) => {
            let time = chrono::DateTime::from_timestamp_micros((seconds.as_f64().unwrap_or(0.0) * 1e6) as i64);
            time.unwrap_or_default().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
        }
        _ => String::new(),
    }
}

/// Puts `from` under `into`, object by object.
pub(super) fn add_missing(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => add_missing(into, from),
            (Some(_), _) => {}
            (None, value) => drop(into.insert(key, value)),
        }
    }
}

/// One value, as clean as the one of a JSON document that was read.
fn read_msgpack(rest: &mut &[u8]) -> Result<Value, InvalidMsgpack> {
    let value = rmpv::decode::read_value_with_max_depth(rest, MAX_DEPTH).map_err(|_| InvalidMsgpack)?;
    json::parse(as_json(value).to_string().as_bytes()).map(|(value, _)| value).map_err(|_| InvalidMsgpack)
}

/// msgpack as JSON. Bytes that are no text have no place in an event, and neither has what stands under a key that is a map or a list: as
/// text, its escapes would double with every level.
fn as_json(value: Msgpack) -> Value {
    match value {
        Msgpack::Nil | Msgpack::Binary(_) | Msgpack::Ext(..) => Value::Null,
        Msgpack::Boolean(value) => Value::Bool(value),
        Msgpack::Integer(number) => {
            number.as_u64().map(Number::from).or_else(|| number.as_i64().map(Number::from)).map_or(Value::Null, Value::Number)
        }
        Msgpack::F32(number) => json!(number),
        Msgpack::F64(number) => json!(number),
        Msgpack::String(text) => Value::String(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        Msgpack::Array(items) => items.into_iter().map(as_json).collect(),
        Msgpack::Map(entries) => {
            let text = |key: Msgpack| match key {
                Msgpack::Array(_) | Msgpack::Map(_) => None,
                scalar => Some(match as_json(scalar) {
                    Value::String(text) => text,
                    other => other.to_string(),
                }),
            };
            Value::Object(entries.into_iter().filter_map(|(key, value)| Some((text(key)?, as_json(value)))).collect())
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::protocol) fn msgpack(value: &Value) -> Vec<u8> {
        fn of(value: &Value) -> Msgpack {
            match value {
                Value::Null => Msgpack::Nil,
                Value::Bool(value) => Msgpack::Boolean(*value),
                Value::Number(number) => number.as_i64().map_or_else(|| Msgpack::F64(number.as_f64().unwrap()), Msgpack::from),
                Value::String(text) => Msgpack::from(text.as_str()),
                Value::Array(items) => Msgpack::Array(items.iter().map(of).collect()),
                Value::Object(map) => Msgpack::Map(map.iter().map(|(key, value)| (Msgpack::from(key.as_str()), of(value))).collect()),
            }
        }
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &of(value)).unwrap();
        bytes
    }

    fn merged(mut event: Value, files: &[(HandlerFile, Vec<u8>)]) -> Value {
        let mut all = HandlerFiles::default();
        for (file, bytes) in files {
            let _ = all.add(*file, bytes);
        }
        all.apply(event.as_object_mut().unwrap());
        event
    }

    fn crumb(n: u32) -> Value {
        json!({"timestamp": format!("2026-01-01T00:00:{n:02}Z"), "message": n})
    }

    fn ring(range: std::ops::Range<u32>) -> (HandlerFile, Vec<u8>) {
        (HandlerFile::Breadcrumbs, range.flat_map(|n| msgpack(&crumb(n))).collect())
    }

    fn messages(event: &Value) -> Vec<u64> {
        event["breadcrumbs"]["values"].as_array().unwrap().iter().map(|crumb| crumb["message"].as_u64().unwrap()).collect()
    }

    #[test]
    fn keys_that_are_no_scalars_are_left_out() {
        let text = |key: Msgpack| {
            let mut bytes = Vec::new();
            rmpv::encode::write_value(&mut bytes, &Msgpack::Map(vec![(key, 1.into()), ("a".into(), 2.into())])).unwrap();
            merged(json!({}), &[(HandlerFile::Event, bytes)])
        };
        assert_eq!(text(7.into()), json!({"7": 1, "a": 2}));
        assert_eq!(text(true.into()), json!({"true": 1, "a": 2}));
        assert_eq!(text(Msgpack::Array(vec!["x".into()])), json!({"a": 2}));
        // As text, each level would double the escapes of the one inside: these 60 bytes would become some megabytes.
        let nested = (0..20).fold(Msgpack::from("x"), |inner, _| Msgpack::Map(vec![(inner, Msgpack::Nil)]));
        assert_eq!(text(nested), json!({"a": 2}));
    }

    #[test]
    fn the_newer_breadcrumbs_come_last() {
        for files in [[ring(1..6), ring(6..8)], [ring(6..8), ring(1..6)]] {
            assert_eq!(messages(&merged(json!({}), &files)), [3, 4, 5, 6, 7]);
        }
        // The last one was being written when the program died.
        let mut cut = ring(1..3);
        cut.1.pop();
        assert_eq!(messages(&merged(json!({}), &[cut])), [1]);
        let long = (0..250).flat_map(|n| msgpack(&json!({"message": n}))).collect();
        assert_eq!(messages(&merged(json!({}), &[(HandlerFile::Breadcrumbs, long)])).len(), MAX_BREADCRUMBS);
    }

    #[test]
    fn an_events_own_breadcrumbs_stay_once() {
        for own in [json!([crumb(1), crumb(2)]), json!({"values": [crumb(1), crumb(2)]})] {
            let event = merged(json!({"breadcrumbs": own}), &[ring(2..5)]);
            assert_eq!(messages(&event), [1, 2, 3, 4]);
        }
        assert_eq!(messages(&merged(json!({"breadcrumbs": [crumb(9)]}), &[ring(2..5)])), [2, 3, 4, 9]);
        let untouched = json!({"breadcrumbs": [crumb(9)], "errors": "x"});
        assert_eq!(merged(untouched.clone(), &[(HandlerFile::Breadcrumbs, Vec::new())]), untouched);
    }

    #[test]
    fn the_handlers_event_goes_before_what_others_say() {
        let own = msgpack(&json!({"release": "own", "extra": {"n": 1}, "message": "a\u{0}b"}));
        let event = merged(json!({"release": "x", "dist": "9", "extra": {"n": 2, "m": 3}}), &[(HandlerFile::Event, own)]);
        assert_eq!(event, json!({"release": "own", "dist": "9", "extra": {"n": 1, "m": 3}, "message": "ab"}));
    }

    #[test]
    fn msgpack_that_is_none_is_said_so() {
        let mut files = HandlerFiles::default();
        for bytes in [&b"\xc1\x01"[..], b"\x93\x01", &msgpack(&json!([1])), &vec![0x91; 100_000], b"\xdf\xff\xff\xff\xff", b""] {
            assert_eq!(files.own_event(bytes), Err(InvalidMsgpack));
        }
        assert_eq!(files.breadcrumbs(b"\x93\x01"), Err(InvalidMsgpack));
        assert_eq!(files.breadcrumbs(b""), Ok(()));
        let mut event = json!({"_meta": {"user": {"": {"len": 3}}}});
        files.apply(event.as_object_mut().unwrap());
        assert!(event.get("breadcrumbs").is_none());
        for (file, kind) in [("event.payload", "invalid_msgpack"), ("event.breadcrumbs", "invalid_msgpack")] {
            assert_eq!(event["_meta"][file][""]["err"][0][0], kind);
        }
        assert_eq!(event["_meta"]["user"][""]["len"], 3);
    }
}
