//! # Bodies: from the network through decoder and framer
//!
//! **Promise.** A body costs some hundred KiB of memory beside what is kept of it, however large it is and becomes; the work of decoding a large one is not done on a
//! thread that serves other requests.
//!
//! **How.** Nearly all bodies are small: they are read whole, decoded and framed at once. What is larger on the wire, or becomes larger, goes
//! piece by piece to a thread of the blocking pool, which decodes, frames and spools.
//!
//! Before that its sender must be known: where the credentials are inside, the first line is read for them, so that nobody without a key takes
//! up threads.
//!
//! **When it breaks.** A connection that ends early, is silent for [`SILENCE`], brings less than [`TRICKLE`] in as long, or takes longer than
//! [`PATIENCE`] is a broken body: nothing of it counts. A caller that
//! goes away ends the thread's work at its next piece.
//!
//! **Not here.** Which items are kept ([`super::collect`]).

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Buf, Bytes, BytesMut};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::Ingest;
use super::answer::Stop;
use super::collect::{Collector, Spill};
use super::handler::Arrival;
use crate::event::json;
use crate::projects::KeyInfo;
use crate::protocol::Refusal;
use crate::protocol::auth::Credentials;
use crate::protocol::encoding::{Codings, DecodeError, decode};
use crate::protocol::envelope::EnvelopeHeader;
use crate::protocol::framer::{FirstLine, Framer, Peeked};

/// Bodies up to this size on the wire are read whole.
const SMALL_WIRE: usize = 256 * 1024;
/// They are decoded at once as far as they become no more than this: the largest event, and something beside it.
const SMALL_DECODED: u64 = 1280 * 1024;
/// What a large body is decoded by.
const PIECE: usize = 64 * 1024;
/// Pieces between the network and the thread.
const QUEUE: usize = 4;
/// How long a client may send nothing in the middle of a body.
const SILENCE: Duration = Duration::from_secs(30);
/// What a large body has to bring in each [`SILENCE`]: it holds one of few threads. 35 kbit/s.
const TRICKLE: usize = 128 * 1024;
/// How long a whole body may take: the largest one in this time is 1.4 Mbit/s. Without an end, a few trickling clients would hold all threads.
const PATIENCE: Duration = Duration::from_mins(10);
/// What of a refused body is still read, and how long, so that the client reads the answer instead of a broken connection.
const DRAIN: usize = 1024 * 1024;
const DRAIN_PATIENCE: Duration = Duration::from_millis(300);

/// Where an envelope says who sends it.
pub(super) enum Signed<'a> {
    /// In credentials outside.
    Outside,
    /// In its first line.
    Inside(&'a Arrival),
}

/// The key that an envelope names inside, and what it names it with.
pub(super) type Signature = (Arc<KeyInfo>, Credentials);

enum Piece {
    Data(Bytes),
    End,
}

/// The next bytes of a body; `None` at its end.
async fn next_piece(stream: &mut BodyDataStream) -> Result<Option<Bytes>, DecodeError> {
    match tokio::time::timeout(SILENCE, stream.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(_))) | Err(_) => Err(DecodeError::Broken),
    }
}

/// Reads up to about `max` bytes; the rest of the stream, if there is more.
async fn read_start(body: Body, max: usize) -> Result<(Bytes, Option<BodyDataStream>), DecodeError> {
    let mut stream = body.into_data_stream();
    let Some(first) = next_piece(&mut stream).await? else { return Ok((Bytes::new(), None)) };
    let mut start = BytesMut::from(first);
    while start.len() <= max {
        match next_piece(&mut stream).await? {
            Some(piece) => start.extend_from_slice(&piece),
            None => return Ok((start.freeze(), None)),
        }
    }
    Ok((start.freeze(), Some(stream)))
}

/// Reads and forgets what arrives at once of a body that is refused. One that does not come, or does not end, is not waited for.
pub(super) async fn drain(body: Body) {
    drain_rest(body.into_data_stream()).await;
}

