//! # Content encodings: what was compressed for the way
//!
//! **Promise.** A body is decoded in pieces, never beyond its cap: a bomb costs the cap at most, whatever it would become. Memory beside the
//! output is flat: windows are bounded (deflate 32 KiB, brotli 16 MiB, zstd 8 MiB).
//!
//! **How.** [`Codings::parse`] reads the header leniently (unknown means plain); [`Codings::reader`] stacks decoders over any reader;
//! [`decode`] does it for a body in memory.
//!
//! **When it breaks.** Corrupt or cut data, and anything beyond the cap, is a [`DecodeError`]; inside a reader it travels in an `io::Error`
//! and comes out by [`DecodeError::of`].
//!
//! **Not here.** What the body is; reading it from the network.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Refusal;

/// Stacked encodings beyond this are refused: nobody sends them, and each costs a decoder.
const MAX_STACKED: usize = 2;
/// What decoders read and write at once.
const BUFFER: usize = 16 * 1024;
/// The largest zstd window, as a power of two: what the format asks every decoder to support.
const ZSTD_WINDOW_LOG: u32 = 23;

/// One content encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`, `x-gzip`.
    Gzip,
    /// `deflate`: zlib, or raw deflate where the zlib header is missing.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

/// The encodings of a body, in the order they were applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codings(Vec<Coding>);

/// Why a body does not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The data is corrupt, or ends early; the encoding.
    #[error("corrupt {0} data")]
    Corrupt(&'static str),
    /// It becomes more than the cap.
    #[error("decoded body too large")]
    TooLarge,
    /// More encodings on top of each other than anybody needs.
    #[error("too many content encodings")]
    TooMany,
    /// The bytes did not arrive.
    #[error("connection closed before the end")]
    Broken,
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Corrupt("gzip") => Self::InvalidEncoding("corrupt gzip data"),
            DecodeError::Corrupt("deflate") => Self::InvalidEncoding("corrupt deflate data"),
            DecodeError::Corrupt("br") => Self::InvalidEncoding("corrupt br data"),
            DecodeError::Corrupt(_) => Self::InvalidEncoding("corrupt zstd data"),
            DecodeError::TooLarge => Self::TooLarge(None),
            DecodeError::TooMany => Self::InvalidEncoding("too many content encodings"),
            DecodeError::Broken => Self::BrokenBody,
        }
    }
}

impl DecodeError {
    /// The error inside what a reader returned; any other comes from below the decoders.
    pub fn of(error: &io::Error) -> Self {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).copied().unwrap_or(Self::Broken)
    }
}

impl From<DecodeError> for io::Error {
    fn from(error: DecodeError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl Coding {
    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let is = |name: &str| text.eq_ignore_ascii_case(name);
        Some(match () {
            () if is("gzip") || is("x-gzip") => Self::Gzip,
            () if is("deflate") => Self::Deflate,
            () if is("br") => Self::Brotli,
            () if is("zstd") => Self::Zstd,
            () => return None,
        })
    }
}

impl Codings {
    /// Reads a `Content-Encoding` value. Nothing, `identity`, `UTF-8` and what nobody knows mean plain.
    pub fn parse(header: Option<&str>) -> Result<Self, DecodeError> {
        let codings: Vec<Coding> =
            header.unwrap_or_default().split(',').filter_map(|text| Coding::parse(text.trim())).take(MAX_STACKED + 1).collect();
        if codings.len() > MAX_STACKED { Err(DecodeError::TooMany) } else { Ok(Self(codings)) }
    }

    /// Whether bodies are taken as they are.
    pub const fn is_plain(&self) -> bool {
        self.0.is_empty()
    }

    /// The most bytes on the wire that may become no more than `cap`: what cannot be compressed grows a little by its encoding.
    pub const fn wire_cap(&self, cap: u64) -> u64 {
        if self.is_plain() { cap } else { cap.saturating_mul(2).saturating_add(64 * 1024) }
    }

    /// A reader of the decoded bytes. Reading beyond `cap` bytes fails, and so does a stage between that holds far more.
    pub fn reader<'r>(&self, input: impl Read + Send + 'r, cap: u64) -> io::Result<Box<dyn Read + Send + 'r>> {
        let wire_cap = self.wire_cap(cap);
        let mut reader: Box<dyn Read + Send + 'r> = Box::new(Capped { inner: input, left: wire_cap, coding: None });
        for (at, coding) in self.0.iter().enumerate().rev() {
            reader = stage(*coding, reader, if at == 0 { cap } else { wire_cap })?;
        }
        Ok(reader)
    }
}

