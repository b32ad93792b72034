//! Containers of logs, spans and metrics: as many items as the header says, each with what makes it one (`protocol.md` 4.4).

use serde::Deserialize;
use serde_json::Value;

use super::transaction::Span as LegacySpan;
use super::{Ends, one, read, text};
use crate::protocol::envelope::ItemHeader;
use crate::protocol::items::{MAX_CLAIMED, is_container_of_spans};
use crate::protocol::{Category, InvalidReason, Outcome};

#[derive(Deserialize)]
struct Container<T> {
    items: Vec<Option<T>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Log {
    timestamp: Option<Value>,
    trace_id: Option<Value>,
    level: Option<Value>,
    body: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metric {
    timestamp: Option<Value>,
    trace_id: Option<Value>,
    r#type: Option<Value>,
    name: Option<Value>,
    value: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Span {
    trace_id: Option<Value>,
    #[serde(rename = "span_id")]
    id: Option<Value>,
    name: Option<Value>,
    status: Option<Value>,
    start_timestamp: Option<Value>,
    end_timestamp: Option<Value>,
}

fn is_time(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Number(_) | Value::String(_)))
}

fn is_text(value: Option<&Value>) -> bool {
    text(value).is_some()
}

/// Log entries, and the bytes of all of them.
pub(super) fn logs(header: &ItemHeader, payload: &[u8]) -> Ends {
    let is_whole = |log: &Log| {
        is_time(log.timestamp.as_ref())
            && is_text(log.trace_id.as_ref())
            && is_text(log.level.as_ref())
            && matches!(log.body, Some(Value::String(_)))
    };
    let sizes = [(Category::LogByte, payload.len() as u64)];
    counted(header, payload, (&[Category::LogItem], &sizes), (InvalidReason::InvalidLog, is_whole))
}

/// Metrics, and the bytes of all of them.
pub(super) fn metrics(header: &ItemHeader, payload: &[u8]) -> Ends {
    let is_whole = |metric: &Metric| {
        let kind = text(metric.r#type.as_ref()).unwrap_or_default();
        let is_known = matches!(kind, "counter" | "gauge" | "distribution");
        is_known
            && is_time(metric.timestamp.as_ref())
            && is_text(metric.trace_id.as_ref())
            && is_text(metric.name.as_ref())
            && matches!(metric.value, Some(Value::Number(_)))
    };
    let sizes = [(Category::TraceMetricByte, payload.len() as u64)];
    counted(header, payload, (&[Category::TraceMetric], &sizes), (InvalidReason::InvalidTraceMetric, is_whole))
}

/// Spans, in a container or one by itself.
pub(super) fn spans(header: &ItemHeader, payload: &[u8]) -> Ends {
    let categories = [Category::Span, Category::SpanIndexed];
    if !is_container_of_spans(header) {
        let check = |span: LegacySpan| if span.is_whole() { Ok(()) } else { Err(InvalidReason::InvalidSpan) };
        return one(categories.map(|category| (category, 1)).to_vec(), read(payload).and_then(check));
    }
    let is_whole = |span: &Span| {
        let texts = [&span.trace_id, &span.id, &span.name, &span.status].into_iter().all(|text| is_text(text.as_ref()));
        texts && is_time(span.start_timestamp.as_ref()) && is_time(span.end_timestamp.as_ref())
    };
    counted(header, payload, (&categories, &[]), (InvalidReason::InvalidSpan, is_whole))
}

/// Each entry ends for itself; `sizes` count once for the container.
fn counted<T: serde::de::DeserializeOwned>(
    header: &ItemHeader,
    payload: &[u8],
    (categories, sizes): (&[Category], &[(Category, u64)]),
    (reason, is_whole): (InvalidReason, impl Fn(&T) -> bool),
) -> Ends {
    let announced = header.item_count.map(u64::from);
    let read = read::<Container<T>>(payload).and_then(|container| {
        let found = container.items.len() as u64;
        if announced.is_none_or(|announced| announced == found) { Ok(container.items) } else { Err(reason) }
    });
    let items = match read {
        Ok(items) => items,
        Err(reason) => {
            let items = categories.iter().map(|category| (*category, announced.unwrap_or(1).clamp(1, MAX_CLAIMED)));
            return one(items.chain(sizes.iter().copied()).collect(), Err(reason));
        }
    };
    let whole = items.iter().flatten().filter(|item| is_whole(item)).count() as u64;
    let broken = items.len() as u64 - whole;
    let of_container = if whole > 0 || broken == 0 { Outcome::Unsupported } else { Outcome::Invalid(reason) };
    let of_items =
        categories.iter().flat_map(|category| [(*category, Outcome::Unsupported, whole), (*category, Outcome::Invalid(reason), broken)]);
    let sizes = sizes.iter().map(|(category, size)| (*category, of_container.clone(), *size));
    of_items.filter(|(.., quantity)| *quantity > 0).chain(sizes).collect()
}
