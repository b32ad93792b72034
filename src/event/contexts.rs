//! # Contexts
//!
//! **Promise.** Known kinds have typed fields, unknown ones are kept whole; names and versions are read out of raw descriptions; the trace context
//! always exists (`protocol.md` 7.10, 8.14).
//!
//! **Not here.** Contexts from the browser's own words (`user_agent`), the raw texts (`raw_descriptions`).

use serde_json::{Map, Value};

use super::meta::{MetaTree, Path};
use super::raw_descriptions;
use super::request;
use super::scalars;
use super::schema::{Field, Limit, Object, Other, Shape, budget, check, expected, field, filled_text, object_mut, reject};
use super::trim::trim_context;

/// Each context: 8 KiB, structure six levels down.
const EACH: Limit = budget(8192, 7);

const fn kind(fields: &'static [Field]) -> Object {
    Object { expected: "an object", fields, other: Other::Keep }
}

macro_rules! fields {
    ($($shape:ident: $($key:literal)+;)*) => { &[$($(field($key, Shape::$shape),)+)*] };
}

static DEVICE: Object = kind(fields! {
    Text: "name" "family" "model" "model_id" "arch";
    Float: "battery_level";
    Text: "orientation" "manufacturer" "brand" "screen_resolution";
    Float: "screen_density";
    Unsigned: "screen_dpi";
    Bool: "online" "charging" "low_memory" "simulator";
    Unsigned: "memory_size" "free_memory" "usable_memory" "storage_size" "free_storage" "external_storage_size" "external_free_storage";
    Text: "boot_time" "timezone" "locale";
    Unsigned: "processor_count" "processor_frequency" "screen_width_pixels" "screen_height_pixels";
    Text: "cpu_description" "device_type" "battery_status" "device_unique_identifier" "uuid" "thermal_state" "chipset";
    Bool: "supports_vibration" "supports_accelerometer" "supports_gyroscope" "supports_audio" "supports_location_service";
});
static OS: Object = kind(fields! {
    Text: "os" "name" "version"; Lenient: "build"; Text: "kernel_version";
    Bool: "rooted";
    Text: "distribution_name" "distribution_version" "distribution_pretty_name" "raw_description";
});
static RUNTIME: Object = kind(fields! { Text: "runtime" "name" "version"; Lenient: "build"; Text: "raw_description"; });
static BROWSER: Object = kind(fields! { Text: "browser" "name" "version" "user_agent"; });
static APP: Object = kind(fields! {
    Text: "app_start_time" "device_app_hash" "build_type" "app_identifier" "app_name" "app_version";
    Lenient: "app_build";
    Unsigned: "app_memory";
    Bool: "in_foreground";
    Any: "view_names";
});
static GPU: Object = kind(fields! {
    Text: "name" "version";
    Any: "id";
    Text: "vendor_id" "vendor_name";
    Unsigned: "memory_size";
    Text: "api_type";
    Bool: "multi_threaded_rendering";
    Text: "npot_support";
    Unsigned: "max_texture_size";
    Text: "graphics_shader_level";
    Bool: "supports_draw_call_instancing" "supports_ray_tracing" "supports_compute_shaders" "supports_geometry_shaders";
});
static TRACE: Object = kind(&[
    field("trace_id", Shape::Parsed(scalars::trace_id)),
    field("span_id", Shape::Parsed(scalars::span_id)),
    field("parent_span_id", Shape::Parsed(scalars::span_id)),
    field("op", Shape::Text),
    field("status", Shape::Parsed(scalars::span_status)),
    field("exclusive_time", Shape::Float),
    field("client_sample_rate", Shape::Float),
    field("origin", Shape::Text),
    field("sampled", Shape::Bool),
    field("data", Shape::Map(&Shape::Any)),
    field("links", Shape::List(&Shape::Any)),
]);
static CULTURE: Object = kind(fields! { Text: "calendar" "display_name" "locale"; Bool: "is_24_hour_format"; Text: "timezone"; });
static FLAGS: Object = kind(&[field("values", Shape::List(&Shape::Object(&FLAG)))]);
static FLAG: Object = kind(fields! { Text: "flag"; Any: "result"; });
static REPLAY: Object = kind(&[field("replay_id", Shape::Parsed(scalars::event_id))]);
static PROFILE: Object =
    kind(&[field("profile_id", Shape::Parsed(scalars::event_id)), field("profiler_id", Shape::Parsed(scalars::event_id))]);
