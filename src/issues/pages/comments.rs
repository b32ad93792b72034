//! `POST /issues/{issue}/comments` and `/issues/{issue}/comments/{id}/delete`: what people say about an issue stands in its history.

use axum::response::Response;

use super::show;
use crate::accounts::{IssueId, OurFault as _, ProjectMember, see_other};
use crate::issues::activity::{self, COMMENTED};
use crate::issues::view::activity::Draft;
use crate::issues::{moving, queries};
use crate::platform::App;
use crate::web::{Fields, Flash, HttpError, Path, number, urls};

/// Characters of a comment.
const MAX_COMMENT: usize = 4_000;

/// Adds a comment, then returns to the issue; one that cannot be taken stands in the form again.
#[tracing::instrument(name = "issues.comment", skip_all, fields(issue.id = %issue))]
pub(super) async fn add(app: App, member: ProjectMember, Path(issue): Path<IssueId>, fields: Fields) -> Result<Response, HttpError> {
    let text = match parse(fields.get("text").unwrap_or_default()) {
        Ok(text) => text,
        Err(draft) => return show::again(&app, &member, issue, draft).await,
    };
    let mut tx = app.db.begin().await.ours()?;
    let issue = moving::merged_into(&mut tx, issue).await.ours()?.unwrap_or(issue);
    if !queries::show::exists(&mut tx, issue).await.ours()? {
        return Err(HttpError::NotFound);
    }
    moving::tell(&mut tx, &[issue], (COMMENTED, &text), Some(member.viewer.user_id), app.clock.now()).await.ours()?;
    tx.commit().await.ours()?;
    Ok(see_other(&activity(issue), &Flash::done("Your comment was added.")))
}

/// Deletes an own comment, then returns to the issue.
#[tracing::instrument(name = "issues.delete_comment", skip_all, fields(issue.id = %issue))]
pub(super) async fn delete(app: App, member: ProjectMember, Path((issue, comment)): Path<(IssueId, i64)>) -> Result<Response, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let flash = if activity::delete_comment(&mut db, (issue, comment), member.viewer.user_id).await.ours()? {
        Flash::done("Your comment was deleted.")
    } else {
        Flash::warning("Nothing was deleted: the comment is gone already, or it is somebody else's.")
    };
    Ok(see_other(&activity(issue), &flash))
}

fn activity(issue: IssueId) -> String {
    format!("{}#activity", urls::issue(issue))
}

/// The comment as it is kept, or why it is not.
fn parse(text: &str) -> Result<String, Draft> {
    let lines = text.replace("\r\n", "\n");
    let said = lines.trim();
    let length = said.chars().count();
    let error = match length {
        0 => "A comment needs some words.".to_owned(),
        1..=MAX_COMMENT => return Ok(said.to_owned()),
        _ => {
            let count = |n: usize| number::count(n as i64);
            format!("A comment has up to {} characters; this has {}. Nothing was added.", count(MAX_COMMENT), count(length))
        }
    };
    // What is far too long would make a page of megabytes.
    let text = said.chars().take(4 * MAX_COMMENT).collect();
    Err(Draft { text, error: Some(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_words_of_a_bounded_length() {
        assert_eq!(parse("  a\r\nb \n").unwrap(), "a\nb");
        assert_eq!(parse(&"é".repeat(MAX_COMMENT)).unwrap().chars().count(), MAX_COMMENT);
        assert_eq!(parse(" \r\n").unwrap_err().error.unwrap(), "A comment needs some words.");
        let draft = parse(&"é".repeat(MAX_COMMENT + 1)).unwrap_err();
        assert_eq!(draft.error.unwrap(), "A comment has up to 4,000 characters; this has 4,001. Nothing was added.");
        assert_eq!(draft.text.chars().count(), MAX_COMMENT + 1, "nothing written is lost");
    }
}
