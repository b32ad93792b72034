//! A journal that takes no more: the answer comes before the body is looked at.

use super::*;

fn full() -> JournalOptions {
    JournalOptions { max_bytes: 4096, ..JournalOptions::default() }
}

fn disk_low() -> JournalOptions {
    JournalOptions { min_free_disk: u64::MAX, ..JournalOptions::default() }
}

fn assert_limited(answer: &Answer, reason: &str) {
    let detail = "Sentry dropped data due to a quota or internal rate limit being reached. This will not affect your application.";
    answer.assert_refused(429, detail, None);
    assert_eq!(answer.header("retry-after"), "10");
    assert_eq!(answer.header("x-sentry-rate-limits"), format!("10::organization:{reason}"));
}

#[tokio::test]
async fn nothing_is_read_that_cannot_be_kept() {
    for (options, reason) in [(full(), "journal_full"), (disk_low(), "disk_low")] {
        let house = House::with(options, Settings::default());
        for path in [ENVELOPE, STORE] {
            // Whoever waited for this body would wait for ever.
            let request = post(path).header("content-length", 5000).body(silent_body()).unwrap();
            assert_limited(&house.send(request).await, reason);
        }
        // Without credentials outside, too: they are in what is not read.
        let request = Request::builder().method(Method::POST).uri(ENVELOPE).header("content-length", 5000).body(silent_body()).unwrap();
        assert_limited(&house.send(request).await, reason);
    }
}

/// The beginning of a large body, whose rest never comes.
fn trickle(first_line: &str) -> Body {
    let start = Bytes::from(format!("{first_line}\n{{\"type\":\"attachment\"}}\n{}", "x".repeat(300_000)));
    let start = futures_util::stream::iter([Ok::<_, std::io::Error>(start)]);
    Body::from_stream(start.chain(futures_util::stream::pending()))
}

#[tokio::test]
async fn nobody_without_a_key_takes_up_a_thread() {
    let house = House::with(JournalOptions::default(), Settings { large_bodies: 0, ..Settings::default() });
    let unsigned = |body| Request::post(ENVELOPE).body(body).unwrap();
    // With no thread to be had, whoever waits for one waits for ever: these are refused before.
    house.send(unsigned(trickle("{}"))).await.assert_refused(401, "missing authorization information", None);
    house.send(unsigned(trickle("no header"))).await.assert_refused(400, "invalid event envelope", Some("invalid envelope header"));
    let foreign = "{\"dsn\":\"http://99999999999999999999999999999999@errors.example/42\"}";
    assert_eq!(house.send(unsigned(trickle(foreign))).await.status, 403);
}

#[tokio::test]
async fn a_large_body_that_trickles_is_given_up() {
    tokio::time::pause();
    let house = House::new();
    let start = Bytes::from(format!("{{}}\n{{\"type\":\"attachment\"}}\n{}", "x".repeat(300_000)));
    let counter = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&counter);
    let drops = futures_util::stream::repeat(Bytes::from_static(b"x")).then(move |drop| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            drop
        }
    });
    let body = Body::from_stream(futures_util::stream::iter([start]).chain(drops).map(Ok::<_, std::io::Error>));
    // The clock does not turn by itself while a thread reads.
    let turn = async {
        loop {
            tokio::time::advance(Duration::from_secs(1)).await;
            tokio::task::yield_now().await;
        }
    };
    let answer = tokio::select! {
        answer = house.post(ENVELOPE, body) => answer,
        () = turn => unreachable!(),
    };
    assert_eq!(answer.status, 400, "{answer:?}");
    // Ten minutes would have brought sixty.
    let drops = counter.load(Ordering::Relaxed);
    assert!((1..10).contains(&drops), "{drops} drops");
}

/// A body that begins with so many bytes and then brings a byte every ten seconds.
fn drops(start: &str) -> Body {
    let start = Bytes::from(start.to_owned());
    let drops = futures_util::stream::repeat(Bytes::from_static(b"x")).then(|drop| async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        drop
    });
    Body::from_stream(futures_util::stream::iter([start]).chain(drops).map(Ok::<_, std::io::Error>))
}

#[tokio::test]
async fn bodies_that_trickle_hold_up_no_other() {
    // One thread for large bodies, and every endpoint that needs it.
    let house = House::with(JournalOptions::default(), Settings { large_bodies: 1, ..Settings::default() });
    let begin = "x".repeat(300_000);
    let form = format!("--b\r\n{begin}");
    let slow = |path: &str, media: &str, start: &str| {
        let request = post(path).header("content-type", media).body(drops(start)).unwrap();
        Box::pin(house.send(request))
    };
    let slow = futures_util::future::select_all([
        slow("/api/42/otlp/v1/traces/", "application/json", &begin),
        slow("/api/42/integration/otlp/v1/logs/", "application/json", "x"),
        slow("/api/42/nel/", "application/reports+json", &begin),
        slow("/api/42/minidump/", "multipart/form-data; boundary=b", &form),
        slow("/api/42/minidump/", "multipart/form-data; boundary=b", "--b\r\n"),
        slow(&format!("/api/42/events/{ID}/attachments/"), "multipart/form-data; boundary=b", &form),
        slow(ENVELOPE, "", &format!("{{}}\n{{\"type\":\"attachment\"}}\n{begin}")),
    ]);
    let large = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{begin}\"}}");
    tokio::select! {
        biased;
        (answer, ..) = slow => unreachable!("{answer:?}"),
        answer = house.post(ENVELOPE, large) => { answer.assert_id(ID); }
    }
}