static FEEDBACK: Object = kind(fields! { Text: "message" "contact_email" "url" "associated_event_id" "replay_id" "name" "source"; });
static MONITOR: Object = kind(fields! { Text: "id" "slug" "name"; Any: "config"; });
static RESPONSE: Object = kind(&[
    field("cookies", Shape::Pairs(request::cookies)),
    field("headers", Shape::Pairs(request::headers)),
    field("status_code", Shape::Unsigned),
    field("body_size", Shape::Unsigned),
    field("data", Shape::Any),
    field("inferred_content_type", Shape::Text),
]);
static OTEL: Object = kind(&[field("attributes", Shape::Map(&Shape::Any)), field("resource", Shape::Map(&Shape::Any))]);
static MEMORY_INFO: Object = kind(fields! {
    Unsigned: "allocated_bytes" "fragmented_bytes" "heap_size_bytes" "high_memory_load_threshold_bytes" "total_available_memory_bytes"
        "memory_load_bytes" "total_committed_bytes" "promoted_bytes" "pinned_objects_count" "index" "finalization_pending_count";
    Float: "pause_time_percentage";
    Bool: "compacted" "concurrent";
});
static THREADPOOL_INFO: Object = kind(fields! {
    Unsigned: "min_worker_threads" "min_completion_port_threads" "max_worker_threads" "max_completion_port_threads"
        "available_worker_threads" "available_completion_port_threads";
});
static FREE_FORM: Object = kind(&[]);

/// The table of a context by its type.
fn table(kind: &str) -> &'static Object {
    match kind {
        "device" => &DEVICE,
        "os" => &OS,
        "runtime" => &RUNTIME,
        "browser" => &BROWSER,
        "app" => &APP,
        "gpu" => &GPU,
        "trace" => &TRACE,
        "culture" => &CULTURE,
        "flags" => &FLAGS,
        "replay" => &REPLAY,
        "profile" => &PROFILE,
        "feedback" => &FEEDBACK,
        "monitor" => &MONITOR,
        "response" => &RESPONSE,
        "otel" => &OTEL,
        "memory_info" => &MEMORY_INFO,
        "threadpool_info" => &THREADPOOL_INFO,
        _ => &FREE_FORM,
    }
}

fn kind_of<'v>(key: &'v str, context: &'v Map<String, Value>) -> &'v str {
    context.get("type").and_then(Value::as_str).unwrap_or(key)
}

/// Checks all contexts. Called by the type check of the event.
pub(super) fn shape(value: &mut Value, path: &Path<'_>, meta: &mut MetaTree) {
    let Value::Object(contexts) = value else { return reject(value, path, meta, expected("an object")) };
    contexts.retain(|key, context| {
        let place = path.key(key);
        let table = match context.as_object_mut() {
            // What the server computes at reprocessing is not a client's to send.
            _ if key == "reprocessing" => return false,
            Some(map) => table(kind_of(key, map)),
            None => &FREE_FORM,
        };
        check_context(context, table, &place, meta);
        !context.is_null()
    });
}

fn check_context(context: &mut Value, table: &'static Object, path: &Path<'_>, meta: &mut MetaTree) {
    match context {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if let Some(field) = table.field(key) {
                    check(value, &field.shape, &path.key(key), meta);
                }
            }
            if !std::ptr::eq(table, &raw const FREE_FORM) {
                map.retain(|key, value| table.field(key).is_none() || !value.is_null());
            }
        }
        Value::Null => {}
        other => reject(other, path, meta, expected("an object")),
    }
}

