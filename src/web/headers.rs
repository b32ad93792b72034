//! # Security headers
//! **Promise.** Every page answers with a policy under which nothing but our own style and script can run, load or frame it. **How.** One axum middleware over the dashboard's routes.
//! **Not here.** CORS of the ingest endpoints; the policy of one mail's HTML ([`MAIL_CSP`]), which its handler sets and this layer keeps.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue, header};

/// The Content-Security-Policy of all pages.
pub const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; \
    frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The policy of a mail's HTML in its frame: inline style only, no script, no network, shown by our own pages alone.
pub const MAIL_CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox; form-action 'none'; frame-ancestors 'self'; base-uri 'none'";

/// The policy of files that clients sent: nothing runs, nothing loads, nothing frames them.
pub const DOWNLOAD_CSP: &str = "default-src 'none'; sandbox; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Middleware: adds the headers; a policy or caching rule that the handler chose stays.
pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CSP));
    // Pages show other people's data after sign-out when a browser keeps them.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body, middleware, routing::get};
    use tower::ServiceExt as _;

    async fn answer(path: &str) -> Response {
        let app = Router::new()
            .route("/page", get(async || "x"))
            .route("/mail", get(async || ([(header::CONTENT_SECURITY_POLICY, MAIL_CSP)], "x")))
            .layer(middleware::from_fn(security_headers));
        app.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn pages_get_the_strict_policy_and_a_handlers_own_stays() {
        let page = answer("/page").await;
        assert_eq!(page.headers()[header::CONTENT_SECURITY_POLICY], CSP);
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(page.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer("/mail").await.headers()[header::CONTENT_SECURITY_POLICY], MAIL_CSP);
        assert_eq!(answer("/none").await.headers()[header::CONTENT_SECURITY_POLICY], CSP, "error answers too");
    }

    #[test]
    fn no_policy_allows_inline_script_or_foreign_hosts() {
        for policy in [CSP, MAIL_CSP, DOWNLOAD_CSP] {
            assert!(policy.contains("default-src 'none'") && policy.contains("base-uri 'none'"));
            assert!(!policy.contains("unsafe-eval") && !policy.contains("http") && !policy.contains('*'));
        }
        assert!(!CSP.contains("unsafe-inline"));
        assert!(!MAIL_CSP.contains("script") && !DOWNLOAD_CSP.contains("allow"));
    }
}
