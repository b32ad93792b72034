//! # Variables in fingerprints and titles
//!
//! **Promise.** Every variable has a value for every event: what it names, or a fixed text that says what is missing (grouping.md 12).

use std::borrow::Cow;

use super::super::frame::Frame;
use super::super::message;
use super::super::shape::{self, LogEntry, Object};
use super::super::traces::Traces;
use super::variable;

/// The variables, for completion; `tags.` takes a tag's name.
pub const VARIABLE_NAMES: [&str; 13] = [
    "default",
    "message",
    "transaction",
    "error.type",
    "error.value",
    "stack.function",
    "stack.module",
    "stack.abs_path",
    "stack.filename",
    "stack.package",
    "level",
    "logger",
    "tags.",
];

/// Other names for some of them.
const ALIASES: [&str; 9] = ["raw_message", "type", "value", "raw_value", "error.raw_value", "function", "path", "module", "package"];

/// Whether there is such a variable.
pub(super) fn exists(name: &str) -> bool {
    VARIABLE_NAMES.contains(&name) || ALIASES.contains(&name) || name.starts_with("tags.")
}

/// What variables look at. Frames must have settled flags.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Scope<'s, 'e> {
    pub(in super::super) event: &'e Object,
    pub(in super::super) traces: &'s Traces<'e>,
}

