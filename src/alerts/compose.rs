//! From a fact to mails: one per member, in the transaction that ends the fact's job.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};

use super::channels::Message;
use super::gather::{self, Fact};
use super::rules::FactKind;
use super::{MAIL_SEND, links, noise, queries, silence, spiked, surge};
use crate::accounts::{IssueId, ProjectId, UserId};
use crate::events::view::{EventView, FrameView, Segment};
use crate::events::{Trail, Which, payload};
use crate::issues::changed;
use crate::issues::facts::{Appeared, Regressed};
use crate::issues::moving;
use crate::issues::view::split_title;
use crate::platform::App;
use crate::platform::outbox::{self, Failure, Job};
use crate::web::mail_view::{Bodies, IssueMail, MailFrame, MailKind};
use crate::web::{number, urls};

/// Frames in a mail.
const FRAMES: usize = 5;

/// Tells of a new issue.
pub(super) async fn appeared(app: &App, job: &Job) -> Result<(), Failure> {
    let fact: Appeared = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    tell(app, job, Fact::of(MailKind::NewIssue, fact.issue, Some(fact.event))).await
}

/// Tells of a resolved issue that came back.
pub(super) async fn regressed(app: &App, job: &Job) -> Result<(), Failure> {
    let fact: Regressed = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    tell(app, job, Fact::of(MailKind::Regression, fact.issue, Some(fact.event))).await
}

async fn tell(app: &App, job: &Job, fact: Fact) -> Result<(), Failure> {
    let mut tx = app.db.begin().await?;
    if !gather::tell(app, &mut tx, &fact).await? {
        return end(app, tx, job, GONE).await;
    }
    end(app, tx, job, TOLD).await
}

/// Tells of something about a project as a whole: the job's payload, a `T`, is what the mail about it needs. With a reason `later` it only comes with
/// the next mail that gathers several facts.
pub(super) async fn of_project<T: DeserializeOwned>(
    app: &App,
    job: &Job,
    (kind, project): (FactKind, fn(&T) -> ProjectId),
    later: Option<&str>,
) -> Result<(), Failure> {
    let detail: T = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let fact = Fact::of_project(kind, project(&detail), job.payload.clone());
    let mut tx = app.db.begin().await?;
    match later {
        None => _ = gather::tell(app, &mut tx, &fact).await?,
        Some(later) => gather::keep(app, &mut tx, &fact, later).await?,
    }
    end(app, tx, job, TOLD).await
}

/// The mail about one fact alone; nothing when its issue is gone.
pub(super) async fn content(app: &App, db: &mut PgConnection, fact: &Fact) -> anyhow::Result<Option<Content>> {
    match FactKind::named(&fact.kind) {
        Some(FactKind::Surge) => return surge::content(app, db, fact).await,
        Some(FactKind::NoisyPlace) => return noise::content(app, db, fact).await,
        Some(FactKind::EventsStopped) => return silence::content(app, db, fact).await,
        _ => {}
    }
    let kinds = [MailKind::NewIssue, MailKind::Regression, MailKind::Spike, MailKind::Unignored];
    let Some(kind) = kinds.into_iter().find(|kind| kind_name(*kind) == fact.kind) else { return Ok(None) };
    let Some(issue) = fact.issue else { return Ok(None) };
    // It may have been merged since.
    let issue = moving::merged_into(db, issue).await?.unwrap_or(issue);
    let Some(mut mail) = mail(app, db, (issue, fact.event.map_or(Which::Latest, Which::Id)), kind).await? else { return Ok(None) };
    if kind == MailKind::Spike {
        mail = spiked::described(db, issue, (mail, &fact.detail)).await?;
    }
    if kind == MailKind::Unignored {
        let why = fact.detail["why"].as_str().unwrap_or_default();
        why.clone_into(&mut mail.woken);
    }
    let message = Message::of_issue(issue, &mail, kind);
    Ok(Some(Content { kind: kind_name(kind), subject: mail.subject(kind), bodies: mail.bodies(kind)?, message }))
}

