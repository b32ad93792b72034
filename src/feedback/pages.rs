//! `GET /projects/{slug}/feedback`, the action on one row, and the section of the issue page.

use std::collections::HashMap;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Status, is_address};
use super::queries::{self, Cursor, MAX_COUNT, Row};
use crate::accounts::{Access, IssueId, OurFault as _, ProjectMember, Route, VisibleProject, get, post, see_other};
use crate::events::attachments::{self, Listed};
use crate::events::hand_out;
use crate::events::view::file_list;
use crate::platform::App;
use crate::web::pages::feedback::{Choice, FeedbackPage, FeedbackPanel, FeedbackRow, PanelRow};
use crate::web::pages::files::AttachmentList;
use crate::web::urls::{self, IssueQuery};
use crate::web::{Badge, FieldErrors, Fields, Flash, HttpError, Link, Path, Query, When, html, number};

/// Rows on a page.
const PAGE: i64 = 25;
/// Rows on the issue page.
const NEWEST: i64 = 3;
/// Characters of a message on the issue page.
const EXCERPT: usize = 400;
/// Digits of an event's id that tell it apart.
const ID_DIGITS: usize = 8;

/// The room's rows of the URL table.
pub fn routes() -> Vec<Route> {
    vec![
        get("/projects/{slug}/feedback", Access::Member, list),
        post("/projects/{slug}/feedback/{feedback}", Access::Member, act),
        get("/projects/{slug}/feedback/{feedback}/attachments/{attachment}", Access::Member, download),
    ]
}

/// What a list shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    status: String,
    issue: String,
    after: String,
}

/// The page.
#[tracing::instrument(name = "feedback.list", skip_all)]
async fn list(app: App, member: ProjectMember, Query(query): Query<ListQuery>) -> Result<Response, HttpError> {
    let (project, now) = (&member.project, app.clock.now());
    let status = Status::parse(&query.status).unwrap_or_default();
    let after = Cursor::parse(&query.after).unwrap_or(Cursor::START);
    let issue = match query.issue.as_str() {
        "" => None,
        // An issue of another project has no feedback here.
        text => Some(text.parse::<IssueId>().ok().filter(|issue| issue.project() == project.id).ok_or(HttpError::NotFound)?),
    };
    let mut db = app.db.acquire().await.ours()?;
    let rows = match issue {
        Some(issue) => queries::list_of_issue(&mut db, issue, after, PAGE).await.ours()?,
        None => queries::list(&mut db, project.id, status, after, PAGE).await.ours()?,
    };
    let counts = queries::counts(&mut db, project.id).await.ours()?;
    let of: Vec<_> = rows.iter().map(|row| (row.report_id, row.received)).collect();
    let files = attachments::list(&mut db, project.id, &of).await.ours()?;
    let view = ListView { project, status, issue, is_first: query.after.is_empty(), files };
    Ok(html(&view.page(&app, &member, (rows, counts), now)))
}

/// What turning rows into a page depends on.
struct ListView<'a> {
    project: &'a VisibleProject,
    status: Status,
    issue: Option<IssueId>,
    is_first: bool,
    files: HashMap<Uuid, Vec<Listed>>,
}

