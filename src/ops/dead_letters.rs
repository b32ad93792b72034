//! Dead letters: what digest could not digest, to be tried again after an update, or given up.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;

use crate::accounts::{ProjectId, Viewer, see_other};
use crate::platform::App;
use crate::platform::journal::{AppendError, DeadLetter, Journal, Seq};
use crate::protocol::record::{Record, retried};
use crate::web::pages::dead_letters::{DeadLetterRow, DeadLettersPage};
use crate::web::urls::{self, IssueQuery};
use crate::web::{Flash, HttpError, Path, When, html, number};

/// Letters on the page; the others follow when these are gone.
const PAGE: usize = 50;

/// The journal of this process.
type Letters = Extension<Arc<Journal>>;

/// `GET /admin/dead-letters`: the oldest first.
pub(super) async fn list(app: App, viewer: Viewer, Extension(journal): Letters) -> Result<Response, HttpError> {
    let letters = journal.dead_letters();
    let total = letters.len();
    let mut rows = Vec::new();
    for letter in letters.into_iter().take(PAGE) {
        rows.push(row(&app, &viewer, &journal, letter).await);
    }
    let shell = viewer.shell(&app, "Dead letters", IssueQuery::default());
    Ok(html(&DeadLettersPage { shell, rows, total: number::count(total as i64) }))
}

/// `POST /admin/dead-letters/retry`: all of them.
pub(super) async fn retry_all(Extension(journal): Letters) -> Result<Response, HttpError> {
    let letters = journal.dead_letters();
    for letter in &letters {
        put_back(&journal, letter.seq).await?;
    }
    let text = format!("{} in the queue again. What fails once more comes back here.", number::counted(letters.len() as i64, "letter"));
    Ok(see_other(&urls::dead_letters(), &Flash::done(text)))
}

/// `POST /admin/dead-letters/{letter}/retry`.
pub(super) async fn retry(Extension(journal): Letters, Path(letter): Path<u64>) -> Result<Response, HttpError> {
    let flash = if put_back(&journal, Seq::from_number(letter)).await? {
        Flash::done(format!("Letter {letter} is in the queue again. If it fails once more, it comes back here under a new number."))
    } else {
        gone(letter)
    };
    Ok(see_other(&urls::dead_letters(), &flash))
}

/// `POST /admin/dead-letters/{letter}/delete`.
pub(super) async fn delete(Extension(journal): Letters, Path(letter): Path<u64>) -> Result<Response, HttpError> {
    let deleted = journal.delete_dead_letter(Seq::from_number(letter)).await.map_err(|error| HttpError::Internal(error.into()))?;
    let flash = if deleted { Flash::done(format!("Letter {letter} is deleted.")) } else { gone(letter) };
    Ok(see_other(&urls::dead_letters(), &flash))
}

fn gone(letter: u64) -> Flash {
    Flash::warning(format!("There is no dead letter {letter} any more: it was retried, deleted, or too old."))
}

async fn put_back(journal: &Journal, letter: Seq) -> Result<bool, HttpError> {
    match journal.retry_dead_letter(letter, retried).await {
        Ok(place) => Ok(place.is_some()),
        Err(AppendError::Full { retry_after } | AppendError::DiskLow { retry_after, .. }) => Err(HttpError::Busy { retry_after }),
        Err(error) => Err(HttpError::Internal(error.into())),
    }
}

async fn row(app: &App, viewer: &Viewer, journal: &Journal, letter: DeadLetter) -> DeadLetterRow {
    let bytes = journal.read_dead_letter(letter.seq).await.ok().flatten();
    let record = bytes.and_then(|bytes| Record::decode(&bytes).ok());
    let project = record.as_ref().and_then(|record| viewer.project_by_id(ProjectId(record.project_id)));
    let now = app.clock.now();
    DeadLetterRow {
        id: letter.seq.get(),
        project: project.map(|project| project.name.clone()).unwrap_or_default(),
        client: record.and_then(|record| record.sentry_client).unwrap_or_default(),
        reason: letter.reason,
        size: number::bytes(letter.bytes),
        received: When::new(letter.at, now),
        buried: When::new(letter.buried_at, now),
    }
}
