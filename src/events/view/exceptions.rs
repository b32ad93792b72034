//! Exceptions newest first, with the sentences that tie a chain or a group together, and threads.

use serde_json::Value;

use super::{
    frames::{self, Segment},
    json, notes,
};

/// "raised while handling" [`HTTPStatusError`](#exc-0) "below".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainLink {
    /// Words before the name.
    pub words: &'static str,
    /// The other exception.
    pub name: String,
    /// Its element's id.
    pub anchor: String,
    /// "below" or "above".
    pub side: &'static str,
}

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExceptionView {
    /// Element id: "exc-2".
    pub anchor: String,
    /// Type; "Error" where there is only a value.
    pub kind: String,
    /// Value; may be empty.
    pub value: String,
    /// The type's module; may be empty.
    pub module: String,
    /// What was trimmed from the value.
    pub note: Option<String>,
    /// How it hangs together with others.
    pub chain: Vec<ChainLink>,
    /// "unhandled", "mechanism django".
    pub facts: Vec<String>,
    /// It ended the request or process.
    pub unhandled: bool,
    /// Newest frame first.
    pub segments: Vec<Segment>,
    /// How many frames it has.
    pub frame_count: usize,
}

/// One thread, or the place from which a message was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadView {
    /// "Thread 7 “worker”".
    pub name: String,
    /// "crashed", "current", "main", its state.
    pub facts: Vec<String>,
    /// Newest frame first; may be empty.
    pub segments: Vec<Segment>,
    /// Shown opened.
    pub open: bool,
}

const MAX_EXCEPTIONS: usize = 50;
const MAX_THREADS: usize = 100;

/// All exceptions of an event, the one raised last first.
pub(super) fn all(event: &Value, meta: &Value) -> Vec<ExceptionView> {
    let list: Vec<(usize, &Value)> =
        json::values(event.get("exception")).filter(|(_, e)| e.is_object()).rev().take(MAX_EXCEPTIONS).collect();
    let meta = notes::at(notes::at(meta, "exception"), "values");
    let platform = json::text(event.get("platform"));
    (0..list.len())
        .map(|position| {
            let (index, exception) = list[position];
            let meta = notes::nth(meta, index);
            let mut view = facts(index, exception, meta);
            view.chain = chain(&list, position);
            let stack = exception.get("stacktrace").filter(|s| s.is_object()).or_else(|| stack_of_thread(event, exception));
            let newest = if position == 0 { "raised here" } else { "" };
            (view.segments, view.frame_count) =
                frames::segments(stack.unwrap_or(&Value::Null), notes::at(meta, "stacktrace"), &platform, newest);
            view.facts.extend(notes::of_members(stack.unwrap_or(&Value::Null), notes::at(meta, "stacktrace"), &["frames"]));
            view.facts.extend(notes::of_members(exception, meta, &["type", "module", "stacktrace"]));
            view
        })
        .collect()
}

/// An exception without frames may have left them with its thread.
fn stack_of_thread<'a>(event: &'a Value, exception: &Value) -> Option<&'a Value> {
    let id = exception.get("thread_id").filter(|id| !id.is_null())?;
    json::values(event.get("threads")).find(|(_, t)| t.get("id") == Some(id))?.1.get("stacktrace")
}

fn facts(index: usize, exception: &Value, meta: &Value) -> ExceptionView {
    let mechanism = exception.get("mechanism").unwrap_or(&Value::Null);
    let value = json::text(exception.get("value"));
    let handled = mechanism.get("handled").and_then(Value::as_bool);
    let mut facts = Vec::new();
    if let Some(handled) = handled {
        facts.push(if handled { "handled" } else { "unhandled" }.to_owned());
    }
    let kind = json::text(mechanism.get("type"));
    if !kind.is_empty() && kind != "generic" && kind != "chained" {
        facts.push(format!("mechanism {}", json::cut(&kind, 80)));
    }
    let description = json::text(mechanism.get("description"));
    if !description.is_empty() {
        facts.push(json::cut(&description, 300));
    }
    let signal = mechanism.get("meta").and_then(|m| m.get("signal")).map(|s| json::first_text(s, &["name", "number"])).unwrap_or_default();
    if !signal.is_empty() {
        facts.push(format!("signal {signal}"));
    }
    let name = json::text(exception.get("type"));
    ExceptionView {
        anchor: format!("exc-{index}"),
        kind: if name.is_empty() { "Error".to_owned() } else { json::cut(&name, 300) },
        note: notes::note(notes::at(meta, "value"), &Value::String(value.clone())),
        value,
        module: json::cut(&json::text(exception.get("module")), 300),
        facts,
        unhandled: handled == Some(false),
        ..ExceptionView::default()
    }
}

