//! What digest makes of items: outcomes, dead letters, counts of users and tags.

use serde_json::json;
use uuid::Uuid;
use vedette::events::tag_stats::TagValues;
use vedette::platform::journal::Record;
use vedette::protocol::record as wire;
use vedette::web::urls;

use crate::harness::events::{envelope, event_id};
use crate::harness::{app_test, error};

#[test]
fn every_item_has_one_outcome() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.set(&shop, json!({"filters": {"releases": ["bad-*"]}})).await;
        let sdk = app.sdk(&shop);
        sdk.capture(error("Boom").id(1)).await.assert_ok();
        sdk.capture(error("Boom").id(1)).await.assert_ok();
        sdk.capture(error("Boom").id(2).release("bad-1")).await.assert_ok();
        let now = app.clock.now().timestamp();
        let report = json!({"timestamp": now, "discarded_events": [
            {"reason": "queue_overflow", "category": "error", "quantity": 7},
            {"reason": "sample_rate", "category": "transaction", "quantity": 2},
        ]});
        let mixed = envelope(&[
            ("event", b"{\"event_id\":"),
            ("session", b"{}"),
            ("never_heard_of", b"abc"),
            ("transaction", b"{}"),
            ("client_report", report.to_string().as_bytes()),
        ]);
        sdk.envelope(mixed).await.assert_ok();
        sdk.envelope(envelope(&[("event", b"[1,2]")])).await.assert_ok();
        app.digest_all().await;
        app.run_jobs().await;
        assert_eq!(
            app.outcomes().await,
            [
                "error discarded queue_overflow 7",
                "error duplicate 1",
                "error filtered release-version 1",
                "error invalid invalid_json 2",
                "error stored 1",
                "session invalid invalid_session 1",
                "transaction discarded sample_rate 2",
                "transaction invalid invalid_transaction 1",
                "transaction_indexed invalid invalid_transaction 1",
                "unknown unsupported 1",
            ]
        );
    });
}

#[test]
fn the_first_and_the_last_release_are_those_of_the_first_and_the_last_event_that_name_one() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let releases = async || {
            app.digest_all().await;
            let row = sqlx::query_as::<_, (String, String)>("select first_release, last_release from issues");
            row.fetch_one(app.db()).await.unwrap()
        };
        for (number, release) in ["", "1.0", "2.0"].into_iter().enumerate() {
            app.sdk(&shop).capture(error("Boom").id(number as u128).release(release)).await.assert_ok();
        }
        assert_eq!(releases().await, ("1.0".to_owned(), "2.0".to_owned()));
        for (number, release) in ["3.0", ""].into_iter().enumerate() {
            app.sdk(&shop).capture(error("Boom").id(10 + number as u128).release(release)).await.assert_ok();
        }
        assert_eq!(releases().await, ("1.0".to_owned(), "3.0".to_owned()));
        app.run_jobs().await;
    });
}

#[test]
fn client_reports_make_a_bounded_number_of_rows_and_lose_no_count() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        for request in 0..3 {
            let line = |n| json!({"reason": format!("own {request} {n}"), "category": "error", "quantity": 2});
            let lines: Vec<_> = (0..1000).map(line).chain([json!({"reason": "sample_rate", "category": "error"})]).take(1000).collect();
            let report = json!({"discarded_events": lines}).to_string();
            app.sdk(&shop).envelope(envelope(&[("client_report", report.as_bytes()); 3])).await.assert_ok();
        }
        app.digest_all().await;
        let (rows, quantity): (i64, i64) =
            sqlx::query_as("select count(*), sum(quantity)::bigint from outcomes").fetch_one(app.db()).await.unwrap();
        assert!(rows <= 25, "{rows} rows");
        assert_eq!(quantity, 3 * 3 * 1000 * 2);
    });
}

