//! Whether anything gets through to a channel; where nothing does, administrators hear of it once, by mail.

use sqlx::PgConnection;

use super::Message;
use super::queries::{self, Channel};
use crate::accounts::ProjectId;
use crate::alerts::compose::{self, Content};
use crate::alerts::queries::{administrators, told_project};
use crate::platform::App;
use crate::web::channel_mail::ChannelMail;
use crate::web::urls;

/// Notes what came of a delivery, in its transaction.
pub(super) async fn note(
    app: &App,
    db: &mut PgConnection,
    (project, channel): (ProjectId, &Channel),
    (status, said): (&str, &str),
) -> anyhow::Result<()> {
    match status {
        "sent" => {
            queries::heal(db, (project, channel.id)).await?;
        }
        "failed" if queries::fail(db, (project, channel.id), (said, app.clock.now())).await? => {
            tell_administrators(app, db, (project, channel), said).await?;
        }
        _ => {}
    }
    Ok(())
}

async fn tell_administrators(
    app: &App,
    db: &mut PgConnection,
    (project, channel): (ProjectId, &Channel),
    said: &str,
) -> anyhow::Result<()> {
    let Some(about) = told_project(db, project).await? else { return Ok(()) };
    let mail = ChannelMail {
        project: about.project,
        channel: channel.name(),
        place: channel.hint.clone(),
        said: said.to_owned(),
        since: compose::date(app.clock.now()),
        url: app.absolute(&urls::project_channels(&about.slug)),
        settings_url: app.absolute(&urls::project_settings(&about.slug)),
    };
    let content = Content { kind: "channel_failed", subject: mail.subject(), bodies: mail.bodies()?, message: Message::default() };
    for (user, email) in administrators(db).await? {
        compose::write_to(app, db, ((project, None), &content), (user, &email)).await?;
    }
    Ok(())
}
