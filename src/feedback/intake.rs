//! What digest writes of feedback, in its transaction. The caller holds digest's lock alone, so that nobody else writes what is decided here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Kind, NewReport};
use super::telling::{FEEDBACK_RECEIVED, Received};
use crate::accounts::{IssueId, ProjectId};
use crate::events::intake as events;
use crate::platform::outbox;
use crate::projects;

/// How long a report may be corrected by another about the same event; what comes later changes nothing.
const CORRECTION: TimeDelta = TimeDelta::minutes(5);
/// How many days before its report an event is looked for.
const EVENT_DAYS: u64 = 30;

/// What tells a report from others.
pub type Key = (ProjectId, Kind, Uuid);

/// The key of a report.
pub const fn key(report: &NewReport) -> Key {
    (report.about.project, report.about.kind, report.about.report_id)
}

/// Of a stored report: when it came first, and when the words that stand there came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    received: DateTime<Utc>,
    said_at: DateTime<Utc>,
}

/// The last words of a report, and its times.
#[derive(Debug, Clone, Copy)]
struct Settled<'r> {
    words: &'r NewReport,
    times: Times,
    is_new: bool,
}

/// Which reports are new and which correct one that is stored, however often each is repeated. In the order of their keys.
fn settle<'r>(reports: &[&'r NewReport], known: &HashMap<Key, Times>) -> Vec<Settled<'r>> {
    let mut reports = reports.to_vec();
    reports.sort_by_key(|report| report.about.received);
    let mut settled = BTreeMap::<Key, Settled<'r>>::new();
    for report in reports {
        let (key, at) = (key(report), report.about.received);
        let times = settled.get(&key).map(|settled| settled.times).or_else(|| known.get(&key).copied());
        match times {
            None => {
                settled.insert(key, Settled { words: report, times: Times { received: at, said_at: at }, is_new: true });
            }
            // A repeat after a crash is as old as what stands there.
            Some(times) if report.about.kind == Kind::Report && at > times.said_at && at <= times.received + CORRECTION => {
                let is_new = !known.contains_key(&key);
                settled.insert(key, Settled { words: report, times: Times { said_at: at, ..times }, is_new });
            }
            Some(_) => {}
        }
    }
    settled.into_values().collect()
}

/// What [`write()`] did.
#[derive(Debug, Default)]
pub struct Written {
    /// The keys of the reports that are new.
    pub new: BTreeSet<Key>,
    /// Projects that are gone: their rows would belong to nobody, so none was written.
    pub gone: BTreeSet<ProjectId>,
}

/// Writes reports, and for each project with new ones a fact that people are told of. Their events, as far as they are there, must have been
/// written before.
pub async fn write(db: &mut PgConnection, reports: &[&NewReport], now: DateTime<Utc>) -> anyhow::Result<Written> {
    if reports.is_empty() {
        return Ok(Written::default());
    }
    let mut gone: BTreeSet<ProjectId> = reports.iter().map(|report| report.about.project).collect();
    for there in projects::existing(db, &gone.iter().map(|project| project.0).collect::<Vec<_>>()).await? {
        gone.remove(&there);
    }
    let reports: Vec<_> = reports.iter().copied().filter(|report| !gone.contains(&report.about.project)).collect();
    let reports = reports.as_slice();
    let known = known(db, reports).await?;
    let settled = settle(reports, &known);
    let (new, corrected): (Vec<Settled<'_>>, Vec<_>) = settled.into_iter().partition(|settled| settled.is_new);
    if !new.is_empty() {
        let issues = issues(db, &new, now.date_naive()).await?;
        insert(db, &new, &issues).await?;
        let projects: BTreeSet<ProjectId> = new.iter().map(|settled| settled.words.about.project).collect();
        for project in projects {
            outbox::enqueue(db, FEEDBACK_RECEIVED, &Received { project }, now).await?;
        }
    }
    if !corrected.is_empty() {
        correct(db, &corrected).await?;
    }
    Ok(Written { new: new.iter().map(|settled| key(settled.words)).collect(), gone })
}

async fn known(db: &mut PgConnection, reports: &[&NewReport]) -> sqlx::Result<HashMap<Key, Times>> {
    let rows = sqlx::query!(
        r#"select f.project_id as "project_id!", f.kind as "kind!", f.report_id as "report_id!", f.received as "received!", f.said_at as "said_at!"
        from unnest($1::int[], $2::text[], $3::uuid[]) as wanted (project_id, kind, report_id)
        join feedback f on f.project_id = wanted.project_id and f.kind = wanted.kind and f.report_id = wanted.report_id"#,
        &reports.iter().map(|r| r.about.project.0).collect::<Vec<_>>(),
        &reports.iter().map(|r| r.about.kind.as_str().to_owned()).collect::<Vec<_>>(),
        &reports.iter().map(|r| r.about.report_id).collect::<Vec<_>>()
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let kind = if row.kind == Kind::Report.as_str() { Kind::Report } else { Kind::Feedback };
        ((ProjectId(row.project_id), kind, row.report_id), Times { received: row.received, said_at: row.said_at })
    });
    Ok(rows.collect())
}

