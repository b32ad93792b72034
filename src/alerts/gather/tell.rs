//! A fact, and for each recipient: at once, or with others.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::due::{GATHERED, Waiting};
use super::pace::{Next, Pace};
use super::queries::{self, Decision};
use crate::accounts::{IssueId, ProjectId, UserId};
use crate::alerts::compose::{self, Content};
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

/// Notes a fact that nobody is told of, and why; the log has the mail that there would have been.
pub(in crate::alerts) async fn drop(
    app: &App,
    db: &mut PgConnection,
    fact: &Fact,
    (content, reason): (&Content, &str),
) -> anyhow::Result<()> {
    let now = app.clock.now();
    let id = queries::note(db, fact, now).await?;
    let mail = compose::skip(app, db, (fact.project, fact.issue), content, reason).await?;
    let dropped = Decision { user: None, status: "dropped", reason, mail: Some(mail) };
    Ok(queries::decide(db, (fact.project, id), &dropped, now).await?)
}

/// Notes a fact that comes with the next mail that gathers several.
pub(in crate::alerts) async fn keep(app: &App, db: &mut PgConnection, fact: &Fact, reason: &str) -> anyhow::Result<()> {
    let now = app.clock.now();
    let id = queries::note(db, fact, now).await?;
    for (user, _) in projects::recipients(db, fact.project).await? {
        queries::decide(db, (fact.project, id), &Decision { user: Some(user), status: "gathered", reason, mail: None }, now).await?;
    }
    Ok(())
}

/// Notes a fact and decides for each recipient, in the caller's transaction. `content` is the mail about it alone.
pub(in crate::alerts) async fn tell(app: &App, db: &mut PgConnection, fact: &Fact, content: &Content) -> anyhow::Result<()> {
    let now = app.clock.now();
    let recipients = projects::recipients(db, fact.project).await?;
    if recipients.is_empty() {
        let reason = "The project has no members, so nobody was told. Add members in the project's settings.";
        return drop(app, db, fact, (content, reason)).await;
    }
    let id = queries::note(db, fact, now).await?;
    for (user, email) in &recipients {
        one(app, db, (fact, id), (*user, email), content).await?;
    }
    Ok(())
}

async fn one(
    app: &App,
    db: &mut PgConnection,
    (fact, id): (&Fact, i64),
    (user, email): (UserId, &str),
    content: &Content,
) -> anyhow::Result<()> {
    let now = app.clock.now();
    let (pace, cap) = queries::lock(db, fact.project, user, now).await?;
    let next = pace.next(now, cap);
    let due = match next {
        Next::Tell => {
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
    let reason = why(cap.until(now).is_some(), due);
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