/// Decodes a body in memory.
pub fn decode(codings: &Codings, body: &[u8], cap: u64) -> Result<Vec<u8>, DecodeError> {
    let mut decoded = Vec::with_capacity(body.len().saturating_mul(if codings.is_plain() { 1 } else { 4 }).min(1 << 20));
    let read = codings.reader(Cursor::new(body), cap).and_then(|mut reader| reader.read_to_end(&mut decoded));
    read.map(|_| decoded).map_err(|error| DecodeError::of(&error))
}

/// Inflates zlib or raw deflate data; what [`super::store_body`] and crash containers hold inside.
pub fn inflate(body: &[u8], cap: u64) -> Result<Vec<u8>, DecodeError> {
    decode(&Codings(vec![Coding::Deflate]), body, cap)
}

fn stage<'r>(coding: Coding, input: Box<dyn Read + Send + 'r>, cap: u64) -> io::Result<Box<dyn Read + Send + 'r>> {
    let (start, input) = peeked(input)?;
    if start.is_empty() {
        // An empty body is empty in every encoding; the caller says so better than a decoder.
        return Ok(Box::new(io::empty()));
    }
    let decoder: Box<dyn Read + Send + 'r> = match coding {
        Coding::Gzip => Box::new(MultiGzDecoder::new(input)),
        Coding::Deflate if is_zlib(&start) => Box::new(ZlibDecoder::new(input)),
        Coding::Deflate => Box::new(DeflateDecoder::new(input)),
        Coding::Brotli => {
            // The pattern that announces a window beyond 16 MiB, which the format proper reserves.
            if start[0] & 0x7f == 0x11 {
                return Err(DecodeError::Corrupt("br").into());
            }
            Box::new(brotli::Decompressor::new(input, BUFFER))
        }
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    };
    Ok(Box::new(Capped { inner: decoder, left: cap, coding: Some(coding) }))
}

/// The first two bytes, as far as there are any, and a reader of all. A first piece of the body may be a single byte.
fn peeked<'r>(mut input: Box<dyn Read + Send + 'r>) -> io::Result<(Vec<u8>, BufReader<impl Read + Send + 'r>)> {
    let mut start = Vec::with_capacity(2);
    input.by_ref().take(2).read_to_end(&mut start)?;
    let all = Cursor::new(start.clone()).chain(input);
    Ok((start, BufReader::with_capacity(BUFFER, all)))
}

/// Whether data begins with a zlib header: method 8, a window of at most 32 KiB, and a check that is a multiple of 31.
fn is_zlib(start: &[u8]) -> bool {
    match start {
        [first, second, ..] => first & 0x0f == 8 && first >> 4 <= 7 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0,
        _ => false,
    }
}

/// Fails beyond a number of bytes, and names the encoding in errors from below.
struct Capped<R> {
    inner: R,
    left: u64,
    coding: Option<Coding>,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = match self.inner.read(buf) {
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(self.name(error)),
        };
        match self.left.checked_sub(got as u64) {
            Some(left) => self.left = left,
            None => return Err(DecodeError::TooLarge.into()),
        }
        Ok(got)
    }
}

impl<R> Capped<R> {
    fn name(&self, error: io::Error) -> io::Error {
        match self.coding {
            // An error that already has its name, or that came from the network, keeps it.
            Some(coding) if is_decoders(&error) => DecodeError::Corrupt(coding.name()).into(),
            _ => error,
        }
    }
}

