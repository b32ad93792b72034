//! # The load generator
//! **Promise.** Sends events over so many connections, each with one request under way, and keeps the time to every acknowledgement. An
//! event is sent until it is acknowledged; refusals (429) are counted and waited out.
//! **How.** At full speed every connection has its share and goes on as soon as it was answered. At a fixed rate every event has its moment;
//! when its connection is still busy then, the time it waits for it counts too (else a stalled server would look quick).
//! **When it breaks.** Any other answer ends the benchmark.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use super::client::Client;
use super::database::Clock;
use super::mix::{Maker, Mix};

/// A refused event waits at most so long, whatever `Retry-After` says.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The lanes of the second phase begin here, so that no event id comes twice.
const SECOND_PHASE: u64 = 10_000;

/// Who sends what where.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) mix: Arc<Mix>,
    pub(super) address: String,
    pub(super) connections: u64,
    pub(super) clock: Clock,
}

/// Acknowledgements.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// Milliseconds to each.
    pub(super) times: Vec<f64>,
    /// How often an event was refused before it was taken.
    pub(super) refused: u64,
    /// When the last came.
    pub(super) last: Option<Instant>,
}

impl Acks {
    fn add(&mut self, since: Instant) {
        let now = Instant::now();
        self.times.push((now - since).as_secs_f64() * 1e3);
        self.last = Some(now);
    }

    fn merge(&mut self, other: Self) {
        self.times.extend(other.times);
        self.refused += other.refused;
        self.last = self.last.max(other.last);
    }
}

impl Load {
    /// All `events` as fast as they are taken.
    pub(super) async fn full_speed(&self, events: u64) -> anyhow::Result<Acks> {
        let lanes = (0..self.connections).map(|lane| {
            let (load, share) = (self.clone(), share(events, self.connections, lane));
            async move {
                let mut lane = Lane::open(&load, lane).await?;
                for _ in 0..share {
                    lane.next(Instant::now()).await?;
                }
                anyhow::Ok(lane.acks)
            }
        });
        gather(lanes).await
    }

    /// `events`, `rate` of them a second, beginning at `start`.
    pub(super) async fn fixed_rate(&self, events: u64, rate: f64, start: Instant) -> anyhow::Result<Acks> {
        let lanes = (0..self.connections).map(|lane| {
            let load = self.clone();
            async move {
                let mut connection = Lane::open(&load, SECOND_PHASE + lane).await?;
                for number in (lane..events).step_by(load.connections as usize) {
                    let due = start + Duration::from_secs_f64(number as f64 / rate);
                    // Timers are a millisecond coarse: a connection that was ready in time counts from when it woke up.
                    let since = if Instant::now() < due {
                        sleep_until(due.into()).await;
                        Instant::now()
                    } else {
                        due
                    };
                    connection.next(since).await?;
                }
                anyhow::Ok(connection.acks)
            }
        });
        gather(lanes).await
    }
}

/// How many of `events` the `lane`-th of so many sends.
fn share(events: u64, lanes: u64, lane: u64) -> u64 {
    events / lanes + u64::from(lane < events % lanes)
}

async fn gather<F>(lanes: impl Iterator<Item = F>) -> anyhow::Result<Acks>
where
    F: Future<Output = anyhow::Result<Acks>> + Send + 'static,
{
    let mut running: JoinSet<_> = lanes.collect();
    let mut acks = Acks::default();
    while let Some(lane) = running.join_next().await {
        acks.merge(lane.context("a connection's task died")??);
    }
    Ok(acks)
}

struct Lane<'a> {
    client: Client,
    maker: Maker<'a>,
    clock: Clock,
    request: Vec<u8>,
    acks: Acks,
}

impl<'a> Lane<'a> {
    async fn open(load: &'a Load, lane: u64) -> anyhow::Result<Self> {
        let mut client = Client::new(&load.address);
        client.connect().await.context("cannot connect to the server")?;
        Ok(Self { client, maker: Maker::new(&load.mix, lane), clock: load.clock, request: Vec::new(), acks: Acks::default() })
    }

