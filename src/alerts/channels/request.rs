//! From a message to the request that a channel's server takes, and from its answer to what that means.

use chrono::{DateTime, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::text::flat;
use super::{Kind, Message, discord, mattermost, ntfy, slack, teams, webhook};
use crate::platform::fetch::{Answer, FetchError};

/// Characters of an answer that the log keeps.
const SAID: usize = 200;
/// What is shorter is no secret.
const SHORT: usize = 6;
const HINT: usize = 4;

/// Where a channel is.
#[derive(Clone)]
pub(super) struct Target {
    /// Most of it is secret.
    pub(super) url: Url,
    /// A webhook's key, ntfy's token.
    pub(super) secret: Option<String>,
}

/// The same, as it is sealed.
#[derive(Serialize, Deserialize)]
struct Stored {
    url: String,
    secret: Option<String>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Taken.
    Sent(String),
    /// Worth another attempt.
    Later(String),
    /// Refused for good.
    Never(String),
}

/// What is posted where.
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Target {
    /// What is sealed.
    pub(super) fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        Ok(serde_json::to_vec(&Stored { url: self.url.to_string(), secret: self.secret.clone() })?)
    }

    /// What was sealed.
    pub(super) fn from_bytes(bytes: &[u8]) -> anyhow::Result<Self> {
        let Stored { url, secret } = serde_json::from_slice(bytes)?;
        Ok(Self { url: url.parse()?, secret })
    }

    /// What people may know of it: "hooks.slack.com/…Xy9z".
    pub(super) fn hint(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let rest = self.url.path().trim_start_matches('/').chars().chain(self.url.query().unwrap_or_default().chars());
        let rest: Vec<char> = rest.collect();
        // Of a short one the last letters would be half of it.
        let shown = if rest.len() >= 3 * HINT { rest.len() - HINT } else { rest.len() };
        format!("{host}/…{}", rest[shown..].iter().collect::<String>())
    }

    /// The request that tells a message.
    pub(super) fn request(&self, kind: Kind, message: &Message, (id, now): (&str, DateTime<Utc>)) -> Request {
        let id = id.trim_matches(['<', '>']).split('@').next().unwrap_or_default();
        let mut url = self.url.clone();
        let body = match kind {
            Kind::Webhook => webhook::body(message, (id, now)),
            Kind::Slack => slack::body(message),
            Kind::Mattermost => mattermost::body(message),
            Kind::Discord => discord::body(message),
            Kind::Teams => teams::body(message),
            Kind::Ntfy => {
                let (root, topic) = ntfy::topic(&self.url).unwrap_or_else(|| (self.url.clone(), String::new()));
                url = root;
                ntfy::body(message, &topic)
            }
        };
        let body = Value::to_string(&body).into_bytes();
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let mut set = |name: HeaderName, value: String| headers.extend(HeaderValue::from_str(&value).ok().map(|value| (name, value)));
        match (kind, &self.secret) {
            (Kind::Webhook, Some(secret)) => {
                let seconds = now.timestamp();
                set(HeaderName::from_static("webhook-signature"), webhook::signature(secret, (id, seconds), &body));
                set(HeaderName::from_static("webhook-timestamp"), seconds.to_string());
                set(HeaderName::from_static("webhook-id"), id.to_owned());
            }
            (Kind::Ntfy, Some(token)) => set(AUTHORIZATION, format!("Bearer {token}")),
            _ => {}
        }
        Request { url, headers, body }
    }

    /// What an answer means. Nothing secret stands in its words, even if the server repeats what it was asked.
    pub(super) fn judge(&self, answer: Result<Answer, FetchError>) -> Outcome {
        let answer = match answer {
            Err(FetchError::Refused(why)) => return Outcome::Never(format!("Not asked: {why}.")),
            Err(FetchError::Away(why)) => return Outcome::Later(format!("No answer: {why}.")),
            Ok(answer) => answer,
        };
        let said = flat(&self.masked(&answer.body), SAID);
        let status = answer.status;
        let said = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
        match status {
            _ if status.is_success() => Outcome::Sent(said),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => Outcome::Later(said),
            _ if status.is_server_error() => Outcome::Later(said),
            _ if status.is_redirection() => Outcome::Never(format!("{status}: the address leads elsewhere; enter the one it leads to.")),
            _ => Outcome::Never(said),
        }
    }

    fn masked(&self, text: &str) -> String {
        let parts = self.url.path().split('/').chain(self.url.query().into_iter().flat_map(|query| query.split(['&', '='])));
        let parts = parts.chain([self.url.username(), self.url.password().unwrap_or_default(), self.secret.as_deref().unwrap_or_default()]);
        parts.filter(|part| part.len() >= SHORT).fold(text.to_owned(), |text, part| text.replace(part, "…"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target { url: url.parse().unwrap(), secret: Some("tk_s3cret".to_owned()) }
    }

    #[test]
    fn a_hint_is_a_host_and_the_last_letters_of_what_is_long_enough() {
        for (url, hint) in [
            ("https://hooks.slack.com/services/T000/B000/XXXXXy9z", "hooks.slack.com/…Xy9z"),
            ("https://ntfy.sh/shop", "ntfy.sh/…"),
            ("https://user:pass@hooks.example:8443/", "hooks.example/…"),
            ("https://teams.example/workflows/1?sig=abcdefgh", "teams.example/…efgh"),
        ] {
            assert_eq!(target(url).hint(), hint);
        }
    }

    #[test]
    fn an_answer_is_taken_tried_again_or_final() {
        let target = target("https://hooks.example/services/B000/XXXXXy9z");
        let judged =
            |status: u16, body: &str| target.judge(Ok(Answer { status: StatusCode::from_u16(status).unwrap(), body: body.to_owned() }));
        assert_eq!(judged(200, "ok"), Outcome::Sent("200 OK: ok".to_owned()));
        assert_eq!(judged(204, ""), Outcome::Sent("204 No Content".to_owned()));
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(matches!(judged(status, "x"), Outcome::Later(_)), "{status}");
        }
        for status in [301, 302, 303, 400, 401, 403, 404, 410, 413, 422] {
            assert!(matches!(judged(status, "x"), Outcome::Never(_)), "{status}");
        }
        let repeated = judged(404, "Cannot POST /services/B000/XXXXXy9z with Bearer tk_s3cret\r\n<b>");
        assert_eq!(repeated, Outcome::Never("404 Not Found: Cannot POST /…/B000/… with Bearer … <b>".to_owned()));
        let away = target.judge(Err(FetchError::Away("it cannot be reached".to_owned())));
        assert_eq!(away, Outcome::Later("No answer: it cannot be reached.".to_owned()));
    }
}
