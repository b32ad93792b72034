//! `/issues/{issue}/told` and `/account/told`: who was told of what, and why somebody was not.

use axum::response::Response;
use serde::Deserialize;

use super::gather::{self, Before, Told};
use super::rules::title;
use crate::accounts::{IssueId, OurFault as _, ProjectMember, Viewer};
use crate::platform::App;
use crate::web::pages::told::{ToldPage, ToldRow};
use crate::web::urls::{self, IssueQuery, MailQuery};
use crate::web::{Badge, HttpError, Link, Path, Query, When, html};

/// Lines of a page.
const LINES: usize = 200;

/// Where the page before ended; what makes no sense begins anew.
#[derive(Debug, Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: String,
}

impl After {
    fn before(&self) -> Option<Before> {
        let mut parts = self.after.splitn(3, '.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

/// Before it stands everything.
const NEWEST: Before = (i64::MAX, 0, 0);

/// The lines of a page, and where older ones begin, out of one line more.
fn cut(mut told: Vec<Told>) -> (Vec<Told>, Option<String>) {
    let has_more = told.len() > LINES;
    told.truncate(LINES);
    let last = told.last().filter(|_| has_more).map(|last| format!("{}.{}.{}", last.fact, last.user, last.channel));
    (told, last)
}

/// Who was told about an issue?
#[tracing::instrument(name = "alerts.told_of_issue", skip_all, fields(issue.id = %issue))]
pub(super) async fn of_issue(
    app: App,
    member: ProjectMember,
    Path(issue): Path<IssueId>,
    Query(query): Query<After>,
) -> Result<Response, HttpError> {
    let before = query.before();
    let mut db = app.db.acquire().await.ours()?;
    let (told, last) = cut(gather::told_of_issue(&mut db, issue, before.unwrap_or(NEWEST), LINES as i64 + 1).await.ours()?);
    let short_id = issue.short_id(&member.project.short_prefix);
    let query = IssueQuery { project: member.project.slug.clone(), ..IssueQuery::default() };
    Ok(html(&ToldPage {
        shell: member.viewer.shell(&app, format!("Who was told? · {short_id}"), query),
        title: "Who was told about this?".to_owned(),
        mails: Link::new("Mails about it", MailQuery { issue: short_id.clone(), ..MailQuery::default() }.url()),
        back: Link::new(short_id, urls::issue(issue)),
        empty: "Nothing that people are told of has happened to this issue since Vedette keeps account of it.".to_owned(),
        newest: before.map(|_| urls::issue_told(issue)),
        older: last.map(|last| urls::after(&urls::issue_told(issue), last)),
        rows: told.into_iter().map(|told| row(&app, &member.viewer, told)).collect(),
    }))
}

/// What was I told of, and why not of the rest?
#[tracing::instrument(name = "alerts.told_to_me", skip_all)]
pub(super) async fn to_me(app: App, viewer: Viewer, Query(query): Query<After>) -> Result<Response, HttpError> {
    let projects: Vec<i32> = viewer.projects.iter().map(|project| project.id.0).collect();
    let before = query.before();
    let mut db = app.db.acquire().await.ours()?;
    let reader = (viewer.user_id, projects.as_slice());
    let (told, last) = cut(gather::told_to(&mut db, reader, before.unwrap_or(NEWEST), LINES as i64 + 1).await.ours()?);
    Ok(html(&ToldPage {
        shell: viewer.shell(&app, "What was I told?", IssueQuery::default()),
        back: Link::new("Account", urls::account()),
        title: "What was I told, and why not of the rest?".to_owned(),
        mails: Link::new("Mails to you", MailQuery { to: viewer.email.clone(), ..MailQuery::default() }.url()),
        empty: "Nothing that you would be told of has happened yet.".to_owned(),
        newest: before.map(|_| urls::account_told()),
        older: last.map(|last| urls::after(&urls::account_told(), last)),
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
