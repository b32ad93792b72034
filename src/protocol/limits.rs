//! Sizes that ingest accepts, each a setting: the defaults are at the end of section 5 of the protocol page.
//!
//! A limit is the largest size that is taken: limit + 1 is too much. Not here: what happens then ([`super::items::ItemKind::oversize`]).

/// One kibibyte.
pub const KIB: u64 = 1024;
/// One mebibyte.
pub const MIB: u64 = 1024 * KIB;

/// The largest sizes and numbers that are taken. Bytes are counted after decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A whole envelope.
    pub envelope: u64,
    /// A whole `/store/` body, and what it unpacks to.
    pub store: u64,
    /// A `/security/` body.
    pub security: u64,
    /// An event, transaction, feedback, security or form item.
    pub event: u64,
    /// One attachment.
    pub attachment: u64,
    /// All attachments of an envelope together.
    pub attachments_total: u64,
    /// Attachments in an envelope.
    pub attachments_count: u32,
    /// A session or sessions item.
    pub session: u64,
    /// Session and sessions items in an envelope.
    pub sessions_count: u32,
    /// A client report.
    pub client_report: u64,
    /// Client reports in an envelope.
    pub client_reports_count: u32,
    /// A check-in.
    pub check_in: u64,
    /// A log container.
    pub log: u64,
    /// A body of OTLP logs.
    pub otlp_logs: u64,
    /// A body of network error reports.
    pub nel: u64,
    /// A trace metric container.
    pub trace_metric: u64,
    /// A span or span container.
    pub span: u64,
    /// Standalone spans in an envelope.
    pub spans_count: u32,
    /// A profile or profile chunk.
    pub profile: u64,
    /// A replay recording or video.
    pub replay: u64,
    /// A user report: it counts in the attachment class, but its texts are short.
    pub user_report: u64,
    /// Anything else.
    pub other: u64,
    /// One header line of an envelope.
    pub header_line: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            envelope: 100 * MIB,
            store: MIB,
            security: MIB,
            event: MIB,
            attachment: 100 * MIB,
            attachments_total: 100 * MIB,
            attachments_count: 30,
            session: 10 * MIB,
            sessions_count: 100,
            client_report: 100 * KIB,
            client_reports_count: 100,
            check_in: 100 * KIB,
            log: 12 * MIB,
            otlp_logs: 2 * MIB,
            nel: 12 * MIB,
            trace_metric: MIB,
            span: 10 * MIB,
            spans_count: 25,
            profile: 50 * MIB,
            replay: 10 * MIB,
            user_report: MIB,
            other: MIB,
            header_line: MIB,
        }
    }
}
