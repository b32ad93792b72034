//! Stack frames: newest first, in-app frames one by one, runs of library frames folded under a sentence that says whose they are.

use serde_json::Value;

use super::{
    json, notes,
    source::{self, Token},
    value::{self, Row},
};
use crate::web::number;

/// One line of source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// Its number; empty when the frame has none.
    pub number: String,
    /// Its text, coloured.
    pub tokens: Vec<Token>,
    /// The line that was executing.
    pub current: bool,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FrameView {
    /// File, or module or package where there is no file.
    pub file: String,
    /// Function; may be empty.
    pub function: String,
    /// "line 87", "line 87:12", "0x7f…"; may be empty.
    pub place: String,
    /// Everything known about where it is, for the tooltip.
    pub full: String,
    /// The file in its repository, as far as the frame tells.
    pub path: String,
    /// Its line.
    pub line: Option<u64>,
    /// Where its source can be read (http or https only).
    pub source_href: Option<String>,
    /// The project's own code.
    pub in_app: bool,
    /// Shown opened.
    pub open: bool,
    /// "raised here", "3 locals" (folded ones among them); may be empty.
    pub aside: String,
    /// Lines around; may be empty.
    pub source: Vec<SourceLine>,
    /// Local variables; may be empty.
    pub locals: Vec<Row>,
    /// Variables that hardly ever tell anything, as module-level Python frames have them by the dozen: `__name__` and its like, modules,
    /// functions, classes. Shown folded, after the others.
    pub machinery: Vec<Row>,
    /// What was trimmed or filtered of it: "vars: cut at 50 entries, was 90".
    pub notes: Vec<String>,
}

impl FrameView {
    /// "9 more", or what they are when there is nothing else.
    pub fn machinery_label(&self) -> String {
        let n = self.machinery.len() as i64;
        let more = if self.locals.is_empty() { "" } else { " more" };
        format!("{}{more}: modules, functions, classes, __names__", number::count(n))
    }

    /// Whether there is something to open.
    pub fn has_body(&self) -> bool {
        !self.source.is_empty() || !self.locals.is_empty() || !self.machinery.is_empty() || !self.notes.is_empty()
    }
}

/// A frame, or a run of library frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Shown by itself.
    Frame(Box<FrameView>),
    /// Folded.
    Fold {
        /// "12 frames from django, 2 from middleware.auth".
        label: String,
        /// Newest first.
        frames: Vec<FrameView>,
    },
}

/// Normalising keeps 250 frames; what older versions or other writers stored is cut here.
const MAX_FRAMES: usize = 500;
/// How many frames stand unfolded when none is the project's own.
const SHOWN_WITHOUT_APP: usize = 6;

/// The segments of a stack trace, newest frame first, and how many frames it has. `place` words what the newest frame did ("raised here").
pub(super) fn segments(stack: &Value, meta: &Value, platform: &str, newest: &str) -> (Vec<Segment>, usize) {
    let list = stack.get("frames").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let meta = notes::at(meta, "frames");
    let mut frames: Vec<(FrameView, String)> = list
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, frame)| frame.is_object())
        .take(MAX_FRAMES)
        .map(|(index, frame)| (view(frame, notes::nth(meta, index), platform), owner(frame, platform)))
        .collect();
    let count = frames.len();
    let any_app = frames.iter().any(|(frame, _)| frame.in_app);
    if let Some((first, _)) = frames.first_mut() {
        newest.clone_into(&mut first.aside);
    }
    let opened = frames.iter().position(|(frame, _)| frame.in_app || !any_app);
    if let Some((frame, _)) = opened.and_then(|index| frames.get_mut(index)) {
        frame.open = frame.has_body();
    }
    let shown = |index: usize, frame: &FrameView| if any_app { frame.in_app } else { index < SHOWN_WITHOUT_APP };
    (fold(frames, shown), count)
}

fn fold(frames: Vec<(FrameView, String)>, shown: impl Fn(usize, &FrameView) -> bool) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut run: Vec<(FrameView, String)> = Vec::new();
    for (index, (frame, owner)) in frames.into_iter().enumerate() {
        if shown(index, &frame) {
            close(&mut run, &mut segments);
            segments.push(Segment::Frame(Box::new(frame)));
        } else {
            run.push((frame, owner));
        }
    }
    close(&mut run, &mut segments);
    segments
}

fn close(run: &mut Vec<(FrameView, String)>, segments: &mut Vec<Segment>) {
    if run.is_empty() {
        return;
    }
    let mut owners: Vec<(String, i64)> = Vec::new();
    for (_, owner) in run.iter() {
        match owners.iter_mut().find(|(name, _)| name == owner) {
            Some((_, n)) => *n += 1,
            None => owners.push((owner.clone(), 1)),
        }
    }
    owners.sort_by_key(|(_, n)| -n);
    let more: i64 = owners.iter().skip(3).map(|(_, n)| n).sum();
    let mut words: Vec<String> = Vec::new();
    for (index, (name, n)) in owners.iter().take(3).enumerate() {
        let head = if index == 0 { number::counted(*n, "frame") } else { number::count(*n) };
        words.push(if name.is_empty() { head } else { format!("{head} from {name}") });
    }
    if more > 0 {
        words.push(format!("{} from others", number::count(more)));
    }
    segments.push(Segment::Fold { label: words.join(", "), frames: run.drain(..).map(|(frame, _)| frame).collect() });
}

