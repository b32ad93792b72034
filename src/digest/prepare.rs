//! The CPU stage: from a journal entry to what the database stage writes.
//!
//! One record at a time, without database. A panic is caught and condemns its record only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::attachments::{Files, Owner, PreparedAttachment};
use super::crash::Beside;
use super::feedback;
use super::notes::{self, Fate};
use super::places::Places;
use super::process::{Facts, Refused, Wishes, grouped, parsed, reported, settled};
use super::reported::Reported;
use crate::accounts::ProjectId;
use crate::event::csp::Around;
use crate::event::geo::GeoIp;
use crate::event::lost;
use crate::events::intake::NewEvent;
use crate::events::summary::{MAX_CULPRIT, MAX_TITLE, Summary, clean};
use crate::events::{pairs, payload};
use crate::feedback::NewReport;
use crate::grouping::{Hash, Kind, Place};
use crate::platform::journal::{Entry, Journal, Seq};
use crate::platform::lifecycle::panic_text;
use crate::platform::telemetry::chain;
use crate::projects::{ProjectConfig, Registry, recent::Request};
use crate::protocol::envelope::{EnvelopeHeader, Item, ItemHeader};
use crate::protocol::outcome::{Entry as Counted, Ledger, Managed, Source};
use crate::protocol::record::{Record, is_retried};
use crate::protocol::{Category, EventId, InvalidReason, ItemKind, Outcome};

/// A difference between sending and receipt from which on an event's times may have been moved; normalising does so from 55 minutes on.
const CLOCK_DOUBT: TimeDelta = TimeDelta::minutes(50);

/// An event, ready to be written.
#[derive(Debug)]
pub(super) struct PreparedEvent {
    pub(super) row: NewEvent,
    /// When it happened, as far as its clock is believed.
    pub(super) happened: DateTime<Utc>,
    /// The earliest time at which it can have been sent for the first time.
    pub(super) sent_first: DateTime<Utc>,
    /// All hashes, the primary first.
    pub(super) hashes: Vec<Uuid>,
    /// Its other hashes by the version before, while the project's change of version is going on.
    pub(super) earlier_hashes: Vec<Uuid>,
    pub(super) title: String,
    pub(super) culprit: String,
    pub(super) kind: &'static str,
    pub(super) place: Option<Place>,
    pub(super) summary: Summary,
    /// What it is found by.
    pub(super) pairs: Vec<i64>,
    /// Its parts of which entries were left out.
    pub(super) trimmed: Vec<String>,
}

/// One journal record, opened.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) seq: Seq,
    /// When it was received.
    pub(super) at: DateTime<Utc>,
    pub(super) events: Vec<Managed<PreparedEvent>>,
    /// Files to keep. With an event beside them they end as it does.
    pub(super) attachments: Vec<Managed<PreparedAttachment>>,
    /// Whether all blobs of the files are stored.
    pub(super) is_stored: bool,
    /// What people said.
    pub(super) reports: Vec<Managed<NewReport>>,
    /// What has ended already: refused, filtered, counted by ingest or by the SDK.
    pub(super) ended: Vec<Counted>,
    /// What was counted when it became a dead letter, and is not true any more.
    pub(super) taken_back: Vec<Counted>,
    /// What people should hear of it, once it is written.
    pub(super) told: Vec<Request>,
    /// Nothing is known of its project yet: look it up and prepare the record again.
    pub(super) unknown_project: Option<ProjectId>,
}

impl Prepared {
    /// Nothing yet.
    fn empty(entry: &Entry) -> Self {
        let taken_back = if is_retried(&entry.body) { lost_items(&entry.body) } else { Vec::new() };
        Self {
            seq: entry.seq,
            at: entry.at,
            events: Vec::new(),
            attachments: Vec::new(),
            is_stored: false,
            reports: Vec::new(),
            ended: Vec::new(),
            taken_back,
            told: Vec::new(),
            unknown_project: None,
        }
    }

    /// Keeps what people should hear of these ends, and the ends.
    fn tell(&mut self, record: &Record, ended: Vec<Counted>, why: String) {
        let trimmed = self.events.iter().filter_map(Managed::get).flat_map(|event| event.trimmed.iter().cloned()).collect();
        let is_stored = !(self.events.is_empty() && self.attachments.is_empty() && self.reports.is_empty());
        self.told = notes::of(record, &ended, Fate { why, trimmed, is_stored });
        self.ended.extend(ended);
    }

    /// Its fate is written down: the events may go.
    pub(super) fn end(self) {
        self.events.into_iter().for_each(|event| drop(event.stored()));
        self.attachments.into_iter().for_each(|file| drop(file.stored()));
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
        let files = self.attachments.iter().filter_map(Managed::get).filter_map(PreparedAttachment::day);
        self.events.iter().filter_map(Managed::get).map(|event| event.row.day).chain(files)
    }

