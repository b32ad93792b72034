//! # The week in one mail
//! **Promise.** Who asks for it gets one mail on Monday morning by their own clock (the hour of the daily mail, after quiet hours) about the week before: per project of
//! theirs new issues, issues that came back, the most frequent ones, and events beside those of the week before. Nobody gets it unasked; a week is told once.
//! **How.** `personal_settings` says which Monday is next and when its morning is. [`Weekly`] takes one person at a time whose morning has come, under the lock of their row, and
//! writes mail and next Monday in one transaction: however many processes, however often they start. **When it breaks.** A server that was away on Monday tells that week when it is back, and of
//! longer absences the last week it owes. **Not here.** When mornings are ([`personal`]), how the mail looks (`web::weekly_mail`).

mod queries;

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;

use super::channels::Message;
use super::compose::{self, Content};
use super::trouble::NO_PROJECT;
use super::{links, personal};
use crate::platform::App;
use crate::platform::periodic::{Periodic, Step};
use crate::web::digest_mail::DigestLine;
use crate::web::number::{self, counted};
use crate::web::urls::{self, IssueQuery};
use crate::web::weekly_mail::{WeeklyMail, WeeklyProject};
use queries::{Frequent, Week};

/// Issues that are named of each project.
const NAMED: i64 = 5;
/// Projects that are told of, those with most events first.
const PROJECTS: usize = 50;

/// Writes the mails whose morning has come.
#[derive(Debug, Clone, Copy)]
pub struct Weekly;

impl Periodic for Weekly {
    const NAME: &'static str = "alerts.weekly";
    const EVERY: Duration = Duration::from_mins(1);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        let Some(reader) = personal::weekly_due(&mut tx, now).await? else { return Ok(Step::Idle) };
        let projects = personal::told_projects(&mut tx, reader.user).await?;
        let is_told = reader.is_active && !projects.is_empty();
        if is_told {
            let span = reader.week();
            let mut weeks = Vec::with_capacity(projects.len());
            for project in projects {
                weeks.extend(queries::week(&mut tx, project, span).await?);
            }
            let mail = mail(app, &mut tx, (reader.monday, span), weeks).await?;
            let content = Content { kind: "weekly", subject: mail.subject(), bodies: mail.bodies()?, message: Message::default() };
            compose::write_to(app, &mut tx, ((NO_PROJECT, None), &content), (reader.user, &reader.email)).await?;
        }
        personal::set_weekly_told(&mut tx, &reader, now).await?;
        tx.commit().await?;
        app.outbox.wake();
        Ok(Step::More(format!("a week is over for user {}; a mail was written: {is_told}", reader.user)))
    }
}

/// From, until.
type Span = (DateTime<Utc>, DateTime<Utc>);

async fn mail(app: &App, db: &mut PgConnection, (monday, span): (NaiveDate, Span), mut weeks: Vec<Week>) -> anyhow::Result<WeeklyMail> {
    weeks.sort_by_key(|week| (-week.events, week.name.to_lowercase()));
    let (now, before) = (weeks.iter().map(|week| week.events).sum(), weeks.iter().map(|week| week.before).sum());
    let (loud, quiet): (Vec<_>, Vec<_>) = weeks.into_iter().partition(|week| week.events + week.before + week.new + week.back > 0);
    let more = loud.len().saturating_sub(PROJECTS);
    let mut projects = Vec::with_capacity(loud.len().min(PROJECTS));
    for week in loud.iter().take(PROJECTS) {
        let frequent = queries::frequent(db, week.project, span, NAMED).await?;
        let list = IssueQuery { project: week.slug.clone(), ..IssueQuery::default() };
        projects.push(WeeklyProject {
            name: week.name.clone(),
            url: app.absolute(&list.url()),
            facts: facts(week),
            lines: frequent.iter().map(|issue| line(app, week, issue, span)).collect(),
        });
    }
    let names = |weeks: &[Week]| weeks.iter().map(|week| week.name.clone()).collect::<Vec<_>>().join(", ");
    Ok(WeeklyMail {
        week: days(monday),
        headline: compared(now, before),
        projects,
        more: if more == 0 { String::new() } else { format!("and {} with fewer events", counted(more as i64, "project")) },
        quiet: names(&quiet),
        url: app.absolute(&urls::home()),
        stop_url: links::stop_place(app),
    })
}

/// "3 new issues, 1 came back, 1,204 events, 40 % fewer than the week before".
fn facts(week: &Week) -> String {
    let back = (week.back > 0).then(|| format!("{} came back", number::count(week.back)));
    let new = if week.new == 0 { "no new issues".to_owned() } else { counted(week.new, "new issue") };
    [Some(new), back, Some(compared(week.events, week.before))].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn line(app: &App, week: &Week, issue: &Frequent, (from, _): Span) -> DigestLine {
    let state = match issue.status.as_str() {
        "open" if issue.first_seen >= from => ", new",
        "resolved" => ", resolved",
        "ignored" => ", ignored",
        _ => "",
    };
    DigestLine {
        short_id: issue.issue.short_id(&week.short_prefix),
        title: issue.title.clone(),
        url: app.absolute(&urls::issue(issue.issue)),
        facts: format!("{}{state}", counted(issue.events, "event")),
        level: issue.level.clone(),
    }
}

/// "1,204 events, 40 % fewer than the week before".
fn compared(events: i64, before: i64) -> String {
    let percent = ((events - before).abs() as f64 * 100.0 / before.max(1) as f64).round() as i64;
    let change = match (events, before) {
        (0, 0) => return "no events, as in the week before".to_owned(),
        (_, 0) => "none in the week before".to_owned(),
        _ if events == before => "as many as in the week before".to_owned(),
        // "4,712 % more" says less than the number.
        _ if events > before * 3 => format!("{} in the week before", number::count(before)),
        _ if percent == 0 => "about as many as in the week before".to_owned(),
        _ => format!("{percent} % {} than the week before", if events > before { "more" } else { "fewer" }),
    };
    format!("{}, {change}", counted(events, "event"))
}

/// "16 to 22 Nov 2026": the seven days before a Monday.
fn days(monday: NaiveDate) -> String {
    let first = monday.checked_sub_days(Days::new(7)).unwrap_or(monday);
    let last = monday - TimeDelta::days(1);
    let format = |same: &str, other: &str| {
        let is_same = first.format(same).to_string() == last.format(same).to_string();
        first.format(if is_same { "%-d" } else { other }).to_string()
    };
    format!("{} to {}", format("%b %Y", "%-d %b"), last.format("%-d %b %Y"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_compared_in_words_that_say_something() {
        for (events, before, words) in [
            (0, 0, "no events, as in the week before"),
            (12, 0, "12 events, none in the week before"),
            (0, 12, "0 events, 100 % fewer than the week before"),
            (60, 100, "60 events, 40 % fewer than the week before"),
            (120, 100, "120 events, 20 % more than the week before"),
            (100, 100, "100 events, as many as in the week before"),
            (1_001, 1_000, "1,001 events, about as many as in the week before"),
            (4_800, 100, "4,800 events, 100 in the week before"),
        ] {
            assert_eq!(compared(events, before), words);
        }
    }

    #[test]
    fn days_are_those_before_the_monday() {
        let of = |text: &str| days(text.parse().unwrap());
        assert_eq!(of("2026-11-23"), "16 to 22 Nov 2026");
        assert_eq!(of("2026-11-02"), "26 Oct to 1 Nov 2026");
        assert_eq!(of("2027-01-04"), "28 Dec to 3 Jan 2027");
    }
}
