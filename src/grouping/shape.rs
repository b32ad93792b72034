//! # The parts of an event that grouping reads
//!
//! **Promise.** Every form an interface may come in is read the same way, and a value of the wrong type reads as absent.
//! **How.** Small accessors over JSON. Exceptions and threads may be `{"values": […]}`, a list or (exceptions) one object, so that an event
//! which skipped normalisation still groups. An empty text counts as absent, as everywhere in grouping.
//! **Not here.** Changing events (`prepare`).

use serde_json::{Map, Value};

pub(super) type Object = Map<String, Value>;

/// A text that says something: a JSON string that is not empty.
pub(super) fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A nested object.
pub(super) fn object<'a>(object: &'a Object, key: &str) -> Option<&'a Object> {
    object.get(key).and_then(Value::as_object)
}

/// The non-null exceptions, in the order sent.
pub(super) fn exceptions(event: &Object) -> Vec<&Object> {
    entries(event, "exception")
}

/// The non-null threads, in the order sent.
pub(super) fn threads(event: &Object) -> Vec<&Object> {
    entries(event, "threads")
}

fn entries<'a>(event: &'a Object, key: &str) -> Vec<&'a Object> {
    match event.get(key) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_object).collect(),
        Some(Value::Object(map)) => match map.get("values") {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_object).collect(),
            None if key == "exception" => vec![map],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The exceptions or threads of an event, to be changed in place; same order as [`exceptions`] and [`threads`].
pub(super) fn entries_mut<'a>(event: &'a mut Object, key: &str) -> Vec<&'a mut Object> {
    let list = match event.get_mut(key) {
        Some(Value::Array(list)) => Some(list),
        Some(Value::Object(map)) => {
            if key == "exception" && !map.contains_key("values") {
                return vec![map];
            }
            map.get_mut("values").and_then(Value::as_array_mut)
        }
        _ => None,
    };
    list.into_iter().flatten().filter_map(Value::as_object_mut).collect()
}

/// The frames of something that has a `stacktrace`, or nothing when there are none.
pub(super) fn frames(owner: &Object) -> Option<&Vec<Value>> {
    object(owner, "stacktrace")?.get("frames")?.as_array().filter(|frames| frames.iter().any(Value::is_object))
}

/// An exception's mechanism.
pub(super) fn mechanism(exception: &Object) -> Option<&Object> {
    object(exception, "mechanism")
}

/// Whether an exception was made up by the SDK to carry a stack trace.
pub(super) fn is_synthetic(exception: &Object) -> bool {
    mechanism(exception).and_then(|mechanism| mechanism.get("synthetic")) == Some(&Value::Bool(true))
}

/// The log message: as written for people, and its template.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LogEntry<'e> {
    pub(super) formatted: Option<&'e str>,
    pub(super) template: Option<&'e str>,
}

impl<'e> LogEntry<'e> {
    /// Reads `logentry`, or a bare `message` when there is none.
    pub(super) fn of(event: &'e Object) -> Self {
        let entry = event.get("logentry").filter(|value| !value.is_null()).or_else(|| event.get("message"));
        match entry {
            Some(Value::String(message)) => Self { formatted: Some(message), template: None },
            Some(Value::Object(map)) => {
                Self { formatted: map.get("formatted").and_then(Value::as_str), template: map.get("message").and_then(Value::as_str) }
            }
            _ => Self::default(),
        }
    }

    /// What people read: the rendered message, else the template.
    pub(super) fn shown(self) -> Option<&'e str> {
        self.formatted.filter(|text| !text.is_empty()).or_else(|| self.template.filter(|text| !text.is_empty()))
    }

    /// What groups: the template, else the rendered message.
    pub(super) fn grouped(self) -> Option<&'e str> {
        self.template.filter(|text| !text.is_empty()).or(self.formatted).or(self.template)
    }
}

/// The event's platform; `other` when it names none.
pub(super) fn platform(event: &Object) -> &str {
    text(event, "platform").unwrap_or("other")
}

/// The value of a tag. Fields the server turns into tags when it stores the event count as tags too.
pub(super) fn tag<'e>(event: &'e Object, name: &str) -> Option<&'e str> {
    let sent = match event.get("tags") {
        Some(Value::Object(map)) => text(map, name),
        Some(Value::Array(pairs)) => pairs.iter().find_map(|pair| match pair.as_array()?.as_slice() {
            [Value::String(key), Value::String(value)] if key == name => Some(value.as_str()),
            _ => None,
        }),
        _ => None,
    };
    sent.or_else(|| match name {
        "transaction" | "level" | "logger" | "environment" | "release" | "dist" | "server_name" | "site" => text(event, name),
        "url" => text(object(event, "request")?, "url"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: &Value) -> &Object {
        value.as_object().unwrap()
    }

    #[test]
    fn exceptions_come_as_values_list_or_object() {
        let forms = [
            json!({"exception": {"values": [null, {"type": "A"}]}}),
            json!({"exception": [{"type": "A"}, null]}),
            json!({"exception": {"type": "A"}}),
        ];
        for mut form in forms {
            assert_eq!(text(exceptions(of(&form))[0], "type"), Some("A"), "{form}");
            assert_eq!(entries_mut(form.as_object_mut().unwrap(), "exception").len(), 1);
        }
        for none in [json!({}), json!({"exception": null}), json!({"exception": {"values": null}}), json!({"exception": 3})] {
            assert!(exceptions(of(&none)).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_message_may_be_text_or_object() {
        let event = json!({"message": "hello"});
        assert_eq!(LogEntry::of(of(&event)).shown(), Some("hello"));
        let event = json!({"logentry": {"message": "hi %s", "formatted": "hi you"}});
        assert_eq!(LogEntry::of(of(&event)).shown(), Some("hi you"));
        assert_eq!(LogEntry::of(of(&event)).grouped(), Some("hi %s"));
    }

    #[test]
    fn tags_come_as_map_pairs_or_fields() {
        let event = json!({"tags": {"a": "1"}, "transaction": "t"});
        assert_eq!(tag(of(&event), "a"), Some("1"));
        assert_eq!(tag(of(&event), "transaction"), Some("t"));
        assert_eq!(tag(of(&event), "b"), None);
        let event = json!({"tags": [["a", "1"], ["b", 2], null]});
        assert_eq!(tag(of(&event), "a"), Some("1"));
        assert_eq!(tag(of(&event), "b"), None);
    }
}
