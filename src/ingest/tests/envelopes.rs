//! What becomes of the items of an envelope.

use super::*;
use crate::protocol::limits::MIB;

fn envelope(items: &[&str]) -> String {
    format!("{{\"event_id\":\"{ID}\"}}\n{}", items.join("\n"))
}

fn attachment(name: &str, size: usize) -> String {
    format!("{{\"type\":\"attachment\",\"filename\":\"{name}\",\"length\":{size}}}\n{}", "a".repeat(size))
}

fn event(size: usize) -> String {
    format!("{{\"type\":\"event\",\"length\":{size}}}\n{{\"message\":\"{}\"}}", "x".repeat(size - 14))
}

#[tokio::test]
async fn what_is_framed_is_kept_byte_for_byte() {
    let house = House::new();
    let body = [
        &b"{\"event_id\":\"580C0000-0000-0000-0000-000000000020\",\"sent_at\":\"2026-11-22T12:00:31.603532Z\",\"sdk\":{\"name\":\"s\"},\"trace\":{\"trace_id\":\"t\"}}\r\n"[..],
        b"\n \r\n{\"type\":\"attachment\",\"filename\":\"a\xc3\xa4.bin\",\"length\":5} \n\n\x00\xff\n{\n",
        b"{\"type\":\"event\"}\n{\"message\":\"b\"}\r\n",
        b"{\"type\":\"user_report\",\"length\":0}\n\n",
        b"{\"type\":\"client_report\",\"length\":null}",
    ]
    .concat();
    house.post(ENVELOPE, body).await.assert_id(ID);
    let record = house.only_record().await;
    let header = record.open().unwrap().header;
    assert_eq!(header.sent_at.unwrap().timestamp_micros(), 1_795_348_831_603_532);
    assert_eq!((header.sdk.unwrap()["name"].as_str(), header.trace.unwrap()["trace_id"].as_str()), (Some("s"), Some("t")));
    let items = items(&record);
    let payloads: Vec<&[u8]> = items.iter().map(|item| &item.payload[..]).collect();
    assert_eq!(payloads, [&b"\n\x00\xff\n{"[..], b"{\"message\":\"b\"}\r", b"", b""]);
    assert_eq!(items[0].header.filename.as_deref(), Some("aä.bin"));
    assert_eq!(kinds(&record), ["attachment", "event", "user_report", "client_report"]);
}

#[tokio::test]
async fn what_cannot_be_framed_counts_as_nothing() {
    let house = House::new();
    let invalid = "invalid event envelope";
    for (body, detail, cause) in [
        ("", "empty request body", None),
        (" \r\n\n", "empty request body", None),
        ("\u{feff}", "empty request body", None),
        ("nonsense\n{}", invalid, Some("invalid envelope header")),
        ("[]\n", invalid, Some("invalid envelope header")),
        ("{}\nnonsense\n{}", invalid, Some("invalid item header")),
        ("{}\n{\"type\":\"event\",\"length\":-1}\n{}", invalid, Some("invalid item header")),
        ("{}\n{\"type\":\"event\",\"length\":\"2\"}\n{}", invalid, Some("invalid item header")),
        ("{}\n{\"type\":\"event\",\"length\":1.5}\n{}", invalid, Some("invalid item header")),
        ("{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"attachment\",\"length\":3}\nab", invalid, Some("unexpected end of file")),
        ("{}\n{\"type\":\"attachment\",\"length\":1}", invalid, Some("unexpected end of file")),
        ("{}\n{\"type\":\"attachment\",\"length\":99999999999999}\nab", invalid, Some("unexpected end of file")),
        ("{}\n{\"type\":\"attachment\",\"length\":18446744073709551615}\nab", invalid, Some("unexpected end of file")),
        (
            "{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"attachment\",\"length\":1}\nab\n",
            invalid,
            Some("missing newline after header or payload"),
        ),
    ] {
        house.post(ENVELOPE, body).await.assert_refused(400, detail, cause);
    }
    let not_utf8 = house.post(ENVELOPE, &b"{\"a\":\"\xff\"}\n"[..]).await;
    not_utf8.assert_refused(400, invalid, Some("invalid envelope header"));
    assert!(house.records().await.is_empty());
    assert_eq!(house.ingest.flush_refused(now()).await, 1);
    let record = house.only_record().await;
    assert_eq!(counts(&record.counted), [count("unknown invalid invalid_envelope", 12), count("unknown invalid no_data", 3)]);
    assert_eq!((record.dsn_id, record.key_id), (42, 1));
    assert_eq!(house.ingest.flush_refused(now()).await, 0, "each is counted once");
}

