//! Outcomes and their reasons in words, each with what to do about it.

use crate::event::filters::FilterReason;
use crate::protocol::quota::LimitName;
use crate::protocol::{InvalidReason, Outcome, client_report};

/// A reason for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// What happened.
    pub(super) what: String,
    /// What to do about it; may be empty.
    pub(super) then: &'static str,
}

fn words(what: impl Into<String>, then: &'static str) -> Words {
    Words { what: what.into(), then }
}

/// Outcomes as they are shown, in order: name, title, what it means.
pub(super) const ENDS: [(&str, &str, &str); 7] = [
    ("stored", "Accepted", "stored"),
    ("duplicate", "Duplicates", "came again under the same id: stored once"),
    ("filtered", "Filtered", "dropped by an inbound filter of this project"),
    ("rate_limited", "Rate limited", "refused for now; SDKs wait before they send again"),
    ("invalid", "Invalid", "could not be used"),
    ("unsupported", "Not kept", "of a kind that this server does not keep"),
    ("discarded", "Discarded by the SDK", "never sent; the SDK reported how many"),
];

/// The words of an outcome's reason; nothing where the outcome says all.
pub(super) fn reason(outcome: &str, reason: &str) -> Option<Words> {
    Some(match Outcome::from_parts(outcome, reason)? {
        Outcome::Stored | Outcome::Duplicate | Outcome::Unsupported => return None,
        Outcome::Filtered(key) => match FilterReason::from_stat_key(&key) {
            Some(known) => words(known.to_string(), "Wanted after all? Switch the filter off under Inbound filters."),
            None => words(key.into_owned(), ""),
        },
        Outcome::RateLimited(code) => rate_limit(&code),
        Outcome::Invalid(why) => invalid(why),
        Outcome::Discarded(why) => discarded(&why),
    })
}

fn rate_limit(code: &str) -> Words {
    match code {
        "journal_full" => words(
            "Events came faster than they were digested, and the waiting room was full",
            "If it lasts, the database is slow or away: an administrator sees why in the log.",
        ),
        "disk_low" => words("The server's disk was nearly full", "An administrator must make room; events are taken again by themselves."),
        "disk_failed" => words("The server's disk did not take the event", "An administrator sees why in the log."),
        "record_too_large" => words("One request was larger than the server's waiting room", "Send smaller attachments."),
        "shutting_down" => words("The server was restarting", "Nothing to do."),
        "" => words("A limit without a name", ""),
        other => {
            let limit = LimitName::from_code(other).map_or_else(|| format!("Limit “{}”", spoken(other)), |limit| sentence(&limit.words()));
            words(format!("{limit} was reached"), "Send less, sample in the SDK, or have the limit raised.")
        }
    }
}

fn invalid(why: InvalidReason) -> Words {
    use InvalidReason as R;
    match why {
        R::TooLarge(kind) => {
            words(format!("Too large: {}", spoken(kind)), "Send less: fewer attachments, shorter texts, smaller contexts.")
        }
        R::DuplicateItem => words(
            "More of a kind than one request may hold",
            "What was not too many was kept. Send fewer at once: events, files, security reports.",
        ),
        R::InvalidJson => words("Not JSON, or not an event", "Update the SDK; look at hooks that change events before they are sent."),
        R::InvalidEnvelope => {
            words("The envelope could not be taken apart", "A proxy may have changed it, or the SDK is not one of Sentry's.")
        }
        R::InvalidCompression => words("The body could not be decompressed", "A proxy may have unpacked it and left the header."),
        R::InvalidMultipart => words("The form could not be taken apart", "Look at the crash reporter's upload settings."),
        R::InvalidMsgpack => words("Data of a native crash reporter that could not be read", "Update the SDK."),
        R::InvalidProto => words("OpenTelemetry data that could not be read", "Look at the exporter's protocol setting."),
        R::Payload => words("An item without a type", "Update the SDK."),
        R::NoData => words("Nothing was sent", "A proxy may swallow the body."),
        R::NoEventPayload => words("It belongs to an event that was not there", "Its event was probably dropped by a filter or limit."),
        R::Timestamp => words("Too old, or from the future", "Look at the clock of the machine that sends."),
        R::InvalidTransaction => words("A transaction without its times or trace", "Update the SDK."),
        R::InvalidLog => words("A log entry that is none", "Update the SDK."),
        R::InvalidSpan => words("A span that is none", "Update the SDK."),
        R::InvalidTraceMetric => words("A metric that is none", "Update the SDK."),
        R::InvalidSession => words("A session without its start or its release", "Set a release in the SDK."),
        R::InvalidCheckIn => words("A check-in without a monitor, or with an unknown status", "A job says in_progress, ok or error."),
        R::InvalidProfile => words("A profile that is none", "Update the SDK."),
        R::InvalidReplayRecording => words("A replay's recording that is none", "Update the SDK."),
        R::InvalidReplay => words("A replay that is none", "Update the SDK."),
        R::SecurityReport => words("A browser's security report that could not be read", "Nothing to do: some browsers send such reports."),
        R::SecurityReportType => words("A kind of security report that is not known", "Nothing to do: browsers invent new kinds."),
        R::MissingMinidumpUpload => words("A crash upload without its minidump", "Look at the crash reporter's field names."),
        R::InvalidMinidump => words("A minidump that is none", "Look at what the crash reporter uploads."),
        R::Cors => words("From a page outside the allowed domains", "Add the page's domain to the key, if it is yours."),
        R::ContentType => words("A content type that the address does not take", "Look at the address that the client sends to."),
        R::ProjectId => words("The key belongs to another project", "Copy the DSN again from this project's page."),
        R::ProjectState => words("The project was deleted before the item was stored", ""),
        R::EmptyFeedback => words("Feedback that says nothing", ""),
        R::Internal => words("A defect of this server", "Please report it; an administrator finds the cause in the log."),
    }
}

