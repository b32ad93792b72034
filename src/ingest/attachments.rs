//! `/api/{project}/events/{event}/attachments/`: files for an event that was sent, or will be. Each file of the form is an attachment.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::Ingest;
use super::answer::{Stop, empty};
use super::body::each_piece;
use super::client::text;
use super::collect::Collector;
use super::handler::Arrival;
use super::minidump::file_header;
use crate::projects::KeyInfo;
use crate::protocol::framer::Sink as _;
use crate::protocol::multipart::{PartHeader, PartSink, Splitter, boundary};
use crate::protocol::record::Endpoint;
use crate::protocol::{EventId, Refusal};

impl Ingest {
    pub(super) async fn attachments(
        &self,
        arrival: Arrival,
        key: Arc<KeyInfo>,
        body: Body,
        event: EventId,
    ) -> Result<Response<Body>, Stop> {
        let found = boundary(text(&arrival.parts.headers, "content-type").unwrap_or_default());
        let read = async {
            let mut splitter = Splitter::new(&found.ok_or(Refusal::InvalidMultipart)?);
            let codings = arrival.codings(self.settings.limits.envelope)?;
            let work = move |body: &mut dyn std::io::Read, collector| {
                let mut files = Files { collector, is_file: false };
                each_piece(body, |piece| splitter.feed(piece, &mut files))?;
                splitter.finish(&mut files)?;
                Ok(files.collector)
            };
            self.read_on_thread(body, codings, work).await
        };
        let mut collector = read.await.map_err(|stop: Stop| self.count_stop(&key, stop))?;
        collector.header.event_id = Some(event);
        let not_kept = std::mem::take(&mut collector.not_kept);
        self.keep(collector, (&arrival, &key), Self::record(&arrival, &key, Endpoint::Attachments, Some(event))).await?;
        Ok(empty(StatusCode::CREATED, &not_kept))
    }
}

/// Takes the files of a form, and leaves its fields.
struct Files {
    collector: Collector,
    is_file: bool,
}

impl PartSink for Files {
    type Error = Stop;

    fn begin(&mut self, header: PartHeader) -> Result<(), Stop> {
        self.is_file = header.filename.is_some();
        if self.is_file { self.collector.begin(file_header(header)) } else { Ok(()) }
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if self.is_file { self.collector.payload(bytes) } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), Stop> {
        if self.is_file { self.collector.end() } else { Ok(()) }
    }
}
