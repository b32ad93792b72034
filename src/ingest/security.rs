//! `/api/{project}/security/` and its other names: what browsers report about violated policies.
//!
//! A body is one report or a list of them; each that is kept becomes an item, and an event with an id of its own
//! ([`EventId::nth`](crate::protocol::EventId::nth)). Browsers read no answer, so everything that is a request at all is answered 200, and what
//! became of it is counted.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use super::Ingest;
use super::answer::{Stop, empty};
use super::collect::Collector;
use super::handler::Arrival;
use crate::event::csp::{self, Form};
use crate::event::json;
use crate::projects::KeyInfo;
use crate::protocol::envelope::ItemHeader;
use crate::protocol::record::Endpoint;
use crate::protocol::{Category, InvalidReason, ItemKind, Outcome, Refusal};

/// Reports of one request that are looked at. Browsers send some dozen at once.
const MAX_REPORTS: usize = 100;

impl Ingest {
    pub(super) async fn security(&self, arrival: Arrival, key: Arc<KeyInfo>, body: Body) -> Result<Response<Body>, Stop> {
        let mut collector = Collector::new(&self.settings, None).with_events(MAX_REPORTS as u32);
        let id = (self.seams.new_id)();
        let read = async {
            let max = self.settings.limits.security;
            let body = self.read_all(body, arrival.codings(max)?, max).await?;
            if body.trim_ascii().is_empty() { Err(Refusal::EmptyBody.into()) } else { Ok(body) }
        };
        let body = read.await.map_err(|stop: Stop| self.count_stop(&key, stop))?;
        collect(&mut collector, &body, arrival.parts.uri.query().unwrap_or_default()).map_err(|stop| self.count_stop(&key, stop))?;
        let not_kept = std::mem::take(&mut collector.not_kept);
        self.keep(collector, (&arrival, &key), Self::record(&arrival, &key, Endpoint::Security, Some(id))).await?;
        Ok(empty(StatusCode::OK, &not_kept))
    }
}

/// Sorts the reports of a body.
fn collect(collector: &mut Collector, body: &[u8], query: &str) -> Result<(), Stop> {
    let reports = match json::parse(body) {
        Ok((Value::Array(reports), _)) => reports,
        Ok((report, _)) => vec![report],
        Err(_) => {
            collector.count_lost(Category::Security, &Outcome::Invalid(InvalidReason::SecurityReport), 1);
            return Ok(());
        }
    };
    let header = header(query);
    for (at, report) in reports.iter().enumerate() {
        match csp::form(report) {
            _ if at >= MAX_REPORTS => collector.count_lost(Category::Security, &Outcome::Invalid(InvalidReason::DuplicateItem), 1),
            Form::Csp => collector.add(header.clone(), report.to_string().as_bytes())?,
            Form::Other => collector.count_lost(Category::Security, &Outcome::Unsupported, 1),
            Form::Unknown => collector.count_lost(Category::Security, &Outcome::Invalid(InvalidReason::SecurityReportType), 1),
        }
    }
    Ok(())
}

/// The item header of a report: release and environment stand in the query, where the page's author wrote them.
fn header(query: &str) -> ItemHeader {
    let value = |name: &str| {
        let found = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    };
    ItemHeader {
        sentry_release: value("sentry_release"),
        sentry_environment: value("sentry_environment"),
        ..ItemHeader::of(ItemKind::RawSecurity)
    }
}
