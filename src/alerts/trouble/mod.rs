//! # Trouble of Vedette itself
//! **Promise.** What keeps events or alerts from going through is shown to administrators on every page within a minute, and mailed to them when it lasts: once,
//! again each day (week, for what stands there until somebody looks), and when it is over; once for all processes. **How.** [`LookForTrouble`] asks the journal, the background work ([`Board`](crate::platform::trouble::Board)) and the log of
//! mails ([`found`], pure), and keeps what it found in `troubles`. **When it breaks.** While the database is away nothing can be mailed; the pages say so
//! themselves, and `/healthz`. That mails do not go out is shown, and not mailed. **Not here.** A channel that fails (`channels`), which is a project's.

mod found;
mod queries;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use super::channels::Message;
use super::compose::{self, Content};
use crate::accounts::ProjectId;
use crate::platform::App;
use crate::platform::journal::Journal;
use crate::platform::periodic::{Periodic, Step};
use crate::web::project_mail::ProjectMail;
use crate::web::urls;
use found::{Found, Seen};
use queries::Known;

/// The project of mails that are about none.
pub(super) const NO_PROJECT: ProjectId = ProjectId(0);
/// A process that has not said so for so long has its troubles no more: it is gone.
const GONE: TimeDelta = TimeDelta::hours(1);

/// Looks for trouble of this process.
#[derive(Debug, Clone)]
pub struct LookForTrouble {
    /// Where events wait.
    pub journal: Arc<Journal>,
    /// Whose it is.
    pub id: Uuid,
}

impl Periodic for LookForTrouble {
    const NAME: &'static str = "alerts.trouble";
    const EVERY: Duration = Duration::from_secs(30);

    async fn step(&self, app: &App) -> anyhow::Result<Step> {
        let now = app.clock.now();
        let mut found = found::here(&Seen {
            now,
            room: self.journal.room().map_err(|error| error.to_string()),
            stats: &self.journal.stats(),
            failing: &app.board().failing(),
        });
        // Known without the database.
        app.board().show(found.iter().map(Found::trouble).collect());
        let mut tx = app.db.begin().await?;
        found.extend(found::mails(queries::stuck_mails(&mut tx, now).await?));
        let known = queries::known(&mut tx, self.id).await?;
        for found in &found {
            keep(app, &mut tx, self.id, (found, known.iter().find(|known| known.name == found.name))).await?;
        }
        for over in known.iter().filter(|known| !found.iter().any(|found| found.name == known.name)) {
            end(app, &mut tx, over).await?;
        }
        queries::forget(&mut tx, now - GONE).await?;
        let all = queries::all(&mut tx).await?;
        tx.commit().await?;
        app.board().show(all);
        app.outbox.wake();
        Ok(Step::Idle)
    }
}

async fn keep(app: &App, db: &mut PgConnection, id: Uuid, (found, known): (&Found, Option<&Known>)) -> anyhow::Result<()> {
    let now = app.clock.now();
    let owner = if found.is_shared { Uuid::nil() } else { id };
    let since = known.map_or(now, |known| known.since);
    let is_due = known.map_or(found.after.is_zero(), |known| match known.told_at {
        Some(told) => now - told >= found.again,
        None => now - since >= found.after,
    });
    let told_at = if is_due && found.is_mailed { Some(now) } else { known.and_then(|known| known.told_at) };
    let is_ours = queries::put(db, (owner, found), (since, now, told_at)).await?;
    if is_due && found.is_mailed && is_ours {
        let facts = vec![("Since", compose::date(since))];
        mail(app, db, ("Trouble", "Vedette itself needs a look"), (&found.words, &found.advice), facts).await?;
    }
    Ok(())
}

async fn end(app: &App, db: &mut PgConnection, over: &Known) -> anyhow::Result<()> {
    if queries::delete(db, over).await? && over.told_at.is_some() && found::ends(&over.name) {
        let now = app.clock.now();
        let facts = vec![("Since", compose::date(over.since)), ("Until", compose::date(now))];
        mail(app, db, ("Over", "What was wrong with Vedette is over"), (&over.words, "Nothing is to be done."), facts).await?;
    }
    Ok(())
}

async fn mail(
    app: &App,
    db: &mut PgConnection,
    (what, lead): (&str, &str),
    (headline, message): (&str, &str),
    facts: Vec<(&'static str, String)>,
) -> anyhow::Result<()> {
    let mail = ProjectMail {
        project: "Vedette".to_owned(),
        what: what.to_owned(),
        lead: lead.to_owned(),
        headline: headline.to_owned(),
        message: message.to_owned(),
        facts,
        open: "Vedette".to_owned(),
        url: app.absolute(&urls::home()),
        why: "You get this as an administrator of Vedette.".to_owned(),
        ..ProjectMail::default()
    };
    let content = Content { kind: "trouble", subject: mail.subject(), bodies: mail.bodies()?, message: Message::default() };
    for (user, email) in super::queries::administrators(db).await? {
        compose::write_to(app, db, ((NO_PROJECT, None), &content), (user, &email)).await?;
    }
    Ok(())
}
