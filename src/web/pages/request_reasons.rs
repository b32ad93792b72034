//! Why requests were refused, in words, each with what to do about it.

use super::stats_reasons;

/// What a refusal (by its `Refusal::name`) means, and what to do.
pub(super) fn refusal(name: &str) -> (&'static str, &'static str) {
    match name {
        "missing_auth" => ("No key was sent.", "Look at the SDK's DSN; behind a proxy, see that it forwards X-Sentry-Auth and the query."),
        "bad_auth_header" => {
            ("The key's header could not be read.", "A proxy may have changed X-Sentry-Auth, or the client is no Sentry SDK.")
        }
        "bad_envelope_auth" => {
            ("The DSN in the envelope could not be read.", "A tunnel must pass the body on as it came; look at the SDK's DSN.")
        }
        "bad_key" => ("The key in the DSN is no key.", "Copy the DSN again: a key has 32 hex digits."),
        "bad_project" => ("The DSN ends with something that is no project number.", "Copy the DSN again from the project's page."),
        "bad_event_id" => ("The address names no event.", "Look at the address that the client sends to."),
        "invalid_check_in" => ("The check-in could not be read.", "Look at the address and its fields: status, check_in_id, duration."),
        "unknown_key" => ("There is no key like this here.", "Copy the DSN again from the project's page; it may be another server's."),
        "disabled_key" => {
            ("The key is switched off.", "Switch it on in the project's settings, or give the program the DSN of another key.")
        }
        "foreign_key" => ("Key and project number of the DSN do not belong together.", "Copy the whole DSN again, not a part of it."),
        "forbidden_origin" => ("The page is not of the key's allowed domains.", "Add the page's domain to the key, if it is yours."),
        "project_mismatch" => {
            ("The envelope names another DSN than the request.", "A tunnel must send to the DSN that stands in the envelope.")
        }
        "empty_body" => ("The body was empty.", "A proxy may swallow it."),
        "invalid_envelope" => ("The body is no envelope.", "A proxy may have changed it, or the client is no Sentry SDK."),
        "invalid_json" => ("The body is no JSON object.", "Look at hooks that change events before they are sent; update the SDK."),
        "invalid_encoding" => ("The body could not be decompressed.", "A proxy may have unpacked it and left the header."),
        "broken_body" => ("The connection ended before the body.", "Look at timeouts and size limits of proxies in between."),
        "too_large" => ("It was too large.", "Send less: fewer attachments, shorter texts, smaller contexts."),
        "missing_minidump" => ("The crash upload had no minidump.", "Look at the crash reporter's field names."),
        "invalid_minidump" => ("The minidump is none.", "Look at what the crash reporter uploads."),
        "invalid_multipart" => ("The form could not be taken apart.", "Look at the crash reporter's upload settings."),
        "unsupported_media_type" => ("The address does not take this content type.", "Look at the address that the client sends to."),
        "rate_limited" => {
            ("A limit was reached, or the server could take no more.", "The answer names which. SDKs wait and report what they dropped.")
        }
        "trimmed" => (
            "Stored without some entries, for which there was no room:",
            "The event's page says how many. Send less of it, if they matter.",
        ),
        "overloaded" => ("The server could take no more.", "An administrator sees why in the log."),
        "unavailable" => ("The server was shutting down, or failed.", "An administrator sees which in the log."),
        _ => ("It was refused.", ""),
    }
}

/// Why items were left out, and what to do.
pub(super) fn missing(outcome: &str, reason: &str) -> (String, String) {
    match stats_reasons::reason(outcome, reason) {
        Some(words) => (words.what, words.then.to_owned()),
        None if outcome == "unsupported" => {
            ("of a kind that this server does not keep".to_owned(), "Nothing to do, or switch it off where it is sent.".to_owned())
        }
        None => (outcome.replace('_', " "), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Refusal;

    #[test]
    fn refusals_that_are_listed_have_words_and_what_nobody_knows_is_said_plainly() {
        for known in [
            Refusal::MissingAuth,
            Refusal::BadAuthHeader(""),
            Refusal::BadEnvelopeAuth(String::new()),
            Refusal::BadKey,
            Refusal::BadProject,
            Refusal::UnknownProject,
            Refusal::DisabledKey,
            Refusal::ForeignKey,
            Refusal::ForbiddenOrigin,
            Refusal::ProjectMismatch,
            Refusal::EmptyBody,
            Refusal::InvalidEnvelope(""),
            Refusal::InvalidJson(String::new()),
            Refusal::InvalidEncoding(""),
            Refusal::BrokenBody,
            Refusal::TooLarge(None),
            Refusal::MissingMinidump,
            Refusal::InvalidMinidump,
            Refusal::InvalidMultipart,
            Refusal::UnsupportedMediaType,
            Refusal::RateLimited,
            Refusal::Unavailable,
            Refusal::BadEventId,
            Refusal::InvalidCheckIn(""),
            Refusal::Overloaded,
        ] {
            assert_ne!(refusal(known.name()), refusal("of tomorrow"), "{known:?}");
        }
        assert_eq!(missing("unsupported", "").0, "of a kind that this server does not keep");
        assert_eq!(missing("invalid", "too_large:attachment").0, "Too large: attachment");
        assert_eq!(missing("odd_end", "x"), ("odd end".to_owned(), String::new()));
    }
}
