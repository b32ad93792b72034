//! `GET /issues`: the issue list.

use std::collections::{HashMap, HashSet};

use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};

use crate::accounts::{IssueId, OurFault as _, Viewer};
use crate::events;
use crate::issues::model::Status;
use crate::issues::queries;
use crate::issues::queries::filter::Filter;
use crate::issues::queries::list::{Page, Row};
use crate::issues::search::{Cursor, Search, named_event, named_issue, understood};
use crate::issues::snoozes::{self, Until};
use crate::issues::spikes;
use crate::issues::view::list::{ListFacts, SearchMistake};
use crate::issues::view::{IssueListPage, IssueRow, split_title};
use crate::platform::App;
use crate::platform::clock::hour_of;
use crate::projects::noisy_places;
use crate::web::chart::Bars;
use crate::web::urls::{self, IssueQuery};
use crate::web::{Badge, HttpError, Query, When, html};

/// Hours in the bars of a row.
const HOURS: i32 = 24;
/// An issue is new for a day.
const NEW: TimeDelta = TimeDelta::hours(24);

/// The list, or straight to the issue whose id was searched for.
#[tracing::instrument(name = "issues.list", skip_all)]
pub(super) async fn list(app: App, viewer: Viewer, Query(query): Query<IssueQuery>) -> Result<Response, HttpError> {
    let now = app.clock.now();
    let query = understood(query.bounded(), now);
    if !query.project.is_empty() && viewer.project(&query.project).is_none() {
        return Err(HttpError::NotFound);
    }
    let mut db = app.db.acquire().await.ours()?;
    if let Some(issue) = named_issue(&query.q, &viewer.projects)
        && queries::show::exists(&mut db, issue).await.ours()?
    {
        return Ok(Redirect::to(&urls::issue(issue)).into_response());
    }
    if let Some(event) = named_event(&query.q)
        && let Some(issue) = events::issue_of(&mut db, &project_ids(&viewer), event).await.ours()?
    {
        return Ok(Redirect::to(&urls::event(issue, event.simple())).into_response());
    }
    let mut facts = match Search::new(&query, &viewer.projects, now) {
        Ok(search) => read(&mut db, &search, &viewer, now).await.ours()?,
        Err(mistake) => {
            ListFacts { mistake: Some(SearchMistake::new(&query.q, &mistake)), any_project: true, any_event: true, ..ListFacts::default() }
        }
    };
    if let Some(project) = viewer.project(&query.project) {
        facts.noise = noisy_places(&app, &mut db, project, viewer.is_admin).await.ours()?;
    }
    let title = viewer.project(&query.project).map_or_else(|| "Issues".to_owned(), |project| format!("Issues · {}", project.name));
    Ok(html(&IssueListPage::new(viewer.shell(&app, title, query), facts)))
}

fn project_ids(viewer: &Viewer) -> Vec<i32> {
    viewer.projects.iter().map(|project| project.id.0).collect()
}

async fn read(db: &mut sqlx::PgConnection, search: &Search, viewer: &Viewer, now: DateTime<Utc>) -> sqlx::Result<ListFacts> {
    let filter = Filter::resolve(db, &search.projects, &search.expr, now).await?;
    let Page { rows, next } = queries::list::page(db, search, &filter).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.issue_id).collect();
    let hour = hour_of(now);
    let hours = queries::list::hours(db, &ids, hour - HOURS).await?;
    let spiking = spikes::spiking(db, &ids).await?;
    let ignored = if search.status == Status::Ignored { snoozes::of(db, &ids).await? } else { HashMap::new() };
    let look = Look { ignored, viewer, now, hour, spiking, names_projects: search.projects.len() > 1 };
    let none = Vec::new();
    Ok(ListFacts {
        counts: queries::list::tab_counts(db, search, &filter).await?,
        environments: queries::list::environments(db, &search.projects).await?,
        any_project: !viewer.projects.is_empty(),
        any_event: !rows.is_empty() || queries::list::any_issue(db, &search.projects).await?,
        noise: Vec::new(),
        mistake: None,
        rows: rows.into_iter().map(|row| look.row(hours.get(&row.issue_id).unwrap_or(&none), row)).collect(),
        next: next.map(Cursor::text),
    })
}

