//! `GET /issues/{issue}/events` and `/issues/{issue}/events.csv`: the stored events of an issue, newest first.

use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::texts::named;
use crate::accounts::{IssueId, OurFault as _, ProjectMember};
use crate::events::view::EventLine;
use crate::events::{Place, StoredEvent, Trail, skim};
use crate::issues::moving;
use crate::issues::queries::show;
use crate::issues::view::events::{EventRow, EventsPage};
use crate::platform::App;
use crate::web::urls::{self, IssueQuery};
use crate::web::{HttpError, Path, Query, When, html, number};

/// Events of a page.
const PAGE: usize = 50;
/// Events of a table for spreadsheets.
const CSV_ROWS: usize = 2_000;
/// Payloads in memory at once.
const BATCH: usize = 200;

/// Where the page before ended.
#[derive(Debug, Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: String,
}

/// The list. A cursor that makes no sense begins anew.
#[tracing::instrument(name = "issues.events", skip_all, fields(issue.id = %issue))]
pub(super) async fn list(
    app: App,
    member: ProjectMember,
    Path(issue): Path<IssueId>,
    Query(query): Query<After>,
) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    if let Some(into) = moving::merged_into(&mut db, issue).await.ours()? {
        return Ok(Redirect::to(&urls::issue_events(into)).into_response());
    }
    let facts = show::facts(&mut db, issue).await.ours()?.ok_or(HttpError::NotFound)?;
    let after = parse(&query.after);
    let mut events = Trail::of(&mut db, issue).await.ours()?.before(&mut db, after, PAGE + 1).await.ours()?;
    drop(db);
    let more = events.len() > PAGE;
    events.truncate(PAGE);
    let older = events.last().filter(|_| more).map(|last| urls::after(&urls::issue_events(issue), cursor(last.place())));
    let now = app.clock.now();
    let short_id = issue.short_id(&member.project.short_prefix);
    let query = IssueQuery { project: member.project.slug.clone(), ..IssueQuery::default() };
    Ok(html(&EventsPage {
        list_href: query.url(),
        shell: member.viewer.shell(&app, format!("Events · {short_id}"), query),
        issue: issue.to_string(),
        short_id,
        title: facts.title,
        project: member.project.name.clone(),
        rows: events.iter().map(|event| row(issue, event, now)).collect(),
        newest: after.map(|_| urls::issue_events(issue)),
        older,
        csv_rows: format!("the newest {}", number::count(CSV_ROWS as i64)),
    }))
}

fn row(issue: IssueId, event: &StoredEvent, now: DateTime<Utc>) -> EventRow {
    let line = line(event);
    EventRow {
        href: urls::event(issue, event.event_id.simple()),
        id: event.event_id.simple().to_string(),
        at: When::new(event.received, now),
        release: line.release,
        environment: line.environment,
        user: line.user,
        title: line.title,
    }
}

/// What is damaged has a line that says so; its page logs why.
fn line(event: &StoredEvent) -> EventLine {
    match skim::named(&event.payload) {
        Ok(event) => EventLine::new(&event),
        Err(_) => EventLine { title: "(cannot be read)".to_owned(), ..EventLine::default() },
    }
}

/// "1795530787000000.6f2c…": microseconds and id.
fn cursor(place: Place) -> String {
    format!("{}.{}", place.received.timestamp_micros(), place.event_id.simple())
}

fn parse(text: &str) -> Option<Place> {
    let (micros, id) = text.split_once('.')?;
    let received = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    // Times that PostgreSQL knows.
    let is_time = (0..253_402_300_800).contains(&received.timestamp());
    is_time.then_some(Place { received, event_id: Uuid::try_parse(id).ok()? })
}

/// The newest events as comma-separated values, for a spreadsheet.
#[tracing::instrument(name = "issues.events_csv", skip_all, fields(issue.id = %issue))]
pub(super) async fn csv(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let issue = moving::merged_into(&mut db, issue).await.ours()?.unwrap_or(issue);
    if !show::exists(&mut db, issue).await.ours()? {
        return Err(HttpError::NotFound);
    }
    let trail = Trail::of(&mut db, issue).await.ours()?;
    let mut text = "received,happened,event_id,release,environment,user,title\r\n".to_owned();
    let (mut after, mut rows) = (None, 0);
    while rows < CSV_ROWS {
        let events = trail.before(&mut db, after, BATCH.min(CSV_ROWS - rows)).await.ours()?;
        let Some(last) = events.last() else { break };
        after = Some(last.place());
        rows += events.len();
        // Unpacking takes milliseconds: not on the server's own threads.
        let lines = tokio::task::spawn_blocking(move || events.iter().map(csv_line).collect::<String>());
        text.push_str(&lines.await.map_err(|error| HttpError::Internal(error.into()))?);
    }
    let short_id = issue.short_id(&member.project.short_prefix);
    Ok(named(("text/csv; charset=utf-8", "attachment"), (&short_id, "-events.csv"), text))
}

fn csv_line(event: &StoredEvent) -> String {
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let line = line(event);
    let happened = line.at.and_then(|seconds| DateTime::from_timestamp_millis((seconds * 1_000.0) as i64)).map(time);
    let id = event.event_id.simple().to_string();
    let fields = [time(event.received), happened.unwrap_or_default(), id, line.release, line.environment, line.user, line.title];
    fields.map(|field| quoted(&field)).join(",") + "\r\n"
}

/// A field in quotes. What a spreadsheet would take for a formula begins with an apostrophe, which makes it text.
fn quoted(field: &str) -> String {
    let mark = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{mark}{}\"", field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula_or_leaves_its_quotes() {
        for (field, written) in [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("a\",\"b\n", "\"a\"\",\"\"b\n\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@x", "\"'@x\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
        ] {
            assert_eq!(quoted(field), written);
        }
    }

    #[test]
    fn cursors_come_back_and_others_are_none() {
        let place = Place { received: DateTime::from_timestamp(1_795_530_787, 5_000).unwrap(), event_id: Uuid::from_u128(7) };
        assert_eq!(parse(&cursor(place)), Some(place));
        for odd in ["", "7", "x.y", "7.x", "-9.00000000000000000000000000000007", "9223372036854775807.00000000000000000000000000000007"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
