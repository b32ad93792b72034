//! # `/api/{project}/minidump/`: crashes of native programs
//!
//! **Promise.** An upload of Crashpad, Breakpad or Sentry's own handler is one event with the dump, and whatever files come beside it, as
//! attachments; the answer is the event's id as text. Never 429, which crash reporters take for a failure.
//!
//! **How.** The body is read on a thread that may block, split in pieces, and each part goes where it belongs: the dump and other files to the
//! collector, which spools, fields and the handler's files to a [`Form`]. The event is added last.
//!
//! **When it breaks.** A body that cannot be split, or without a dump, is refused whole. What is said beside the dump never costs it: long fields are
//! cut with a note in the event, the handler's files that are too large are counted, surplus files go before the dump does.
//!
//! **Not here.** Unwrapping ([`super::dump`]); what the fields mean ([`crate::protocol::crash_form`]).

use std::cell::RefCell;
use std::io::Read;
use std::rc::Rc;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::{Stop, accepted_text};
use super::body::each_piece;
use super::client::text;
use super::collect::Collector;
use super::dump::{Dump, FIELD, MARK, Place, is_marked};
use super::handler::Arrival;
use super::{Ingest, Settings};
use crate::projects::KeyInfo;
use crate::protocol::crash_form::{Form, date, is_of_event};
use crate::protocol::envelope::ItemHeader;
use crate::protocol::framer::Sink as _;
use crate::protocol::handler_files::{HandlerFiles, InvalidMsgpack};
use crate::protocol::multipart::{Broken, PartHeader, PartSink, Splitter, boundary};
use crate::protocol::record::Endpoint;
use crate::protocol::{EventId, InvalidReason, ItemKind, Outcome, Refusal};

/// Bytes held of one annotation: digest keeps half of that.
const ANNOTATION: usize = 32 * 1024;
/// Of the largest event's size, the part that annotations may take together: as much as digest keeps.
const ANNOTATIONS_SHARE: usize = 4;

impl From<Broken> for Stop {
    fn from(_: Broken) -> Self {
        Refusal::InvalidMultipart.into()
    }
}

impl Ingest {
    pub(super) async fn minidump(&self, arrival: Arrival, key: Arc<KeyInfo>, body: Body) -> Result<Response<Body>, Stop> {
        let form = match &*arrival.media_type() {
            "application/octet-stream" | "application/x-dmp" => Shape::Raw,
            _ => boundary(text(&arrival.parts.headers, "content-type").unwrap_or_default()).map_or(Shape::Unknown, Shape::Form),
        };
        let (settings, new_id) = (Arc::clone(&self.settings), (self.seams.new_id)());
        let read = async {
            let codings = arrival.codings(self.settings.limits.envelope)?;
            self.read_on_thread(body, codings, move |body, collector| take(body, form, collector, (&settings, new_id))).await
        };
        let (id, mut collector) = read.await.map_err(|stop: Stop| self.count_stop(&key, stop))?;
        let not_kept = std::mem::take(&mut collector.not_kept);
        self.keep(collector, (&arrival, &key), Self::record(&arrival, &key, Endpoint::Minidump, Some(id))).await?;
        Ok(accepted_text(id, &not_kept))
    }
}

/// The envelope that an upload becomes, as far as it stays in memory; `None` as boundary for a dump without a form around it. For who has no
/// server: the fuzz target.
pub fn envelope_of_crash(body: &mut dyn Read, boundary: Option<&[u8]>, context: (&Arc<Settings>, EventId)) -> Result<Bytes, Refusal> {
    let shape = boundary.map_or(Shape::Raw, |boundary| Shape::Form(boundary.to_vec()));
    let taken = take(body, shape, Collector::new(context.0, None), context);
    taken.map(|(_, collector)| collector.finish().envelope).map_err(|stop| stop.explained().0)
}

