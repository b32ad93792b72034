//! A body, from its content encoding to its items. The first byte picks encoding and size of pieces.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use vedette::protocol::encoding::{Codings, decode};
use vedette::protocol::envelope::{Envelope, EnvelopeHeader, EnvelopeWriter, FramingError, Item, ItemHeader};
use vedette::protocol::framer::{Framer, Sink};

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

fuzz_target!(|data: &[u8]| {
    let Some((&first, wire)) = data.split_first() else { return };
    let encoding = ENCODINGS[usize::from(first) % ENCODINGS.len()];
    let codings = Codings::parse(Some(encoding)).expect("two at most");
    let Ok(body) = decode(&codings, wire, CAP) else { return };
    assert!(body.len() as u64 <= CAP);
    let body = Bytes::from(body);
    match (whole(&body), pieces(&body, usize::from(first >> 4) + 1)) {
        (Ok((header, items)), Ok(collected)) => {
            assert_eq!(header, collected.0);
            let framed: Vec<_> = items.iter().map(|item| (item.header.clone(), item.payload.to_vec())).collect();
            assert_eq!(framed, collected.1);
            let mut writer = EnvelopeWriter::new(&header);
            for item in &items {
                writer.item(&item.header, &item.payload);
            }
            let (header_again, items_again) = whole(&writer.finish()).expect("what is written is read");
            assert_eq!(header, header_again);
            assert_eq!(items.len(), items_again.len());
            for (one, again) in items.iter().zip(&items_again) {
                assert_eq!((one.header.kind(), &one.payload), (again.header.kind(), &again.payload));
            }
        }
        (Err(one), Err(other)) => assert_eq!(one, other),
        (one, other) => panic!("{:?} against {:?}", one.err(), other.err()),
    }
});
