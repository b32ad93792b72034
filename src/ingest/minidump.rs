//! # `/api/{project}/minidump/`: crashes of native programs
//!
//! **Promise.** An upload of Crashpad, Breakpad or Sentry's own handler is one event with the dump, and whatever files come beside it, as
//! attachments; the answer is the event's id as text. Never 429, which crash reporters take for a failure.
//!
//! **How.** The body is read on a thread that may block, split in pieces, and each part goes where it belongs: the dump and other files to the
//! collector, which spools, fields and the handler's files to a [`Form`]. The event is added last.
//!
//! **When it breaks.** A body that cannot be split, or without a dump, is refused whole.
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
use super::dump::{Dump, FIELD, Place};
use super::handler::Arrival;
use super::{Ingest, Settings};
use crate::projects::KeyInfo;
use crate::protocol::crash_form::Form;
use crate::protocol::envelope::ItemHeader;
use crate::protocol::framer::Sink as _;
use crate::protocol::multipart::{Broken, PartHeader, PartSink, Splitter, boundary};
use crate::protocol::record::Endpoint;
use crate::protocol::{EventId, InvalidReason, ItemKind, Outcome, Refusal};

impl From<Broken> for Stop {
    fn from(_: Broken) -> Self {
        Refusal::InvalidMultipart.into()
    }
}

impl Ingest {
    pub(super) async fn minidump(&self, arrival: Arrival, key: Arc<KeyInfo>, body: Body) -> Result<Response<Body>, Stop> {
        let is_raw = matches!(&*arrival.media_type(), "application/octet-stream" | "application/x-dmp");
        let found = boundary(text(&arrival.parts.headers, "content-type").unwrap_or_default());
        let (settings, new_id) = (Arc::clone(&self.settings), (self.seams.new_id)());
        let read = async {
            let splitter = if is_raw { None } else { Some(Splitter::new(&found.ok_or(Refusal::InvalidMultipart)?)) };
            let codings = arrival.codings(self.settings.limits.envelope)?;
            self.read_on_thread(body, codings, move |body, collector| take(body, splitter, collector, (&settings, new_id))).await
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
    let taken = take(body, boundary.map(Splitter::new), Collector::new(context.0, None), context);
    taken.map(|(_, collector)| collector.finish().envelope).map_err(|stop| stop.explained().0)
}

/// Reads an upload.
fn take(
    body: &mut dyn Read,
    splitter: Option<Splitter>,
    collector: Collector,
    (settings, new_id): (&Arc<Settings>, EventId),
) -> Result<(EventId, Collector), Stop> {
    let place = Rc::new(RefCell::new(collector));
    let mut upload = Upload {
        place: Rc::clone(&place),
        limit: settings.limits.attachment,
        memory: settings.limits.event,
        form: Form::default(),
        part: Part::Ignored,
        has_dump: false,
    };
    if let Some(mut splitter) = splitter {
        each_piece(body, |piece| splitter.feed(piece, &mut upload))?;
        splitter.finish(&mut upload)?;
    } else {
        upload.begin(PartHeader { name: FIELD.to_owned(), ..PartHeader::default() })?;
        each_piece(body, |piece| upload.data(piece))?;
        upload.end()?;
    }
    if !upload.has_dump {
        return Err(Refusal::MissingMinidump.into());
    }
    let form = std::mem::take(&mut upload.form);
    // With it goes the other handle on the collector.
    drop(upload);
    let mut event = form.into_event();
    let id = event.get("event_id").and_then(Value::as_str).and_then(|id| id.parse().ok()).unwrap_or(new_id);
    event.insert("event_id".to_owned(), json!(id.to_string()));
    let mut collector = Rc::into_inner(place).map(RefCell::into_inner).ok_or(Refusal::Unavailable)?;
    collector.header.event_id = Some(id);
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
    Field(String, Vec<u8>),
    /// The handler's event.
    OwnEvent(Vec<u8>),
    /// The handler's breadcrumbs.
    Breadcrumbs(Vec<u8>),
}

/// Sorts the parts of an upload.
struct Upload {
    place: Place,
    /// The largest dump.
    limit: u64,
    /// What fields and the handler's files may still take of memory.
    memory: u64,
    form: Form,
    part: Part,
    has_dump: bool,
}

impl Upload {
    fn take_memory(&mut self, bytes: usize) -> Result<(), Stop> {
        let left = self.memory.checked_sub(bytes as u64);
        self.memory = left.ok_or(Refusal::TooLarge(Some(ItemKind::FormData.name())))?;
        Ok(())
    }

    /// The handler's files that are no text count as the attachments they came as.
    fn count_broken(&self, length: usize) {
        let outcome = Outcome::Invalid(InvalidReason::InvalidMsgpack);
        for (category, quantity) in ItemKind::Attachment.quantities(&ItemHeader::default(), length as u64) {
            self.place.borrow_mut().count_lost(category, &outcome, quantity);
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
            Part::OwnEvent(Vec::new())
        } else if named("__sentry-breadcrumb1") || named("__sentry-breadcrumb2") {
            Part::Breadcrumbs(Vec::new())
        } else if header.filename.is_some() {
            self.place.borrow_mut().begin(file_header(header))?;
            Part::File
        } else {
            self.take_memory(header.name.len())?;
            Part::Field(header.name, Vec::new())
        };
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match &mut self.part {
            Part::Ignored => Ok(()),
            Part::Dump(dump) => dump.push(bytes),
            Part::File => self.place.borrow_mut().payload(bytes),
            Part::Field(_, held) | Part::OwnEvent(held) | Part::Breadcrumbs(held) => {
                held.extend_from_slice(bytes);
                self.take_memory(bytes.len())
            }
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        match std::mem::replace(&mut self.part, Part::Ignored) {
            Part::Ignored => {}
            Part::Dump(dump) => dump.finish()?,
            Part::File => self.place.borrow_mut().end()?,
            Part::Field(name, value) => self.form.field(&name, String::from_utf8_lossy(&value).into_owned()),
            Part::OwnEvent(bytes) => {
                if self.form.own_event(&bytes).is_err() {
                    self.count_broken(bytes.len());
                }
            }
            Part::Breadcrumbs(bytes) => {
                if self.form.breadcrumbs(&bytes).is_err() {
                    self.count_broken(bytes.len());
                }
            }
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
