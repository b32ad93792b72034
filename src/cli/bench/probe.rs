//! # Probes: from sending to seeing
//! **Promise.** The time from sending an event to finding it in the issue list, for a marked event every 200 ms. Looking takes place every
//! 20 ms, so that times are too long by 10 ms on average, never too short.

use std::time::{Duration, Instant};

use anyhow::bail;
use chrono::{DateTime, Utc};
use tokio::time::sleep_until;

use super::client::Client;
use super::database::{Clock, Database};
use super::load::acknowledged;
use super::mix::Target;

const SEND_EVERY: Duration = Duration::from_millis(200);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A probe not seen by then is lost.
const GIVE_UP_AFTER: Duration = Duration::from_mins(1);

/// What became of the probes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Milliseconds from sending to seeing.
    pub(super) times: Vec<f64>,
    pub(super) acknowledged: u64,
    pub(super) refused: u64,
}

/// A marked event under way.
struct Probe {
    title: String,
    sent: Instant,
}

/// Sends probes until `end` and waits for the last.
pub(super) async fn watch(database: &mut Database, target: &Target, clock: Clock, end: Instant) -> anyhow::Result<Seen> {
    let mut client = Client::new(&target.host);
    let mut seen = Seen::default();
    let mut pending: Vec<Probe> = Vec::new();
    let mut next = Instant::now();
    loop {
        let now = Instant::now();
        if now >= next && now < end {
            let title = format!("bench probe {}", seen.acknowledged);
            let request = request(target, &title, (seen.acknowledged, clock.now()));
            seen.refused += acknowledged(&mut client, request.as_bytes()).await?;
            seen.acknowledged += 1;
            pending.push(Probe { title, sent: now });
            next += SEND_EVERY;
        }
        if !pending.is_empty() {
            let titles: Vec<String> = pending.iter().map(|probe| probe.title.clone()).collect();
            let listed = database.listed(&titles).await?;
            let now = Instant::now();
            let found = pending.extract_if(.., |probe| listed.contains(&probe.title));
            seen.times.extend(found.map(|probe| (now - probe.sent).as_secs_f64() * 1e3));
        }
        match pending.first() {
            Some(lost) if lost.sent.elapsed() > GIVE_UP_AFTER => bail!("\"{}\" did not appear in the issue list", lost.title),
            None if Instant::now() >= end => return Ok(seen),
            _ => sleep_until((now + LOOK_EVERY).into()).await,
        }
    }
}

/// An event that makes an issue of its own, as a whole HTTP request. Its fingerprint is not its message: that would count without its number.
fn request(target: &Target, title: &str, (number, time): (u64, DateTime<Utc>)) -> String {
    let Target { host, project, key } = target;
    // A version 4 UUID that no lane of the mix makes.
    let id = format!("be9c0000000040008000{number:012x}");
    let time = time.format("%Y-%m-%dT%H:%M:%S%.6fZ");
    let body = format!(
        "{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{{\"event_id\":\"{id}\",\"timestamp\":\"{time}\",\"platform\":\"python\",\
         \"level\":\"error\",\"message\":\"{title}\",\"fingerprint\":[\"probe-{number}\"]}}\n"
    );
    format!(
        "POST /api/{project}/envelope/ HTTP/1.1\r\nHost: {host}\r\n\
         X-Sentry-Auth: Sentry sentry_version=7, sentry_client=vedette-bench/1.0, sentry_key={key}\r\n\
         Content-Type: application/x-sentry-envelope\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_probe_is_an_envelope_with_an_event_of_its_own() {
        let target = Target { host: "127.0.0.1:1".into(), project: "5".into(), key: "k".into() };
        let text = request(&target, "bench probe 3", (3, DateTime::UNIX_EPOCH));
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /api/5/envelope/ HTTP/1.1\r\n") && head.ends_with(&format!("Content-Length: {}", body.len())));
        let lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["event_id"], lines[2]["event_id"]);
        assert_eq!(lines[0]["event_id"].as_str().unwrap().len(), 32);
        assert_eq!(lines[2]["fingerprint"][0], "probe-3");
    }
}