    async fn next(&mut self, since: Instant) -> anyhow::Result<()> {
        self.maker.make(&mut self.request, self.clock.now());
        self.acks.refused += acknowledged(&mut self.client, &self.request).await?;
        self.acks.add(since);
        Ok(())
    }
}

/// Sends a request until it is taken; says how often it was refused.
pub(super) async fn acknowledged(client: &mut Client, request: &[u8]) -> anyhow::Result<u64> {
    let mut refused = 0;
    loop {
        let answer = client.send(request).await.context("the server did not answer")?;
        match answer.status {
            200 => return Ok(refused),
            429 => {
                refused += 1;
                sleep(answer.retry_after.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)).await;
            }
            other => bail!("the server answered {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::Read as _;

    use chrono::DateTime;
    use parking_lot::Mutex;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::mix::Target;
    use super::*;

    type Seen = Arc<Mutex<Vec<String>>>;

    /// Takes requests and remembers their event ids; refuses each third, closes after each fifth.
    async fn serve(mut stream: TcpStream, seen: Seen) {
        let mut received = Vec::new();
        for number in 1_u32.. {
            let whole = loop {
                if let Some(end) = memchr::memmem::find(&received, b"\r\n\r\n") {
                    let head = std::str::from_utf8(&received[..end]).unwrap();
                    break end + 4 + head.rsplit(": ").next().unwrap().parse::<usize>().unwrap();
                }
                if stream.read_buf(&mut received).await.unwrap() == 0 {
                    return;
                }
            };
            while received.len() < whole {
                stream.read_buf(&mut received).await.unwrap();
            }
            let body = memchr::memmem::find(&received, b"\r\n\r\n").unwrap() + 4;
            let mut text = String::new();
            flate2::read::GzDecoder::new(&received[body..whole]).read_to_string(&mut text).unwrap();
            received.drain(..whole);
            let answer = if number.is_multiple_of(3) {
                "HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
            } else {
                seen.lock().push(text[13..45].to_owned());
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{  }"
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
            if number == 5 {
                return;
            }
        }
    }

    async fn with_server(connections: u64, test: impl AsyncFnOnce(Load) -> Acks) -> (Acks, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let target = Target { host: address.clone(), project: "1".into(), key: "0".repeat(32) };
        let mix = Arc::new(Mix::render(1, 300, &target).unwrap());
        let seen = Seen::default();
        let accepting = {
            let seen = seen.clone();
            async move {
                let mut serving = JoinSet::new();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    serving.spawn(serve(stream, seen.clone()));
                }
            }
        };
        let load = Load { mix, address, connections, clock: Clock::starting(DateTime::UNIX_EPOCH) };
        let acks = tokio::select! {
            acks = test(load) => acks,
            () = accepting => unreachable!("it serves for ever"),
        };
        let seen = seen.lock().clone();
        (acks, seen)
    }

    #[tokio::test]
    async fn every_event_is_acknowledged_once_through_refusals_and_closed_connections() {
        let (acks, seen) = with_server(7, async |load| load.full_speed(100).await.unwrap()).await;
        assert_eq!((acks.times.len(), seen.len()), (100, 100));
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 100);
        assert!(acks.refused > 10, "{}", acks.refused);
    }

    #[tokio::test]
    async fn a_fixed_rate_is_kept() {
        let (acks, seen) = with_server(4, async |load| {
            let start = Instant::now();
            let acks = load.fixed_rate(50, 500.0, start).await.unwrap();
            let took = acks.last.unwrap() - start;
            assert!(took >= Duration::from_millis(98), "{took:?}");
            acks
        })
        .await;
        assert_eq!((acks.times.len(), seen.len()), (50, 50));
    }

    #[test]
    fn shares_add_up() {
        for (events, lanes) in [(100, 7), (3, 64), (64, 64), (0, 2)] {
            assert_eq!((0..lanes).map(|lane| share(events, lanes, lane)).sum::<u64>(), events);
        }
    }
}
