//! The delivery log, and one mail.

use askama::Template;

use crate::web::{
    Badge, Link, Page, Sample, Shell, When,
    page::{HOSTILE, sample_now},
    urls::{self, MailQuery},
};

/// One decision of the alert engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRow {
    /// In addresses.
    pub id: String,
    /// "sent" (good), "kept here: no SMTP server is set" (calm), "failed, next try in 4 min" (bad), "muted: the issue is ignored".
    pub status: Badge,
    /// Recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// "new issue", "regression".
    pub reason: String,
    /// The issue; nothing when it was deleted.
    pub issue: Option<Link>,
    /// Decided at.
    pub at: When,
}

impl MailsPage {
    fn states() -> [(&'static str, &'static str); 7] {
        [
            ("", "in any state"),
            ("sent", "sent"),
            ("queued", "under way"),
            ("failed", "failed"),
            ("kept", "kept here"),
            ("skipped", "skipped"),
            ("replaced", "replaced"),
        ]
    }
}

impl MailRow {
    fn href(&self) -> String {
        urls::mail(&self.id)
    }
}

/// All that `templates/mails/list.html` may print.
#[derive(Debug, Template)]
#[template(path = "mails/list.html")]
pub struct MailsPage {
    /// Around it.
    pub shell: Shell,
    /// What is looked for.
    pub query: MailQuery,
    /// The viewer's projects: slug and name.
    pub projects: Vec<(String, String)>,
    /// Newest first.
    pub rows: Vec<MailRow>,
    /// The first page, on all others.
    pub newest: Option<String>,
    /// The next page.
    pub older: Option<String>,
    /// The viewer may have a test mail sent.
    pub can_test: bool,
    /// Mails leave this machine; otherwise the page says that they are only kept here.
    pub smtp_configured: bool,
}

/// All that `templates/mails/show.html` may print.
#[derive(Debug, Template)]
#[template(path = "mails/show.html")]
pub struct MailPage {
    /// Around it.
    pub shell: Shell,
    /// Its line in the log.
    pub mail: MailRow,
    /// `Message-ID`; empty when nothing was composed.
    pub message_id: String,
    /// What happened, newest first: "14:06 refused: 451 try later".
    pub attempts: Vec<(When, String)>,
    /// The plain text body; empty when nothing was composed.
    pub text: String,
    /// It has an HTML body, as mails have.
    pub has_html: bool,
    /// It failed, or was kept and can be sent now.
    pub can_retry: bool,
}

impl MailPage {
    fn again_href(&self) -> String {
        urls::mail_again(&self.mail.id)
    }

    fn html_href(&self) -> String {
        urls::mail_html(&self.mail.id)
    }
}

fn sample_row(status: Badge, subject: &str, minutes: i64) -> MailRow {
    let at = When::new(sample_now() - chrono::Duration::minutes(minutes), sample_now());
    MailRow {
        id: "9".to_owned(),
        status,
        to: "ana.kovac@example.org".to_owned(),
        subject: subject.to_owned(),
        reason: "new issue".to_owned(),
        issue: Some(Link::new("SHOP-1842", urls::issue(1842))),
        at,
    }
}

fn hostile_row() -> MailRow {
    let h = || HOSTILE.to_owned();
    MailRow {
        id: h(),
        to: h(),
        subject: h(),
        reason: h(),
        issue: Some(Link::new(h(), urls::issue(h()))),
        ..sample_row(Badge::new(h(), "bad"), "", 1)
    }
}

impl Page for MailsPage {
    const NAME: &'static str = "mails";

    fn samples() -> Vec<Sample<Self>> {
        let page = |rows, smtp_configured| Self {
            shell: Shell::sample("Mail log"),
            query: MailQuery::default(),
            projects: vec![("shop".to_owned(), "shop-api".to_owned())],
            rows,
            newest: Some(urls::mails()),
            older: Some(MailQuery::default().after(9).url()),
            can_test: true,
            smtp_configured,
        };
        let rows = vec![
            sample_row(Badge::new("sent", "good"), "[shop-api] New: PaymentDeclined: card processor answered 503", 2),
            sample_row(Badge::new("failed, next try in 4 min", "bad"), "[shop-api] Back in 1.4.2: NullPointerException", 6),
            sample_row(Badge::new("muted: the issue is ignored", "calm"), "[shop-api] Back: TimeoutError", 90),
        ];
        vec![
            Sample::new("some", page(rows, true)),
            Sample::new("kept-here", page(vec![sample_row(Badge::new("kept here", "calm"), "[shop-api] New: KeyError", 1)], false)),
            Sample::new("none", Self { newest: None, older: None, ..page(vec![], false) }),
            Sample::new("none-found", Self { query: looked_for("ana@example.org"), newest: None, older: None, ..page(vec![], true) }),
            Sample::new(
                "hostile",
                Self {
                    query: looked_for(HOSTILE),
                    projects: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())],
                    ..page(vec![hostile_row()], true)
                },
            ),
        ]
    }
}

fn looked_for(text: &str) -> MailQuery {
    let text = || text.to_owned();
    MailQuery { project: text(), to: text(), state: "failed".to_owned(), issue: text(), after: String::new() }
}

impl Page for MailPage {
    const NAME: &'static str = "mail";

    fn samples() -> Vec<Sample<Self>> {
        let at = || When::new(sample_now(), sample_now());
        let page = |mail, text: &str| Self {
            shell: Shell::sample("Mail"),
            mail,
            message_id: "<issue-1842-new@errors.example>".to_owned(),
            attempts: vec![(at(), "accepted by mail.example: 250 OK".to_owned())],
            text: text.to_owned(),
            has_html: !text.is_empty(),
            can_retry: false,
        };
        let hostile = Self { message_id: HOSTILE.to_owned(), attempts: vec![(at(), HOSTILE.to_owned())], ..page(hostile_row(), HOSTILE) };
        let muted = Self {
            message_id: String::new(),
            attempts: vec![],
            ..page(sample_row(Badge::new("muted: the issue is ignored", "calm"), "", 4), "")
        };
        vec![
            Sample::new(
                "sent",
                page(
                    sample_row(Badge::new("sent", "good"), "[shop-api] New: PaymentDeclined", 2),
                    "PaymentDeclined\ncard processor answered 503",
                ),
            ),
            Sample::new("muted", muted),
            Sample::new(
                "channel",
                Self { has_html: false, ..page(sample_row(Badge::new("sent", "good"), "[shop-api] New: KeyError", 1), "New: KeyError") },
            ),
            Sample::new("failed", Self { can_retry: true, ..page(sample_row(Badge::new("failed", "alarm"), "", 4), "") }),
            Sample::new("hostile", hostile),
        ]
    }
}
