//! Transactions: invalid without their times and trace, or with a span that lacks its own (`protocol.md` 8.15).

use serde::Deserialize;
use serde_json::Value;

use super::{Ends, one, read, seconds, text};
use crate::protocol::{Category, InvalidReason};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Transaction {
    start_timestamp: Option<Value>,
    timestamp: Option<Value>,
    contexts: Option<Contexts>,
    spans: Option<Vec<Option<Span>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Contexts {
    trace: Option<Trace>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Trace {
    trace_id: Option<Value>,
    span_id: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Span {
    trace_id: Option<Value>,
    #[serde(rename = "span_id")]
    id: Option<Value>,
    start_timestamp: Option<Value>,
    timestamp: Option<Value>,
}

impl Span {
    /// Whether it has all that makes a span.
    pub(super) fn is_whole(&self) -> bool {
        let ids = [&self.trace_id, &self.id].into_iter().all(|id| text(id.as_ref()).is_some());
        ids && self.start_timestamp.is_some() && self.timestamp.is_some()
    }
}

/// A transaction counts once, and each of its spans.
pub(super) fn ends(payload: &[u8]) -> Ends {
    let transaction = read::<Transaction>(payload);
    let spans = transaction.as_ref().ok().and_then(|transaction| transaction.spans.as_ref()).map_or(0, Vec::len) as u64;
    let mut quantities = vec![(Category::Transaction, 1), (Category::TransactionIndexed, 1)];
    quantities.extend((spans > 0).then_some([(Category::Span, spans), (Category::SpanIndexed, spans)]).into_iter().flatten());
    one(quantities, transaction.and_then(|transaction| check(&transaction)))
}

fn check(transaction: &Transaction) -> Result<(), InvalidReason> {
    let trace = transaction.contexts.as_ref().and_then(|contexts| contexts.trace.as_ref());
    let has_trace = trace.is_some_and(|trace| text(trace.trace_id.as_ref()).is_some() && text(trace.span_id.as_ref()).is_some());
    let times = seconds(transaction.start_timestamp.as_ref()).zip(seconds(transaction.timestamp.as_ref()));
    let is_backwards = times.is_some_and(|(start, end)| end < start);
    let spans = transaction.spans.as_deref().unwrap_or_default();
    let has_broken_span = spans.iter().any(|span| span.as_ref().is_none_or(|span| !span.is_whole()));
    if transaction.start_timestamp.is_none() || !has_trace || is_backwards || has_broken_span {
        return Err(InvalidReason::InvalidTransaction);
    }
    Ok(())
}