fn view(frame: &Value, meta: &Value, event_platform: &str) -> FrameView {
    let own = json::text(frame.get("platform"));
    let platform = if own.is_empty() { event_platform } else { &own };
    let locals = value::rows(frame.get("vars"), notes::at(meta, "vars"));
    let aside = if locals.is_empty() { String::new() } else { number::counted(locals.len() as i64, "local") };
    let (machinery, locals) = locals.into_iter().partition(is_machinery);
    let names = match platform {
        "java" | "csharp" | "scala" | "kotlin" => ["module", "filename", "abs_path", "package"],
        _ => ["filename", "abs_path", "module", "package"],
    };
    let full: Vec<String> =
        ["abs_path", "module", "package"].iter().map(|key| json::text(frame.get(*key))).filter(|t| !t.is_empty()).collect();
    let file = json::first_text(frame, &names);
    FrameView {
        file: if file.is_empty() { "unknown file".to_owned() } else { json::cut(&file, 500) },
        function: json::cut(&json::first_text(frame, &["function", "raw_function", "symbol"]), 600),
        place: place(frame),
        full: json::cut(&full.join(" · "), 1000),
        path: json::cut(&path(frame, platform), 1000),
        line: frame.get("lineno").and_then(Value::as_u64).filter(|n| *n > 0),
        source_href: None,
        in_app: frame.get("in_app") == Some(&Value::Bool(true)),
        open: false,
        aside,
        source: lines(frame, platform),
        locals,
        machinery,
        notes: notes::of_members(
            frame,
            meta,
            &["filename", "abs_path", "module", "function", "context_line", "pre_context", "post_context", "vars"],
        ),
    }
}

/// The file that a frame names. Java names it without its folders, which are those of the package.
fn path(frame: &Value, platform: &str) -> String {
    let file = json::first_text(frame, &["filename", "abs_path"]);
    let module = json::text(frame.get("module"));
    match module.rsplit_once('.') {
        Some((package, _)) if matches!(platform, "java" | "kotlin" | "scala") && !file.is_empty() && !file.contains('/') => {
            format!("{}/{file}", package.replace('.', "/"))
        }
        _ => file,
    }
}

/// Whether a variable is the language's own furniture rather than the program's state.
fn is_machinery(row: &Row) -> bool {
    let is_dunder = row.key.len() > 4 && row.key.starts_with("__") && row.key.ends_with("__");
    let value = row.value.text();
    let is_definition = ["<module '", "<function ", "<built-in function ", "<class '"].iter().any(|repr| value.starts_with(repr));
    is_dunder || (is_definition && value.ends_with('>'))
}

fn place(frame: &Value) -> String {
    let number = |key: &str| frame.get(key).and_then(Value::as_u64).filter(|n| *n > 0);
    match (number("lineno"), number("colno")) {
        (Some(line), Some(column)) => format!("line {line}:{column}"),
        (Some(line), None) => format!("line {line}"),
        _ => json::text(frame.get("instruction_addr")),
    }
}

fn lines(frame: &Value, platform: &str) -> Vec<SourceLine> {
    const MAX_AROUND: usize = 50;
    let around = |key: &str| frame.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let Some(current) = frame.get("context_line").and_then(Value::as_str) else { return Vec::new() };
    let (pre, post) = (around("pre_context"), around("post_context"));
    let pre = &pre[pre.len().saturating_sub(MAX_AROUND)..];
    let post = &post[..post.len().min(MAX_AROUND)];
    let at = frame.get("lineno").and_then(Value::as_u64).filter(|n| *n > pre.len() as u64 && *n < 1 << 40);
    let texts = pre.iter().map(|v| (v.as_str().unwrap_or_default(), false));
    let texts = texts.chain([(current, true)]).chain(post.iter().map(|v| (v.as_str().unwrap_or_default(), false)));
    let number = |index: usize| at.map_or_else(String::new, |at| (at - pre.len() as u64 + index as u64).to_string());
    texts
        .enumerate()
        .map(|(index, (text, current))| SourceLine { number: number(index), tokens: source::highlight(text, platform), current })
        .collect()
}

/// Whose code a library frame is: package, top module or folder; empty when nobody can tell.
fn owner(frame: &Value, platform: &str) -> String {
    let path = json::first_text(frame, &["abs_path", "filename"]).replace('\\', "/");
    let module = json::text(frame.get("module"));
    if let Some((_, rest)) = path.rsplit_once("node_modules/") {
        let mut parts = rest.split('/');
        let first = parts.next().unwrap_or_default();
        let name = if first.starts_with('@') { format!("{first}/{}", parts.next().unwrap_or_default()) } else { first.to_owned() };
        return json::cut(&name, 60);
    }
    if path.starts_with("node:") || path.contains("/internal/") && platform == "node" {
        return "node".to_owned();
    }
    if let Some((_, rest)) = path.rsplit_once("/gems/") {
        return json::cut(rest.split('/').next().unwrap_or_default(), 60);
    }
    if let Some((_, rest)) = path.rsplit_once("/vendor/") {
        return json::cut(&rest.split('/').take(2).collect::<Vec<_>>().join("/"), 60);
    }
    let installed = path.contains("-packages/") || path.contains("/lib/python");
    let parts = match platform {
        "python" if installed => 1,
        "java" | "kotlin" | "scala" | "csharp" => 2,
        _ => 3,
    };
    if !module.is_empty() {
        return json::cut(&module.split('.').take(parts).collect::<Vec<_>>().join("."), 60);
    }
    let package = json::text(frame.get("package")).replace('\\', "/");
    json::cut(package.rsplit('/').next().unwrap_or_default(), 60)
}
