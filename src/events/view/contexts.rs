//! User, tags, contexts and SDK as tables with readable titles.

use serde_json::Value;

use super::{
    json, notes,
    value::{self, Row, ValueView},
};
use crate::web::number;

/// One context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextView {
    /// "Browser", "Operating system".
    pub title: String,
    /// "Chrome 131.0.0": its name in short; may be empty.
    pub summary: String,
    /// Its fields.
    pub rows: Vec<Row>,
}

/// The SDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkView {
    /// "sentry.python.django".
    pub name: String,
    /// "2.20.0"; may be empty.
    pub version: String,
    /// Integrations and packages.
    pub rows: Vec<Row>,
}

const MAX_CONTEXTS: usize = 60;

/// Every context, in the order of the event; `reprocessing` and empty ones are left out.
pub(super) fn all(event: &Value, meta: &Value) -> Vec<ContextView> {
    let meta = notes::at(meta, "contexts");
    let named = json::pairs(event.get("contexts"), MAX_CONTEXTS).into_iter().filter(|(key, c)| c.is_object() && key != "reprocessing");
    named.map(|(key, context)| view(&key, context, notes::at(meta, &key))).filter(|c| !c.rows.is_empty()).collect()
}

fn view(key: &str, context: &Value, meta: &Value) -> ContextView {
    let kind = json::text(context.get("type"));
    let (name, version) = (json::first_text(context, &["name", "model"]), json::text(context.get("version")));
    let summary = format!("{name} {version}").trim().to_owned();
    // Computed summaries (`browser: "Chrome 131"`) and the kind repeat the title.
    let redundant = |row: &Row| row.key == "type" || (row.key == kind && row.value.text() == summary);
    let mut rows: Vec<Row> = value::rows(Some(context), meta).into_iter().filter(|r| !redundant(r)).collect();
    for row in &mut rows {
        if let Some(size) = context.get(&row.key).and_then(Value::as_u64).filter(|_| is_size(&row.key)) {
            row.value = ValueView::plain(format!("{} ({})", number::bytes(size), number::count(size as i64)));
        }
    }
    ContextView { title: title(key, &kind), summary: json::cut(&summary, 120), rows }
}

fn is_size(key: &str) -> bool {
    ["memory_size", "storage_size", "free_memory", "usable_memory", "free_storage", "app_memory", "body_size"]
        .iter()
        .any(|suffix| key.ends_with(suffix))
}

fn title(key: &str, kind: &str) -> String {
    let known = |name: &str| match name {
        "os" => Some("Operating system"),
        "client_os" => Some("Client's operating system"),
        "gpu" => Some("GPU"),
        "otel" => Some("OpenTelemetry"),
        "culture" => Some("Locale"),
        "trace" => Some("Trace"),
        "runtime" => Some("Runtime"),
        "cloud_resource" => Some("Cloud"),
        "flags" => Some("Feature flags"),
        "laravel" => Some("Laravel"),
        "nel" => Some("Network error logging"),
        _ => None,
    };
    let spelled = known(key).map_or_else(|| capitalised(&key.replace(['_', '-'], " ")), str::to_owned);
    if !kind.is_empty() && kind != key && known(kind).is_some() { format!("{spelled} ({kind})") } else { spelled }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The best name for the user: e-mail, then username, name, id, address.
pub(super) fn user_name(event: &Value) -> String {
    let user = event.get("user").unwrap_or(&Value::Null);
    json::cut(&json::first_text(user, &["email", "username", "name", "id", "ip_address"]), 200)
}

/// The user's fields; those of `data` follow with their own names.
pub(super) fn user(event: &Value, meta: &Value) -> Vec<Row> {
    let meta = notes::at(meta, "user");
    let Some(user) = event.get("user").filter(|u| u.is_object()) else { return Vec::new() };
    let mut rows: Vec<Row> =
        value::rows(Some(user), meta).into_iter().filter(|r| !matches!(r.key.as_str(), "data" | "sentry_user" | "geo")).collect();
    let geo: Vec<String> = ["city", "subdivision", "region", "country_code"]
        .iter()
        .map(|key| user.get("geo").map(|g| json::text(g.get(*key))).unwrap_or_default())
        .filter(|t| !t.is_empty())
        .collect();
    if !geo.is_empty() {
        rows.push(Row { key: "place".to_owned(), value: ValueView::plain(geo.join(", ")), href: None });
    }
    rows.extend(value::rows(user.get("data"), notes::at(meta, "data")));
    rows
}

/// The event's tags; pairs whose key was removed are left out.
pub(super) fn tags(event: &Value, meta: &Value) -> Vec<Row> {
    value::rows(event.get("tags"), notes::at(meta, "tags")).into_iter().filter(|r| !r.key.is_empty()).collect()
}

/// The SDK, if the event names one.
pub(super) fn sdk(event: &Value) -> Option<SdkView> {
    let sdk = event.get("sdk").filter(|s| s.is_object())?;
    let texts = |key: &str| sdk.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let integrations: Vec<String> = texts("integrations").iter().take(200).map(|v| json::text(Some(v))).filter(|t| !t.is_empty()).collect();
    let packages: Vec<String> = texts("packages")
        .iter()
        .take(100)
        .map(|p| format!("{} {}", json::text(p.get("name")), json::text(p.get("version"))).trim().to_owned())
        .filter(|t| !t.is_empty())
        .collect();
    let rows = [("integrations", integrations), ("packages", packages)];
    let rows = rows.into_iter().filter(|(_, list)| !list.is_empty()).map(|(key, list)| Row {
        key: key.to_owned(),
        value: ValueView::plain(list.join(", ")),
        href: None,
    });
    let name = json::cut(&json::text(sdk.get("name")), 256);
    (!name.is_empty()).then(|| SdkView { name, version: json::cut(&json::text(sdk.get("version")), 256), rows: rows.collect() })
}
