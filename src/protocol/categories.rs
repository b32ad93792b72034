//! Data categories: the names under which items are counted and limited, as they stand in rate-limit headers, client reports and outcomes.
//!
//! Not here: which category an item has ([`super::items`]).

/// What is counted. The discriminant is the number Sentry gives it; it is stored, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i16)]
#[expect(missing_docs, reason = "the names are Sentry's, and say all there is to say")]
pub enum Category {
    Unknown = -1,
    Default = 0,
    Error = 1,
    Transaction = 2,
    Security = 3,
    Attachment = 4,
    Session = 5,
    Profile = 6,
    Replay = 7,
    TransactionProcessed = 8,
    TransactionIndexed = 9,
    Monitor = 10,
    ProfileIndexed = 11,
    Span = 12,
    MonitorSeat = 13,
    Feedback = 14,
    MetricBucket = 15,
    SpanIndexed = 16,
    ProfileDuration = 17,
    ProfileChunk = 18,
    MetricSecond = 19,
    DoNotUseReplayVideo = 20,
    Uptime = 21,
    AttachmentItem = 22,
    LogItem = 23,
    LogByte = 24,
    ProfileDurationUi = 25,
    ProfileChunkUi = 26,
    SeerAutofix = 27,
    SeerScanner = 28,
    PreventUser = 29,
    PreventReview = 30,
    SizeAnalysis = 31,
    InstallableBuild = 32,
    TraceMetric = 33,
    SeerUser = 34,
    ProfileBackend = 35,
    ProfileUi = 36,
    TraceMetricByte = 37,
    SnapshotImage = 38,
}

/// What one of a category's quantities is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Pieces.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
}

use Category as C;

/// Every category with its name, in the order of the numbers.
const NAMES: [(Category, &str); 39] = [
    (C::Default, "default"),
    (C::Error, "error"),
    (C::Transaction, "transaction"),
    (C::Security, "security"),
    (C::Attachment, "attachment"),
    (C::Session, "session"),
    (C::Profile, "profile"),
    (C::Replay, "replay"),
    (C::TransactionProcessed, "transaction_processed"),
    (C::TransactionIndexed, "transaction_indexed"),
    (C::Monitor, "monitor"),
    (C::ProfileIndexed, "profile_indexed"),
    (C::Span, "span"),
    (C::MonitorSeat, "monitor_seat"),
    (C::Feedback, "feedback"),
    (C::MetricBucket, "metric_bucket"),
    (C::SpanIndexed, "span_indexed"),
    (C::ProfileDuration, "profile_duration"),
    (C::ProfileChunk, "profile_chunk"),
    (C::MetricSecond, "metric_second"),
    (C::DoNotUseReplayVideo, "do_not_use_replay_video"),
    (C::Uptime, "uptime"),
    (C::AttachmentItem, "attachment_item"),
    (C::LogItem, "log_item"),
    (C::LogByte, "log_byte"),
    (C::ProfileDurationUi, "profile_duration_ui"),
    (C::ProfileChunkUi, "profile_chunk_ui"),
    (C::SeerAutofix, "seer_autofix"),
    (C::SeerScanner, "seer_scanner"),
    (C::PreventUser, "prevent_user"),
    (C::PreventReview, "prevent_review"),
    (C::SizeAnalysis, "size_analysis"),
    (C::InstallableBuild, "installable_build"),
    (C::TraceMetric, "trace_metric"),
    (C::SeerUser, "seer_user"),
    (C::ProfileBackend, "profile_backend"),
    (C::ProfileUi, "profile_ui"),
    (C::TraceMetricByte, "trace_metric_byte"),
    (C::SnapshotImage, "snapshot_image"),
];

impl Category {
    /// The number.
    pub const fn id(self) -> i16 {
        self as i16
    }

    /// The category of a number; numbers nobody gave out are [`Category::Unknown`].
    pub fn from_id(id: i16) -> Self {
        usize::try_from(id).ok().and_then(|at| NAMES.get(at)).map_or(Self::Unknown, |(category, _)| *category)
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        usize::try_from(self.id()).ok().and_then(|at| NAMES.get(at)).map_or("unknown", |(_, name)| name)
    }

    /// The category of a name; unknown names must be accepted everywhere, so they are [`Category::Unknown`].
    pub fn from_name(name: &str) -> Self {
        NAMES.iter().find(|(_, known)| *known == name).map_or(Self::Unknown, |(category, _)| *category)
    }

    /// What its quantities are.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Attachment | Self::LogByte | Self::TraceMetricByte => Unit::Bytes,
            Self::ProfileDuration | Self::ProfileDurationUi => Unit::Milliseconds,
            _ => Unit::Count,
        }
    }

    /// All but [`Category::Unknown`], in the order of the numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(category, _)| *category)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back() {
        for (at, category) in Category::all().enumerate() {
            assert_eq!(usize::try_from(category.id()), Ok(at));
            assert_eq!(Category::from_id(category.id()), category);
            assert_eq!(Category::from_name(category.name()), category);
        }
        assert_eq!(Category::all().count(), 39);
    }

    #[test]
    fn what_nobody_knows_is_unknown() {
        assert_eq!(Category::from_name("internal"), Category::Unknown);
        assert_eq!(Category::from_id(39), Category::Unknown);
        assert_eq!(Category::from_id(-7), Category::Unknown);
        assert_eq!(Category::Unknown.name(), "unknown");
    }

    #[test]
    fn bytes_are_bytes() {
        let of = |unit| Category::all().filter(|c| c.unit() == unit).map(Category::name).collect::<Vec<_>>();
        assert_eq!(of(Unit::Bytes), ["attachment", "log_byte", "trace_metric_byte"]);
        assert_eq!(of(Unit::Milliseconds), ["profile_duration", "profile_duration_ui"]);
    }
}
