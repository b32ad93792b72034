//! # Mechanism: how an exception was caught
//!
//! **Promise.** `handled` survives, also in the legacy form without `type`; names of signals and mach exceptions are filled in (`protocol.md` 7.4).

use serde_json::{Map, Value, json};

use super::platform_codes as codes;
use super::scalars;
use super::schema::{Object, Other, Shape, budget, field, limited, text};

static ERRNO: Object =
    Object { expected: "an object", other: Other::Drop, fields: &[field("number", Shape::Signed), field("name", Shape::Text)] };

static SIGNAL: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[field("number", Shape::Signed), field("code", Shape::Signed), field("name", Shape::Text), field("code_name", Shape::Text)],
};

static MACH: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[
        field("exception", Shape::Signed),
        field("code", Shape::Unsigned),
        field("subcode", Shape::Unsigned),
        field("name", Shape::Text),
    ],
};

static NS_ERROR: Object =
    Object { expected: "an object", other: Other::Drop, fields: &[field("code", Shape::Signed), field("domain", Shape::Text)] };

static META: Object = Object {
    expected: "an object",
    other: Other::Drop,
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
        text("type", 128, 0),
        field("synthetic", Shape::Bool),
        text("description", 8192, 200),
        field("help_link", Shape::Parsed(scalars::http_url)),
        field("handled", Shape::Bool),
        text("source", 128, 0),
        field("is_exception_group", Shape::Bool),
        field("exception_id", Shape::Unsigned),
        field("parent_id", Shape::Unsigned),
        limited("data", Shape::Map(&Shape::Any), budget(2048, 5)),
        field("meta", Shape::Object(&META)),
    ],
};

/// Names of mach exceptions by number.
const MACH_EXCEPTIONS: [&str; 14] = [
    "",
    "EXC_BAD_ACCESS",
    "EXC_BAD_INSTRUCTION",
    "EXC_ARITHMETIC",
    "EXC_EMULATION",
    "EXC_SOFTWARE",
    "EXC_BREAKPOINT",
    "EXC_SYSCALL",
    "EXC_MACH_SYSCALL",
    "EXC_RPC_ALERT",
    "EXC_CRASH",
    "EXC_RESOURCE",
    "EXC_GUARD",
    "EXC_CORPSE_NOTIFY",
];

/// The system whose numbers an event speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// Linux and Android.
    Linux,
    /// Apple's systems.
    Darwin,
    /// Windows.
    Windows,
}

impl System {
    /// By the `os` context, else by what the debugger's SDK says.
    pub(super) fn of(event: &Map<String, Value>) -> Option<Self> {
        let named = |key: &str, inner: &str, name: &str| event.get(key)?.get(inner)?.get(name)?.as_str().map(str::to_ascii_lowercase);
        let name = named("contexts", "os", "name").or_else(|| named("debug_meta", "sdk_info", "sdk_name"))?;
        match name.as_str() {
            "linux" | "android" => Some(Self::Linux),
            "macos" | "ios" | "tvos" | "watchos" => Some(Self::Darwin),
            "windows" => Some(Self::Windows),
            _ => None,
        }
    }
}

/// Drops an empty mechanism and fills in names.
pub(super) fn finish(exception: &mut Map<String, Value>, system: Option<System>) {
    let Some(Value::Object(mechanism)) = exception.get_mut("mechanism") else { return };
    for key in ["data", "meta"] {
        if mechanism.get(key) == Some(&json!({})) {
            mechanism.remove(key);
        }
    }
    if mechanism.get("type").and_then(Value::as_str) == Some("") {
        mechanism.remove("type");
    }
    if mechanism.is_empty() {
        exception.remove("mechanism");
        return;
    }
    let Some(Value::Object(meta)) = mechanism.get_mut("meta") else { return };
    name_it(meta, "mach_exception", "exception", &MACH_EXCEPTIONS);
    let Some(system) = system else { return };
    let (signals, errors): (&[&str], &[&str]) = match system {
        System::Linux => (&codes::LINUX_SIGNALS, &codes::LINUX_ERRNO),
        System::Darwin => (&codes::DARWIN_SIGNALS, &codes::DARWIN_ERRNO),
        System::Windows => (&[], &codes::WINDOWS_ERRNO),
    };
    name_it(meta, "signal", "number", signals);
    name_it(meta, "errno", "number", errors);
    if system == System::Darwin
        && let Some(Value::Object(signal)) = meta.get_mut("signal")
        && !signal.contains_key("code_name")
    {
        let number = |key: &str| signal.get(key).and_then(Value::as_u64);
        let known = number("number").zip(number("code"));
        let found = codes::DARWIN_CODES.iter().find(|(signal, code, _)| known == Some((*signal, *code)));
        if let Some((_, _, name)) = found {
            signal.insert("code_name".to_owned(), Value::String((*name).to_owned()));
        }
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
