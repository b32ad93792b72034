//! # Channels: where a project's facts go beside its members' mails
//! **Promise.** Each channel that is on hears of every fact that the project's members hear of, once, at the pace that people have, and the delivery log says
//! what its server answered. What strangers typed mentions nobody and is no link there. Addresses and secrets are shown to nobody once they are saved.
//! **How.** A [`Message`] is written into the log with the job that delivers it (`deliver`), in the transaction that decided so; one file per kind turns it into what
//! its vendor takes. A channel that refuses for good, or is given up, is red until something gets through, and administrators get one mail ([`health`]).
//! **When it breaks.** The outbox tries again ([`outbox::backoff`]); a receiver may get a message twice after a crash, with the same id.
//! **Not here.** Who is told of what and when (`gather`), requests and their guard (`platform::fetch`).

mod deliver;
mod discord;
mod form;
mod health;
mod mattermost;
mod message;
mod ntfy;
mod pages;
mod queries;
mod request;
mod slack;
mod teams;
mod text;
mod webhook;

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::compose::{About, Content, new_message_id};
use crate::accounts::{Access, ProjectId, Route, get, post};
use crate::platform::App;
use crate::platform::outbox::{self, Handlers};

pub(super) use message::Message;
pub(super) use queries::{Channel, of_project};

/// The kind of job that delivers one message.
pub(super) const CHANNEL_SEND: &str = "channel.send";

/// A channel's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub(super) struct ChannelId(pub(in crate::alerts) i64);

/// Whose payload a channel takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Webhook,
    Slack,
    Mattermost,
    Discord,
    Teams,
    Ntfy,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Slack, Self::Mattermost, Self::Discord, Self::Teams, Self::Ntfy, Self::Webhook];

    /// In the database and in forms.
    const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Mattermost => "mattermost",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Ntfy => "ntfy",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Webhook => "Webhook",
            Self::Slack => "Slack",
            Self::Mattermost => "Mattermost",
            Self::Discord => "Discord",
            Self::Teams => "Microsoft Teams",
            Self::Ntfy => "ntfy",
        })
    }
}

/// The settings' page, and what its buttons do.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/projects/{slug}/channels", Access::Member, pages::show),
        post("/projects/{slug}/channels", Access::Admin, pages::add),
        post("/projects/{slug}/channels/{channel}/test", Access::Admin, pages::test),
        post("/projects/{slug}/channels/{channel}/switch", Access::Admin, pages::switch),
        post("/projects/{slug}/channels/{channel}/delete", Access::Admin, pages::delete),
    ]
}

/// Adds the handler of deliveries.
pub(super) fn handlers(handlers: Handlers) -> Handlers {
    handlers
        .with(CHANNEL_SEND, Box::new(|app, job| Box::pin(deliver::deliver(app, job))))
        .when_dead(CHANNEL_SEND, Box::new(|app, db, dead| Box::pin(deliver::given_up(app, db, dead))))
}

/// Writes a message to one channel, with the job that delivers it; its number in the log.
pub(super) async fn write_to(
    app: &App,
    db: &mut PgConnection,
    (about, content): (About, &Content),
    channel: &Channel,
) -> anyhow::Result<i64> {
    let now = app.clock.now();
    let id = queries::insert(db, &queued(app, (about, content.kind), &content.message, channel), now).await?;
    outbox::enqueue(db, CHANNEL_SEND, &id, now).await?;
    Ok(id)
}

fn queued<'a>(app: &App, (about, kind): (About, &'a str), message: &'a Message, channel: &'a Channel) -> queries::NewPost<'a> {
    let (project, issue) = about;
    queries::NewPost { project, issue, channel, kind, message, message_id: new_message_id(app) }
}

/// What a channel's address and secret are sealed for.
fn purpose(project: ProjectId) -> String {
    format!("channels/{project}")
}