fn mechanism_id(exception: &Value, key: &str) -> Option<u64> {
    exception.get("mechanism")?.get(key)?.as_u64()
}

/// The sentences of the exception at `position` of the list (newest first).
fn chain(list: &[(usize, &Value)], position: usize) -> Vec<ChainLink> {
    const MAX_NAMED: usize = 6;
    let (_, own) = list[position];
    let numbered = list.len() > 1 && list.iter().all(|(_, e)| mechanism_id(e, "exception_id").is_some());
    let related: Vec<usize> = if numbered {
        let id = mechanism_id(own, "exception_id");
        (0..list.len()).filter(|other| *other != position && mechanism_id(list[*other].1, "parent_id") == id).collect()
    } else {
        (position + 1..list.len()).take(1).collect()
    };
    let link = |other: usize| {
        let (index, exception) = list[other];
        let name = json::cut(&json::first_text(exception, &["type", "value"]), 100);
        let side = if other > position { "below" } else { "above" };
        ChainLink {
            words: words(own, exception),
            name: if name.is_empty() { "another error".to_owned() } else { name },
            anchor: format!("exc-{index}"),
            side,
        }
    };
    related.into_iter().take(MAX_NAMED).map(link).collect()
}

fn words(own: &Value, other: &Value) -> &'static str {
    let mechanism = other.get("mechanism").unwrap_or(&Value::Null);
    let source = json::text(mechanism.get("source"));
    let group = own.get("mechanism").and_then(|m| m.get("is_exception_group")) == Some(&Value::Bool(true));
    match source.as_str() {
        "__context__" => "raised while handling",
        _ if json::text(mechanism.get("type")) == "suppressed" => "suppressed",
        source if source.contains('[') || (group && source.is_empty()) => "holds",
        _ => "caused by",
    }
}

/// The threads of an event, the crashed or current one first; for an event without exception also its own stack trace.
pub(super) fn threads(event: &Value, meta: &Value) -> Vec<ThreadView> {
    let platform = json::text(event.get("platform"));
    let has_exception = json::values(event.get("exception")).next().is_some();
    let meta_threads = notes::at(notes::at(meta, "threads"), "values");
    let mut views: Vec<(u8, ThreadView)> = Vec::new();
    if let Some(stack) = event.get("stacktrace").filter(|s| s.is_object()) {
        let (segments, _) = frames::segments(stack, notes::at(meta, "stacktrace"), &platform, "sent here");
        views.push((0, ThreadView { name: "Where it was sent".to_owned(), segments, open: !has_exception, ..ThreadView::default() }));
    }
    for (index, thread) in json::values(event.get("threads")).filter(|(_, t)| t.is_object()).take(MAX_THREADS) {
        let flag = |key: &str| thread.get(key) == Some(&Value::Bool(true));
        // Java marks the calling thread of a message as crashed; without an exception nothing did.
        let mut facts: Vec<String> = Vec::new();
        facts.extend((flag("crashed") && has_exception).then(|| "crashed".to_owned()));
        facts.extend(["current", "main"].into_iter().filter(|key| flag(key)).map(str::to_owned));
        facts.extend(Some(json::cut(&json::text(thread.get("state")), 60)).filter(|s| !s.is_empty()));
        let active = flag("crashed") || flag("current");
        let empty = Value::Null;
        let stack = thread.get("stacktrace").unwrap_or(&empty);
        let meta = notes::at(notes::nth(meta_threads, index), "stacktrace");
        let (segments, _) = frames::segments(stack, meta, &platform, "");
        facts.extend(notes::of_members(stack, meta, &["frames"]));
        views.push((u8::from(!active), ThreadView { name: thread_name(thread), facts, open: active && !has_exception, segments }));
    }
    views.sort_by_key(|(order, _)| *order);
    views.into_iter().map(|(_, view)| view).collect()
}

fn thread_name(thread: &Value) -> String {
    let (id, name) = (json::text(thread.get("id")), json::cut(&json::text(thread.get("name")), 200));
    match (id.is_empty(), name.is_empty()) {
        (_, false) if id.is_empty() => format!("Thread “{name}”"),
        (false, false) => format!("Thread {id} “{name}”"),
        (false, true) => format!("Thread {id}"),
        _ => "Thread".to_owned(),
    }
}
