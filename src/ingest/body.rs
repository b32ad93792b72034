//! # Bodies: from what arrived to what is kept of it
//!
//! **Promise.** A body costs some hundred KiB of memory beside what is kept of it, however large it is and becomes; the work of decoding a large one is not done on a
//! thread that serves other requests.
//!
//! **How.** Nearly all bodies are small: they are decoded and framed at once. What is larger on the wire, or becomes larger, is read, once it is whole
//! ([`super::wire`]), piece by piece on a thread of the blocking pool, which decodes, frames and spools.
//!
//! Before more than its beginning is taken its sender must be known: where the credentials are inside, the first line is read for them, so that
//! nobody without a key takes up memory, disk or threads.
//!
//! **Not here.** The network ([`super::wire`]); which items are kept ([`super::collect`]).

use std::io::{self, Read};
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::Ingest;
use super::answer::Stop;
use super::collect::{Collector, Spill};
use super::handler::Arrival;
use super::wire::{Begun, Wire};
use crate::event::json;
use crate::projects::KeyInfo;
use crate::protocol::Refusal;
use crate::protocol::auth::Credentials;
use crate::protocol::encoding::{Codings, DecodeError, decode};
use crate::protocol::envelope::EnvelopeHeader;
use crate::protocol::framer::{FirstLine, Framer, Peeked};

/// They are decoded at once as far as they become no more than this (and than an envelope may be): a large event, and something beside it.
const SMALL_DECODED: u64 = 1280 * 1024;
/// What a large body is decoded by.
const PIECE: usize = 64 * 1024;

/// Where an envelope says who sends it.
#[derive(Clone, Copy)]
pub(super) enum Signed<'a> {
    /// In credentials outside.
    Outside,
    /// In its first line.
    Inside(&'a Arrival),
}

/// The key that an envelope names inside, and what it names it with.
pub(super) type Signature = (Arc<KeyInfo>, Credentials);

/// JSON that has to be an object.
pub(super) fn object(json: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match json::parse(json) {
        Ok((Value::Object(object), _)) => Ok(object),
        Ok(_) => Err(Refusal::InvalidJson("expected an object".to_owned())),
        Err(error) => Err(Refusal::InvalidJson(error.to_string())),
    }
}

impl Ingest {
    /// Reads a body as an envelope; with the signature inside, where that was looked at already.
    pub(super) async fn read_envelope(
        &self,
        body: Body,
        codings: Codings,
        signed: Signed<'_>,
    ) -> Result<(Collector, Option<Signature>), Stop> {
        let begun = Begun::read(body).await.map_err(Refusal::from)?;
        let mut signature = None;
        if let (start, true) = begun.start() {
            match self.signature(start, &codings, signed).await {
                Ok(found) => signature = found,
                Err(stop) => {
                    begun.drain().await;
                    return Err(stop);
                }
            }
        }
        let cap = self.settings.limits.envelope;
        let wire = self.arrive_whole(begun, codings.wire_cap(cap)).await?;
        if let Wire::Memory(bytes, _) = &wire {
            match decode(&codings, bytes, SMALL_DECODED.min(cap)) {
                Ok(decoded) => return Ok((self.frame_small(&decoded).await?, signature)),
                Err(DecodeError::TooLarge) if signature.is_none() => signature = self.signature(bytes, &codings, signed).await?,
                Err(DecodeError::TooLarge) => {}
                Err(error) => return Err(Refusal::from(error).into()),
            }
        }
        let mut framer = Framer::new(self.max_line());
        let work = move |body: &mut dyn Read, mut collector| {
            each_piece(body, |piece| framer.feed(piece, &mut collector))?;
            framer.finish(&mut collector)?;
            Ok(collector)
        };
        Ok((self.collect_on_thread(wire, codings, work).await?, signature))
    }

    /// What the first line says of the sender, unless that is said outside.
    async fn signature(&self, start: &[u8], codings: &Codings, signed: Signed<'_>) -> Result<Option<Signature>, Stop> {
        let Signed::Inside(arrival) = signed else { return Ok(None) };
        let header = first_line(start, codings, self.max_line())?;
        self.key_inside(arrival, header.dsn.as_deref()).await.map(Some)
    }

