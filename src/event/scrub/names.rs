//! # Names with a meaning
//!
//! **Promise.** Which names of contexts, span attributes and cookies Relay knows, and so treats otherwise than free-form data.

use serde_json::Value;

use super::fields::{self, Node};
use super::selector::same_key;

/// Context types without anything personal.
const PLAIN_CONTEXTS: [&str; 15] = [
    "app",
    "browser",
    "culture",
    "flags",
    "gpu",
    "memory_info",
    "monitor",
    "os",
    "otel",
    "profile",
    "reprocessing",
    "runtime",
    "spring",
    "threadpool_info",
    "unity",
];

/// The node of a context: by its `type`, else by its name.
pub(super) fn context(name: &str, value: Option<&Value>) -> &'static Node {
    let kind = value.and_then(|context| context.get("type")).and_then(Value::as_str).unwrap_or(name);
    match kind {
        "trace" => &fields::TRACE,
        "response" => &fields::RESPONSE,
        "device" => &fields::DEVICE,
        "feedback" | "replay" => &Node::Keep,
        _ if PLAIN_CONTEXTS.contains(&kind) => &Node::Cookies,
        _ => &Node::Free,
    }
}

/// What models and tools were told and answered: prose, with the forms of a message.
const PROSE_ATTRIBUTES: [&str; 16] = [
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.prompt",
    "gen_ai.request.available_tools",
    "gen_ai.request.messages",
    "gen_ai.response.object",
    "gen_ai.response.text",
    "gen_ai.response.tool_calls",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.tool.definitions",
    "gen_ai.tool.input",
    "gen_ai.tool.name",
    "gen_ai.tool.output",
    "mcp.prompt.result",
    "mcp.tool.result.content",
];

/// Attributes of a span that are words of a technical vocabulary: not examined.
const TECHNICAL_ATTRIBUTES: [&str; 95] = [
    "ai.model_id",
    "ai.prompt_tokens.used",
    "app_start_type",
    "browser.name",
    "browser.version",
    "cache.hit",
    "cache.item_size",
    "cache.key",
    "client.port",
    "cls.source.1",
    "code.file.path",
    "code.filepath",
    "code.function",
    "code.function.name",
    "code.line.number",
    "code.lineno",
    "code.namespace",
    "db.collection.name",
    "db.name",
    "db.operation",
    "db.system",
    "device.class",
    "environment",
    "frames.total",
    "gen_ai.agent.name",
    "gen_ai.cost.total_tokens",
    "gen_ai.operation.name",
    "gen_ai.operation.type",
    "gen_ai.pipeline.name",
    "gen_ai.request.max_tokens",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.system",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.total_tokens",
    "http.decoded_response_content_length",
    "http.method",
    "http.request.method",
    "http.response.status_code",
    "http.response_content_length",
    "http.response_transfer_size",
    "http.scheme",
    "http.status_code",
    "lcp.element",
    "lcp.id",
    "lcp.size",
    "messaging.destination.name",
    "messaging.message.body.size",
    "messaging.message.id",
    "messaging.message.receive.latency",
    "messaging.message.retry.count",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.system",
    "method",
    "network.protocol.name",
    "os.name",
    "otel.status_code",
    "profile_id",
    "release",
    "replay_id",
    "resource.render_blocking_status",
    "route",
    "sentry.action",
    "sentry.category",
    "sentry.description",
    "sentry.domain",
    "sentry.dsc.trace_id",
    "sentry.environment",
    "sentry.exclusive_time",
    "sentry.frames.slow",
    "sentry.op",
    "sentry.origin",
    "sentry.platform",
    "sentry.release",
    "sentry.sdk.name",
    "sentry.sdk.version",
    "sentry.segment.id",
    "sentry.segment.name",
    "sentry.source",
    "sentry.transaction",
    "server.address",
    "thread.id",
    "thread.name",
    "transaction",
    "type",
    "ui.component_name",
    "ui.contributes_to_ttid",
    "url.scheme",
    "user.geo.city",
    "user.geo.country_code",
    "user.geo.region",
    "user.geo.subdivision",
    "user_agent.original",
];

/// The node of an attribute of a span.
pub(super) fn span_attribute(key: &str, prose: bool) -> &'static Node {
    if PROSE_ATTRIBUTES.contains(&key) {
        return if prose { &Node::Prose } else { &Node::Keep };
    }
    if TECHNICAL_ATTRIBUTES.binary_search(&key).is_ok() { &Node::Keep } else { &Node::Free }
}

/// Cookies that name a session or guard against forgery; their values go whole.
const SESSION_COOKIES: [&str; 23] = [
    "sentrysid",
    "sudo",
    "su",
    "session",
    "__session",
    "sessionid",
    "user_session",
    "symfony",
    "phpsessid",
    "fasthttpsessionid",
    "mysession",
    "irissessionid",
    "_vercel_jwt",
    "csrf",
    "xsrf",
    "_xsrf",
    "_csrf",
    "csrf-token",
    "csrf_token",
    "xsrf-token",
    "xsrf_token",
    "fastcsrf",
    "_iris_csrf",
];

/// How OpenTelemetry names a cookie outside of a list of cookies.
const COOKIE_ATTRIBUTES: [&str; 2] = ["http.request.header.cookie.", "http.response.header.set-cookie."];

/// Whether a value is a session cookie: by its name under `cookies`, or by an attribute name that says so.
pub(super) fn is_session_cookie(key: &str, parent: Option<&str>) -> bool {
    let known = |name: &str| SESSION_COOKIES.iter().any(|cookie| same_key(cookie, name));
    if parent.is_some_and(|parent| same_key(parent, "cookies")) && known(key) {
        return true;
    }
    COOKIE_ATTRIBUTES.iter().any(|prefix| {
        key.len() > prefix.len()
            && key.is_char_boundary(prefix.len())
            && same_key(&key[..prefix.len()], prefix)
            && known(&key[prefix.len()..])
    })
}

/// Whether a list is a list of pairs of a name and a value: then the names are keys.
pub(super) fn is_pairs(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| matches!(item.as_array().map(Vec::as_slice), Some([Value::String(_), _])))
}
