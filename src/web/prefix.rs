//! # Below a path
//! **Promise.** When the public address has a path (`https://example.org/vedette`), every address that a page prints, a redirect names or a
//! cookie is bound to begins with it. Requests are answered with it, as a proxy that leaves it on sends them, and without it, as one that takes
//! it off does.
//! **How.** [`below`] takes the path off a request and notes it for as long as the request is answered; [`add`] is what `urls` and `assets` print
//! their addresses with.
//! **When it breaks.** Outside of a request there is none: mails name the public address, which has the path in it.
//! **Not here.** The endpoints of SDKs: they step over whatever stands before `/api/`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Uri;
use url::Url;

tokio::task_local! {
    static PREFIX: Arc<str>;
}

/// The path of a public address, without a slash at its end: empty where it has none.
pub fn of(url: &Url) -> &str {
    url.path().trim_end_matches('/')
}

/// The public form of a path of ours.
pub fn add(path: &str) -> String {
    PREFIX.try_with(|prefix| format!("{prefix}{path}")).unwrap_or_else(|_| path.to_owned())
}

/// The path of ours in a public one; one that has no prefix is one already.
pub fn strip(path: &str) -> &str {
    PREFIX.try_with(|prefix| rest(path, prefix).unwrap_or(path)).unwrap_or(path)
}

/// What a cookie is bound to.
pub fn cookie_path() -> String {
    PREFIX.try_with(ToString::to_string).ok().filter(|prefix| !prefix.is_empty()).unwrap_or_else(|| "/".to_owned())
}

/// What follows on `prefix`, where that is the beginning of the path's segments.
fn rest<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// Middleware around everything: the rest of the server knows requests without the path.
pub async fn below(State(prefix): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    if let Some(uri) = without(request.uri(), &prefix) {
        *request.uri_mut() = uri;
    }
    PREFIX.scope(prefix, next.run(request)).await
}

fn without(uri: &Uri, prefix: &str) -> Option<Uri> {
    let path = rest(uri.path(), prefix)?;
    let path = if path.is_empty() { "/" } else { path };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{path}{query}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_segments_are_taken_off() {
        for (uri, expected) in [
            ("/vedette/issues?q=a%20b", Some("/issues?q=a%20b")),
            ("/vedette", Some("/")),
            ("/vedette?x", Some("/?x")),
            ("/vedette/", Some("/")),
            ("/vedettes/issues", None),
            ("/issues", None),
            ("https://example.org/vedette/a", Some("https://example.org/a")),
        ] {
            let found = without(&uri.parse().unwrap(), "/vedette").map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), expected, "{uri}");
        }
    }

    #[tokio::test]
    async fn addresses_have_the_prefix_within_a_request_and_nowhere_else() {
        assert_eq!((add("/issues"), strip("/x/y"), cookie_path()), ("/issues".to_owned(), "/x/y", "/".to_owned()));
        let inside = async { (add("/issues"), strip("/a/b/issues").to_owned(), strip("/a/bc").to_owned(), cookie_path()) };
        let found = PREFIX.scope("/a/b".into(), inside).await;
        assert_eq!(found, ("/a/b/issues".to_owned(), "/issues".to_owned(), "/a/bc".to_owned(), "/a/b".to_owned()));
    }
}
