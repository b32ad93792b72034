//! `/mail-links/{token}`: what a link would do (GET), and doing it (POST).

use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::key;
use super::token::{Deed, Token};
use crate::accounts::{IssueId, OurFault as _, ProjectId, UserId, signed_in};
use crate::alerts::personal::{self, Subject};
use crate::alerts::queries::{facts, told_project};
use crate::issues;
use crate::issues::model::Triage;
use crate::issues::moving;
use crate::issues::snoozes::Until;
use crate::platform::App;
use crate::projects;
use crate::web::pages::mail_link::MailLinkPage;
use crate::web::{HttpError, Link, Path, html, html_with, urls};

/// What became of a link.
enum Opened {
    /// It may act on this issue, whose short id this is.
    Issue(Triage, Until, IssueId, String),
    /// It may stop mails of this project, whose name this is.
    Stop(ProjectId, Subject, String),
    /// It may do nothing any more; the page says why.
    Closed(StatusCode, MailLinkPage),
}

/// `GET /mail-links/{token}`.
#[tracing::instrument(name = "alerts.mail_link", skip_all)]
pub(in crate::alerts) async fn show(app: App, headers: HeaderMap, Path(text): Path<String>) -> Result<Response, HttpError> {
    let token = read(&app, &text).await?;
    let action = urls::mail_link(&text);
    let page = match open(&app, &headers, token).await? {
        Opened::Closed(status, page) => return Ok(html_with(status, &page)),
        Opened::Issue(triage, _, issue, name) => {
            let (title, button) = match triage {
                Triage::Resolve => (format!("Resolve {name}?"), "Resolve"),
                _ => (format!("Ignore {name} for a day?"), "Ignore for a day"),
            };
            let text = match triage {
                Triage::Resolve => "It is repaired, you say. Should it happen again, its members are told.",
                _ => "Until tomorrow at this time nobody is told of it. Then it is open again.",
            };
            MailLinkPage {
                title,
                text: text.to_owned(),
                action,
                button,
                link: Some(Link::new(format!("Look at {name} first"), urls::issue(issue))),
            }
        }
        Opened::Stop(_, subject, project) => MailLinkPage {
            title: format!("No more mails about {}?", subject.of_project(&project)),
            text: "Others who get them still do. You can switch them on again among your notifications.".to_owned(),
            action,
            button: "Stop these mails",
            link: Some(notifications()),
        },
    };
    Ok(html(&page))
}

/// `POST /mail-links/{token}`: from that page, or by a mail client's one click (RFC 8058), which shows nobody the answer.
#[tracing::instrument(name = "alerts.mail_link_act", skip_all)]
pub(in crate::alerts) async fn act(app: App, headers: HeaderMap, Path(text): Path<String>) -> Result<Response, HttpError> {
    let token = read(&app, &text).await?;
    let page = match open(&app, &headers, token).await? {
        Opened::Closed(status, page) => return Ok(html_with(status, &page)),
        Opened::Issue(triage, until, issue, name) => {
            let tally = issues::act(&app, token.user, (triage, until), &[issue]).await.ours()?;
            let title = tally.of_one(&name, (triage, until)).ok_or(HttpError::NotFound)?;
            MailLinkPage::told(title, Link::new(format!("Open {name}"), urls::issue(issue)))
        }
        Opened::Stop(project, subject, name) => {
            personal::stop(&mut *app.db.acquire().await.ours()?, token.user, (project, subject)).await.ours()?;
            MailLinkPage::told(format!("You get no more mails about {}.", subject.of_project(&name)), notifications())
        }
    };
    Ok(html(&page))
}

fn notifications() -> Link {
    Link::new("Your notifications", urls::account_notifications())
}

async fn read(app: &App, text: &str) -> Result<Token, HttpError> {
    let key = key::read(app, &mut *app.db.acquire().await.ours()?).await.ours()?;
    Token::open(text, &key).ok_or(HttpError::NotFound)
}

/// What the link may do now.
async fn open(app: &App, headers: &HeaderMap, token: Token) -> Result<Opened, HttpError> {
    if signed_in(app, headers).await?.is_some_and(|viewer| viewer != token.user) {
        let title = "This link was made for somebody else".to_owned();
        return Ok(Opened::Closed(StatusCode::FORBIDDEN, MailLinkPage::told(title, Link::new("Open Vedette", urls::home()))));
    }
    let mut db = app.db.acquire().await.ours()?;
    let project = match token.deed {
        Deed::Resolve(issue, _) | Deed::IgnoreDay(issue, _) => issue.project(),
        Deed::Stop(project, _) => project,
    };
    if let Deed::Stop(project, Subject::Weekly) = token.deed {
        return Ok(Opened::Stop(project, Subject::Weekly, String::new()));
    }
    if !is_recipient(&mut db, project, token.user).await.ours()? {
        let title = "You are not told of this project any more".to_owned();
        return Ok(Opened::Closed(StatusCode::FORBIDDEN, MailLinkPage::told(title, Link::new("Open Vedette", urls::home()))));
    }
    let (triage, issue, until) = match token.deed {
        Deed::Resolve(issue, until) => (Triage::Resolve, issue, until),
        Deed::IgnoreDay(issue, until) => (Triage::Ignore, issue, until),
        Deed::Stop(project, subject) => {
            let told = told_project(&mut db, project).await.ours()?.ok_or(HttpError::NotFound)?;
            return Ok(Opened::Stop(project, subject, told.project));
        }
    };
    let issue = moving::merged_into(&mut db, issue).await.ours()?.unwrap_or(issue);
    let facts = facts(&mut db, issue).await.ours()?.ok_or(HttpError::NotFound)?;
    let name = issue.short_id(&facts.short_prefix);
    let now = app.clock.now();
    if until <= now {
        let page = MailLinkPage::told("This link is too old to act".to_owned(), Link::new(format!("Open {name}"), urls::issue(issue)));
        return Ok(Opened::Closed(StatusCode::GONE, page));
    }
    let until = if triage == Triage::Ignore { Until::Time(now + chrono::TimeDelta::days(1)) } else { Until::Ever };
    Ok(Opened::Issue(triage, until, issue, name))
}

async fn is_recipient(db: &mut sqlx::PgConnection, project: ProjectId, user: UserId) -> sqlx::Result<bool> {
    Ok(projects::recipients(db, project).await?.iter().any(|(id, _)| *id == user))
}