    async fn frame_small(&self, decoded: &[u8]) -> Result<Collector, Stop> {
        let mut collector = Collector::new(&self.settings, None);
        let mut framer = Framer::new(self.max_line());
        framer.feed(decoded, &mut collector)?;
        framer.finish(&mut collector)?;
        collector.spool_rest(&self.seams.journal).await?;
        Ok(collector)
    }

    /// A body of at most `cap` decoded bytes, in memory.
    pub(super) async fn read_all(&self, body: Body, codings: Codings, cap: u64) -> Result<Bytes, Stop> {
        match self.arrive(body, codings.wire_cap(cap)).await? {
            Wire::Memory(bytes, _) if codings.is_plain() => Ok(bytes),
            Wire::Memory(bytes, _) => Ok(decode(&codings, &bytes, cap).map_err(Refusal::from)?.into()),
            wire @ Wire::Disk(..) => self.on_thread(wire, codings, cap, |body| whole(body).map(Bytes::from)).await,
        }
    }

    /// Reads a body of at most `cap` decoded bytes and works on it, in memory, on a thread that may block.
    pub(super) async fn read_whole<T: Send + 'static>(
        &self,
        body: Body,
        codings: Codings,
        cap: u64,
        work: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Result<T, Stop> {
        let wire = self.arrive(body, codings.wire_cap(cap)).await?;
        self.on_thread(wire, codings, cap, move |body| Ok(work(&whole(body)?))).await
    }

    /// Reads a body and sorts it by `work` on a thread that may block.
    pub(super) async fn read_on_thread<T: Send + 'static>(
        &self,
        body: Body,
        codings: Codings,
        work: impl FnOnce(&mut dyn Read, Collector) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let wire = self.arrive(body, codings.wire_cap(self.settings.limits.envelope)).await?;
        self.collect_on_thread(wire, codings, work).await
    }

    async fn collect_on_thread<T: Send + 'static>(
        &self,
        wire: Wire,
        codings: Codings,
        work: impl FnOnce(&mut dyn Read, Collector) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let spill = Spill { journal: Arc::clone(&self.seams.journal), runtime: Handle::current() };
        let collector = Collector::new(&self.settings, Some(spill));
        self.on_thread(wire, codings, self.settings.limits.envelope, move |body| work(body, collector)).await
    }

    /// Works on a body that has arrived. Few at a time: each takes a processor, and buffers.
    async fn on_thread<T: Send + 'static>(
        &self,
        wire: Wire,
        codings: Codings,
        cap: u64,
        work: impl FnOnce(&mut dyn Read) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        // Closing the semaphore is not among the things that happen.
        let _permit = self.large_bodies.acquire().await.map_err(|_| Refusal::Unavailable)?;
        let work = move || {
            let mut body = wire.reader().and_then(|input| codings.reader(input, cap)).map_err(|error| broken(&error))?;
            work(&mut body)
        };
        spawn_blocking(work).await.unwrap_or_else(|_| Err(Refusal::Unavailable.into()))
    }

    fn max_line(&self) -> usize {
        usize::try_from(self.settings.limits.header_line).unwrap_or(usize::MAX)
    }
}

fn broken(error: &io::Error) -> Refusal {
    DecodeError::of(error).into()
}

fn whole(body: &mut dyn Read) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    Ok(bytes)
}

/// The first line of an envelope of which the beginning is here; a line that goes on beyond it names nobody.
fn first_line(start: &[u8], codings: &Codings, max_line: usize) -> Result<EnvelopeHeader, Refusal> {
    let mut reader = codings.reader(start, u64::MAX).map_err(|error| broken(&error))?;
    let (mut framer, mut buffer) = (Framer::new(max_line), [0; 4096]);
    loop {
        let read = reader.read(&mut buffer).map_err(|error| broken(&error))?;
        match framer.feed(&buffer[..read], &mut FirstLine) {
            Err(Peeked::Header(header)) => return Ok(*header),
            Err(Peeked::Broken(error)) => return Err(error.into()),
            Ok(()) if read == 0 => return Err(Refusal::MissingAuth),
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
            Err(error) => return Err(broken(&error).into()),
        }
    }
}
