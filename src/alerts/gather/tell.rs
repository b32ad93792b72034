//! A fact, and for each recipient: at once, or with others.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::due::{GATHERED, Waiting};
use super::pace::{Next, Pace};
use super::queries::{self, Decision};
use super::recipient::{Addressee, Recipient, addressees};
use crate::accounts::{IssueId, ProjectId};
use crate::alerts::compose::{self, Content};
use crate::alerts::personal::Wish;
use crate::alerts::queries::facts;
use crate::alerts::rules::{self, FactKind, Happened, Routed};
use crate::platform::App;
use crate::platform::outbox;
use crate::web::mail_view::MailKind;

/// Why nobody is told where there is nobody.
const NO_MEMBERS: &str = "The project has no members, so nobody was told. Add members in the project's settings.";

/// How long what is told with others waits for them.
const SOON: TimeDelta = TimeDelta::minutes(5);

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

impl Fact {
    /// Something about a project, or about what came to it.
    pub(in crate::alerts) fn of_project(kind: FactKind, project: ProjectId, detail: Value) -> Self {
        Self { project, kind: kind.name().to_owned(), issue: None, event: None, detail }
    }
}

/// Notes a fact that nobody is told of, and why; the log has the mail that there would have been. False: its issue is gone.
pub(in crate::alerts) async fn drop(app: &App, db: &mut PgConnection, fact: &Fact, reason: &str) -> anyhow::Result<bool> {
    let now = app.clock.now();
    let Some(content) = compose::content(app, db, fact).await? else { return Ok(false) };
    let id = queries::note(db, fact, None, now).await?;
    let mail = compose::skip(app, db, (fact.project, fact.issue), &content, reason).await?;
    let dropped = Decision { to: None, status: "dropped", reason, mail: Some(mail) };
    queries::decide(db, (fact.project, id), &dropped, now).await?;
    Ok(true)
}

/// Notes a fact that comes with the next mail that gathers several.
pub(in crate::alerts) async fn keep(app: &App, db: &mut PgConnection, fact: &Fact, reason: &str) -> anyhow::Result<()> {
    let now = app.clock.now();
    let recipients = addressees(db, fact.project).await?;
    let routed = route(db, fact, recipients, now).await?;
    let id = queries::note(db, fact, routed.rule.as_ref(), now).await?;
    queries::drop_all(db, (fact.project, id), (&routed.untold, &routed.reason, None), now).await?;
    for addressee in routed.told {
        let off = match addressee.wish(db, fact, now).await? {
            Wish::Never(why) => Some(why),
            _ => None,
        };
        let (status, reason) = off.as_deref().map_or(("gathered", reason), |why| ("dropped", why));
        let decided = Decision { to: Some(addressee.recipient()), status, reason, mail: None };
        queries::decide(db, (fact.project, id), &decided, now).await?;
    }
    Ok(())
}

/// Notes a fact and decides for each recipient, in the caller's transaction. False: its issue is gone.
pub(in crate::alerts) async fn tell(app: &App, db: &mut PgConnection, fact: &Fact) -> anyhow::Result<bool> {
    let recipients = addressees(db, fact.project).await?;
    if recipients.is_empty() {
        return drop(app, db, fact, NO_MEMBERS).await;
    }
    if let Some(issue) = fact.issue
        && facts(db, issue).await?.is_none()
    {
        return Ok(false);
    }
    let now = app.clock.now();
    let routed = route(db, fact, recipients, now).await?;
    let id = queries::note(db, fact, routed.rule.as_ref(), now).await?;
    queries::drop_all(db, (fact.project, id), (&routed.untold, &routed.reason, None), now).await?;
    // Made when the first recipient gets it at once: in a storm nobody does.
    let mut content = None;
    for addressee in &routed.told {
        one(app, db, (fact, id), addressee, &mut content).await?;
    }
    Ok(true)
}

/// Notes a fact that is told with others, the next time that several are: in some minutes, when nothing else is due before.
pub(in crate::alerts) async fn tell_with_others(app: &App, db: &mut PgConnection, fact: &Fact, reason: &str) -> anyhow::Result<()> {
    let now = app.clock.now();
    let recipients = addressees(db, fact.project).await?;
    if recipients.is_empty() {
        return drop(app, db, fact, NO_MEMBERS).await.map(|_| ());
    }
    let routed = route(db, fact, recipients, now).await?;
    let id = queries::note(db, fact, routed.rule.as_ref(), now).await?;
    queries::drop_all(db, (fact.project, id), (&routed.untold, &routed.reason, None), now).await?;
    for addressee in &routed.told {
        let to = addressee.recipient();
        let (due, why) = match addressee.wish(db, fact, now).await? {
            Wish::Now => (now + SOON, reason.to_owned()),
            Wish::Later(due, why) => (due, why),
            Wish::Never(why) => {
                let dropped = Decision { to: Some(to), status: "dropped", reason: &why, mail: None };
                queries::decide(db, (fact.project, id), &dropped, now).await?;
                continue;
            }
        };
        let (pace, cap) = queries::lock(db, fact.project, to, now).await?;
        wait(db, (fact, id, to), (pace, pace.next(now, cap).not_before(due)), (now, &|_| why.clone())).await?;
    }
    Ok(())
}

