//! Framing: the table of the protocol page row by row, and the two readers held together.

use proptest::prelude::*;

use super::*;
use crate::protocol::framer::{Framer, Sink};

type Read = (EnvelopeHeader, Vec<(Option<String>, Vec<u8>)>);

fn read(body: &[u8]) -> Result<Read, FramingError> {
    let envelope = Envelope::parse(&Bytes::copy_from_slice(body))?;
    let items = envelope.collect_items()?;
    Ok((envelope.header, items.into_iter().map(|item| (item.header.kind_text, item.payload.to_vec())).collect()))
}

/// What [`read`] returns, from pieces.
#[derive(Default)]
struct Collected(Read, bool);

impl Sink for Collected {
    type Error = FramingError;

    fn header(&mut self, header: EnvelopeHeader) -> Result<(), FramingError> {
        self.0.0 = header;
        Ok(())
    }

    fn begin(&mut self, header: ItemHeader) -> Result<(), FramingError> {
        assert!(!std::mem::replace(&mut self.1, true), "the item before has not ended");
        self.0.1.push((header.kind_text, Vec::new()));
        Ok(())
    }

    fn payload(&mut self, bytes: &[u8]) -> Result<(), FramingError> {
        assert!(self.1 && !bytes.is_empty());
        self.0.1.last_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<(), FramingError> {
        assert!(std::mem::replace(&mut self.1, false), "no item has begun");
        Ok(())
    }
}

fn read_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Read, FramingError> {
    let (mut framer, mut sink) = (Framer::new(1 << 20), Collected::default());
    for piece in pieces {
        framer.feed(piece, &mut sink)?;
    }
    framer.finish(&mut sink)?;
    assert!(!sink.1, "the last item has not ended");
    Ok(sink.0)
}

/// The payloads, read whole and byte by byte.
fn payloads(body: &[u8]) -> Result<Vec<String>, FramingError> {
    let whole = read(body);
    assert_eq!(whole, read_pieces(body.chunks(1)), "{}", body.escape_ascii());
    whole.map(|(_, items)| items.into_iter().map(|(_, payload)| String::from_utf8_lossy(&payload).into_owned()).collect())
}

#[test]
fn bodies_that_are_envelopes() {
    for (body, expected) in [
        ("{}\n{\"type\":\"a\",\"length\":3}\nabc\n", vec!["abc"]),
        ("{}\n{\"type\":\"a\",\"length\":3}\nabc", vec!["abc"]),
        ("{}\n{\"type\":\"a\",\"length\":3}\na\nc\n{\"type\":\"b\"}\nx", vec!["a\nc", "x"]),
        ("{}\n{\"type\":\"a\",\"length\":0}\n", vec![""]),
        ("{}\n{\"type\":\"a\",\"length\":0}\n\n{\"type\":\"b\"}\nx\n", vec!["", "x"]),
        ("{}\n{\"type\":\"a\",\"length\":0}", vec![""]),
        ("{}\n{\"type\":\"a\"}", vec![""]),
        ("{}\n{\"type\":\"a\"}\n", vec![""]),
        ("{}\n{\"type\":\"a\"}\n\n", vec![""]),
        ("{}\n{\"type\":\"a\"}\n{\"x\":1}\r\n{\"type\":\"b\"}\ny", vec!["{\"x\":1}\r", "y"]),
        ("{}\n\n\r\n \t{\"type\":\"a\"}\nx\n\n\n", vec!["x"]),
        ("{}\r\n{\"type\":\"a\",\"length\":1}\r\nx\r\n{\"type\":\"b\"}\r\ny", vec!["x", "y"]),
        ("{} \t\n{\"type\":\"a\"}  \nx", vec!["x"]),
        ("\u{feff}{}\n{\"type\":\"a\"}\nx", vec!["x"]),
        ("\u{feff}\n{}\n{\"type\":\"a\"}\nx", vec!["x"]),
        ("\n {}\n{\"type\":\"a\"}\nx", vec!["x"]),
        ("{}", vec![]),
        ("{}\n", vec![]),
        ("{\"event_id\":\"nonsense\",\"sent_at\":5,\"trace\":\"x\",\"dsn\":7}\n", vec![]),
        ("{\"sent_at\":\"a\",\"sent_at\":\"b\"}\n", vec![]),
        ("{}\n{}\nno type, next line\n{\"type\":\"b\"}\ny", vec!["no type, next line", "y"]),
        ("{}\n{\"type\":5,\"length\":2}\n\n\n\n{\"type\":\"b\"}\ny", vec!["\n\n", "y"]),
        ("{}\n{\"type\":\"a\",\"length\":null}\nx", vec!["x"]),
        ("{}\n{\"type\":\"a\",\"length\":9,\"length\":1}\nx", vec!["x"]),
        ("{}\n{\"type\":\"attachment\",\"filename\":\"\\ud800.txt\"}\nx", vec!["x"]),
    ] {
        assert_eq!(payloads(body.as_bytes()), Ok(expected.into_iter().map(str::to_owned).collect()), "{body}");
    }
}

#[test]
fn bodies_that_are_none() {
    for (body, error) in [
        (&b""[..], FramingError::Empty),
        (b"\r\n \n", FramingError::Empty),
        (b"\xef\xbb\xbf", FramingError::Empty),
        (b"\xef\xbb", FramingError::EnvelopeHeader),
        (b"\xef\xbbX{}", FramingError::EnvelopeHeader),
        (b"nonsense", FramingError::EnvelopeHeader),
        (b"[]\n", FramingError::EnvelopeHeader),
        (b"{\"a\":\"\xff\"}\n", FramingError::EnvelopeHeader),
        (b"{}{}\n", FramingError::EnvelopeHeader),
        (b"{}\nnonsense\n", FramingError::ItemHeader),
        (b"{}\n[]\n", FramingError::ItemHeader),
        (b"{}\n{\"type\":\"\xff\"}\n", FramingError::ItemHeader),
        (b"{}\n{\"type\":\"a\",\"length\":-1}\nx", FramingError::ItemHeader),
        (b"{}\n{\"type\":\"a\",\"length\":1.5}\nx", FramingError::ItemHeader),
        (b"{}\n{\"type\":\"a\",\"length\":\"1\"}\nx", FramingError::ItemHeader),
        (b"{}\n{\"type\":\"a\",\"length\":2}\nabc", FramingError::MissingNewline),
        (b"{}\n{\"type\":\"a\",\"length\":2}\nab\rc", FramingError::MissingNewline),
        (b"{}\n{\"type\":\"a\",\"length\":2}\nab\r", FramingError::MissingNewline),
        (b"{}\n{\"type\":\"a\",\"length\":4}\nabc", FramingError::UnexpectedEof),
        (b"{}\n{\"type\":\"a\",\"length\":4}", FramingError::UnexpectedEof),
        (b"{}\n{\"type\":\"a\",\"length\":18446744073709551615}\nabc", FramingError::UnexpectedEof),
        (b"{}\n{\"type\":\"a\",\"length\":1}\nx\n{\"type\":\"b\",\"length\":9}\nx", FramingError::UnexpectedEof),
    ] {
        assert_eq!(payloads(body), Err(error), "{}", body.escape_ascii());
    }
}

#[test]
fn the_header_says_who_and_when() {
    let body = br#"{"event_id":"46EB2340-2E3E-4514-80A0-ECA2F4F297CA","sent_at":"2026-11-22T12:55:47.005097123+01:00","dsn":"x","sdk":{"name":"a"},"trace":{"t":"\ud800"},"remote_addr":"1.2.3.4"}"#;
    let header = read(body).unwrap().0;
    assert_eq!(header.event_id.unwrap().to_string(), "46eb23402e3e451480a0eca2f4f297ca");
    assert_eq!(header.sent_at.unwrap().to_rfc3339(), "2026-11-22T11:55:47.005097123+00:00");
    assert_eq!(header.trace.unwrap().to_string(), "{\"t\":\"\u{fffd}\"}");
    assert_eq!((header.dsn.as_deref(), header.sdk.is_some()), (Some("x"), true));
}

#[test]
fn an_endless_header_line_is_refused_before_it_is_held() {
    let mut framer = Framer::new(100);
    let mut sink = Collected::default();
    framer.feed(&[b'{'; 60], &mut sink).unwrap();
    assert_eq!(framer.feed(&[b'{'; 60], &mut sink), Err(FramingError::HeaderTooLong));
}

#[test]
fn payloads_are_slices_of_the_body() {
    let body = Bytes::from_static(b"{}\n{\"type\":\"a\",\"length\":3}\nabc\n{\"type\":\"b\"}\nxy");
    for item in Envelope::parse(&body).unwrap().collect_items().unwrap() {
        assert!(body.as_ptr_range().contains(&item.payload.as_ptr()));
    }
}

#[derive(Debug, Clone)]
struct Sent {
    kind: String,
    payload: Vec<u8>,
    counted: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let bytes = proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'{'), any::<u8>()], 0..60);
    ("[a-z_]{1,8}", bytes, any::<bool>()).prop_map(|(kind, payload, counted)| {
        let counted = counted || payload.contains(&b'\n');
        Sent { kind, payload, counted }
    })
}