/// What replaces the line of a job that was given up, when there is nothing to tell any more.
pub(super) const GONE: &str = "The issue is gone, so there was nothing to tell.";

/// What replaces the line of a job that was given up and has written its mails since.
pub(super) const TOLD: &str = "It worked when it was tried again: the mails stand in lines of their own.";

/// Ends a job that has written what it had to, and hurries the delivery. Had it been given up before, `replaced` says why that line counts no more.
pub(super) async fn end(app: &App, mut tx: Transaction<'_, Postgres>, job: &Job, replaced: &str) -> Result<(), Failure> {
    queries::replace_unwritten(&mut tx, job.id, replaced).await?;
    outbox::complete(&mut tx, job.id).await?;
    tx.commit().await?;
    app.outbox.wake();
    Ok(())
}

/// What all get.
pub(super) struct Content {
    pub(super) kind: &'static str,
    pub(super) subject: String,
    pub(super) bodies: Bodies,
    /// The same for channels.
    pub(super) message: Message,
}

/// What a mail is about.
pub(super) type About = (ProjectId, Option<IssueId>);

/// Writes a mail to one person, with the job that sends it; its number.
pub(super) async fn write_to(
    app: &App,
    db: &mut PgConnection,
    (about, content): (About, &Content),
    (user, email): (UserId, &str),
) -> anyhow::Result<i64> {
    write_later(app, db, (about, content), (user, email), (app.clock.now(), "")).await
}

/// The same, to be sent then.
pub(super) async fn write_later(
    app: &App,
    db: &mut PgConnection,
    (about, content): (About, &Content),
    (user, email): (UserId, &str),
    (due, reason): (DateTime<Utc>, &str),
) -> anyhow::Result<i64> {
    let message_id = new_message_id(app);
    let queued = queries::NewMail { user: Some(user), recipient: email, message_id: &message_id, reason, ..blank(about, content) };
    let id = queries::insert(db, &queued, app.clock.now()).await?;
    outbox::enqueue_at(db, MAIL_SEND, &id, (app.clock.now(), due)).await?;
    Ok(id)
}

/// Writes into the log why nobody gets a mail; the line's number.
pub(super) async fn skip(app: &App, db: &mut PgConnection, about: About, content: &Content, reason: &str) -> anyhow::Result<i64> {
    let message_id = new_message_id(app);
    let skipped = queries::NewMail { message_id: &message_id, status: "skipped", reason, ..blank(about, content) };
    Ok(queries::insert(db, &skipped, app.clock.now()).await?)
}

fn blank((project, issue): About, content: &Content) -> queries::NewMail<'_> {
    queries::NewMail {
        project,
        issue,
        user: None,
        recipient: "",
        kind: content.kind,
        subject: &content.subject,
        text: &content.bodies.text,
        html: &content.bodies.html,
        message_id: "",
        status: "queued",
        reason: "",
    }
}

/// How the log names it.
pub(super) fn kind_name(kind: MailKind) -> &'static str {
    match kind {
        MailKind::NewIssue => "new_issue",
        MailKind::Regression => "regression",
        MailKind::Spike => "spike",
        MailKind::Unignored => "unignored",
    }
}

/// A `Message-ID` that no other mail has.
pub(super) fn new_message_id(app: &App) -> String {
    format!("<{}@{}>", app.ids.uuid().simple(), mail_host(app))
}

/// What stands behind the `@` of message ids: the public address's host, unless it is written as no id may be (IPv6).
pub(super) fn mail_host(app: &App) -> &str {
    app.url.host_str().filter(|host| !host.contains(':')).unwrap_or("vedette")
}

