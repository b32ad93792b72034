//! # Breadcrumbs
//!
//! **Promise.** Each has a type and a level; the order is as sent (`protocol.md` 7.7).

use serde_json::{Map, Value};

use super::scalars;
use super::schema::{Object, Other, Shape, Values, budget, field, filled_text, limited, text, values_mut};
use super::timestamps;

static BREADCRUMB: Object = Object {
    expected: "breadcrumb",
    other: Other::Drop,
    fields: &[
        field("timestamp", Shape::Parsed(timestamps::timestamp)),
        text("type", 128, 0),
        text("category", 128, 0),
        field("level", Shape::Parsed(scalars::level)),
        text("message", 8192, 200),
        limited("data", Shape::Map(&Shape::Any), budget(2048, 5)),
        field("event_id", Shape::Parsed(scalars::event_id)),
        field("origin", Shape::Text),
    ],
};

/// `breadcrumbs`.
pub(super) static BREADCRUMBS: Values = Values { item: &Shape::Object(&BREADCRUMB), single: true };

/// Fills in type and level.
pub(super) fn finish(event: &mut Map<String, Value>) {
    for crumb in values_mut(event, "breadcrumbs").into_iter().flatten().filter_map(Value::as_object_mut) {
        if crumb.get("data").and_then(Value::as_object).is_some_and(Map::is_empty) {
            crumb.remove("data");
        }
        if filled_text(crumb, "type").is_none() {
            crumb.insert("type".to_owned(), Value::String("default".to_owned()));
        }
        if !crumb.contains_key("level") {
            crumb.insert("level".to_owned(), Value::String("info".to_owned()));
        }
    }
}