fn write(items: &[Sent], last_newline: bool) -> Vec<u8> {
    let mut body = b"{\"event_id\":\"46eb23402e3e451480a0eca2f4f297ca\"}\n".to_vec();
    for (at, item) in items.iter().enumerate() {
        let length = if item.counted { format!(",\"length\":{}", item.payload.len()) } else { String::new() };
        body.extend_from_slice(format!("{{\"type\":\"{}\"{length}}}\n", item.kind).as_bytes());
        body.extend_from_slice(&item.payload);
        if last_newline || at + 1 < items.len() {
            body.push(b'\n');
        }
    }
    body
}

/// The body cut at the given places.
fn cut<'b>(body: &'b [u8], cuts: &[prop::sample::Index]) -> Vec<&'b [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    places.extend([0, body.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn what_was_sent_is_read_whatever_the_split(
        items in proptest::collection::vec(sent(), 0..6), last_newline: bool, cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let body = write(&items, last_newline);
        let expected: Vec<_> = items.into_iter().map(|item| (Some(item.kind), item.payload)).collect();
        let whole = read(&body).unwrap();
        prop_assert_eq!(&whole.1, &expected);
        prop_assert_eq!(read_pieces(cut(&body, &cuts)).unwrap(), whole);
    }

    #[test]
    fn a_length_that_lies_is_found_out(payload in "[a-z]{1,40}", lie in 0u64..100, after in proptest::option::of(Just("{\"type\":\"b\"}\nx\n"))) {
        prop_assume!(lie != payload.len() as u64);
        let body = format!("{{}}\n{{\"type\":\"a\",\"length\":{lie}}}\n{payload}\n{}", after.unwrap_or(""));
        let result = payloads(body.as_bytes());
        // A lie can only go unnoticed where the bytes it names end right before a line feed or the end.
        if let Ok(items) = result {
            let claimed = items[0].len();
            prop_assert_eq!(claimed as u64, lie);
            // Not `find`: the payload's letters may also stand in the headers.
            let end = body.match_indices('\n').nth(1).unwrap().0 + 1 + claimed;
            prop_assert!(end == body.len() || body.as_bytes()[end] == b'\n');
            prop_assert!(lie > payload.len() as u64);
        }
    }

    #[test]
    fn any_bytes_are_read_alike_whole_and_in_pieces(
        mut body in proptest::collection::vec(prop_oneof![8 => prop::sample::select(&b"{}\n\r \"type:length0123456789,\xef\xbb\xbf"[..]), 1 => any::<u8>()], 0..80),
        prefix in prop_oneof![Just(""), Just("{}\n"), Just("{}\n{\"type\":\"a\",\"length\":5}\n"), Just("{}\n{\"type\":\"a\"}\n")],
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        body.splice(0..0, prefix.bytes());
        prop_assert_eq!(read_pieces(cut(&body, &cuts)), read(&body));
    }

    #[test]
    fn what_the_writer_writes_is_read_again(items in proptest::collection::vec(sent(), 0..5), id: u128, micros in 0i64..4_000_000_000_000_000) {
        let header = EnvelopeHeader {
            event_id: Some(uuid::Uuid::from_u128(id).into()),
            sent_at: DateTime::from_timestamp_micros(micros),
            trace: Some(serde_json::json!({"public_key": "x"})),
            ..EnvelopeHeader::default()
        };
        let mut writer = EnvelopeWriter::new(&header);
        for item in &items {
            writer.item(&ItemHeader { kind_text: Some(item.kind.clone()), ..ItemHeader::default() }, &item.payload);
        }
        let expected: Vec<_> = items.iter().map(|item| (Some(item.kind.clone()), item.payload.clone())).collect();
        prop_assert_eq!(read(&writer.finish()).unwrap(), (header, expected));
    }
}
