//! # Stack traces
//!
//! **Promise.** Frames keep what locates them; the two names of a file fill each other in; a huge trace keeps its ends, and variables and
//! source lines stay with about fifty frames, the application's first (`protocol.md` 7.5, 8.9).
//!
//! **How.** One table, one pass over the frames.
//!
//! **Not here.** Which frames are the application's own, which is `grouping`'s to say.

use serde_json::{Map, Value};

use super::meta::{MetaTree, Path};
use super::scalars;
use super::schema::{FREE, Field, Limit, Object, Other, Shape, budget, field, filled_text, limited, text};

/// A trace longer than this keeps its first [`HEAD`] and last frames.
const MAX_FRAMES: usize = 250;
const HEAD: usize = 50;
/// How many frames keep their variables and the lines around the source line.
const MAX_DETAILED: usize = 50;

const ADDRESS: Shape = Shape::Parsed(scalars::address);
const LINES: Shape = Shape::List(&Shape::Text);
/// Variables: 2 KiB, and structure five levels down.
pub(super) const VARIABLES: Limit = budget(2048, 6);

static FRAME: Object = Object {
    expected: "frame",
    other: Other::Drop,
    fields: &[
        text("function", 512, 20),
        text("raw_function", 512, 20),
        text("symbol", 512, 20),
        field("module", Shape::Text),
        field("package", Shape::Text),
        field("filename", Shape::Text),
        field("abs_path", Shape::Text),
        field("lineno", Shape::Unsigned),
        field("colno", Shape::Unsigned),
        field("platform", Shape::Text),
        field("pre_context", LINES),
        field("context_line", Shape::Text),
        field("post_context", LINES),
        field("source_link", Shape::Text),
        field("in_app", Shape::Bool),
        limited("vars", Shape::Own(variables), VARIABLES),
        field("data", Shape::Object(&FRAME_DATA)),
        field("image_addr", ADDRESS),
        field("instruction_addr", ADDRESS),
        field("addr_mode", Shape::Text),
        field("function_id", ADDRESS),
        field("symbol_addr", ADDRESS),
        text("trust", 128, 20),
        field("lang", Shape::Text),
        field("stack_start", Shape::Bool),
        field("lock", Shape::Object(&LOCK)),
    ],
};

static FRAME_DATA: Object = Object {
    expected: "an object",
    other: Other::Keep,
    fields: &[field("sourcemap", Shape::Text), field("sourcemap_origin", Shape::Any)],
};

/// A Java monitor that a thread holds or waits for.
pub(super) static LOCK: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[
        field("type", Shape::Unsigned),
        field("address", Shape::Text),
        field("package_name", Shape::Text),
        field("class_name", Shape::Text),
        field("thread_id", Shape::Parsed(scalars::thread_id)),
    ],
};

/// A stack trace.
pub(super) static STACKTRACE: Object = Object {
    expected: "stacktrace",
    other: Other::Drop,
    fields: &[
        Field { key: "frames", shape: Shape::List(&Shape::Object(&FRAME)), limit: FREE },
        field("registers", Shape::Map(&ADDRESS)),
        field("instruction_addr_adjustment", Shape::Text),
        text("lang", 128, 20),
        field("snapshot", Shape::Bool),
    ],
};

/// Variables are a map; a list becomes one with its places as keys.
fn variables(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    match value {
        Value::Object(_) => {}
        Value::Array(items) => {
            let map: Map<String, Value> = items.drain(..).enumerate().map(|(at, item)| (at.to_string(), item)).collect();
            *value = Value::Object(map);
        }
        _ => super::schema::reject(value, path, meta, super::schema::expected("an object")),
    }
}

/// Finishes the traces of an object that has `stacktrace` and `raw_stacktrace`.
pub(super) fn finish_in(holder: &mut Map<String, Value>, path: &Path<'_>, meta: &mut MetaTree) {
    for key in ["stacktrace", "raw_stacktrace"] {
        let empty = match holder.get_mut(key) {
            Some(Value::Object(stacktrace)) => {
                finish(stacktrace, &path.key(key), meta);
                stacktrace.is_empty()
            }
            _ => false,
        };
        if empty {
            holder.remove(key);
        }
    }
}

