//! # Framer: an envelope that arrives in pieces
//!
//! **Promise.** The same reading as [`super::envelope`], for bodies too large to hold: only header lines are buffered, payload bytes go to the
//! [`Sink`] as they come. How the body was cut into pieces makes no difference.
//!
//! **How.** A state machine over [`Framer::feed`] and [`Framer::finish`].
//!
//! **When it breaks.** The first error ends it; what the sink got until then must be thrown away by its owner, for an envelope that cannot
//! be framed counts as nothing.
//!
//! **Not here.** Where payloads go (memory, spool: `ingest`).

use super::envelope::{BOM, EnvelopeHeader, FramingError, ItemHeader, is_blank, read_envelope_header, read_item_header};

/// Takes what the framer finds. An error of its own stops the framer.
pub trait Sink {
    /// Why the sink does not want more.
    type Error: From<FramingError>;
    /// The first line.
    fn header(&mut self, header: EnvelopeHeader) -> Result<(), Self::Error>;
    /// A new item begins.
    fn begin(&mut self, header: ItemHeader) -> Result<(), Self::Error>;
    /// More of its payload; never empty.
    fn payload(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
    /// The item is whole.
    fn end(&mut self) -> Result<(), Self::Error>;
}

/// A sink that wants the first line and nothing else: it stops there.
#[derive(Debug)]
pub struct FirstLine;

/// Why a framer stopped that filled a [`FirstLine`].
#[derive(Debug)]
pub enum Peeked {
    /// There it is.
    Header(Box<EnvelopeHeader>),
    /// There is none.
    Broken(FramingError),
}

impl From<FramingError> for Peeked {
    fn from(error: FramingError) -> Self {
        Self::Broken(error)
    }
}

impl Sink for FirstLine {
    type Error = Peeked;

    fn header(&mut self, header: EnvelopeHeader) -> Result<(), Peeked> {
        Err(Peeked::Header(Box::new(header)))
    }

    fn begin(&mut self, _: ItemHeader) -> Result<(), Peeked> {
        Ok(())
    }

    fn payload(&mut self, _: &[u8]) -> Result<(), Peeked> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), Peeked> {
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first line, with this many bytes of a byte order mark seen.
    Start(usize),
    /// In the first line.
    EnvelopeHeader,
    /// Before an item header.
    Between,
    /// In an item header.
    ItemHeader,
    /// In a payload of which this much is missing.
    Counted(u64),
    /// After a payload with a length: its line feed or the end is due; whether a carriage return was seen.
    After(bool),
    /// In a payload that ends at a line feed.
    Line,
}

/// The state machine.
#[derive(Debug)]
pub struct Framer {
    state: State,
    line: Vec<u8>,
    max_line: usize,
}

impl Framer {
    /// A framer that takes header lines up to this many bytes.
    pub const fn new(max_line: usize) -> Self {
        Self { state: State::Start(0), line: Vec::new(), max_line }
    }

    /// The next piece.
    pub fn feed<S: Sink>(&mut self, mut piece: &[u8], sink: &mut S) -> Result<(), S::Error> {
        while !piece.is_empty() {
            piece = match self.state {
                State::Start(seen) => self.skip_mark(seen, piece),
                State::Between => self.skip_blanks(State::ItemHeader, piece),
                State::EnvelopeHeader | State::ItemHeader => self.collect_line(piece, sink)?,
                State::Counted(missing) => self.counted(missing, piece, sink)?,
                State::After(seen_return) => self.after(seen_return, piece)?,
                State::Line => self.until_line_feed(piece, sink)?,
            };
        }
        Ok(())
    }

    /// There are no more pieces.
    pub fn finish<S: Sink>(mut self, sink: &mut S) -> Result<(), S::Error> {
        match self.state {
            State::Start(0) => Err(FramingError::Empty.into()),
            // The beginning of a byte order mark and nothing more.
            State::Start(seen) if seen < BOM.len() => Err(FramingError::EnvelopeHeader.into()),
            State::Start(_) => Err(FramingError::Empty.into()),
            State::EnvelopeHeader => self.line_done(sink),
            State::Between | State::After(false) => Ok(()),
            State::After(true) => Err(FramingError::MissingNewline.into()),
            State::ItemHeader => {
                self.line_done(sink)?;
                match self.state {
                    State::Counted(_) => Err(FramingError::UnexpectedEof.into()),
                    State::Line => sink.end(),
                    _ => Ok(()),
                }
            }
            State::Counted(_) => Err(FramingError::UnexpectedEof.into()),
            State::Line => sink.end(),
        }
    }