    /// Whether a file has to be stored before it can be written.
    pub(super) fn needs_blobs(&self) -> bool {
        self.attachments.iter().filter_map(Managed::get).any(PreparedAttachment::needs_blob)
    }
}

/// A record that cannot be opened or written, with the reason for its dead letter.
#[derive(Debug)]
pub(super) struct Condemned {
    pub(super) seq: Seq,
    pub(super) at: DateTime<Utc>,
    pub(super) reason: String,
}

/// What records are opened with.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) registry: Registry,
    pub(super) journal: Arc<Journal>,
    pub(super) journal_id: Uuid,
    pub(super) places: Places,
    /// A project that is not known is one that was deleted.
    pub(super) is_final: bool,
}

/// Opens one record.
pub(super) fn prepare(entry: &Entry, tools: &Tools) -> Result<Prepared, Condemned> {
    let condemned = |reason| Condemned { seq: entry.seq, at: entry.at, reason };
    let opened = catch_unwind(AssertUnwindSafe(|| open(entry, tools)));
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
        let items = record.open().ok()?.collect_items().ok()?;
        let beside = record.spooled.iter().map(|item| (&item.header, item.length));
        for (header, length) in items.iter().map(|item| (&item.header, item.payload.len() as u64)).chain(beside) {
            for (category, quantity) in header.kind().quantities(header, length) {
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

fn open(entry: &Entry, tools: &Tools) -> Result<Prepared, String> {
    let record = Record::decode(&entry.body).map_err(|error| error.to_string())?;
    let envelope = record.open().map_err(|error| error.to_string())?;
    let ledger = Ledger::default();
    let source = source(&record);
    count_refused(&record, &ledger);
    let project = ProjectId(record.project_id);
    let config = tools.registry.config(project);
    let mut prepared = Prepared::empty(entry);
    if config.is_none() && !tools.is_final {
        prepared.unknown_project = Some(project);
        return Ok(prepared);
    }
    // Ingest has told of these.
    prepared.ended = ledger.take();
    let mut reported = Reported::default();
    let mut items = envelope.collect_items().map_err(|error| error.to_string())?;
    let mut beside = Beside::take(&record, &mut items, (source, &ledger));
    let facts = facts(&record, &envelope.header, tools.places.now());
    let mut reports = 0..;
    let (mut files, mut fate, mut unsaid, mut why) = (Files::new(&ledger, source), None, None, String::new());
    for item in items {
        let kind = item.header.kind();
        if kind == ItemKind::ClientReport {
            reported.add(&item.payload, time(record.received));
            continue;
        }
        let quantities = kind.quantities(&item.header, item.payload.len() as u64);
        let managed = Managed::new(item, source, quantities, &ledger);
        match (&config, kind) {
            (_, ItemKind::Attachment) => files.add(managed),
            (None, _) => drop(managed.rejected(&Outcome::Invalid(InvalidReason::ProjectState))),
            (Some(config), ItemKind::Event) => match event(managed, &record, (&facts, &mut beside), config)? {
                Ok(event) => prepared.events.push(event),
                Err(refused) => {
                    why = refused.told();
                    fate = Some(refused.outcome());
                }
            },
            (Some(config), ItemKind::RawSecurity) => {
                // The reports of one request are events of their own.
                let own = record.event_id.zip(reports.next()).map(|(id, n)| id.nth(n)).or(envelope.header.event_id);
                let facts = Facts { event_id: own.map(|id| id.to_string()), ..facts.clone() };
                prepared.events.extend(event(managed, &record, (&facts, &mut Beside::default()), config)?);
            }
            (Some(config), ItemKind::UserReport | ItemKind::Feedback) => {
                let id = record.event_id.or(envelope.header.event_id);
                let request = feedback::Request { facts: &facts, config, endpoint: record.endpoint, id };
                let report = feedback::report(managed, request).map(|report| prepared.reports.push(report));
                // Its screenshots are nobody else's. A user report's id is its event's, which may have come before.
                unsaid = report.err().filter(|_| kind == ItemKind::Feedback).or(unsaid);
            }
            (Some(_), _) => drop(managed.rejected(&Outcome::Unsupported)),
        }
    }
    reported.count(source, &ledger);
    files.add_spooled(&record.spooled, &entry.spool, &tools.journal);
    if config.is_none() {
        fate = Some(Outcome::Invalid(InvalidReason::ProjectState));
    }
    fate = fate.or(unsaid.filter(|_| prepared.events.is_empty() && prepared.reports.is_empty()));
    beside.end_alone(fate.as_ref().unwrap_or(&Outcome::Invalid(InvalidReason::NoEventPayload)));
    let event = prepared.events.iter().find_map(|event| Some(event.get()?.row.event_id));
    let event_id = event.or_else(|| record.event_id.or(envelope.header.event_id).map(EventId::uuid));
    match (fate, event_id) {
        (Some(outcome), _) => files.reject(&outcome),
        (None, Some(event_id)) => {
            let (journal, seq) = (tools.journal_id, entry.seq);
            prepared.attachments = files.keep(Owner { project, event_id, received: time(record.received), journal, seq });
        }
        (None, None) => files.reject(&Outcome::Invalid(InvalidReason::NoEventPayload)),
    }
    prepared.tell(&record, ledger.take(), why);
    Ok(prepared)
}

fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// A normalised event's time.
fn moment(seconds: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)
}

/// When an event happened, by the client's clock: it was not sent before. Where that cannot be told the answer is long ago: an event without
/// a time of its own is dated to its receipt, and one whose sender's clock seems wrong is moved by the difference, a repeat differently.
fn sent_first(timestamp: Option<f64>, sent_at: Option<DateTime<Utc>>, received: DateTime<Utc>) -> DateTime<Utc> {
    let happened = timestamp.and_then(moment);
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

/// The event, or how it has ended; an error condemns the record.
fn event(
    mut item: Managed<Item>,
    record: &Record,
    (facts, beside): (&Facts<'_>, &mut Beside),
    config: &ProjectConfig,
) -> Result<Result<Managed<PreparedEvent>, Refused>, String> {
    // An item that has ended has no event: it cannot come here.
    let Some(sent) = item.get() else { return Err("the item has ended".to_owned()) };
    let prepared = read(sent, record, beside).map_err(Trouble::Refused).and_then(|event| prepared_event(event, facts, config));
    let refused = match prepared {
        Ok(event) => {
            let mut item = item.map(|_| event);
            // A report that an SDK made an event of counts as what it is.
            if item.get().is_some_and(|event| event.kind == Kind::Csp.as_str()) {
                item.count_as(vec![(Category::Security, 1)]);
            }
            beside.end_with(&mut item);
            return Ok(Ok(item));
        }
        Err(Trouble::Refused(refused)) => refused,
        Err(Trouble::Defect(reason)) => return Err(reason),
    };
    beside.end_with(&mut item);
    item.rejected(&refused.outcome());
    Ok(Err(refused))
}

/// The event of an item, as it was sent, with what came beside it of a crash.
fn read(item: &Item, record: &Record, beside: &mut Beside) -> Result<Value, Refused> {
    if item.header.kind() == ItemKind::RawSecurity {
        let ItemHeader { sentry_release, sentry_environment, .. } = &item.header;
        let (release, environment) = (sentry_release.as_deref(), sentry_environment.as_deref());
        return reported(&item.payload, Around { release, environment, origin: record.origin.as_deref() });
    }
    let mut event = parsed(&item.payload)?;
    if let Value::Object(event) = &mut event {
        beside.complete(event);
    }
    Ok(event)
}

/// What is known of the request.
fn facts<'a>(record: &'a Record, header: &'a EnvelopeHeader, places: Option<Arc<GeoIp>>) -> Facts<'a> {
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
        places,
    }
}

fn prepared_event(event: Value, facts: &Facts<'_>, config: &ProjectConfig) -> Result<PreparedEvent, Trouble> {
    let wishes = Wishes { scrubber: Some(&config.scrubber), filters: Some(&config.filters), store_ips: config.store_ips };
    let said = lost::noted(&event);
    let mut event = settled(event, facts, wishes).map_err(Trouble::Refused)?;
    let trimmed = lost::parts(&event, &said);
    // Grouping rewrites frames, and each version rewrites what was sent.
    let earlier = config.earlier_grouping_at(facts.received).map(|earlier| grouped(&mut event.clone(), earlier));
    let grouping = grouped(&mut event, &config.grouping);
    let uuids = |hashes: &[Hash]| hashes.iter().map(|hash| Uuid::from_bytes(hash.0)).collect::<Vec<_>>();
    let hashes = uuids(&grouping.hashes);
    let mut earlier_hashes = earlier.map(|earlier| uuids(&earlier.hashes)).unwrap_or_default();
    earlier_hashes.retain(|hash| !hashes.contains(hash));
    let event_id = event.get("event_id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
    let timestamp = event.get("timestamp").and_then(Value::as_f64);
    let packed = payload::encode(&event).map_err(|error| Trouble::Defect(format!("the event cannot be packed: {}", chain(&error))))?;
    let summary = Summary::of(&event);
    Ok(PreparedEvent {
        row: NewEvent {
            project: config.id,
            event_id: event_id.ok_or_else(|| Trouble::Defect("ingest gave the event no id".to_owned()))?,
            day: facts.received.date_naive(),
            received: facts.received,
            hash: Uuid::from_bytes(grouping.primary().0),
            payload: packed,
        },
        happened: timestamp.and_then(moment).unwrap_or(facts.received),
        sent_first: sent_first(timestamp, facts.sent_at, facts.received),
        hashes,
        earlier_hashes,
        title: clean(&grouping.title, MAX_TITLE),
        culprit: clean(&grouping.culprit, MAX_CULPRIT),
        kind: grouping.kind.as_str(),
        place: grouping.place,
        pairs: pairs::of(&summary),
        summary,
        trimmed,
    })
}
