//! # Exceptions and threads
//!
//! **Promise.** Whatever form a client sends (wrapped, bare list, single object), `exception.values` holds objects with a type or a value,
//! the raised one last (`protocol.md` 7.3, 7.6, 8.10).
//!
//! **Not here.** Frames (`frames`), how it was caught (`mechanism`).

use serde_json::{Map, Value};

use super::frames::{LOCK, STACKTRACE, finish_in};
use super::mechanism::{self, MECHANISM, System};
use super::meta::{MetaError, MetaTree, Path};
use super::scalars;
use super::schema::{Object, Other, Shape, Values, chars, field, filled_text, limited, text, values_mut};

static EXCEPTION: Object = Object {
    expected: "exception",
    other: Other::Drop,
    fields: &[
        text("type", 256, 20),
        limited("value", Shape::JsonText, chars(8192, 200)),
        text("module", 256, 20),
        field("stacktrace", Shape::Object(&STACKTRACE)),
        field("raw_stacktrace", Shape::Object(&STACKTRACE)),
        field("thread_id", Shape::Parsed(scalars::thread_id)),
        field("mechanism", Shape::Legacy(&MECHANISM, mechanism::modernise)),
    ],
};

static THREAD: Object = Object {
    expected: "thread",
    other: Other::Drop,
    fields: &[
        field("id", Shape::Parsed(scalars::thread_id)),
        text("name", 1024, 100),
        field("stacktrace", Shape::Object(&STACKTRACE)),
        field("raw_stacktrace", Shape::Object(&STACKTRACE)),
        field("crashed", Shape::Bool),
        field("current", Shape::Bool),
        field("main", Shape::Bool),
        field("state", Shape::Text),
        field("held_locks", Shape::Map(&Shape::Object(&LOCK))),
    ],
};

/// `exception`.
pub(super) static EXCEPTIONS: Values = Values { item: &Shape::Object(&EXCEPTION), single: true };
/// `threads`.
pub(super) static THREADS: Values = Values { item: &Shape::Object(&THREAD), single: true };

/// The keys that Relay shows in the original of a rejected exception.
const SHOWN: [&str; 7] = ["mechanism", "module", "raw_stacktrace", "stacktrace", "thread_id", "type", "value"];

/// Completes exceptions and threads; a stack trace of the event moves into its only exception.
pub(super) fn finish(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    finish_in(event, &Path::Root, meta);
    adopt_stacktrace(event);
    let base = Path::Key(&Path::Root, "exception");
    let list = base.key("values");
    let system = System::of(event);
    for (index, value) in values_mut(event, "exception").into_iter().flatten().enumerate() {
        let path = list.index(index);
        let Value::Object(exception) = value else { continue };
        split_value(exception);
        if filled_text(exception, "type").is_none() && filled_text(exception, "value").is_none() {
            let shown = SHOWN.iter().map(|key| ((*key).to_owned(), exception.remove(*key).unwrap_or(Value::Null))).collect();
            *value = Value::Object(shown);
            let error = MetaError::new("missing_attribute").with("attribute", Value::String("type or value".to_owned()));
            super::schema::reject(value, &path, meta, error);
            continue;
        }
        finish_in(exception, &path, meta);
        mechanism::finish(exception, system);
    }
    let base = Path::Key(&Path::Root, "threads");
    let list = base.key("values");
    for (index, thread) in values_mut(event, "threads").into_iter().flatten().enumerate() {
        if let Value::Object(thread) = thread {
            finish_in(thread, &list.index(index), meta);
        }
    }
}

fn adopt_stacktrace(event: &mut Map<String, Value>) {
    if !event.contains_key("stacktrace") {
        return;
    }
    let adopts = match values_mut(event, "exception").map(|values| &values[..]) {
        Some([Value::Object(only)]) => !only.contains_key("stacktrace"),
        _ => false,
    };
    if adopts
        && let Some(stacktrace) = event.remove("stacktrace")
        && let Some([Value::Object(only)]) = values_mut(event, "exception").map(|values| &mut values[..])
    {
        only.insert("stacktrace".to_owned(), stacktrace);
    }
}

/// `Word: rest` without a type is a type and a value.
fn split_value(exception: &mut Map<String, Value>) {
    if filled_text(exception, "type").is_some() {
        return;
    }
    let Some(Value::String(value)) = exception.get("value") else { return };
    let Some((word, rest)) = value.split_once(':') else { return };
    if word.is_empty() || rest.contains('\n') || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return;
    }
    let (word, rest) = (word.to_owned(), rest.trim().to_owned());
    exception.insert("type".to_owned(), Value::String(word));
    exception.insert("value".to_owned(), Value::String(rest));
}
