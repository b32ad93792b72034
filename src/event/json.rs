//! # Reading JSON from anybody
//!
//! **Promise.** Whatever a client's serialiser gets wrong and can be understood is understood: lone surrogates and invalid UTF-8 become U+FFFD,
//! `NaN`, `Infinity` and numbers beyond all bounds become null, U+0000 is left out, of repeated keys the last counts. Nesting beyond
//! [`DEPTH_LIMIT`] becomes its text, with a note. The value can be walked, dropped and written recursively, and read again by any parser.
//!
//! **How.** `serde_json` reads nearly all documents; only what it refuses, or what nests too deep, goes through the reader here, which keeps its own
//! stack and so cannot overflow.
//!
//! **When it breaks.** A document that nobody can read is an error with the position and the reason.
//!
//! **Not here.** What the document means.

use serde_json::{Map, Number, Value};

use super::meta::{MetaTree, Path, RemarkKind};

/// Levels that stay structure. Relay's parser refuses more than 128; normalising may add a few.
pub const DEPTH_LIMIT: usize = 100;
/// How many too deep places are noted; the others are cut without a word.
const MAX_NOTES: usize = 100;

/// What was changed while reading.
#[derive(Debug, Default, PartialEq)]
pub struct Notes(MetaTree);

impl Notes {
    /// Puts the notes into the `_meta` of an event; what is no object has no place for them.
    pub fn attach(self, event: &mut Value) {
        let Value::Object(map) = event else { return };
        if let Some(Value::Object(mine)) = self.0.into_value() {
            match map.get_mut("_meta") {
                Some(Value::Object(theirs)) => merge(theirs, mine),
                _ => {
                    map.insert("_meta".to_owned(), Value::Object(mine));
                }
            }
        }
    }

    /// Whether the document was read as it stood.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Nobody can read this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {position}")]
pub struct JsonError {
    /// Bytes before the place.
    pub position: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// Reads a document.
pub fn parse(bytes: &[u8]) -> Result<(Value, Notes), JsonError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(mut value) = serde_json::from_slice::<Value>(bytes)
        && within(&value, DEPTH_LIMIT)
    {
        // The escape is the only way in which a NUL gets through `serde_json`.
        if memchr::memmem::find(bytes, b"\\u0000").is_some() {
            strip_nul(&mut value);
        }
        return Ok((value, Notes::default()));
    }
    Reader { bytes, at: 0, stack: Vec::new(), notes: MetaTree::default(), noted: 0 }.document()
}

/// Whether a value (which `serde_json` built, so at most 128 levels) nests no deeper than `left`.
fn within(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(items) => left > 0 && items.iter().all(|item| within(item, left - 1)),
        Value::Object(map) => left > 0 && map.values().all(|item| within(item, left - 1)),
        _ => true,
    }
}

/// Leaves U+0000 out of all texts and keys.
pub(super) fn strip_nul(value: &mut Value) {
    match value {
        Value::String(text) => text.retain(|c| c != '\0'),
        Value::Array(items) => items.iter_mut().for_each(strip_nul),
        Value::Object(map) => {
            if map.keys().any(|key| key.contains('\0')) {
                *map = std::mem::take(map).into_iter().map(|(key, value)| (key.replace('\0', ""), value)).collect();
            }
            map.values_mut().for_each(strip_nul);
        }
        _ => {}
    }
}

enum Open {
    List(Vec<Value>),
    Object(Map<String, Value>, String),
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    stack: Vec<Open>,
    notes: MetaTree,
    noted: usize,
}