#[test]
fn no_claim_of_a_client_overflows_a_counter_or_loses_an_event_beside_it() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let sessions =
            |count: u64| json!({"aggregates": [{"started": "2026-01-01T00:00:00Z", "exited": count}], "attrs": {"release": "1"}});
        let report = json!({"discarded_events": vec![json!({"reason": "sample_rate", "category": "error", "quantity": u64::MAX}); 1000]});
        for (number, count) in [u64::MAX, i64::MAX as u64, i64::MAX as u64, 3].into_iter().enumerate() {
            let event = error("Boom").id(number as u128).0.to_string();
            let sessions = sessions(count).to_string();
            let body = envelope(&[
                ("event", event.as_bytes()),
                ("sessions", sessions.as_bytes()),
                ("client_report", report.to_string().as_bytes()),
            ]);
            let log = b"\n{\"type\":\"log\",\"item_count\":4294967295,\"length\":12}\n{\"items\":[]}";
            app.sdk(&shop).envelope([&body[..], log].concat()).await.assert_ok();
        }
        app.digest_all().await;
        assert_eq!(app.stored().await, 4);
        // What a row has reached, by whatever way, fails no batch either. Category 5: sessions.
        let sessions_counted = "select sum(quantity)::bigint from outcomes where category = 5";
        let before: i64 = sqlx::query_scalar(sessions_counted).fetch_one(app.db()).await.unwrap();
        assert_eq!(before, 3 * 1_000_000 + 3);
        sqlx::query("update outcomes set quantity = 9223372036854775807 where category = 5").execute(app.db()).await.unwrap();
        let event = error("Boom").id(9).0.to_string();
        let sessions = sessions(1).to_string();
        app.sdk(&shop).envelope(envelope(&[("event", event.as_bytes()), ("sessions", sessions.as_bytes())])).await.assert_ok();
        app.digest_all().await;
        assert_eq!(app.stored().await, 5);
        let after: i64 = sqlx::query_scalar(sessions_counted).fetch_one(app.db()).await.unwrap();
        assert!((1..2_000_000_000_000).contains(&after), "{after}");
        sqlx::query("update outcomes set quantity = $1 where category = 5").bind(before + 1).execute(app.db()).await.unwrap();
        app.run_jobs().await;
    });
}

#[test]
fn refused_requests_of_a_known_project_are_counted() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let sdk = app.sdk(&shop);
        sdk.envelope("{}\n{\"type\":\"event\",\"length\":9}\nshort").await.assert_status(400);
        sdk.post("store", "no json").await.assert_status(400);
        app.ingest.flush_refused(app.clock.now()).await;
        app.expected.add(2);
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error invalid invalid_json 1", "unknown invalid invalid_envelope 1"]);
    });
}

#[test]
fn events_of_a_project_that_was_deleted_meanwhile_end_as_invalid() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        sqlx::query("delete from projects").execute(app.db()).await.unwrap();
        app.registry.refresh(app.db()).await.unwrap();
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error invalid project_state 1"]);
    });
}

#[test]
fn events_of_a_project_that_is_deleted_while_they_are_written_end_as_invalid() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        // The registry has not heard of it yet: the event is prepared as if the project were there.
        sqlx::query("delete from projects").execute(app.db()).await.unwrap();
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error invalid project_state 1"]);
    });
}

#[test]
fn a_poison_event_becomes_a_dead_letter_and_its_neighbours_are_stored() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        for number in 0..20 {
            app.sdk(&shop).capture(error("Boom").id(number)).await.assert_ok();
        }
        app.poison.lock().insert(event_id(7));
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error invalid internal 1", "error stored 19"]);
        let letters = app.journal.dead_letters();
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].reason, "poisoned by the test");
        let bytes = app.journal.read_dead_letter(letters[0].seq).await.unwrap().unwrap();
        assert!(!bytes.is_empty());
        app.poison.lock().clear();
        let admin = app.admin("root").await;
        let page = admin.get(&urls::dead_letters()).await;
        page.assert_reads("poisoned by the test");
        admin.post(&urls::dead_letter_retry(letters[0].seq.get()), &[]).await.assert_redirect(&urls::dead_letters());
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error stored 20"], "what was counted as lost is taken back");
        assert_eq!(app.stored().await, 20);
        admin.post(&urls::dead_letter_retry(letters[0].seq.get()), &[]).await.assert_redirect(&urls::dead_letters());
        assert_eq!(app.digest_all().await, 0, "it is gone");
        app.run_jobs().await;
    });
}

#[test]
fn a_dead_letter_that_fails_again_comes_back_and_is_counted_once() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.sdk(&shop).capture(error("Boom").id(7)).await.assert_ok();
        app.poison.lock().insert(event_id(7));
        app.digest_all().await;
        let admin = app.admin("root").await;
        admin.post("/admin/dead-letters/retry", &[]).await.assert_redirect(&urls::dead_letters());
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error invalid internal 1"]);
        let letters = app.journal.dead_letters();
        assert_eq!(letters.len(), 1);
        admin.post(&urls::dead_letter_delete(letters[0].seq.get()), &[]).await.assert_redirect(&urls::dead_letters());
        assert_eq!(app.journal.dead_letters(), []);
    });
}

#[test]
fn a_record_that_nobody_can_read_becomes_a_dead_letter_and_stops_nobody() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.sdk(&shop).capture(error("Boom").id(1)).await.assert_ok();
        app.journal.append(Record::new(app.clock.now(), "no record of ours")).await.unwrap();
        app.sdk(&shop).capture(error("Boom").id(2)).await.assert_ok();
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error stored 2"]);
        let letters = app.journal.dead_letters();
        assert_eq!(letters.len(), 1);
        assert!(!letters[0].reason.is_empty());
        assert!(app.journal.delete_dead_letter(letters[0].seq).await.unwrap());
        app.run_jobs().await;
    });
}