/// The issues of the events that these reports are about.
async fn issues(db: &mut PgConnection, new: &[Settled<'_>], today: NaiveDate) -> sqlx::Result<HashMap<(ProjectId, Uuid), IssueId>> {
    let look_up = |settled: &Settled<'_>| {
        let day = settled.times.received.date_naive();
        let project = settled.words.about.project;
        settled.words.event_id.map(|event| (project, event, day - Days::new(EVENT_DAYS), today.max(day)))
    };
    let look_ups: Vec<_> = new.iter().filter_map(look_up).collect();
    let found = events::issues_of(db, &look_ups).await?;
    Ok(found.into_iter().map(|(project, event, issue)| ((project, event), issue)).collect())
}

async fn insert(db: &mut PgConnection, new: &[Settled<'_>], issues: &HashMap<(ProjectId, Uuid), IssueId>) -> sqlx::Result<()> {
    let text = |of: fn(&NewReport) -> &str| new.iter().map(|settled| of(settled.words).to_owned()).collect::<Vec<_>>();
    let issue_of = |report: &NewReport| issues.get(&(report.about.project, report.event_id?)).map(|issue| issue.0);
    sqlx::query!(
        "insert into feedback (project_id, kind, report_id, event_id, issue_id, name, email, message, url, replay_id, source, release,
            environment, received, said_at, told)
        select *, false from unnest($1::int[], $2::text[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[])",
        &new.iter().map(|s| s.words.about.project.0).collect::<Vec<_>>(),
        &new.iter().map(|s| s.words.about.kind.as_str().to_owned()).collect::<Vec<_>>(),
        &new.iter().map(|s| s.words.about.report_id).collect::<Vec<_>>(),
        &new.iter().map(|s| s.words.event_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &new.iter().map(|s| issue_of(s.words)).collect::<Vec<_>>() as &[Option<i64>],
        &text(|report| &report.name),
        &text(|report| &report.email),
        &text(|report| &report.message),
        &text(|report| &report.url),
        &text(|report| &report.replay_id),
        &text(|report| &report.source),
        &text(|report| &report.release),
        &text(|report| &report.environment),
        &new.iter().map(|s| s.times.received).collect::<Vec<_>>(),
        &new.iter().map(|s| s.times.said_at).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Puts the newer words in the place of the older ones.
async fn correct(db: &mut PgConnection, corrected: &[Settled<'_>]) -> sqlx::Result<()> {
    let text = |of: fn(&NewReport) -> &str| corrected.iter().map(|settled| of(settled.words).to_owned()).collect::<Vec<_>>();
    sqlx::query!(
        "update feedback f set name = c.name, email = c.email, message = c.message, said_at = c.said_at
        from unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
            as c (project_id, report_id, name, email, message, said_at)
        where f.project_id = c.project_id and f.kind = 'report' and f.report_id = c.report_id",
        &corrected.iter().map(|s| s.words.about.project.0).collect::<Vec<_>>(),
        &corrected.iter().map(|s| s.words.about.report_id).collect::<Vec<_>>(),
        &text(|report| &report.name),
        &text(|report| &report.email),
        &text(|report| &report.message),
        &corrected.iter().map(|s| s.times.said_at).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Joins new events to what people said about them before they came.
pub async fn link(db: &mut PgConnection, events: &[(ProjectId, Uuid, IssueId)]) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with waiting as (
            select f.project_id, f.feedback_id, e.issue_id
            from unnest($1::int[], $2::uuid[], $3::bigint[]) as e (project_id, event_id, issue_id)
            join feedback f on f.project_id = e.project_id and f.event_id = e.event_id and f.issue_id is null
            order by f.project_id, f.feedback_id
            for update of f
        )
        update feedback f set issue_id = w.issue_id from waiting w where f.project_id = w.project_id and f.feedback_id = w.feedback_id",
        &events.iter().map(|e| e.0.0).collect::<Vec<_>>(),
        &events.iter().map(|e| e.1).collect::<Vec<_>>(),
        &events.iter().map(|e| e.2.0).collect::<Vec<_>>()
    )
    .execute(db)
    .await
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feedback::About;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_530_787 + seconds, 0).unwrap()
    }

    fn said(kind: Kind, id: u128, seconds: i64, message: &str) -> NewReport {
        let none = String::new;
        NewReport {
            about: About { project: ProjectId(1), kind, report_id: Uuid::from_u128(id), received: at(seconds) },
            event_id: None,
            name: none(),
            email: none(),
            message: message.to_owned(),
            url: none(),
            replay_id: none(),
            source: none(),
            release: none(),
            environment: none(),
        }
    }

    /// New or corrected: the words, the second of the first receipt and of the words.
    fn settled(reports: &[NewReport], known: &[(Key, Times)]) -> Vec<(bool, String, i64, i64)> {
        let reports: Vec<_> = reports.iter().collect();
        let seconds = |time: DateTime<Utc>| (time - at(0)).num_seconds();
        let settled = settle(&reports, &known.iter().copied().collect());
        let line = |s: Settled<'_>| (s.is_new, s.words.message.clone(), seconds(s.times.received), seconds(s.times.said_at));
        settled.into_iter().map(line).collect()
    }

    #[test]
    fn an_event_has_one_report_whose_last_words_of_five_minutes_count() {
        let reports = [
            said(Kind::Report, 1, 0, "first"),
            said(Kind::Report, 1, 300, "last in time"),
            said(Kind::Report, 1, 60, "between"),
            said(Kind::Report, 1, 301, "too late"),
            said(Kind::Report, 2, 9, "another event"),
        ];
        assert_eq!(settled(&reports, &[]), [(true, "last in time".to_owned(), 0, 300), (true, "another event".to_owned(), 9, 9)]);
    }

    #[test]
    fn a_stored_report_is_corrected_by_newer_words_and_not_by_a_repeat_of_older_ones() {
        let key = (ProjectId(1), Kind::Report, Uuid::from_u128(1));
        let known = [(key, Times { received: at(0), said_at: at(60) })];
        assert_eq!(settled(&[said(Kind::Report, 1, 0, "a repeat after a crash")], &known), []);
        assert_eq!(settled(&[said(Kind::Report, 1, 60, "again")], &known), []);
        assert_eq!(settled(&[said(Kind::Report, 1, 61, "newer")], &known), [(false, "newer".to_owned(), 0, 61)]);
        assert_eq!(settled(&[said(Kind::Report, 1, 301, "too late")], &known), []);
    }

    #[test]
    fn feedback_stays_as_it_came_first() {
        let reports = [said(Kind::Feedback, 1, 5, "again"), said(Kind::Feedback, 1, 0, "first"), said(Kind::Report, 1, 0, "a report")];
        assert_eq!(settled(&reports, &[]), [(true, "first".to_owned(), 0, 0), (true, "a report".to_owned(), 0, 0)]);
    }
}
