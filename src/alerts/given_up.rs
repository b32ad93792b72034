//! What the log says when a job is dead, so that no decision is missing from it; people try it again from there (`again`).

use sqlx::PgConnection;

use super::compose::{kind_name, new_message_id};
use super::queries;
use super::rules::FactKind;
use crate::accounts::{IssueId, ProjectId};
use crate::feedback::Received;
use crate::platform::App;
use crate::platform::outbox::Dead;
use crate::web::mail_view::MailKind;

/// A fact of which no mails could be made: one failed line, without a recipient.
pub(super) async fn fact(app: &App, db: &mut PgConnection, dead: &Dead<'_>, kind: MailKind) -> anyhow::Result<()> {
    let issue: IssueId = serde_json::from_value(dead.job.payload["issue"].clone())?;
    unwritten(app, db, dead, (issue.project(), Some(issue), kind_name(kind))).await
}

/// The same of a project as a whole.
pub(super) async fn project(app: &App, db: &mut PgConnection, dead: &Dead<'_>, kind: FactKind) -> anyhow::Result<()> {
    let project: ProjectId = serde_json::from_value(dead.job.payload["project"].clone())?;
    unwritten(app, db, dead, (project, None, kind.name())).await
}

/// Feedback that could not be told; it goes into the project's next mail, too.
pub(super) async fn feedback(app: &App, db: &mut PgConnection, dead: &Dead<'_>) -> anyhow::Result<()> {
    let Received { project } = serde_json::from_value(dead.job.payload.clone())?;
    unwritten(app, db, dead, (project, None, "feedback")).await
}

/// A noisy place that could not be told.
pub(super) async fn noise(app: &App, db: &mut PgConnection, dead: &Dead<'_>) -> anyhow::Result<()> {
    let fact = super::noise::fact(&dead.job.payload)?;
    unwritten(app, db, dead, (fact.project, None, "noisy_place")).await
}

async fn unwritten(
    app: &App,
    db: &mut PgConnection,
    dead: &Dead<'_>,
    (project, issue, kind): (ProjectId, Option<IssueId>, &'static str),
) -> anyhow::Result<()> {
    let message_id = new_message_id(app);
    let line = queries::NewMail {
        project,
        issue,
        user: None,
        recipient: "",
        kind,
        subject: "",
        text: "",
        html: "",
        message_id: &message_id,
        status: "failed",
        reason: "",
    };
    let now = app.clock.now();
    let id = queries::insert_unwritten(db, &line, (dead.job.id, now)).await?;
    let reason = format!("No mail could be written, so nobody was told: {}", dead.reason);
    Ok(queries::record_attempt(db, id, now, ("failed", &reason)).await?)
}

/// A mail whose delivery ended in a defect, not in a word of the SMTP server.
pub(super) async fn delivery(app: &App, db: &mut PgConnection, dead: &Dead<'_>) -> anyhow::Result<()> {
    let id: i64 = serde_json::from_value(dead.job.payload.clone())?;
    if queries::set_dead_job(db, id, dead.job.id).await? {
        queries::record_attempt(db, id, app.clock.now(), ("failed", dead.reason)).await?;
    }
    Ok(())
}
