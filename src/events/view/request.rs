//! The HTTP request of an event.

use serde_json::Value;

use super::{
    curl, json, notes,
    value::{self, Row, ValueView},
};

/// The request, in tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestView {
    /// "POST"; may be empty.
    pub method: String,
    /// With query and fragment.
    pub url: String,
    /// The URL as a link (http or https only).
    pub href: Option<String>,
    /// Query parameters.
    pub query: Vec<Row>,
    /// Headers.
    pub headers: Vec<Row>,
    /// Cookies.
    pub cookies: Vec<Row>,
    /// The body.
    pub body: Option<ValueView>,
    /// The server's environment.
    pub env: Vec<Row>,
    /// A command that sends it again; nothing without a web address.
    pub curl: Option<String>,
}

impl RequestView {
    /// The tables under their titles, with the parts of the event that they are.
    pub fn sections(&self) -> [(&'static str, &'static str, &[Row]); 4] {
        [
            ("Query", "request.query_string", &self.query),
            ("Headers", "request.headers", &self.headers),
            ("Cookies", "request.cookies", &self.cookies),
            ("Environment", "request.env", &self.env),
        ]
    }
}

/// The request, if the event has one.
pub(super) fn view(event: &Value, meta: &Value) -> Option<RequestView> {
    let request = event.get("request").filter(|r| r.as_object().is_some_and(|m| !m.is_empty()))?;
    let meta = notes::at(meta, "request");
    let part = |key: &str| value::rows(request.get(key), notes::at(meta, key));
    let url = json::text(request.get("url"));
    let query = json::pairs(request.get("query_string"), 200);
    let printed: Vec<String> =
        query.iter().map(|(k, v)| format!("{k}={}", v.as_str().map_or_else(|| v.to_string(), str::to_owned))).collect();
    let raw = request.get("query_string").and_then(Value::as_str).unwrap_or_default();
    let printed = if printed.is_empty() { raw.to_owned() } else { printed.join("&") };
    let mut full = url.clone();
    if !printed.is_empty() && !url.contains('?') {
        full = format!("{full}?{printed}");
    }
    let fragment = json::text(request.get("fragment"));
    if !fragment.is_empty() {
        full = format!("{full}#{fragment}");
    }
    let body = request.get("data").filter(|d| !d.is_null());
    Some(RequestView {
        method: json::cut(&json::text(request.get("method")), 40),
        // The link leaves the query out: filtered values would make it lead elsewhere, and tokens in it are nobody's business.
        href: crate::web::urls::safe_href(&url),
        curl: curl::command(request, &full),
        url: json::cut(&full, 4000),
        query: part("query_string"),
        headers: part("headers"),
        cookies: part("cookies"),
        body: body.map(|data| ValueView::new(data, notes::at(meta, "data"))),
        env: part("env"),
    })
}
