//! # What SDKs send, made up
//! **Promise.** An issue's exception type, frames and source lines never change; its messages, locals, breadcrumbs, request and tags do,
//! as with real events. Sizes are those DESIGN §5 asks for: about 6 KB of JSON.
//! **Not here.** Ids, times and users: those differ per event and are patched in (`mix`).

mod browser;
mod go;
mod java;
mod node;
mod python;
mod words;

use serde_json::{Value, json};

use super::dice::Dice;

/// An SDK whose events are imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sdk {
    Python,
    Node,
    Browser,
    Java,
    Go,
}

impl Sdk {
    /// Of ten issues, four come from Django, two each from Express and from browsers, one each from Spring and from Go.
    pub(super) fn of_issue(issue: u64) -> Self {
        match issue % 10 {
            0..4 => Self::Python,
            4 | 5 => Self::Node,
            6 | 7 => Self::Browser,
            8 => Self::Java,
            _ => Self::Go,
        }
    }

    /// Its name and version, as the envelope and the auth header have them.
    pub(super) fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Python => ("sentry.python.django", "2.44.0"),
            Self::Node => ("sentry.javascript.node", "10.25.0"),
            Self::Browser => ("sentry.javascript.react", "10.25.0"),
            Self::Java => ("sentry.java.spring-boot", "8.24.0"),
            Self::Go => ("sentry.go", "0.36.2"),
        }
    }

    /// Whether its times are text; the others send seconds as a number.
    pub(super) fn has_text_times(self) -> bool {
        matches!(self, Self::Python | Self::Java | Self::Go)
    }
}

/// What one event is made from: the issue's own dice, which roll the same for all its events, and the event's.
struct Roll {
    issue: Dice,
    event: Dice,
}

/// One event of an issue, without `event_id`, `timestamp` and `user`.
pub(super) fn event(seed: u64, issue: u64, variant: u64) -> Value {
    let mut roll = Roll { issue: Dice::new(seed, issue), event: Dice::new(seed ^ 0x5eed, (issue << 32) | variant) };
    let sdk = Sdk::of_issue(issue);
    let mut event = match sdk {
        Sdk::Python => python::event(&mut roll),
        Sdk::Node => node::event(&mut roll),
        Sdk::Browser => browser::event(&mut roll),
        Sdk::Java => java::event(&mut roll),
        Sdk::Go => go::event(&mut roll),
    };
    let (name, version) = sdk.name();
    event["sdk"] = json!({ "name": name, "version": version });
    event["release"] = format!("shop@{}.{}.0", roll.event.below(3) + 4, roll.event.below(4)).into();
    event["environment"] = roll.event.pick(&["production", "production", "production", "staging"]).into();
    event
}

/// So many breadcrumbs, the last ones before the error; `one` makes one from its number.
fn breadcrumbs(roll: &mut Roll, count: u64, mut one: impl FnMut(&mut Dice, u64) -> Value) -> Value {
    let mut crumbs = Vec::new();
    for number in 0..count {
        let mut crumb = one(&mut roll.event, number);
        crumb["timestamp"] = json!(1_764_000_000.0 + number as f64 * 1.25);
        crumbs.push(crumb);
    }
    json!({ "values": crumbs })
}

/// The trace context every SDK adds.
fn trace(roll: &mut Roll, operation: &str) -> Value {
    json!({ "trace_id": words::hex(&mut roll.event, 32), "span_id": words::hex(&mut roll.event, 16), "op": operation })
}

/// The one exception of an event, in the shape all SDKs share.
fn exception(kind: &str, value: &str, mechanism: &str, frames: &[Value]) -> Value {
    json!({ "values": [{ "type": kind, "value": value, "mechanism": { "type": mechanism, "handled": false }, "stacktrace": { "frames": frames } }] })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::DateTime;

    use super::*;
    use crate::event::{NormaliseParams, normalise};
    use crate::grouping::{Config, group};

    /// What grouping looks at.
    fn trace_of(event: &Value) -> (Value, Vec<(Value, Value, Value)>) {
        let thrown = &event["exception"]["values"][0];
        let frames = thrown["stacktrace"]["frames"].as_array().unwrap();
        (
            thrown["type"].clone(),
            frames.iter().map(|frame| (frame["module"].clone(), frame["function"].clone(), frame["context_line"].clone())).collect(),
        )
    }

    #[test]
    fn an_issue_keeps_its_trace_while_its_events_differ() {
        for issue in 0..300 {
            let events: Vec<_> = (0..5).map(|variant| event(1, issue, variant)).collect();
            assert!(events.iter().all(|event| trace_of(event) == trace_of(&events[0])), "issue {issue}");
            assert!(events.iter().skip(1).all(|event| event["breadcrumbs"] != events[0]["breadcrumbs"]), "issue {issue}");
        }
    }

    #[test]
    fn different_issues_have_different_traces() {
        let mut traces: Vec<String> = (0..300).map(|issue| format!("{:?}", trace_of(&event(1, issue, 0)))).collect();
        traces.sort();
        traces.dedup();
        assert_eq!(traces.len(), 300);
    }

    #[test]
    fn grouping_sees_as_many_issues_as_were_meant() {
        let config = Config::standard();
        let params = NormaliseParams::new(DateTime::UNIX_EPOCH);
        let hash = |issue, variant| group(&mut normalise(event(1, issue, variant), &params).unwrap(), &config).primary();
        let issues: HashSet<_> = (0..300)
            .map(|issue| {
                let first = hash(issue, 0);
                assert!(issue % 10 != issue / 30 || hash(issue, 1) == first, "issue {issue}"); // a tenth, of all SDKs
                first
            })
            .collect();
        assert_eq!(issues.len(), 300);
    }

    #[test]
    fn all_sdks_are_there() {
        let mut sdks: Vec<_> = (0..10).map(|issue| Sdk::of_issue(issue).name().0).collect();
        sdks.dedup();
        assert_eq!(sdks.len(), 5);
        assert_eq!(event(1, 0, 0)["sdk"]["name"], "sentry.python.django");
    }
}
