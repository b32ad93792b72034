//! # Strategies
//!
//! **Promise.** The first way to look at an event that finds anything decides (grouping.md 8 and 9); the others are named with the reason.
//! **How.** Strategies are asked in order, and those after the winner only whether they had anything to say, so that nothing is built for nothing.

use super::component::{Component, Hint};
use super::exception;
use super::message;
use super::security;
use super::shape::{self, LogEntry, Object};
use super::stacktrace::{self, StackTrace};
use super::traces::Traces;
use super::version::Version;

/// The outcome: the winner's variants, and what was not looked at because of it.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Variant name and component, `app` before `system`.
    pub(super) variants: Vec<(&'static str, Component)>,
    /// The exception that gives the title, if not the last.
    pub(super) main_exception: Option<usize>,
    /// Parts of the event that would have counted if there were nothing better.
    pub(super) passed_over: Vec<&'static str>,
}

/// The ways to look at an event, best first.
const STRATEGIES: [&str; 9] = ["exception", "threads", "stacktrace", "template", "csp", "hpkp", "expectstaple", "expectct", "message"];

/// Looks at the event in every way, best first.
pub(super) fn choose(event: &Object, traces: &Traces<'_>) -> Choice {
    let mut choice = Choice::default();
    let mut won = false;
    for strategy in STRATEGIES {
        if won {
            if is_present(event, traces, strategy) {
                choice.passed_over.push(strategy);
            }
            continue;
        }
        let variants = match strategy {
            "exception" => {
                let outcome = exception::components(event, traces);
                choice.main_exception = outcome.main;
                named(outcome.app, outcome.system)
            }
            other => build(other, event, traces),
        };
        won = variants.iter().any(|(_, component)| component.contributes);
        if won || choice.variants.is_empty() {
            choice.variants = variants;
        }
    }
    choice
}

fn build(strategy: &str, event: &Object, traces: &Traces<'_>) -> Vec<(&'static str, Component)> {
    match strategy {
        "threads" => threads(traces),
        "stacktrace" => stack(traces.own.as_ref(), traces.version, |trace| trace),
        "template" => interface(event, "template", template),
        "csp" => interface(event, "csp", security::csp),
        "hpkp" => interface(event, "hpkp", |report| security::of_host("hpkp", "hpkp", report)),
        "expectstaple" => interface(event, "expectstaple", |report| security::of_host("expect_staple", "expect-staple", report)),
        "expectct" => interface(event, "expectct", |report| security::of_host("expect_ct", "expect-ct", report)),
        _ => log_message(event),
    }
}

fn is_present(event: &Object, traces: &Traces<'_>, strategy: &str) -> bool {
    match strategy {
        "threads" => traces.main_thread().is_some_and(|thread| thread.trace.is_some()),
        "stacktrace" => traces.own.is_some(),
        "message" => LogEntry::of(event).grouped().is_some(),
        interface => shape::object(event, interface).is_some(),
    }
}

fn named(app: Option<Component>, system: Option<Component>) -> Vec<(&'static str, Component)> {
    let app = app.map(|component| ("app", component));
    let system = system.map(|component| ("system", component));
    app.into_iter().chain(system).collect()
}

fn stack(trace: Option<&StackTrace<'_>>, version: Version, wrap: impl Fn(Component) -> Component) -> Vec<(&'static str, Component)> {
    let pair = trace.map(|trace| stacktrace::components(trace, version));
    pair.map_or_else(Vec::new, |pair| named(Some(wrap(pair.app)), Some(wrap(pair.system))))
}

fn threads(traces: &Traces<'_>) -> Vec<(&'static str, Component)> {
    let thread = traces.main_thread().and_then(|thread| thread.trace.as_ref());
    stack(thread, traces.version, |trace| Component::branch("threads", vec![trace]))
}

fn interface(event: &Object, key: &str, component: impl Fn(&Object) -> Component) -> Vec<(&'static str, Component)> {
    shape::object(event, key).map(|object| ("default", component(object))).into_iter().collect()
}

fn template(template: &Object) -> Component {
    let filename = shape::text(template, "filename").map(|filename| Component::leaf("filename", filename));
    let line = shape::text(template, "context_line").map(|line| Component::leaf("context_line", line));
    Component::branch("template", filename.into_iter().chain(line).collect())
}

fn log_message(event: &Object) -> Vec<(&'static str, Component)> {
    let Some(raw) = LogEntry::of(event).grouped() else { return Vec::new() };
    let normal = message::normalise(raw);
    let changed = normal != raw;
    let mut leaf = Component::leaf("message", normal.into_owned());
    if changed {
        leaf.hint = Some(Hint::Because("numbers, ids and the like left out"));
    }
    vec![("default", leaf)]
}