impl ListView<'_> {
    fn page(
        &self,
        app: &App,
        member: &ProjectMember,
        (mut rows, counts): (Vec<Row>, Vec<(String, i64)>),
        now: DateTime<Utc>,
    ) -> FeedbackPage {
        let (project, slug) = (self.project, self.project.slug.as_str());
        let has_more = rows.len() > PAGE as usize;
        rows.truncate(PAGE as usize);
        let end = rows.last().map(|row| Cursor { received: row.received, id: row.id }.text());
        let issue_text = self.issue.map(|issue| issue.to_string()).unwrap_or_default();
        let choices = Status::ALL.map(|status| {
            let count = counts.iter().find(|(name, _)| name == status.as_str()).map_or(0, |(_, count)| *count);
            let chosen = self.issue.is_none() && status == self.status;
            let link = Link::new(title(status), urls::project_feedback(slug, status.as_str(), "", "")).chosen_if(chosen);
            Choice { link, count: bounded(count) }
        });
        FeedbackPage {
            shell: member.viewer.shell(app, "Feedback", IssueQuery { project: project.slug.clone(), ..IssueQuery::default() }),
            name: project.name.clone(),
            slug: project.slug.clone(),
            status: self.status.as_str(),
            choices: choices.into(),
            issue: self.issue.map(|issue| Link::new(issue.short_id(&project.short_prefix), urls::issue(issue))),
            any: counts.iter().any(|(_, count)| *count > 0),
            back: urls::project_feedback(slug, self.status.as_str(), &issue_text, ""),
            newest: (!self.is_first).then(|| urls::project_feedback(slug, self.status.as_str(), &issue_text, "")),
            older: end.filter(|_| has_more).map(|after| urls::project_feedback(slug, self.status.as_str(), &issue_text, &after)),
            rows: rows.into_iter().map(|row| self.row(row, now)).collect(),
        }
    }

    fn row(&self, row: Row, now: DateTime<Utc>) -> FeedbackRow {
        let files = self.files.get(&row.report_id).map(Vec::as_slice).unwrap_or_default();
        FeedbackRow { files: files_of(&self.project.slug, row.id, files), ..row_view(self.project, row, now) }
    }
}

/// The files that have one's id.
fn files_of(slug: &str, id: i64, files: &[Listed]) -> AttachmentList {
    file_list(files, |file| urls::feedback_attachment(slug, id, file.simple()))
}

const fn title(status: Status) -> &'static str {
    match status {
        Status::Open => "Open",
        Status::Resolved => "Resolved",
        Status::Spam => "Spam",
    }
}

/// "12", "more than 1,000".
fn bounded(count: i64) -> String {
    if count > MAX_COUNT { format!("more than {}", number::count(MAX_COUNT)) } else { number::count(count) }
}

fn row_view(project: &VisibleProject, row: Row, now: DateTime<Utc>) -> FeedbackRow {
    let status = Status::parse(&row.status).unwrap_or_default();
    let issue = row.issue_id.map(IssueId);
    let event = row.event_id.map(|event| event.simple().to_string());
    let actions = Status::ALL.into_iter().filter(|other| *other != status).map(|other| (other.verb(), label(other)));
    FeedbackRow {
        anchor: urls::feedback_anchor(row.id),
        href: urls::feedback_act(&project.slug, row.id),
        who: who(&row.name, &row.email).to_owned(),
        mailto: is_address(&row.email).then(|| format!("mailto:{}", row.email)),
        email: row.email,
        message: row.message,
        href_of_page: urls::safe_href(&row.url),
        page: row.url,
        source: row.source,
        release: row.release,
        environment: row.environment,
        at: When::new(row.received, now),
        corrected: (row.said_at > row.received).then(|| When::new(row.said_at, now)),
        status: match status {
            Status::Open => Badge::new("open", "calm"),
            Status::Resolved => Badge::new("resolved", "good"),
            Status::Spam => Badge::new("spam", "alarm"),
        },
        issue: issue.map(|issue| Link::new(issue.short_id(&project.short_prefix), urls::issue(issue))),
        issue_title: row.issue_title.unwrap_or_default(),
        event: issue.zip(event.as_ref()).map(|(issue, event)| Link::new(&event[..ID_DIGITS], urls::event(issue, event))),
        waits_for: event.filter(|_| issue.is_none()).unwrap_or_default(),
        actions: actions.collect(),
        files: AttachmentList::default(),
    }
}

const fn label(status: Status) -> &'static str {
    match status {
        Status::Open => "Reopen",
        Status::Resolved => "Resolve",
        Status::Spam => "Spam",
    }
}

/// Name, else address, else "Somebody".
pub(super) fn who<'a>(name: &'a str, email: &'a str) -> &'a str {
    [name, email].into_iter().find(|text| !text.is_empty()).unwrap_or("Somebody")
}

