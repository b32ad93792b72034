//! # Kind, title, location and metadata
//!
//! **Promise.** What an event is called in lists (grouping.md 16), from the event alone and never empty.
//! **How.** One deliberate difference from Sentry: a made-up exception that only carries a message and a stack is called by that message.
//! **Not here.** The culprit (`culprit`); whether an issue takes a new event's title (`issues`).

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::frame::Frame;
use super::message;
use super::security;
use super::shape::{self, LogEntry, Object};
use super::text::cut;
use super::traces::Traces;

const MAX_TITLE_LINE: usize = 100;
const MAX_VALUE: usize = 1024;
const MAX_TYPE: usize = 128;

/// What sort of event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Has an exception.
    Error,
    /// A message, a bare stack trace or anything else.
    Default,
    /// Content security policy report.
    Csp,
    /// Key pinning report.
    Hpkp,
    /// OCSP stapling report.
    ExpectStaple,
    /// Certificate transparency report.
    ExpectCt,
    /// Network error report.
    Nel,
    /// A span tree.
    Transaction,
    /// What a user wrote.
    Feedback,
}

impl Kind {
    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Default => "default",
            Self::Csp => "csp",
            Self::Hpkp => "hpkp",
            Self::ExpectStaple => "expectstaple",
            Self::ExpectCt => "expectct",
            Self::Nel => "nel",
            Self::Transaction => "transaction",
            Self::Feedback => "feedback",
        }
    }

    /// The kind an event says it is, else the one its parts make it.
    pub(super) fn of(event: &Object, traces: &Traces<'_>) -> Self {
        let all = [Self::Csp, Self::Hpkp, Self::ExpectStaple, Self::ExpectCt, Self::Nel, Self::Transaction, Self::Feedback];
        let said = shape::text(event, "type");
        if let Some(kind) = all.into_iter().find(|kind| said == Some(kind.as_str())) {
            return kind;
        }
        if !traces.exceptions.is_empty() {
            return Self::Error;
        }
        all[..4].iter().copied().find(|kind| shape::object(event, kind.as_str()).is_some()).unwrap_or(Self::Default)
    }

    /// Whether it is a browser's report about a security policy: no rule changes its title.
    fn is_security(self) -> bool {
        matches!(self, Self::Csp | Self::Hpkp | Self::ExpectStaple | Self::ExpectCt)
    }
}

/// What an event is called.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Name {
    pub(super) title: String,
    pub(super) location: Option<String>,
    pub(super) metadata: Map<String, Value>,
}

/// Names an event. `main` is the exception that gives the title, if not the last; `given` a title that a rule asks for.
pub(super) fn name(event: &Object, traces: &Traces<'_>, kind: Kind, main: Option<usize>, given: Option<String>) -> Name {
    let mut name = match kind {
        Kind::Error => error(event, traces, main),
        Kind::Transaction => transaction(event),
        kind if kind.is_security() => report(event, kind),
        Kind::Feedback => feedback(event),
        _ => message_or(event, "<unlabeled event>", kind),
    };
    let given = given.or_else(|| shape::text(event, "title").map(str::to_owned));
    if let Some(given) = given.filter(|given| !kind.is_security() && !given.is_empty()) {
        name.metadata.insert("title".to_owned(), json!(given));
        name.title = given;
    }
    if let Some(sdk) = shape::object(event, "sdk").and_then(|sdk| shape::text(sdk, "name")) {
        name.metadata.insert("sdk".to_owned(), json!({"name": sdk}));
    }
    name
}

/// The first line that says something, cut for a title.
fn first_line(text: &str) -> Option<String> {
    let line = message::lines(text.trim()).next().map(str::trim_end).filter(|line| !line.is_empty())?;
    Some(cut(line, MAX_TITLE_LINE).into_owned())
}

