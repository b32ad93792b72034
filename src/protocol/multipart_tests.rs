//! Bodies of browsers, crash reporters and nobody, in pieces of any size.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Default, PartialEq)]
struct Parts(Vec<(PartHeader, Vec<u8>)>, usize);

impl PartSink for Parts {
    type Error = Broken;

    fn begin(&mut self, header: PartHeader) -> Result<(), Broken> {
        self.0.push((header, Vec::new()));
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.0.last_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Broken> {
        self.1 += 1;
        assert_eq!(self.0.len(), self.1, "a part ends before the next begins");
        Ok(())
    }
}

fn split(boundary: &[u8], body: &[u8], piece: usize) -> Result<Parts, Broken> {
    let (mut splitter, mut parts) = (Splitter::new(boundary), Parts::default());
    for piece in body.chunks(piece.max(1)) {
        splitter.feed(piece, &mut parts)?;
    }
    splitter.finish(&mut parts)?;
    assert_eq!(parts.0.len(), parts.1);
    Ok(parts)
}

fn header(name: &str, filename: Option<&str>, content_type: Option<&str>) -> PartHeader {
    PartHeader { name: name.to_owned(), filename: filename.map(str::to_owned), content_type: content_type.map(str::to_owned) }
}

const BODY: &[u8] = b"ignored\r\n--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--xxx\r\ntwo\r\n--xx  \r\n\
content-disposition: form-data; filename=\"d\\\"x.dmp\"; name=upload\r\nContent-Type: application/x-dmp\r\n\r\n\x00\xff\r\n\r\n--x\r\n--xx\r\n\
Content-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--xx\r\n\r\nbare\r\n--xx--\r\nepilogue --xx";

#[test]
fn parts_come_out_whole_whatever_the_pieces() {
    for piece in 1..=BODY.len() {
        let Parts(parts, _) = split(b"xx", BODY, piece).unwrap();
        let expected: [(PartHeader, &[u8]); 4] = [
            (header("a", None, None), b"one\r\n--xxx\r\ntwo"),
            (header("upload", Some("d\"x.dmp"), Some("application/x-dmp")), b"\x00\xff\r\n\r\n--x"),
            (header("empty", None, None), b""),
            (header("", None, None), b"bare"),
        ];
        assert_eq!(parts, expected.map(|(header, data)| (header, data.to_vec())), "{piece}");
    }
}

#[test]
fn a_body_may_begin_with_its_delimiter_or_end_at_once() {
    assert_eq!(split(b"b", b"--b\r\n\r\nx\r\n--b--", 3).unwrap().0, [(PartHeader::default(), b"x".to_vec())]);
    assert_eq!(split(b"b", b"\r\n--b\r\n\r\nx\r\n--b--\r\n", 3).unwrap().0.len(), 1);
    assert_eq!(split(b"b", b"--b--", 1).unwrap().0, []);
    // The line end between an empty header and the next delimiter may be the delimiter's.
    for piece in 1..20 {
        assert_eq!(split(b"b", b"--b\r\nA: b\r\n\r\n--b--", piece).unwrap().0, [(PartHeader::default(), Vec::new())]);
        assert_eq!(split(b"b", b"--b\r\n\r\n--b--", piece).unwrap().0, [(PartHeader::default(), Vec::new())]);
    }
}

#[test]
fn bodies_without_an_end_are_broken() {
    for body in [
        &b""[..],
        b"--",
        b"--b",
        b"--b\r\n",
        b"--b\r\nContent-Disposition: x\r\n",
        b"--b\r\n\r\ndata",
        b"--b\r\n\r\ndata\r\n--b",
        b"--c\r\n\r\nx\r\n--c--",
    ] {
        assert_eq!(split(b"b", body, 2), Err(Broken), "{}", body.escape_ascii());
    }
    let long = [&b"--b\r\nA: "[..], &vec![b'x'; MAX_HEADER], b"\r\n\r\n\r\n--b--"].concat();
    assert_eq!(split(b"b", &long, 1000), Err(Broken));
    // One of exactly the limit is taken, also where a piece ends within the line ends that close it.
    let longest = [&b"--b\r\nA: "[..], &vec![b'x'; MAX_HEADER - 5], b"\r\n\r\n\r\n--b--"].concat();
    for piece in [1, MAX_HEADER, usize::MAX] {
        assert_eq!(split(b"b", &longest, piece).map(|parts| parts.1), Ok(1), "{piece}");
    }
    let many = [b"--b\r\n\r\n\r\n".repeat(MAX_PARTS + 1), b"--b--".to_vec()].concat();
    assert_eq!(split(b"b", &many, 1000), Err(Broken));
    let just = [b"--b\r\n\r\n\r\n".repeat(MAX_PARTS), b"--b--".to_vec()].concat();
    assert_eq!(split(b"b", &just, 1000).unwrap().1, MAX_PARTS);
}

#[test]
fn boundaries_with_and_without_quotes() {
    for (content_type, expected) in [
        ("multipart/form-data; boundary=abc", Some("abc")),
        ("Multipart/Form-Data;charset=utf-8; Boundary=\"a b;c\"; x=y", Some("a b;c")),
        ("multipart/form-data; boundary=----WebKit=7/x y ; q=1", Some("----WebKit=7/x y")),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("text/plain; boundary=abc", None),
        ("", None),
    ] {
        assert_eq!(boundary(content_type), expected.map(|text| text.as_bytes().to_vec()), "{content_type}");
    }
    assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(201))), None);
}

