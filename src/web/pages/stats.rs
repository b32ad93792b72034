//! What became of everything that was sent to a project.

use askama::Template;

use super::settings_tabs::{Tab, tabs};
use super::stats_reasons::{self, ENDS};
use crate::protocol::Category;
use crate::protocol::categories::Unit;
use crate::web::chart::Bars;
use crate::web::{Link, Page, Sample, Shell, number, page::HOSTILE, urls};

/// Reasons that are shown of one outcome.
const MAX_REASONS: usize = 20;
/// Height of bars, in units of their picture.
const HEIGHT: usize = 28;

/// The time that is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// 30 days by day rather than 24 hours by hour.
    pub by_day: bool,
    /// What its bars stand for, oldest first: "14:00", "24 Nov".
    pub labels: Vec<String>,
}

impl Span {
    fn words(&self) -> &'static str {
        if self.by_day { "30 days" } else { "24 hours" }
    }
}

/// What ended in one way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// `protocol::Outcome::name`.
    pub outcome: String,
    /// How much in each part of the span, oldest first.
    pub counts: Vec<i64>,
    /// How much for which reason, in any order.
    pub reasons: Vec<(String, i64)>,
}

/// A reason, ready to print.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reason {
    what: String,
    then: &'static str,
    count: String,
}

/// An outcome, ready to print.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    id: &'static str,
    title: &'static str,
    hint: &'static str,
    count: String,
    share: String,
    bars: Bars,
    reasons: Vec<Reason>,
}

/// A kind of data, ready to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    id: &'static str,
    title: &'static str,
    total: String,
    ends: Vec<End>,
}

impl Kind {
    /// What became of a category. Outcomes nobody knows are left out.
    pub fn new(category: Category, ended: &[Ended], span: &Span) -> Self {
        let all: i64 = ended.iter().flat_map(|ended| &ended.counts).sum();
        let amount = |n: i64| amount(category.unit(), n);
        let ends = ENDS.iter().filter_map(|(id, title, hint)| {
            let found = ended.iter().find(|ended| ended.outcome == *id);
            let empty = Ended { counts: vec![0; span.labels.len()], ..Ended::default() };
            // Errors always say how many were accepted, be it none.
            let found = found.or_else(|| (*id == "stored" && category == Category::Error).then_some(&empty))?;
            let sum: i64 = found.counts.iter().sum();
            let mut reasons: Vec<_> = found.reasons.iter().collect();
            reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            let reasons = reasons.into_iter().take(MAX_REASONS).filter_map(|(reason, n)| {
                let words = stats_reasons::reason(id, reason)?;
                Some(Reason { what: words.what, then: words.then, count: amount(*n) })
            });
            Some(End {
                id,
                title,
                hint,
                count: amount(sum),
                share: number::share(sum, all),
                bars: bars(&found.counts, span, &amount),
                reasons: reasons.collect(),
            })
        });
        Self { id: category.name(), title: title(category), total: amount(all), ends: ends.collect() }
    }
}

fn amount(unit: Unit, n: i64) -> String {
    match unit {
        Unit::Count => number::count(n),
        Unit::Bytes => number::bytes(n.unsigned_abs()),
        Unit::Milliseconds => format!("{} s", number::count(n / 1000)),
    }
}

fn bars(counts: &[i64], span: &Span, amount: &impl Fn(i64) -> String) -> Bars {
    let label = |index: usize| span.labels.get(index).map_or("", String::as_str);
    let mut bars = Bars::new(counts, HEIGHT, span.words(), |index| label(index).to_owned());
    // The picture's own words are about events.
    for (index, (bar, count)) in bars.bars.iter_mut().zip(counts).enumerate() {
        bar.label = format!("{}, {}", amount(*count), label(index));
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    bars.summary = format!("{}: {}, at most {} in one bar", span.words(), amount(counts.iter().sum()), amount(most));
    bars
}

/// "Errors (3)", "Attachments, by size (104.9 MB)".
pub(super) fn amount_of(category: Category, n: i64) -> String {
    format!("{} ({})", title(category), amount(category.unit(), n))
}

/// What people call a category.
fn title(category: Category) -> &'static str {
    match category {
        Category::Error | Category::Default => "Errors",
        Category::Security => "Security reports of browsers",
        Category::Transaction => "Transactions",
        Category::Attachment => "Attachments, by size",
        Category::AttachmentItem => "Attachments",
        Category::Session => "Sessions",
        Category::Profile => "Profiles",
        Category::ProfileChunk | Category::ProfileChunkUi => "Parts of profiles",
        Category::Replay => "Replays",
        Category::Monitor => "Check-ins",
        Category::Span => "Spans",
        Category::Feedback => "Feedback",
        Category::MetricBucket | Category::TraceMetric => "Metrics",
        Category::TraceMetricByte => "Metrics, by size",
        Category::LogItem => "Log entries",
        Category::LogByte => "Log entries, by size",
        Category::Unknown => "Requests that were not read, and unknown kinds",
        other => other.name(),
    }
}