fn error(event: &Object, traces: &Traces<'_>, main: Option<usize>) -> Name {
    let main = main.and_then(|index| traces.exceptions.get(index)).or_else(|| traces.exceptions.last()).map(|owner| owner.object);
    let synthetic = main.is_some_and(shape::is_synthetic);
    let field = |key| main.and_then(|main| shape::text(main, key));
    let known = |frame: &Frame<'_>| frame.function.is_some_and(|function| !matches!(function, "<redacted>" | "<unknown>"));
    let frame = traces.crash_frame(known);

    let mut metadata = Map::new();
    let kind = (!synthetic).then(|| cut(field("type").unwrap_or("Error"), MAX_TYPE).into_owned());
    let value = field("value").map(|value| cut(value, MAX_VALUE).into_owned());
    let location = frame.and_then(|frame| frame.filename).map(str::to_owned);
    let function = frame.and_then(|frame| frame.function).map(str::to_owned);
    let said = LogEntry::of(event).shown().or_else(|| field("value").filter(|_| field("type").is_none()));
    let title = match (&kind, value.as_deref().and_then(first_line)) {
        (Some(kind), Some(line)) => format!("{kind}: {line}"),
        (Some(kind), None) => kind.clone(),
        (None, _) => {
            let named = said.and_then(first_line).or_else(|| function.clone()).or_else(|| main.and_then(unread_crash));
            named.unwrap_or_else(|| "<unknown>".to_owned())
        }
    };
    let fields = [("type", kind), ("value", value), ("filename", location.clone()), ("function", function)];
    metadata.extend(fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::String(value?)))));
    if let Some(mix) = in_app_mix(traces) {
        metadata.insert("in_app_frame_mix".to_owned(), json!(mix));
    }
    Name { title, location, metadata }
}

/// The type of the exception that stands for a crash whose file nobody has read: there is nothing else to call it by.
fn unread_crash(exception: &Object) -> Option<String> {
    let mechanism = shape::object(exception, "mechanism").and_then(|mechanism| shape::text(mechanism, "type"));
    let is_crash = matches!(mechanism, Some("minidump" | "applecrashreport"));
    shape::text(exception, "type").filter(|_| is_crash).map(str::to_owned)
}

