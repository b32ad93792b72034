//! # Frames as grouping sees them
//!
//! **Promise.** A [`Frame`] borrows what counts of a frame from the event; reading it never fails.
//! **Not here.** Changing frames in the event (`prepare`), what they contribute (`frame_parts`).

use serde_json::Value;

use super::platform::Family;
use super::shape::{self, Object};

/// One frame, read from the event after `prepare`.
#[derive(Debug, Clone)]
pub(super) struct Frame<'e> {
    /// The frame's own platform, else the event's.
    pub(super) platform: &'e str,
    pub(super) family: Family,
    pub(super) abs_path: Option<&'e str>,
    pub(super) filename: Option<&'e str>,
    pub(super) module: Option<&'e str>,
    pub(super) package: Option<&'e str>,
    /// Trimmed.
    pub(super) function: Option<&'e str>,
    pub(super) raw_function: Option<&'e str>,
    pub(super) context_line: Option<&'e str>,
    pub(super) lineno: Option<&'e Value>,
    pub(super) colno: Option<&'e Value>,
    /// Whether a source map led to the names.
    pub(super) from_source_map: bool,
    /// As the client sent it; then as the rules left it; settled once they ran.
    pub(super) in_app: Option<bool>,
    /// The rule that set `in_app`, if one did.
    pub(super) in_app_rule: Option<u32>,
    /// The category rules gave it, as a number.
    pub(super) category: Option<u32>,
}

impl<'e> Frame<'e> {
    /// Reads a frame of an event with this platform.
    pub(super) fn read(frame: &'e Object, event_platform: &'e str) -> Self {
        let mut read = Self {
            platform: event_platform,
            family: Family::Other,
            abs_path: None,
            filename: None,
            module: None,
            package: None,
            function: None,
            raw_function: None,
            context_line: None,
            lineno: None,
            colno: None,
            from_source_map: false,
            in_app: None,
            in_app_rule: None,
            category: None,
        };
        for (key, value) in frame {
            read.field(key, value);
        }
        read.family = Family::of(read.platform);
        read.filename = read.filename.or(read.abs_path);
        read.abs_path = read.abs_path.or(read.filename);
        read
    }

    fn field(&mut self, key: &str, value: &'e Value) {
        let text = || value.as_str().filter(|text| !text.is_empty());
        match key {
            "platform" => self.platform = text().unwrap_or(self.platform),
            "abs_path" => self.abs_path = text(),
            "filename" => self.filename = text(),
            "module" => self.module = text(),
            "package" => self.package = text(),
            "function" => self.function = text(),
            "raw_function" => self.raw_function = text(),
            "context_line" => self.context_line = text(),
            "lineno" => self.lineno = Some(value).filter(|value| !value.is_null()),
            "colno" => self.colno = Some(value).filter(|value| !value.is_null()),
            "in_app" => self.in_app = value.as_bool(),
            "data" => self.from_source_map = value.get("sourcemap").is_some_and(|map| !map.is_null()),
            _ => {}
        }
    }

    /// Whether the code lies at an `http(s):`, `blob:` or `applewebdata:` address; a `file:` address is not counted.
    pub(super) fn is_at_url(&self) -> bool {
        let schemes = ["http:", "https:", "applewebdata:", "blob:"];
        self.abs_path.is_some_and(|path| schemes.iter().any(|scheme| path.starts_with(scheme)))
    }

    /// As [`Frame::is_at_url`], a `file:` address counted.
    pub(super) fn is_at_url_or_file(&self) -> bool {
        self.is_at_url() || self.abs_path.is_some_and(|path| path.starts_with("file:"))
    }

    /// Whether this frame is the very same call as another: direct recursion.
    pub(super) fn repeats(&self, other: &Frame<'_>) -> bool {
        self.lineno == other.lineno
            && self.colno == other.colno
            && self.function == other.function
            && self.module == other.module
            && self.filename == other.filename
            && self.abs_path == other.abs_path
            && self.package == other.package
    }
}

/// The frames of something that has a stack trace; `None` when it has no frames.
pub(super) fn frames<'e>(owner: &'e Object, event_platform: &'e str) -> Option<Vec<Frame<'e>>> {
    let frames = shape::frames(owner)?;
    Some(frames.iter().filter_map(Value::as_object).map(|frame| Frame::read(frame, event_platform)).collect())
}