impl<'e> Scope<'_, 'e> {
    /// An entry of a fingerprint with its variable filled in. Messages count as they do elsewhere: without numbers and ids.
    pub(in super::super) fn entry(self, entry: &str) -> String {
        match variable(entry) {
            Some("message") => message::parameterise(self.message().unwrap_or("<no-message>")).into_owned(),
            Some(name) => self.value(name, entry).into_owned(),
            None if self.is_from_event(entry) => message::parameterise(entry).into_owned(),
            None => entry.to_owned(),
        }
    }

    /// A title with its variables filled in.
    pub(in super::super) fn title(self, template: &str) -> String {
        let mut title = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else { break };
            let written = &rest[before.len()..rest.len() - after.len()];
            title.push_str(before);
            title.push_str(&self.value(name.trim(), written));
            rest = after;
        }
        title.push_str(rest);
        title
    }

    /// Whether an entry is the event's own message, copied in by an SDK.
    fn is_from_event(self, entry: &str) -> bool {
        let log = LogEntry::of(self.event);
        let value = |exception: &Object| shape::text(exception, "value") == Some(entry);
        log.formatted == Some(entry) || log.template == Some(entry) || self.traces.exceptions.iter().any(|owner| value(owner.object))
    }

    fn message(self) -> Option<&'e str> {
        LogEntry::of(self.event).shown().or_else(|| self.error("value"))
    }

    fn error(self, key: &str) -> Option<&'e str> {
        shape::text(self.traces.exceptions.last()?.object, key)
    }

    /// What a variable stands for; `written` is the variable as it was written.
    fn value(self, name: &str, written: &str) -> Cow<'e, str> {
        let frame = self.traces.crash_frame(|_| true);
        let of_frame = |read: fn(&Frame<'e>) -> Option<&'e str>| frame.and_then(read);
        let (value, absent) = match name {
            "transaction" => (shape::text(self.event, "transaction"), "<no-transaction>"),
            "message" | "raw_message" => (self.message(), "<no-message>"),
            "type" | "error.type" => (self.error("type"), "<no-type>"),
            "value" | "error.value" | "raw_value" | "error.raw_value" => (self.error("value"), "<no-value>"),
            "function" | "stack.function" => (of_frame(|frame| frame.function), "<no-function>"),
            "path" | "stack.abs_path" => (of_frame(|frame| frame.abs_path.or(frame.filename)), "<no-abs-path>"),
            "stack.filename" => (of_frame(|frame| frame.filename.or(frame.abs_path)), "<no-filename>"),
            "module" | "stack.module" => (of_frame(|frame| frame.module), "<no-module>"),
            "package" | "stack.package" => {
                (of_frame(|frame| frame.package.map(|package| package.rsplit(['/', '\\']).next().unwrap_or(package))), "<no-package>")
            }
            "level" => (shape::text(self.event, "level"), "<no-level>"),
            "logger" => (shape::text(self.event, "logger"), "<no-logger>"),
            other => {
                return match other.strip_prefix("tags.") {
                    Some(tag) => shape::tag(self.event, tag).map_or_else(|| format!("<no-value-for-tag-{tag}>").into(), Cow::Borrowed),
                    None if self.traces.version.traits().keeps_unknown_variables => written.to_owned().into(),
                    None => format!("<unrecognized-variable-{other}>").into(),
                };
            }
        };
        value.map_or_else(|| absent.to_owned().into(), Cow::Borrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::version::Version;
    use super::*;
    use serde_json::{Value, json};

    fn filled(event: &Value, entry: &str) -> String {
        let event = event.as_object().unwrap();
        Scope { event, traces: &Traces::read(event, Version::NEWEST) }.entry(entry)
    }

    #[test]
    fn every_variable_that_completion_offers_is_known() {
        for name in VARIABLE_NAMES.iter().filter(|name| **name != "default") {
            let filled =
                filled(&json!({}), &format!("{{{{ {name}a }}}}").replace("a }}", if name.ends_with('.') { "a }}" } else { " }}" }));
            assert!(!filled.contains("unrecognized"), "{name}: {filled}");
        }
        for name in ALIASES.iter().chain(&VARIABLE_NAMES[1..]).chain(&["release", "tag.x", "raw_type"]) {
            assert_eq!(filled(&json!({}), &format!("{{{{ {name} }}}}")).contains("unrecognized"), !exists(name), "{name}");
        }
    }

    #[test]
    fn variables_name_parts_of_the_event() {
        let event = json!({
            "transaction": "t", "level": "fatal", "logger": "l", "tags": {"a": "1"}, "logentry": {"formatted": "no 5", "message": "no %s"},
            "exception": {"values": [{"type": "E", "value": "v 7", "stacktrace": {"frames": [
                {"function": "f", "module": "m", "package": "/x/lib.so", "abs_path": "/a/b.c", "filename": "b.c", "in_app": true},
                {"function": "g", "in_app": false}
            ]}}]},
        });
        let table = [
            ("{{ transaction }}", "t"),
            ("{{message}}", "no <int>"),
            ("{{ raw_message }}", "no 5"),
            ("{{ error.type }}", "E"),
            ("{{ value }}", "v 7"),
            ("{{ function }}", "f"),
            ("{{ path }}", "/a/b.c"),
            ("{{ stack.filename }}", "b.c"),
            ("{{ stack.module }}", "m"),
            ("{{ package }}", "lib.so"),
            ("{{ level }}", "fatal"),
            ("{{ logger }}", "l"),
            ("{{ tags.a }}", "1"),
            ("{{ tags.b }}", "<no-value-for-tag-b>"),
            ("{{ release }}", "<unrecognized-variable-release>"),
            ("plain 5", "plain 5"),
            ("v 7", "v <int>"),
            ("no %s", "no %s"),
            ("x {{ type }}", "x {{ type }}"),
        ];
        for (entry, expected) in table {
            assert_eq!(filled(&event, entry), expected, "{entry}");
        }
    }

    #[test]
    fn what_is_missing_has_a_fixed_text() {
        let table = [
            ("transaction", "<no-transaction>"),
            ("message", "<no-message>"),
            ("type", "<no-type>"),
            ("value", "<no-value>"),
            ("function", "<no-function>"),
            ("path", "<no-abs-path>"),
            ("stack.filename", "<no-filename>"),
            ("module", "<no-module>"),
            ("package", "<no-package>"),
            ("level", "<no-level>"),
            ("logger", "<no-logger>"),
        ];
        for (name, expected) in table {
            assert_eq!(filled(&json!({}), &format!("{{{{{name}}}}}")), expected);
        }
    }

    #[test]
    fn titles_are_filled_in_anywhere() {
        let event = json!({"transaction": "t"});
        let event = event.as_object().unwrap();
        let scope = Scope { event, traces: &Traces::read(event, Version::NEWEST) };
        assert_eq!(scope.title("A ({{ transaction }}, {{level}}) {{"), "A (t, <no-level>) {{");
    }

    #[test]
    fn in_2023_what_is_no_variable_stayed_as_written() {
        let event = json!({"transaction": "t"});
        let event = event.as_object().unwrap();
        let scope = Scope { event, traces: &Traces::read(event, Version::V2023_01_11) };
        assert_eq!(scope.entry("{{  release }}"), "{{  release }}");
        assert_eq!(scope.title("{{ transaction }} in {{ release}}!"), "t in {{ release}}!");
    }
}
