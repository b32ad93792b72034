//! # Matching fingerprint rules
//!
//! **Promise.** The first rule all of whose matchers hold. Matchers that look at the same place must hold for the same item there: one exception,
//! one frame (grouping.md 13).
//! **When it breaks.** When an event has cost what it may (`effort`), the project's rules that were not tried yet are passed over.

use std::borrow::Cow;

use super::super::effort::Effort;
use super::super::frame::Frame;
use super::super::platform::Family;
use super::super::rules::Origin;
use super::super::shape::{self, LogEntry, Object};
use super::super::traces::Traces;
use super::rules::{Key, Matcher, Place, Rule, RuleSet};

impl RuleSet {
    /// The first rule that matches an event, and whether some of the project's were not tried any more. Frames must have the client's flags still.
    pub(super) fn first_match(&self, event: &Object, traces: &Traces<'_>) -> (Option<&Rule>, bool) {
        let [own, built_in] = [Effort::default(), Effort::default()];
        let look = |effort| Look { event, traces, effort };
        let found = self.rules().iter().find(|rule| match rule.source.origin {
            Origin::Project => look(&own).matches(rule),
            Origin::BuiltIn => look(&built_in).matches(rule),
        });
        (found, own.is_spent())
    }
}

struct Look<'l, 'e> {
    event: &'l Object,
    traces: &'l Traces<'e>,
    effort: &'l Effort,
}

impl Look<'_, '_> {
    fn matches(&self, rule: &Rule) -> bool {
        let found = !self.effort.is_spent()
            && Place::ALL.into_iter().all(|place| {
                let here = || rule.matchers.iter().filter(move |matcher| matcher.key.place() == place);
                here().next().is_none() || self.matches_at(place, here)
            });
        found && !self.effort.is_spent()
    }

    fn matches_at<'m, M: Iterator<Item = &'m Matcher>>(&self, place: Place, here: impl Fn() -> M) -> bool {
        let (event, traces) = (self.event, self.traces);
        let holds = |matcher: &Matcher, value: Option<&str>| matcher.holds(value, self.effort);
        let all = |value: Option<&str>| here().all(|matcher| holds(matcher, value));
        match place {
            Place::Family => all(Some(Family::of(shape::platform(event)).name())),
            Place::Sdk => all(sdk_name(event).as_deref()),
            Place::Release => all(shape::text(event, "release")),
            Place::Tags => here().all(|matcher| match &matcher.key {
                Key::Tag(name) => holds(matcher, shape::tag(event, name)),
                _ => false,
            }),
            Place::Event => {
                let field = |key: &Key| shape::text(event, if *key == Key::Level { "level" } else { "logger" });
                here().all(|matcher| holds(matcher, field(&matcher.key)))
            }
            Place::Message => {
                let log = LogEntry::of(event).shown();
                let values = traces.exceptions.iter().filter_map(|owner| shape::text(owner.object, "value"));
                log.into_iter().chain(values).any(|message| all(Some(message)))
            }
            Place::Exception => traces.exceptions.iter().any(|owner| {
                let field = |key: &Key| shape::text(owner.object, if *key == Key::ErrorType { "type" } else { "value" });
                here().all(|matcher| holds(matcher, field(&matcher.key)))
            }),
            Place::Frame => frames(traces).any(|frame| here().all(|matcher| holds(matcher, of_frame(frame, &matcher.key)))),
        }
    }
}

/// The frames rules look at: of all exceptions, else of the event, else of the thread that speaks for it.
fn frames<'t, 'e>(traces: &'t Traces<'e>) -> Box<dyn Iterator<Item = &'t Frame<'e>> + 't> {
    let mut of_exceptions = traces.exceptions.iter().filter_map(|owner| owner.trace.as_ref()).flat_map(|trace| &trace.frames).peekable();
    if of_exceptions.peek().is_some() {
        return Box::new(of_exceptions);
    }
    let single = match traces.threads.as_slice() {
        [thread] => Some(thread),
        _ => traces.main_thread(),
    };
    let of_thread = single.and_then(|thread| thread.trace.as_ref());
    Box::new(traces.own.as_ref().or(of_thread).into_iter().flat_map(|trace| &trace.frames))
}

