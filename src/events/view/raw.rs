//! The stack trace as the platform itself prints it: for copying into a search or a chat.

use std::fmt::Write as _;

use serde_json::Value;

use super::json;

const MAX_FRAMES: usize = 1000;
const MAX_CHARS: usize = 200_000;

/// The text of all exceptions; without exceptions of the first thread with frames or of the event. Empty when nothing has frames.
pub(super) fn text(event: &Value) -> String {
    let platform = json::text(event.get("platform"));
    let mut out = String::new();
    let exceptions: Vec<&Value> = json::values(event.get("exception")).map(|(_, e)| e).filter(|e| e.is_object()).take(50).collect();
    let python = platform == "python";
    // Python prints the cause first, everybody else the last raised.
    let ordered: Vec<&Value> = if python { exceptions } else { exceptions.into_iter().rev().collect() };
    for (index, exception) in ordered.iter().enumerate() {
        if index > 0 {
            out.push_str(between(&platform, if python { exceptions_source(ordered[index - 1]) } else { "" }));
        }
        one(&mut out, exception, &platform);
    }
    if ordered.is_empty() {
        let threads = json::values(event.get("threads")).map(|(_, t)| t);
        let stack = [event].into_iter().chain(threads).find_map(|holder| holder.get("stacktrace").filter(|s| s.get("frames").is_some()));
        frames(&mut out, stack.unwrap_or(&Value::Null), &platform);
    }
    json::cut(out.trim_end(), MAX_CHARS)
}

fn exceptions_source(exception: &Value) -> &str {
    exception.get("mechanism").and_then(|m| m.get("source")).and_then(Value::as_str).unwrap_or_default()
}

fn between(platform: &str, source: &str) -> &'static str {
    match platform {
        "python" if source == "__cause__" => "\nThe above exception was the direct cause of the following exception:\n\n",
        "python" => "\nDuring handling of the above exception, another exception occurred:\n\n",
        "java" | "kotlin" | "scala" | "javascript" | "node" => "Caused by: ",
        "csharp" => " ---> ",
        _ => "\ncaused by\n",
    }
}

fn one(out: &mut String, exception: &Value, platform: &str) {
    let (kind, value, module) =
        (json::text(exception.get("type")), json::text(exception.get("value")), json::text(exception.get("module")));
    let qualified = matches!(platform, "java" | "kotlin" | "scala" | "csharp") && !module.is_empty();
    let kind = if qualified { format!("{module}.{kind}") } else { kind };
    let title = match (kind.is_empty(), value.is_empty()) {
        (false, false) => format!("{kind}: {value}"),
        (false, true) => kind,
        _ => value,
    };
    let stack = exception.get("stacktrace").unwrap_or(&Value::Null);
    if platform == "python" {
        let has_frames = stack.get("frames").and_then(Value::as_array).is_some_and(|f| !f.is_empty());
        out.push_str(if has_frames { "Traceback (most recent call last):\n" } else { "" });
        frames(out, stack, platform);
        out.push_str(&title);
        out.push('\n');
    } else {
        out.push_str(&title);
        out.push('\n');
        frames(out, stack, platform);
    }
}

fn frames(out: &mut String, stack: &Value, platform: &str) {
    let list = stack.get("frames").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let list: Vec<&Value> = list.iter().filter(|f| f.is_object()).take(MAX_FRAMES).collect();
    let oldest_first = platform == "python";
    for index in 0..list.len() {
        let at = if oldest_first { index } else { list.len() - 1 - index };
        if out.len() > 4 * MAX_CHARS {
            return;
        }
        frame(out, list[at], index, platform);
    }
}

fn frame(out: &mut String, frame: &Value, index: usize, event_platform: &str) {
    let own = json::text(frame.get("platform"));
    let platform = if own.is_empty() { event_platform } else { &own };
    let path = json::first_text(frame, &["abs_path", "filename", "module"]);
    let file = json::first_text(frame, &["filename", "abs_path"]);
    let module = json::text(frame.get("module"));
    let function = json::first_text(frame, &["function", "raw_function", "symbol"]);
    let named = if function.is_empty() { "<unknown>" } else { &function };
    let number = |key: &str| frame.get(key).and_then(Value::as_u64);
    let line = number("lineno").map_or_else(String::new, |n| n.to_string());
    let at = |separator: &str| if line.is_empty() { String::new() } else { format!("{separator}{line}") };
    let dotted = if module.is_empty() { String::new() } else { format!("{module}.") };
    // Writing to a String cannot fail.
    let _ = match platform {
        "python" => {
            let source = json::text(frame.get("context_line"));
            let source = if source.trim().is_empty() { String::new() } else { format!("    {}\n", source.trim()) };
            write!(out, "  File \"{path}\"{}, in {named}\n{source}", at(", line "))
        }
        "javascript" | "node" => {
            let column = number("colno").map_or_else(String::new, |n| format!(":{n}"));
            if function.is_empty() {
                writeln!(out, "    at {path}{}{column}", at(":"))
            } else {
                writeln!(out, "    at {function} ({path}{}{column})", at(":"))
            }
        }
        "java" | "kotlin" | "scala" => {
            writeln!(out, "\tat {dotted}{named}({}{})", if file.is_empty() { "Unknown Source" } else { &file }, at(":"))
        }
        "csharp" => writeln!(out, "   at {dotted}{named} in {path}{}", at(":line ")),
        "ruby" => writeln!(out, "\tfrom {path}{}:in `{named}'", at(":")),
        "go" => writeln!(out, "{dotted}{named}(...)\n\t{path}{}", at(":")),
        "php" => writeln!(out, "#{index} {path}{}: {named}()", if line.is_empty() { String::new() } else { format!("({line})") }),
        _ => {
            let address = json::text(frame.get("instruction_addr"));
            let package = json::text(frame.get("package"));
            let package = package.rsplit(['/', '\\']).next().unwrap_or_default();
            let place = if file.is_empty() { String::new() } else { format!(" ({file}{})", at(":")) };
            let address = if address.is_empty() { String::new() } else { format!("{address} ") };
            let package = if package.is_empty() { String::new() } else { format!("{package:<30} ") };
            writeln!(out, "{index:<3} {package}{address}{dotted}{named}{place}")
        }
    };
}
