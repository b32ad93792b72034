//! # From event to event within an issue
//! **Promise.** The first, latest, previous and next stored event by when it was received, across days, without scanning. **How.** The hour
//! counters say on which days events came; each of these days is asked in turn, and nearly always the first one answers.
//! **When it breaks.** Days whose payloads retention has dropped answer nothing and are passed over.
//! **Not here.** Searching among events.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate};
use sqlx::PgConnection;
use uuid::Uuid;

use super::queries::{self, Place, StoredEvent};
use crate::accounts::IssueId;
use crate::platform::clock::hour_of;

/// Positions are told in hours with at most so many events: they are counted one by one.
const COUNTED: i64 = 5_000;

/// Which event of an issue is meant: `first`, `latest` or an id, with or without hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The oldest stored one.
    First,
    /// The newest.
    Latest,
    /// This one.
    Id(Uuid),
}

impl FromStr for Which {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        match text {
            "first" => Ok(Self::First),
            "latest" => Ok(Self::Latest),
            id => Uuid::try_parse(id).map(Self::Id),
        }
    }
}

/// The days on which an issue has events, and so where to look for them.
#[derive(Debug, Clone)]
pub struct Trail {
    issue: IssueId,
    /// Newest first.
    days: Vec<NaiveDate>,
}

/// What lies around an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Around {
    /// The one received before it.
    pub previous: Option<Uuid>,
    /// The one received after it.
    pub next: Option<Uuid>,
    /// Its number among the stored ones, and how many these are; absent when counting would take long.
    pub position: Option<(i64, i64)>,
}

impl Trail {
    /// The trail of an issue.
    pub async fn of(db: &mut PgConnection, issue: IssueId) -> sqlx::Result<Self> {
        Ok(Self { issue, days: queries::days(db, issue).await? })
    }

    /// The event that is meant, if it is stored.
    pub async fn find(&self, db: &mut PgConnection, which: Which) -> sqlx::Result<Option<StoredEvent>> {
        let id = match which {
            Which::Id(id) => Some(id),
            Which::First => self.next(db, None).await?.map(|place| place.event_id),
            Which::Latest => self.previous(db, None).await?.map(|place| place.event_id),
        };
        match id {
            Some(id) => queries::by_id(db, self.issue, id, &self.days).await,
            None => Ok(None),
        }
    }

    /// The newest events before `place`, newest first; the newest of all without a place.
    pub async fn before(&self, db: &mut PgConnection, place: Option<Place>, limit: usize) -> sqlx::Result<Vec<StoredEvent>> {
        let mut events = Vec::new();
        for day in self.days.iter().filter(|day| place.is_none_or(|place| **day <= place.received.date_naive())) {
            events.extend(queries::all_before(db, self.issue, *day, (place, (limit - events.len()) as i64)).await?);
            if events.len() >= limit {
                break;
            }
        }
        Ok(events)
    }

    /// What lies around the event at `place`.
    pub async fn around(&self, db: &mut PgConnection, place: Place) -> sqlx::Result<Around> {
        let previous = self.previous(db, Some(place)).await?.map(|place| place.event_id);
        let next = self.next(db, Some(place)).await?.map(|place| place.event_id);
        Ok(Around { previous, next, position: self.position(db, place).await? })
    }

    async fn previous(&self, db: &mut PgConnection, place: Option<Place>) -> sqlx::Result<Option<Place>> {
        for day in self.days.iter().filter(|day| place.is_none_or(|place| **day <= place.received.date_naive())) {
            if let Some(found) = queries::last_before(db, self.issue, *day, place).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn next(&self, db: &mut PgConnection, place: Option<Place>) -> sqlx::Result<Option<Place>> {
        for day in self.days.iter().rev().filter(|day| place.is_none_or(|place| **day >= place.received.date_naive())) {
            if let Some(found) = queries::first_after(db, self.issue, *day, place).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// From the hour counters since the first stored event's day, and the events of the event's own hour.
    async fn position(&self, db: &mut PgConnection, place: Place) -> sqlx::Result<Option<(i64, i64)>> {
        let Some(first) = self.next(db, None).await? else { return Ok(None) };
        let hour = hour_of(place.received);
        let around = queries::around(db, self.issue, hour_of(first.received) / 24 * 24, hour).await?;
        let start = DateTime::from_timestamp(i64::from(hour) * 3600, 0).filter(|_| around.here <= COUNTED);
        let Some(start) = start else { return Ok(None) };
        let number = around.before + queries::count_up_to(db, self.issue, place.received.date_naive(), start, place).await?;
        Ok((number <= around.total).then_some((number, around.total)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_events_by_word_or_id() {
        let id = Uuid::from_u128(0xfc6d_8c0c_43fc_4630_ad85_0ee5_18f1_b9d0);
        for (text, which) in [
            ("first", Some(Which::First)),
            ("latest", Some(Which::Latest)),
            ("fc6d8c0c43fc4630ad850ee518f1b9d0", Some(Which::Id(id))),
            ("FC6D8C0C-43FC-4630-AD85-0EE518F1B9D0", Some(Which::Id(id))),
            ("newest", None),
            ("", None),
            ("fc6d8c0c", None),
        ] {
            assert_eq!(text.parse().ok(), which, "{text}");
        }
    }
}