#[tokio::test]
async fn the_answer_has_the_envelopes_id() {
    let house = House::new();
    for (body, id) in [
        ("{}", None),
        ("\u{feff}{}\n", None),
        ("{}\n{\"type\":\"sessions\"}\n{}", None),
        ("{}\n{\"type\":\"client_report\"}\n{}", None),
        ("{\"event_id\":\"580c0000000000000000000000000020\"}", Some(ID)),
        ("{\"event_id\":\"580c0000000000000000000000000020\"}\n{\"type\":\"nonsense\"}\n{}", Some(ID)),
        ("{\"event_id\":null}\n{\"type\":\"event\"}\n{\"event_id\":\"580c0000-0000-0000-0000-000000000020\"}", Some(ID)),
        ("{}\n{\"type\":\"event\"}\nnonsense", Some(NEW_ID)),
        ("{\"event_id\":\"x\"}\n{\"type\":\"attachment\"}\nx", Some(NEW_ID)),
    ] {
        let answer = house.post(ENVELOPE, body).await;
        match id {
            Some(id) => answer.assert_id(id),
            None => assert_eq!((answer.status.as_u16(), answer.json()), (200, serde_json::json!({})), "{body}"),
        }
    }
    let ids: Vec<_> = house.records().await.iter().map(|record| record.event_id.map(|id| id.to_string())).collect();
    let id = |text: &str| Some(text.to_owned());
    assert_eq!(ids, [None, None, id(ID), id(ID), id(NEW_ID), id(NEW_ID)], "nothing to keep, nothing to count: no record");
}

#[tokio::test]
async fn unknown_kinds_do_not_cost_their_neighbours() {
    let house = House::new();
    let body = envelope(&[
        "{\"type\":\"profile_of_the_future\"}\n{}",
        "{\"type\":\"replay_recording\",\"length\":3}\n\n\n\n",
        "{\"type\":\"event\"}\n{}",
        "{\"no_type\":1}\n{}",
        "{\"type\":5}\n{}",
        "{\"type\":\"log\",\"item_count\":3,\"length\":2}\n{}",
        "{\"type\":\"session\"}\n{}",
        "{\"type\":\"sessions\"}\n{\"attrs\":{\"release\":\"a\"},\"aggregates\":[{\"exited\":41}]}",
    ]);
    house.post(ENVELOPE, body).await.assert_id(ID);
    let record = house.only_record().await;
    assert_eq!(kinds(&record), ["event"]);
    let expected = [
        count("log_byte invalid invalid_json", 2),
        count("log_item invalid invalid_json", 3),
        count("replay invalid invalid_replay_recording", 0),
        count("session invalid invalid_session", 1),
        count("session unsupported", 41),
        count("unknown invalid payload", 2),
        count("unknown unsupported", 1),
    ];
    assert_eq!(counts(&record.counted), expected);
}

#[tokio::test]
async fn bad_payloads_are_digests_business() {
    let house = House::new();
    house.post(ENVELOPE, envelope(&["{\"type\":\"event\"}\n{\"a\":", "{\"type\":\"user_report\"}\n\u{0}"])).await.assert_id(ID);
    assert_eq!(kinds(&house.only_record().await), ["event", "user_report"]);
}