fn of_frame<'f>(frame: &Frame<'f>, key: &Key) -> Option<&'f str> {
    match key {
        Key::Path => frame.abs_path.or(frame.filename),
        Key::Package => frame.package,
        Key::Module => frame.module,
        Key::Function => Some(frame.function.unwrap_or("<unknown>")),
        Key::App => frame.in_app.map(|in_app| if in_app { "yes" } else { "no" }),
        _ => None,
    }
}

/// The SDK's name without the framework, except where frameworks have SDKs of their own.
fn sdk_name(event: &Object) -> Option<Cow<'_, str>> {
    let name = shape::text(shape::object(event, "sdk")?, "name")?;
    if !name.starts_with("sentry.") {
        return Some(Cow::Borrowed("other"));
    }
    if name.starts_with("sentry.javascript.") || name.starts_with("sentry.native.") {
        return Some(Cow::Borrowed(name));
    }
    let end = name.match_indices('.').nth(1).map_or(name.len(), |(dot, _)| dot);
    Some(Cow::Borrowed(&name[..end]))
}

#[cfg(test)]
mod tests {
    use super::super::super::version::Version;
    use super::super::parse;
    use super::*;
    use serde_json::{Value, json};

    fn matches(rule: &str, event: &Value) -> bool {
        let event = event.as_object().unwrap();
        RuleSet::new(parse(rule, Origin::Project).unwrap()).first_match(event, &Traces::read(event, Version::NEWEST)).0.is_some()
    }

    #[test]
    fn matchers_look_where_they_should() {
        let event = json!({
            "platform": "python", "level": "error", "logger": "Web", "release": "app/2.1", "tags": [["env", " Prod "]],
            "sdk": {"name": "sentry.python.django"}, "logentry": {"formatted": "All is\nLost "},
            "exception": {"values": [
                {"type": "A", "value": "a love", "stacktrace": {"frames": [
                    {"function": "f", "module": "m", "abs_path": "\\srv\\app.py", "in_app": true},
                    {"module": "n", "package": "Lib"}
                ]}},
                {"type": "B", "value": "b"}
            ]},
        });
        let table = [
            ("message:\"all is*lost\" -> x", true),
            ("message:*LOVE* -> x", true),
            ("type:A value:a* -> x", true),
            ("type:A value:b -> x", false),
            ("type:a -> x", false),
            ("function:f module:m -> x", true),
            ("function:f module:n -> x", false),
            ("function:<unknown> -> x", true),
            ("path:**/APP.py app:yes -> x", true),
            ("path:/srv/app.py -> x", true),
            ("path:/*.py -> x", false),
            ("package:lib -> x", true),
            ("logger:web -> x", false),
            ("logger:Web level:ERROR -> x", true),
            ("tags.env:Prod -> x", true),
            ("tags.none:* -> x", false),
            ("!tags.none:* -> x", true),
            ("sdk:sentry.python -> x", true),
            ("sdk:sentry.python.django -> x", false),
            ("sdk:a,all -> x", true),
            ("family:javascript -> x", false),
            ("family:other,native -> x", true),
            ("release:app/2.* -> x", true),
            ("release:*2.1 -> x", false),
            ("app:no -> x", false),
            ("app:maybe -> x", false),
        ];
        for (rule, expected) in table {
            assert_eq!(matches(rule, &event), expected, "{rule}");
        }
    }

    #[test]
    fn beyond_what_an_event_may_cost_the_built_in_rules_are_tried_alone() {
        let rules = |count: usize| {
            let mut lines: Vec<String> = (0..count).map(|i| format!("message:*a{}{i} -> x", "?".repeat(40))).collect();
            lines.push("message:*a -> last".to_owned());
            let mut rules = parse(&lines.join("\n"), Origin::Project).unwrap();
            rules.extend(parse("message:* -> built-in", Origin::BuiltIn).unwrap());
            RuleSet::new(rules)
        };
        let event = json!({"logentry": {"formatted": "a".repeat(30_000)}});
        let event = event.as_object().unwrap();
        let decided = |count| rules(count).first_match(event, &Traces::read(event, Version::NEWEST)).0.unwrap().fingerprint.clone();
        assert_eq!(decided(300), ["last"]);
        assert_eq!(decided(400), ["built-in"]);
    }

    #[test]
    fn threads_are_looked_at_last() {
        let stack = |name: &str| json!({"frames": [{"function": name}]});
        let event = json!({"threads": [{"stacktrace": stack("a"), "crashed": true}, {"stacktrace": stack("b")}]});
        assert!(matches("function:a -> x", &event));
        assert!(!matches("function:b -> x", &event));
    }
}
