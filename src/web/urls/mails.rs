//! The addresses of the delivery log.

use std::fmt::Display;

use serde::Deserialize;

use super::enc;
use crate::web::prefix;

/// The delivery log.
pub fn mails() -> String {
    prefix::add("/mails")
}
/// One mail.
pub fn mail(id: impl Display) -> String {
    prefix::add(&format!("/mails/{}", enc(id)))
}
/// The HTML body of one mail, for its frame.
pub fn mail_html(id: impl Display) -> String {
    prefix::add(&format!("/mails/{}/html", enc(id)))
}
/// POST: tries a failed mail again.
pub fn mail_again(id: impl Display) -> String {
    prefix::add(&format!("/mails/{}/again", enc(id)))
}
/// POST: sends a test mail to the administrator who asks.
pub fn mail_test() -> String {
    prefix::add("/mails/test")
}

/// Which mails the log shows: the query string of `/mails`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct MailQuery {
    /// Project slug; empty = all projects.
    pub project: String,
    /// A part of the recipient: an address, "Slack: Alerts"; empty = all.
    pub to: String,
    /// `sent`, `queued`, `failed`, `kept`, `skipped`, `replaced`; empty = all.
    pub state: String,
    /// "SHOP-41", or the issue's number; empty = all.
    pub issue: String,
    /// Where the page before ended.
    pub after: String,
}

impl MailQuery {
    /// Bytes of any part.
    const MAX_PART: usize = 256;

    /// The address of these mails.
    pub fn url(&self) -> String {
        let pairs = [("project", &self.project), ("to", &self.to), ("state", &self.state), ("issue", &self.issue), ("after", &self.after)];
        let query: Vec<String> = pairs.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{n}={}", enc(v))).collect();
        if query.is_empty() { mails() } else { format!("{}?{}", mails(), query.join("&")) }
    }

    /// The same without blanks around its parts, each no longer than anything that exists.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for part in [&mut self.project, &mut self.to, &mut self.state, &mut self.issue, &mut self.after] {
            part.truncate(part.floor_char_boundary(Self::MAX_PART));
            *part = part.trim().to_owned();
        }
        self
    }

    /// The same mails from that one on; from the newest, where it is empty.
    #[must_use]
    pub fn after(&self, cursor: impl Display) -> Self {
        Self { after: cursor.to_string(), ..self.clone() }
    }

    /// It asks for less than all.
    pub fn is_search(&self) -> bool {
        *self != Self { after: self.after.clone(), ..Self::default() }
    }
}
