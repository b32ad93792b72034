//! # Content security policy reports
//!
//! **Promise.** What a browser posts about a violated policy becomes the event that Relay makes of it (`protocol.md` 2.4); reports of other
//! kinds are told apart from what is no report at all.
//!
//! **How.** All spellings of a key are one, [`form`] says what one element of a body is, [`event`] builds the event: pure functions of JSON.
//!
//! **When it breaks.** A report without a directive that anybody knows is [`NotAReport`].
//!
//! **Not here.** The address and the user agent of the browser, which normalising adds to every such event.

use serde_json::{Map, Value, json};

/// A blocked or document address on this very site.
pub(crate) const SELF: &str = "'self'";
/// The policy words that stand in quotes, and say all they mean.
const KEYWORDS: [&str; 4] = ["'none'", SELF, "'unsafe-inline'", "'unsafe-eval'"];

/// Every key of a report with its spellings: kebab case, camel case, and those of the Reporting API.
const KEYS: [(&str, &[&str]); 12] = [
    ("effective_directive", &["effective-directive", "effectiveDirective", "effective_directive"]),
    ("blocked_uri", &["blocked-uri", "blockedURL", "blockedURI", "blocked_uri"]),
    ("document_uri", &["document-uri", "documentURL", "documentURI", "document_uri"]),
    ("original_policy", &["original-policy", "originalPolicy", "original_policy"]),
    ("referrer", &["referrer"]),
    ("status_code", &["status-code", "statusCode", "status_code"]),
    ("violated_directive", &["violated-directive", "violatedDirective", "violated_directive"]),
    ("source_file", &["source-file", "sourceFile", "source_file"]),
    ("line_number", &["line-number", "lineNumber", "line_number"]),
    ("column_number", &["column-number", "columnNumber", "column_number"]),
    ("script_sample", &["script-sample", "scriptSample", "sample", "script_sample"]),
    ("disposition", &["disposition"]),
];

const DIRECTIVES: [&str; 32] = [
    "base-uri",
    "block-all-mixed-content",
    "child-src",
    "connect-src",
    "default-src",
    "fenced-frame-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "navigate-to",
    "object-src",
    "plugin-types",
    "prefetch-src",
    "referrer",
    "report-to",
    "report-uri",
    "require-sri-for",
    "require-trusted-types-for",
    "sandbox",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-attr",
    "style-src-elem",
    "trusted-types",
    "upgrade-insecure-requests",
    "worker-src",
];

/// Keys of reports that browsers used to send, and that nobody keeps any more.
const LEGACY: [&str; 5] =
    ["expect-ct-report", "expect-staple-report", "known-pins", "served-certificate-chain", "validated-certificate-chain"];

/// What one element of a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A violated content security policy.
    Csp,
    /// Another kind of report, which is recognised and not kept.
    Other,
    /// None of these.
    Unknown,
}

/// The report is none, or names no directive that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no content security policy report with a known directive")]
pub struct NotAReport;

/// What the request says beside the body.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// `sentry_release` of the query.
    pub release: Option<&'a str>,
    /// `sentry_environment` of the query.
    pub environment: Option<&'a str>,
    /// `Origin` of the request.
    pub origin: Option<&'a str>,
}

/// What an element of a body is.
pub fn form(element: &Value) -> Form {
    let Value::Object(map) = element else { return Form::Unknown };
    if map.contains_key("csp-report") {
        return Form::Csp;
    }
    match map.get("type") {
        Some(Value::String(kind)) if kind == "csp-violation" && map.contains_key("body") => Form::Csp,
        Some(Value::String(kind)) if kind != "csp-violation" => Form::Other,
        _ if LEGACY.iter().any(|key| map.contains_key(*key)) => Form::Other,
        _ => Form::Unknown,
    }
}

/// The event of a report.
pub fn event(element: &Value, around: Around<'_>) -> Result<Value, NotAReport> {
    let report = element.get("csp-report").or_else(|| element.get("body")).and_then(Value::as_object).ok_or(NotAReport)?;
    let mut csp = renamed(report);
    let directive = effective_directive(&csp).ok_or(NotAReport)?;
    csp.insert("effective_directive".to_owned(), json!(directive));
    csp.entry("blocked_uri").or_insert_with(|| json!("self"));
    csp.entry("violated_directive").or_insert_with(|| json!(""));
    let text = |key: &str| csp.get(key).and_then(Value::as_str).unwrap_or_default();
    let (blocked, document, violated) = (text("blocked_uri"), text("document_uri"), text("violated_directive"));

    let mut tags = vec![json!(["effective-directive", directive]), json!(["blocked-uri", blocked_tag(blocked)])];
    tags.extend(blocked_host(blocked).map(|host| json!(["blocked-host", host])));
    let headers = [("Referer", Some(text("referrer"))), ("Origin", around.origin)];
    let headers: Vec<_> =
        headers.iter().filter_map(|(name, value)| Some(json!([name, value.filter(|value| !value.is_empty())?]))).collect();
    let mut request = Map::new();
    request.extend((!document.is_empty()).then(|| ("url".to_owned(), json!(document))));
    request.extend((!headers.is_empty()).then(|| ("headers".to_owned(), json!(headers))));

    let mut event = json!({
        "type": "csp",
        "logger": "csp",
        "logentry": {"formatted": message(&directive, blocked)},
        "culprit": culprit(violated, document),
        "tags": tags,
        "request": request,
    });
    for (key, value) in [("release", around.release), ("environment", around.environment)] {
        if let Some(value) = value {
            event[key] = json!(value);
        }
    }
    event["csp"] = Value::Object(csp);
    Ok(event)
}

