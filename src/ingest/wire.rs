//! # From the network: into memory, or onto disk
//!
//! **Promise.** A body that comes slowly holds up nobody: no thread and no place in a queue waits for it. All bodies that are under way take
//! [`MEMORY`] between them, and beside that [`START`] each.
//!
//! **How.** Of every body the beginning is read; who sends more than that has to be known ([`super::body`] asks). More goes into memory while it is
//! small and there is some left, else into a spool file of the journal, whose bounds in bytes and disk hold for it; half of them is for bodies
//! on their way. What is whole is decoded afterwards.
//!
//! **When it breaks.** A connection that ends early, is silent for [`SILENCE`], brings less than [`TRICKLE`] of a large body in as long, or takes
//! longer than [`PATIENCE`] is a broken body: nothing of it counts, and its file goes. A full journal is answered as ever.
//!
//! **Not here.** Decoding.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::Ingest;
use super::answer::Stop;
use crate::platform::journal::{AppendError, SpoolWriter, Spooled};
use crate::protocol::Refusal;
use crate::protocol::encoding::DecodeError;

/// What is read of a body whose sender may be nobody. First lines of envelopes have some hundred bytes.
const START: usize = 16 * 1024;
/// Bodies up to this size stay in memory while there is room.
const SMALL: usize = 256 * 1024;
/// Memory of all bodies beyond their starts, in bytes; with none left they go to disk.
const MEMORY: usize = 48 << 20;
/// Memory is given out in pieces of so many bytes.
const SHARE: usize = 16 * 1024;
/// So is disk.
const DISK_SHARE: usize = 1 << 20;
/// What a body is told that finds none left.
const RETRY: Duration = Duration::from_secs(10);
/// What is gathered before it goes to disk.
const GATHERED: usize = 256 * 1024;
/// How long a client may send nothing in the middle of a body.
const SILENCE: Duration = Duration::from_secs(30);
/// What a large body has to bring in each [`SILENCE`]: 35 kbit/s.
const TRICKLE: usize = 128 * 1024;
/// How long a whole body may take: the largest one in this time is 1.4 Mbit/s.
const PATIENCE: Duration = Duration::from_mins(10);
/// What of a refused body is still read, and how long, so that the client reads the answer instead of a broken connection.
const DRAIN: usize = 64 << 20;
const DRAIN_PATIENCE: Duration = Duration::from_secs(1);

/// Room that bodies share, given out in pieces of one size.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pieces: Arc<Semaphore>,
    /// Bytes of a piece.
    size: usize,
}

/// What a body holds of it.
type Held = Option<OwnedSemaphorePermit>;

impl Room {
    /// The memory of all bodies.
    pub(super) fn memory() -> Self {
        Self { pieces: Arc::new(Semaphore::new(MEMORY / SHARE)), size: SHARE }
    }

    /// Half of a journal of so many bytes: bodies that are on their way leave the other half to those that have arrived.
    pub(super) fn on_disk(journal: u64) -> Self {
        let pieces = usize::try_from(journal / 2).unwrap_or(usize::MAX) / DISK_SHARE;
        Self { pieces: Arc::new(Semaphore::new(pieces.clamp(1, Semaphore::MAX_PERMITS))), size: DISK_SHARE }
    }

    /// Takes pieces until `held` is room for `bytes`; whether there were enough.
    fn hold(&self, held: &mut Held, bytes: usize) -> bool {
        while held.as_ref().map_or(0, |held| held.num_permits() * self.size) < bytes {
            let Ok(more) = Arc::clone(&self.pieces).try_acquire_owned() else { return false };
            match held {
                Some(held) => held.merge(more),
                None => *held = Some(more),
            }
        }
        true
    }

    /// Takes all that is left, for tests.
    #[cfg(test)]
    pub(super) fn take_all(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.pieces).try_acquire_many_owned(self.left() as u32).unwrap()
    }

    /// Pieces that nobody holds, for tests.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.pieces.available_permits()
    }
}

/// A body of which the beginning is here.
pub(super) struct Begun {
    start: Bytes,
    rest: Option<BodyDataStream>,
}

/// A body that has arrived, as it was sent.
#[expect(dead_code, reason = "the guards of memory and file are held, not looked at")]
pub(super) enum Wire {
    /// A small one, with the memory that it holds.
    Memory(Bytes, Held),
    /// A large one, in a file that goes with it, and the disk that it holds.
    Disk(Spooled, PathBuf, Held),
}

impl Wire {
    /// The body as a reader that may block.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(match self {
            Self::Memory(bytes, _) => Box::new(bytes.clone().reader()),
            Self::Disk(_, path, _) => Box::new(File::open(path)?),
        })
    }
}

