//! # Raw descriptions: what a platform prints about itself
//!
//! **Promise.** A name and a version out of `raw_description` where the client gave none (`protocol.md` 8.14).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::schema::filled_text;

macro_rules! patterns {
    ($($name:ident = $text:literal;)*) => { $(static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($text).ok());)* };
}

patterns! {
    WINDOWS = r"^(?:Microsoft )?Windows (?:NT )?(?P<version>[0-9]+\.[0-9]+\.(?P<build>[0-9]+))";
    WINDOWS_UNITY = r"^Windows [^(]*\((?P<version>[0-9]+\.[0-9]+\.(?P<build>[0-9]+))\)";
    MAC = r"^Mac OS X (?P<version>[0-9]+\.[0-9]+(?:\.[0-9]+)*)(?: \((?P<build>[0-9A-Za-z]+)\))?";
    IOS = r"^(?P<name>iOS|iPadOS) (?P<version>[0-9]+\.[0-9]+(?:\.[0-9]+)*)";
    ANDROID = r"^Android (?:OS )?(?P<version>[0-9]+(?:\.[0-9]+)*)";
    LINUX_DISTRO = r"^Linux (?P<kernel>[0-9]+\.[0-9]+(?:\.[0-9]+)?)[^ ]* (?P<name>[A-Z][A-Za-z]+) (?P<version>[0-9]+(?:\.[0-9]+)*)";
    UNAME = r"^(?P<name>[A-Za-z]+) (?P<kernel>[0-9]+\.[0-9]+(?:\.[0-9]+(?:\.[1-9]+)?)?)";
    RUNTIME = r"^(?P<name>.*) (?P<version>[0-9]+\.[0-9]+(?:\.[0-9]+){0,2})";
}

fn group(regex: &LazyLock<Option<Regex>>, text: &str, names: [&str; 4]) -> Option<[Option<String>; 4]> {
    let found = (**regex).as_ref()?.captures(text)?;
    Some(names.map(|name| found.name(name).map(|m| m.as_str().to_owned())))
}

fn fill(context: &mut Map<String, Value>, key: &str, value: Option<String>) {
    if let Some(value) = value
        && !context.contains_key(key)
    {
        context.insert(key.to_owned(), Value::String(value));
    }
}

/// The public name of a Windows build.
fn windows_name(build: u32) -> Option<&'static str> {
    Some(match build {
        2600..=3790 => "XP",
        6002 => "Vista",
        7601 => "7",
        9200 => "8",
        9600 => "8.1",
        10240..=19044 => "10",
        22000..=22999 => "11",
        _ => return None,
    })
}

/// Completes an operating system.
pub(super) fn os(context: &mut Map<String, Value>) {
    if filled_text(context, "name").is_some() || filled_text(context, "version").is_some() {
        return;
    }
    let Some(raw) = filled_text(context, "raw_description").map(str::to_owned) else { return };
    let keys = ["name", "version", "build", "kernel"];
    let found = if let Some([_, version, build, _]) = group(&WINDOWS, &raw, keys).or_else(|| group(&WINDOWS_UNITY, &raw, keys)) {
        let public = build.as_deref().and_then(|b| b.parse().ok()).and_then(windows_name).map(str::to_owned);
        [Some("Windows".to_owned()), public.or(version), build, None]
    } else if let Some([_, version, build, _]) = group(&MAC, &raw, keys) {
        [Some("macOS".to_owned()), version, build, None]
    } else if let Some([name, version, ..]) = group(&IOS, &raw, keys) {
        [name, version, None, None]
    } else if let Some([_, version, ..]) = group(&ANDROID, &raw, keys) {
        [Some("Android".to_owned()), version, None, None]
    } else if let Some([name, version, _, kernel]) = group(&LINUX_DISTRO, &raw, keys) {
        [name, version, None, kernel]
    } else if let Some([name, _, _, kernel]) = group(&UNAME, &raw, keys) {
        [name, None, None, kernel]
    } else if raw.starts_with("Nintendo Switch") {
        [Some("Nintendo OS".to_owned()), None, None, None]
    } else {
        return;
    };
    for (key, value) in ["name", "version", "build", "kernel_version"].into_iter().zip(found) {
        fill(context, key, value);
    }
}

/// Versions of the .NET Framework by release number.
const NET_FRAMEWORK: [(&str, &str); 23] = [
    ("378389", "4.5"),
    ("378675", "4.5.1"),
    ("378758", "4.5.1"),
    ("379893", "4.5.2"),
    ("393295", "4.6"),
    ("393297", "4.6"),
    ("394254", "4.6.1"),
    ("394271", "4.6.1"),
    ("394802", "4.6.2"),
    ("394806", "4.6.2"),
    ("460798", "4.7"),
    ("460805", "4.7"),
    ("461308", "4.7.1"),
    ("461310", "4.7.1"),
    ("461808", "4.7.2"),
    ("461814", "4.7.2"),
    ("528040", "4.8"),
    ("528049", "4.8"),
    ("528209", "4.8"),
    ("528372", "4.8"),
    ("528449", "4.8"),
    ("533320", "4.8.1"),
    ("533325", "4.8.1"),
];

/// Completes a runtime.
pub(super) fn runtime(context: &mut Map<String, Value>) {
    if filled_text(context, "name").is_none()
        && filled_text(context, "version").is_none()
        && let Some(raw) = filled_text(context, "raw_description").map(str::to_owned)
        && let Some([name, version, ..]) = group(&RUNTIME, &raw, ["name", "version", "", ""])
    {
        fill(context, "name", name);
        fill(context, "version", version);
    }
    if filled_text(context, "name").is_some_and(|name| name.starts_with(".NET Framework"))
        && filled_text(context, "version").is_none()
        && let Some(build) = filled_text(context, "build")
    {
        let version = NET_FRAMEWORK.iter().find(|(number, _)| *number == build).map(|(_, version)| (*version).to_owned());
        fill(context, "version", version);
    }
}
