//! # Links in mails that act
//! **Promise.** A link in somebody's mail does one thing for that person, after they said yes on a page, without a session: resolve an issue, ignore it for a day,
//! stop such mails. It works for nobody who is signed in as somebody else, not after they left the project, and, where it acts on an issue, for [`LIFETIME`].
//! **How.** [`token`] signs what the link does; the key is a row that all processes share. The log keeps mails without these links (members of a project
//! read each other's mails there): what a mail says is an ordinary address, and [`Signed`] puts the person's own in its place when the mail goes out.
//! `List-Unsubscribe` with RFC 8058's one click is the same link. **When it breaks.** A link that is wrong leads nowhere; an old one leads to the issue.
//! **Not here.** What stopping means for later facts (`personal`).

mod key;
mod pages;
mod token;

use chrono::{DateTime, TimeDelta, Utc};

pub(super) use pages::{act, show};
use token::{Deed, Token};

use super::compose::mail_host;
use super::personal::Subject;
use super::queries::Mail;
use crate::accounts::{IssueId, ProjectId, UserId};
use crate::platform::App;
use crate::web::urls;

/// How long a link that acts on an issue works after its mail was made.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// What is put in place of the addresses that a mail says.
#[derive(Debug, Default)]
pub(super) struct Signed {
    places: Vec<(String, String)>,
    stop: Option<String>,
}

impl Signed {
    /// Of a mail.
    pub(super) async fn of(app: &App, mail: &Mail) -> sqlx::Result<Self> {
        let Some(user) = mail.line.user_id.map(UserId) else { return Ok(Self::default()) };
        let key = key::read(app, &mut *app.db.acquire().await?).await?;
        let project = ProjectId(mail.line.project_id);
        let address = |deed| app.absolute(&urls::mail_link(&Token { user, deed }.sign(&key)));
        let stop = Subject::of_mail(&mail.line.kind).map(|subject| address(Deed::Stop(project, subject)));
        let mut places: Vec<_> = stop.iter().map(|stop| (stop_place(app), stop.clone())).collect();
        if let Some(issue) = mail.line.issue_id.map(IssueId) {
            let until: DateTime<Utc> = mail.line.created_at + LIFETIME;
            let place = app.absolute(&urls::issue(issue));
            places.push((resolve_place(&place), address(Deed::Resolve(issue, until))));
            places.push((ignore_place(&place), address(Deed::IgnoreDay(issue, until))));
        }
        Ok(Self { places, stop })
    }

    /// A body with the person's own links.
    pub(super) fn put(&self, body: &str) -> String {
        self.places.iter().fold(body.to_owned(), |body, (place, address)| body.replace(place, address))
    }

    /// What mail clients make their button of.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let Some(stop) = &self.stop else { return Vec::new() };
        vec![("List-Unsubscribe", format!("<{stop}>")), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned())]
    }
}

/// The conversation of everything about an issue: a `Message-ID` that no mail has, which all of them answer.
pub(super) fn thread(app: &App, issue: IssueId) -> String {
    format!("<issue-{issue}@{}>", mail_host(app))
}

/// Where the log's copy of a mail leads whoever wants no more such mails.
pub(super) fn stop_place(app: &App) -> String {
    format!("{}#stop", app.absolute(&urls::account_notifications()))
}

/// The same for the button of an issue's page.
pub(super) fn resolve_place(issue: &str) -> String {
    format!("{issue}#resolve")
}

/// And for the other.
pub(super) fn ignore_place(issue: &str) -> String {
    format!("{issue}#ignore")
}
