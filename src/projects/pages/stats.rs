//! `/projects/{slug}/stats`: what became of everything that was sent, by hour or by day.

use std::collections::BTreeMap;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::accounts::{OurFault as _, ProjectMember};
use crate::platform::App;
use crate::platform::clock::hour_of;
use crate::projects::outcomes::{self, By, Hours, Sum};
use crate::projects::queries::{self, Key};
use crate::protocol::Category;
use crate::web::pages::stats::{Ended, KeyStats, Kind, Span, StatsPage};
use crate::web::urls::IssueQuery;
use crate::web::{HttpError, Query, html};

/// Hours and days that are shown.
const PARTS: [i32; 2] = [24, 30];
/// Digits of a key that tell it apart.
const KEY_DIGITS: usize = 8;
/// Categories that count once more what others count.
const TWICE: [Category; 4] =
    [Category::TransactionIndexed, Category::TransactionProcessed, Category::SpanIndexed, Category::ProfileIndexed];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StatsQuery {
    span: String,
}

/// The page.
pub(super) async fn show(app: App, member: ProjectMember, Query(query): Query<StatsQuery>) -> Result<Response, HttpError> {
    let (viewer, project) = (&member.viewer, &member.project);
    let (hours, span) = span(query.span == "30d", app.clock.now());
    let mut db = app.db.acquire().await.ours()?;
    let sums = outcomes::sums(&mut db, project.id, hours).await.ours()?;
    let keys = queries::keys(&mut db, project.id).await.ours()?;
    Ok(html(&StatsPage {
        shell: viewer.shell(&app, "Stats", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
        name: project.name.clone(),
        slug: project.slug.clone(),
        kinds: kinds(&sums, hours, &span),
        keys: if keys.len() > 1 { keys.iter().map(|key| key_stats(key, &sums)).collect() } else { Vec::new() },
        span,
    }))
}

/// The hours that end with this one, and their names.
fn span(by_day: bool, now: DateTime<Utc>) -> (Hours, Span) {
    let [parts, in_part, form] = if by_day { [PARTS[1], 24, 1] } else { [PARTS[0], 1, 0] };
    let last = hour_of(now);
    let first_part = last / in_part - parts + 1;
    let label = |part: i32| {
        let at = DateTime::from_timestamp(i64::from(part) * i64::from(in_part) * 3600, 0).unwrap_or_default();
        at.format(if form == 1 { "%-d %b" } else { "%H:00" }).to_string()
    };
    let labels = (first_part..first_part + parts).map(label).collect();
    (Hours { first: first_part * in_part, last, in_part }, Span { by_day, labels })
}

/// What a sum is shown under: events without exception are errors to people, too.
fn shown(category: Category) -> Category {
    if category == Category::Default { Category::Error } else { category }
}

/// Errors first, whatever there is; then all that came.
fn kinds(sums: &[Sum], hours: Hours, span: &Span) -> Vec<Kind> {
    let parts = span.labels.len();
    let mut found: BTreeMap<i16, BTreeMap<&str, Ended>> = BTreeMap::from([(Category::Error.id(), BTreeMap::new())]);
    for sum in sums.iter().filter(|sum| !TWICE.contains(&sum.category)) {
        let ends = found.entry(shown(sum.category).id()).or_default();
        let empty = || Ended { outcome: sum.outcome.clone(), counts: vec![0; parts], reasons: Vec::new() };
        let ended = ends.entry(&sum.outcome).or_insert_with(empty);
        match &sum.by {
            By::Time(part) => {
                let index = usize::try_from(part - hours.first / hours.in_part).unwrap_or(usize::MAX);
                if let Some(count) = ended.counts.get_mut(index) {
                    *count += sum.quantity;
                }
            }
            By::Reason(reason) => match ended.reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, count)) => *count += sum.quantity,
                None => ended.reasons.push((reason.clone(), sum.quantity)),
            },
            By::Key(_) => {}
        }
    }
    let errors = found.remove(&Category::Error.id()).unwrap_or_default();
    // What is unknown comes last.
    let unknown = found.remove(&Category::Unknown.id()).map(|ends| (Category::Unknown.id(), ends));
    let all = std::iter::once((Category::Error.id(), errors)).chain(found).chain(unknown);
    all.map(|(category, ends)| Kind::new(Category::from_id(category), &ends.into_values().collect::<Vec<_>>(), span)).collect()
}

fn key_stats(key: &Key, sums: &[Sum]) -> KeyStats {
    let of_key = |sum: &&Sum| sum.by == By::Key(key.id) && shown(sum.category) == Category::Error;
    let of =
        |outcomes: &[&str]| sums.iter().filter(of_key).filter(|sum| outcomes.contains(&sum.outcome.as_str())).map(|sum| sum.quantity).sum();
    KeyStats {
        key: key.public.simple().to_string()[..KEY_DIGITS].to_owned(),
        active: key.is_active,
        stored: of(&["stored"]),
        filtered: of(&["filtered"]),
        limited: of(&["rate_limited"]),
        other: of(&["duplicate", "invalid", "unsupported"]),
        discarded: of(&["discarded"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_end_with_now() {
        let now = "2026-11-24T14:33:07Z".parse().unwrap();
        let hour = 1_795_530_787 / 3600;
        let (hours, day) = span(false, now);
        assert_eq!((hours.first, hours.last), (hour - 23, hour));
        assert_eq!((day.labels.len(), day.labels[0].as_str(), day.labels[23].as_str()), (24, "15:00", "14:00"));
        let (hours, month) = span(true, now);
        assert_eq!((hours.first % 24, hours.last, hours.in_part), (0, hour, 24));
        assert_eq!((month.labels.len(), month.labels[0].as_str(), month.labels[29].as_str()), (30, "26 Oct", "24 Nov"));
    }
}