/// What a body is.
enum Shape {
    /// A dump.
    Raw,
    /// A form with this boundary.
    Form(Vec<u8>),
    /// What it begins like.
    Unknown,
}

/// Reads an upload.
fn take(
    body: &mut dyn Read,
    shape: Shape,
    collector: Collector,
    (settings, new_id): (&Arc<Settings>, EventId),
) -> Result<(EventId, Collector), Stop> {
    let place = Rc::new(RefCell::new(collector));
    let mut upload = Upload {
        place: Rc::clone(&place),
        limit: settings.limits.attachment,
        for_event: settings.limits.event as usize,
        for_annotations: settings.limits.event as usize / ANNOTATIONS_SHARE,
        form: Form::default(),
        part: Part::Ignored,
        has_dump: false,
    };
    if let Shape::Form(boundary) = shape {
        let mut splitter = Splitter::new(&boundary);
        each_piece(body, |piece| splitter.feed(piece, &mut upload))?;
        splitter.finish(&mut upload)?;
    } else {
        let must_look = matches!(shape, Shape::Unknown);
        upload.begin(PartHeader { name: FIELD.to_owned(), ..PartHeader::default() })?;
        let mut start = Vec::new();
        each_piece(body, |piece| {
            // A client that does not say what it sends, or `curl --data-binary`, which says that it is a form.
            if must_look && start.len() < MARK {
                start.extend_from_slice(&piece[..piece.len().min(MARK - start.len())]);
                if !is_marked(&start) {
                    return Err(Refusal::InvalidMultipart.into());
                }
            }
            upload.data(piece)
        })?;
        if must_look && start.len() < MARK {
            return Err(Refusal::InvalidMultipart.into());
        }
        upload.end()?;
    }
    if !upload.has_dump {
        return Err(Refusal::MissingMinidump.into());
    }
    let form = std::mem::take(&mut upload.form);
    // With it goes the other handle on the collector.
    drop(upload);
    let mut event = form.into_event(settings.limits.event as usize);
    let id = event.get("event_id").and_then(Value::as_str).and_then(|id| id.parse().ok()).unwrap_or(new_id);
    event.insert("event_id".to_owned(), json!(id.to_string()));
    let mut collector = Rc::into_inner(place).map(RefCell::into_inner).ok_or(Refusal::Unavailable)?;
    collector.header.event_id = Some(id);
    date(&mut event, collector.crash_time());
    let header = ItemHeader::of(ItemKind::Event);
    collector.add(header, Value::Object(event).to_string().as_bytes())?;
    Ok((id, collector))
}

/// What a part is.
enum Part {
    Ignored,
    Dump(Box<Dump>),
    /// A file, being collected.
    File,
    /// A field's text.
    Field(String, Held),
    /// The handler's event.
    OwnEvent(Held),
    /// The handler's breadcrumbs.
    Breadcrumbs(Held),
}

/// What is held in memory of a part.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    /// Bytes that came.
    length: usize,
    /// Characters that began in what came and is not held.
    missing: usize,
}

impl Held {
    /// Takes more while there is room; whatever comes after a gap is left out, too.
    fn push(&mut self, bytes: &[u8], room: &mut usize) {
        let taken = if self.is_whole() { bytes.len().min(*room) } else { 0 };
        self.bytes.extend_from_slice(&bytes[..taken]);
        *room -= taken;
        self.length += bytes.len();
        // Characters of UTF-8 begin with any byte but these.
        self.missing += bytes[taken..].iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    }

    const fn is_whole(&self) -> bool {
        self.bytes.len() == self.length
    }

    /// Characters that came and are not held.
    fn left_out(&self) -> usize {
        if self.is_whole() { 0 } else { self.missing.max(1) }
    }
}

/// Sorts the parts of an upload.
struct Upload {
    place: Place,
    /// The largest dump.
    limit: u64,
    /// Bytes of memory that the parts of the event may still take: fields of it, and the handler's files.
    for_event: usize,
    /// The same for annotations.
    for_annotations: usize,
    form: Form,
    part: Part,
    has_dump: bool,
}

