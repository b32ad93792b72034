//! The SQL of `channels`, and of what is written to them (rows of `mails`).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::{ChannelId, Kind, Message};
use crate::accounts::{IssueId, ProjectId};

/// Channels of a project.
pub(super) const MOST: i64 = 20;
/// Between two tests of one channel.
const TEST_PAUSE: TimeDelta = TimeDelta::seconds(5);

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::alerts) struct Channel {
    pub(in crate::alerts) id: ChannelId,
    pub(in crate::alerts) kind: String,
    pub(in crate::alerts) label: String,
    pub(in crate::alerts) hint: String,
    pub(in crate::alerts) sealed: Vec<u8>,
    pub(in crate::alerts) is_on: bool,
    pub(in crate::alerts) created_at: DateTime<Utc>,
    pub(in crate::alerts) failing_since: Option<DateTime<Utc>>,
    pub(in crate::alerts) failure: String,
}

impl Channel {
    /// "Slack: Alerts".
    pub(in crate::alerts) fn name(&self) -> String {
        let kind = Kind::named(&self.kind).map_or_else(|| self.kind.clone(), |kind| kind.to_string());
        format!("{kind}: {}", self.label)
    }
}

/// A project's channels, on or off, the oldest first.
pub(super) async fn all(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Vec<Channel>> {
    sqlx::query_as!(
        Channel,
        r#"select channel_id as "id: ChannelId", kind, label, hint, sealed, is_on, created_at, failing_since, failure
        from channels where project_id = $1 order by channel_id limit $2"#,
        project.0,
        MOST
    )
    .fetch_all(db)
    .await
}

/// A project's channels that are on.
pub(in crate::alerts) async fn of_project(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Vec<Channel>> {
    Ok(all(db, project).await?.into_iter().filter(|channel| channel.is_on).collect())
}

/// One channel.
pub(super) async fn find(db: &mut PgConnection, project: ProjectId, id: ChannelId) -> sqlx::Result<Option<Channel>> {
    Ok(all(db, project).await?.into_iter().find(|channel| channel.id == id))
}

/// A channel that somebody adds.
pub(super) struct NewChannel<'a> {
    pub(super) kind: Kind,
    pub(super) label: &'a str,
    pub(super) hint: &'a str,
    pub(super) sealed: &'a [u8],
}

/// Adds a channel. False: there are as many as there may be.
pub(super) async fn add(db: &mut PgConnection, project: ProjectId, new: &NewChannel<'_>, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let added = sqlx::query!(
        "insert into channels (project_id, kind, label, hint, sealed, created_at)
        select $1, $2, $3, $4, $5, $6 where (select count(*) from channels where project_id = $1) < $7",
        project.0,
        new.kind.name(),
        new.label,
        new.hint,
        new.sealed,
        now,
        MOST
    );
    Ok(added.execute(db).await?.rows_affected() > 0)
}

/// Switches a channel on or off; one that is switched on begins without a fault. False: it is not there.
pub(super) async fn switch(db: &mut PgConnection, (project, id): (ProjectId, ChannelId), is_on: bool) -> sqlx::Result<bool> {
    let switched = sqlx::query!(
        "update channels set is_on = $3, failing_since = null, failure = '' where project_id = $1 and channel_id = $2",
        project.0,
        id.0,
        is_on
    );
    Ok(switched.execute(db).await?.rows_affected() > 0)
}

/// Deletes a channel. False: it is not there.
pub(super) async fn delete(db: &mut PgConnection, (project, id): (ProjectId, ChannelId)) -> sqlx::Result<bool> {
    let deleted = sqlx::query!("delete from channels where project_id = $1 and channel_id = $2", project.0, id.0);
    Ok(deleted.execute(db).await?.rows_affected() > 0)
}

/// Takes the turn to test a channel. False: somebody just did.
pub(super) async fn take_test(db: &mut PgConnection, (project, id): (ProjectId, ChannelId), now: DateTime<Utc>) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        "update channels set tested_at = $3 where project_id = $1 and channel_id = $2 and (tested_at is null or tested_at <= $4 or tested_at > $3)",
        project.0,
        id.0,
        now,
        now - TEST_PAUSE
    );
    Ok(taken.execute(db).await?.rows_affected() > 0)
}

/// Something got through. True: nothing did before.
pub(super) async fn heal(db: &mut PgConnection, (project, id): (ProjectId, ChannelId)) -> sqlx::Result<bool> {
    let healed = sqlx::query!(
        "update channels set failing_since = null, failure = '' where project_id = $1 and channel_id = $2 and failing_since is not null",
        project.0,
        id.0
    );
    Ok(healed.execute(db).await?.rows_affected() > 0)
}

/// Nothing gets through, and why. True: something did before.
pub(super) async fn fail(
    db: &mut PgConnection,
    (project, id): (ProjectId, ChannelId),
    (why, now): (&str, DateTime<Utc>),
) -> sqlx::Result<bool> {
    let failed = sqlx::query!(
        "update channels set failing_since = $3, failure = $4 where project_id = $1 and channel_id = $2 and failing_since is null",
        project.0,
        id.0,
        now,
        why
    );
    Ok(failed.execute(db).await?.rows_affected() > 0)
}

/// A message that is to be written.
pub(super) struct NewPost<'a> {
    pub(super) project: ProjectId,
    pub(super) issue: Option<IssueId>,
    pub(super) channel: &'a Channel,
    pub(super) kind: &'a str,
    pub(super) message: &'a Message,
    pub(super) message_id: String,
}

/// Adds a message to the log; its number.
pub(super) async fn insert(db: &mut PgConnection, new: &NewPost<'_>, now: DateTime<Utc>) -> anyhow::Result<i64> {
    let id = sqlx::query_scalar!(
        "insert into mails (project_id, issue_id, recipient, kind, subject, text_body, html_body, message_id, status, created_at, channel_id, message)
        values ($1, $2, $3, $4, $5, $6, '', $7, 'queued', $8, $9, $10) returning mail_id",
        new.project.0,
        new.issue.map(|issue| issue.0),
        new.channel.name(),
        new.kind,
        new.message.preview,
        new.message.plain(),
        new.message_id,
        now,
        new.channel.id.0,
        serde_json::to_value(new.message)?
    );
    Ok(id.fetch_one(db).await?)
}

/// A message of the log.
pub(super) struct Post {
    pub(super) project: ProjectId,
    pub(super) channel: Option<ChannelId>,
    pub(super) message: Option<Value>,
    pub(super) message_id: String,
    pub(super) status: String,
}

/// One message.
pub(super) async fn post(db: &mut PgConnection, id: i64) -> sqlx::Result<Option<Post>> {
    sqlx::query_as!(
        Post,
        r#"select project_id as "project: ProjectId", channel_id as "channel: ChannelId", message, message_id, status
        from mails where mail_id = $1"#,
        id
    )
    .fetch_optional(db)
    .await
}
