//! `/issues/{issue}/told` and `/account/told`: who was told of what, and why somebody was not.

use axum::response::Response;

use super::gather::{self, Told};
use super::rules::title;
use crate::accounts::{IssueId, OurFault as _, ProjectMember, Viewer};
use crate::platform::App;
use crate::web::pages::told::{ToldPage, ToldRow};
use crate::web::urls::{self, IssueQuery, MailQuery};
use crate::web::{Badge, HttpError, Link, Path, When, html};

/// Lines of a page.
const LINES: i64 = 200;

/// Who was told about an issue?
#[tracing::instrument(name = "alerts.told_of_issue", skip_all, fields(issue.id = %issue))]
pub(super) async fn of_issue(app: App, member: ProjectMember, Path(issue): Path<IssueId>) -> Result<Response, HttpError> {
    let told = gather::told_of_issue(&mut *app.db.acquire().await.ours()?, issue, LINES).await.ours()?;
    let short_id = issue.short_id(&member.project.short_prefix);
    let query = IssueQuery { project: member.project.slug.clone(), ..IssueQuery::default() };
    Ok(html(&ToldPage {
        shell: member.viewer.shell(&app, format!("Who was told? · {short_id}"), query),
        title: "Who was told about this?".to_owned(),
        mails: Link::new("Mails about it", MailQuery { issue: short_id.clone(), ..MailQuery::default() }.url()),
        back: Link::new(short_id, urls::issue(issue)),
        empty: "Nothing that people are told of has happened to this issue since Vedette keeps account of it.".to_owned(),
        rows: told.into_iter().map(|told| row(&app, &member.viewer, told)).collect(),
    }))
}

/// What was I told of, and why not of the rest?
#[tracing::instrument(name = "alerts.told_to_me", skip_all)]
pub(super) async fn to_me(app: App, viewer: Viewer) -> Result<Response, HttpError> {
    let projects: Vec<i32> = viewer.projects.iter().map(|project| project.id.0).collect();
    let told = gather::told_to(&mut *app.db.acquire().await.ours()?, viewer.user_id, &projects, LINES).await.ours()?;
    Ok(html(&ToldPage {
        shell: viewer.shell(&app, "What was I told?", IssueQuery::default()),
        back: Link::new("Account", urls::account()),
        title: "What was I told, and why not of the rest?".to_owned(),
        mails: Link::new("Mails to you", MailQuery { to: viewer.email.clone(), ..MailQuery::default() }.url()),
        empty: "Nothing that you would be told of has happened yet.".to_owned(),
        rows: told.into_iter().map(|told| row(&app, &viewer, told)).collect(),
    }))
}

fn row(app: &App, viewer: &Viewer, told: Told) -> ToldRow {
    let issue = told.issue.zip(viewer.project_by_id(told.project));
    let mail_status = told.mail_status.as_deref().unwrap_or_default();
    let (status, css) = match (told.status.as_str(), mail_status) {
        ("told", "sent") => ("sent", "good"),
        ("told", "failed") => ("failed", "alarm"),
        ("told", "queued") => ("under way", "calm"),
        ("told", "kept") => ("kept", "calm"),
        ("told", _) => ("told", "calm"),
        ("gathered", _) => ("waits", "calm"),
        _ => ("not told", "regressed"),
    };
    let reason = match (told.reason.is_empty(), told.said.unwrap_or_default()) {
        (true, said) => said,
        (false, _) => told.reason,
    };
    ToldRow {
        what: title(&told.kind),
        // The reason why somebody is not told names it.
        rule: if told.status == "dropped" { String::new() } else { told.rule },
        issue: issue.map(|(issue, project)| Link::new(issue.short_id(&project.short_prefix), urls::issue(issue))),
        at: When::new(told.noted_at, app.clock.now()),
        who: if told.who.is_empty() { "nobody".to_owned() } else { told.who },
        status: Badge::new(status, css),
        reason,
        mail: told.mail.map(urls::mail),
    }
}
