//! # Item kinds: what an envelope may hold, and the rules for each
//!
//! **Promise.** Every type text has a kind ([`ItemKind::Unknown`] at the worst); every kind says what it counts as, how large it may be, what
//! happens when it is larger, and whether this server keeps it.
//!
//! **When it breaks.** Never: an unknown or unkept kind must not fail its neighbours.
//!
//! **Not here.** What the payloads mean (`event`, `digest`).

use serde_json::Value;

use super::envelope::ItemHeader;
use super::outcome::Quantities;
use super::{Category, InvalidReason, Limits};

/// The `type` of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the wire")]
pub enum ItemKind {
    Event,
    Transaction,
    Security,
    RawSecurity,
    Attachment,
    Session,
    Sessions,
    UserReport,
    Feedback,
    ClientReport,
    CheckIn,
    Log,
    OtelLog,
    TraceMetric,
    Span,
    OtelSpan,
    OtelTracesData,
    Profile,
    ProfileChunk,
    ReplayEvent,
    ReplayRecording,
    ReplayVideo,
    Statsd,
    MetricBuckets,
    MetricMeta,
    Metrics,
    Nel,
    FormData,
    UnrealReport,
    Integration,
    Unknown,
}

use ItemKind as K;

/// Every known kind with its name.
const NAMES: [(ItemKind, &str); 31] = [
    (K::Event, "event"),
    (K::Transaction, "transaction"),
    (K::Security, "security"),
    (K::RawSecurity, "raw_security"),
    (K::Attachment, "attachment"),
    (K::Session, "session"),
    (K::Sessions, "sessions"),
    (K::UserReport, "user_report"),
    (K::Feedback, "feedback"),
    (K::ClientReport, "client_report"),
    (K::CheckIn, "check_in"),
    (K::Log, "log"),
    (K::OtelLog, "otel_log"),
    (K::TraceMetric, "trace_metric"),
    (K::Span, "span"),
    (K::OtelSpan, "otel_span"),
    (K::OtelTracesData, "otel_traces_data"),
    (K::Profile, "profile"),
    (K::ProfileChunk, "profile_chunk"),
    (K::ProfileChunk, "profile_chunk_ui"),
    (K::ReplayEvent, "replay_event"),
    (K::ReplayRecording, "replay_recording"),
    (K::ReplayVideo, "replay_video"),
    (K::Statsd, "statsd"),
    (K::MetricBuckets, "metric_buckets"),
    (K::MetricMeta, "metric_meta"),
    (K::Metrics, "metrics"),
    (K::Nel, "nel"),
    (K::FormData, "form_data"),
    (K::UnrealReport, "unreal_report"),
    (K::Integration, "integration"),
];

/// Whether a small server keeps a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Kept.
    Keep,
    /// Kept once its part of the product is there.
    Optional,
    /// Dropped with an outcome and a 200.
    Drop,
}

/// What happens to an item beyond its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oversize {
    /// 413: without it the envelope makes no sense.
    RefuseEnvelope,
    /// The item is left out and counted, its neighbours are kept.
    DropItem,
}

impl ItemKind {
    /// The kind of a `type`.
    pub fn parse(text: &str) -> Self {
        NAMES.iter().find(|(_, name)| *name == text).map_or(Self::Unknown, |(kind, _)| *kind)
    }