/// Whether the frames that stand for the crash are the app's.
fn in_app_mix(traces: &Traces<'_>) -> Option<&'static str> {
    let frames = traces.crash_frames();
    let in_app = frames.iter().filter(|frame| frame.in_app == Some(true)).count();
    match (in_app, frames.len()) {
        (_, 0) => None,
        (0, _) => Some("system-only"),
        (some, all) if some == all => Some("in-app-only"),
        _ => Some("mixed"),
    }
}

fn message_or(event: &Object, otherwise: &str, kind: Kind) -> Name {
    let title = LogEntry::of(event).shown().and_then(first_line).unwrap_or_else(|| otherwise.to_owned());
    let mut metadata = Map::new();
    metadata.insert("title".to_owned(), json!(title));
    let mut location = None;
    if kind == Kind::Nel {
        location = shape::object(event, "request").and_then(|request| shape::text(request, "url")).map(str::to_owned);
        metadata.extend(location.iter().map(|uri| ("uri".to_owned(), json!(uri))));
    }
    Name { title, location, metadata }
}

fn transaction(event: &Object) -> Name {
    let trace = shape::object(event, "contexts").and_then(|contexts| shape::object(contexts, "trace"));
    let title = trace.and_then(|trace| shape::text(trace, "description")).or_else(|| shape::text(event, "transaction"));
    let title = title.unwrap_or("<unlabeled transaction>").to_owned();
    let location = shape::text(event, "transaction").map(str::to_owned);
    let mut metadata = Map::new();
    metadata.insert("title".to_owned(), json!(title));
    metadata.extend(location.iter().map(|location| ("location".to_owned(), json!(location))));
    Name { title, location, metadata }
}

fn report(event: &Object, kind: Kind) -> Name {
    let title = LogEntry::of(event).shown().and_then(first_line).unwrap_or_else(|| "<untitled>".to_owned());
    let empty = Map::new();
    let report = shape::object(event, kind.as_str()).unwrap_or(&empty);
    let mut metadata = Map::new();
    metadata.extend(LogEntry::of(event).shown().map(|message| ("message".to_owned(), json!(message))));
    let location = if kind == Kind::Csp {
        metadata.extend(security::effective_directive(report).map(|directive| ("directive".to_owned(), json!(directive))));
        let uri = security::blocked_uri(report);
        metadata.insert("uri".to_owned(), json!(uri));
        Some(uri)
    } else {
        let origin = shape::text(report, "hostname").map(str::to_owned);
        metadata.extend(origin.iter().map(|origin| ("origin".to_owned(), json!(origin))));
        origin
    };
    Name { title, location, metadata }
}

fn feedback(event: &Object) -> Name {
    let feedback = shape::object(event, "contexts").and_then(|contexts| shape::object(contexts, "feedback"));
    let field = |key| feedback.and_then(|feedback| shape::text(feedback, key));
    let title = field("message").and_then(first_line).map_or_else(|| "User Feedback".to_owned(), |line| format!("User Feedback: {line}"));
    let fields = ["message", "contact_email", "name", "source"];
    let metadata = fields.into_iter().filter_map(|key| Some((key.to_owned(), json!(field(key)?)))).collect();
    Name { title, location: None, metadata }
}

#[cfg(test)]
mod tests {
    use super::super::version::Version;
    use super::*;

    fn named(event: &Value) -> (String, Option<String>) {
        let event = event.as_object().unwrap();
        let traces = Traces::read(event, Version::NEWEST);
        let name = name(event, &traces, Kind::of(event, &traces), None, None);
        (name.title, name.location)
    }

    #[test]
    fn titles_by_kind() {
        let synthetic = |value: Value| json!({"exception": {"value": value, "mechanism": {"synthetic": true}, "stacktrace": {"frames": [{"function": "f", "filename": "a.js"}]}}});
        let table = [
            (json!({"exception": {"type": "E", "value": "one\ntwo"}}), "E: one"),
            (json!({"exception": {"type": "E"}}), "E"),
            (json!({"exception": {"value": "v"}}), "Error: v"),
            (json!({"exception": {"type": "E", "value": "x".repeat(200)}}), &format!("E: {}...", "x".repeat(97))),
            (synthetic(json!("hello")), "hello"),
            (synthetic(json!(null)), "f"),
            (json!({"exception": {"type": "E", "mechanism": {"synthetic": true}}}), "<unknown>"),
            (json!({"exception": {"type": "Minidump", "mechanism": {"type": "minidump", "synthetic": true}}}), "Minidump"),
            (json!({"logentry": {"formatted": "  hi\nyou", "message": "hi %s"}}), "hi"),
            (json!({"message": "hi"}), "hi"),
            (json!({}), "<unlabeled event>"),
            (json!({"csp": {"effective_directive": "img-src"}}), "<untitled>"),
            (json!({"csp": {}, "message": "Blocked"}), "Blocked"),
            (json!({"type": "transaction", "transaction": "/x"}), "/x"),
            (json!({"type": "transaction"}), "<unlabeled transaction>"),
            (json!({"message": "m", "title": "given"}), "given"),
            (json!({"type": "feedback", "contexts": {"feedback": {"message": "bad"}}}), "User Feedback: bad"),
        ];
        for (event, title) in table {
            assert_eq!(named(&event).0, title, "{event}");
        }
    }

    #[test]
    fn the_place_is_the_crash_frame_whose_function_is_known() {
        let event = json!({"exception": {"type": "E", "stacktrace": {"frames": [
            {"function": "a", "filename": "a.c", "in_app": true}, {"function": "b", "filename": "b.c"}, {"function": "<redacted>", "filename": "c.c", "in_app": true}
        ]}}});
        assert_eq!(named(&event).1.as_deref(), Some("a.c"));
        let csp = json!({"csp": {"blocked_uri": "https://x.y/z"}});
        assert_eq!(named(&csp).1.as_deref(), Some("x.y"));
    }
}