/// `POST /projects/{slug}/feedback/{feedback}`: `action=resolve|reopen|spam`; then back to the list.
#[tracing::instrument(name = "feedback.act", skip_all)]
async fn act(app: App, member: ProjectMember, Path((slug, id)): Path<(String, i64)>, fields: Fields) -> Result<Response, HttpError> {
    let status = fields.get("action").and_then(Status::after);
    let status = status.ok_or_else(|| HttpError::Invalid(FieldErrors::default().with("action", "is none of resolve, reopen and spam")))?;
    let who = (member.viewer.user_id, app.clock.now());
    let mut db = app.db.acquire().await.ours()?;
    if !queries::set_status(&mut db, (member.project.id, id), status, who).await.ours()? {
        return Err(HttpError::NotFound);
    }
    let done = match status {
        Status::Open => "Reopened.",
        Status::Resolved => "Resolved.",
        Status::Spam => "Marked as spam.",
    };
    Ok(see_other(&way_back(&slug, fields.get("back").unwrap_or_default()), &Flash::done(done)))
}

/// `GET /projects/{slug}/feedback/{feedback}/attachments/{attachment}`: a screenshot, or another file that came with the words.
#[tracing::instrument(name = "feedback.attachment", skip_all, fields(attachment.id = %attachment))]
async fn download(app: App, member: ProjectMember, Path((_, id, attachment)): Path<(String, i64, Uuid)>) -> Result<Response, HttpError> {
    let project = member.project.id;
    let mut db = app.db.acquire().await.ours()?;
    let (report, received) = queries::report_id(&mut db, (project, id)).await.ours()?.ok_or(HttpError::NotFound)?;
    hand_out(&app, db, (project, report, attachment), received).await
}

/// The list to return to. Anything else in the form's field leads to the plain list.
fn way_back(slug: &str, back: &str) -> String {
    let list = urls::project_feedback(slug, "", "", "");
    let is_list = back.strip_prefix(&list).is_some_and(|rest| rest.is_empty() || rest.starts_with('?'));
    if is_list && back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') { back.to_owned() } else { list }
}

/// The section of the issue page: what people said about it, those about the shown event first.
pub async fn panel(
    db: &mut PgConnection,
    slug: &str,
    (issue, event): (IssueId, Option<Uuid>),
    now: DateTime<Utc>,
) -> sqlx::Result<FeedbackPanel> {
    let newest = queries::newest(db, issue, event, NEWEST).await?;
    let count = if newest.len() < NEWEST as usize { newest.len() as i64 } else { queries::count_of_issue(db, issue).await? };
    let of: Vec<_> = newest.iter().map(|said| (said.report_id, said.received)).collect();
    let files = attachments::list(db, issue.project(), &of).await?;
    let rows = newest.into_iter().map(|said| PanelRow {
        who: who(&said.name, &said.email).to_owned(),
        message: excerpt(&said.message),
        at: When::new(said.received, now),
        here: said.here,
        // Those of the shown event stand on its page.
        files: files_of(slug, said.id, files.get(&said.report_id).filter(|_| Some(said.report_id) != event).map_or(&[], Vec::as_slice)),
    });
    Ok(FeedbackPanel { count: bounded(count), rows: rows.collect(), href: urls::project_feedback(slug, "", &issue.to_string(), "") })
}

fn excerpt(message: &str) -> String {
    match message.char_indices().nth(EXCERPT) {
        Some((at, _)) => format!("{}…", &message[..at]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_a_list_of_this_project_only() {
        for (back, place) in [
            ("/projects/shop/feedback?status=spam&after=1.2", "/projects/shop/feedback?status=spam&after=1.2"),
            ("/projects/shop/feedback", "/projects/shop/feedback"),
            ("/projects/shop/feedbackx", "/projects/shop/feedback"),
            ("/projects/blog/feedback", "/projects/shop/feedback"),
            ("//evil.example", "/projects/shop/feedback"),
            ("/projects/shop/feedback?a\r\nSet-Cookie: x=y", "/projects/shop/feedback"),
            ("/projects/shop/feedback?\\evil", "/projects/shop/feedback"),
            ("", "/projects/shop/feedback"),
        ] {
            assert_eq!(way_back("shop", back), place, "{back}");
        }
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        assert_eq!(excerpt("short"), "short");
        let cut = excerpt(&"é".repeat(EXCERPT + 1));
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (EXCERPT + 1, true));
    }

    #[test]
    fn people_without_a_name_are_somebody() {
        assert_eq!([who("Ana", "a@x"), who("", "a@x"), who("", "")], ["Ana", "a@x", "Somebody"]);
    }
}