#[test]
fn an_item_of_a_record_that_cannot_be_prepared_has_an_outcome() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let key = sqlx::query_scalar("select key_id from project_keys where project_id = $1").bind(shop.id.0);
        // Ingest gives every event an id; a record without one can only be a defect of ours.
        let key = (shop.id.0, shop.dsn_id, key.fetch_one(app.db()).await.unwrap());
        let without_id = wire::Record {
            envelope: envelope(&[("event", br#"{"message":"who am I"}"#)]),
            ..wire::Record::bare(wire::Endpoint::Envelope, app.clock.now().timestamp_micros(), key)
        };
        app.journal.append(Record::new(app.clock.now(), without_id.encode())).await.unwrap();
        app.expected.add(1);
        app.sdk(&shop).capture(error("Boom").id(2)).await.assert_ok();
        app.digest_all().await;
        assert_eq!(app.outcomes().await, ["error invalid internal 1", "error stored 1"]);
        let letters = app.journal.dead_letters();
        assert_eq!(letters.len(), 1);
        assert!(app.journal.delete_dead_letter(letters[0].seq).await.unwrap());
        app.run_jobs().await;
    });
}

#[test]
fn users_are_counted_exactly_beyond_the_numbers_of_one_bitmap() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        app.sdk(&shop).capture(error("Boom").id(1).user("first")).await.assert_ok();
        app.digest_all().await;
        // 70,000 people of other issues take numbers: from here on new ones are beyond 2^16.
        let others = "insert into project_users (project_id, identity, number)
            select $1, md5(n::text)::uuid, n from generate_series((select next_user_number from projects where project_id = $1), 69999) n";
        sqlx::query(others).bind(shop.id.0).execute(app.db()).await.unwrap();
        sqlx::query("update projects set next_user_number = 70000 where project_id = $1").bind(shop.id.0).execute(app.db()).await.unwrap();
        for (number, user) in ["second", "third", "first", "second", "fourth"].into_iter().enumerate() {
            app.sdk(&shop).capture(error("Boom").id(2 + number as u128).user(user)).await.assert_ok();
        }
        app.digest_all().await;
        app.sdk(&shop).capture(error("Boom").id(20).user("third")).await.assert_ok();
        app.sdk(&shop).capture(error("Boom").id(21)).await.assert_ok();
        app.digest_all().await;
        let counts: (i64, i64) = sqlx::query_as("select event_count, user_count from issues").fetch_one(app.db()).await.unwrap();
        assert_eq!(counts, (8, 4));
        let chunks: Vec<i32> = sqlx::query_scalar("select chunk from issue_users order by 1").fetch_all(app.db()).await.unwrap();
        assert_eq!(chunks, [0, 1]);
        app.run_jobs().await;
    });
}

#[test]
fn tag_values_are_counted_per_issue() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        for (number, plan) in ["gold", "gold", "iron", "gold"].into_iter().enumerate() {
            app.sdk(&shop).capture(error("Boom").id(number as u128).tag("plan", plan)).await.assert_ok();
            app.digest_all().await;
        }
        app.sdk(&shop).capture(error("Boom").id(3).tag("plan", "gold")).await.assert_ok();
        app.digest_all().await;
        let packed: Vec<u8> = sqlx::query_scalar("select packed from issue_tags where key = 'plan'").fetch_one(app.db()).await.unwrap();
        let tags = TagValues::decode(&packed);
        assert_eq!((tags.total, tags.values), (4, vec![("gold".to_owned(), 3), ("iron".to_owned(), 1)]));
        app.run_jobs().await;
    });
}

#[test]
fn issues_keep_their_first_and_last_when_events_come_out_of_order() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let late = app.another_server();
        late.sdk(&shop).capture(error("Boom").id(1).release("1.0")).await.assert_ok();
        app.clock.advance(chrono::TimeDelta::minutes(5));
        app.sdk(&shop).capture(error("Boom").id(2).release("1.1")).await.assert_ok();
        app.digest_all().await;
        late.digest_all().await;
        let (first, last, release): (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>, String) =
            sqlx::query_as("select first_seen, last_seen, last_release from issues").fetch_one(app.db()).await.unwrap();
        assert_eq!((last - first, release.as_str()), (chrono::TimeDelta::minutes(5), "1.1"));
        app.run_jobs().await;
    });
}

#[test]
fn an_event_without_id_gets_one_and_the_answer_names_it() {
    app_test(async |app| {
        let shop = app.project("shop").await;
        let answer = app.sdk(&shop).capture(error("Boom")).await.assert_ok();
        let id = Uuid::try_parse(answer.json()["id"].as_str().unwrap()).unwrap();
        app.digest_all().await;
        let stored: Uuid = sqlx::query_scalar("select event_id from events").fetch_one(app.db()).await.unwrap();
        assert_eq!(stored, id);
        app.run_jobs().await;
    });
}