/// The report with one spelling per key; the first that is there counts. Unknown keys stay.
fn renamed(report: &Map<String, Value>) -> Map<String, Value> {
    let mut csp = Map::new();
    for (key, value) in report.iter().filter(|(_, value)| !value.is_null()) {
        let name = KEYS.iter().find(|(_, spellings)| spellings.contains(&key.as_str())).map_or(key.as_str(), |(name, _)| name);
        csp.entry(name).or_insert_with(|| value.clone());
    }
    csp
}

fn effective_directive(csp: &Map<String, Value>) -> Option<String> {
    let first = |key: &str| csp.get(key).and_then(Value::as_str)?.split_ascii_whitespace().next();
    let known = |word: &&str| DIRECTIVES.contains(word);
    let word = first("effective_directive").filter(known).or_else(|| first("violated_directive").filter(known))?;
    Some(word.to_owned())
}

/// Whether an address is the page's own, or none at all.
pub(crate) fn is_local(uri: &str) -> bool {
    matches!(uri, "" | "self" | SELF)
}

/// A blocked address without what changes from report to report: its host with the port, or its scheme.
pub(crate) fn normal_uri(uri: &str) -> String {
    if is_local(uri) {
        return SELF.to_owned();
    }
    let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
    let authority = rest.strip_prefix("//").unwrap_or_default();
    let host = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    with_scheme(scheme, host)
}

fn with_scheme(scheme: &str, host: &str) -> String {
    match (scheme, host) {
        ("http" | "https", "") => format!("{scheme}://"),
        ("http" | "https" | "", host) => host.to_owned(),
        (scheme, "") => format!("{scheme}:"),
        (scheme, host) => format!("{scheme}://{host}"),
    }
}

/// The blocked address as a tag. Stripe's carries tokens behind the path.
fn blocked_tag(uri: &str) -> &str {
    if uri.starts_with("https://api.stripe.com/") { uri.split(['?', '#']).next().unwrap_or(uri) } else { uri }
}

fn blocked_host(uri: &str) -> Option<String> {
    let url = url::Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.host_str().map(str::to_owned)
}

/// The sentence that stands for the report. Two of the local texts look swapped; Relay's are so, and titles have to match.
fn message(directive: &str, blocked: &str) -> String {
    let (local, other) = match directive {
        "child-src" => ("inline 'child'", "'child' from"),
        "connect-src" => ("inline 'connect'", "'connect' from"),
        "font-src" => ("inline 'font'", "'font' from"),
        "form-action" => ("inline 'form-action'", "'form' action to"),
        "img-src" => ("inline 'image'", "'image' from"),
        "manifest-src" => ("inline 'manifest'", "'manifest' from"),
        "media-src" => ("inline 'media'", "'media' from"),
        "object-src" => ("inline 'object'", "'object' from"),
        "script-src" if blocked == "inline" => return "Blocked unsafe inline 'script'".to_owned(),
        "script-src" if blocked == "eval" => return "Blocked unsafe eval() 'script'".to_owned(),
        "script-src" => ("unsafe (eval() or inline) 'script'", "'script' from"),
        "script-src-elem" => ("inline script attribute", "'script' from"),
        "script-src-attr" => ("unsafe 'script' element", "inline script attribute from"),
        "style-src" => ("inline 'style'", "'style' from"),
        "style-src-elem" => ("'style' or 'link' element", "'style' from"),
        "style-src-attr" => ("style attribute", "style attribute from"),
        _ if is_local(blocked) => return format!("Blocked inline '{directive}'"),
        _ => return format!("Blocked '{directive}' from '{}'", normal_uri(blocked)),
    };
    if is_local(blocked) { format!("Blocked {local}") } else { format!("Blocked {other} '{}'", normal_uri(blocked)) }
}

/// The violated part of the policy, with the page's own address as `'self'`.
fn culprit(violated: &str, document: &str) -> String {
    let own = normal_uri(document);
    let scheme = document.split_once(':').map_or("", |(scheme, _)| scheme);
    let normal = |word: &str| match word {
        word if KEYWORDS.contains(&word) => word.to_owned(),
        word if normal_uri(word) == own => SELF.to_owned(),
        word if word.contains(':') => word.to_owned(),
        word => with_scheme(scheme, word),
    };
    let mut words = violated.split_ascii_whitespace();
    let mut culprit = words.next().unwrap_or_default().to_owned();
    for word in words {
        culprit.push(' ');
        culprit.push_str(&normal(word));
    }
    culprit
}

#[cfg(test)]
#[path = "csp_tests.rs"]
mod tests;
