//! # The mix: realistic events, cheap to make
//! **Promise.** Every event has its own id; 300 issues and 10,000 users appear by Zipf's law; the same seed makes the same mix.
//! **How.** A pool of bodies is rendered and compressed before the clock starts. An event takes one of them and puts its id, times and user
//! in front, in a *stored* deflate block, so that making it costs a copy and a checksum instead of a compression. The result is an ordinary
//! gzip stream of about 1.6 KB (a third more than DESIGN asks for: field names and source lines take that).
//! **Not here.** What the events say (`shapes`), sending them (`load`).

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::dice::{Dice, Zipf, mix};
use super::shapes::{self, Sdk};

/// Issues in the mix.
pub(super) const ISSUES: usize = 300;
/// Users in the mix.
const USERS: usize = 10_000;
/// Exponent of both laws: the first of 300 issues then has a sixth of all events.
const EXPONENT: f64 = 1.0;
/// Seconds have ten digits then, as they do until 2286.
const SOME_TIME: i64 = 1_764_000_000_123_456;
/// First bytes of a gzip stream: deflate, no flags, no time, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Where the events go.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// `host:port`, as the `Host` header has it.
    pub(super) host: String,
    /// The DSN's number.
    pub(super) project: String,
    /// The DSN's key.
    pub(super) key: String,
}

/// What is the same for all events of one rendered body.
struct Body {
    sdk: Sdk,
    /// The request up to the `Content-Length`'s value.
    request: String,
    /// Length of the uncompressed payload.
    payload_len: usize,
    /// The rest of the payload, as the end of a deflate stream.
    tail: Vec<u8>,
    tail_len: usize,
    tail_crc: Crc,
}

/// All rendered bodies, shared by the connections.
pub(super) struct Mix {
    bodies: Vec<Body>,
    users: Zipf,
    seed: u64,
}

/// Sizes of the mix, for the report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) json: f64,
    pub(super) gzip: f64,
}

impl Mix {
    /// Renders `count` bodies. Every issue has at least one, the others are drawn.
    pub(super) fn render(seed: u64, count: usize, target: &Target) -> io::Result<Self> {
        let issues = Zipf::new(ISSUES, EXPONENT);
        let mut dice = Dice::new(seed, u64::MAX);
        let bodies = (0..count.max(ISSUES))
            .map(|number| {
                let issue = if number < ISSUES { number } else { issues.draw(&mut dice) };
                Body::render(seed, (issue, number as u64), target)
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { bodies, users: Zipf::new(USERS, EXPONENT), seed })
    }

    /// Mean sizes of an event's JSON and of its compressed envelope, weighted as they are sent.
    pub(super) fn sizes(&self) -> Sizes {
        const SAMPLE: usize = 2_000;
        let now = DateTime::from_timestamp_micros(SOME_TIME).unwrap_or_default();
        let mut maker = Maker::new(self, 0);
        let mut request = Vec::new();
        let (mut json, mut gzip) = (0, 0);
        for _ in 0..SAMPLE {
            let body = maker.make(&mut request, now);
            json += self.bodies[body].payload_len;
            gzip += request.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |end| request.len() - end - 4);
        }
        Sizes { json: json as f64 / SAMPLE as f64, gzip: gzip as f64 / SAMPLE as f64 }
    }
}

impl Body {
    fn render(seed: u64, (issue, variant): (usize, u64), target: &Target) -> io::Result<Self> {
        let sdk = Sdk::of_issue(issue as u64);
        let event = shapes::event(seed, issue as u64, variant).to_string();
        let tail = &event.as_bytes()[1..]; // the opening brace is the head's
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(tail)?;
        let mut tail_crc = Crc::new();
        tail_crc.update(tail);
        let (name, version) = sdk.name();
        let Target { host, project, key } = target;
        let request = format!(
            "POST /api/{project}/envelope/ HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {name}/{version}\r\n\
             X-Sentry-Auth: Sentry sentry_version=7, sentry_client={name}/{version}, sentry_key={key}\r\n\
             Content-Type: application/x-sentry-envelope\r\nContent-Encoding: gzip\r\nContent-Length: "
        );
        let mut body = Self { sdk, request, payload_len: 0, tail: encoder.finish()?, tail_len: tail.len(), tail_crc };
        body.payload_len = body.payload_head(&Stamp { micros: SOME_TIME, ..Stamp::default() }).len() + tail.len();
        Ok(body)
    }

    /// The start of the payload: what differs in every event. Always the same length.
    fn payload_head(&self, stamp: &Stamp) -> String {
        let Stamp { id, micros, user } = stamp;
        let time = if self.sdk.has_text_times() {
            format!("\"{}\"", text_time(*micros))
        } else {
            format!("{}.{:03}", micros / 1_000_000, micros / 1_000 % 1_000)
        };
        // Three digits in each part, so that the length never changes.
        let (b, c) = (user / 100 + 100, user % 100 + 100);
        let number = user + 10_000;
        format!(
            "{{\"event_id\":\"{id:032x}\",\"timestamp\":{time},\"user\":{{\"id\":\"{number}\",\"email\":\"u{number}@example.com\",\"ip_address\":\"10.77.{b}.{c}\"}},"
        )
    }

    /// The envelope up to where the compressed rest begins.
    fn head(&self, stamp: &Stamp) -> String {
        format!(
            "{{\"event_id\":\"{:032x}\",\"sent_at\":\"{}\"}}\n{{\"type\":\"event\",\"length\":{}}}\n{}",
            stamp.id,
            text_time(stamp.micros),
            self.payload_len,
            self.payload_head(stamp)
        )
    }
}