/// The order of a context's fields in lists of complaints.
pub(super) fn fields_of(key: &str, context: &Value) -> &'static Object {
    context.as_object().map_or(&FREE_FORM, |map| table(kind_of(key, map)))
}

/// Fills in types, names from raw descriptions, and the display fields.
pub(super) fn finish(event: &mut Map<String, Value>, meta: &mut MetaTree) {
    let Some(contexts) = object_mut(event, "contexts") else { return };
    for (key, context) in contexts.iter_mut() {
        let Value::Object(context) = context else { continue };
        let kind = kind_of(key, context).to_owned();
        match kind.as_str() {
            "os" => {
                raw_descriptions::os(context);
                display(context, "os");
            }
            "runtime" => {
                raw_descriptions::runtime(context);
                display(context, "runtime");
            }
            "browser" => display(context, "browser"),
            "response" => request::finish_response(context, &Path::Root.key("contexts").key(key), meta),
            "device" => device_name(context),
            _ => {}
        }
    }
}

/// Holds every context but the trace to its budget, which does not count the types; every one has a type afterwards.
pub(super) fn trim(contexts: &mut Map<String, Value>, path: &Path<'_>, meta: &mut MetaTree) {
    for (key, context) in contexts.iter_mut() {
        let Value::Object(context) = context else { continue };
        let table = table(kind_of(key, context));
        let kind = context.remove("type").filter(Value::is_string).unwrap_or_else(|| Value::String(key.clone()));
        if key != "trace" {
            trim_context(context, table, EACH, &path.key(key), meta);
        }
        context.insert("type".to_owned(), kind);
    }
}

/// `name version`, as tags and pages show it.
fn display(context: &mut Map<String, Value>, key: &str) {
    if context.contains_key(key) {
        return;
    }
    let text = match (filled_text(context, "name"), filled_text(context, "version")) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        // A runtime without a version is not worth a tag.
        (Some(name), None) if key != "runtime" => name.to_owned(),
        _ => return,
    };
    context.insert(key.to_owned(), Value::String(text));
}

fn device_name(context: &mut Map<String, Value>) {
    if context.contains_key("name") {
        return;
    }
    if let Some(name) = filled_text(context, "model").and_then(super::device_names::marketing_name).map(str::to_owned) {
        context.insert("name".to_owned(), Value::String(name));
    }
}

/// Makes sure that there is a trace context; ids that are missing or invalid come from the envelope's trace, else from the event's id.
pub(super) fn trace(event: &mut Map<String, Value>, event_id: &str, envelope_trace: Option<&str>) {
    let is_transaction = event.get("type").and_then(Value::as_str) == Some("transaction");
    if !event.get("contexts").is_some_and(Value::is_object) {
        event.insert("contexts".to_owned(), Value::Object(Map::new()));
    }
    let Some(contexts) = object_mut(event, "contexts") else { return };
    let slot = contexts.entry("trace").or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    let Value::Object(trace) = slot else { return };
    let usable = event_id.len() == 32 && event_id.bytes().any(|b| b != b'0');
    let source = if usable { event_id } else { FALLBACK_TRACE };
    if is_transaction && !trace.contains_key("op") {
        trace.insert("op".to_owned(), Value::String("default".to_owned()));
    }
    let envelope_trace = envelope_trace.and_then(|id| scalars::trace_id(&Value::from(id)).ok());
    let trace_id = envelope_trace.as_ref().and_then(Value::as_str).unwrap_or(source);
    for (key, value) in [("trace_id", trace_id), ("span_id", &source[..16]), ("status", "unknown"), ("type", "trace")] {
        if !trace.contains_key(key) {
            trace.insert(key.to_owned(), Value::String(value.to_owned()));
        }
    }
}

/// The trace of an event with the nil id: any valid id would do, a fixed one keeps normalising a function of its input.
const FALLBACK_TRACE: &str = "ffffffffffffffffffffffffffffffff";
