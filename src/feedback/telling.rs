//! Feedback that people are to be told of: the fact, and what a mail says about it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::model::{Status, is_address};
use super::{pages, queries};
use crate::accounts::{IssueId, ProjectId};

/// The kind of job of a [`Received`].
pub const FEEDBACK_RECEIVED: &str = "feedback.received";

/// Somebody wrote: a project has feedback that nobody was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Whose.
    pub project: ProjectId,
}

/// What one person wrote; all of it any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Its number within the project.
    pub id: i64,
    /// Name, else address, else "Somebody".
    pub who: String,
    /// May be empty.
    pub email: String,
    /// Whether `email` is one that a mail program may be opened with.
    pub is_address: bool,
    /// What they say.
    pub message: String,
    /// May be empty.
    pub page: String,
    /// May be empty.
    pub release: String,
    /// May be empty.
    pub environment: String,
    /// The issue it is about, with its title, if that has come.
    pub issue: Option<(IssueId, String)>,
    /// When it came.
    pub received: DateTime<Utc>,
}

/// Feedback that is told of now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The first of what nobody has sorted yet.
    pub words: Vec<Words>,
    /// How much that is.
    pub open: usize,
    /// How much had been resolved or marked as spam before anybody was told.
    pub sorted: usize,
}

/// Whether there is any that nobody was told of.
pub async fn has_untold(db: &mut PgConnection, project: ProjectId) -> sqlx::Result<bool> {
    queries::has_untold(db, project).await
}

/// Takes everything that nobody was told of: who calls this tells it, in the same transaction. At most `most` of it with its words.
pub async fn tell(db: &mut PgConnection, project: ProjectId, most: usize) -> sqlx::Result<Told> {
    let taken = queries::take_untold(db, project).await?;
    let mut open: Vec<i64> = taken.iter().filter(|(_, status)| status == Status::Open.as_str()).map(|(id, _)| *id).collect();
    open.sort_unstable();
    let rows = queries::some(db, project, &open[..open.len().min(most)]).await?;
    Ok(Told { words: rows.into_iter().map(words).collect(), open: open.len(), sorted: taken.len() - open.len() })
}

fn words(row: queries::Row) -> Words {
    Words {
        id: row.id,
        who: pages::who(&row.name, &row.email).to_owned(),
        is_address: is_address(&row.email),
        email: row.email,
        message: row.message,
        page: row.url,
        release: row.release,
        environment: row.environment,
        issue: row.issue_id.map(|issue| (IssueId(issue), row.issue_title.unwrap_or_default())),
        received: row.received,
    }
}