    /// The name on the wire; the first where there are several.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(kind, _)| *kind == self).map_or("unknown", |(_, name)| name)
    }

    /// Whether it is kept.
    pub const fn policy(self) -> Policy {
        match self {
            Self::Event | Self::RawSecurity | Self::Attachment | Self::UserReport | Self::Feedback | Self::ClientReport => Policy::Keep,
            Self::Transaction | Self::Session | Self::Sessions | Self::CheckIn | Self::Log | Self::TraceMetric | Self::Span => {
                Policy::Optional
            }
            _ => Policy::Drop,
        }
    }

    /// Whether the envelope needs an event id for it; one is generated if the header has none.
    pub const fn needs_event_id(self) -> bool {
        matches!(
            self,
            Self::Event
                | Self::Transaction
                | Self::Security
                | Self::RawSecurity
                | Self::Attachment
                | Self::FormData
                | Self::UnrealReport
                | Self::UserReport
                | Self::Feedback
                | Self::ReplayEvent
                | Self::Profile
        )
    }

    /// Whether at most one of all these may be in an envelope; the surplus is left out as `duplicate_item`.
    pub const fn is_event_like(self) -> bool {
        matches!(
            self,
            Self::Event | Self::Transaction | Self::Security | Self::RawSecurity | Self::Feedback | Self::ReplayEvent | Self::FormData
        )
    }

    /// As what the item counts against a number that an envelope may hold, and that number; beside the rule of [`ItemKind::is_event_like`].
    pub fn max_count(self, header: &ItemHeader, limits: &Limits) -> Option<(Self, u64)> {
        match self {
            Self::Attachment => Some((self, limits.attachments_count)),
            Self::Session | Self::Sessions => Some((Self::Session, limits.sessions_count)),
            Self::ClientReport => Some((self, limits.client_reports_count)),
            Self::Span if !is_container_of_spans(header) => Some((self, limits.spans_count)),
            Self::Profile | Self::ReplayRecording | Self::ReplayVideo => Some((self, 1)),
            _ => None,
        }
    }

    /// The largest payload.
    pub const fn max_size(self, limits: &Limits) -> u64 {
        match self {
            Self::Event | Self::Transaction | Self::Security | Self::RawSecurity | Self::Feedback | Self::FormData => limits.event,
            Self::Attachment | Self::UnrealReport => limits.attachment,
            Self::Session | Self::Sessions => limits.session,
            Self::UserReport => limits.user_report,
            Self::ClientReport => limits.client_report,
            Self::CheckIn => limits.check_in,
            Self::Log | Self::OtelLog => limits.log,
            Self::TraceMetric => limits.trace_metric,
            Self::Span | Self::OtelSpan | Self::OtelTracesData => limits.span,
            Self::Profile | Self::ProfileChunk => limits.profile,
            Self::ReplayEvent | Self::ReplayRecording | Self::ReplayVideo => limits.replay,
            _ => limits.other,
        }
    }

    /// What happens beyond [`ItemKind::max_size`].
    pub const fn oversize(self) -> Oversize {
        if matches!(self, Self::Event | Self::Transaction | Self::Security | Self::RawSecurity | Self::Feedback | Self::FormData) {
            Oversize::RefuseEnvelope
        } else {
            Oversize::DropItem
        }
    }

    /// The reason under which an oversized item is counted.
    pub fn too_large(self) -> InvalidReason {
        InvalidReason::TooLarge(self.name())
    }

    /// The category of one item, for limits; `None` for what is never limited.
    pub const fn category(self) -> Option<Category> {
        Some(match self {
            Self::Event | Self::UnrealReport => Category::Error,
            Self::Transaction => Category::Transaction,
            Self::Security | Self::RawSecurity => Category::Security,
            Self::Attachment => Category::Attachment,
            Self::Session | Self::Sessions => Category::Session,
            Self::UserReport | Self::Feedback => Category::Feedback,
            Self::CheckIn => Category::Monitor,
            Self::Log | Self::OtelLog => Category::LogItem,
            Self::TraceMetric => Category::TraceMetric,
            Self::Span | Self::OtelSpan | Self::OtelTracesData => Category::Span,
            Self::Profile => Category::Profile,
            Self::ProfileChunk => Category::ProfileChunk,
            Self::ReplayEvent | Self::ReplayRecording | Self::ReplayVideo => Category::Replay,
            Self::Statsd | Self::MetricBuckets | Self::MetricMeta | Self::Metrics => Category::MetricBucket,
            Self::ClientReport | Self::Nel | Self::FormData | Self::Integration | Self::Unknown => return None,
        })
    }

    /// What an item counts as, as far as its header and size tell: digest corrects the category of events and the number of sessions.
    /// Items without a category count once as unknown, so that they are seen, except client reports.
    pub fn quantities(self, header: &ItemHeader, payload_len: u64) -> Quantities {
        let items = header.item_count.map_or(1, u64::from).min(MAX_CLAIMED);
        match self {
            Self::ClientReport => Vec::new(),
            Self::Attachment => vec![(Category::Attachment, payload_len.max(1)), (Category::AttachmentItem, 1)],
            Self::Transaction => vec![(Category::Transaction, 1), (Category::TransactionIndexed, 1)],
            Self::Log => vec![(Category::LogItem, items), (Category::LogByte, payload_len)],
            Self::TraceMetric => vec![(Category::TraceMetric, items), (Category::TraceMetricByte, payload_len)],
            Self::Span => vec![(Category::Span, items), (Category::SpanIndexed, items)],
            Self::Profile => vec![(Category::Profile, 1), (Category::ProfileIndexed, 1)],
            Self::ProfileChunk if is_ui_chunk(header) => vec![(Category::ProfileChunkUi, 1)],
            // A recording comes with its replay event, which counts.
            Self::ReplayRecording => vec![(Category::Replay, 0)],
            _ => vec![(self.category().unwrap_or(Category::Unknown), 1)],
        }
    }
}

