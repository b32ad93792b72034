//! User reports and feedback: what people said, from items to rows of `feedback`.
//!
//! Feedback is an event and takes an event's way: normalised, filtered, scrubbed. A user report has four texts, which become such an event, so
//! that a project's own rules hold for both; inbound filters are about events, and let it through.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::outcomes::Outcomes;
use super::prepare::Prepared;
use super::process::{Facts, Wishes, normalised, settled};
use crate::accounts::{IssueId, ProjectId};
use crate::event::json;
use crate::feedback::{About, Kind, NewReport, Unusable, intake};
use crate::projects::ProjectConfig;
use crate::protocol::envelope::Item;
use crate::protocol::record::Endpoint;
use crate::protocol::{EventId, InvalidReason, ItemKind, Managed, Outcome};

/// Characters of a report's name and address; longer ones are no report (as in Sentry).
const REPORT_NAME: usize = 128;
const REPORT_EMAIL: usize = 75;

/// The request that brought it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) config: &'a ProjectConfig,
    pub(super) endpoint: Endpoint,
    /// The envelope's id: ingest has given it one.
    pub(super) id: Option<EventId>,
}

/// The report, or how it has ended.
pub(super) fn report(item: Managed<Item>, request: Request<'_>) -> Result<Managed<NewReport>, Outcome> {
    let read = match item.get() {
        Some(item) if item.header.kind() == ItemKind::UserReport => user_report(&item.payload, request),
        Some(item) => feedback(&item.payload, request),
        None => Err(Outcome::Invalid(InvalidReason::Internal)),
    };
    match read {
        Ok(report) => Ok(item.map(|_| report)),
        Err(outcome) => {
            item.rejected(&outcome);
            Err(outcome)
        }
    }
}

fn feedback(payload: &Bytes, request: Request<'_>) -> Result<NewReport, Outcome> {
    let config = request.config;
    let wishes = Wishes { scrubber: Some(&config.scrubber), filters: Some(&config.filters), store_ips: config.store_ips };
    let event = normalised(payload, request.facts, wishes).map_err(|refused| refused.outcome())?;
    let id = request.id.ok_or(Outcome::Invalid(InvalidReason::Internal))?;
    read(&event, ItemKind::Feedback, about(request, Kind::Feedback, id))
}

/// `{"event_id", "name", "email", "comments"}`.
fn user_report(payload: &Bytes, request: Request<'_>) -> Result<NewReport, Outcome> {
    let (said, _) = json::parse(payload).map_err(|_| Outcome::Invalid(InvalidReason::InvalidJson))?;
    if !said.is_object() {
        return Err(Outcome::Invalid(InvalidReason::InvalidJson));
    }
    let field = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default().trim();
    let too_long = |text: &str, max: usize| text.chars().nth(max).is_some();
    if too_long(field("name"), REPORT_NAME) || too_long(field("email"), REPORT_EMAIL) {
        return Err(Outcome::Invalid(ItemKind::UserReport.too_large()));
    }
    // Words about no event in particular are kept under the envelope's id.
    let id = field("event_id").parse().ok().or(request.id).ok_or(Outcome::Invalid(InvalidReason::Internal))?;
    let source = if request.endpoint == Endpoint::ErrorPage { "error page" } else { "user report" };
    let event = json!({"type": "feedback", "contexts": {"feedback": {
        "message": field("comments"), "name": field("name"), "contact_email": field("email"), "source": source,
    }}});
    let wishes = Wishes { scrubber: Some(&request.config.scrubber), filters: None, store_ips: false };
    let event = settled(event, &Facts::new(request.facts.received), wishes).map_err(|refused| refused.outcome())?;
    read(&event, ItemKind::UserReport, about(request, Kind::Report, id))
}

fn about(request: Request<'_>, kind: Kind, id: EventId) -> About {
    About { project: request.config.id, kind, report_id: id.uuid(), received: request.facts.received }
}

fn read(event: &Value, item: ItemKind, about: About) -> Result<NewReport, Outcome> {
    NewReport::of(event, about).map_err(|unusable| {
        Outcome::Invalid(match unusable {
            Unusable::Empty => InvalidReason::EmptyFeedback,
            Unusable::TooLong => item.too_large(),
        })
    })
}

/// Whether the batch needs digest's lock alone: whoever writes reports must see all events, and the other way round.
pub(super) fn has_reports(batch: &[Prepared]) -> bool {
    batch.iter().any(|record| !record.reports.is_empty())
}

/// Writes a batch's reports and joins its new events to older ones. How each report ended goes into the books.
pub(super) async fn write(
    db: &mut PgConnection,
    batch: &[Prepared],
    new_events: &[(ProjectId, Uuid, IssueId)],
    outcomes: &mut Outcomes<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    intake::link(db, new_events).await?;
    let reports: Vec<&NewReport> = batch.iter().flat_map(|record| &record.reports).filter_map(Managed::get).collect();
    let intake::Written { mut new, gone } = intake::write(db, &reports, now).await?;
    for report in batch.iter().flat_map(|record| &record.reports) {
        let outcome = match report.get() {
            Some(report) if new.remove(&intake::key(report)) => Outcome::Stored,
            Some(report) if gone.contains(&report.about.project) => Outcome::Invalid(InvalidReason::ProjectState),
            _ => Outcome::Duplicate,
        };
        outcomes.add_item(report, &outcome);
    }
    Ok(())
}
