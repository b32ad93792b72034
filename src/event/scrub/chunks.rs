//! # A text, cut where rules touched it
//!
//! **Promise.** Rules run one after the other over the same text; what an earlier one (or an SDK, or trimming) put there is not read again as if
//! the client had written it, and the remarks always tell where in the *new* text each replacement stands.
//!
//! **How.** The text is a row of [`Chunk`]s: original pieces and replacements. A rule searches the original pieces with one U+0000 for each
//! replacement between them, so a secret cannot be found across a replacement unless the pattern spans it. A rule that would write what is there
//! already changes nothing, and a text that rules wrote wholly is not replaced again: that makes scrubbing twice the same as scrubbing once.
//! Ranges of remarks count bytes, as in Relay.

use std::borrow::Cow;
use std::ops::Range;

use regex::Regex;

use crate::event::meta::{Remark, RemarkKind};

/// Stands for a replacement in the text that patterns search.
const HOLE: &str = "\0";

/// A piece of a text.
#[derive(Clone, Debug)]
struct Chunk<'a> {
    text: Cow<'a, str>,
    /// The rule that wrote it; `None` for what the client wrote.
    by: Option<(Cow<'a, str>, RemarkKind)>,
}

/// What a rule does to a piece of text.
pub(super) struct Edit<'e> {
    /// The rule's name in `_meta`.
    pub(super) rule: &'e str,
    /// What `_meta` calls it.
    pub(super) kind: RemarkKind,
    /// The new text for an old one.
    pub(super) write: &'e dyn Fn(&str) -> String,
}

impl Edit<'_> {
    fn chunk<'a>(&self, old: &str) -> Chunk<'a> {
        Chunk { text: (self.write)(old).into(), by: Some((self.rule.to_owned().into(), self.kind)) }
    }
}

/// A text in pieces.
#[derive(Clone, Debug)]
pub(super) struct Chunks<'a> {
    chunks: Vec<Chunk<'a>>,
}

impl<'a> Chunks<'a> {
    /// Cuts a text where earlier remarks say that it was rewritten. Remarks that overlap or lie outside are ignored.
    pub(super) fn new(text: &'a str, remarks: &'a [Remark]) -> Self {
        let mut chunks = Vec::new();
        let (mut rest, mut at) = (text, 0);
        for remark in remarks {
            let Some((start, end)) = remark.range else { continue };
            if start < at {
                continue;
            }
            let (before, from) = split_near(rest, start - at);
            let (written, after) = split_near(from, end.saturating_sub(start));
            if !before.is_empty() {
                chunks.push(Chunk { text: before.into(), by: None });
            }
            chunks.push(Chunk { text: written.into(), by: Some((remark.rule.as_str().into(), remark.kind)) });
            (rest, at) = (after, end.max(start));
        }
        if !rest.is_empty() {
            chunks.push(Chunk { text: rest.into(), by: None });
        }
        Self { chunks }
    }

    /// Whether anything is left that the client wrote.
    pub(super) fn has_original(&self) -> bool {
        self.chunks.iter().any(|chunk| chunk.by.is_none())
    }

    /// The text that patterns search, and for each chunk where it ends in it.
    fn searched(&self) -> (String, Vec<usize>) {
        let mut text = String::new();
        let ends = self.chunks.iter().map(|chunk| {
            text.push_str(if chunk.by.is_none() { &chunk.text } else { HOLE });
            text.len()
        });
        let ends = ends.collect();
        (text, ends)
    }

    /// Replaces what `pattern` finds by what `write` makes of it.
    pub(super) fn replace(&mut self, pattern: &Regex, group: usize, edit: &Edit<'_>) {
        if !self.has_original() {
            return;
        }
        let (text, ends) = self.searched();
        let found = pattern.captures_iter(&text).filter_map(|captures| captures.get(group));
        let found: Vec<_> = found.map(|part| part.range()).filter(|range| !range.is_empty()).collect();
        if found.is_empty() {
            return;
        }
        let mut new = Vec::with_capacity(self.chunks.len() + 2 * found.len());
        let mut at = 0;
        for range in found {
            self.keep(&ends, at..range.start, &mut new);
            new.push(edit.chunk(&text[range.clone()].replace(HOLE, "")));
            at = range.end;
        }
        self.keep(&ends, at..text.len(), &mut new);
        self.change(new);
    }

    /// Takes new chunks, unless they say the same as the old ones: then what the old ones tell of earlier rules stays.
    fn change(&mut self, new: Vec<Chunk<'a>>) {
        let bytes = |chunks: &[Chunk<'a>]| chunks.iter().map(|chunk| chunk.text.len()).sum::<usize>();
        let same = bytes(&new) == bytes(&self.chunks) && {
            let text = |chunks: &[Chunk<'a>]| chunks.iter().map(|chunk| &*chunk.text).collect::<String>();
            text(&new) == text(&self.chunks)
        };
        if !same {
            self.chunks = new;
        }
    }

    /// Replaces the whole text, unless rules wrote all of it already.
    pub(super) fn replace_all(&mut self, edit: &Edit<'_>) {
        if self.has_original() {
            let original: String = self.chunks.iter().filter(|chunk| chunk.by.is_none()).map(|chunk| &*chunk.text).collect();
            self.change(vec![edit.chunk(&original)]);
        }
    }

    /// Whether the words of a rule stand in what the client wrote.
    pub(super) fn is_match(&self, pattern: &Regex) -> bool {
        match self.chunks.as_slice() {
            [Chunk { text, by: None }] => pattern.is_match(text),
            _ => self.has_original() && pattern.is_match(&self.searched().0),
        }
    }

    /// Carries the chunks of a range of the searched text over.
    fn keep(&self, ends: &[usize], range: Range<usize>, into: &mut Vec<Chunk<'a>>) {
        let mut index = ends.partition_point(|end| *end <= range.start);
        while index < self.chunks.len() {
            let start = if index == 0 { 0 } else { ends[index - 1] };
            if start >= range.end {
                break;
            }
            let chunk = &self.chunks[index];
            if chunk.by.is_some() {
                into.push(chunk.clone());
            } else {
                let (from, to) = (range.start.max(start) - start, range.end.min(ends[index]) - start);
                let text = match &chunk.text {
                    Cow::Borrowed(text) => Cow::Borrowed(&text[from..to]),
                    Cow::Owned(text) => Cow::Owned(text[from..to].to_owned()),
                };
                into.push(Chunk { text, by: None });
            }
            index += 1;
        }
    }

    /// The new text and its remarks.
    pub(super) fn finish(self) -> (String, Vec<Remark>) {
        let (mut text, mut remarks, mut at) = (String::new(), Vec::new(), 0);
        for chunk in self.chunks {
            let end = at + chunk.text.len();
            text.push_str(&chunk.text);
            if let Some((rule, kind)) = chunk.by {
                remarks.push(Remark { rule: rule.into_owned(), kind, range: Some((at, end)) });
            }
            at = end;
        }
        (text, remarks)
    }
}

/// Splits at a byte, or at the last character boundary before it.
fn split_near(text: &str, at: usize) -> (&str, &str) {
    text.split_at(text.floor_char_boundary(at))
}