#[tokio::test]
async fn surplus_items_are_left_out() {
    let house = House::new();
    let mut all = vec!["{\"type\":\"event\"}\n{\"n\":1}", "{\"type\":\"event\"}\n{\"n\":2}", "{\"type\":\"feedback\"}\n{}"];
    all.extend(std::iter::repeat_n("{\"type\":\"attachment\",\"length\":2}\nab", 33));
    house.post(ENVELOPE, envelope(&all)).await.assert_id(ID);
    let record = house.only_record().await;
    let items = items(&record);
    assert_eq!((items.len(), &items[0].payload[..]), (31, &b"{\"n\":1}"[..]));
    let expected = [
        count("attachment invalid duplicate_item", 6),
        count("attachment_item invalid duplicate_item", 3),
        count("error invalid duplicate_item", 1),
        count("feedback invalid duplicate_item", 1),
    ];
    assert_eq!(counts(&record.counted), expected);
}

#[tokio::test]
async fn an_envelope_of_very_many_items_costs_little() {
    let house = House::new();
    let report = "{\"type\":\"user_report\"}\n{}\n";
    house.post(ENVELOPE, format!("{{\"event_id\":\"{ID}\"}}\n{}", report.repeat(100_000))).await.assert_id(ID);
    let record = house.only_record().await;
    assert_eq!(items(&record).len(), 1000);
    assert_eq!(counts(&record.counted), [count("feedback invalid duplicate_item", 99_000)]);
}

#[tokio::test]
async fn an_event_ends_at_its_limit_and_takes_the_envelope_along() {
    let house = House::new();
    let limit = MIB as usize;
    house.post(ENVELOPE, envelope(&[&event(limit)])).await.assert_id(ID);
    let detail = "envelope exceeded size limits for type 'event' (https://develop.sentry.dev/sdk/envelopes/#size-limits)";
    for body in [
        envelope(&[&attachment("a", 10), &event(limit + 1)]),
        envelope(&[&event(limit + 1).replacen(&format!(",\"length\":{}", limit + 1), "", 1)]),
        envelope(&[&event(3 * limit)]),
    ] {
        house.post(ENVELOPE, body).await.assert_refused(413, detail, None);
    }
    // A kind that is not kept costs its neighbours nothing.
    house.post(ENVELOPE, envelope(&[&event(limit + 1).replacen("event", "transaction", 1), &attachment("a", 10)])).await.assert_id(ID);
    let records = house.records().await;
    assert_eq!((records.len(), kinds(&records[1])), (2, vec!["attachment"]));
    house.ingest.flush_refused(now()).await;
    assert_eq!(counts(&house.only_record().await.counted), [count("error invalid too_large:event", 3)]);
}

#[tokio::test]
async fn other_items_that_are_too_large_are_left_out_alone() {
    let limits = Limits { attachment: 1000, attachments_total: 2500, client_report: 50, ..Limits::default() };
    let house = House::with(JournalOptions::default(), Settings { limits, ..Settings::default() });
    let without_length = attachment("c", 1001).replacen(",\"length\":1001", "", 1);
    let body = envelope(&[
        &attachment("at the limit", 1000),
        &attachment("b", 1001),
        &without_length,
        &event(100),
        &attachment("d", 1000),
        &attachment("more than all together", 501),
        &attachment("e", 500),
        &format!("{{\"type\":\"client_report\"}}\n{}", "r".repeat(51)),
    ]);
    house.post(ENVELOPE, body).await.assert_id(ID);
    let record = house.only_record().await;
    let names: Vec<_> = items(&record).into_iter().filter_map(|item| item.header.filename).collect();
    assert_eq!(names, ["at the limit", "d", "e"]);
    assert_eq!(
        counts(&record.counted),
        [count("attachment invalid too_large:attachment", 2503), count("attachment_item invalid too_large:attachment", 3)]
    );
}