/// What turning rows into words depends on.
struct Look<'a> {
    spiking: HashSet<IssueId>,
    ignored: HashMap<IssueId, Until>,
    viewer: &'a Viewer,
    now: DateTime<Utc>,
    hour: i32,
    names_projects: bool,
}

impl Look<'_> {
    fn row(&self, hours: &[(i32, i64)], row: Row) -> IssueRow {
        let (kind, message) = split_title(&row.title);
        let project = self.viewer.project_by_id(row.issue_id.project());
        let spiking = self.spiking.contains(&row.issue_id).then(|| Badge::new("spiking", "alarm"));
        let ignored = self.ignored.get(&row.issue_id).map(|until| Badge::new(format!("ignored {}", until.words()), "calm"));
        IssueRow {
            id: row.issue_id.to_string(),
            href: urls::issue(row.issue_id),
            kind,
            message,
            level: row.level,
            badges: spiking
                .into_iter()
                .chain(ignored)
                .chain(badges(row.first_seen, row.regressed_at.map(|_| row.regressed_in.as_str()), self.now))
                .collect(),
            culprit: row.culprit,
            short_id: row.issue_id.short_id(project.map_or("", |project| &project.short_prefix)),
            release: row.last_release,
            project: project.filter(|_| self.names_projects).map(|project| project.name.clone()).unwrap_or_default(),
            bars: bars(hours, self.hour),
            events: row.event_count,
            users: row.user_count,
            last_seen: When::new(row.last_seen, self.now),
            first_seen: When::new(row.first_seen, self.now),
        }
    }
}

/// "regressed in 1.4.2" for an issue that came back in a release (which may be empty); "new" for one that did not, for a day.
pub(super) fn badges(first_seen: DateTime<Utc>, regressed_in: Option<&str>, now: DateTime<Utc>) -> Vec<Badge> {
    let badge = match regressed_in {
        Some("") => Some(Badge::new("regressed", "regressed")),
        Some(release) => Some(Badge::new(format!("regressed in {release}"), "regressed")),
        None => (now - first_seen < NEW).then(|| Badge::new("new", "new")),
    };
    badge.into_iter().collect()
}

/// The 24 hours up to the one that `hour` is, which has only begun.
pub(super) fn bars(hours: &[(i32, i64)], hour: i32) -> Bars {
    let mut counts = [0; HOURS as usize];
    for (at, events) in hours {
        if let Some(count) = usize::try_from(HOURS - 1 - (hour - at)).ok().and_then(|index| counts.get_mut(index)) {
            *count += events;
        }
    }
    Bars::new(&counts, 32, "24 hours", |index| clock(hour - (HOURS - 1) + index as i32))
}

/// "14:00".
fn clock(hour: i32) -> String {
    format!("{:02}:00", hour.rem_euclid(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_at_their_hours() {
        let hour = 24 * 20_000 + 14;
        let bars = bars(&[(hour, 3), (hour - 23, 2), (hour - 24, 50), (hour + 1, 50)], hour);
        let labels: Vec<&str> = bars.bars.iter().map(|bar| bar.label.as_str()).collect();
        assert_eq!((labels.len(), labels[0], labels[1], labels[23]), (24, "2 events, 15:00", "0 events, 16:00", "3 events, 14:00"));
    }

    #[test]
    fn badges_say_what_is_special() {
        let now = DateTime::from_timestamp(1_795_530_787, 0).unwrap();
        let texts = |hours, regressed| {
            let badges = badges(now - TimeDelta::hours(hours), regressed, now);
            badges.into_iter().map(|badge| badge.text).collect::<Vec<_>>().join(", ")
        };
        for (hours, regressed, text) in
            [(1, None, "new"), (24, None, ""), (48, Some("1.4.2"), "regressed in 1.4.2"), (2, Some(""), "regressed")]
        {
            assert_eq!(texts(hours, regressed), text);
        }
    }
}
