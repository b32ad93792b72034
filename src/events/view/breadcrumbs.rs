//! Breadcrumbs: newest first, each one line with its data in short.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    json, notes,
    value::{self, Row},
};
use crate::web::When;

/// One breadcrumb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrumbView {
    /// When, by the client's clock.
    pub at: When,
    /// "http 503", "query", "ui.click".
    pub kind: String,
    /// "" or "bad" (error, fatal, HTTP 5xx) or "warn" (warning, HTTP 4xx).
    pub css: &'static str,
    /// "error", "info" …
    pub level: String,
    /// What happened: message, or "POST https://… · 503", or "/cart → /checkout".
    pub text: String,
    /// The data that the text does not say already.
    pub data: Vec<Row>,
    /// What was trimmed.
    pub note: Option<String>,
}

/// SDKs send 100; more than this is no trail any more.
const MAX_CRUMBS: usize = 300;

/// All breadcrumbs, newest first.
pub(super) fn all(event: &Value, meta: &Value, now: DateTime<Utc>) -> Vec<CrumbView> {
    let meta = notes::at(notes::at(meta, "breadcrumbs"), "values");
    let entries = json::values(event.get("breadcrumbs")).filter(|(_, crumb)| crumb.is_object()).rev().take(MAX_CRUMBS);
    entries.map(|(index, crumb)| view(crumb, notes::nth(meta, index), now)).collect()
}

fn view(crumb: &Value, meta: &Value, now: DateTime<Utc>) -> CrumbView {
    let data = crumb.get("data").unwrap_or(&Value::Null);
    let level = json::text(crumb.get("level"));
    let status =
        data.get("status_code").or_else(|| data.get("status")).and_then(json::number).map(|n| n as i64).filter(|n| (100..600).contains(n));
    let message = json::text(crumb.get("message"));
    let css = match (level.as_str(), status) {
        ("error" | "fatal" | "critical", _) | (_, Some(500..)) => "bad",
        ("warning", _) | (_, Some(400..)) => "warn",
        _ => "",
    };
    let (text, said) = words(&message, data, status);
    let note = notes::note(notes::at(meta, "message"), &Value::String(message));
    let rest = value::rows(Some(data), notes::at(meta, "data")).into_iter().filter(|row| !said.contains(&row.key.as_str()));
    CrumbView { at: time(crumb, now), kind: kind(crumb, status), css, level, text, data: rest.collect(), note }
}

fn time(crumb: &Value, now: DateTime<Utc>) -> When {
    crumb.get("timestamp").and_then(json::number).map_or_else(When::unknown, |seconds| When::from_unix(seconds, now))
}

fn kind(crumb: &Value, status: Option<i64>) -> String {
    let category = json::text(crumb.get("category"));
    let kind = json::text(crumb.get("type"));
    let http = kind == "http" || matches!(category.as_str(), "http" | "httplib" | "fetch" | "xhr" | "requests");
    match status {
        Some(status) if http => format!("http {status}"),
        _ if http => "http".to_owned(),
        _ if category.is_empty() => json::cut(if kind.is_empty() { "default" } else { &kind }, 60),
        _ => json::cut(&category, 60),
    }
}

/// The sentence, and the data keys it has used up.
fn words(message: &str, data: &Value, status: Option<i64>) -> (String, &'static [&'static str]) {
    let (url, method) =
        (json::first_text(data, &["url", "http.url", "to_url"]), json::first_text(data, &["method", "http.method", "http.request.method"]));
    let (from, to) = (json::text(data.get("from")), json::text(data.get("to")));
    if !message.is_empty() {
        return (message.to_owned(), &[]);
    }
    if !url.is_empty() {
        let query = json::text(data.get("http.query"));
        let url = if query.is_empty() { url } else { format!("{url}?{query}") };
        let reason = json::text(data.get("reason"));
        let tail = if reason.is_empty() || status.is_none() { String::new() } else { format!(" · {reason}") };
        let text = format!("{method} {url}{tail}");
        return (
            text.trim().to_owned(),
            &["url", "http.url", "method", "http.method", "http.request.method", "http.query", "reason", "status_code", "status"],
        );
    }
    if !from.is_empty() || !to.is_empty() {
        return (format!("{from} → {to}").trim().to_owned(), &["from", "to"]);
    }
    (String::new(), &[])
}