#[tokio::test]
async fn what_headers_say_is_held_like_payloads() {
    let house = House::new();
    // Eighteen names of a million letters: sixteen fit into the memory of an envelope.
    let named = attachment(&"n".repeat(1_000_000), 1);
    house.post(ENVELOPE, envelope(&vec![&*named; 18])).await.assert_id(ID);
    let record = house.only_record().await;
    assert_eq!(items(&record).len() + record.spooled.len(), 16);
    assert_eq!(
        counts(&record.counted),
        [count("attachment invalid too_large:attachment", 2), count("attachment_item invalid too_large:attachment", 2)]
    );
}

#[tokio::test]
async fn many_small_attachments_leave_room_for_a_large_event() {
    let limits = Limits { event: 8 * MIB, attachments_count: 100, ..Limits::default() };
    let house = House::with(JournalOptions::default(), Settings { limits, ..Settings::default() });
    let size = 120 << 10;
    assert!(size < Settings::default().spool_from as usize);
    let mut all = vec![attachment("small", size); 100];
    all.push(event(8 * MIB as usize));
    house.post(ENVELOPE, envelope(&all.iter().map(String::as_str).collect::<Vec<_>>())).await.assert_id(ID);
    let record = house.only_record().await;
    assert_eq!((kinds(&record).last(), &record.counted), (Some(&"event"), &vec![]));
    assert_eq!(items(&record).len() - 1 + record.spooled.len(), 100);
    assert!(record.spooled.len() > 20, "those beyond half of the memory are on disk");
}

#[tokio::test]
async fn large_attachments_go_to_the_spool() {
    let house = House::new();
    let large = Settings::default().spool_from as usize;
    // The first envelope is read at once, the second in pieces by a thread.
    for sizes in [[large, large - 1, 10, large + 5], [3 * large, 20, large, 2 * large]] {
        let names = ["a", "b", "c", "d"];
        let mut all: Vec<_> = names.iter().zip(sizes).map(|(name, size)| attachment(name, size)).collect();
        all.insert(2, event(200));
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        house.post(ENVELOPE, envelope(&all)).await.assert_id(ID);
        let entries = house.journal.next_batch(BatchLimits { records: 1, bytes: usize::MAX }).await.unwrap();
        let record = Record::decode(&entries[0].body).unwrap();
        let spooled: Vec<_> =
            names.iter().zip(sizes).filter(|(_, size)| *size >= large).map(|(name, size)| ((*name).to_owned(), size)).collect();
        let named: Vec<_> = record.spooled.iter().map(|item| (item.header.filename.clone().unwrap(), item.length as usize)).collect();
        assert_eq!(named, spooled);
        assert_eq!(items(&record).len(), 5 - spooled.len());
        assert_eq!(entries[0].spool.len(), spooled.len());
        for (id, (_, size)) in entries[0].spool.iter().zip(&spooled) {
            assert_eq!(std::fs::read(house.journal.spool_path(*id)).unwrap(), vec![b'a'; *size]);
        }
    }
}

#[tokio::test]
async fn a_refused_envelope_leaves_nothing_in_the_spool() {
    let house = House::new();
    let large = attachment("a", 600 * 1024);
    let cut = "{\"type\":\"attachment\",\"length\":9}\nab";
    for body in [envelope(&[&large, cut]), envelope(&[&large, &large, &large, cut]), envelope(&[&large, &event(2 << 20)])] {
        let answer = house.post(ENVELOPE, body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 413), "{answer:?}");
    }
    assert!(house.records().await.is_empty());
    assert_eq!(house.spooled_files(), 0);
}

#[tokio::test]
async fn what_stays_in_memory_is_bounded() {
    let house = House::new();
    let report = format!("{{\"type\":\"user_report\"}}\n{}\n", "r".repeat(1 << 20));
    let (body, _) = counted_body(std::iter::once(Bytes::from("{}\n")).chain(std::iter::repeat_n(Bytes::from(report), 40)));
    house.post(ENVELOPE, body).await.assert_id(NEW_ID);
    let record = house.only_record().await;
    let kept = items(&record).len() as u64;
    assert_eq!(counts(&record.counted), [count("feedback invalid too_large:user_report", 40 - kept)]);
    assert!(record.envelope.len() < 17 << 20);
}
