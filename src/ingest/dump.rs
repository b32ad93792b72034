//! # Dumps: unwrapped on their way to the spool
//!
//! **Promise.** A minidump, as it is or wrapped in gzip, xz, bzip2, zstd or (old Electron) in a multipart body of its own, becomes one
//! attachment item, without ever being whole in memory. What has not the mark of a minidump is refused.
//!
//! **How.** The first bytes tell the wrapping; from then on pieces are pushed through a decoder into the collector, which spools. All
//! decoders have bounded memory, and end when the dump grows beyond the limit of attachments.
//!
//! **When it breaks.** [`Refusal::InvalidMinidump`]; a dump that is too large is counted so, and the event is kept without it.
//!
//! **Not here.** Reading the dump; what comes beside it ([`super::minidump`]).

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::answer::Stop;
use super::collect::Collector;
use crate::protocol::envelope::ItemHeader;
use crate::protocol::framer::Sink as _;
use crate::protocol::multipart::{PartHeader, PartSink, Splitter, boundary_of_body};
use crate::protocol::{ItemKind, Refusal};

/// The field of a form that holds the dump.
pub(super) const FIELD: &str = "upload_file_minidump";
const MAGIC: [&[u8]; 2] = [b"MDMP", b"PMDM"];
/// Bytes of a minidump's mark.
pub(super) const MARK: usize = MAGIC[0].len();
/// Memory of an xz decoder: enough for all presets but the highest.
const XZ_MEMORY: u64 = 40 << 20;
/// The window of a zstd decoder as a power of two: that of all levels without `--long` and `--ultra`.
const ZSTD_WINDOW: u32 = 23;
/// First bytes that tell how a dump is wrapped.
const SNIFF: usize = 6;

/// Whether bytes begin as a minidump does, as far as they go.
pub(super) fn is_marked(start: &[u8]) -> bool {
    MAGIC.iter().any(|magic| start.starts_with(magic) || magic.starts_with(start))
}

/// Where a dump goes: the collector, which others use before and after.
pub(super) type Place = Rc<RefCell<Collector>>;

/// Takes a dump in pieces.
pub(super) struct Dump {
    target: Rc<RefCell<Target>>,
    way: Way,
    may_nest: bool,
}

enum Way {
    /// Too few bytes so far to tell.
    Unknown(Vec<u8>),
    Plain,
    Packed(Box<dyn Unpack>),
    Nested(Splitter, Box<Nested>),
    /// The rest is of no interest.
    Ended,
}

/// The unpacked end of the way.
struct Target {
    collector: Place,
    /// The item's header until the item has begun.
    header: Option<ItemHeader>,
    head: Vec<u8>,
    length: u64,
    limit: u64,
    stop: Option<Stop>,
}

impl Target {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.length += bytes.len() as u64;
        if self.header.is_none() {
            return self.collector.borrow_mut().payload(bytes);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() < MARK {
            return Ok(());
        }
        if !is_marked(&self.head) {
            return Err(Refusal::InvalidMinidump.into());
        }
        let mut collector = self.collector.borrow_mut();
        if let Some(header) = self.header.take() {
            collector.begin(header)?;
        }
        collector.payload(&std::mem::take(&mut self.head))
    }
}

