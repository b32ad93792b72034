//! One message, handed to a channel's server; what came of it goes into the log.

use chrono::{DateTime, Utc};

use super::queries::{self, Channel, Post};
use super::request::{Outcome, Target};
use super::{ChannelId, Kind, Message, health, purpose};
use crate::accounts::ProjectId;
use crate::alerts::queries::{record_attempt, set_dead_job};
use crate::platform::App;
use crate::platform::outbox::{self, Dead, Failure, Job, MAX_ATTEMPTS};

/// Tells a channel what stands in the log under the job's number.
pub(super) async fn deliver(app: &App, job: &Job) -> Result<(), Failure> {
    let id: i64 = serde_json::from_value(job.payload.clone()).map_err(|error| Failure::Fail(error.into()))?;
    let mut db = app.db.acquire().await?;
    // Told already: only the end of the job was lost.
    let Some(post) = queries::post(&mut db, id).await?.filter(|post| post.status == "queued") else { return Ok(()) };
    let channel = match post.channel {
        Some(channel) => queries::find(&mut db, post.project, channel).await?,
        None => None,
    };
    drop(db);
    let Some(channel) = channel.filter(|channel| channel.is_on) else {
        let mut tx = app.db.begin().await?;
        let reason = "The channel was switched off or deleted before this could be told.";
        record_attempt(&mut tx, id, app.clock.now(), ("skipped", reason)).await?;
        outbox::complete(&mut tx, job.id).await?;
        return Ok(tx.commit().await?);
    };
    let message = post.message.and_then(|message| serde_json::from_value(message).ok()).unwrap_or_default();
    let outcome = attempt(app, (post.project, &channel), (&message, &post.message_id)).await;
    let now = app.clock.now();
    let (status, said) = match outcome {
        Outcome::Sent(said) => ("sent", said),
        Outcome::Later(said) if job.attempt < MAX_ATTEMPTS => {
            ("queued", format!("{}. {}", said.trim_end_matches('.'), next_try(job.attempt, now)))
        }
        Outcome::Later(said) | Outcome::Never(said) => ("failed", said),
    };
    let mut tx = app.db.begin().await?;
    record_attempt(&mut tx, id, now, (status, &said)).await?;
    health::note(app, &mut tx, (post.project, &channel), (status, &said)).await?;
    if status != "queued" {
        outbox::complete(&mut tx, job.id).await?;
    }
    tx.commit().await?;
    if status == "failed" {
        app.outbox.wake();
    }
    if status == "queued" { Err(Failure::Retry(anyhow::anyhow!("{}: {said}", channel.name()))) } else { Ok(()) }
}

/// One request, and what its answer means.
pub(super) async fn attempt(app: &App, (project, channel): (ProjectId, &Channel), (message, id): (&Message, &str)) -> Outcome {
    let Some(kind) = Kind::named(&channel.kind) else {
        return Outcome::Never(format!("This version of the program knows no channels of the kind {}.", channel.kind));
    };
    let target = match open(app, project, channel) {
        Ok(target) => target,
        Err(why) => return Outcome::Never(format!("The address cannot be read: {why}.")),
    };
    let request = target.request(kind, message, (id, app.clock.now()));
    target.judge(app.fetch.post(&request.url, request.headers, request.body).await)
}

fn open(app: &App, project: ProjectId, channel: &Channel) -> anyhow::Result<Target> {
    Target::from_bytes(&app.seal.open(&purpose(project), &channel.sealed)?)
}

fn next_try(attempt: i32, now: DateTime<Utc>) -> String {
    format!("Next try at about {}.", (now + outbox::backoff(attempt)).format("%H:%M:%S UTC"))
}

/// A message whose delivery ended in a defect, not in a word of the channel's server.
pub(super) async fn given_up(app: &App, db: &mut sqlx::PgConnection, dead: &Dead<'_>) -> anyhow::Result<()> {
    let id: i64 = serde_json::from_value(dead.job.payload.clone())?;
    if !set_dead_job(db, id, dead.job.id).await? {
        return Ok(());
    }
    record_attempt(db, id, app.clock.now(), ("failed", dead.reason)).await?;
    let Some(Post { project, channel: Some(channel), .. }) = queries::post(db, id).await? else { return Ok(()) };
    note_failed(app, db, (project, channel), dead.reason).await
}

async fn note_failed(
    app: &App,
    db: &mut sqlx::PgConnection,
    (project, channel): (ProjectId, ChannelId),
    reason: &str,
) -> anyhow::Result<()> {
    match queries::find(db, project, channel).await? {
        Some(channel) => health::note(app, db, (project, &channel), ("failed", reason)).await,
        None => Ok(()),
    }
}