/// What makes an event its own.
#[derive(Debug, Default)]
struct Stamp {
    id: u128,
    micros: i64,
    user: usize,
}

fn text_time(micros: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// Makes one connection's events.
pub(super) struct Maker<'a> {
    mix: &'a Mix,
    dice: Dice,
    lane: u64,
    made: u64,
}

impl<'a> Maker<'a> {
    /// `lane` tells connections (and phases) apart: no two makers of one run may share it.
    pub(super) fn new(mix: &'a Mix, lane: u64) -> Self {
        Self { mix, dice: Dice::new(mix.seed ^ 0x1a2e, lane), lane, made: 0 }
    }

    /// Writes the next event's whole HTTP request into `out`; says which body it has.
    pub(super) fn make(&mut self, out: &mut Vec<u8>, now: DateTime<Utc>) -> usize {
        let index = self.dice.below(self.mix.bodies.len() as u64) as usize;
        let body = &self.mix.bodies[index];
        self.made += 1;
        let stamp = Stamp {
            id: event_id(self.mix.seed, self.lane, self.made),
            micros: now.timestamp_micros(),
            user: self.mix.users.draw(&mut self.dice),
        };
        let head = body.head(&stamp);
        let mut crc = Crc::new();
        crc.update(head.as_bytes());
        crc.combine(&body.tail_crc);
        let length = GZIP_HEADER.len() + 5 + head.len() + body.tail.len() + 8;
        out.clear();
        out.extend_from_slice(body.request.as_bytes());
        out.extend_from_slice(length.to_string().as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&GZIP_HEADER);
        out.push(0); // a stored block, not the last
        let stored = head.len() as u16;
        out.extend_from_slice(&stored.to_le_bytes());
        out.extend_from_slice(&(!stored).to_le_bytes());
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&body.tail);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&((head.len() + body.tail_len) as u32).to_le_bytes());
        index
    }
}

/// Unique per lane and number; looks random, as SDKs' ids do (an index must not profit from order), with the bits of a version 4 UUID.
fn event_id(seed: u64, lane: u64, number: u64) -> u128 {
    // Both halves are bijections of (lane, number) before the version bits go over them; the low half keeps 62 bits of its own.
    let place = (lane << 40) | number;
    let high = mix(place ^ mix(seed));
    let low = mix(place.wrapping_add(mix(!seed)));
    let id = (u128::from(high) << 64) | u128::from(low);
    (id & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::io::Read;

    use serde_json::Value;

    use super::*;

    fn mix() -> Mix {
        let target = Target { host: "127.0.0.1:8000".into(), project: "7".into(), key: "0123456789abcdef0123456789abcdef".into() };
        Mix::render(1, ISSUES, &target).unwrap()
    }

    /// The head of a request and its envelope, decompressed and split into lines.
    fn open(request: &[u8]) -> (String, Vec<String>) {
        let end = request.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8(request[..end].to_vec()).unwrap();
        let length: usize = head.split("Content-Length: ").nth(1).unwrap().trim().parse().unwrap();
        assert_eq!(length, request.len() - end);
        let mut envelope = String::new();
        flate2::read::GzDecoder::new(&request[end..]).read_to_string(&mut envelope).unwrap();
        (head, envelope.lines().map(str::to_owned).collect())
    }

    #[test]
    fn requests_are_sound_envelopes_in_sound_gzip() {
        let mix = mix();
        let mut maker = Maker::new(&mix, 3);
        let mut request = Vec::new();
        let mut seen = HashSet::new();
        let mut users: HashMap<String, u32> = HashMap::new();
        let now = DateTime::from_timestamp_micros(SOME_TIME).unwrap();
        for _ in 0..3_000 {
            maker.make(&mut request, now);
            let (head, lines) = open(&request);
            assert!(head.starts_with("POST /api/7/envelope/ HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"));
            let [envelope, item, event] = &lines[..] else { panic!("{} lines", lines.len()) };
            let length = event.len();
            let [envelope, item, event] = [envelope, item, event].map(|line| serde_json::from_str::<Value>(line).unwrap());
            assert_eq!(item["length"], length as u64, "fixed-width stamps");
            assert_eq!(envelope["event_id"], event["event_id"]);
            assert!(seen.insert(event["event_id"].as_str().unwrap().to_owned()));
            assert!(event["timestamp"] == "2025-11-24T16:00:00.123456Z" || event["timestamp"] == 1_764_000_000.123);
            assert!(event["user"]["ip_address"].as_str().unwrap().parse::<std::net::Ipv4Addr>().is_ok());
            *users.entry(event["user"]["id"].to_string()).or_default() += 1;
        }
        assert!(users.len() > 700 && users.values().max() > Some(&200), "many users, one of them often");
    }

    #[test]
    fn ids_of_different_lanes_never_meet() {
        let ids: HashSet<u128> = (0..100).flat_map(|lane| (0..1_000).map(move |number| event_id(1, lane, number))).collect();
        assert_eq!(ids.len(), 100_000);
        assert!(ids.iter().all(|id| (id >> 76) & 0xf == 4));
    }

    #[test]
    fn sizes_are_those_of_the_design() {
        let sizes = mix().sizes();
        assert!((5_500.0..6_500.0).contains(&sizes.json), "{sizes:?}");
        assert!((1_000.0..1_700.0).contains(&sizes.gzip), "{sizes:?}");
    }

    #[test]
    fn the_same_seed_makes_the_same_requests() {
        let make = || {
            let mix = mix();
            let mut request = Vec::new();
            Maker::new(&mix, 1).make(&mut request, DateTime::UNIX_EPOCH);
            request
        };
        assert_eq!(make(), make());
    }
}