/// What the mail says; nothing when the issue is gone.
pub(super) async fn mail(
    app: &App,
    db: &mut PgConnection,
    (issue, event): (IssueId, Which),
    kind: MailKind,
) -> anyhow::Result<Option<IssueMail>> {
    let Some(facts) = queries::facts(db, issue).await? else { return Ok(None) };
    // A payload that is gone or broken leaves a mail without frames.
    let stored = Trail::of(db, issue).await?.find(db, event).await?;
    let event = stored.and_then(|stored| payload::decode(&stored.payload).ok()).unwrap_or(Value::Null);
    let view = EventView::new(&event, app.clock.now());
    let (title_kind, message) = split_title(&facts.title);
    let received = event.get("received").and_then(Value::as_f64).and_then(|s| DateTime::from_timestamp_micros((s * 1e6) as i64));
    let resolved = match kind {
        MailKind::NewIssue | MailKind::Spike | MailKind::Unignored => String::new(),
        MailKind::Regression => match queries::last_resolved(db, issue).await.context("who resolved it")? {
            Some((at, Some(email))) => format!("{} by {email}", date(at)),
            Some((at, None)) => date(at),
            None => String::new(),
        },
    };
    let mail = IssueMail {
        why: why(&facts.project, facts.has_members),
        project: facts.project,
        short_id: issue.short_id(&facts.short_prefix),
        kind: title_kind,
        message,
        culprit: facts.culprit,
        level: facts.level,
        environment: view.environment.clone(),
        release: view.release.clone(),
        frames: frames(&view),
        seen: date(received.unwrap_or(facts.last_seen)),
        url: app.absolute(&urls::issue(issue)),
        settings_url: app.absolute(&urls::project_settings(&facts.slug)),
        resolved,
        events: number::count(facts.event_count),
        unusual: unusual(db, issue, received).await?,
        resolve_url: links::resolve_place(&app.absolute(&urls::issue(issue))),
        ignore_url: links::ignore_place(&app.absolute(&urls::issue(issue))),
        stop_url: links::stop_place(app),
        ..IssueMail::default()
    };
    Ok(Some(mail))
}

/// What is unusual about the issue's events since that one; the first alone says nothing, a burst may.
pub(super) async fn unusual(db: &mut PgConnection, issue: IssueId, received: Option<DateTime<Utc>>) -> anyhow::Result<Vec<String>> {
    let Some(received) = received else { return Ok(Vec::new()) };
    let changed = changed::of_issue(db, issue, received - TimeDelta::seconds(1)).await?;
    Ok(changed.as_ref().map(changed::words).unwrap_or_default())
}

/// Why the recipient gets it.
pub(super) fn why(project: &str, has_members: bool) -> String {
    if has_members {
        format!("You get this as a member of {project} on Vedette.")
    } else {
        format!("You get this as an administrator of Vedette, because {project} has no members.")
    }
}

/// "24 Nov 2026, 14:31:07 UTC".
pub(super) fn date(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M:%S UTC").to_string()
}

/// The newest frames of the project's own code; of all code where there is none of its own.
fn frames(view: &EventView) -> Vec<MailFrame> {
    let segments = view.exceptions.iter().flat_map(|e| &e.segments).chain(view.threads.iter().flat_map(|t| &t.segments));
    let all: Vec<&FrameView> = segments
        .flat_map(|segment| match segment {
            Segment::Frame(frame) => std::slice::from_ref(frame.as_ref()),
            Segment::Fold { frames, .. } => frames.as_slice(),
        })
        .collect();
    let own: Vec<&FrameView> = all.iter().filter(|frame| frame.in_app).copied().collect();
    let chosen = if own.is_empty() { all } else { own };
    chosen.into_iter().take(FRAMES).map(mail_frame).collect()
}

fn mail_frame(frame: &FrameView) -> MailFrame {
    let line = frame.place.strip_prefix("line ").unwrap_or_default();
    let place = if line.is_empty() { frame.file.clone() } else { format!("{}:{line}", frame.file) };
    let source = frame
        .source
        .iter()
        .find(|line| line.current)
        .map(|line| line.tokens.iter().map(|token| token.text.as_str()).collect::<String>().trim().to_owned())
        .unwrap_or_default();
    MailFrame { place, function: frame.function.clone(), source }
}