/// Notes a fact whose mail is written already, and tells it at once to whom the rules say: what keeps a pace of its own, or is rare. It counts
/// among the mails of an hour, and waits for others when these are used up.
pub(in crate::alerts) async fn tell_now(app: &App, db: &mut PgConnection, fact: &Fact, content: &Content) -> anyhow::Result<()> {
    let (now, about) = (app.clock.now(), (fact.project, fact.issue));
    let recipients = addressees(db, fact.project).await?;
    let is_nobody = recipients.is_empty();
    let routed = route(db, fact, recipients, now).await?;
    let id = queries::note(db, fact, routed.rule.as_ref(), now).await?;
    if routed.told.is_empty() {
        let reason = if is_nobody { NO_MEMBERS } else { &routed.reason };
        let mail = Some(compose::skip(app, db, about, content, reason).await?);
        let whom = if is_nobody { &[Recipient::NOBODY][..] } else { &routed.untold };
        return Ok(queries::drop_all(db, (fact.project, id), (whom, reason, mail), now).await?);
    }
    queries::drop_all(db, (fact.project, id), (&routed.untold, &routed.reason, None), now).await?;
    for addressee in &routed.told {
        let (status, reason, mail) = match addressee.wish_of_mail(db, (about, content), now).await? {
            Wish::Now => {
                let to = addressee.recipient();
                let (pace, cap) = queries::lock(db, fact.project, to, now).await?;
                if cap.until(now).is_some() {
                    wait(db, (fact, id, to), (pace, pace.next(now, cap)), (now, &|due| why(to, true, due))).await?;
                    continue;
                }
                queries::set_cap(db, to, cap.counted(now)).await?;
                ("told", String::new(), Some(addressee.write(app, db, (about, content)).await?))
            }
            // Until it is sent, the mail itself says why it waits.
            Wish::Later(due, why) => ("told", String::new(), Some(addressee.write_later(app, db, (about, content), (due, &why)).await?)),
            Wish::Never(why) => ("dropped", why, None),
        };
        let decided = Decision { to: Some(addressee.recipient()), status, reason: &reason, mail };
        queries::decide(db, (fact.project, id), &decided, now).await?;
    }
    Ok(())
}

async fn route(db: &mut PgConnection, fact: &Fact, recipients: Vec<Addressee>, now: DateTime<Utc>) -> anyhow::Result<Routed> {
    let happened =
        Happened { project: fact.project, kind: &fact.kind, issue: fact.issue, event: fact.event, at: now, counted: (None, None) };
    rules::route(db, &happened, recipients).await
}

async fn one(
    app: &App,
    db: &mut PgConnection,
    (fact, id): (&Fact, i64),
    addressee: &Addressee,
    content: &mut Option<Content>,
) -> anyhow::Result<()> {
    let (to, now) = (addressee.recipient(), app.clock.now());
    let held = match addressee.wish(db, fact, now).await? {
        Wish::Now => None,
        Wish::Later(due, why) => Some((due, why)),
        Wish::Never(why) => {
            let dropped = Decision { to: Some(to), status: "dropped", reason: &why, mail: None };
            return Ok(queries::decide(db, (fact.project, id), &dropped, now).await?);
        }
    };
    let (pace, cap) = queries::lock(db, fact.project, to, now).await?;
    let next = pace.next(now, cap);
    let next = held.as_ref().map_or(next, |(due, _)| next.not_before(*due));
    if next != Next::Tell {
        let reason = |due| held.as_ref().map_or_else(|| why(to, cap.until(now).is_some(), due), |(_, why)| why.clone());
        return wait(db, (fact, id, to), (pace, next), (now, &reason)).await;
    }
    if content.is_none() {
        *content = compose::content(app, db, fact).await?;
    }
    let content = content.as_ref().context("the issue is gone since a moment ago")?;
    let mail = addressee.write(app, db, ((fact.project, fact.issue), content)).await?;
    queries::set_pace(db, fact.project, to, Pace::told(now)).await?;
    queries::set_cap(db, to, cap.counted(now)).await?;
    let told = Decision { to: Some(to), status: "told", reason: "", mail: Some(mail) };
    Ok(queries::decide(db, (fact.project, id), &told, now).await?)
}

/// Lets a fact wait for a recipient's next mail, and sees to it that there is one.
async fn wait(
    db: &mut PgConnection,
    (fact, id, to): (&Fact, i64, Recipient),
    (pace, next): (Pace, Next),
    (now, reason): (DateTime<Utc>, &(dyn Fn(DateTime<Utc>) -> String + Sync)),
) -> anyhow::Result<()> {
    let due = match next {
        Next::Join(due) => due,
        Next::Tell | Next::Wait(_) => {
            let due = if let Next::Wait(due) = next { due } else { now };
            outbox::enqueue_at(db, GATHERED, &Waiting { project: fact.project, to }, (now, due)).await?;
            queries::set_pace(db, fact.project, to, Pace { due_at: Some(due), ..pace }).await?;
            due
        }
    };
    let gathered = Decision { to: Some(to), status: "gathered", reason: &reason(due), mail: None };
    Ok(queries::decide(db, (fact.project, id), &gathered, now).await?)
}

fn why(to: Recipient, is_capped: bool, due: DateTime<Utc>) -> String {
    let clock = due.format("%H:%M UTC");
    let what = to.gets();
    if is_capped {
        format!("{} {what}s went out within the hour, which is the most; this one comes with others after {clock}.", super::MOST)
    } else {
        format!("Another {what} had just gone out; this one comes with others at {clock}.")
    }
}