/// Whether a span item holds many, as newer SDKs send them; older ones send each as an item.
pub(super) fn is_container_of_spans(header: &ItemHeader) -> bool {
    header.content_type.as_deref() == Some("application/vnd.sentry.items.span.v2+json") || header.item_count.is_some()
}

fn is_ui_chunk(header: &ItemHeader) -> bool {
    header.kind_text.as_deref() == Some("profile_chunk_ui") || header.platform.as_deref().is_some_and(is_ui_platform)
}

/// Whether profiles of a platform count as those of user interfaces.
pub(super) fn is_ui_platform(platform: &str) -> bool {
    matches!(platform, "cocoa" | "android" | "javascript")
}

/// The most that an item counts for by what its sender says: its real contents could not fill so many.
pub const MAX_CLAIMED: u64 = 1_000_000;

/// How many sessions a `sessions` payload adds up to, at most [`MAX_CLAIMED`]; 0 for what is none.
pub fn sessions_in_aggregates(payload: &Value) -> u64 {
    let aggregates = payload.get("aggregates").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let counts = aggregates.iter().flat_map(|one| ["exited", "errored", "abnormal", "crashed", "unhandled"].map(|key| one.get(key)));
    counts.flatten().filter_map(Value::as_u64).fold(0, u64::saturating_add).min(MAX_CLAIMED)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(kind: ItemKind, header: &ItemHeader, len: u64) -> Vec<(&'static str, u64)> {
        kind.quantities(header, len).into_iter().map(|(category, n)| (category.name(), n)).collect()
    }

    #[test]
    fn names_lead_back_and_unknown_ones_are_unknown() {
        for (kind, name) in NAMES {
            assert_eq!(ItemKind::parse(name), kind);
            assert_eq!(ItemKind::parse(kind.name()), kind);
        }
        for name in ["", "Event", "profile_future", "uptime"] {
            assert_eq!(ItemKind::parse(name), ItemKind::Unknown);
        }
    }

    #[test]
    fn quantities_follow_the_table() {
        let header = ItemHeader::default();
        assert_eq!(counted(ItemKind::Event, &header, 10), [("error", 1)]);
        assert_eq!(counted(ItemKind::Attachment, &header, 500), [("attachment", 500), ("attachment_item", 1)]);
        assert_eq!(counted(ItemKind::Attachment, &header, 0), [("attachment", 1), ("attachment_item", 1)]);
        assert_eq!(counted(ItemKind::ClientReport, &header, 10), []);
        assert_eq!(counted(ItemKind::Unknown, &header, 10), [("unknown", 1)]);
        let three = ItemHeader { item_count: Some(3), ..ItemHeader::default() };
        assert_eq!(counted(ItemKind::Log, &three, 900), [("log_item", 3), ("log_byte", 900)]);
        assert_eq!(counted(ItemKind::Span, &three, 900), [("span", 3), ("span_indexed", 3)]);
        let endless = ItemHeader { item_count: Some(u32::MAX), ..ItemHeader::default() };
        assert_eq!(counted(ItemKind::Log, &endless, 900), [("log_item", MAX_CLAIMED), ("log_byte", 900)]);
        let ui = ItemHeader { platform: Some("cocoa".to_owned()), ..ItemHeader::default() };
        let named = ItemHeader { kind_text: Some("profile_chunk_ui".to_owned()), ..ItemHeader::default() };
        for ui in [ui, named] {
            assert_eq!(counted(ItemKind::ProfileChunk, &ui, 9), [("profile_chunk_ui", 1)]);
        }
        assert_eq!(counted(ItemKind::ProfileChunk, &header, 9), [("profile_chunk", 1)]);
    }

    #[test]
    fn only_event_like_items_refuse_the_envelope_when_too_large() {
        let refusing: Vec<_> =
            NAMES.iter().filter(|(kind, _)| kind.oversize() == Oversize::RefuseEnvelope).map(|(_, name)| *name).collect();
        assert_eq!(refusing, ["event", "transaction", "security", "raw_security", "feedback", "form_data"]);
        assert_eq!(ItemKind::Event.max_size(&Limits::default()), 1 << 20);
        assert_eq!(ItemKind::Attachment.max_size(&Limits::default()), 100 << 20);
        assert_eq!(ItemKind::CheckIn.too_large().key(), "too_large:check_in");
    }

    #[test]
    fn aggregates_are_added_up() {
        let payload = json!({"aggregates": [{"started": "x", "exited": 2, "crashed": 1}, {"errored": 4, "exited": -1}, null]});
        assert_eq!(sessions_in_aggregates(&payload), 7);
        assert_eq!(sessions_in_aggregates(&json!([])), 0);
        assert_eq!(sessions_in_aggregates(&json!({"aggregates": [{"exited": u64::MAX, "errored": 9}]})), MAX_CLAIMED);
    }
}
