//! The CPU stage: from a journal entry to what the database stage writes.
//!
//! One record at a time, without database. A panic is caught and condemns its record only.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::feedback;
use super::process::{Facts, Refused, Wishes, grouped, normalised};
use crate::accounts::ProjectId;
use crate::events::intake::NewEvent;
use crate::events::payload;
use crate::events::summary::{Summary, clean};
use crate::feedback::NewReport;
use crate::platform::journal::{Entry, Seq};
use crate::platform::lifecycle::panic_text;
use crate::projects::{ProjectConfig, Registry};
use crate::protocol::client_report;
use crate::protocol::envelope::{EnvelopeHeader, Item};
use crate::protocol::outcome::{Entry as Counted, Ledger, Managed, Source};
use crate::protocol::record::{Record, is_retried};
use crate::protocol::{InvalidReason, ItemKind, Outcome};

/// Bytes of a title that lists and mails show.
const MAX_TITLE: usize = 512;
const MAX_CULPRIT: usize = 400;
/// A difference between sending and receipt from which on an event's times may have been moved; normalising does so from 55 minutes on.
const CLOCK_DOUBT: TimeDelta = TimeDelta::minutes(50);

/// An event, ready to be written.
#[derive(Debug)]
pub(super) struct PreparedEvent {
    pub(super) row: NewEvent,
    /// The earliest time at which it can have been sent for the first time.
    pub(super) sent_first: DateTime<Utc>,
    /// All hashes, the primary first.
    pub(super) hashes: Vec<Uuid>,
    pub(super) title: String,
    pub(super) culprit: String,
    pub(super) kind: &'static str,
    pub(super) summary: Summary,
}

/// One journal record, opened.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) seq: Seq,
    /// When it was received.
    pub(super) at: DateTime<Utc>,
    pub(super) events: Vec<Managed<PreparedEvent>>,
    /// What people said.
    pub(super) reports: Vec<Managed<NewReport>>,
    /// What has ended already: refused, filtered, counted by ingest or by the SDK.
    pub(super) ended: Vec<Counted>,
    /// What was counted when it became a dead letter, and is not true any more.
    pub(super) taken_back: Vec<Counted>,
    /// Nothing is known of its project yet: look it up and prepare the record again.
    pub(super) unknown_project: Option<ProjectId>,
}

impl Prepared {
    /// Its fate is written down: the events may go.
    pub(super) fn end(self) {
        self.events.into_iter().for_each(|event| drop(event.stored()));
        self.reports.into_iter().for_each(|report| drop(report.stored()));
    }

    /// It cannot be written.
    pub(super) fn condemned(self, reason: String) -> Condemned {
        let condemned = Condemned { seq: self.seq, at: self.at, reason };
        self.end();
        condemned
    }

    pub(super) fn event_ids(&self) -> impl Iterator<Item = Uuid> {
        let reports = self.reports.iter().filter_map(Managed::get).map(|report| report.about.report_id);
        self.events.iter().filter_map(Managed::get).map(|event| event.row.event_id).chain(reports)
    }

    pub(super) fn days(&self) -> impl Iterator<Item = NaiveDate> {
        self.events.iter().filter_map(Managed::get).map(|event| event.row.day)
    }
}

/// A record that cannot be opened or written, with the reason for its dead letter.
#[derive(Debug)]
pub(super) struct Condemned {
    pub(super) seq: Seq,
    pub(super) at: DateTime<Utc>,
    pub(super) reason: String,
}

/// Opens one record. With `is_final` a project that is not known is one that was deleted.
pub(super) fn prepare(entry: &Entry, registry: &Registry, is_final: bool) -> Result<Prepared, Condemned> {
    let condemned = |reason| Condemned { seq: entry.seq, at: entry.at, reason };
    let opened = catch_unwind(AssertUnwindSafe(|| open(entry, registry, is_final)));
    match opened {
        Ok(Ok(prepared)) => Ok(prepared),
        Ok(Err(reason)) => Err(condemned(reason)),
        Err(panic) => Err(condemned(format!("this program has a defect that this record reveals: {}", panic_text(&*panic)))),
    }
}

/// How the items of a dead letter are counted; nothing where even that cannot be read. Depends on its bytes alone, so that a retry can take
/// back what was counted.
pub(super) fn lost_items(body: &Bytes) -> Vec<Counted> {
    let count = || {
        let record = Record::decode(body).ok()?;
        let (ledger, source) = (Ledger::default(), source(&record));
        count_refused(&record, &ledger);
        for item in record.open().ok()?.collect_items().ok()? {
            for (category, quantity) in item.header.kind().quantities(&item.header, item.payload.len() as u64) {
                ledger.count(source, category, Outcome::Invalid(InvalidReason::Internal), quantity);
            }
        }
        Some(ledger.take())
    };
    catch_unwind(count).ok().flatten().unwrap_or_default()
}

fn source(record: &Record) -> Source {
    Source { project_id: record.project_id, key_id: record.key_id, received: record.received }
}

/// What ingest counted and did not keep.
fn count_refused(record: &Record, ledger: &Ledger) {
    for counted in &record.counted {
        ledger.count(source(record), counted.category, counted.outcome.clone(), counted.quantity);
    }
}

