//! Records: what is written is read; what is not a record is an error.

use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::protocol::InvalidReason;

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Unsupported),
        Just(Outcome::Invalid(InvalidReason::TooLarge("attachment"))),
        Just(Outcome::Invalid(InvalidReason::DuplicateItem)),
        "[a-z_]{0,10}".prop_map(|reason| Outcome::RateLimited(reason.into())),
        "\\PC{0,10}".prop_map(Outcome::Discarded),
    ]
}

fn counted() -> impl Strategy<Value = Counted> {
    (-1i16..39, outcome(), any::<u64>()).prop_map(|(category, outcome, quantity)| Counted {
        category: Category::from_id(category),
        outcome,
        quantity,
    })
}

fn spooled() -> impl Strategy<Value = SpooledItem> {
    (option::of("\\PC{0,20}"), any::<u64>()).prop_map(|(filename, length)| SpooledItem {
        header: ItemHeader { kind_text: Some("attachment".to_owned()), filename, ..ItemHeader::default() },
        length,
    })
}

fn envelope() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..3000).prop_map(Bytes::from),
        (0usize..200).prop_map(|n| Bytes::from("{}\n{\"type\":\"event\"}\n{\"message\":\"again and again\"}\n".repeat(n))),
    ]
}

fn texts() -> impl Strategy<Value = [Option<String>; 8]> {
    proptest::array::uniform8(option::of("\\PC{0,30}"))
}

prop_compose! {
    fn record()(
        (received, project_id, dsn_id, key_id) in any::<(i64, i32, i64, i32)>(),
        endpoint in 0..Endpoint::ALL.len(),
        id in option::of(any::<u128>()),
        client_ip in option::of(any::<IpAddr>()),
        [user_agent, brands, platform, platform_version, mobile, model, sentry_client, origin] in texts(),
        envelope in envelope(),
        spooled in proptest::collection::vec(spooled(), 0..4),
        counted in proptest::collection::vec(counted(), 0..4),
    ) -> Record {
        Record {
            received, project_id, dsn_id, key_id,
            endpoint: Endpoint::ALL[endpoint],
            event_id: id.map(|id| Uuid::from_u128(id).into()),
            client_ip, user_agent, sentry_client, origin, envelope, spooled, counted,
            hints: ClientHints { brands, platform, platform_version, mobile, model },
        }
    }
}

fn small() -> Record {
    Record::bare(Endpoint::Envelope, 1_700_000_000_000_000, (1, 42, 3))
}

#[test]
fn repetitive_envelopes_get_smaller() {
    let envelope = Bytes::from(format!("{{}}\n{{\"type\":\"event\"}}\n{}\n", "{\"a\":\"frame frame frame\"}".repeat(300)));
    let record = Record { envelope: envelope.clone(), ..small() };
    let bytes = record.encode();
    assert!(bytes.len() < envelope.len() / 4, "{} of {}", bytes.len(), envelope.len());
    assert_eq!(Record::decode(&bytes.into()), Ok(record));
}

#[test]
fn long_headers_are_cut_at_a_character() {
    let record = Record { user_agent: Some("ä".repeat(5000)), origin: Some(format!("x{}", "ä".repeat(5000))), ..small() };
    let read = Record::decode(&record.encode().into()).unwrap();
    assert_eq!(read.user_agent.map(|text| text.len()), Some(MAX_TEXT));
    assert_eq!(read.origin.map(|text| text.len()), Some(MAX_TEXT - 1));
}

#[test]
fn other_versions_and_cut_records_are_errors() {
    let bytes = small().encode();
    for length in 0..bytes.len() {
        assert_eq!(Record::decode(&Bytes::copy_from_slice(&bytes[..length])), Err(RecordError::Malformed));
    }
    let mut newer = bytes.clone();
    newer[0] = 2;
    assert_eq!(Record::decode(&newer.into()), Err(RecordError::Version(2)));
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(Record::decode(&longer.into()), Err(RecordError::Malformed));
}

#[test]
fn a_record_that_claims_more_than_it_holds_is_malformed() {
    // The length of the envelope and of its bytes are the last numbers but for the two bytes themselves.
    let mut bytes = small().encode();
    let at = bytes.len() - 4;
    bytes[at] = 9;
    assert_eq!(Record::decode(&bytes.into()), Err(RecordError::Malformed));
}

proptest! {
    #[test]
    fn what_is_written_is_read(record in record()) {
        prop_assert_eq!(Record::decode(&record.encode().into()), Ok(record));
    }

    #[test]
    fn no_bytes_are_too_odd(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), version: bool) {
        if version && bytes.len() > 1 {
            bytes[0] = VERSION;
            bytes[1] %= 9;
        }
        let _ = Record::decode(&bytes.into());
    }
}
