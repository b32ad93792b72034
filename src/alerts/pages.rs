//! The delivery log: a list, one mail, and its HTML in a frame of its own.

use axum::response::{IntoResponse as _, Response};
use http::header;
use serde::Deserialize;

use super::actions::retriable;
use super::queries::{self, Mail, MailLine};
use super::trouble;
use crate::accounts::{IssueId, OurFault as _, ProjectId, Viewer};
use crate::platform::App;
use crate::platform::mail::Mailer;
use crate::web::pages::mails::{MailPage, MailRow, MailsPage};
use crate::web::urls::{self, IssueQuery};
use crate::web::{Badge, HttpError, Link, Path, Query, When, headers, html};

/// Mails on a page.
const PAGE: i64 = 50;

/// Where the page before ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cursor {
    after: Option<i64>,
}

/// `GET /mails`: the log of the viewer's projects, newest first.
pub(super) async fn list(app: App, viewer: Viewer, Query(cursor): Query<Cursor>) -> Result<Response, HttpError> {
    let own = viewer.is_admin.then_some(trouble::NO_PROJECT.0);
    let projects: Vec<i32> = viewer.projects.iter().map(|project| project.id.0).chain(own).collect();
    let mut db = app.db.acquire().await.ours()?;
    let mut lines = queries::list(&mut db, &projects, cursor.after.unwrap_or(i64::MAX), PAGE).await.ours()?;
    let has_more = lines.len() > PAGE as usize;
    lines.truncate(PAGE as usize);
    let older = lines.last().filter(|_| has_more).map(|line| urls::mails_after(line.id));
    let rows = lines.into_iter().map(|line| row(&app, &viewer, line)).collect();
    let shell = viewer.shell(&app, "Mails", IssueQuery::default());
    let newest = cursor.after.map(|_| urls::mails());
    Ok(html(&MailsPage { shell, rows, newest, older, smtp_configured: !matches!(app.mailer, Mailer::Kept), can_test: viewer.is_admin }))
}

/// `GET /mails/{id}`.
pub(super) async fn show(app: App, viewer: Viewer, Path(id): Path<i64>) -> Result<Response, HttpError> {
    let mail = visible(&app, &viewer, id).await?;
    let mut db = app.db.acquire().await.ours()?;
    let attempts = queries::attempts(&mut db, id).await.ours()?;
    let now = app.clock.now();
    let can_retry = retriable(&app).contains(&mail.line.status) && mail.line.kind != "test";
    Ok(html(&MailPage {
        shell: viewer.shell(&app, format!("Mail {id}"), IssueQuery::default()),
        mail: row(&app, &viewer, mail.line),
        message_id: mail.message_id,
        attempts: attempts.into_iter().map(|(at, result)| (When::new(at, now), result)).collect(),
        text: mail.text_body,
        has_html: !mail.html_body.is_empty(),
        can_retry,
    }))
}

/// `GET /mails/{id}/html`: the HTML body alone, under a policy that runs and loads nothing.
pub(super) async fn html_body(app: App, viewer: Viewer, Path(id): Path<i64>) -> Result<Response, HttpError> {
    let mail = visible(&app, &viewer, id).await?;
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, headers::MAIL_CSP)];
    Ok((headers, mail.html_body).into_response())
}

/// The mail, if the viewer sees its project.
pub(super) async fn visible(app: &App, viewer: &Viewer, id: i64) -> Result<Mail, HttpError> {
    let mut db = app.db.acquire().await.ours()?;
    let mail = queries::find(&mut db, id).await.ours()?;
    mail.filter(|mail| may_see(viewer, ProjectId(mail.line.project_id))).ok_or(HttpError::NotFound)
}

/// Those about Vedette itself are for administrators.
fn may_see(viewer: &Viewer, project: ProjectId) -> bool {
    if project == trouble::NO_PROJECT { viewer.is_admin } else { viewer.project_by_id(project).is_some() }
}

fn row(app: &App, viewer: &Viewer, line: MailLine) -> MailRow {
    let css = match line.status.as_str() {
        "sent" => "good",
        "failed" => "alarm",
        "skipped" => "regressed",
        _ => "calm",
    };
    let issue = line.issue_id.map(IssueId).and_then(|issue| {
        let project = viewer.project_by_id(ProjectId(line.project_id))?;
        Some(Link::new(issue.short_id(&project.short_prefix), urls::issue(issue)))
    });
    let why = match line.kind.as_str() {
        "regression" => "A resolved issue came back.",
        "spike" => "An issue has many more events than usual.",
        "surge" => "Many issues at once.",
        "events_stopped" => "Events stopped.",
        "trouble" => "Vedette itself is in trouble.",
        "limit_reached" => "A limit began to drop something.",
        "unignored" => "An issue is ignored no more.",
        "feedback" => "Somebody wrote.",
        "feedback_batch" => "People wrote: one mail for all that came within a short time.",
        "noisy_place" => "Many new issues from one place: one mail for all.",
        "untold_issues" => "Many new issues from one place.",
        "digest" => "What came within a few minutes of another mail.",
        "channel_failed" => "Nothing gets through to a channel of the project.",
        "test" => "Somebody tested the channel.",
        "limit_ended" => "A limit drops nothing any more.",
        _ => "A new issue.",
    };
    MailRow {
        id: line.id.to_string(),
        status: Badge::new(line.status, css),
        to: line.recipient,
        subject: line.subject,
        reason: format!("{why} {}", line.reason).trim_end().to_owned(),
        issue,
        at: When::new(line.created_at, app.clock.now()),
    }
}