/// The next bytes of a body; `None` at its end.
async fn next_piece(stream: &mut BodyDataStream) -> Result<Option<Bytes>, DecodeError> {
    match timeout(SILENCE, stream.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(_))) | Err(_) => Err(DecodeError::Broken),
    }
}

impl Begun {
    /// Reads the beginning, or all there is.
    pub(super) async fn read(body: Body) -> Result<Self, DecodeError> {
        let mut stream = body.into_data_stream();
        let read = async {
            let mut start = BytesMut::new();
            while start.len() <= START {
                match stream.next().await {
                    Some(Ok(piece)) if start.is_empty() => start = piece.into(),
                    Some(Ok(piece)) => start.extend_from_slice(&piece),
                    Some(Err(_)) => return Err(DecodeError::Broken),
                    None => return Ok((start.freeze(), true)),
                }
            }
            Ok((start.freeze(), false))
        };
        let (start, is_whole) = timeout(SILENCE, read).await.unwrap_or(Err(DecodeError::Broken))?;
        Ok(Self { start, rest: Some(stream).filter(|_| !is_whole) })
    }

    /// The beginning, and whether there is more.
    pub(super) fn start(&self) -> (&Bytes, bool) {
        (&self.start, self.rest.is_some())
    }

    /// Reads and forgets what else arrives at once.
    pub(super) async fn drain(self) {
        if let Some(rest) = self.rest {
            drain_rest(rest).await;
        }
    }
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
    let _ = timeout(DRAIN_PATIENCE, read).await;
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
    timeout(PATIENCE, read).await.unwrap_or(Err(Refusal::BrokenBody))
}

/// Where a body goes while it comes.
enum Place {
    Memory(BytesMut, Held),
    /// The file, and what has not gone there yet.
    Disk(SpoolWriter, BytesMut, Held),
}

impl Ingest {
    /// Reads a body to its end, at most `cap` bytes of it.
    pub(super) async fn arrive(&self, body: Body, cap: u64) -> Result<Wire, Stop> {
        let begun = Begun::read(body).await.map_err(Refusal::from)?;
        self.arrive_whole(begun, cap).await
    }

    /// Reads the rest of a body.
    pub(super) async fn arrive_whole(&self, Begun { start, rest }: Begun, cap: u64) -> Result<Wire, Stop> {
        let too_large = |length: u64| length > cap;
        let Some(mut stream) = rest else {
            return if too_large(start.len() as u64) { Err(Refusal::TooLarge(None).into()) } else { Ok(Wire::Memory(start, None)) };
        };
        let read = async {
            let mut length = start.len() as u64;
            let mut place = Place::Memory(start.into(), None);
            let mut pace = Pace::new();
            while !too_large(length) {
                let Some(piece) = next_piece(&mut stream).await.map_err(Refusal::from)? else { return Ok(Some(place)) };
                length += piece.len() as u64;
                if length > SMALL as u64 && !pace.keeps_with(piece.len()) {
                    return Err(Refusal::BrokenBody.into());
                }
                place = self.put(place, piece).await?;
            }
            Ok::<_, Stop>(None)
        };
        match timeout(PATIENCE, read).await.unwrap_or(Err(Refusal::BrokenBody.into()))? {
            Some(Place::Memory(bytes, held)) => Ok(Wire::Memory(bytes.freeze(), held)),
            Some(Place::Disk(mut file, bytes, held)) => {
                file.write(bytes.freeze()).await?;
                let spooled = file.close();
                let path = self.seams.journal.spool_path(spooled.id());
                Ok(Wire::Disk(spooled, path, held))
            }
            None => {
                drain_rest(stream).await;
                Err(Refusal::TooLarge(None).into())
            }
        }
    }

    async fn put(&self, place: Place, piece: Bytes) -> Result<Place, Stop> {
        let (mut file, mut gathered, mut held) = match place {
            Place::Memory(mut bytes, mut held) => {
                let length = bytes.len() + piece.len();
                if length <= SMALL && self.memory.hold(&mut held, length.saturating_sub(START)) {
                    bytes.extend_from_slice(&piece);
                    return Ok(Place::Memory(bytes, held));
                }
                (self.seams.journal.spool().await?, bytes, None)
            }
            Place::Disk(file, gathered, held) => (file, gathered, held),
        };
        gathered.extend_from_slice(&piece);
        let written = usize::try_from(file.written()).unwrap_or(usize::MAX);
        if !self.disk.hold(&mut held, written.saturating_add(gathered.len())) {
            return Err(AppendError::Full { retry_after: RETRY }.into());
        }
        if gathered.len() >= GATHERED {
            file.write(gathered.split().freeze()).await?;
        }
        Ok(Place::Disk(file, gathered, held))
    }
}

/// What a large body has to bring.
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
