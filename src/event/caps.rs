//! # Caps on counts, where Relay has none
//!
//! **Promise.** An event keeps a bounded number of breadcrumbs, exceptions, threads, spans and entries of its fingerprint; `_meta` says how many there were.
//!
//! **Not here.** Tags (`tags`) and frames (`frames`).

use serde_json::{Map, Value};

use super::meta::{MetaTree, Path};

/// Newest breadcrumbs that stay. SDKs send at most 100.
const MAX_BREADCRUMBS: usize = 200;
/// Exceptions that stay: the last is the raised one.
const MAX_EXCEPTIONS: usize = 100;
/// Threads that stay.
const MAX_THREADS: usize = 500;
/// Spans that stay. SDKs send at most 1,000.
const MAX_SPANS: usize = 1_000;

/// Entries of a fingerprint that stay; each may stand for a long text.
const MAX_FINGERPRINT: usize = 100;

/// Cuts the lists before anything looks at their elements.
pub(super) fn before(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    for (key, max) in [("breadcrumbs", MAX_BREADCRUMBS), ("exception", MAX_EXCEPTIONS)] {
        cap(event, key, max, true, meta);
    }
    for (key, max) in [("threads", MAX_THREADS), ("spans", MAX_SPANS), ("fingerprint", MAX_FINGERPRINT)] {
        cap(event, key, max, false, meta);
    }
}

fn cap(event: &mut Map<String, Value>, key: &str, max: usize, newest: bool, meta: &mut MetaTree) {
    let top = Path::Root.key(key);
    let wrapped = top.key("values");
    let (items, path) = match event.get_mut(key) {
        Some(Value::Array(items)) => (items, if matches!(key, "spans" | "fingerprint") { &top } else { &wrapped }),
        Some(Value::Object(map)) => match map.get_mut("values") {
            Some(Value::Array(items)) => (items, &wrapped),
            _ => return,
        },
        _ => return,
    };
    let length = items.len();
    if length <= max {
        return;
    }
    let removed = length - max;
    let node = meta.at(path);
    if newest {
        items.drain(..removed);
        node.move_items(|at| at.checked_sub(removed));
    } else {
        items.truncate(max);
        node.move_items(|at| (at < max).then_some(at));
    }
    node.own.set_original_length(length);
}