async fn drain_rest(mut stream: BodyDataStream) {
    let read = async move {
        let mut left = DRAIN;
        while let Some(Ok(piece)) = stream.next().await {
            match left.checked_sub(piece.len()) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // Whether it ended or not: the answer goes out now.
    let _ = tokio::time::timeout(DRAIN_PATIENCE, read).await;
}

/// Reads and forgets a body of at most `cap` bytes; its size.
pub(super) async fn discard(body: Body, cap: u64) -> Result<u64, Refusal> {
    let mut stream = body.into_data_stream();
    let read = async {
        let mut length = 0;
        while let Some(piece) = next_piece(&mut stream).await? {
            length += piece.len() as u64;
            if length > cap {
                return Err(Refusal::TooLarge(None));
            }
        }
        Ok(length)
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or(Err(Refusal::BrokenBody))
}

/// A large body that began so, of at most `cap` bytes.
async fn read_rest(start: Bytes, mut stream: BodyDataStream, cap: u64) -> Result<Bytes, Refusal> {
    let (mut whole, mut pace) = (BytesMut::from(start), Pace::new());
    while whole.len() as u64 <= cap {
        match next_piece(&mut stream).await? {
            None => return Ok(whole.freeze()),
            Some(piece) if pace.keeps_with(piece.len()) => whole.extend_from_slice(&piece),
            Some(_) => return Err(Refusal::BrokenBody),
        }
    }
    drain_rest(stream).await;
    Err(Refusal::TooLarge(None))
}

/// A body of at most `cap` decoded bytes, in memory.
pub(super) async fn read_all(body: Body, codings: &Codings, cap: u64) -> Result<Bytes, Refusal> {
    let max_wire = usize::try_from(codings.wire_cap(cap)).unwrap_or(usize::MAX);
    let (wire, rest) = tokio::time::timeout(PATIENCE, read_start(body, max_wire)).await.map_err(|_| DecodeError::Broken)??;
    if let Some(rest) = rest {
        drain_rest(rest).await;
        return Err(Refusal::TooLarge(None));
    }
    if codings.is_plain() && wire.len() as u64 <= cap {
        return Ok(wire);
    }
    Ok(decode(codings, &wire, cap)?.into())
}

/// What a large body has to bring while it holds one of few places.
struct Pace {
    since: Instant,
    brought: usize,
}

impl Pace {
    fn new() -> Self {
        Self { since: Instant::now(), brought: 0 }
    }

    /// Whether the body goes on fast enough after this piece.
    fn keeps_with(&mut self, piece: usize) -> bool {
        self.brought += piece;
        if self.since.elapsed() < SILENCE {
            return true;
        }
        let keeps = self.brought >= TRICKLE;
        *self = Self::new();
        keeps
    }
}

/// JSON that has to be an object.
pub(super) fn object(json: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match json::parse(json) {
        Ok((Value::Object(object), _)) => Ok(object),
        Ok(_) => Err(Refusal::InvalidJson("expected an object".to_owned())),
        Err(error) => Err(Refusal::InvalidJson(error.to_string())),
    }
}

impl Ingest {
    /// Reads a body of at most `cap` decoded bytes into memory and works on it on a thread that may block. What is large on the wire, and all that
    /// has to be decoded, takes one of few places: small ones are read before.
    pub(super) async fn read_whole<T: Send + 'static>(
        &self,
        body: Body,
        codings: Codings,
        cap: u64,
        work: impl FnOnce(Bytes) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let read = async {
            let (start, rest) = read_start(body, SMALL_WIRE).await?;
            // Closing the semaphore is not among the things that happen.
            let permit = self.large_bodies.acquire().await.map_err(|_| Refusal::Unavailable)?;
            let wire = match rest {
                Some(rest) => read_rest(start, rest, codings.wire_cap(cap)).await?,
                None => start,
            };
            Ok((wire, permit))
        };
        let (wire, _permit) = tokio::time::timeout(PATIENCE, read).await.unwrap_or(Err(Refusal::BrokenBody))?;
        let work = move || Ok(work(decode(&codings, &wire, cap)?.into()));
        spawn_blocking(work).await.unwrap_or(Err(Refusal::Unavailable))
    }

    /// Reads a body as an envelope; with the signature inside, where that was looked at already.
    pub(super) async fn read_envelope(
        &self,
        body: Body,
        codings: Codings,
        signed: Signed<'_>,
    ) -> Result<(Collector, Option<Signature>), Stop> {
        let read = tokio::time::timeout(PATIENCE, self.read_any(body, codings, signed)).await;
        read.unwrap_or_else(|_| Err(Refusal::BrokenBody.into()))
    }

    async fn read_any(&self, body: Body, codings: Codings, signed: Signed<'_>) -> Result<(Collector, Option<Signature>), Stop> {
        let (wire, rest) = read_start(body, SMALL_WIRE).await.map_err(Refusal::from)?;
        if rest.is_none() {
            match decode(&codings, &wire, SMALL_DECODED) {
                Ok(decoded) => return Ok((self.frame_small(&decoded).await?, None)),
                Err(DecodeError::TooLarge) => {}
                Err(error) => return Err(Refusal::from(error).into()),
            }
        }
        let signature = match signed {
            Signed::Outside => None,
            Signed::Inside(arrival) => {
                let header = first_line(&wire, &codings, self.max_line())?;
                Some(self.key_inside(arrival, header.dsn.as_deref()).await?)
            }
        };
        Ok((self.read_large(wire, rest, codings).await?, signature))
    }

    async fn frame_small(&self, decoded: &[u8]) -> Result<Collector, Stop> {
        let mut collector = Collector::new(&self.settings, None);
        let mut framer = Framer::new(self.max_line());
        framer.feed(decoded, &mut collector)?;
        framer.finish(&mut collector)?;
        collector.spool_rest(&self.seams.journal).await?;
        Ok(collector)
    }

    async fn read_large(&self, start: Bytes, rest: Option<BodyDataStream>, codings: Codings) -> Result<Collector, Stop> {
        let mut framer = Framer::new(self.max_line());
        let work = move |body: &mut dyn Read, mut collector| {
            each_piece(body, |piece| framer.feed(piece, &mut collector))?;
            framer.finish(&mut collector)?;
            Ok(collector)
        };
        self.on_thread((start, rest), codings, work).await
    }

    /// Reads a body by `work` on a thread that may block.
    pub(super) async fn read_on_thread<T: Send + 'static>(
        &self,
        body: Body,
        codings: Codings,
        work: impl FnOnce(&mut dyn Read, Collector) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let read = self.on_thread((Bytes::new(), Some(body.into_data_stream())), codings, work);
        tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| Err(Refusal::BrokenBody.into()))
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        (start, rest): (Bytes, Option<BodyDataStream>),
        codings: Codings,
        work: impl FnOnce(&mut dyn Read, Collector) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        // Closing the semaphore is not among the things that happen.
        let _permit = self.large_bodies.acquire().await.map_err(|_| Refusal::Unavailable)?;
        let (pieces, received) = mpsc::channel(QUEUE);
        let spill = Spill { journal: Arc::clone(&self.seams.journal), runtime: Handle::current() };
        let (collector, cap) = (Collector::new(&self.settings, Some(spill)), self.settings.limits.envelope);
        let work = spawn_blocking(move || {
            let input = PieceReader { pieces: received, piece: Bytes::new(), ended: false };
            let mut body = codings.reader(input, cap).map_err(|error| Refusal::from(DecodeError::of(&error)))?;
            work(&mut body, collector)
        });
        // The thread may end first, when it has seen enough: then nobody takes pieces any more.
        let forward = async move {
            let mut piece = start;
            let mut rest = rest;
            let mut pace = Pace::new();
            while pieces.send(Piece::Data(piece)).await.is_ok() {
                piece = match rest.as_mut() {
                    None => break,
                    Some(stream) => match next_piece(stream).await {
                        Ok(Some(piece)) if pace.keeps_with(piece.len()) => piece,
                        Ok(None) => break,
                        // Without an end mark the reader knows that the body is broken.
                        Ok(Some(_)) | Err(_) => return,
                    },
                };
            }
            if pieces.send(Piece::End).await.is_err()
                && let Some(rest) = rest
            {
                drain_rest(rest).await;
            }
        };
        let (work, ()) = tokio::join!(work, forward);
        work.unwrap_or_else(|_| Err(Refusal::Unavailable.into()))
    }

    fn max_line(&self) -> usize {
        usize::try_from(self.settings.limits.header_line).unwrap_or(usize::MAX)
    }
}