#[test]
fn a_body_in_place_of_a_file_is_noticed() {
    assert_eq!(boundary_of_body(b"--abc\r\nContent-Disposition"), Some(Some(b"abc".to_vec())));
    assert_eq!(boundary_of_body(b"\r\n--abc\r\n"), Some(Some(b"abc".to_vec())));
    assert_eq!(boundary_of_body(b"--ab"), Some(None));
    assert_eq!(boundary_of_body(b"-"), Some(None));
    assert_eq!(boundary_of_body(b"MDMP"), None);
    assert_eq!(boundary_of_body(b"--\r\nx"), None);
    assert_eq!(boundary_of_body(&[b'-'; 300]), None);
}

proptest! {
    #[test]
    fn what_is_joined_is_split_again(
        parts in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'b'), any::<u8>()], 0..40), 0..5),
        piece in 1_usize..50,
    ) {
        // A boundary that is in no part.
        let boundary = b"b-0123456789abcdef";
        let mut body = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            body.extend_from_slice(b"--b-0123456789abcdef\r\n");
            body.extend_from_slice(format!("Content-Disposition: form-data; name=\"n{at}\"\r\n\r\n").as_bytes());
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--b-0123456789abcdef--\r\n");
        let Parts(found, _) = split(boundary, &body, piece).unwrap();
        let names: Vec<_> = (0..parts.len()).map(|at| format!("n{at}")).collect();
        prop_assert_eq!(found.iter().map(|(header, _)| header.name.clone()).collect::<Vec<_>>(), names);
        prop_assert_eq!(found.into_iter().map(|(_, data)| data).collect::<Vec<_>>(), parts);
    }

    #[test]
    fn no_body_is_too_odd_and_pieces_make_no_difference(body in "(--b|\r\n|--|\r|\n|a|:|Content-Disposition: form-data; name=\"|\"| ){0,30}", piece in 1_usize..20) {
        let whole = split(b"b", body.as_bytes(), usize::MAX);
        prop_assert_eq!(split(b"b", body.as_bytes(), piece), whole);
    }

    #[test]
    fn no_header_is_too_odd(text in ".{0,80}") {
        let _ = boundary(&text);
        let _ = boundary(&format!("multipart/form-data; {text}"));
        let _ = part_header(text.as_bytes());
        let _ = boundary_of_body(text.as_bytes());
    }
}
