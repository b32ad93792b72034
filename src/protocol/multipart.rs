//! # Multipart bodies, in pieces
//!
//! **Promise.** The parts of a `multipart/form-data` body of any size, as they come: nothing is held but a part's header, and as many bytes as a
//! delimiter has. How the body is cut into pieces makes no difference.
//!
//! **How.** [`Splitter`] is fed and calls a [`PartSink`]; it looks for the delimiter with the line end before it, which it imagines before
//! the first one. [`boundary`] finds the boundary also where crash reporters forget its quotes. Why our own: the crate for this reads
//! asynchronous streams, whole bodies are decoded on threads that block, and old Electron nests one body inside another's part.
//!
//! **When it breaks.** A body without end mark, or a header beyond all bounds, is [`Broken`].
//!
//! **Not here.** What the parts mean.

use memchr::memmem;

/// The longest boundary; the standard says 70.
const MAX_BOUNDARY: usize = 200;
/// The longest header of a part.
const MAX_HEADER: usize = 16 * 1024;
const HEADER_END: &[u8] = b"\r\n\r\n";
/// Parts of one body. Crash reporters send some dozen annotations.
const MAX_PARTS: usize = 2000;

/// The body cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid multipart data")]
pub struct Broken;

/// The header of a part, as far as it says something here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHeader {
    /// The field's name.
    pub name: String,
    /// The file's name: untrusted, and what tells files from fields.
    pub filename: Option<String>,
    /// What it is said to be.
    pub content_type: Option<String>,
}

/// Takes the parts of a body.
pub trait PartSink {
    /// What may go wrong.
    type Error: From<Broken>;

    /// A part begins.
    fn begin(&mut self, header: PartHeader) -> Result<(), Self::Error>;
    /// More of it.
    fn data(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
    /// It is whole.
    fn end(&mut self) -> Result<(), Self::Error>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first delimiter.
    Preamble,
    /// Behind a delimiter: a header follows, or the end.
    Header,
    /// Before the line end between header and data. It may be the delimiter's own: then there is no data.
    Start,
    Data,
    /// Behind the last delimiter.
    Epilogue,
}

/// Splits a body that comes in pieces.
#[derive(Debug)]
pub struct Splitter {
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    state: State,
    parts: usize,
}

impl Splitter {
    /// A splitter for a boundary.
    pub fn new(boundary: &[u8]) -> Self {
        let delimiter = [b"\r\n--", boundary].concat();
        // The first delimiter may stand at the very beginning.
        Self { delimiter, buffer: b"\r\n".to_vec(), state: State::Preamble, parts: 0 }
    }

    /// Takes more of the body.
    pub fn feed<S: PartSink>(&mut self, bytes: &[u8], sink: &mut S) -> Result<(), S::Error> {
        if self.state == State::Epilogue {
            return Ok(());
        }
        self.buffer.extend_from_slice(bytes);
        let mut from = 0;
        while let Some(taken) = self.step(from, sink)? {
            from += taken;
        }
        self.buffer.drain(..from);
        Ok(())
    }

    /// The body has ended.
    pub fn finish<S: PartSink>(self, _: &mut S) -> Result<(), S::Error> {
        if self.state == State::Epilogue { Ok(()) } else { Err(Broken.into()) }
    }

    /// Reads on from `from`; how many bytes that took, or nothing when more have to come.
    fn step<S: PartSink>(&mut self, from: usize, sink: &mut S) -> Result<Option<usize>, S::Error> {
        let rest = &self.buffer[from..];
        match self.state {
            State::Epilogue => Ok(None),
            State::Header => self.header(from, sink),
            State::Start if rest.len() < self.delimiter.len() && self.delimiter.starts_with(rest) => Ok(None),
            State::Start => {
                self.state = State::Data;
                Ok(Some(if rest.starts_with(&self.delimiter) { 0 } else { 2 }))
            }
            State::Preamble | State::Data => {
                let is_data = self.state == State::Data;
                let found = memmem::find(rest, &self.delimiter);
                // What may be the beginning of a delimiter has to wait.
                let safe = found.unwrap_or_else(|| rest.len().saturating_sub(self.delimiter.len() - 1));
                if safe > 0 {
                    if is_data {
                        sink.data(&rest[..safe])?;
                    }
                    return Ok(Some(safe));
                }
                if found.is_none() {
                    return Ok(None);
                }
                match rest.get(self.delimiter.len()) {
                    None => Ok(None),
                    Some(b'\r' | b'-' | b' ' | b'\t') => {
                        if is_data {
                            sink.end()?;
                        }
                        self.state = State::Header;
                        Ok(Some(self.delimiter.len()))
                    }
                    // Longer than the boundary: it only begins like one.
                    Some(_) => {
                        if is_data {
                            sink.data(&self.delimiter)?;
                        }
                        Ok(Some(self.delimiter.len()))
                    }
                }
            }
        }
    }