/// As a network brings it.
fn in_pieces(body: &str) -> Body {
    let pieces: Vec<_> = body.as_bytes().chunks(10_000).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
    Body::from_stream(futures_util::stream::iter(pieces))
}

#[tokio::test]
async fn with_no_memory_left_bodies_go_to_disk_and_come_out_the_same() {
    let house = House::new();
    let middle = |text: &str| format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{}\"}}", text.repeat(100_000));
    let room = house.ingest.memory.left();
    let hold = house.ingest.memory.take_all();
    for path in [ENVELOPE, STORE] {
        let body = middle("x");
        let body = if path == STORE { body.rsplit('\n').next().unwrap().to_owned() } else { body };
        assert_eq!(house.post(path, in_pieces(&body)).await.status, 200);
        let record = house.only_record().await;
        assert_eq!(items(&record)[0].payload.len(), body.rsplit('\n').next().unwrap().len());
    }
    drop(hold);
    assert_eq!(house.ingest.memory.left(), room);
    assert_eq!(house.spooled_files(), 0, "their files are gone");
}

#[tokio::test]
async fn bodies_on_their_way_leave_half_of_the_journal_to_others() {
    let house = House::new();
    let hold = house.ingest.disk.take_all();
    let large = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{}\"}}", "x".repeat(300_000));
    let answer = house.post(ENVELOPE, in_pieces(&large)).await;
    assert_limited(&answer, "journal_full");
    house.post(ENVELOPE, event_envelope()).await.assert_id(ID);
    drop(hold);
    house.post(ENVELOPE, in_pieces(&large)).await.assert_id(ID);
    assert_eq!((house.records().await.len(), house.spooled_files()), (2, 0));
}

#[tokio::test]
async fn who_is_not_known_gets_no_more_than_a_beginning_into_memory() {
    tokio::time::pause();
    let house = House::new();
    let room = house.ingest.memory.left();
    // A first line that does not end.
    let endless = Request::post(ENVELOPE).body(drops(&"x".repeat(200_000))).unwrap();
    house.send(endless).await.assert_refused(401, "missing authorization information", None);
    let slow = tokio::time::Instant::now();
    let answer = house.send(Request::post(ENVELOPE).body(drops("x")).unwrap()).await;
    assert_eq!(answer.status, 400);
    assert!(slow.elapsed() <= Duration::from_secs(40), "{:?}", slow.elapsed());
    assert_eq!(house.ingest.memory.left(), room);
}

#[tokio::test]
async fn what_turns_out_too_much_later_is_refused_too() {
    let house = House::with(full(), Settings::default());
    let noise = hex::encode(noise(6000));
    let body = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{noise}\"}}");
    assert_limited(&house.post(ENVELOPE, body.clone()).await, "journal_full");
    assert_limited(&house.post(STORE, format!("{{\"message\":\"{noise}\"}}")).await, "journal_full");
    // A small one still fits.
    house.post(ENVELOPE, event_envelope()).await.assert_id(ID);
    assert_eq!(house.records().await.len(), 1);
}

#[tokio::test]
async fn what_was_refused_is_counted_once_there_is_room() {
    let house = House::with(full(), Settings::default());
    for _ in 0..3 {
        let request = post(ENVELOPE).header("content-length", 5000).body(Body::empty()).unwrap();
        assert_limited(&house.send(request).await, "journal_full");
    }
    assert_eq!(house.ingest.flush_refused(now()).await, 1);
    let record = house.only_record().await;
    assert_eq!(counts(&record.counted), [count("unknown rate_limited journal_full", 3)]);
    assert_eq!(record.received, now().timestamp_micros());
}

#[tokio::test]
async fn counts_that_find_no_room_wait() {
    let house = House::with(disk_low(), Settings::default());
    assert_limited(&house.post(ENVELOPE, event_envelope()).await, "disk_low");
    assert_eq!(house.ingest.flush_refused(now()).await, 0);
    assert_eq!(house.ingest.refused.held(), 1);
}

#[tokio::test]
async fn pictures_are_answered_even_then() {
    let house = House::with(disk_low(), Settings::default());
    let uri = format!("/api/42/store/?sentry_key={KEY}&sentry_data=%7B%7D");
    let answer = house.send(Request::builder().uri(uri).body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type"), answer.header("retry-after")), (200, "image/gif", "10"));
}

#[tokio::test]
async fn a_closed_journal_takes_nothing() {
    let house = House::new();
    house.journal.close().await;
    let answer = house.post(ENVELOPE, event_envelope()).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "10"));
}
