//! # Limits: what a key has used up is left out
//!
//! **Promise.** An item over a limit is counted under the limit's reason code and costs its neighbours nothing; a request of which nothing is
//! left is answered 429, and costs no disk. Every answer names all limits of its key that are active.
//!
//! **How.** [`Ingest::limit`] once the body is sorted, for only then it is known what is in it ([`Ingest::keep`] asks). Where a limit stops everything that can be
//! in a body, [`Ingest::stop_before_body`] answers before it is read.
//!
//! **Not here.** Counting (`projects::quotas`), which kinds go together ([`super::collect`]). Which endpoints never answer 429
//! ([`Ingest::keep`]): they leave out the same.

use axum::body::Body;
use axum::http::Response;
use chrono::{DateTime, Utc};

use super::Ingest;
use super::answer::{Stop, add_limits};
use super::collect::Collector;
use super::route::{Endpoint, Route};
use crate::projects::KeyInfo;
use crate::protocol::quota::{Class, LimitName};
use crate::protocol::{Category, Outcome};

/// Bodies up to this size are read even while everything is limited: they may bring client reports, which are never limited and have a few hundred
/// bytes, alone or beside an event. So are bodies that do not say their length.
const REPORT_SIZE: u64 = 32 * 1024;

impl Ingest {
    /// Leaves out what is over a limit of the key. An error when nothing is left: then all that was left out is counted here.
    pub(super) fn limit(&self, collector: &mut Collector, key: &KeyInfo, received: DateTime<Utc>) -> Result<(), Stop> {
        if key.limits.is_empty() {
            return Ok(());
        }
        let quotas = &self.seams.quotas;
        let stopped = collector.limit(|class| quotas.take(key, class, received));
        if !collector.keeps_nothing() {
            return Ok(());
        }
        let Some(stop) = self.limited(key, &stopped, received) else { return Ok(()) };
        for counted in collector.take_counted() {
            self.refused.count(key, counted.category, counted.outcome, counted.quantity);
        }
        Err(stop)
    }

    /// Stops a request of whose body nothing could be taken.
    pub(super) fn stop_before_body(&self, route: &Route, key: &KeyInfo, (length, received): (u64, DateTime<Utc>)) -> Result<(), Stop> {
        let (classes, category): (&[Class], _) = if route.endpoint == Endpoint::Store {
            // One event, and no client report.
            (&[Class::Events, Class::All], Category::Error)
        } else if route.endpoint == Endpoint::Envelope && length > REPORT_SIZE {
            (&[Class::All], Category::Unknown)
        } else {
            return Ok(());
        };
        let Some(name) = self.seams.quotas.stops(key, classes, received) else { return Ok(()) };
        self.refused.count(key, category, Outcome::RateLimited(name.code().into()), 1);
        self.limited(key, &[name], received).map_or(Ok(()), Err)
    }

    /// An answer with all limits that are active for the key.
    pub(super) fn with_limits(&self, response: Response<Body>, key: &KeyInfo, received: DateTime<Utc>) -> Response<Body> {
        add_limits(response, &self.seams.quotas.active(key, received))
    }

    /// Of several limits that stopped a request, the one to wait for is the longest.
    fn limited(&self, key: &KeyInfo, stopped: &[LimitName], received: DateTime<Utc>) -> Option<Stop> {
        let active = self.seams.quotas.active(key, received);
        let wait = |name: &LimitName| {
            let code = name.code();
            active.0.iter().find(|limit| limit.reason_code == code).map_or(1, |limit| limit.retry_after)
        };
        let (retry_after, name) = stopped.iter().map(|name| (wait(name), *name)).max_by_key(|(seconds, _)| *seconds)?;
        Some(Stop::Limited { name, retry_after, active })
    }
}
