//! Requests and answers.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

impl Answer {
    pub(crate) fn html(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// What people read.
    pub(crate) fn text(&self) -> String {
        text_of(self.html())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.html()))
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn assert_ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub(crate) fn assert_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub(crate) fn assert_redirect(self, to: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.header(header::LOCATION)), (303, to));
        self
    }

    #[track_caller]
    pub(crate) fn assert_reads(&self, text: &str) {
        let page = self.text();
        assert!(page.contains(text), "{text:?} is not on the page: {page}");
    }
}

/// The text of a page: tags left out, entities resolved, blanks joined.
pub(crate) fn text_of(html: &str) -> String {
    // Where a word may be broken it is one all the same.
    let html = html.replace("<wbr>", "");
    let (mut text, mut rest) = (String::new(), &*html);
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    for (entity, character) in
        [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\"")]
    {
        text = text.replace(entity, character);
    }
    let text = text.replace("&#38;", "&").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