    /// Skips a byte order mark, then blanks, before the first line.
    fn skip_mark<'p>(&mut self, seen: usize, piece: &'p [u8]) -> &'p [u8] {
        if seen < BOM.len() {
            if piece[0] == BOM[seen] {
                self.state = State::Start(seen + 1);
                return &piece[1..];
            }
            // No mark: what looked like its beginning belongs to the line, and makes it invalid.
            self.line.extend_from_slice(&BOM[..seen]);
            if seen > 0 {
                self.state = State::EnvelopeHeader;
                return piece;
            }
        }
        let rest = self.skip_blanks(State::EnvelopeHeader, piece);
        if self.state != State::EnvelopeHeader && seen == 0 {
            // After a blank there can be no mark.
            self.state = State::Start(BOM.len());
        }
        rest
    }

    fn skip_blanks<'p>(&mut self, then: State, piece: &'p [u8]) -> &'p [u8] {
        let blanks = piece.iter().take_while(|byte| is_blank(**byte)).count();
        if blanks < piece.len() {
            self.state = then;
        }
        &piece[blanks..]
    }

    fn collect_line<'p, S: Sink>(&mut self, piece: &'p [u8], sink: &mut S) -> Result<&'p [u8], S::Error> {
        let end = memchr::memchr(b'\n', piece);
        let part = &piece[..end.unwrap_or(piece.len())];
        if self.line.len() + part.len() > self.max_line {
            return Err(FramingError::HeaderTooLong.into());
        }
        self.line.extend_from_slice(part);
        match end {
            Some(at) => {
                self.line_done(sink)?;
                Ok(&piece[at + 1..])
            }
            None => Ok(&[]),
        }
    }

    fn line_done<S: Sink>(&mut self, sink: &mut S) -> Result<(), S::Error> {
        let line = std::mem::take(&mut self.line);
        if self.state == State::EnvelopeHeader {
            self.state = State::Between;
            return sink.header(read_envelope_header(&line)?);
        }
        let header = read_item_header(&line)?;
        let length = header.length;
        sink.begin(header)?;
        self.state = match length {
            Some(0) => {
                sink.end()?;
                State::After(false)
            }
            Some(length) => State::Counted(length),
            None => State::Line,
        };
        Ok(())
    }

    fn counted<'p, S: Sink>(&mut self, missing: u64, piece: &'p [u8], sink: &mut S) -> Result<&'p [u8], S::Error> {
        let here = usize::try_from(missing).unwrap_or(usize::MAX).min(piece.len());
        sink.payload(&piece[..here])?;
        let missing = missing - here as u64;
        self.state = if missing == 0 {
            sink.end()?;
            State::After(false)
        } else {
            State::Counted(missing)
        };
        Ok(&piece[here..])
    }

    fn after<'p>(&mut self, seen_return: bool, piece: &'p [u8]) -> Result<&'p [u8], FramingError> {
        self.state = match (piece[0], seen_return) {
            (b'\n', _) => State::Between,
            (b'\r', false) => State::After(true),
            _ => return Err(FramingError::MissingNewline),
        };
        Ok(&piece[1..])
    }

    fn until_line_feed<'p, S: Sink>(&mut self, piece: &'p [u8], sink: &mut S) -> Result<&'p [u8], S::Error> {
        let end = memchr::memchr(b'\n', piece);
        let part = &piece[..end.unwrap_or(piece.len())];
        if !part.is_empty() {
            sink.payload(part)?;
        }
        match end {
            Some(at) => {
                sink.end()?;
                self.state = State::Between;
                Ok(&piece[at + 1..])
            }
            None => Ok(&[]),
        }
    }
}
