//! Who is told: people by mail, channels by what they are.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::tell::Fact;
use crate::accounts::{ProjectId, UserId};
use crate::alerts::channels::{self, Channel, ChannelId};
use crate::alerts::compose::{self, About, Content};
use crate::alerts::personal::{self, Wish};
use crate::platform::App;
use crate::projects;

/// Somebody who has a pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alerts) enum Recipient {
    /// By mail.
    #[serde(rename = "user")]
    Person(UserId),
    /// By its own way.
    #[serde(rename = "channel")]
    Channel(ChannelId),
}

impl Recipient {
    /// As columns have it where there is nobody at all.
    pub(super) const NOBODY: Self = Self::Person(UserId(0));

    /// As columns have it: 0 for a channel.
    pub(in crate::alerts) const fn user(self) -> i64 {
        match self {
            Self::Person(user) => user.0,
            Self::Channel(_) => 0,
        }
    }

    /// What they get.
    pub(super) const fn gets(self) -> &'static str {
        match self {
            Self::Person(_) => "mail",
            Self::Channel(_) => "message",
        }
    }

    /// As columns have it: 0 for a person.
    pub(super) const fn channel(self) -> i64 {
        match self {
            Self::Person(_) => 0,
            Self::Channel(channel) => channel.0,
        }
    }
}

/// The same, with what it takes to tell them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::alerts) enum Addressee {
    /// Their address.
    Person(UserId, String),
    /// A channel that is on.
    Channel(Channel),
}

impl Addressee {
    pub(in crate::alerts) const fn recipient(&self) -> Recipient {
        match self {
            Self::Person(user, _) => Recipient::Person(*user),
            Self::Channel(channel) => Recipient::Channel(channel.id),
        }
    }

    /// An e-mail address, "Slack: Alerts".
    pub(in crate::alerts) fn name(&self) -> String {
        match self {
            Self::Person(_, email) => email.clone(),
            Self::Channel(channel) => channel.name(),
        }
    }

    /// What they want of a fact. Channels want all of it at once.
    pub(super) async fn wish(&self, db: &mut PgConnection, fact: &Fact, now: DateTime<Utc>) -> sqlx::Result<Wish> {
        match self {
            Self::Person(user, _) => personal::wish(db, *user, fact, now).await,
            Self::Channel(_) => Ok(Wish::Now),
        }
    }

    /// The same of a mail that waits for no others.
    pub(super) async fn wish_of_mail(
        &self,
        db: &mut PgConnection,
        ((project, issue), content): (About, &Content),
        now: DateTime<Utc>,
    ) -> sqlx::Result<Wish> {
        match self {
            Self::Person(user, _) => personal::wish_of_mail(db, *user, (project, issue, content.kind), now).await,
            Self::Channel(_) => Ok(Wish::Now),
        }
    }

    /// Writes what they are told, with the job that sends it; its number in the log.
    pub(super) async fn write(&self, app: &App, db: &mut PgConnection, (about, content): (About, &Content)) -> anyhow::Result<i64> {
        match self {
            Self::Person(user, email) => compose::write_to(app, db, (about, content), (*user, email)).await,
            Self::Channel(channel) => channels::write_to(app, db, (about, content), channel).await,
        }
    }

    /// The same, to be sent then; channels wait for nothing.
    pub(super) async fn write_later(
        &self,
        app: &App,
        db: &mut PgConnection,
        (about, content): (About, &Content),
        (due, why): (DateTime<Utc>, &str),
    ) -> anyhow::Result<i64> {
        match self {
            Self::Person(user, email) => compose::write_later(app, db, (about, content), (*user, email), (due, why)).await,
            Self::Channel(_) => self.write(app, db, (about, content)).await,
        }
    }
}

/// When their quiet hours end, if it is quiet now; channels have none.
pub(super) async fn quiet_until(db: &mut PgConnection, to: Recipient, now: DateTime<Utc>) -> sqlx::Result<Option<DateTime<Utc>>> {
    match to {
        Recipient::Person(user) => personal::quiet_until(db, user, now).await,
        Recipient::Channel(_) => Ok(None),
    }
}

/// Whom a project's facts are told: its members, or administrators where it has none, and its channels that are on.
pub(in crate::alerts) async fn addressees(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<Vec<Addressee>> {
    let people = projects::recipients(db, project).await?.into_iter().map(|(user, email)| Addressee::Person(user, email));
    let people: Vec<Addressee> = people.collect();
    let channels = channels::of_project(db, project).await?.into_iter().map(Addressee::Channel);
    Ok(people.into_iter().chain(channels).collect())
}

#[cfg(test)]
mod tests {
    use super::super::due::Waiting;
    use super::*;

    #[test]
    fn jobs_of_older_versions_are_understood() {
        let waiting: Waiting = serde_json::from_str(r#"{"project":1,"user":5}"#).unwrap();
        assert_eq!((waiting.project, waiting.to), (ProjectId(1), Recipient::Person(UserId(5))));
        let channel = Waiting { project: ProjectId(1), to: Recipient::Channel(ChannelId(7)) };
        assert_eq!(serde_json::to_string(&channel).unwrap(), r#"{"project":1,"channel":7}"#);
    }
}
