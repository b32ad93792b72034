//! # Refusals: what a request is told that is not taken
//!
//! **Promise.** One variant per case of the protocol; status, texts and the counted reason come from here and nowhere else.
//!
//! **How.** The body is `{"detail": …, "causes": [ … ]}`; the same text goes into `X-Sentry-Error`, without control characters.
//!
//! **Not here.** CORS headers, which stand on every answer (`ingest`).

use serde::Serialize;

use super::outcome::InvalidReason;

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No credentials anywhere.
    MissingAuth,
    /// A `Sentry …` header that cannot be read; the part that is wrong.
    BadAuthHeader(&'static str),
    /// The `dsn` of the envelope header cannot be read.
    BadEnvelopeAuth(String),
    /// The key is no key.
    BadKey,
    /// The project in the path is no number.
    BadProject,
    /// The event id in the path is none.
    BadEventId,
    /// There is no such key.
    UnknownProject,
    /// The key is switched off.
    DisabledKey,
    /// The key is not one of the project in the path.
    ForeignKey,
    /// The page that sends is not of an allowed domain.
    ForbiddenOrigin,
    /// The envelope's `dsn` names another project or key than the URL or header.
    ProjectMismatch,
    /// The body has no bytes.
    EmptyBody,
    /// The envelope cannot be framed.
    InvalidEnvelope(&'static str),
    /// The body of a store request is no JSON object.
    InvalidJson(String),
    /// The content encoding does not decode.
    InvalidEncoding(&'static str),
    /// The connection broke while the body was read.
    BrokenBody,
    /// The body, or an item that cannot be left out, is too large; the item's type.
    TooLarge(Option<&'static str>),
    /// A check-in by URL that lacks what makes one; what.
    InvalidCheckIn(&'static str),
    /// A minidump request without a dump.
    MissingMinidump,
    /// A minidump request whose dump is none.
    InvalidMinidump,
    /// A multipart body that cannot be split.
    InvalidMultipart,
    /// The endpoint does not take this content type.
    UnsupportedMediaType,
    /// All that was sent is over a limit, or the server cannot take more now.
    RateLimited,
    /// The endpoint exists, the method does not.
    MethodNotAllowed,
    /// No such endpoint.
    NotFound,
    /// The server is shutting down, or what reads the body failed.
    Unavailable,
    /// The server cannot take more now, and this client would misunderstand a 429.
    Overloaded,
}

/// The body of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorBody {
    /// What happened.
    pub detail: String,
    /// Why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// The DSN as this server understood it, with the beginning of the key only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dsn: Option<String>,
}

impl Refusal {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::MissingAuth | Self::BadAuthHeader(_) | Self::BadEnvelopeAuth(_) => 401,
            Self::UnknownProject | Self::DisabledKey | Self::ForeignKey | Self::ForbiddenOrigin => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge(_) => 413,
            Self::UnsupportedMediaType => 415,
            Self::RateLimited => 429,
            Self::Unavailable | Self::Overloaded => 503,
            Self::BadKey
            | Self::BadProject
            | Self::BadEventId
            | Self::ProjectMismatch
            | Self::EmptyBody
            | Self::InvalidEnvelope(_)
            | Self::InvalidJson(_)
            | Self::InvalidEncoding(_)
            | Self::BrokenBody
            | Self::InvalidCheckIn(_)
            | Self::MissingMinidump
            | Self::InvalidMinidump
            | Self::InvalidMultipart => 400,
        }
    }

    /// What happened, for people who read an SDK's debug log.
    pub fn detail(&self) -> String {
        match self {
            Self::MissingAuth => "missing authorization information",
            Self::BadAuthHeader(_) => "bad x-sentry-auth header",
            Self::BadEnvelopeAuth(_) => "bad envelope authentication header",
            Self::BadKey => "bad sentry DSN public key",
            Self::BadProject => "bad project path parameter",
            Self::UnknownProject | Self::DisabledKey | Self::ForeignKey => "event submission rejected with_reason: ProjectId",
            Self::BadEventId => "bad event id path parameter",
            Self::ForbiddenOrigin => "event submission rejected with_reason: Cors",
            Self::ProjectMismatch | Self::InvalidEnvelope(_) => "invalid event envelope",
            Self::EmptyBody => "empty request body",
            Self::InvalidJson(_) => "invalid JSON data",
            Self::InvalidEncoding(_) | Self::BrokenBody => "failed to read request body",
            Self::TooLarge(Some(kind)) => {
                return format!("envelope exceeded size limits for type '{kind}' (https://develop.sentry.dev/sdk/envelopes/#size-limits)");
            }
            Self::TooLarge(None) => "payload too large",
            Self::InvalidCheckIn(_) => "invalid check-in",
            Self::MissingMinidump => "missing minidump",
            Self::InvalidMinidump => "invalid minidump",
            Self::InvalidMultipart => "invalid multipart data",
            Self::UnsupportedMediaType => "unsupported media type",
            Self::RateLimited => {
                "Sentry dropped data due to a quota or internal rate limit being reached. This will not affect your application."
            }
            Self::MethodNotAllowed => "method not allowed",
            Self::NotFound => "no such endpoint",
            Self::Unavailable => "the server is shutting down or failed, try again",
            Self::Overloaded => "the server cannot take more now, try again",
        }
        .to_owned()
    }

    /// Why, where there is more to say.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::BadAuthHeader(why) | Self::InvalidEnvelope(why) | Self::InvalidEncoding(why) | Self::InvalidCheckIn(why) => Some(why),
            Self::BadEnvelopeAuth(why) | Self::InvalidJson(why) => Some(why),
            Self::BadKey => Some("invalid project key"),
            Self::UnknownProject => Some("no such key on this server"),
            Self::DisabledKey => Some("the key is switched off"),
            Self::ForeignKey => Some("the key is not one of this project number"),
            Self::ForbiddenOrigin => Some("the page is not of the key's allowed domains"),
            Self::BadProject => Some("invalid project id"),
            Self::BadEventId => Some("invalid event id"),
            Self::ProjectMismatch => Some("project id header mismatch between envelope and request"),
            Self::BrokenBody => Some("connection closed before the end"),
            _ => None,
        }
    }

    /// A name that is stored and never changes.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MissingAuth => "missing_auth",
            Self::BadAuthHeader(_) => "bad_auth_header",
            Self::BadEnvelopeAuth(_) => "bad_envelope_auth",
            Self::BadKey => "bad_key",
            Self::BadProject => "bad_project",
            Self::BadEventId => "bad_event_id",
            Self::UnknownProject => "unknown_key",
            Self::DisabledKey => "disabled_key",
            Self::ForeignKey => "foreign_key",
            Self::ForbiddenOrigin => "forbidden_origin",
            Self::ProjectMismatch => "project_mismatch",
            Self::EmptyBody => "empty_body",
            Self::InvalidEnvelope(_) => "invalid_envelope",
            Self::InvalidJson(_) => "invalid_json",
            Self::InvalidCheckIn(_) => "invalid_check_in",
            Self::InvalidEncoding(_) => "invalid_encoding",
            Self::BrokenBody => "broken_body",
            Self::TooLarge(_) => "too_large",
            Self::MissingMinidump => "missing_minidump",
            Self::InvalidMinidump => "invalid_minidump",
            Self::InvalidMultipart => "invalid_multipart",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::Unavailable => "unavailable",
        }
    }

    /// The JSON body.
    pub fn body(&self) -> ErrorBody {
        ErrorBody { detail: self.detail(), causes: self.cause().map(str::to_owned).into_iter().collect(), dsn: None }
    }

    /// The value of `X-Sentry-Error`: one line of visible ASCII.
    pub fn header_text(&self) -> String {
        self.line(self.cause())
    }

    /// What happened and why, as one line of visible ASCII.
    pub fn line(&self, cause: Option<&str>) -> String {
        let mut text = self.detail();
        if let Some(cause) = cause {
            text.truncate(text.trim_end_matches('.').len());
            text.push_str(": ");
            text.push_str(cause);
        }
        text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).take(300).collect()
    }

    /// The reason under which the items of a refused request are counted; `None` where no project is known, or the limit has its own reason.
    pub const fn reason(&self) -> Option<InvalidReason> {
        match self {
            Self::ForbiddenOrigin => Some(InvalidReason::Cors),
            Self::EmptyBody => Some(InvalidReason::NoData),
            Self::InvalidEnvelope(_) | Self::ProjectMismatch => Some(InvalidReason::InvalidEnvelope),
            Self::InvalidJson(_) => Some(InvalidReason::InvalidJson),
            Self::InvalidEncoding(_) | Self::BrokenBody => Some(InvalidReason::InvalidCompression),
            Self::TooLarge(kind) => Some(InvalidReason::TooLarge(match kind {
                Some(kind) => kind,
                None => "envelope",
            })),
            Self::InvalidCheckIn(_) => Some(InvalidReason::InvalidCheckIn),
            Self::MissingMinidump => Some(InvalidReason::MissingMinidumpUpload),
            Self::InvalidMinidump => Some(InvalidReason::InvalidMinidump),
            Self::InvalidMultipart => Some(InvalidReason::InvalidMultipart),
            Self::UnsupportedMediaType => Some(InvalidReason::ContentType),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_protocol_table() {
        for (refusal, status, body) in [
            (Refusal::MissingAuth, 401, r#"{"detail":"missing authorization information"}"#),
            (
                Refusal::BadAuthHeader("invalid value for version"),
                401,
                r#"{"detail":"bad x-sentry-auth header","causes":["invalid value for version"]}"#,
            ),
            (Refusal::BadKey, 400, r#"{"detail":"bad sentry DSN public key","causes":["invalid project key"]}"#),
            (Refusal::BadProject, 400, r#"{"detail":"bad project path parameter","causes":["invalid project id"]}"#),
            (
                Refusal::UnknownProject,
                403,
                r#"{"detail":"event submission rejected with_reason: ProjectId","causes":["no such key on this server"]}"#,
            ),
            (
                Refusal::ForbiddenOrigin,
                403,
                r#"{"detail":"event submission rejected with_reason: Cors","causes":["the page is not of the key's allowed domains"]}"#,
            ),
            (
                Refusal::ProjectMismatch,
                400,
                r#"{"detail":"invalid event envelope","causes":["project id header mismatch between envelope and request"]}"#,
            ),
            (Refusal::EmptyBody, 400, r#"{"detail":"empty request body"}"#),
            (
                Refusal::TooLarge(Some("event")),
                413,
                r#"{"detail":"envelope exceeded size limits for type 'event' (https://develop.sentry.dev/sdk/envelopes/#size-limits)"}"#,
            ),
        ] {
            assert_eq!(refusal.status(), status);
            assert_eq!(serde_json::to_string(&refusal.body()).unwrap(), body);
        }
    }

    #[test]
    fn the_header_text_is_one_safe_line() {
        let text = Refusal::InvalidJson("a\r\nSet-Cookie: x\u{e9}".to_owned()).header_text();
        assert_eq!(text, "invalid JSON data: a??Set-Cookie: x?");
        assert!(Refusal::InvalidJson("x".repeat(10_000)).header_text().len() <= 300);
    }
}
