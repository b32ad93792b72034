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
pub(super) const VARIABLES: Limit = budget(2048, 5);

static FRAME: Object = Object {
    expected: "frame",
    other: Other::Drop,
    fields: &[
        text("function", 512, 20),
        text("raw_function", 512, 20),
        text("symbol", 512, 0),
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
        field("in_app", Shape::Bool),
        limited("vars", Shape::Own(variables), VARIABLES),
        field("data", Shape::Object(&FRAME_DATA)),
        field("image_addr", ADDRESS),
        field("instruction_addr", ADDRESS),
        field("addr_mode", Shape::Text),
        field("function_id", ADDRESS),
        field("symbol_addr", ADDRESS),
        text("trust", 128, 0),
        text("lang", 128, 0),
        field("stack_start", Shape::Bool),
        field("lock", Shape::Object(&LOCK)),
    ],
};

static FRAME_DATA: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[
        field("sourcemap", Shape::Text),
        field("orig_function", Shape::Text),
        field("orig_filename", Shape::Text),
        field("orig_lineno", Shape::Unsigned),
        field("orig_colno", Shape::Unsigned),
        field("orig_in_app", Shape::Signed),
    ],
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
    expected: "rawstacktrace",
    other: Other::Drop,
    fields: &[
        Field { key: "frames", shape: Shape::List(&Shape::Object(&FRAME)), limit: FREE },
        field("registers", Shape::Map(&ADDRESS)),
        field("instruction_addr_adjustment", Shape::Text),
        text("lang", 128, 0),
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
                // The raw trace stays as sent: it is what symbolication starts from.
                finish(stacktrace, &path.key(key), key == "raw_stacktrace", meta);
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
fn finish(stacktrace: &mut Map<String, Value>, path: &Path<'_>, raw: bool, meta: &mut MetaTree) {
    let Some(Value::Array(frames)) = stacktrace.get_mut("frames") else { return };
    if frames.is_empty() {
        stacktrace.remove("frames");
        return;
    }
    let path = path.key("frames");
    shorten(frames, &path, meta);
    for frame in frames.iter_mut().filter_map(Value::as_object_mut) {
        tidy(frame);
        if !raw {
            backfill(frame);
        }
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
    node.move_items(|at| match at {
        at if at < HEAD => Some(at),
        at if at >= HEAD + removed => Some(at - removed),
        _ => None,
    });
}

/// Removes what says nothing.
fn tidy(frame: &mut Map<String, Value>) {
    frame.retain(|key, value| match value {
        Value::String(text) => match key.as_str() {
            "function" => !text.is_empty() && text != "?",
            "filename" | "abs_path" | "module" | "package" => !text.is_empty(),
            _ => true,
        },
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
}

/// Lets the two names of a file fill each other in; of a URL the short one is the path.
fn backfill(frame: &mut Map<String, Value>) {
    if !frame.contains_key("abs_path")
        && let Some(name) = frame.get("filename").cloned()
    {
        frame.insert("abs_path".to_owned(), name);
    }
    // Lines around one that is not known.
    if !frame.contains_key("context_line") && (frame.contains_key("pre_context") || frame.contains_key("post_context")) {
        frame.insert("context_line".to_owned(), Value::String(String::new()));
    }
    let (filename, abs_path) = (filled_text(frame, "filename"), filled_text(frame, "abs_path"));
    if filename.is_none() || filename == abs_path {
        let short = abs_path.map(|path| url_path(path).unwrap_or_else(|| path.to_owned()));
        if let Some(short) = short.filter(|short| Some(short.as_str()) != filename) {
            frame.insert("filename".to_owned(), Value::String(short));
        }
    }
}

/// Schemes whose URLs are shown by their path.
const URL_SCHEMES: [&str; 4] = ["file://", "http://", "https://", "applewebdata://"];

/// The path of a URL.
fn url_path(text: &str) -> Option<String> {
    if !URL_SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
        return None;
    }
    let url = url::Url::parse(text).ok()?;
    (url.path().len() > 1).then(|| url.path().to_owned())
}

/// Takes variables and surrounding lines from all but [`MAX_DETAILED`] frames: those of the application stay first, then the outermost.
fn slim(frames: &mut [Value]) {
    if frames.len() <= MAX_DETAILED {
        return;
    }
    let is_app = |frame: &Value| frame.get("in_app") == Some(&Value::Bool(true));
    let app = frames.iter().filter(|frame| is_app(frame)).count();
    let app_room = app.min(MAX_DETAILED);
    // Of each kind the same number stays at either end; an odd one in the middle goes, as with Relay.
    let (mut app, mut system) = (Ends::new(app, app_room), Ends::new(frames.len() - app, MAX_DETAILED - app_room));
    for frame in frames {
        let stays = if is_app(frame) { app.next_stays() } else { system.next_stays() };
        if let Value::Object(map) = frame
            && !stays
        {
            for key in ["vars", "pre_context", "post_context"] {
                map.remove(key);
            }
        }
    }
}

/// Keeps the ends of a run of frames.
struct Ends {
    seen: usize,
    half: usize,
    tail: usize,
}

impl Ends {
    fn new(count: usize, room: usize) -> Self {
        let half = room / 2;
        Self { seen: 0, half, tail: count - half }
    }

    fn next_stays(&mut self) -> bool {
        let at = self.seen;
        self.seen += 1;
        at < self.half || at >= self.tail
    }
}
