//! # Exceptions and chains of them
//!
//! **Promise.** The components of the exceptions that count, chained in order, in both variants (grouping.md 6 and 7).
//! **Not here.** Which exceptions of a group count (`exception_group`).

use serde_json::Value;

use super::component::{Component, Hint};
use super::exception_group;
use super::message;
use super::shape::{self, Object};
use super::stacktrace;
use super::traces::{Owner, Traces};
use super::version::Version;

/// One exception in both variants. Without a stack trace there is no `system` variant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Single {
    pub(super) app: Component,
    pub(super) system: Option<Component>,
}

/// What the exceptions of an event contribute, and which of them gives the title.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) app: Option<Component>,
    pub(super) system: Option<Component>,
    /// Index among the event's exceptions; `None`: the last.
    pub(super) main: Option<usize>,
}

/// The components of all exceptions that count.
pub(super) fn components(event: &Object, traces: &Traces<'_>) -> Outcome {
    let mut singles: Vec<Option<Single>> = traces.exceptions.iter().map(|owner| Some(single(owner, traces.version))).collect();
    let objects: Vec<&Object> = traces.exceptions.iter().map(|owner| owner.object).collect();
    let selection = exception_group::select((event, traces.version), &objects, &singles);
    let mut counting: Vec<Single> = selection.exceptions.iter().filter_map(|index| singles.get_mut(*index)?.take()).collect();
    if counting.len() <= 1 {
        let only = counting.pop();
        let (app, system) = only.map_or((None, None), |only| (Some(only.app), only.system));
        return Outcome { app, system, main: selection.main };
    }
    let (apps, systems): (Vec<_>, Vec<_>) = counting.into_iter().map(|single| (single.app, single.system)).unzip();
    let systems: Vec<_> = systems.into_iter().flatten().collect();
    Outcome {
        app: Some(Component::branch("chained_exception", apps)),
        system: (!systems.is_empty()).then(|| Component::branch("chained_exception", systems)),
        main: selection.main,
    }
}

fn single(owner: &Owner<'_>, version: Version) -> Single {
    let exception = owner.object;
    let pair = owner.trace.as_ref().map(|trace| stacktrace::components(trace, version));
    let fixed = fixed_parts(exception);
    let value = shape::text(exception, "value").map(|value| (value, message::normalise(value)));
    let value = value.map(|(raw, value)| {
        let changed = value != raw;
        let leaf = Component::leaf("value", value.into_owned());
        if changed { leaf.noted("numbers, ids and the like left out") } else { leaf }
    });
    let assemble = |trace: Option<Component>| {
        let mut parts = Vec::with_capacity(4);
        let ns_error = fixed.iter().any(|part| part.id == "ns_error");
        let reason = if trace.as_ref().is_some_and(|trace| trace.contributes) {
            Some("the stack trace says more")
        } else {
            ns_error.then_some("the error code says more")
        };
        parts.extend(fixed.iter().filter(|part| part.id == "type").cloned());
        parts.extend(value.clone().map(|mut value| {
            if let Some(reason) = reason {
                value.ignore(Hint::Because(reason));
            }
            value
        }));
        parts.extend(fixed.iter().filter(|part| part.id == "ns_error").cloned());
        parts.extend(trace);
        if version.traits().is_stack_trace_first && parts.last().is_some_and(|part| part.id == "stacktrace") {
            parts.rotate_right(1);
        }
        Component::branch("exception", parts)
    };
    match pair {
        Some(pair) => Single { app: assemble(Some(pair.app)), system: Some(assemble(Some(pair.system))) },
        None => Single { app: assemble(None), system: None },
    }
}

/// The parts that are the same in every variant: type and NSError.
fn fixed_parts(exception: &Object) -> Vec<Component> {
    let mut parts = Vec::with_capacity(2);
    if let Some(name) = shape::text(exception, "type") {
        let leaf = Component::leaf("type", name);
        parts.push(if shape::is_synthetic(exception) { leaf.ignored("made up by the SDK") } else { leaf });
    }
    let meta = shape::mechanism(exception).and_then(|mechanism| shape::object(mechanism, "meta"));
    if let Some(error) = meta.and_then(|meta| shape::object(meta, "ns_error")) {
        let leaf = |id: &'static str| match error.get(id) {
            Some(Value::String(text)) => Some(Component::leaf(id, text.as_str())),
            Some(Value::Number(number)) => Some(Component::leaf(id, number.to_string())),
            _ => None,
        };
        let error: Vec<_> = [leaf("domain"), leaf("code")].into_iter().flatten().collect();
        if !error.is_empty() {
            parts.push(Component::branch("ns_error", error));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(event: &Value) -> (String, Option<String>) {
        texts_in(Version::NEWEST, event)
    }

    fn texts_in(version: Version, event: &Value) -> (String, Option<String>) {
        let event = event.as_object().unwrap();
        let outcome = components(event, &Traces::read(event, version));
        (outcome.app.unwrap().texts().join(" "), outcome.system.map(|system| system.texts().join(" ")))
    }

    #[test]
    fn type_and_value_count_without_frames() {
        assert_eq!(texts(&json!({"exception": {"type": "E", "value": "no 5"}})), ("E no <int>".to_owned(), None));
        assert_eq!(texts(&json!({"exception": {"type": "E"}})), ("E".to_owned(), None));
        let synthetic = json!({"exception": {"type": "E", "value": "v", "mechanism": {"synthetic": true}}});
        assert_eq!(texts(&synthetic), ("v".to_owned(), None));
    }

    #[test]
    fn frames_silence_the_value() {
        let event = json!({"exception": {"type": "E", "value": "v", "stacktrace": {"frames": [{"function": "f", "in_app": true}]}}});
        assert_eq!(texts(&event), ("E f".to_owned(), Some("E f".to_owned())));
    }

    #[test]
    fn in_2023_the_stack_trace_came_first() {
        let event = json!({"exception": {"type": "E", "value": "v", "stacktrace": {"frames": [{"function": "f", "in_app": true}]}}});
        assert_eq!(texts_in(Version::V2023_01_11, &event), ("f E".to_owned(), Some("f E".to_owned())));
    }

    #[test]
    fn an_ns_error_silences_the_value() {
        let meta = json!({"ns_error": {"domain": "D", "code": -7}});
        let event = json!({"exception": {"type": "E", "value": "v", "mechanism": {"meta": meta}}});
        assert_eq!(texts(&event).0, "E D -7");
    }

    #[test]
    fn chains_keep_the_order_sent_and_system_only_knows_stacks() {
        let event = json!({"exception": {"values": [
            {"type": "A", "value": "a"},
            {"type": "B", "value": "b", "stacktrace": {"frames": [{"function": "f", "in_app": true}]}}
        ]}});
        assert_eq!(texts(&event), ("A a B f".to_owned(), Some("B f".to_owned())));
    }
}