impl Reader<'_> {
    fn error<T>(&self, reason: &'static str) -> Result<T, JsonError> {
        Err(JsonError { position: self.at, reason })
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn document(mut self) -> Result<(Value, Notes), JsonError> {
        loop {
            // A value begins here …
            let mut value = match self.peek() {
                Some(b'[' | b'{') if self.stack.len() == DEPTH_LIMIT => self.too_deep()?,
                Some(b'[') => {
                    self.at += 1;
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        Value::Array(Vec::new())
                    } else {
                        self.stack.push(Open::List(Vec::new()));
                        continue;
                    }
                }
                Some(b'{') => {
                    self.at += 1;
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                        Value::Object(Map::new())
                    } else {
                        let key = self.key()?;
                        self.stack.push(Open::Object(Map::new(), key));
                        continue;
                    }
                }
                _ => self.scalar()?,
            };
            // … and here it is complete, and maybe completes what is around it.
            loop {
                match self.stack.pop() {
                    None => {
                        return match self.peek() {
                            None => Ok((value, Notes(self.notes))),
                            Some(_) => self.error("trailing characters"),
                        };
                    }
                    Some(open) => match self.add(open, value)? {
                        Some(complete) => value = complete,
                        None => break,
                    },
                }
            }
        }
    }

    /// Adds a value to what is open around it; gives the outer value when that is complete.
    fn add(&mut self, open: Open, value: Value) -> Result<Option<Value>, JsonError> {
        let next = self.peek();
        self.at += 1;
        match (open, next) {
            (Open::List(mut items), Some(b',')) => {
                items.push(value);
                self.stack.push(Open::List(items));
                Ok(None)
            }
            (Open::List(mut items), Some(b']')) => {
                items.push(value);
                Ok(Some(Value::Array(items)))
            }
            (Open::Object(mut map, key), Some(b',')) => {
                map.insert(key, value);
                let key = self.key()?;
                self.stack.push(Open::Object(map, key));
                Ok(None)
            }
            (Open::Object(mut map, key), Some(b'}')) => {
                map.insert(key, value);
                Ok(Some(Value::Object(map)))
            }
            (_, None) => self.error("unexpected end"),
            (Open::List(_), Some(_)) => self.error("expected , or ]"),
            (Open::Object(..), Some(_)) => self.error("expected , or }"),
        }
    }

    fn key(&mut self) -> Result<String, JsonError> {
        if self.peek() != Some(b'"') {
            return self.error("expected a key");
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return self.error("expected :");
        }
        self.at += 1;
        Ok(key)
    }

    fn scalar(&mut self) -> Result<Value, JsonError> {
        const WORDS: [(&[u8], Value); 8] = [
            (b"true", Value::Bool(true)),
            (b"false", Value::Bool(false)),
            (b"null", Value::Null),
            (b"NaN", Value::Null),
            (b"nan", Value::Null),
            (b"Infinity", Value::Null),
            (b"-Infinity", Value::Null),
            (b"-NaN", Value::Null),
        ];
        match self.peek() {
            None => return self.error("unexpected end"),
            Some(b'"') => return self.string().map(Value::String),
            Some(_) => {}
        }
        let rest = &self.bytes[self.at..];
        if let Some((word, value)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(value.clone());
        }
        let length = rest.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count();
        let text = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let number = if let Ok(number) = text.parse::<u64>() {
            Value::from(number)
        } else if let Ok(number) = text.parse::<i64>() {
            Value::from(number)
        } else if let Ok(number) = text.parse::<f64>() {
            // Beyond all bounds: there is no such number to keep.
            Number::from_f64(number).map_or(Value::Null, Value::Number)
        } else {
            return self.error("expected a value");
        };
        self.at += length;
        Ok(number)
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let rest = &self.bytes[self.at..];
            let Some(stop) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return self.error("unexpected end of a string");
            };
            out.extend_from_slice(&rest[..stop]);
            self.at += stop + 1;
            if rest[stop] == b'"' {
                break;
            }
            let c = self.escape()?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        let mut text = match String::from_utf8(out) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        text.retain(|c| c != '\0');
        Ok(text)
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let Some(letter) = self.bytes.get(self.at).copied() else { return self.error("unexpected end of a string") };
        self.at += 1;
        Ok(match letter {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' => char::from(letter),
            b'u' => {
                let Some(first) = self.hex() else { return self.error("expected four hex digits") };
                self.pair(first)
            }
            _ => return self.error("unknown escape"),
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let number = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        self.at += 4;
        Some(number)
    }

    /// The character of an escape whose first half is given; half a pair is U+FFFD.
    fn pair(&mut self, first: u32) -> char {
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        let before = self.at;
        if self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 2;
            if let Some(second) = self.hex().filter(|second| (0xdc00..0xe000).contains(second)) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
        }
        self.at = before;
        char::REPLACEMENT_CHARACTER
    }

    /// Takes what nests too deep as text.
    fn too_deep(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.bytes.get(self.at) {
                None => return self.error("unexpected end"),
                Some(b'"') => self.skip_string()?,
                Some(b'[' | b'{') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b']' | b'}') => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        break;
                    }
                }
                Some(_) => self.at += 1,
            }
        }
        if self.noted < MAX_NOTES {
            self.noted += 1;
            self.note();
        }
        let text = String::from_utf8_lossy(&self.bytes[start..self.at]).replace('\0', "");
        Ok(Value::String(text))
    }

    fn skip_string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            let Some(stop) = self.bytes.get(self.at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) else {
                self.at = self.bytes.len();
                return self.error("unexpected end of a string");
            };
            self.at += stop;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(());
            }
            self.at += 2;
        }
    }

    fn note(&mut self) {
        let mut node = &mut self.notes;
        for open in &self.stack {
            node = match open {
                Open::List(items) => node.at(&Path::Root.index(items.len())),
                Open::Object(_, key) => node.child(key),
            };
        }
        node.own.add_remark("!limit", RemarkKind::Substituted, None);
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