/// Writes to a target; an error stops the decoder before it.
struct Out(Rc<RefCell<Target>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut target = self.0.borrow_mut();
        if target.stop.is_some() || target.length > target.limit {
            return Err(io::ErrorKind::Other.into());
        }
        if let Err(stop) = target.push(bytes) {
            target.stop = Some(stop);
            return Err(io::ErrorKind::Other.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A decoder that is written to.
trait Unpack: Write {
    /// Writes out what it still holds; an error where the data ends too early.
    fn finish(&mut self) -> io::Result<()>;
}

impl Unpack for flate2::write::MultiGzDecoder<Out> {
    fn finish(&mut self) -> io::Result<()> {
        self.try_finish()
    }
}

impl Unpack for bzip2::write::BzDecoder<Out> {
    fn finish(&mut self) -> io::Result<()> {
        self.try_finish()
    }
}

impl Unpack for liblzma::write::XzDecoder<Out> {
    fn finish(&mut self) -> io::Result<()> {
        self.try_finish()
    }
}

impl Unpack for zstd::stream::write::Decoder<'static, Out> {
    fn finish(&mut self) -> io::Result<()> {
        self.do_finish()
    }
}

/// A decoder, and the file name's ending that goes with it.
type Unpacker = (Box<dyn Unpack>, &'static str);

/// The decoder for data that begins so; `None` where it is not packed.
fn unpacker(start: &[u8], out: Out) -> io::Result<Option<Unpacker>> {
    Ok(Some(if start.starts_with(b"\x1f\x8b") {
        (Box::new(flate2::write::MultiGzDecoder::new(out)), ".gz")
    } else if start.starts_with(b"BZh") {
        (Box::new(bzip2::write::BzDecoder::new(out)), ".bz2")
    } else if start.starts_with(b"\xfd7zXZ\x00") {
        let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0)?;
        (Box::new(liblzma::write::XzDecoder::new_stream(out, stream)), ".xz")
    } else if start.starts_with(b"\x28\xb5\x2f\xfd") {
        let mut decoder = zstd::stream::raw::Decoder::new()?;
        decoder.set_parameter(zstd::stream::raw::DParameter::WindowLogMax(ZSTD_WINDOW))?;
        (Box::new(zstd::stream::write::Decoder::with_decoder(out, decoder)), ".zst")
    } else {
        return Ok(None);
    }))
}

impl Dump {
    /// A dump with the name of its file, of at most `limit` bytes.
    pub(super) fn new(collector: &Place, filename: Option<String>, limit: u64) -> Self {
        let header = ItemHeader {
            filename: Some(filename.filter(|name| !name.is_empty()).unwrap_or_else(|| FIELD.to_owned())),
            content_type: Some("application/x-dmp".to_owned()),
            attachment_type: Some("event.minidump".to_owned()),
            ..ItemHeader::of(ItemKind::Attachment)
        };
        let target = Target { collector: Rc::clone(collector), header: Some(header), head: Vec::new(), length: 0, limit, stop: None };
        Self { target: Rc::new(RefCell::new(target)), way: Way::Unknown(Vec::new()), may_nest: true }
    }

    /// Takes more of it.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match &mut self.way {
            Way::Ended => Ok(()),
            Way::Plain => self.target.borrow_mut().push(bytes),
            Way::Packed(decoder) => {
                let written = decoder.write_all(bytes);
                self.settle(&written)
            }
            Way::Nested(splitter, nested) => splitter.feed(bytes, nested.as_mut()),
            Way::Unknown(start) => {
                start.extend_from_slice(bytes);
                if start.len() < SNIFF { Ok(()) } else { self.choose(false) }
            }
        }
    }

    /// Decides how it is wrapped, and takes what waited for that.
    fn choose(&mut self, is_all: bool) -> Result<(), Stop> {
        let Way::Unknown(start) = &mut self.way else { return Ok(()) };
        let start = std::mem::take(start);
        let boundary = boundary_of_body(&start).filter(|_| self.may_nest);
        self.way = match boundary {
            Some(None) if !is_all => {
                self.way = Way::Unknown(start);
                return Ok(());
            }
            Some(Some(boundary)) => {
                Way::Nested(Splitter::new(&boundary), Box::new(Nested { outer: Rc::clone(&self.target), inner: None, found: false }))
            }
            _ => match unpacker(&start, Out(Rc::clone(&self.target))) {
                Ok(Some((decoder, ending))) => {
                    cut_ending(&mut self.target.borrow_mut(), ending);
                    Way::Packed(decoder)
                }
                Ok(None) => Way::Plain,
                Err(_) => return Err(Refusal::InvalidMinidump.into()),
            },
        };
        self.push(&start)
    }

    /// What a decoder's result means.
    fn settle(&mut self, written: &io::Result<()>) -> Result<(), Stop> {
        if written.is_ok() {
            return Ok(());
        }
        let mut target = self.target.borrow_mut();
        if let Some(stop) = target.stop.take() {
            return Err(stop);
        }
        if target.length <= target.limit {
            return Err(Refusal::InvalidMinidump.into());
        }
        drop(target);
        // The collector knows that it is too large; the rest would only cost time.
        self.way = Way::Ended;
        Ok(())
    }

    /// It is whole.
    pub(super) fn finish(mut self) -> Result<(), Stop> {
        self.choose(true)?;
        match std::mem::replace(&mut self.way, Way::Ended) {
            Way::Packed(mut decoder) => {
                let finished = decoder.finish();
                self.settle(&finished)?;
            }
            Way::Nested(splitter, mut nested) => {
                splitter.finish(nested.as_mut())?;
                return if nested.found { Ok(()) } else { Err(Refusal::MissingMinidump.into()) };
            }
            _ => {}
        }
        let target = self.target.borrow();
        if target.header.is_some() {
            return Err(Refusal::InvalidMinidump.into());
        }
        target.collector.borrow_mut().end()
    }
}

/// Takes the wrapping's ending off the file name.
fn cut_ending(target: &mut Target, ending: &str) {
    let name = target.header.as_mut().and_then(|header| header.filename.as_mut());
    if let Some(name) = name
        && name.len() > ending.len()
        && name.is_char_boundary(name.len() - ending.len())
        && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending)
    {
        name.truncate(name.len() - ending.len());
    }
}

/// A body inside the dump's field: only its dump counts.
struct Nested {
    outer: Rc<RefCell<Target>>,
    inner: Option<Dump>,
    found: bool,
}

impl PartSink for Nested {
    type Error = Stop;

    fn begin(&mut self, header: PartHeader) -> Result<(), Stop> {
        if header.name == FIELD && !self.found {
            self.found = true;
            let outer = self.outer.borrow();
            let mut dump = Dump::new(&outer.collector, header.filename, outer.limit);
            dump.may_nest = false;
            self.inner = Some(dump);
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.inner.as_mut().map_or(Ok(()), |dump| dump.push(bytes))
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.inner.take().map_or(Ok(()), Dump::finish)
    }
}
