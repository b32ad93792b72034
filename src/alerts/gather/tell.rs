//! A fact, and for each recipient: at once, or with others.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::due::{GATHERED, Waiting};
use super::pace::{Next, Pace};
use super::queries::{self, Decision};
use crate::accounts::{IssueId, ProjectId, UserId};
use crate::alerts::compose::{self, Content};
use crate::alerts::personal::{self, Wish};
use crate::alerts::queries::facts;
use crate::platform::App;
use crate::platform::outbox;
use crate::projects;
use crate::web::mail_view::MailKind;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::alerts) struct Fact {
    /// Where.
    pub(in crate::alerts) project: ProjectId,
    /// As the log says it: `new_issue`.
    pub(in crate::alerts) kind: String,
    /// To which issue.
    pub(in crate::alerts) issue: Option<IssueId>,
    /// By which event.
    pub(in crate::alerts) event: Option<Uuid>,
    /// What the mail about it needs.
    pub(in crate::alerts) detail: Value,
}

impl Fact {
    /// Something about an issue.
    pub(in crate::alerts) fn of(kind: MailKind, issue: IssueId, event: Option<Uuid>) -> Self {
        Self { project: issue.project(), kind: compose::kind_name(kind).to_owned(), issue: Some(issue), event, detail: json!({}) }
    }
}

/// Notes a fact that nobody is told of, and why; the log has the mail that there would have been. False: its issue is gone.
pub(in crate::alerts) async fn drop(app: &App, db: &mut PgConnection, fact: &Fact, reason: &str) -> anyhow::Result<bool> {
    let now = app.clock.now();
    let Some(content) = compose::content(app, db, fact).await? else { return Ok(false) };
    let id = queries::note(db, fact, now).await?;
    let mail = compose::skip(app, db, (fact.project, fact.issue), &content, reason).await?;
    let dropped = Decision { user: None, status: "dropped", reason, mail: Some(mail) };
    queries::decide(db, (fact.project, id), &dropped, now).await?;
    Ok(true)
}

/// Notes a fact that comes with the next mail that gathers several.
pub(in crate::alerts) async fn keep(app: &App, db: &mut PgConnection, fact: &Fact, reason: &str) -> anyhow::Result<()> {
    let now = app.clock.now();
    let id = queries::note(db, fact, now).await?;
    for (user, _) in projects::recipients(db, fact.project).await? {
        let off = match personal::wish(db, user, fact, now).await? {
            Wish::Never(why) => Some(why),
            _ => None,
        };
        let (status, reason) = off.as_deref().map_or(("gathered", reason), |why| ("dropped", why));
        queries::decide(db, (fact.project, id), &Decision { user: Some(user), status, reason, mail: None }, now).await?;
    }
    Ok(())
}

/// Notes a fact and decides for each recipient, in the caller's transaction. False: its issue is gone.
pub(in crate::alerts) async fn tell(app: &App, db: &mut PgConnection, fact: &Fact) -> anyhow::Result<bool> {
    let recipients = projects::recipients(db, fact.project).await?;
    if recipients.is_empty() {
        let reason = "The project has no members, so nobody was told. Add members in the project's settings.";
        return drop(app, db, fact, reason).await;
    }
    if let Some(issue) = fact.issue
        && facts(db, issue).await?.is_none()
    {
        return Ok(false);
    }
    let id = queries::note(db, fact, app.clock.now()).await?;
    // Made when the first recipient gets it at once: in a storm nobody does.
    let mut content = None;
    for (user, email) in &recipients {
        one(app, db, (fact, id), (*user, email), &mut content).await?;
    }
    Ok(true)
}

async fn one(
    app: &App,
    db: &mut PgConnection,
    (fact, id): (&Fact, i64),
    (user, email): (UserId, &str),
    content: &mut Option<Content>,
) -> anyhow::Result<()> {
    let now = app.clock.now();
    let held = match personal::wish(db, user, fact, now).await? {
        Wish::Now => None,
        Wish::Later(due, why) => Some((due, why)),
        Wish::Never(why) => {
            let dropped = Decision { user: Some(user), status: "dropped", reason: &why, mail: None };
            return Ok(queries::decide(db, (fact.project, id), &dropped, now).await?);
        }
    };
    let (pace, cap) = queries::lock(db, fact.project, user, now).await?;
    let next = pace.next(now, cap);
    let next = held.as_ref().map_or(next, |(due, _)| next.not_before(*due));
    let due = match next {
        Next::Tell => {
            if content.is_none() {
                *content = compose::content(app, db, fact).await?;
            }
            let content = content.as_ref().context("the issue is gone since a moment ago")?;
            let mail = compose::write_to(app, db, ((fact.project, fact.issue), content), (user, email)).await?;
            queries::set_pace(db, fact.project, user, Pace::told(now)).await?;
            queries::set_cap(db, user, cap.counted(now)).await?;
            let told = Decision { user: Some(user), status: "told", reason: "", mail: Some(mail) };
            return Ok(queries::decide(db, (fact.project, id), &told, now).await?);
        }
        Next::Join(due) => due,
        Next::Wait(due) => {
            outbox::enqueue_at(db, GATHERED, &Waiting { project: fact.project, user }, (now, due)).await?;
            queries::set_pace(db, fact.project, user, Pace { due_at: Some(due), ..pace }).await?;
            due
        }
    };
    let reason = held.map_or_else(|| why(cap.until(now).is_some(), due), |(_, why)| why);
    let gathered = Decision { user: Some(user), status: "gathered", reason: &reason, mail: None };
    Ok(queries::decide(db, (fact.project, id), &gathered, now).await?)
}

fn why(is_capped: bool, due: DateTime<Utc>) -> String {
    let clock = due.format("%H:%M UTC");
    if is_capped {
        format!("{} mails went out within the hour, which is the most; this one comes with others after {clock}.", super::MOST)
    } else {
        format!("Another mail had just gone out; this one comes with others at {clock}.")
    }
}