/// Backfills, shortens and slims one stack trace.
fn finish(stacktrace: &mut Map<String, Value>, path: &Path<'_>, meta: &mut MetaTree) {
    let Some(Value::Array(frames)) = stacktrace.get_mut("frames") else { return };
    if frames.is_empty() {
        stacktrace.remove("frames");
        return;
    }
    let path = path.key("frames");
    shorten(frames, &path, meta);
    for frame in frames.iter_mut().filter_map(Value::as_object_mut) {
        backfill(frame);
    }
    slim(frames);
}

/// Keeps the first and the last frames of an endless recursion.
fn shorten(frames: &mut Vec<Value>, path: &Path<'_>, meta: &mut MetaTree) {
    let length = frames.len();
    if length <= MAX_FRAMES {
        return;
    }
    let removed = length - MAX_FRAMES;
    frames.drain(HEAD..HEAD + removed);
    let node = meta.at(path);
    node.own.set_original_length(length);
    let notes = std::mem::take(&mut node.children);
    node.children = notes
        .into_iter()
        .filter_map(|(key, note)| match key.parse::<usize>().ok()? {
            at if at < HEAD => Some((key, note)),
            at if at >= HEAD + removed => Some(((at - removed).to_string(), note)),
            _ => None,
        })
        .collect();
}

fn backfill(frame: &mut Map<String, Value>) {
    frame.retain(|key, value| match value {
        Value::String(text) => !(text == "?" && key == "function") && !(text.is_empty() && matches!(key.as_str(), "function" | "filename" | "abs_path")),
        Value::Object(map) => !map.is_empty(),
        Value::Array(lines) => {
            if matches!(key.as_str(), "pre_context" | "post_context") {
                for line in lines.iter_mut().filter(|line| line.is_null()) {
                    *line = Value::String(String::new());
                }
            }
            !lines.is_empty()
        }
        _ => true,
    });
    let (filename, abs_path) = (filled_text(frame, "filename"), filled_text(frame, "abs_path"));
    let (filename, abs_path) = match (filename, abs_path) {
        (None, Some(path)) => (Some(url_path(path).unwrap_or_else(|| path.to_owned())), None),
        (Some(name), None) => (None, Some(name.to_owned())),
        _ => return,
    };
    for (key, value) in [("filename", filename), ("abs_path", abs_path)] {
        if let Some(value) = value {
            frame.insert(key.to_owned(), Value::String(value));
        }
    }
}

/// The path of a URL.
fn url_path(text: &str) -> Option<String> {
    let colon = text.find("://")?;
    text.as_bytes().first()?.is_ascii_alphabetic().then_some(())?;
    if !text[..colon].bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
        return None;
    }
    let url = url::Url::parse(text).ok()?;
    (!url.path().is_empty()).then(|| url.path().to_owned())
}

/// Takes variables and surrounding lines from all but [`MAX_DETAILED`] frames: those of the application stay first, then the outermost.
fn slim(frames: &mut [Value]) {
    if frames.len() <= MAX_DETAILED {
        return;
    }
    let is_app = |frame: &Value| frame.get("in_app") == Some(&Value::Bool(true));
    let app = frames.iter().filter(|frame| is_app(frame)).count();
    let system = frames.len() - app;
    let clear = |frame: &mut Value| {
        if let Value::Object(map) = frame {
            for key in ["vars", "pre_context", "post_context"] {
                map.remove(key);
            }
        }
    };
    if app > MAX_DETAILED {
        let half = MAX_DETAILED / 2;
        let last = app - half;
        frames.iter_mut().for_each(|frame| if !is_app(frame) { clear(frame) });
        let mut seen = 0;
        for frame in frames.iter_mut().filter(|frame| is_app(frame)) {
            if seen > half && seen < last {
                clear(frame);
            }
            seen += 1;
        }
        return;
    }
    let room = MAX_DETAILED - app;
    let half = room / 2;
    let mut seen = 0;
    for frame in frames.iter_mut().filter(|frame| !is_app(frame)) {
        if seen >= half && seen < system.saturating_sub(half) {
            clear(frame);
        }
        seen += 1;
    }
}
