//! # One event, ready to print
//! **Promise.** [`EventView::new`] turns any JSON into what the issue page prints of an event: never a panic, never unbounded output, nothing marked as safe.
//! **How.** Pure functions from the normalised event (Relay's shape) to strings and small lists; one file per part of the page. Wrong types count as absent: ingest has normalised already, but old payloads and hostile ones must still open.
//! **When it breaks.** A part that cannot be read is left out; the raw JSON stays one click away.
//! **Not here.** Issue facts (`issues::view`), storage, HTML (`templates/issues/`): templates escape all of this.

mod breadcrumbs;
mod contexts;
mod curl;
mod exceptions;
mod files;
mod frames;
mod json;
mod line;
pub mod markdown;
mod notes;
mod raw;
mod request;
pub mod samples;
mod source;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use breadcrumbs::CrumbView;
pub use contexts::{ContextView, SdkView};
pub use exceptions::{ExceptionView, ThreadView};
pub use files::file_list;
pub use frames::{FrameView, Segment, SourceLine};
pub use line::EventLine;
pub use request::RequestView;
pub use source::Token;
pub use value::{Row, ValueView};

use crate::projects::source_link::{Place, SourceLink};
use crate::web::{When, number};

/// How many breadcrumbs are shown before "all".
const CRUMBS_SHOWN: usize = 10;

/// All that the pages may print of one event.
#[derive(Debug, Clone, Default)]
pub struct EventView {
    /// 32 hex digits.
    pub id: String,
    /// Its first eight.
    pub short_id: String,
    /// When it happened, by the client's clock.
    pub at: When,
    /// "python", "javascript"; may be empty.
    pub platform: String,
    /// "error", "fatal" …
    pub level: String,
    /// May be empty.
    pub environment: String,
    /// May be empty.
    pub release: String,
    /// The transaction; may be empty.
    pub transaction: String,
    /// A log message, when the event is one (or has one beside the exception).
    pub message: Option<ValueView>,
    /// What a browser reported about the page's security policy.
    pub csp: Vec<Row>,
    /// Newest first: the one that was raised last stands on top.
    pub exceptions: Vec<ExceptionView>,
    /// All frames of all shown exceptions.
    pub frame_count: usize,
    /// The stack trace as the platform prints it, all exceptions.
    pub raw_stack: String,
    /// The stack trace had no exception of its own: it is that of a thread or of the message.
    pub threads: Vec<ThreadView>,
    /// The newest ten, newest first.
    pub crumbs: Vec<CrumbView>,
    /// The older ones, newest first.
    pub older_crumbs: Vec<CrumbView>,
    /// How many there are.
    pub crumb_count: usize,
    /// The HTTP request.
    pub request: Option<RequestView>,
    /// "ana@example.org"; the best name for the user.
    pub user_name: String,
    /// What is known about the user.
    pub user: Vec<Row>,
    /// Tags.
    pub tags: Vec<Row>,
    /// One table each.
    pub contexts: Vec<ContextView>,
    /// Additional data.
    pub extra: Vec<Row>,
    /// The SDK.
    pub sdk: Option<SdkView>,
    /// Packages and their versions.
    pub modules: Vec<Row>,
    /// "request body: cut at 8,192 characters": everything that was trimmed, filtered or did not fit.
    pub notes: Vec<Row>,
    /// The same of whole parts, by their names.
    part_notes: BTreeMap<&'static str, String>,
}

impl EventView {
    /// The view of a normalised event as seen at `now`.
    pub fn new(event: &Value, now: DateTime<Utc>) -> Self {
        let meta = event.get("_meta").unwrap_or(&Value::Null);
        let id = json::text(event.get("event_id"));
        let exceptions = exceptions::all(event, meta);
        let mut crumbs = breadcrumbs::all(event, meta, now);
        let older_crumbs = crumbs.split_off(crumbs.len().min(CRUMBS_SHOWN));
        let user = contexts::user(event, meta);
        Self {
            short_id: id.chars().take(8).collect(),
            at: When::from_unix(event.get("timestamp").and_then(json::number).unwrap_or(f64::NAN), now),
            platform: json::text(event.get("platform")),
            level: json::text(event.get("level")),
            environment: json::text(event.get("environment")),
            release: json::text(event.get("release")),
            transaction: json::text(event.get("transaction")),
            message: message(event, meta),
            csp: value::rows(event.get("csp"), notes::at(meta, "csp")),
            frame_count: exceptions.iter().map(|e| e.frame_count).sum(),
            raw_stack: raw::text(event),
            threads: exceptions::threads(event, meta),
            crumb_count: crumbs.len() + older_crumbs.len(),
            crumbs,
            older_crumbs,
            request: request::view(event, meta),
            user_name: contexts::user_name(event),
            user,
            tags: contexts::tags(event, meta),
            contexts: contexts::all(event, meta),
            extra: value::rows(event.get("extra"), notes::at(meta, "extra")),
            sdk: contexts::sdk(event),
            modules: value::rows(event.get("modules"), notes::at(meta, "modules")),
            notes: notes::all(event, meta),
            part_notes: notes::of_parts(event, meta),
            exceptions,
            id,
        }
    }

    /// What was trimmed or filtered of a whole part, "breadcrumbs.values".
    pub fn note_of(&self, part: &str) -> Option<&str> {
        self.part_notes.get(part).map(String::as_str)
    }

    /// Links the project's own frames to their source.
    pub fn link_sources(&mut self, link: &SourceLink) {
        let release = self.release.as_str();
        let stacks = self.exceptions.iter_mut().map(|e| &mut e.segments).chain(self.threads.iter_mut().map(|t| &mut t.segments));
        for segment in stacks.flatten() {
            let frames = match segment {
                Segment::Frame(frame) => std::slice::from_mut(frame.as_mut()),
                Segment::Fold { frames, .. } => frames.as_mut_slice(),
            };
            for frame in frames.iter_mut().filter(|frame| frame.in_app) {
                frame.source_href = link.href(Place { path: &frame.path, line: frame.line, release });
            }
        }
    }

    /// Categories and levels of the breadcrumbs, to filter by.
    pub fn crumb_kinds(&self) -> BTreeSet<&str> {
        let crumbs = self.crumbs.iter().chain(&self.older_crumbs);
        crumbs.flat_map(|crumb| [crumb.kind.as_str(), crumb.level.as_str()]).filter(|kind| !kind.is_empty()).take(60).collect()
    }

    /// "31 frames" with the plural right.
    pub fn frames_label(&self) -> String {
        number::counted(self.frame_count as i64, "frame")
    }
}

fn message(event: &Value, meta: &Value) -> Option<ValueView> {
    let entry = event.get("logentry")?;
    let key = if entry.get("formatted").is_some() { "formatted" } else { "message" };
    let text = json::text(entry.get(key).or(Some(entry).filter(|e| e.is_string())));
    let note = notes::note(notes::at(notes::at(meta, "logentry"), key), &Value::String(text.clone()));
    (!text.is_empty()).then(|| ValueView { preview: vec![Token::plain(text)], tree: Vec::new(), note })
}

#[cfg(test)]
mod tests;
