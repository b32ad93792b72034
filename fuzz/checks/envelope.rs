//! A body, from its content encoding to its items. The first byte picks encoding and size of pieces.

use std::io::Read as _;

use bytes::Bytes;
use chrono::DateTime;
use vedette::protocol::encoding::{Codings, DecodeError, decode};
use vedette::protocol::envelope::{Envelope, EnvelopeHeader, EnvelopeWriter, FramingError, Item, ItemHeader};
use vedette::protocol::framer::{FirstLine, Framer, Peeked, Sink};
use vedette::protocol::{client_report, telemetry, unkept};

use super::Pieces;

const CAP: u64 = 1 << 20;
const ENCODINGS: [&str; 6] = ["", "gzip", "deflate", "br", "zstd", "gzip, br"];

#[derive(Default)]
struct Collected(EnvelopeHeader, Vec<(ItemHeader, Vec<u8>)>);

impl Sink for Collected {
    type Error = FramingError;

    fn header(&mut self, header: EnvelopeHeader) -> Result<(), FramingError> {
        self.0 = header;
        Ok(())
    }

    fn begin(&mut self, header: ItemHeader) -> Result<(), FramingError> {
        self.1.push((header, Vec::new()));
        Ok(())
    }

    fn payload(&mut self, bytes: &[u8]) -> Result<(), FramingError> {
        self.1.last_mut().expect("payloads follow headers").1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<(), FramingError> {
        Ok(())
    }
}

fn whole(body: &Bytes) -> Result<(EnvelopeHeader, Vec<Item>), FramingError> {
    let envelope = Envelope::parse(body)?;
    let items = envelope.collect_items()?;
    Ok((envelope.header, items))
}

fn pieces(body: &[u8], size: usize) -> Result<Collected, FramingError> {
    let (mut framer, mut sink) = (Framer::new(CAP as usize), Collected::default());
    for piece in body.chunks(size) {
        framer.feed(piece, &mut sink)?;
    }
    framer.finish(&mut sink)?;
    Ok(sink)
}

/// Decoded in pieces too, whose sizes make no difference.
fn decoded(codings: &Codings, wire: &[u8], size: usize) -> Result<Vec<u8>, DecodeError> {
    let body = decode(codings, wire, CAP);
    let mut again = Vec::new();
    let read = codings.reader(Pieces { rest: wire, size }, CAP).and_then(|mut reader| reader.read_to_end(&mut again));
    assert_eq!(read.map(|_| &again).map_err(|error| DecodeError::of(&error)).as_ref().ok(), body.as_ref().ok().as_ref());
    body
}

/// Decodes, frames in one piece and in many, counts what is inside, and writes it again.
pub fn check(data: &[u8]) {
    let Some((&first, wire)) = data.split_first() else { return };
    let size = usize::from(first >> 4) + 1;
    let codings = Codings::parse(Some(ENCODINGS[usize::from(first) % ENCODINGS.len()])).expect("two at most");
    let Ok(body) = decoded(&codings, wire, size) else { return };
    assert!(body.len() as u64 <= CAP);
    let body = Bytes::from(body);
    counts_what_others_send(&body);
    let (header, items) = match (whole(&body), pieces(&body, size)) {
        (Ok((header, items)), Ok(collected)) => {
            assert_eq!(header, collected.0);
            let framed: Vec<_> = items.iter().map(|item| (item.header.clone(), item.payload.to_vec())).collect();
            assert_eq!(framed, collected.1);
            (header, items)
        }
        (Err(one), Err(other)) => {
            assert_eq!(one, other);
            return;
        }
        (one, other) => panic!("{:?} against {:?}", one.err(), other.err()),
    };
    peeks_the_same(&body, &header);
    counts(&items);
    writes_the_same(&header, &items);
}

/// The same bytes as a body of spans or logs, of which there cannot be more than bytes.
fn counts_what_others_send(body: &[u8]) {
    for count in [telemetry::protobuf, telemetry::json, telemetry::objects, telemetry::lines, telemetry::syslog] {
        assert!(count(body).is_ok_and(|entries| entries <= body.len() as u64) || count(body).is_err());
    }
}

/// The first line alone says the same as with all that follows.
fn peeks_the_same(body: &[u8], header: &EnvelopeHeader) {
    let mut framer = Framer::new(CAP as usize);
    let peeked = framer.feed(body, &mut FirstLine).and_then(|()| framer.finish(&mut FirstLine));
    assert!(matches!(peeked, Err(Peeked::Header(peeked)) if *peeked == *header));
}

/// Items that are not kept are counted by what is in them.
fn counts(items: &[Item]) {
    for item in items {
        let _ = item.header.kind().quantities(&item.header, item.payload.len() as u64);
        let _ = unkept::ends(&item.header, &item.payload);
        let _ = client_report::parse(&item.payload, DateTime::from_timestamp(1_795_000_000, 0).expect("a time"));
    }
}

fn writes_the_same(header: &EnvelopeHeader, items: &[Item]) {
    let mut writer = EnvelopeWriter::new(header);
    for item in items {
        writer.item(&item.header, &item.payload);
    }
    let (header_again, items_again) = whole(&writer.finish()).expect("what is written is read");
    assert_eq!(*header, header_again);
    assert_eq!(items.len(), items_again.len());
    let without_length = |item: &Item| ItemHeader { length: None, ..item.header.clone() };
    for (one, again) in items.iter().zip(&items_again) {
        assert_eq!((without_length(one), &one.payload), (without_length(again), &again.payload));
        assert_eq!(again.header.length, Some(one.payload.len() as u64));
    }
}