/// The first line of an envelope of which the beginning is here.
fn first_line(start: &[u8], codings: &Codings, max_line: usize) -> Result<EnvelopeHeader, Refusal> {
    let broken = |error: io::Error| Refusal::from(DecodeError::of(&error));
    let mut reader = codings.reader(start, u64::MAX).map_err(broken)?;
    let (mut framer, mut buffer) = (Framer::new(max_line), [0; 4096]);
    loop {
        let read = reader.read(&mut buffer).map_err(broken)?;
        match framer.feed(&buffer[..read], &mut FirstLine) {
            Err(Peeked::Header(header)) => return Ok(*header),
            Err(Peeked::Broken(error)) => return Err(error.into()),
            Ok(()) if read == 0 => return Err(Refusal::BrokenBody),
            Ok(()) => {}
        }
    }
}

/// Gives a decoded body to `take`, piece by piece.
pub(super) fn each_piece<E>(body: &mut dyn Read, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), Stop>
where
    Stop: From<E>,
{
    let mut buffer = vec![0; PIECE];
    loop {
        match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => take(&buffer[..read])?,
            Err(error) => return Err(Refusal::from(DecodeError::of(&error)).into()),
        }
    }
}

/// The pieces of a body as a reader.
struct PieceReader {
    pieces: mpsc::Receiver<Piece>,
    piece: Bytes,
    ended: bool,
}

impl Read for PieceReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            if self.ended {
                return Ok(0);
            }
            match self.pieces.blocking_recv() {
                Some(Piece::Data(piece)) => self.piece = piece,
                Some(Piece::End) => self.ended = true,
                None => return Err(DecodeError::Broken.into()),
            }
        }
        let length = buf.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buf[..length]);
        Ok(length)
    }
}
