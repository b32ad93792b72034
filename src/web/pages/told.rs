//! Who was told of what.

use askama::Template;

use crate::web::{Badge, Link, Page, Sample, Shell, When, page::HOSTILE};

/// A fact, and what became of it for somebody.
#[derive(Debug, Clone)]
pub struct ToldRow {
    /// "New issue".
    pub what: String,
    /// Which.
    pub issue: Option<Link>,
    /// When it was noted.
    pub at: When,
    /// "mira@example.com", "nobody".
    pub who: String,
    /// "sent", "waits".
    pub status: Badge,
    /// Why, or what the mail server said; may be empty.
    pub reason: String,
    /// The rule that decided; may be empty.
    pub rule: String,
    /// The mail's page.
    pub mail: Option<String>,
}

/// All that `templates/mails/told.html` may print.
#[derive(Debug, Template)]
#[template(path = "mails/told.html")]
pub struct ToldPage {
    /// Around it.
    pub shell: Shell,
    /// Where one came from.
    pub back: Link,
    /// The question.
    pub title: String,
    /// The mails about it in the log.
    pub mails: Link,
    /// The answer where there are no rows.
    pub empty: String,
    /// The newest fact first.
    pub rows: Vec<ToldRow>,
    /// The first page, from a later one.
    pub newest: Option<String>,
    /// The next page.
    pub older: Option<String>,
}

impl Page for ToldPage {
    const NAME: &'static str = "told";

    fn samples() -> Vec<Sample<Self>> {
        let page = |rows| Self {
            shell: Shell::sample("Who was told?"),
            back: Link::new("SHOP-41", "/issues/41"),
            title: "Who was told about this?".to_owned(),
            mails: Link::new("Mails about it", "/mails?issue=SHOP-41"),
            empty: "Nothing has happened.".to_owned(),
            rows,
            newest: None,
            older: Some("/issues/41/told?after=7.1.0".to_owned()),
        };
        let row = |who: &str, status: &str, css, reason: &str, mail: Option<&str>| ToldRow {
            what: "New issue".to_owned(),
            issue: Some(Link::new("SHOP-41", "/issues/41")),
            at: When::unknown(),
            who: who.to_owned(),
            status: Badge::new(status, css),
            reason: reason.to_owned(),
            rule: if mail.is_none() { who.to_owned() } else { String::new() },
            mail: mail.map(str::to_owned),
        };
        let rows = vec![
            row("mira@example.com", "sent", "good", "250 2.0.0 Ok: queued as 4F2", Some("/mails/7")),
            row("ben@example.com", "waits", "calm", "Another mail had just gone out; this one comes with others at 14:36 UTC.", None),
            row("nobody", "not told", "regressed", "The project has no members, so nobody was told.", Some("/mails/8")),
        ];
        let hostile = vec![row(HOSTILE, HOSTILE, "calm", HOSTILE, None)];
        vec![
            Sample::new("rows", page(rows)),
            Sample::new("none", page(Vec::new())),
            Sample::new("hostile", Self { title: HOSTILE.to_owned(), ..page(hostile) }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_only_text() {
        crate::web::page::assert_inert::<ToldPage>();
    }
}
