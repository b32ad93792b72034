//! # Pages and their samples
//! **Promise.** Every page struct can make itself in each of its states, hostile text included, so that one test renders them all and one command takes their pictures.

use askama::Template;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{StatusCode, header};

use super::error::HttpError;

/// One state of a page.
#[derive(Debug)]
pub struct Sample<P> {
    /// "fresh", "hostile": names the snapshot and the picture.
    pub name: &'static str,
    /// The page in that state.
    pub page: P,
}

impl<P> Sample<P> {
    /// A named state.
    pub const fn new(name: &'static str, page: P) -> Self {
        Self { name, page }
    }
}

/// A page with samples of all its states.
pub trait Page: Template + Sized {
    /// "issues-list": names snapshots and pictures.
    const NAME: &'static str;
    /// Every state that looks different.
    fn samples() -> Vec<Sample<Self>>;
}

/// Text that must come out inert wherever it is printed.
pub const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}} javascript:alert(3) \u{202e}gnp.exe";

/// The moment at which samples are looked at: 24 November 2026, 14:33:07 UTC.
pub fn sample_now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_530_787, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// `(page name, state name, html)` of every sample of `P`; an unrenderable one is its error.
pub fn render_samples<P: Page>() -> Vec<(&'static str, &'static str, Result<String, askama::Error>)> {
    P::samples().into_iter().map(|s| (P::NAME, s.name, s.page.render())).collect()
}

/// Renders a page into an answer; failure to render is an internal error.
pub fn html(page: &impl Template) -> Response {
    html_with(StatusCode::OK, page)
}

/// Like [`html`], with a status (422 for a form shown again).
pub fn html_with(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(e) => HttpError::Internal(anyhow::Error::new(e).context("a template did not render")).into_response(),
    }
}

/// Every state of `P` renders, has one heading, and nothing in it runs or is styled inline.
#[cfg(test)]
pub(crate) fn assert_inert<P: Page>() {
    for (page, state, html) in render_samples::<P>() {
        let html = html.unwrap();
        for live in ["<script>", "<img src=x", " style=", "href=\"javascript", " onerror=alert(2)>'", " onclick", "\u{202e}"] {
            assert!(!html.contains(live), "{page} {state}: {live}");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{page} {state}: one heading");
        let ours = html.matches("<script src=\"/static/").count();
        assert_eq!(html.matches("<script").count(), ours, "{page} {state}: only our own scripts");
    }
}
