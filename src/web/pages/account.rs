//! The account: password, and where it is signed in.

use askama::Template;

use crate::web::{
    FieldErrors, Page, Sample, Shell, When,
    page::{HOSTILE, sample_now},
    urls,
};

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// In addresses; not the token.
    pub id: String,
    /// "Firefox 140 on Linux" or the raw user agent.
    pub client: String,
    /// Last address seen.
    pub ip: String,
    /// Last used.
    pub last_seen: When,
    /// Signed in.
    pub created: When,
    /// The one that asks.
    pub current: bool,
}

impl SessionRow {
    fn end_href(&self) -> String {
        urls::session_end(&self.id)
    }
}

/// All that `templates/accounts/show.html` may print.
#[derive(Debug, Template)]
#[template(path = "accounts/show.html")]
pub struct AccountPage {
    /// Around it.
    pub shell: Shell,
    /// E-mail address.
    pub email: String,
    /// The newest first.
    pub sessions: Vec<SessionRow>,
    /// What was wrong.
    pub errors: FieldErrors,
}

impl Page for AccountPage {
    const NAME: &'static str = "account";

    fn samples() -> Vec<Sample<Self>> {
        let ago = |minutes| When::new(sample_now() - chrono::Duration::minutes(minutes), sample_now());
        let session = |client: &str, current| SessionRow {
            id: "3".to_owned(),
            client: client.to_owned(),
            ip: "203.0.113.9".to_owned(),
            last_seen: ago(1),
            created: ago(5000),
            current,
        };
        let page = |email: &str, sessions, errors| Self { shell: Shell::sample("Account"), email: email.to_owned(), sessions, errors };
        vec![
            Sample::new(
                "two-sessions",
                page(
                    "ana.kovac@example.org",
                    vec![session("Firefox 140 on Linux", true), session("Chrome 131 on Android", false)],
                    FieldErrors::default(),
                ),
            ),
            Sample::new("hostile", page(HOSTILE, vec![session(HOSTILE, false)], FieldErrors::default().with("current", HOSTILE))),
        ]
    }
}
