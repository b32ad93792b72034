//! A record as it lies in the journal: what is read is written so that it reads the same.

use bytes::Bytes;
use vedette::protocol::record::Record;

/// Decodes, encodes, decodes.
pub fn check(data: &[u8]) {
    let Ok(record) = Record::decode(&Bytes::copy_from_slice(data)) else { return };
    let again = Record::decode(&record.encode().into()).expect("what is written is read");
    assert_eq!(again.envelope, record.envelope);
    assert_eq!(Record::decode(&again.encode().into()), Ok(again.clone()), "one pass through is enough to settle");
    if let Ok(envelope) = record.open() {
        for item in envelope.items().flatten() {
            let _ = item.header.kind().quantities(&item.header, item.payload.len() as u64);
        }
    }
}
