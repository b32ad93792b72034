//! The delivery log: a list, one mail, and its HTML in a frame of its own.

use axum::response::{IntoResponse as _, Response};
use http::header;

use super::actions::retriable;
use super::queries::{self, Mail, MailLine, Wanted};
use super::trouble;
use crate::accounts::{IssueId, OurFault as _, ProjectId, Viewer};
use crate::issues::named_issue;
use crate::platform::App;
use crate::platform::mail::Mailer;
use crate::web::pages::mails::{MailPage, MailRow, MailsPage};
use crate::web::urls::{self, IssueQuery, MailQuery};
use crate::web::{Badge, HttpError, Link, Path, Query, When, headers, html};

/// Mails on a page.
const PAGE: i64 = 50;

/// `GET /mails`: the log of the viewer's projects, newest first, or what is looked for in it.
pub(super) async fn list(app: App, viewer: Viewer, Query(query): Query<MailQuery>) -> Result<Response, HttpError> {
    let query = query.bounded();
    let mut db = app.db.acquire().await.ours()?;
    let mut lines = match wanted(&viewer, &query) {
        Some(wanted) => queries::list(&mut db, &wanted, PAGE).await.ours()?,
        None => Vec::new(),
    };
    let has_more = lines.len() > PAGE as usize;
    lines.truncate(PAGE as usize);
    let older = lines.last().filter(|_| has_more).map(|line| query.after(line.id).url());
    let newest = Some(query.after("").url()).filter(|_| !query.after.is_empty());
    let rows = lines.into_iter().map(|line| row(&app, &viewer, line)).collect();
    let shell = viewer.shell(&app, "Mails", IssueQuery::default());
    let projects = viewer.projects.iter().map(|project| (project.slug.clone(), project.name.clone())).collect();
    let (smtp_configured, can_test) = (!matches!(app.mailer, Mailer::Kept), viewer.is_admin);
    Ok(html(&MailsPage { shell, query, projects, rows, newest, older, can_test, smtp_configured }))
}

/// What the query asks for, of what the viewer may see; nothing: there can be no such mail.
fn wanted(viewer: &Viewer, query: &MailQuery) -> Option<Wanted> {
    let own = viewer.is_admin.then_some(trouble::NO_PROJECT.0);
    let mut projects: Vec<i32> = viewer.projects.iter().map(|project| project.id.0).chain(own).collect();
    if !query.project.is_empty() {
        projects = vec![viewer.project(&query.project)?.id.0];
    }
    let issue = if query.issue.is_empty() { None } else { Some(named_issue(&query.issue, &viewer.projects)?) };
    Some(Wanted {
        projects,
        own: (query.project.is_empty() && query.issue.is_empty()).then_some(viewer.user_id.0),
        to: query.to.to_lowercase(),
        state: query.state.clone(),
        issue: issue.map(|issue| issue.0),
        before: query.after.parse().unwrap_or(i64::MAX),
    })
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
    mail.filter(|mail| may_see(viewer, &mail.line)).ok_or(HttpError::NotFound)
}

/// Those of no project are for administrators, and for whom they were made.
fn may_see(viewer: &Viewer, line: &MailLine) -> bool {
    let project = ProjectId(line.project_id);
    if project == trouble::NO_PROJECT {
        return viewer.is_admin || line.user_id == Some(viewer.user_id.0);
    }
    viewer.project_by_id(project).is_some()
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
        "weekly" => "Somebody's week.",
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