/// Decoders fail with these kinds; the network's own errors have others, except for an early end, which the body reader names itself.
fn is_decoders(error: &io::Error) -> bool {
    let ours = error.get_ref().and_then(|inner| inner.downcast_ref::<DecodeError>()).is_some();
    !ours
        && matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other
        )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn encode(coding: &str, data: &[u8]) -> Vec<u8> {
        match coding {
            "gzip" | "x-gzip" | "GZip" => gzip(data),
            "deflate" => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(data).unwrap();
                encoder.finish().unwrap()
            }
            "raw deflate" => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(data).unwrap();
                encoder.finish().unwrap()
            }
            "br" => {
                let mut out = Vec::new();
                let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 5, 20);
                encoder.write_all(data).unwrap();
                drop(encoder);
                out
            }
            "zstd" => zstd::encode_all(data, 1).unwrap(),
            "gzip, br" => encode("br", &gzip(data)),
            _ => data.to_vec(),
        }
    }

    fn decoded(header: &str, body: &[u8], cap: u64) -> Result<Vec<u8>, DecodeError> {
        decode(&Codings::parse(Some(header))?, body, cap)
    }

    const ALL: [&str; 6] = ["gzip", "deflate", "raw deflate", "br", "zstd", "gzip, br"];

    fn header(coding: &str) -> &str {
        coding.trim_start_matches("raw ")
    }

    #[test]
    fn odd_header_values_mean_plain() {
        for value in ["", "identity", "UTF-8", "utf-8", "unknown", " ", ","] {
            assert_eq!(decoded(value, b"plain", 5), Ok(b"plain".to_vec()), "{value}");
        }
        assert!(Codings::parse(None).unwrap().is_plain());
        for value in ["GZip", "x-gzip"] {
            assert_eq!(decoded(value, &gzip(b"x"), 1), Ok(b"x".to_vec()), "{value}");
        }
        assert_eq!(Codings::parse(Some("gzip, gzip, gzip")), Err(DecodeError::TooMany));
    }

    #[test]
    fn the_cap_is_the_largest_size_that_passes() {
        let data = vec![b'a'; 100_000];
        for coding in ALL.into_iter().chain([""]) {
            let body = encode(coding, &data);
            assert_eq!(decoded(header(coding), &body, 100_000).as_deref(), Ok(&data[..]), "{coding}");
            assert_eq!(decoded(header(coding), &body, 99_999), Err(DecodeError::TooLarge), "{coding}");
        }
    }

    #[test]
    fn cut_data_is_corrupt_in_every_encoding() {
        let data: Vec<u8> = (0..5000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for coding in ALL {
            let body = encode(coding, &data);
            for keep in [1, body.len() / 2, body.len() - 1] {
                assert!(matches!(decoded(header(coding), &body[..keep], 1 << 20), Err(DecodeError::Corrupt(_))), "{coding} {keep}");
            }
            assert_eq!(decoded(header(coding), b"", 10), Ok(Vec::new()), "{coding}");
        }
        for coding in ["gzip", "br", "zstd", "deflate"] {
            assert!(matches!(decoded(coding, b"{\"plain\":\"text after all\"}", 1 << 20), Err(DecodeError::Corrupt(_))), "{coding}");
        }
    }

    #[test]
    fn members_behind_each_other_are_one_body() {
        let body = [gzip(b"one,"), gzip(b"two")].concat();
        assert_eq!(decoded("gzip", &body, 100), Ok(b"one,two".to_vec()));
    }

    /// A network that brings one byte at a time.
    struct Trickle<'b>(&'b [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let length = buf.len().min(1);
            self.0.read(&mut buf[..length])
        }
    }

    #[test]
    fn bodies_that_trickle_in_are_decoded_like_others() {
        for coding in ["gzip", "deflate", "raw deflate", "br", "zstd"] {
            let (body, mut out) = (encode(coding, b"hello"), Vec::new());
            let codings = Codings::parse(Some(header(coding))).unwrap();
            codings.reader(Trickle(&body), 5).unwrap().read_to_end(&mut out).unwrap();
            assert_eq!(out, b"hello", "{coding}");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        // 64 MiB in 64 KiB: the decoder must have been asked for no more than the cap and a buffer.
        let bomb = gzip(&vec![0; 64 << 20]);
        let codings = Codings::parse(Some("gzip")).unwrap();
        let mut reader = codings.reader(Cursor::new(&bomb), 1 << 20).unwrap();
        let mut out = Vec::new();
        let error = reader.read_to_end(&mut out).unwrap_err();
        assert_eq!(DecodeError::of(&error), DecodeError::TooLarge);
        assert!(out.len() <= 1 << 20);
        // A bomb in a bomb stops at the stage between.
        let nested = gzip(&gzip(&vec![0; 64 << 20]));
        assert_eq!(decoded("gzip, gzip", &nested, 1 << 10), Err(DecodeError::TooLarge));
    }

    #[test]
    fn windows_beyond_16_mib_are_refused() {
        let mut body = encode("br", b"x");
        body[0] = 0x11;
        assert_eq!(decoded("br", &body, 100), Err(DecodeError::Corrupt("br")));
        // A zstd frame header that asks for a 16 MiB window.
        assert_eq!(decoded("zstd", &[0x28, 0xb5, 0x2f, 0xfd, 0x00, 14 << 3, 1, 0, 0], 100), Err(DecodeError::Corrupt("zstd")));
    }

    proptest! {
        #[test]
        fn every_encoding_gives_back_what_went_in(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
            for coding in ALL {
                prop_assert_eq!(decoded(header(coding), &encode(coding, &data), 1 << 20), Ok(data.clone()), "{}", coding);
            }
        }

        #[test]
        fn garbage_is_an_error_or_some_bytes(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            for coding in ["gzip", "deflate", "br", "zstd"] {
                if let Ok(out) = decoded(coding, &data, 4096) {
                    prop_assert!(out.len() <= 4096);
                }
            }
        }
    }
}