/// What became of the errors sent with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStats {
    /// The beginning of the key.
    pub key: String,
    /// Whether it is on.
    pub active: bool,
    /// Stored.
    pub stored: i64,
    /// Filtered.
    pub filtered: i64,
    /// Rate limited.
    pub limited: i64,
    /// Duplicate, invalid or not kept.
    pub other: i64,
    /// Discarded by the SDK.
    pub discarded: i64,
}

impl KeyStats {
    fn cells(&self) -> [(&'static str, String); 5] {
        [
            ("Accepted", number::count(self.stored)),
            ("Filtered", number::count(self.filtered)),
            ("Rate limited", number::count(self.limited)),
            ("Not usable", number::count(self.other)),
            ("Discarded by the SDK", number::count(self.discarded)),
        ]
    }
}

/// All that `templates/projects/stats.html` may print.
#[derive(Debug, Template)]
#[template(path = "projects/stats.html")]
pub struct StatsPage {
    /// Around it.
    pub shell: Shell,
    /// The project's name.
    pub name: String,
    /// The project's slug.
    pub slug: String,
    /// What is looked at.
    pub span: Span,
    /// Errors first.
    pub kinds: Vec<Kind>,
    /// The keys, when there are several.
    pub keys: Vec<KeyStats>,
}

impl StatsPage {
    fn project_href(&self) -> String {
        urls::project(&self.slug)
    }

    fn limits_href(&self) -> String {
        urls::project_limits(&self.slug)
    }

    fn requests_href(&self) -> String {
        urls::project_requests(&self.slug)
    }

    fn filters_href(&self) -> String {
        urls::project_filters(&self.slug)
    }

    fn tabs(&self) -> Vec<Link> {
        tabs(&self.slug, Tab::Stats)
    }

    fn spans(&self) -> [Link; 2] {
        let by_day = self.span.by_day;
        [
            Link::new("24 hours", urls::project_stats(&self.slug)).chosen_if(!by_day),
            Link::new("30 days", urls::project_stats_month(&self.slug)).chosen_if(by_day),
        ]
    }

    fn first_label(&self) -> &str {
        self.span.labels.first().map_or("", String::as_str)
    }
}

impl Page for StatsPage {
    const NAME: &'static str = "project-stats";

    fn samples() -> Vec<Sample<Self>> {
        let labels = |by_day: bool| {
            if by_day { (1..=30).map(|d| format!("{d} Nov")).collect() } else { (0..24).map(|h| format!("{h:02}:00")).collect() }
        };
        let ended = |outcome: &str, n: i64, reasons: &[(&str, i64)], parts: usize| Ended {
            outcome: outcome.to_owned(),
            counts: (0..parts as i64).map(|i| if i == 20 { n * 9 } else { n + i % 3 }).collect(),
            reasons: reasons.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect(),
        };
        let page = |by_day, odd: &str| {
            let span = Span { by_day, labels: labels(by_day) };
            let parts = span.labels.len();
            let errors = [
                ended("stored", 900, &[], parts),
                ended("duplicate", 3, &[], parts),
                ended("filtered", 40, &[("web-crawlers", 700), ("error-message", 260)], parts),
                ended("rate_limited", 1, &[("key_events_minute", 22), ("journal_full", 2)], parts),
                ended("invalid", 0, &[("invalid_json", 3), ("too_large:event", 1)], parts),
                ended("discarded", 12, &[("before_send", 200), (odd, 88)], parts),
            ];
            let sizes = [ended("unsupported", 48_000, &[("", 9_000_000)], parts)];
            let key = |key: &str, active, stored| KeyStats {
                key: key.to_owned(),
                active,
                stored,
                filtered: 960,
                limited: 24,
                other: 7,
                discarded: 288,
            };
            Self {
                shell: Shell::sample("Stats"),
                name: "shop-api".to_owned(),
                slug: "shop-api".to_owned(),
                kinds: vec![Kind::new(Category::Error, &errors, &span), Kind::new(Category::Attachment, &sizes, &span)],
                keys: vec![key("5f21c09a", true, 20_000), key("00aa11bb", false, 1_600)],
                span,
            }
        };
        let quiet = |span: Span| Self { kinds: vec![Kind::new(Category::Error, &[], &span)], keys: vec![], span, ..page(false, "") };
        vec![
            Sample::new("day", page(false, "sample_rate")),
            Sample::new("month", page(true, "sample_rate")),
            Sample::new("nothing", quiet(Span { by_day: false, labels: labels(false) })),
            Sample::new("hostile", Self { name: HOSTILE.to_owned(), slug: HOSTILE.to_owned(), ..page(false, HOSTILE) }),
        ]
    }
}
