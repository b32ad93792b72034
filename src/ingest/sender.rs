//! # Senders: who sent a request that was not taken as it was
//!
//! **Promise.** Whoever looks for their events finds what was refused or left out: with the DSN as this server understood it, in the answer
//! and on the page of recent requests. An answer holds nothing but what its own request said.
//!
//! **How.** A few values of the request's head, kept beside it; the key joins them once it is known.
//!
//! **When it breaks.** What is no plain text in a head is printed as `?`.
//!
//! **Not here.** The page, and how many requests it remembers (`projects::recent`).

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderValue, Uri, header, request::Parts};
use chrono::{DateTime, Utc};

use super::answer::Stop;
use super::client::Client;
use crate::projects::KeyInfo;
use crate::projects::recent::Request;
use crate::protocol::auth::Credentials;
use crate::protocol::record::Counted;
use crate::protocol::{Outcome, PublicKey, Refusal};

/// Digits of a key that tell it apart, and do not let anybody send.
const KEY_DIGITS: usize = 8;
/// Longest host, project and name of a client that are repeated.
const MAX_HOST: usize = 100;
const MAX_SEGMENT: usize = 20;
const MAX_CLIENT: usize = 100;

/// Who sends. Shared, because the request goes its own way.
#[derive(Debug, Default)]
pub(super) struct Sender {
    received: DateTime<Utc>,
    uri: Uri,
    host: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    address: Option<IpAddr>,
    /// The key as sent, and the client's own name.
    sent_key: OnceLock<(PublicKey, Option<String>)>,
    /// Whose request it is, once that is known.
    owner: OnceLock<Arc<KeyInfo>>,
}

impl Sender {
    pub(super) fn of(parts: &Parts, client: &Client, received: DateTime<Utc>) -> Self {
        let text = |name| parts.headers.get(name).cloned();
        let (host, agent) = (text(header::HOST), text(header::USER_AGENT));
        Self { received, uri: parts.uri.clone(), host, agent, address: client.ip, ..Self::default() }
    }

    /// Whose request it is, if that is known.
    pub(super) fn owner(&self) -> Option<&KeyInfo> {
        self.owner.get().map(Arc::as_ref)
    }

    /// The credentials of the request, wherever they were.
    pub(super) fn sent(&self, credentials: &Credentials) {
        let _ = self.sent_key.set((credentials.key, credentials.client.clone()));
    }

    /// The key is this one.
    pub(super) fn belongs_to(&self, key: &Arc<KeyInfo>) {
        let _ = self.owner.set(Arc::clone(key));
    }

    /// `01234567...@errors.example/42`.
    pub(super) fn dsn(&self) -> String {
        let key = match self.sent_key.get() {
            Some((key, _)) => format!("{}...", &key.to_string()[..KEY_DIGITS]),
            None => "(no key)".to_owned(),
        };
        let host =
            self.host.as_ref().map(HeaderValue::as_bytes).or_else(|| self.uri.authority().map(|authority| authority.as_str().as_bytes()));
        format!("{key}@{}/{}", plain(host.unwrap_or(b"-"), MAX_HOST), self.project().unwrap_or("-".to_owned()))
    }

    /// The project of the path, as sent.
    fn project(&self) -> Option<String> {
        let segments = self.segments();
        (segments.len() > 1).then(|| plain(segments[0].as_bytes(), MAX_SEGMENT))
    }

    fn endpoint(&self) -> String {
        let segments = self.segments();
        plain(segments.get(1).or(segments.first()).copied().unwrap_or_default().as_bytes(), MAX_SEGMENT)
    }

    /// The path behind `/api/`, which may stand below any other.
    fn segments(&self) -> Vec<&str> {
        self.uri.path().split('/').filter(|segment| !segment.is_empty()).skip_while(|segment| *segment != "api").skip(1).take(3).collect()
    }

    /// The request, refused.
    pub(super) fn refused(&self, stop: &Stop) -> Option<Request> {
        let (refusal, cause) = stop.explained();
        // Whoever knocks at addresses that do not exist is no SDK.
        let is_stray = matches!(refusal, Refusal::NotFound | Refusal::MethodNotAllowed);
        // A limit is the key's: one line for all who meet it.
        let address = self.address.filter(|_| refusal != Refusal::RateLimited);
        (!is_stray).then(|| Request {
            status: refusal.status(),
            refusal: refusal.name(),
            detail: refusal.line(cause.as_deref()),
            address,
            ..self.request()
        })
    }

    /// The request, taken in part.
    pub(super) fn taken_in_part(&self, counted: &[Counted]) -> Request {
        let left_out = counted.iter().map(|one| (one.category, one.outcome.clone(), one.quantity)).collect();
        let is_usual = counted.iter().all(|one| one.outcome == Outcome::Unsupported);
        // Every browser sends sessions: one line for all of them.
        let address = if is_usual { None } else { self.address };
        Request { status: 200, left_out, address, ..self.request() }
    }

    fn request(&self) -> Request {
        let (agent, named) = (self.agent.as_ref(), self.sent_key.get().and_then(|(_, client)| client.as_deref()));
        let client = named.map(str::as_bytes).or_else(|| agent.map(HeaderValue::as_bytes)).unwrap_or_default();
        Request {
            at: self.received,
            project_id: self.owner.get().map(|key| key.project_id),
            endpoint: self.endpoint(),
            dsn: self.dsn(),
            client: plain(client, MAX_CLIENT),
            address: self.address,
            ..Request::default()
        }
    }
}

/// Visible ASCII and blanks; everything else becomes `?`.
fn plain(bytes: &[u8], max: usize) -> String {
    bytes.iter().take(max).map(|byte| if *byte == b' ' || byte.is_ascii_graphic() { char::from(*byte) } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request as HttpRequest;

    use super::*;
    use crate::protocol::auth;

    fn sender(uri: &str, host: &[u8]) -> Sender {
        let request = HttpRequest::builder().uri(uri).header("host", host).header("user-agent", "curl/8").body(()).unwrap();
        Sender::of(&request.into_parts().0, &Client::default(), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_dsn_is_repeated_as_understood_and_nothing_breaks_out_of_it() {
        for (uri, host, dsn, endpoint) in [
            ("/api/42/envelope/", &b"errors.example:8000"[..], "(no key)@errors.example:8000/42", "envelope"),
            ("//api//42//store", b"h\xff\"t", "(no key)@h?\"t/42", "store"),
            ("/below/a/path/api/42/envelope/", b"h", "(no key)@h/42", "envelope"),
            ("/api/store/", b"h", "(no key)@h/-", "store"),
            ("/api/%0d%0aX/envelope/", b"h", "(no key)@h/%0d%0aX", "envelope"),
            ("/api/0123456789012345678901234567890/envelope/", b"h", "(no key)@h/01234567890123456789", "envelope"),
        ] {
            let sender = sender(uri, host);
            assert_eq!((sender.dsn().as_str(), sender.endpoint().as_str()), (dsn, endpoint), "{uri}");
        }
    }

    #[test]
    fn of_a_key_only_the_beginning_is_repeated() {
        let sender = sender("/api/42/envelope/", b"h");
        let credentials = auth::from_dsn(Some("https://0123456789abcdef0123456789abcdef@h/42")).unwrap();
        sender.sent(&credentials);
        assert_eq!(sender.dsn(), "01234567...@h/42");
        let request = sender.refused(&Refusal::UnknownProject.into()).unwrap();
        assert_eq!((request.project_id, request.status, request.refusal, request.client.as_str()), (None, 403, "unknown_key", "curl/8"));
        assert!(sender.refused(&Refusal::NotFound.into()).is_none());
    }
}
