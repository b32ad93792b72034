//! Bodies that were compressed, cut into pieces, or made to explode.

use std::iter;

use flate2::write::{DeflateEncoder, ZlibEncoder};

use super::*;

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn brotli(data: &[u8]) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 1, 18);
    encoder.write_all(data).unwrap();
    encoder.into_inner()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    zstd::encode_all(data, 1).unwrap()
}

/// An envelope with an attachment of bytes that do not compress.
fn noisy(size: usize) -> Vec<u8> {
    let head = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"attachment\",\"filename\":\"noise\",\"length\":{size}}}\n");
    [head.into_bytes(), noise(size)].concat()
}

#[tokio::test]
async fn every_encoding_is_taken_off() {
    let house = House::new();
    let plain = event_envelope().into_bytes();
    for (header, body) in [
        ("gzip", gzip(&plain)),
        ("x-gzip", gzip(&plain)),
        ("GZIP", gzip(&plain)),
        ("deflate", zlib(&plain)),
        ("deflate", raw_deflate(&plain)),
        ("br", brotli(&plain)),
        ("zstd", zstd(&plain)),
        ("identity", plain.clone()),
        ("", plain.clone()),
        ("UTF-8", plain.clone()),
        ("no such coding", plain.clone()),
        ("deflate, gzip", gzip(&zlib(&plain))),
        ("gzip,gzip", gzip(&gzip(&plain))),
        ("identity, br", brotli(&plain)),
        ("gzip", [gzip(&plain[..20]), gzip(&plain[20..])].concat()),
    ] {
        house.post_encoded(header, body).await.assert_id(ID);
        assert_eq!(kinds(&house.only_record().await), ["event"], "{header}");
    }
    // Two lines of a header are one list.
    let request = post(ENVELOPE).header("content-encoding", "deflate").header("content-encoding", "gzip");
    house.send(request.body(gzip(&zlib(&plain)).into()).unwrap()).await.assert_id(ID);
}

#[tokio::test]
async fn encodings_are_the_same_for_bodies_in_pieces() {
    let house = House::new();
    let plain = noisy(700 * 1024);
    for (header, body) in [
        ("gzip", gzip(&plain)),
        ("deflate", zlib(&plain)),
        ("br", brotli(&plain)),
        ("zstd", zstd(&plain)),
        ("", plain.clone()),
        ("gzip, zstd", zstd(&gzip(&plain))),
    ] {
        let pieces: Vec<_> = body.chunks(50_001).map(Bytes::copy_from_slice).collect();
        house.post_encoded(header, counted_body(pieces.into_iter()).0).await.assert_id(ID);
        let entry = house.journal.next_batch(BatchLimits { records: 1, bytes: usize::MAX }).await.unwrap().remove(0);
        let file = std::fs::read(house.journal.spool_path(entry.spool[0])).unwrap();
        assert!(plain.ends_with(&file) && file.len() == 700 * 1024, "{header}");
    }
}

#[tokio::test]
async fn corrupt_and_cut_bodies_are_refused() {
    let house = House::new();
    let plain = event_envelope().into_bytes();
    for (header, whole) in [("gzip", gzip(&plain)), ("deflate", zlib(&plain)), ("br", brotli(&plain)), ("zstd", zstd(&plain))] {
        for length in 1..whole.len() {
            let answer = house.post_encoded(header, whole[..length].to_vec()).await;
            assert_eq!(answer.status, 400, "{header} cut to {length}");
        }
        house.post_encoded(header, plain.clone()).await.assert_refused(
            400,
            "failed to read request body",
            Some(&format!("corrupt {header} data")),
        );
        house.post_encoded(header, Vec::new()).await.assert_refused(400, "empty request body", None);
    }
    let three = house.post_encoded("gzip, gzip, gzip", gzip(&gzip(&gzip(&plain)))).await;
    three.assert_refused(400, "failed to read request body", Some("too many content encodings"));
    let mut damaged = gzip(&noisy(900 * 1024));
    damaged.truncate(600 * 1024);
    house.post_encoded("gzip", damaged).await.assert_refused(400, "failed to read request body", Some("corrupt gzip data"));
    assert!(house.records().await.is_empty());
    assert_eq!(house.spooled_files(), 0);
}

/// A gzip member of 8 MiB of zeros, some 8 KiB small; members behind one another are one stream.
fn zeros() -> Bytes {
    gzip(&vec![0; 8 << 20]).into()
}

fn bomb_head(item: &str) -> Bytes {
    gzip(format!("{{\"event_id\":\"{ID}\"}}\n{item}\n").as_bytes()).into()
}

#[tokio::test]
async fn a_bomb_costs_its_limit_and_no_more() {
    let limits = Limits { envelope: 6 << 20, ..Limits::default() };
    let house = House::with(JournalOptions::default(), Settings { limits, ..Settings::default() });
    for item in [r#"{"type":"attachment","filename":"a"}"#, r#"{"type":"replay_recording"}"#, r#"{"type":"event"}"#, ""] {
        // Without end: an answer means that the reading stopped. 7 MiB were on disk, and are gone; some more are read and forgotten.
        let (body, taken) = counted_body(iter::once(bomb_head(item)).chain(iter::repeat(zeros())));
        let answer = house.post_encoded("gzip", body).await;
        assert_eq!(answer.json()["detail"], "payload too large");
        assert!(taken.load(Ordering::Relaxed) < 80 << 20, "{item}: {taken:?}");
    }
    assert!(house.records().await.is_empty());
    assert_eq!(house.spooled_files(), 0);
}

#[tokio::test]
async fn small_bombs_of_every_encoding_are_refused() {
    let limits = Limits { envelope: 2 << 20, ..Limits::default() };
    let house = House::with(JournalOptions::default(), Settings { limits, ..Settings::default() });
    let mut plain = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"attachment\"}}\n").into_bytes();
    plain.resize((2 << 20) + 1, 0);
    for (header, body) in [
        ("gzip", gzip(&plain)),
        ("deflate", zlib(&plain)),
        ("br", brotli(&plain)),
        ("zstd", zstd(&plain)),
        ("", plain.clone()),
        ("gzip, gzip", gzip(&gzip(&plain))),
        // The outer layer alone becomes too much.
        ("gzip, gzip", gzip(&vec![0; 32 << 20])),
    ] {
        let answer = house.post_encoded(header, body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 413), "{header}: {answer:?}");
        assert!(answer.json()["detail"].is_string());
    }
    plain.pop();
    for (header, body) in [("gzip", gzip(&plain)), ("", plain.clone())] {
        house.post_encoded(header, body).await.assert_id(ID);
    }
}

#[tokio::test]
async fn a_body_that_says_that_it_is_too_large_is_not_read() {
    let house = House::new();
    for (path, encoding, length) in
        [(ENVELOPE, "", (100 << 20) + 1), (ENVELOPE, "gzip", 300 << 20), (STORE, "", (1 << 20) + 1), (STORE, "br", 3 << 20)]
    {
        let request = post(path).header("content-encoding", encoding).header("content-length", length);
        house.send(request.body(silent_body()).unwrap()).await.assert_refused(413, "payload too large", None);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_broken_body() {
    let house = House::new();
    for start in [event_envelope().into_bytes(), noisy(500 * 1024)] {
        let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "gone");
        let pieces = [Ok(Bytes::from(start)), Err(broken)];
        let answer = house.post(ENVELOPE, Body::from_stream(futures_util::stream::iter(pieces))).await;
        answer.assert_refused(400, "failed to read request body", Some("connection closed before the end"));
    }
    assert!(house.records().await.is_empty());
    assert_eq!(house.spooled_files(), 0);
}
