//! # Mechanism: how an exception was caught
//!
//! **Promise.** `handled` survives, also in the legacy form without `type`; names of signals and mach exceptions are filled in (`protocol.md` 7.4).

use serde_json::{Map, Value, json};

use super::scalars;
use super::schema::{Object, Other, Shape, budget, field, limited, text};

static ERRNO: Object = Object { expected: "an object", other: Other::Drop, fields: &[field("number", Shape::Signed), field("name", Shape::Text)] };

static SIGNAL: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[field("number", Shape::Signed), field("code", Shape::Signed), field("name", Shape::Text), field("code_name", Shape::Text)],
};

static MACH: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[field("exception", Shape::Signed), field("code", Shape::Unsigned), field("subcode", Shape::Unsigned), field("name", Shape::Text)],
};

static NS_ERROR: Object =
    Object { expected: "an object", other: Other::Drop, fields: &[field("code", Shape::Signed), field("domain", Shape::Text)] };

static META: Object = Object {
    expected: "an object",
    other: Other::Keep,
    fields: &[
        field("errno", Shape::Object(&ERRNO)),
        field("signal", Shape::Object(&SIGNAL)),
        field("mach_exception", Shape::Object(&MACH)),
        field("ns_error", Shape::Object(&NS_ERROR)),
    ],
};

/// `mechanism`.
pub(super) static MECHANISM: Object = Object {
    expected: "exception mechanism",
    other: Other::Drop,
    fields: &[
        text("type", 128, 20),
        field("synthetic", Shape::Bool),
        text("description", 8192, 200),
        field("help_link", Shape::Parsed(scalars::http_url)),
        field("handled", Shape::Bool),
        text("source", 128, 20),
        field("is_exception_group", Shape::Bool),
        field("exception_id", Shape::Unsigned),
        field("parent_id", Shape::Unsigned),
        limited("data", Shape::Map(&Shape::Any), budget(2048, 6)),
        field("meta", Shape::Object(&META)),
    ],
};

/// Names of POSIX signals by number, as on Linux.
const SIGNALS: [&str; 32] = [
    "", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE",
    "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM",
    "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
];

/// Names of mach exceptions by number.
const MACH_EXCEPTIONS: [&str; 14] = [
    "", "EXC_BAD_ACCESS", "EXC_BAD_INSTRUCTION", "EXC_ARITHMETIC", "EXC_EMULATION", "EXC_SOFTWARE", "EXC_BREAKPOINT", "EXC_SYSCALL",
    "EXC_MACH_SYSCALL", "EXC_RPC_ALERT", "EXC_CRASH", "EXC_RESOURCE", "EXC_GUARD", "EXC_CORPSE_NOTIFY",
];

/// Drops an empty mechanism and fills in names.
pub(super) fn finish(exception: &mut Map<String, Value>, _sdk_info: Option<&Value>) {
    let Some(Value::Object(mechanism)) = exception.get_mut("mechanism") else { return };
    for key in ["data", "meta"] {
        if mechanism.get(key) == Some(&json!({})) {
            mechanism.remove(key);
        }
    }
    if mechanism.is_empty() {
        exception.remove("mechanism");
        return;
    }
    if let Some(Value::Object(meta)) = mechanism.get_mut("meta") {
        name_it(meta, "signal", "number", &SIGNALS);
        name_it(meta, "mach_exception", "exception", &MACH_EXCEPTIONS);
    }
}

fn name_it(meta: &mut Map<String, Value>, key: &str, number: &str, names: &[&str]) {
    let Some(Value::Object(entry)) = meta.get_mut(key) else { return };
    if entry.contains_key("name") {
        return;
    }
    let name = entry.get(number).and_then(Value::as_u64).and_then(|n| names.get(n as usize)).filter(|name| !name.is_empty());
    if let Some(name) = name {
        entry.insert("name".to_owned(), Value::String((*name).to_owned()));
    }
}

/// The legacy form without `type`: it becomes `generic`, what it says about signals moves to `meta`, the rest to `data`.
/// `handled` stays where readers look for it (Relay moves it to `data` as well).
pub(super) fn modernise(mechanism: &mut Map<String, Value>) {
    if mechanism.contains_key("type") || mechanism.is_empty() {
        return;
    }
    let mut meta = Map::new();
    for (old, new) in [("posix_signal", "signal"), ("mach_exception", "mach_exception")] {
        if let Some(value) = mechanism.remove(old).filter(|v| !v.is_null()) {
            meta.insert(new.to_owned(), value);
        }
    }
    if let Some(Value::Object(signal)) = meta.get_mut("signal")
        && let Some(number) = signal.remove("signal")
    {
        signal.entry("number").or_insert(number);
    }
    let handled = mechanism.get("handled").filter(|v| v.is_boolean()).cloned();
    let data = std::mem::take(mechanism);
    mechanism.insert("type".to_owned(), Value::String("generic".to_owned()));
    if let Some(handled) = handled {
        mechanism.insert("handled".to_owned(), handled);
    }
    if !data.is_empty() {
        mechanism.insert("data".to_owned(), Value::Object(data));
    }
    if !meta.is_empty() {
        mechanism.insert("meta".to_owned(), Value::Object(meta));
    }
}
