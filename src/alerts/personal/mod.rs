//! # What one person wants to hear of
//! **Promise.** Everybody chooses for themselves: of which projects, of which facts, at once or by the hour or the day, not at night, not of this issue. Nothing
//! is lost by it: each decision stands in the log with its reason, and what is held comes with the next mail. **How.** Pure [`settings`] say when;
//! rows say what is switched off; [`wish`] asks both in one statement, for a person's branch of `gather`. **When it breaks.** Settings that cannot
//! be read count as none: people are told at once. **Not here.** Which facts a project tells of at all (its settings), the links in mails that stop them (`links`).

mod pages;
mod queries;
mod settings;
mod subject;
mod week;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

pub(super) use pages::{mute, save, show, unmute};
pub(super) use subject::Subject;
pub(super) use week::{set_weekly_told, told_projects, weekly_due};

use super::gather::Fact;
use crate::accounts::{IssueId, ProjectId, UserId};

/// What somebody wants of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// To be told at once.
    Now,
    /// Not to be told; why.
    Never(String),
    /// To be told then; why.
    Later(DateTime<Utc>, String),
}

/// What a person wants of a fact that `gather` tells.
pub(super) async fn wish(db: &mut PgConnection, user: UserId, fact: &Fact, now: DateTime<Utc>) -> sqlx::Result<Wish> {
    let (settings, off) = queries::wishes(db, user, (fact.project, fact.issue), Subject::of_fact(&fact.kind)).await?;
    Ok(off.map_or_else(|| later(settings.later(now)), Wish::Never))
}

/// The same of a mail that waits for no others: only quiet hours hold it.
pub(super) async fn wish_of_mail(
    db: &mut PgConnection,
    user: UserId,
    (project, issue, kind): (ProjectId, Option<IssueId>, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<Wish> {
    let Some(subject) = Subject::of_mail(kind) else { return Ok(Wish::Now) };
    let (settings, off) = queries::wishes(db, user, (project, issue), subject).await?;
    Ok(off.map_or_else(|| later(settings.quiet(now)), Wish::Never))
}

/// When a person's quiet hours end, if it is quiet now.
pub(super) async fn quiet_until(db: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> sqlx::Result<Option<DateTime<Utc>>> {
    Ok(queries::settings(db, user).await?.quiet(now).map(|(due, _)| due))
}

/// Stops what somebody wants no more of: a project's mails about something, or the summaries of their weeks.
pub(super) async fn stop(db: &mut PgConnection, user: UserId, (project, subject): (ProjectId, Subject)) -> sqlx::Result<()> {
    match subject {
        Subject::Weekly => week::stop(db, user).await,
        _ => queries::stop(db, user, (project, subject)).await,
    }
}

fn later(held: Option<(DateTime<Utc>, String)>) -> Wish {
    held.map_or(Wish::Now, |(due, why)| Wish::Later(due, why))
}