fn open(entry: &Entry, registry: &Registry, is_final: bool) -> Result<Prepared, String> {
    let record = Record::decode(&entry.body).map_err(|error| error.to_string())?;
    let envelope = record.open().map_err(|error| error.to_string())?;
    let ledger = Ledger::default();
    let source = source(&record);
    count_refused(&record, &ledger);
    let project = ProjectId(record.project_id);
    let config = registry.config(project);
    let taken_back = if is_retried(&entry.body) { lost_items(&entry.body) } else { Vec::new() };
    let mut prepared = Prepared {
        seq: entry.seq,
        at: entry.at,
        events: Vec::new(),
        reports: Vec::new(),
        ended: Vec::new(),
        taken_back,
        unknown_project: None,
    };
    if config.is_none() && !is_final {
        prepared.unknown_project = Some(project);
        return Ok(prepared);
    }
    for item in envelope.collect_items().map_err(|error| error.to_string())? {
        let kind = item.header.kind();
        if kind == ItemKind::ClientReport {
            count_report(&item.payload, &record, &ledger);
            continue;
        }
        let quantities = kind.quantities(&item.header, item.payload.len() as u64);
        let managed = Managed::new(item, source, quantities, &ledger);
        match (&config, kind) {
            (None, _) => drop(managed.rejected(&Outcome::Invalid(InvalidReason::ProjectState))),
            (Some(config), ItemKind::Event) => prepared.events.extend(event(managed, &record, &envelope.header, config)?),
            (Some(config), ItemKind::UserReport | ItemKind::Feedback) => {
                let (facts, id) = (&facts(&record, &envelope.header), record.event_id.or(envelope.header.event_id));
                let request = feedback::Request { facts, config, endpoint: record.endpoint, id };
                prepared.reports.extend(feedback::report(managed, request));
            }
            (Some(_), _) => drop(managed.rejected(&Outcome::Unsupported)),
        }
    }
    prepared.ended = ledger.take();
    Ok(prepared)
}

fn count_report(payload: &Bytes, record: &Record, ledger: &Ledger) {
    // A report that cannot be read counts nothing: it is not an item that could be lost.
    for line in client_report::parse(payload, time(record.received)).unwrap_or_default() {
        ledger.count(source(record), line.category, Outcome::Discarded(line.reason), line.quantity);
    }
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// When an event happened, by the client's clock: it was not sent before. Where that cannot be told the answer is long ago: an event without
/// a time of its own is dated to its receipt, and one whose sender's clock seems wrong is moved by the difference, a repeat differently.
fn sent_first(timestamp: Option<f64>, sent_at: Option<DateTime<Utc>>, received: DateTime<Utc>) -> DateTime<Utc> {
    let happened = timestamp.and_then(|seconds| DateTime::from_timestamp_micros((seconds * 1e6).round() as i64));
    let is_receipt = |time: &DateTime<Utc>| (received - *time).num_microseconds().is_some_and(|micros| micros.abs() < 10);
    let is_moved = sent_at.is_some_and(|sent_at| (received - sent_at).abs() >= CLOCK_DOUBT);
    happened.filter(|time| !is_moved && !is_receipt(time)).unwrap_or_default()
}

/// Why there is no event to write.
enum Trouble {
    /// It has ended.
    Refused(Refused),
    /// It should have been possible.
    Defect(String),
}

/// The event, or nothing when it has ended; an error condemns the record.
fn event(
    item: Managed<Item>,
    record: &Record,
    header: &EnvelopeHeader,
    config: &ProjectConfig,
) -> Result<Option<Managed<PreparedEvent>>, String> {
    let prepared = match item.get() {
        Some(item) => prepared_event(&item.payload, record, header, config),
        None => return Ok(None),
    };
    let outcome = match prepared {
        Ok(event) => return Ok(Some(item.map(|_| event))),
        Err(Trouble::Refused(refused)) => refused.outcome(),
        Err(Trouble::Defect(reason)) => return Err(reason),
    };
    item.rejected(&outcome);
    Ok(None)
}

/// What is known of the request.
fn facts<'a>(record: &'a Record, header: &'a EnvelopeHeader) -> Facts<'a> {
    Facts {
        client_ip: record.client_ip,
        user_agent: record.user_agent.as_deref(),
        hints: Some(&record.hints),
        client: record.sentry_client.as_deref(),
        sdk: header.sdk.as_ref(),
        trace: header.trace.as_ref(),
        received: time(record.received),
        sent_at: header.sent_at,
        event_id: record.event_id.or(header.event_id).map(|id| id.to_string()),
    }
}

fn prepared_event(payload: &Bytes, record: &Record, header: &EnvelopeHeader, config: &ProjectConfig) -> Result<PreparedEvent, Trouble> {
    let received = time(record.received);
    let wishes = Wishes { scrubber: Some(&config.scrubber), filters: Some(&config.filters), store_ips: config.store_ips };
    let mut event = normalised(payload, &facts(record, header), wishes).map_err(Trouble::Refused)?;
    let grouping = grouped(&mut event, &config.grouping);
    let event_id = event.get("event_id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
    let timestamp = event.get("timestamp").and_then(Value::as_f64);
    let packed = payload::encode(&event).map_err(|error| Trouble::Defect(format!("the event cannot be packed: {error:#}")))?;
    Ok(PreparedEvent {
        row: NewEvent {
            project: config.id,
            event_id: event_id.ok_or_else(|| Trouble::Defect("ingest gave the event no id".to_owned()))?,
            day: received.date_naive(),
            received,
            hash: Uuid::from_bytes(grouping.primary().0),
            payload: packed,
        },
        sent_first: sent_first(timestamp, header.sent_at, received),
        hashes: grouping.hashes.iter().map(|hash| Uuid::from_bytes(hash.0)).collect(),
        title: clean(&grouping.title, MAX_TITLE),
        culprit: clean(&grouping.culprit, MAX_CULPRIT),
        kind: grouping.kind.as_str(),
        summary: Summary::of(&event),
    })
}