impl Upload {
    /// A field begins: its name takes room, too. One whose name has none is only counted.
    fn field(&mut self, name: String) -> Part {
        let room = if is_of_event(&name) { &mut self.for_event } else { &mut self.for_annotations };
        if let Some(left) = room.checked_sub(name.len()) {
            *room = left;
            Part::Field(name, Held::default())
        } else {
            self.form.lost_field();
            Part::Ignored
        }
    }

    /// One of the handler's own files is whole: `read` it, or count it as the attachment that it came as.
    fn own_file(&mut self, held: &Held, read: impl FnOnce(&mut HandlerFiles, &[u8]) -> Result<(), InvalidMsgpack>) {
        let length = held.length as u64;
        let read = held.is_whole().then(|| read(&mut self.form.files, &held.bytes));
        let reason = match read {
            Some(Ok(())) => return,
            Some(Err(InvalidMsgpack)) => InvalidReason::InvalidMsgpack,
            None => ItemKind::Attachment.too_large(),
        };
        for (category, quantity) in ItemKind::Attachment.quantities(&ItemHeader::default(), length) {
            self.place.borrow_mut().count_lost(category, &Outcome::Invalid(reason), quantity);
        }
    }
}

impl PartSink for Upload {
    type Error = Stop;

    fn begin(&mut self, header: PartHeader) -> Result<(), Stop> {
        let named = |name: &str| header.name == name || header.filename.as_deref() == Some(name);
        self.part = if header.name == FIELD && !self.has_dump {
            self.has_dump = true;
            Part::Dump(Box::new(Dump::new(&self.place, header.filename, self.limit)))
        } else if named("__sentry-event") {
            Part::OwnEvent(Held::default())
        } else if named("__sentry-breadcrumb1") || named("__sentry-breadcrumb2") {
            Part::Breadcrumbs(Held::default())
        } else if header.filename.is_some() {
            self.place.borrow_mut().begin(file_header(header))?;
            Part::File
        } else {
            self.field(header.name)
        };
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match &mut self.part {
            Part::Ignored => Ok(()),
            Part::Dump(dump) => dump.push(bytes),
            Part::File => self.place.borrow_mut().payload(bytes),
            Part::Field(name, held) if !is_of_event(name) => {
                let mut room = self.for_annotations.min(ANNOTATION.saturating_sub(held.bytes.len()));
                let before = room;
                held.push(bytes, &mut room);
                self.for_annotations -= before - room;
                Ok(())
            }
            Part::Field(_, held) | Part::OwnEvent(held) | Part::Breadcrumbs(held) => {
                held.push(bytes, &mut self.for_event);
                Ok(())
            }
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        match std::mem::replace(&mut self.part, Part::Ignored) {
            Part::Ignored => {}
            Part::Dump(dump) => dump.finish()?,
            Part::File => self.place.borrow_mut().end()?,
            Part::Field(name, held) => self.form.field(&name, String::from_utf8_lossy(&held.bytes).into_owned(), held.left_out()),
            Part::OwnEvent(held) => self.own_file(&held, HandlerFiles::own_event),
            Part::Breadcrumbs(held) => self.own_file(&held, HandlerFiles::breadcrumbs),
        }
        Ok(())
    }
}

/// The item header of a file in a form.
pub(super) fn file_header(part: PartHeader) -> ItemHeader {
    let is_hierarchy = part.filename.as_deref() == Some("view-hierarchy.json");
    let name = part.filename.filter(|name| !name.is_empty()).unwrap_or(part.name);
    ItemHeader {
        filename: Some(name),
        content_type: part.content_type,
        attachment_type: Some(if is_hierarchy { "event.view_hierarchy" } else { "event.attachment" }.to_owned()),
        ..ItemHeader::of(ItemKind::Attachment)
    }
}