    fn header<S: PartSink>(&mut self, from: usize, sink: &mut S) -> Result<Option<usize>, S::Error> {
        let rest = &self.buffer[from..];
        if rest.starts_with(b"--") {
            self.state = State::Epilogue;
            return Ok(Some(rest.len()));
        }
        // The line end of the delimiter counts: a part may have no header at all.
        let Some(end) = memmem::find(rest, HEADER_END) else {
            // All but the last byte of its end may be there.
            return if rest.len() >= MAX_HEADER + HEADER_END.len() { Err(Broken.into()) } else { Ok(None) };
        };
        self.parts += 1;
        if end > MAX_HEADER || self.parts > MAX_PARTS {
            return Err(Broken.into());
        }
        sink.begin(part_header(&rest[..end]))?;
        self.state = State::Start;
        Ok(Some(end + 2))
    }
}

fn part_header(bytes: &[u8]) -> PartHeader {
    let text = String::from_utf8_lossy(bytes);
    let mut header = PartHeader::default();
    for line in text.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                for (key, value) in parameters(value) {
                    match key.as_str() {
                        "name" => header.name = value,
                        "filename" => header.filename = Some(value),
                        _ => {}
                    }
                }
            }
            "content-type" => header.content_type = Some(value.trim().to_owned()).filter(|kind| !kind.is_empty()),
            _ => {}
        }
    }
    header
}

/// The parameters of a header value, names in lower case, with or without quotes.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (text, left) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let (text, left) = after.split_once(';').unwrap_or((after, ""));
            (text.trim().to_owned(), left)
        };
        found.push((name.trim_matches([';', ' ', '\t']).to_ascii_lowercase(), text));
        rest = left;
    }
    found
}

/// A quoted text up to its closing quote, and what follows. Only quotes are escaped: browsers send backslashes of paths as they are.
fn unquoted(quoted: &str) -> (String, &str) {
    let mut end = quoted.len();
    let mut escaped = false;
    for (at, character) in quoted.char_indices() {
        if character == '"' && !escaped {
            end = at;
            break;
        }
        escaped = character == '\\';
    }
    (quoted[..end].replace("\\\"", "\""), quoted.get(end + 1..).unwrap_or_default())
}

/// The boundary in a content type of `multipart/…`.
pub fn boundary(content_type: &str) -> Option<Vec<u8>> {
    let is_multipart = content_type.trim_start().get(.."multipart/".len()).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
    let found = parameters(content_type).into_iter().find(|(name, _)| name == "boundary").map(|(_, value)| value);
    found.filter(|value| is_multipart && !value.is_empty() && value.len() <= MAX_BOUNDARY).map(String::into_bytes)
}

/// The boundary of a body that stands where a file should be; `None` where it is none, `Some(None)` where more has to come.
pub fn boundary_of_body(start: &[u8]) -> Option<Option<Vec<u8>>> {
    let rest = start.trim_ascii_start();
    if !(rest.starts_with(b"--") || b"--".starts_with(rest)) {
        return None;
    }
    match memmem::find(rest, b"\r\n") {
        Some(end) if (3..=MAX_BOUNDARY).contains(&end) => Some(Some(rest[2..end].trim_ascii_end().to_vec())),
        None if rest.len() <= MAX_BOUNDARY => Some(None),
        _ => None,
    }
}

#[cfg(test)]
#[path = "multipart_tests.rs"]
mod tests;
