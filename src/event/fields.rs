//! # The fields of an event
//!
//! **Promise.** The table of the top level, in Relay's order, with the old names under which clients still send some of them (`protocol.md` 7.1).

use serde_json::{Map, Value};

use super::breadcrumbs::BREADCRUMBS;
use super::exception::{EXCEPTIONS, THREADS};
use super::frames::STACKTRACE;
use super::meta::{MetaError, MetaTree, Path};
use super::request::REQUEST;
use super::scalars;
use super::schema::{Object, Other, Shape, budget, chars, expected, field, limited, text};
use super::sdk::{self, DEBUG_META, SDK};
use super::transaction::{self, SPAN, TRANSACTION_INFO};
use super::user::USER;
use super::{contexts, logentry, tags, timestamps};

/// The event.
pub(super) static EVENT: Object = Object {
    expected: "an object",
    other: Other::Drop,
    fields: &[
        field("event_id", Shape::Parsed(scalars::event_id)),
        field("level", Shape::Parsed(scalars::level)),
        field("version", Shape::Text),
        field("type", Shape::Parsed(event_type)),
        field("fingerprint", Shape::Own(sdk::fingerprint)),
        text("culprit", 200, 0),
        text("transaction", 200, 0),
        field("transaction_info", Shape::Object(&TRANSACTION_INFO)),
        field("time_spent", Shape::Unsigned),
        limited("logentry", Shape::Own(logentry::shape), chars(0, 0)),
        text("logger", 64, 0),
        limited("modules", Shape::Map(&Shape::Text), budget(8192, 7)),
        field("platform", Shape::Text),
        field("timestamp", Shape::Parsed(timestamps::timestamp)),
        field("start_timestamp", Shape::Parsed(timestamps::timestamp)),
        field("received", Shape::Parsed(timestamps::timestamp)),
        field("server_name", Shape::Text),
        field("release", Shape::Lenient),
        field("dist", Shape::Text),
        field("environment", Shape::Text),
        field("site", Shape::Text),
        field("user", Shape::Object(&USER)),
        field("request", Shape::Object(&REQUEST)),
        field("contexts", Shape::Own(contexts::shape)),
        field("breadcrumbs", Shape::Values(&BREADCRUMBS)),
        field("exception", Shape::Values(&EXCEPTIONS)),
        field("stacktrace", Shape::Object(&STACKTRACE)),
        field("template", Shape::Object(&TEMPLATE)),
        field("threads", Shape::Values(&THREADS)),
        field("tags", Shape::Pairs(tags::shape)),
        field("extra", Shape::Map(&Shape::Any)),
        field("debug_meta", Shape::Object(&DEBUG_META)),
        field("sdk", Shape::Object(&SDK)),
        field("ingest_path", Shape::Any),
        field("errors", Shape::List(&Shape::Any)),
        field("key_id", Shape::Any),
        field("project", Shape::Any),
        field("grouping_config", Shape::Any),
        text("checksum", 128, 0),
        field("csp", Shape::Object(&CSP)),
        field("hpkp", Shape::Map(&Shape::Any)),
        field("expectct", Shape::Map(&Shape::Any)),
        field("expectstaple", Shape::Map(&Shape::Any)),
        field("nel", Shape::Map(&Shape::Any)),
        field("spans", Shape::List(&Shape::Object(&SPAN))),
        field("measurements", Shape::Own(transaction::measurements)),
        field("breakdowns", Shape::Any),
        field("scraping_attempts", Shape::Any),
    ],
};

static CSP: Object = Object {
    expected: "csp",
    other: Other::Drop,
    fields: &[
        field("effective_directive", Shape::Text),
        field("blocked_uri", Shape::Text),
        field("document_uri", Shape::Text),
        field("original_policy", Shape::Text),
        field("referrer", Shape::Text),
        field("status_code", Shape::Unsigned),
        field("violated_directive", Shape::Text),
        field("source_file", Shape::Text),
        field("line_number", Shape::Unsigned),
        field("column_number", Shape::Unsigned),
        field("script_sample", Shape::Text),
        field("disposition", Shape::Text),
    ],
};

static TEMPLATE: Object = Object {
    expected: "templateinfo",
    other: Other::Drop,
    fields: &[
        text("filename", 128, 20),
        text("abs_path", 256, 40),
        field("lineno", Shape::Unsigned),
        field("colno", Shape::Unsigned),
        field("pre_context", Shape::List(&Shape::Text)),
        field("context_line", Shape::Text),
        field("post_context", Shape::List(&Shape::Text)),
    ],
};

/// Old names, in the order in which they are tried.
const ALIASES: [(&str, &str); 10] = [
    ("sentry.interfaces.Message", "logentry"),
    ("message", "logentry"),
    ("sentry.interfaces.Exception", "exception"),
    ("sentry.interfaces.Stacktrace", "stacktrace"),
    ("sentry.interfaces.Breadcrumbs", "breadcrumbs"),
    ("sentry.interfaces.User", "user"),
    ("sentry.interfaces.Http", "request"),
    ("sentry.interfaces.Contexts", "contexts"),
    ("sentry.interfaces.Template", "template"),
    ("sentry.interfaces.Csp", "csp"),
];

/// Keys that are dropped without a word: `device` is a very old interface, the others are what a server adds or takes away itself.
const SILENT: [&str; 11] = [
    "device",
    "hashes",
    "repos",
    "metadata",
    "query",
    "applecrashreport",
    "_dsc",
    "_performance_issues_spans",
    "_metrics",
    "_metrics_summary",
    "_meta",
];

/// What a server sets itself; a client's value is ignored.
const SERVER_OWNED: [&str; 9] =
    ["version", "received", "key_id", "project", "grouping_config", "ingest_path", "time_spent", "breakdowns", "scraping_attempts"];

fn event_type(value: &Value) -> Result<Value, MetaError> {
    if value.is_string() { Ok(value.clone()) } else { Err(expected("an event type")) }
}

/// Gives old names their new ones and drops what is nobody's.
pub(super) fn rename(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    for (old, new) in ALIASES {
        if let Some(value) = event.remove(old)
            && !event.contains_key(new)
        {
            event.insert(new.to_owned(), value);
            let notes = meta.take(&Path::Root.key(old));
            if !notes.is_empty() {
                *meta.at(&Path::Root.key(new)) = notes;
            }
        }
    }
    SERVER_OWNED.iter().chain(&SILENT).for_each(|key| {
        event.remove(*key);
    });
    // What notes quote of values that no event has would be stored as it came.
    for (_, note) in meta.children.iter_mut().filter(|(key, _)| EVENT.field(key).is_none()) {
        note.children.clear();
        note.own.original_value = None;
    }
    event.retain(|key, _| {
        let known = EVENT.field(key).is_some();
        if !known {
            let node = meta.at(&Path::Root.key(key));
            node.children.clear();
            node.own.add_error(MetaError::new("invalid_attribute"));
        }
        known
    });
}