fn discarded(why: &str) -> Words {
    match why {
        "queue_overflow" | "buffer_overflow" => words("The SDK's queue was full", "Errors came faster than the network took them."),
        "cache_overflow" => words("The SDK's cache on disk was full", "The device was offline for long."),
        "ratelimit_backoff" => {
            words("The SDK waited because this server had said so", "See rate limits above, and kinds that are not kept.")
        }
        "backpressure" => words("The SDK sampled because its program was busy", ""),
        "network_error" => words("The server could not be reached", "Look at the network between program and server."),
        "send_error" => words("The server answered with an error", "Look at what is invalid or too large here."),
        "sample_rate" => words("The SDK's sample rate left it out", "Raise the sample rate in the SDK's settings to see more."),
        "before_send" => words("The program's before-send hook dropped it", "Wanted after all? Change the hook."),
        "event_processor" => words("An event processor of the program dropped it", "Inbound filters of the SDK count here, too."),
        "ignored" => words("The SDK's list of ignored errors has it", "Wanted after all? Change the list in the SDK's settings."),
        "insufficient_data" => words("Too little in it to be sent", ""),
        "invalid" => words("The SDK found it unusable", "Update the SDK."),
        "no_parent_span" => words("A span outside any transaction", ""),
        "internal_sdk_error" => words("A defect of the SDK", "Update the SDK."),
        "" => words("The SDK gave no reason", ""),
        client_report::OTHER => words("Other reasons", "SDKs named more reasons of their own than are counted apart."),
        other => words(format!("The SDK's own reason “{other}”"), ""),
    }
}

/// With a capital letter.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// "too_many_things" as people read it.
fn spoken(code: &str) -> String {
    code.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_and_the_known_reasons_have_words_of_their_own() {
        for filter in FilterReason::ALL {
            assert_eq!(reason("filtered", filter.stat_key()).unwrap().what, filter.to_string());
        }
        for (outcome, key) in [("rate_limited", "journal_full"), ("invalid", "invalid_json"), ("discarded", "before_send")] {
            let words = reason(outcome, key).unwrap();
            assert!(!words.what.contains(key) && !words.then.is_empty(), "{words:?}");
        }
    }

    #[test]
    fn what_is_said_is_true_of_everything_that_ends_so() {
        // Two events, a 31st file and a 101st security report end alike.
        let surplus = reason("invalid", "duplicate_item").unwrap();
        assert!(!surplus.what.contains("once") && !surplus.what.contains("envelope"), "{surplus:?}");
        // The addresses of cron jobs and of Unreal's crash reporter tell nobody to stop.
        assert!(!ENDS.iter().any(|(.., hint)| hint.contains("told")));
    }

    #[test]
    fn what_nobody_knows_is_shown_as_it_is() {
        assert_eq!(reason("discarded", "a").unwrap().what, "The SDK's own reason “a”");
        assert_eq!(reason("filtered", "new-filter").unwrap().what, "new-filter");
        assert_eq!(reason("rate_limited", "key_events_minute").unwrap().what, "The key's limit on events per minute was reached");
        assert_eq!(reason("rate_limited", "key_quota").unwrap().what, "Limit “key quota” was reached");
        assert_eq!(reason("invalid", "too_large:attachment").unwrap().what, "Too large: attachment");
        assert_eq!((reason("stored", ""), reason("no outcome", "x")), (None, None));
    }
}
